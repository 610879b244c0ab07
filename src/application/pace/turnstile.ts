// Lets so many in at a time: first come first served for each party, and the parties in turn.

export class Turnstile {
  #free: number;
  /** By party; the one whose turn is next is the first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves with the way out, to be taken once. */
  async enter(party: string): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#wait(party, resolve));
    return () => this.#leave();
  }

  #wait(party: string, resolve: () => void): void {
    const queue = this.#waiting.get(party);
    if (queue) queue.push(resolve);
    else this.#waiting.set(party, [resolve]);
  }

  /** The place goes straight to the next one; the party that had its turn is the last then. */
  #leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free += 1;
      return;
    }
    const [party, queue] = next;
    this.#waiting.delete(party);
    const enter = queue.shift()!;
    if (queue.length > 0) this.#waiting.set(party, queue);
    enter();
  }
}
