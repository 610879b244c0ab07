// What fails for want of descriptors or memory may succeed a little later: other parts of the server, and other programs, give some back.
import { setTimeout } from 'node:timers/promises';
import { isScarcity } from '../errors.ts';

const WAITS_MS = [20, 50, 100, 250, 500, 1000, 2000];

/** Tries again for some four seconds, and throws what the last attempt threw. `wait`: for so many milliseconds. */
export async function withPatience<T>(
  attempt: () => Promise<T>,
  wait: (ms: number) => Promise<unknown> = setTimeout,
): Promise<T> {
  for (const ms of WAITS_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!isScarcity(error)) throw error;
      await wait(ms);
    }
  }
  return attempt();
}
