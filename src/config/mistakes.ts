// What becomes of a mistake in the configuration: the first one is thrown, or all of them are collected, for `understudy check`.
import { ConfigError } from '../errors.ts';

export interface Mistakes {
  /** What `work` gives, or after a mistake in it, if mistakes are collected, what `otherwise` gives. */
  attempt<T>(work: () => T, otherwise: () => T): T;
  /** The same of work that takes its time. */
  attemptLater<T>(work: () => Promise<T>, otherwise: () => T): Promise<T>;
}

export const THROWN: Mistakes = { attempt: (work) => work(), attemptLater: (work) => work() };

export class CollectedMistakes implements Mistakes {
  readonly all: ConfigError[] = [];

  attempt<T>(work: () => T, otherwise: () => T): T {
    try {
      return work();
    } catch (error) {
      this.add(error);
      return otherwise();
    }
  }

  async attemptLater<T>(work: () => Promise<T>, otherwise: () => T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.add(error);
      return otherwise();
    }
  }

  /** Throws what is no mistake of the configuration. */
  add(error: unknown): void {
    if (!(error instanceof ConfigError)) throw error;
    this.all.push(error);
  }
}
