// Time as a dependency: tests hand in one that they turn themselves.

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls once after `ms`; the returned function takes it back. */
  after(ms: number, call: () => void): () => void;
  /** Calls once when the events at hand have been dealt with; the returned function takes it back. */
  soon(call: () => void): () => void;
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
