// Time as a dependency: tests hand in one that they turn themselves.

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls once after `ms`; the returned function takes it back. */
  after(ms: number, call: () => void): () => void;
  /** Calls once when the events at hand have been dealt with; the returned function takes it back. */
  soon(call: () => void): () => void;
}

/** Resolves with the promise, or after `ms` without it. Rejects if it does. */
export async function atMost(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  try {
    await Promise.race([promise, over]);
  } finally {
    cancel();
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  soon(call) {
    const immediate = setImmediate(call);
    return () => clearImmediate(immediate);
  },
};
