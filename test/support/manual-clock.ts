import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test turns it. */
export class ManualClock implements Clock {
  #now = 0;
  #timers = new Set<{ at: number; call: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Due at the next turn, even one of 0 ms. */
  soon(call: () => void): () => void {
    return this.after(0, call);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Everything that falls due on the way is called at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.call();
    }
    this.#now = end;
  }
}
