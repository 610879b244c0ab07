// What a unit takes for the time: the machine's, or one that is held and moved by hand.

export interface UnitTime {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Calls when that time has come; the returned function takes it back. */
  at(dueMs: number, call: () => void): () => void;
}

export const machineTime: UnitTime = {
  now: () => performance.now(),
  at(dueMs, call) {
    const timer = setTimeout(call, Math.max(Math.ceil(dueMs - performance.now()), 0));
    return () => clearTimeout(timer);
  },
};

/** Nothing falls due by itself: whoever moves it looks what has. */
export class HeldTime implements UnitTime {
  #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  now(): number {
    return this.#ms;
  }

  at(): () => void {
    return () => {};
  }

  /** Never back. False: it stands there already. */
  moveTo(ms: number): boolean {
    if (ms <= this.#ms) return false;
    this.#ms = ms;
    return true;
  }
}
