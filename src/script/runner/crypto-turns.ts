// Shares of Node's threads for crypto.subtle. All instances of this process have the same four threads, and a call that has begun
// cannot be interrupted. So long calls never have all threads, applications take turns, and no application has every place of a lane.

export interface CryptoWork {
  readonly application: string;
  /** It may take more than some 20 ms. */
  readonly isLong: boolean;
  /** Never rejects. */
  run(): Promise<void>;
}

/** Calls at a time, of all instances and of one application. Two threads are left for short calls, whatever runs. */
const LONG = { running: 2, perApplication: 1 };
const SHORT = { running: 3, perApplication: 2 };

export class CryptoTurns {
  readonly #long = new Lane(LONG.running, LONG.perApplication);
  readonly #short = new Lane(SHORT.running, SHORT.perApplication);

  /** Begins it now or in its turn. */
  add(work: CryptoWork): void {
    (work.isLong ? this.#long : this.#short).add(work);
  }

  /** What has not begun never will. */
  remove(work: CryptoWork): void {
    (work.isLong ? this.#long : this.#short).remove(work);
  }
}

class Lane {
  readonly #maxRunning: number;
  readonly #maxPerApplication: number;
  /** By application; the one whose turn is next comes first. None of the sets is empty. */
  readonly #waiting = new Map<string, Set<CryptoWork>>();
  readonly #runningOf = new Map<string, number>();
  #running = 0;

  constructor(maxRunning: number, maxPerApplication: number) {
    this.#maxRunning = maxRunning;
    this.#maxPerApplication = maxPerApplication;
  }

  add(work: CryptoWork): void {
    const own = this.#waiting.get(work.application) ?? new Set();
    this.#waiting.set(work.application, own.add(work));
    this.#startNext();
  }

  remove(work: CryptoWork): void {
    const own = this.#waiting.get(work.application);
    if (own?.delete(work) && own.size === 0) this.#waiting.delete(work.application);
  }

  #startNext(): void {
    while (this.#running < this.#maxRunning) {
      const next = this.#next();
      if (!next) return;
      this.#start(next);
    }
  }

  #next(): CryptoWork | undefined {
    for (const [application, own] of this.#waiting) {
      if ((this.#runningOf.get(application) ?? 0) >= this.#maxPerApplication) continue;
      const [work] = own;
      this.remove(work!);
      this.#moveBack(application);
      return work;
    }
    return undefined;
  }

  #moveBack(application: string): void {
    const own = this.#waiting.get(application);
    if (!own) return;
    this.#waiting.delete(application);
    this.#waiting.set(application, own);
  }

  #start(work: CryptoWork): void {
    const { application } = work;
    this.#running += 1;
    this.#runningOf.set(application, (this.#runningOf.get(application) ?? 0) + 1);
    void work.run().then(() => {
      this.#running -= 1;
      const left = this.#runningOf.get(application)! - 1;
      if (left > 0) this.#runningOf.set(application, left);
      else this.#runningOf.delete(application);
      this.#startNext();
    });
  }
}
