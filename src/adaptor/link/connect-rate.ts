// How many connections a listener takes, and how fast: in all, and from one address. (FMS: MaxConnections, MaxConnectionRate.)

import { hostKey, isReached } from '../../application/pace/occupancy.ts';
import { TokenBucket } from '../../application/pace/token-bucket.ts';
import type { Clock } from '../../clock.ts';

/** Undefined: no limit. Rates are connections a second; a burst of one second's worth is within them. */
export interface ConnectLimits {
  maxConnections: number | undefined;
  maxConnectionsPerAddress: number | undefined;
  maxRate: number | undefined;
  maxRatePerAddress: number | undefined;
}

/** Why a connection was not taken. */
export type Refusal = keyof ConnectLimits;

/** Addresses are looked through for those that have nothing open and nothing owed. */
const SWEEP_EVERY = 1024;

interface Host {
  open: number;
  bucket: TokenBucket | undefined;
}

export class ConnectLimiter {
  readonly #limits: ConnectLimits;
  readonly #clock: Clock;
  readonly #hosts = new Map<string, Host>();
  readonly #bucket: TokenBucket | undefined;
  #open = 0;
  #untilSweep = SWEEP_EVERY;

  constructor(limits: ConnectLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#bucket = this.#bucketOf(limits.maxRate);
  }

  #bucketOf(rate: number | undefined): TokenBucket | undefined {
    return rate === undefined ? undefined : new TokenBucket(rate, this.#clock.now());
  }

  /** Counts a connection in, or says which limit is against it. The returned function counts it out, once. */
  admit(address: string): Refusal | (() => void) {
    const limits = this.#limits;
    const now = this.#clock.now();
    const key = hostKey(address);
    const host = this.#hosts.get(key) ?? { open: 0, bucket: this.#bucketOf(limits.maxRatePerAddress) };
    if (isReached(limits.maxConnections, this.#open)) return 'maxConnections';
    if (isReached(limits.maxConnectionsPerAddress, host.open)) return 'maxConnectionsPerAddress';
    // the address first: one that is too fast does not use up what there is for the others
    if (host.bucket && host.bucket.tokens(now) < 1) return 'maxRatePerAddress';
    if (this.#bucket && this.#bucket.tokens(now) < 1) return 'maxRate';
    host.bucket?.take();
    this.#bucket?.take();
    host.open += 1;
    this.#open += 1;
    this.#hosts.set(key, host);
    this.#sweepNowAndThen(now);
    let isCounted = true;
    return () => {
      if (!isCounted) return;
      isCounted = false;
      this.#open -= 1;
      host.open -= 1;
      if (this.#isForgettable(host, this.#clock.now())) this.#hosts.delete(key);
    };
  }

  /** Addresses that are remembered. */
  get hostCount(): number {
    return this.#hosts.size;
  }

  #isForgettable({ open, bucket }: Host, now: number): boolean {
    return open === 0 && (!bucket || bucket.isFull(now));
  }

  #sweepNowAndThen(now: number): void {
    this.#untilSweep -= 1;
    if (this.#untilSweep > 0) return;
    this.#untilSweep = SWEEP_EVERY;
    for (const [key, host] of this.#hosts) if (this.#isForgettable(host, now)) this.#hosts.delete(key);
  }
}
