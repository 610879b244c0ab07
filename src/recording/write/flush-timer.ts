// Says when what waits for the disk has waited long enough.
import type { Clock } from '../../clock.ts';

export class FlushTimer {
  readonly #clock: Clock;
  readonly #maxMs: number;
  readonly #flush: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, maxMs: number, flush: () => void) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#flush = flush;
  }

  /** Something waits; the first of it decides. */
  arm(): void {
    this.#cancel ??= this.#clock.after(this.#maxMs, () => {
      this.#cancel = undefined;
      this.#flush();
    });
  }

  /** Nothing waits any more. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
