// Who is connected to an application: in all, from one address, as one user. Over all of its instances.
import { isIPv6 } from 'node:net';
import type { ApplicationRows } from '../../config/schema/application.ts';

/** ResourceLimits of Application.xml. Undefined: any number. A client that has not logged in counts for no user. */
export type ConnectionShares = ApplicationRows['resourceLimits'];

export interface Occupant {
  readonly ip: string;
  /** Empty: it has not logged in. */
  readonly user: string;
}

export class Occupancy {
  #total = 0;
  readonly #addresses = new Map<string, number>();
  readonly #users = new Map<string, number>();

  /** What one more such client would be too many of, in words; undefined: there is room. */
  problem({ ip, user }: Occupant, shares: ConnectionShares): string | undefined {
    if (isReached(shares.maxConnections, this.#total)) return 'Too many clients of this application';
    if (isReached(shares.maxConnectionsPerAddress, this.#addresses.get(hostKey(ip))))
      return 'Too many clients of this address';
    if (user !== '' && isReached(shares.maxConnectionsPerUser, this.#users.get(user)))
      return 'Too many clients of this user';
    return undefined;
  }

  /** The returned function takes the client out again, once. */
  enter({ ip, user }: Occupant): () => void {
    const key = hostKey(ip);
    this.#add(1, key, user);
    let isIn = true;
    return () => {
      if (isIn) this.#add(-1, key, user);
      isIn = false;
    };
  }

  #add(count: number, address: string, user: string): void {
    this.#total += count;
    addTo(this.#addresses, address, count);
    if (user !== '') addTo(this.#users, user, count);
  }
}

export function isReached(limit: number | undefined, count = 0): boolean {
  return limit !== undefined && count >= limit;
}

/** An entry that has come to 0 is removed. */
export function addTo(counts: Map<string, number>, key: string, more: number): void {
  const count = (counts.get(key) ?? 0) + more;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** An IPv4 peer of a dual-stack socket is an IPv4 peer. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** Who has one IPv6 address has the other 2^64 of its network as well: they count as one. */
export function hostKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [bare = ''] = address.split('%');
  const [head = '', tail = ''] = bare.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  while (groups.length + after.length < 8) groups.push('0');
  return [...groups, ...after].slice(0, 4).join(':');
}
