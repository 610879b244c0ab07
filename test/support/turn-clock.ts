/** A clock for `Turns`: time is what work takes, and a turn ends when the test says so. */
export class TurnClock {
  #now = 0;
  #soon: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  soon(call: () => void): () => void {
    this.#soon.push(call);
    return () => {
      this.#soon = this.#soon.filter((one) => one !== call);
    };
  }

  /** Some work is done. */
  work(ms: number): void {
    this.#now += ms;
  }

  /** The next turn. Returns how long it took. */
  turn(): number {
    const began = this.#now;
    for (const call of this.#soon.splice(0)) call();
    return this.#now - began;
  }

  get isIdle(): boolean {
    return this.#soon.length === 0;
  }
}
