// Where to listen, as FMS writes it.
//
//   HostPort := [ addr ] [ ":" [ port *( "," port ) ] ]
//   port     := [ "-" ] 1*5DIGIT                       "-": TLS
//   addr     := IPv4 | name | "[" IPv6 [ "%" zone ] "]"
//
//   127.0.0.1:1935,80    :1935,-443    127.0.0.1    localhost:    [::1]:1935    [fe80::a%eth0]:0
import { isIPv4, isIPv6 } from 'node:net';
import { ConfigError } from '../errors.ts';

export interface ListenAddress {
  /** A name or a literal without brackets; undefined: all addresses of this machine. */
  host: string | undefined;
  /** 0: any that is free. */
  port: number;
  /** TLS. */
  secure: boolean;
}

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** One address for each port; `defaultPort` where the text names none. */
export function parseHostPort(text: string, defaultPort: number): ListenAddress[] {
  const { address, ports } = split(text.trim());
  const host = parseAddress(address);
  if (ports === '') return [{ host, port: defaultPort, secure: false }];
  const listens = ports.split(',').map((port) => ({ host, ...parsePort(port.trim()) }));
  const fixed = listens.map(({ port }) => port).filter((port) => port !== 0);
  const twice = fixed.find((port, index) => fixed.indexOf(port) !== index);
  if (twice !== undefined) throw problem(`port ${twice} is listed twice`);
  return listens;
}

function split(text: string): { address: string; ports: string } {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    const rest = text.slice(end + 1).trimStart();
    if (end < 0 || (rest !== '' && !rest.startsWith(':'))) throw problem(`expected [IPv6 address]:port`);
    return { address: text.slice(0, end + 1), ports: rest.slice(1).trim() };
  }
  const colon = text.indexOf(':');
  if (colon !== text.lastIndexOf(':')) throw problem('an IPv6 address needs brackets: [::1]:1935');
  if (colon < 0) return { address: text, ports: '' };
  return { address: text.slice(0, colon).trim(), ports: text.slice(colon + 1).trim() };
}

function parseAddress(address: string): string | undefined {
  if (address === '') return undefined;
  if (address.startsWith('[')) {
    const literal = address.slice(1, -1);
    const [ip = '', zone] = literal.split('%', 2);
    if (!isIPv6(ip)) throw problem(`${JSON.stringify(literal)} is not an IPv6 address`);
    if (zone !== undefined && !/^[\w.~-]+$/.test(zone))
      throw problem(`${JSON.stringify(zone)} is not an IPv6 zone`);
    return literal;
  }
  if (/^\d+$/.test(address)) throw problem(`a port alone needs a colon: ":${address}"`);
  if (/^[\d.]+$/.test(address) && !isIPv4(address))
    throw problem(`${JSON.stringify(address)} is not an IPv4 address`);
  if (!NAME.test(address)) throw problem(`${JSON.stringify(address)} is neither an address nor a host name`);
  return address;
}

function parsePort(text: string): { port: number; secure: boolean } {
  const match = /^(-?)(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535)
    throw problem(`${JSON.stringify(text)} is not a port: expected 0 to 65535, "-" before it for TLS`);
  return { port, secure: match[1] === '-' };
}

function problem(text: string): ConfigError {
  return new ConfigError('ERR_CONFIG_HOSTPORT', text);
}
