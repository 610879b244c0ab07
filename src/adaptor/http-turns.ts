// Who may ask a web server: so many requests at a time, so many of them of one address, and the others in their turn. The next
// is the first that waits of the address that has the fewest under way.
import { hostKey } from '../application/occupancy.ts';

export interface TurnLimits {
  readonly maxRequests: number;
  readonly maxRequestsPerAddress: number;
}

interface Address {
  underWay: number;
  readonly waiting: Set<() => void>;
}

export class HttpTurns {
  readonly #limits: TurnLimits;
  readonly #addresses = new Map<string, Address>();
  #underWay = 0;
  #isStarting = false;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Calls `begin` now or later. The returned function gives the turn back, or takes the request out of the queue; once. */
  take(ip: string, begin: () => void): () => void {
    const key = hostKey(ip);
    const address = this.#addresses.get(key) ?? { underWay: 0, waiting: new Set() };
    this.#addresses.set(key, address);
    let hasBegun = false;
    let isOver = false;
    const start = () => {
      hasBegun = true;
      this.#underWay += 1;
      address.underWay += 1;
      begin();
    };
    address.waiting.add(start);
    this.#next();
    return () => {
      if (isOver) return;
      isOver = true;
      address.waiting.delete(start);
      if (hasBegun) {
        this.#underWay -= 1;
        address.underWay -= 1;
      }
      if (address.underWay === 0 && address.waiting.size === 0) this.#addresses.delete(key);
      this.#next();
    };
  }

  /** Whether one more request of that address has to wait. */
  isFull(ip: string): boolean {
    const { underWay = 0 } = this.#addresses.get(hostKey(ip)) ?? {};
    return this.#underWay >= this.#limits.maxRequests || underWay >= this.#limits.maxRequestsPerAddress;
  }

  #next(): void {
    if (this.#isStarting) return; // one that ends as it begins: the loop below goes on
    this.#isStarting = true;
    try {
      this.#startNext();
    } finally {
      this.#isStarting = false;
    }
  }

  #startNext(): void {
    const { maxRequests, maxRequestsPerAddress } = this.#limits;
    while (this.#underWay < maxRequests) {
      let best: Address | undefined;
      for (const address of this.#addresses.values()) {
        if (address.waiting.size === 0 || address.underWay >= maxRequestsPerAddress) continue;
        if (!best || address.underWay < best.underWay) best = address;
      }
      const [start] = best?.waiting ?? [];
      if (!best || !start) return;
      best.waiting.delete(start);
      start();
    }
  }
}
