// A clock whose deadlines do not pass while somebody holds it: a person at a debugger takes as long as it takes.
import type { Clock } from '../../clock.ts';

export class HeldClock implements Clock {
  readonly #clock: Clock;
  #holds = 0;
  /** Deadlines that would have passed meanwhile: each starts anew. */
  readonly #late = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  soon(call: () => void): () => void {
    return this.#clock.soon(call);
  }

  after(ms: number, call: () => void): () => void {
    let cancel: () => void;
    const start = () => {
      cancel = this.#clock.after(ms, () => {
        if (this.#holds === 0) call();
        else this.#late.add(start);
      });
    };
    start();
    return () => {
      cancel();
      this.#late.delete(start);
    };
  }

  /** The returned function lets go; it may be called again. */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      const late = [...this.#late];
      this.#late.clear();
      for (const start of late) start();
    };
  }
}
