// Which program of <Exec> is started next, and how many an application has. Starting one stops the thread of the media for some
// milliseconds, so programs start one after another, with pauses, and applications take turns.

export interface ProgramStartsOptions {
  /** Programs of one application at a time, in all its instances. */
  readonly maxPrograms: number;
  /** Calls once, after so many milliseconds. */
  after(ms: number, call: () => void): void;
}

/** Pause behind a start, as a multiple of the time that it took: programs start in a tenth of the thread's time at most. */
const PAUSE_FACTOR = 9;
const MIN_PAUSE_MS = 5;

export class ProgramStarts {
  readonly #options: ProgramStartsOptions;
  /** Programs that run, start or wait, by application. */
  readonly #programs = new Map<string, number>();
  /** By application; the one whose turn is next comes first. None of the lists is empty. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isPausing = false;

  constructor(options: ProgramStartsOptions) {
    this.#options = options;
  }

  /** A place among the programs of an application; undefined: there is none. The returned function gives it back, once. */
  enter(application: string): (() => void) | undefined {
    const programs = this.#programs.get(application) ?? 0;
    if (programs >= this.#options.maxPrograms) return undefined;
    this.#programs.set(application, programs + 1);
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      const left = this.#programs.get(application)! - 1;
      if (left > 0) this.#programs.set(application, left);
      else this.#programs.delete(application);
    };
  }

  /** Resolves when a program of that application may be started, which has to be told by `started`. */
  turn(application: string): Promise<void> {
    if (!this.#isPausing && this.#waiting.size === 0) {
      this.#isPausing = true;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const own = this.#waiting.get(application) ?? [];
      own.push(resolve);
      this.#waiting.set(application, own);
    });
  }

  /** The program whose turn it was has been started, in so many milliseconds, or not. */
  started(tookMs: number): void {
    this.#options.after(Math.max(MIN_PAUSE_MS, tookMs * PAUSE_FACTOR), () => this.#next());
  }

  #next(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#isPausing = false;
      return;
    }
    const [application, own] = next;
    const resolve = own.shift()!;
    this.#waiting.delete(application);
    if (own.length > 0) this.#waiting.set(application, own);
    resolve();
  }
}
