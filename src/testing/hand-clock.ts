// The time of an application under test: it stands still until the test moves it.
import type { Clock } from '../clock.ts';

export class HandClock implements Clock {
  #ms: number;
  readonly #timers = new Set<{ dueMs: number; call: () => void }>();

  /** Ms since 1970: what the server counts from, and what scripts take for the date. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  now(): number {
    return this.#ms;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { dueMs: this.#ms + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  soon(call: () => void): () => void {
    const immediate = setImmediate(call);
    return () => clearImmediate(immediate);
  }

  /** When the next of the server's own timers falls due; Infinity: there is none. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#timers) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  /** What falls due on the way is called, each at its own time. */
  moveTo(ms: number): void {
    for (let dueMs = this.nextMs; dueMs <= ms; dueMs = this.nextMs) {
      this.#ms = Math.max(this.#ms, dueMs);
      for (const timer of [...this.#timers]) {
        if (timer.dueMs === dueMs && this.#timers.delete(timer)) timer.call();
      }
    }
    this.#ms = Math.max(this.#ms, ms);
  }
}
