// From a place to listen, as an operator writes it, to the addresses to bind.
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ConfigError } from '../../errors.ts';

/**
 * The literals that `host` stands for. Undefined, all of this machine: those of IPv4, and those of IPv6 when that is switched
 * on. A name: what it means here, IPv6 only when switched on. A literal of either family is what the operator has chosen.
 */
export async function addressesOf(host: string | undefined, ipv6: boolean): Promise<string[]> {
  if (host === undefined) return ipv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'];
  if (isIP(host)) return [withZoneName(host)];
  const found = await lookup(host, { all: true, family: ipv6 ? 0 : 4 }).catch((error: Error) => {
    throw new ConfigError('ERR_CONFIG_BIND', `cannot listen on ${host}: ${error.message}`, { cause: error });
  });
  return [...new Set(found.map(({ address }) => address))];
}

/** `fe80::1%3` → `fe80::1%eth0`: libuv takes a zone by its name, operators know it by its number as well. */
function withZoneName(address: string): string {
  const [bare = '', zone] = address.split('%', 2);
  if (zone === undefined || !isIPv6(address) || !/^\d+$/.test(zone)) return address;
  const named = Object.entries(networkInterfaces()).find(([, entries]) =>
    entries?.some(({ scopeid }) => scopeid === Number(zone)),
  );
  return named ? `${bare}%${named[0]}` : address;
}
