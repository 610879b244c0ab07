// A peer that writes without end.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The server has not taken any more for so long. */
const STALLED_MS = 300;
/** It is given so long to work on what it has. */
const WORK_MS = 1500;

const ATTACK_BYTES = 6 << 20;

/** Writes the same again and again, until the server takes no more of it for a while; what it has taken it then works on. */
export async function flood(socket: Socket, bytes: Uint8Array, total = ATTACK_BYTES): Promise<void> {
  socket.removeAllListeners('data').resume(); // whatever the server says
  const times = Math.max(1, Math.floor((64 << 10) / bytes.length));
  const piece = Buffer.concat(Array.from({ length: times }, () => bytes));
  for (let sent = 0; sent < total && socket.writable; sent += piece.length) {
    if (!socket.write(piece) && !(await drained(socket))) break;
  }
  await sleep(WORK_MS);
}

/** False: not for a while, or never. */
async function drained(socket: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const took = () => resolve(true);
  const closed = () => resolve(false);
  socket.once('drain', took).once('close', closed);
  const timer = setTimeout(closed, STALLED_MS);
  const isDrained = await promise;
  clearTimeout(timer);
  socket.off('drain', took).off('close', closed);
  return isDrained;
}
