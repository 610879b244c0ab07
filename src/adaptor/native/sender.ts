// The way to the addon that sends the same bytes to many sockets (sender.c). It is made by `npm run native`; a server without
// it does the same through Node's sockets, at a higher price.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Offers `bytes` to the first `count` of `sockets`, which are file descriptors, without waiting. Into `results`: how many bytes
 * each took, or minus its errno. Returns how many of them did not take all.
 */
export type SendToAll = (
  bytes: Uint8Array,
  sockets: Int32Array,
  count: number,
  results: Int32Array,
) => number;

/** Where `npm run native` leaves it: in a folder of the package. */
export const ADDON = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'build',
  `sender-${process.platform}-${process.arch}.node`,
);

/** Undefined: there is none. Throws when there is one that cannot be used. */
export function loadSender(file = ADDON): SendToAll | undefined {
  if (!existsSync(file)) return undefined;
  const { send } = createRequire(import.meta.url)(file) as { send?: SendToAll };
  if (typeof send !== 'function') throw new Error(`${file} has no function send`);
  return send;
}
