// Isolates that ended by their own doing: an instance whose script keeps doing so is stopped until its files change.
import type { Clock } from '../application/clock.ts';

export const MAX_STRIKES = 3;
export const STRIKE_WINDOW_MS = 10 * 60_000;

/** Of one instance. */
export interface Strikes {
  add(): void;
  readonly isOut: boolean;
}

/** Of one application. It outlives its instances: coming back does not wipe the slate. */
export class StrikeBook {
  readonly #clock: Clock;
  /** Only instances that have any: their names are the clients' to choose. */
  readonly #times = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(instance: string): Strikes {
    const book = this;
    return {
      add: () => this.#times.set(instance, [...this.#recent(instance), this.#clock.now()]),
      get isOut() {
        return book.#recent(instance).length >= MAX_STRIKES;
      },
    };
  }

  clear(): void {
    this.#times.clear();
  }

  #recent(instance: string): number[] {
    const since = this.#clock.now() - STRIKE_WINDOW_MS;
    return (this.#times.get(instance) ?? []).filter((at) => at > since);
  }
}
