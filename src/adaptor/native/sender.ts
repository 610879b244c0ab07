// The way to the addon that sends the same bytes to many sockets (sender.c), and sees to it that slow ones show. It is made by `npm run native`; a server without
// it does the same through Node's sockets, at a higher price.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export interface Sender {
  /**
   * Offers `bytes` to the first `count` of `sockets`, which are file descriptors, without waiting. Into `results`: how many
   * bytes each took, or minus its errno. Returns how many of them did not take all.
   */
  send(bytes: Uint8Array, sockets: Int32Array, count: number, results: Int32Array): number;
  /** From now on the socket takes no more once the system holds so much of its bytes unsent. Returns 0 or the errno. */
  limitUnsent(socket: number, bytes: number): number;
}

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
export function loadSender(file = ADDON): Sender | undefined {
  if (!existsSync(file)) return undefined;
  const sender = createRequire(import.meta.url)(file) as Partial<Sender>;
  if (!isWhole(sender)) throw new Error('another version built it: run `npm run native` again');
  return sender;
}

const isWhole = (sender: Partial<Sender>): sender is Sender =>
  typeof sender.send === 'function' && typeof sender.limitUnsent === 'function';
