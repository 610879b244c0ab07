// What comes to how much in a second: counters on one line of time, of which a second and the last ten are known.
//
// Counting is an addition. Only at the first count of a new second are the seconds before it put away.

const SECOND_MS = 1000;
const KEPT_SECONDS = 10;

/** A second. */
export interface Rate {
  /** Over the last whole second. */
  readonly oneSecond: number;
  /** Over the last ten, or as many as there were. */
  readonly tenSeconds: number;
}

export class Counter {
  /** In the second that is running. */
  count = 0;
  readonly #seconds = new Array<number>(KEPT_SECONDS).fill(0);
  #at = 0;
  #whole = 0;

  endSecond(): void {
    this.#at = (this.#at + 1) % KEPT_SECONDS;
    this.#seconds[this.#at] = this.count;
    this.count = 0;
    if (this.#whole < KEPT_SECONDS) this.#whole += 1;
  }

  reset(): void {
    this.count = 0;
    this.#seconds.fill(0);
    this.#whole = 0;
  }

  get oneSecond(): number {
    return this.#seconds[this.#at]!;
  }

  get rate(): Rate {
    let sum = 0;
    for (const one of this.#seconds) sum += one;
    return { oneSecond: this.oneSecond, tenSeconds: this.#whole === 0 ? 0 : sum / this.#whole };
  }
}

export class Rates {
  readonly #beforeSecondEnds: () => void;
  readonly #counters = new Set<Counter>();
  /** Undefined: nothing has been counted yet. */
  #beganMs: number | undefined;

  /** `beforeSecondEnds`: for what is counted elsewhere. */
  constructor(beforeSecondEnds: () => void) {
    this.#beforeSecondEnds = beforeSecondEnds;
  }

  counter(): Counter {
    const counter = new Counter();
    this.#counters.add(counter);
    return counter;
  }

  drop(counter: Counter): void {
    this.#counters.delete(counter);
  }

  /** Before anything is counted or read. */
  advance(nowMs: number): void {
    if (this.#beganMs === undefined) this.#beganMs = nowMs;
    else if (nowMs - this.#beganMs >= SECOND_MS) this.#endSeconds(nowMs);
  }

  reset(): void {
    this.#beganMs = undefined;
    for (const counter of this.#counters) counter.reset();
  }

  #endSeconds(nowMs: number): void {
    const seconds = Math.floor((nowMs - this.#beganMs!) / SECOND_MS);
    this.#beganMs! += seconds * SECOND_MS;
    this.#beforeSecondEnds();
    for (let i = Math.min(seconds, KEPT_SECONDS); i > 0; i -= 1)
      for (const counter of this.#counters) counter.endSecond();
  }
}
