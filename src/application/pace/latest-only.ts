// What a peer may ask for again and again, each time in place of the time before: as many as the rate allows are done at once, and of
// those that have to wait only the last.
import type { Clock } from '../../clock.ts';
import { TokenBucket } from './token-bucket.ts';

export class LatestOnly {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #waiting: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  /** `rate`: a second. `burst`: at once, after a pause. */
  constructor(clock: Clock, { rate, burst }: { rate: number; burst: number }) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(rate, clock.now(), burst);
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Now, or when there is room again; never if another one comes before. */
  run(call: () => void): void {
    if (this.#waiting) {
      this.#waiting = call;
      return;
    }
    const now = this.#clock.now();
    if (this.#bucket.tokens(now) >= 1) {
      this.#bucket.take();
      call();
      return;
    }
    this.#waiting = call;
    this.#cancel = this.#clock.after(Math.ceil(this.#bucket.msUntil(1, now)), () => {
      const latest = this.#waiting;
      this.#waiting = undefined;
      this.#bucket.take();
      latest?.();
    });
  }

  /** What waits is never done. */
  close(): void {
    this.#cancel?.();
    this.#waiting = undefined;
  }
}
