// Why a port cannot be opened, in words, and who holds it: the same for every port of the server.
import { isIPv6 } from 'node:net';
import { ConfigError } from '../../errors.ts';
import { holderOf } from './port-holder.ts';

export function bindError(error: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  return new ConfigError('ERR_CONFIG_BIND', whyNot(error, host, port), { cause: error });
}

/** `127.0.0.1:1935`, `[::1]:1935` */
export function formatPlace(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function whyNot(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = formatPlace(host, port);
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${where} is in use by ${holderOf(port) ?? 'another process'}`;
    case 'EACCES':
      return `this process may not bind ${where}: ports below 1024 need the capability CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${where}: this machine has no address ${host}`;
    case 'EAFNOSUPPORT':
      return `cannot listen on ${where}: this machine has no ${isIPv6(host) ? 'IPv6' : 'IPv4'}`;
    default:
      return `cannot listen on ${where}: ${error.message}`;
  }
}
