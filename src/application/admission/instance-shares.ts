// How many instances run: in all, of one application, and of those that clients of one address have started; and how fast clients
// start them. Anybody who knows an application can make names up, and each name costs memory.
import type { LimitName } from '../../log/limits.ts';
import { addTo, hostKey, isReached } from '../pace/occupancy.ts';
import { TokenBucket } from '../pace/token-bucket.ts';

/** Undefined: any number. */
export interface InstanceLimits {
  readonly total: number | undefined;
  readonly perApplication: number | undefined;
  /** Running instances that clients of one address have started. */
  readonly perAddress: number | undefined;
  /** New ones a second from one address. */
  readonly ratePerAddress: number | undefined;
}

/** A burst has so many times the instances of a second: after a restart of the server all clients of a network come at once. */
export const BURST_S = 25;
/** Addresses that have started instances of late. Beyond it those that may start a whole burst again are forgotten, or the oldest. */
const MAX_ADDRESSES = 10_000;

/** A limit that is in the way of one more instance. */
export interface ReachedShare {
  readonly limit: LimitName;
  /** What there is too much of, for the client. */
  readonly problem: string;
  /** An instance that makes room when it ends. */
  counts(seat: Seat): boolean;
}

/** An instance that runs, as it is counted. */
export interface Seat {
  readonly application: string;
  /** Of the client that started it; undefined: the server or an administrator did. */
  readonly address: string | undefined;
}

export class InstanceShares {
  readonly #limits: InstanceLimits;
  readonly #seats = new Set<Seat>();
  readonly #ofApplications = new Map<string, number>();
  readonly #ofAddresses = new Map<string, number>();
  /** The address that came first is the first. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: InstanceLimits) {
    this.#limits = limits;
  }

  /** Undefined: there is room for one more. `ip`: of the client that wants it; undefined: no client does. */
  reached(application: string, ip: string | undefined): ReachedShare | undefined {
    const { total, perApplication, perAddress } = this.#limits;
    const address = ip === undefined ? undefined : hostKey(ip);
    if (address !== undefined && isReached(perAddress, this.#ofAddresses.get(address))) {
      return {
        limit: 'MaxAppInstancesPerAddress',
        problem: 'Too many application instances of this address',
        counts: (seat) => seat.address === address,
      };
    }
    if (isReached(perApplication, this.#ofApplications.get(application))) {
      return {
        limit: 'MaxAppInstancesPerApplication',
        problem: 'Too many instances of this application',
        counts: (seat) => seat.application === application,
      };
    }
    if (isReached(total, this.#seats.size)) {
      return { limit: 'MaxAppInstances', problem: 'Too many application instances', counts: () => true };
    }
    return undefined;
  }

  /** False: clients of that address have started too many of late. */
  mayStart(ip: string, now: number): boolean {
    const { ratePerAddress: rate } = this.#limits;
    if (rate === undefined) return true;
    const address = hostKey(ip);
    let bucket = this.#buckets.get(address);
    if (!bucket) {
      if (this.#buckets.size >= MAX_ADDRESSES) this.#forget(now);
      bucket = new TokenBucket(rate, now, rate * BURST_S);
      this.#buckets.set(address, bucket);
    }
    if (bucket.tokens(now) < 1) return false;
    bucket.take();
    return true;
  }

  #forget(now: number): void {
    for (const [address, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(address);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= MAX_ADDRESSES) this.#buckets.delete(oldest!);
  }

  /** Addresses that are remembered. */
  get addressCount(): number {
    return this.#buckets.size;
  }

  /** The returned function takes it out again, once. */
  enter(seat: Seat): () => void {
    this.#seats.add(seat);
    this.#add(seat, 1);
    return () => {
      if (this.#seats.delete(seat)) this.#add(seat, -1);
    };
  }

  #add({ application, address }: Seat, more: number): void {
    addTo(this.#ofApplications, application, more);
    if (address !== undefined) addTo(this.#ofAddresses, address, more);
  }
}
