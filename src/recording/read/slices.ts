// Computing that takes long, on the thread of the media: a little in each turn of the event loop.
import { setImmediate } from 'node:timers/promises';

/** Runs it to its end; at each `yield` everybody else comes first. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await setImmediate();
  }
}
