// Isolates that ended by their own doing, per instance: what keeps doing so is stopped until its files change.
import type { Clock } from '../application/clock.ts';

export const MAX_STRIKES = 3;
export const STRIKE_WINDOW_MS = 10 * 60_000;

export class Strikes {
  readonly #clock: Clock;
  #times: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(): void {
    this.#times = [...this.#recent(), this.#clock.now()];
  }

  get isOut(): boolean {
    return this.#recent().length >= MAX_STRIKES;
  }

  clear(): void {
    this.#times = [];
  }

  #recent(): number[] {
    const since = this.#clock.now() - STRIKE_WINDOW_MS;
    return this.#times.filter((at) => at > since);
  }
}
