// The names of an address. Whoever owns an address writes any name he likes into its reverse zone, so a name counts only
// when it leads back to the address.
import { lookup, reverse } from 'node:dns/promises';

/** What is asked of the system. */
export interface Resolver {
  reverse(address: string): Promise<string[]>;
  addressesOf(name: string): Promise<string[]>;
}

/** /etc/hosts counts both ways. */
export const systemResolver: Resolver = {
  reverse,
  addressesOf: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
};

/** Names of one address that are looked at: each costs a query, and the far end says how many there are. */
const MAX_NAMES = 4;

/** None when it has none, or they cannot be found out. */
export async function verifiedNames(address: string, resolver: Resolver): Promise<string[]> {
  const bare = address.replace(/%.*$/s, '');
  const claimed = await resolver.reverse(bare).catch(() => []);
  const names = await Promise.all(
    claimed.slice(0, MAX_NAMES).map(async (name) => {
      const found = await resolver.addressesOf(name).catch((): string[] => []);
      return found.includes(bare) ? name : undefined;
    }),
  );
  return names.filter((name) => name !== undefined);
}
