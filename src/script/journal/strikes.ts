// Scripts that end the hard way. An instance whose isolate keeps ending by its own doing is stopped; an application whose script
// keeps ending the whole process is quarantined, all instances of it: their names are the clients' to choose.
import type { Clock } from '../../clock.ts';

export const MAX_STRIKES = 3;
export const STRIKE_WINDOW_MS = 10 * 60_000;
/** Instances of an application that are remembered: those that ended last. */
export const MAX_STRUCK = 1000;

/** Of one instance. */
export interface Strikes {
  /** Its isolate has ended. */
  add(): void;
  /** The runner has ended, and it is to blame. */
  addRunner(): void;
  /** Why it may not be started any more; undefined: it may. */
  readonly verdict: string | undefined;
}

/** Of one application. It outlives its instances: coming back does not wipe the slate. */
export class StrikeBook {
  readonly #clock: Clock;
  readonly #onQuarantine: (why: string) => void;
  /** Only instances that have any: their names are the clients' to choose. The one whose last strike is the oldest is the first. */
  readonly #times = new Map<string, number[]>();
  #runnerTimes: number[] = [];
  #quarantine: string | undefined;

  /** `onQuarantine` is called once, until `clear`. */
  constructor(clock: Clock, onQuarantine: (why: string) => void) {
    this.#clock = clock;
    this.#onQuarantine = onQuarantine;
  }

  of(instance: string): Strikes {
    const book = this;
    return {
      add: () => this.#add(instance),
      addRunner: () => this.#addRunner(),
      get verdict() {
        if (book.#quarantine !== undefined) return 'the application is quarantined';
        return book.#verdictOf(instance);
      },
    };
  }

  /** Why nothing of the application may run; undefined: it may. */
  get quarantine(): string | undefined {
    return this.#quarantine;
  }

  /** Instances that may not be started any more. */
  get struck(): { instance: string; why: string }[] {
    return [...this.#times.keys()].flatMap((instance) => {
      const why = this.#verdictOf(instance);
      return why === undefined ? [] : [{ instance, why }];
    });
  }

  #add(instance: string): void {
    const times = [...this.#recent(this.#times.get(instance)), this.#clock.now()];
    this.#times.delete(instance);
    this.#times.set(instance, times);
    if (this.#times.size <= MAX_STRUCK) return;
    const [oldest] = this.#times.keys();
    this.#times.delete(oldest!);
  }

  /** Instances that are remembered. */
  get size(): number {
    return this.#times.size;
  }

  #verdictOf(instance: string): string | undefined {
    const isOut = this.#recent(this.#times.get(instance)).length >= MAX_STRIKES;
    return isOut ? `it has ended the hard way ${MAX_STRIKES} times ${WITHIN}` : undefined;
  }

  clear(): void {
    this.#times.clear();
    this.#runnerTimes = [];
    this.#quarantine = undefined;
  }

  #addRunner(): void {
    this.#runnerTimes = [...this.#recent(this.#runnerTimes), this.#clock.now()];
    if (this.#runnerTimes.length < MAX_STRIKES || this.#quarantine !== undefined) return;
    this.#quarantine = `its script has ended the script runner ${MAX_STRIKES} times ${WITHIN}`;
    this.#onQuarantine(this.#quarantine);
  }

  #recent(times: readonly number[] = []): number[] {
    const since = this.#clock.now() - STRIKE_WINDOW_MS;
    return times.filter((at) => at > since);
  }
}

const WITHIN = `within ${STRIKE_WINDOW_MS / 60_000} minutes`;
