// A rate with a burst: so many a second, and so many at once after a pause.

export class TokenBucket {
  #tokens: number;
  #filledAt: number;
  readonly #capacity: number;
  readonly #rate: number;

  /** Fills with `rate` tokens a second up to `burst`, and begins full. */
  constructor(rate: number, now: number, burst = Math.max(1, rate)) {
    this.#rate = rate;
    this.#capacity = burst;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  tokens(now: number): number {
    this.#tokens = Math.min(this.#capacity, this.#tokens + ((now - this.#filledAt) / 1000) * this.#rate);
    this.#filledAt = now;
    return this.#tokens;
  }

  /** More may be taken than there are: the rest is owed. */
  take(count = 1): void {
    this.#tokens -= count;
  }

  isFull(now: number): boolean {
    return this.tokens(now) === this.#capacity;
  }

  /** Until there are so many. */
  msUntil(count: number, now: number): number {
    return Math.max(0, ((count - this.tokens(now)) * 1000) / this.#rate);
  }
}
