// A port with few places that nobody can keep others out of: when all are taken, a newcomer gets the place of a connection that
// has been of no use for longest, of the address that has the most of those. So slow requests, idle connections and half requests
// cost their own address its places, and nobody else.
import { hostKey, plainAddress } from '../pace/occupancy.ts';

/**
 * Requests of one HTTP connection that have no answer yet; one more closes it. Node reads on while nothing is answered. No setting:
 * browsers and programs of administrators send one after the other, and tunnels number theirs.
 */
export const MAX_UNANSWERED = 16;

export interface Place {
  /** The connection is being served (true), or it may give its place away (false), as at first. */
  hold(isServed: boolean): void;
  /** A request has come; the returned function is called when it has been answered. Undefined: MAX_UNANSWERED are open. */
  ask(): (() => void) | undefined;
  leave(): void;
}

interface Taken {
  readonly address: string;
  readonly close: () => void;
  isServed: boolean;
}

/** Places of this machine itself that addresses from outside cannot take. */
const LOOPBACK_RESERVE = 16;

export class Places {
  readonly #max: number;
  /** The oldest first. */
  readonly #taken = new Set<Taken>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#taken.size;
  }

  /**
   * Undefined: every place is held. `close` is called if the place is given to somebody else; `onMadeRoom` with the address of
   * whoever had it.
   */
  enter(ip: string, close: () => void, onMadeRoom: (address: string) => void): Place | undefined {
    const address = addressKey(ip);
    if (this.#taken.size >= this.#max) {
      const idle = this.#mostUseless(address);
      if (!idle) return undefined;
      this.#taken.delete(idle);
      idle.close();
      onMadeRoom(idle.address);
    }
    const taken: Taken = { address, close, isServed: false };
    this.#taken.add(taken);
    let unanswered = 0;
    return {
      hold: (isServed) => {
        taken.isServed = isServed;
      },
      ask: () => {
        if (unanswered >= MAX_UNANSWERED) return undefined;
        unanswered += 1;
        return () => {
          unanswered -= 1;
        };
      },
      leave: () => void this.#taken.delete(taken),
    };
  }

  #mostUseless(newcomer: string): Taken | undefined {
    const counts = new Map([[newcomer, 1]]);
    for (const { address } of this.#taken) counts.set(address, (counts.get(address) ?? 0) + 1);
    let worst: Taken | undefined;
    let worstCount = 0;
    for (const taken of this.#taken) {
      const { address, isServed } = taken;
      const count = counts.get(address)! - (address === LOOPBACK ? LOOPBACK_RESERVE : 0);
      if (isServed || count <= worstCount) continue;
      worst = taken;
      worstCount = count;
    }
    return worst;
  }
}

const LOOPBACK = 'loopback';

function addressKey(ip: string): string {
  const plain = plainAddress(ip);
  return plain === '::1' || plain.startsWith('127.') ? LOOPBACK : hostKey(plain);
}
