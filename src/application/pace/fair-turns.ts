// Turns at something that takes so many at a time: so many in all, so many of one (an address, an application), and the others wait.
// The next is the first that waits of the one that has the fewest under way.

export interface TurnLimits {
  readonly max: number;
  readonly maxOfOne: number;
}

interface Taker {
  underWay: number;
  readonly waiting: Set<() => void>;
}

export class FairTurns {
  readonly #limits: TurnLimits;
  readonly #takers = new Map<string, Taker>();
  #underWay = 0;
  #isStarting = false;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Calls `begin` now or later. The returned function gives the turn back, or takes its place in the queue away; once. */
  take(key: string, begin: () => void): () => void {
    const taker = this.#takers.get(key) ?? { underWay: 0, waiting: new Set() };
    this.#takers.set(key, taker);
    let hasBegun = false;
    let isOver = false;
    const start = () => {
      hasBegun = true;
      this.#underWay += 1;
      taker.underWay += 1;
      begin();
    };
    taker.waiting.add(start);
    this.#next();
    return () => {
      if (isOver) return;
      isOver = true;
      taker.waiting.delete(start);
      if (hasBegun) {
        this.#underWay -= 1;
        taker.underWay -= 1;
      }
      if (taker.underWay === 0 && taker.waiting.size === 0) this.#takers.delete(key);
      this.#next();
    };
  }

  /** Whether one more of that one has to wait. */
  isFull(key: string): boolean {
    const { max, maxOfOne } = this.#limits;
    return this.#underWay >= max || this.underWay(key) >= maxOfOne;
  }

  underWay(key: string): number {
    return this.#takers.get(key)?.underWay ?? 0;
  }

  get waitingCount(): number {
    let count = 0;
    for (const { waiting } of this.#takers.values()) count += waiting.size;
    return count;
  }

  /** Whether a turn that this one gave back would be for itself, or for another one that has fewer. */
  isWantedFrom(key: string): boolean {
    const { max, maxOfOne } = this.#limits;
    const own = this.underWay(key);
    for (const [other, { waiting, underWay }] of this.#takers) {
      if (waiting.size === 0) continue;
      if (other === key) return true;
      if (this.#underWay >= max && underWay < maxOfOne && underWay < own) return true;
    }
    return false;
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
    const { max, maxOfOne } = this.#limits;
    while (this.#underWay < max) {
      let best: Taker | undefined;
      for (const taker of this.#takers.values()) {
        if (taker.waiting.size === 0 || taker.underWay >= maxOfOne) continue;
        if (!best || taker.underWay < best.underWay) best = taker;
      }
      const [start] = best?.waiting ?? [];
      if (!best || !start) return;
      best.waiting.delete(start);
      start();
    }
  }
}
