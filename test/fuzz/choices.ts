// Decisions read from an input, so that a whole conversation is a handful of bytes like any other input: it can be
// mutated, shortened, and kept in the corpus.
export class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** No decisions are left; those that are still asked for are 0. */
  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }
  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** A whole number in 0 … `limit` − 1; one byte decides up to 256, two beyond. */
  below(limit: number): number {
    return (limit <= 0x100 ? this.u8() : this.u16()) % limit;
  }

  /** True once in `n` times, and never when the decisions have run out. */
  oneIn(n: number): boolean {
    return this.below(n) === n - 1;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** As many as are left, at most. */
  bytes(count: number): Uint8Array {
    const taken = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }
}
