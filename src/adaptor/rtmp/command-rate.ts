// How fast one client's commands are run. Over the rate the next one waits, and with it whatever the client sends behind it; a client
// that goes on like that is disconnected.

import { TokenBucket } from '../../application/pace/token-bucket.ts';
import type { Clock } from '../../clock.ts';

export interface CommandRateLimits {
  /** Commands a second. FMS has none. Undefined: any. */
  readonly maxCommandRate: number | undefined;
  /** How long a client may be over the rate. */
  readonly maxCommandWaitMs: number;
}

/** What may come at once, in seconds of the rate: players and encoders begin with a burst. */
const BURST_S = 2;

export interface CommandRateHost {
  /** The next command waits; `goOn` follows. */
  wait(): void;
  goOn(): void;
  /** It has been over the rate for too long. */
  exceeded(): void;
}

export class CommandRate {
  readonly #limits: CommandRateLimits;
  readonly #clock: Clock;
  readonly #host: CommandRateHost;
  readonly #bucket: TokenBucket | undefined;
  /** Since when there is no room for half a burst. */
  #overSince: number | undefined;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(limits: CommandRateLimits, clock: Clock, host: CommandRateHost) {
    this.#limits = limits;
    this.#clock = clock;
    this.#host = host;
    const { maxCommandRate: rate } = limits;
    if (rate !== undefined) this.#bucket = new TokenBucket(rate, clock.now(), rate * BURST_S);
  }

  /** One was run. `cost`: how many plain ones it counts as. */
  spent(cost: number): void {
    const bucket = this.#bucket;
    if (!bucket || this.#cancel || this.#isClosed) return;
    const { maxCommandRate: rate = 0, maxCommandWaitMs } = this.#limits;
    const now = this.#clock.now();
    if (bucket.tokens(now) >= (rate * BURST_S) / 2) this.#overSince = undefined;
    bucket.take(cost);
    if (bucket.tokens(now) >= 0) return;
    this.#overSince ??= now;
    if (now - this.#overSince >= maxCommandWaitMs) {
      this.#host.exceeded();
      return;
    }
    this.#host.wait();
    this.#cancel = this.#clock.after(bucket.msUntil(1, now), () => {
      this.#cancel = undefined;
      this.#host.goOn();
    });
  }

  /** Nobody waits any more: not for the command either that has ended the connection. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }
}
