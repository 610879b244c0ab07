// The names of an address. Whoever owns an address writes any name he likes into its reverse zone, so a name counts only
// when it leads back to the address.
import { lookup, reverse } from 'node:dns/promises';

/** Names of one address that are looked at: each costs a query, and the far end says how many there are. */
const MAX_NAMES = 4;

export async function verifiedNames(address: string): Promise<string[]> {
  const bare = address.replace(/%.*$/s, '');
  const claimed = await reverse(bare).catch(() => []);
  const names = await Promise.all(
    claimed.slice(0, MAX_NAMES).map(async (name) => {
      const found = await lookup(name, { all: true }).catch(() => []);
      return found.some((one) => one.address === bare) ? name : undefined;
    }),
  );
  return names.filter((name) => name !== undefined);
}
