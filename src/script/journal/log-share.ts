// What all instances of one application may write to the logs: each instance has a rate of its own, and clients start instances.

import { TokenBucket } from '../../application/pace/token-bucket.ts';
import type { Clock } from '../../clock.ts';

/** Seconds of its rate that an application may use at once. */
const BURST_SECONDS = 10;
/** Time, status and names in front of a text. */
const LINE_BYTES = 200;

export class LogShare {
  readonly #clock: Clock;
  /** Apart, so that no flood of lines hides an error. */
  readonly #lines: TokenBucket;
  readonly #errors: TokenBucket;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#clock = clock;
    const now = clock.now();
    this.#lines = new TokenBucket(bytesPerSecond, now, bytesPerSecond * BURST_SECONDS);
    this.#errors = new TokenBucket(bytesPerSecond, now, bytesPerSecond * BURST_SECONDS);
  }

  /** False: it is to be dropped. */
  admitsLine(characters: number): boolean {
    return this.#admits(this.#lines, characters);
  }

  admitsError(characters: number): boolean {
    return this.#admits(this.#errors, characters);
  }

  #admits(bucket: TokenBucket, characters: number): boolean {
    const size = characters + LINE_BYTES;
    if (bucket.tokens(this.#clock.now()) < size) return false;
    bucket.take(size);
    return true;
  }
}
