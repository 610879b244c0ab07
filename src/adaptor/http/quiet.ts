// An idle timeout over several streams: it ends when none of them has had data for a while.
import type { Clock } from '../../clock.ts';

export class Quiet {
  isOver = false;
  readonly #clock: Clock;
  #lastAt: number;
  #cancel = () => {};

  constructor(ms: number, clock: Clock, onQuiet: () => void) {
    this.#clock = clock;
    this.#lastAt = clock.now();
    const watch = (forMs: number) => {
      this.#cancel = clock.after(forMs, () => {
        const leftMs = this.#lastAt + ms - clock.now();
        if (leftMs > 0) watch(leftMs);
        else {
          this.isOver = true;
          onQuiet();
        }
      });
    };
    watch(ms);
  }

  /** Data has come. */
  heard(): void {
    this.#lastAt = this.#clock.now();
  }

  stop(): void {
    this.isOver = true;
    this.#cancel();
  }
}
