// How fast the body of a request, or of an answer, moves: what each side is allowed to keep the other one waiting, in milliseconds.
// Bytes earn time, waiting spends it. Looked at now and then, so nothing is counted for each chunk.

/** At the beginning, and the most that a burst of bytes earns: mobile networks stand still for seconds. */
const FIRST_MS = 2_000;
const MOST_MS = 10_000;

export class Patience {
  readonly #minBytesPerS: number;
  /** Below 0: it has been slower than the least rate for so long. */
  leftMs = FIRST_MS;
  #bytes = 0;

  /** `minBytesPerS`: 0 for no least rate. */
  constructor(minBytesPerS: number) {
    this.#minBytesPerS = minBytesPerS;
  }

  /** `bytes`: that have moved so far in all. `isOwed`: more are due. `ms`: since it was looked at last. */
  look(bytes: number, isOwed: boolean, ms: number): void {
    const moved = Math.max(0, bytes - this.#bytes);
    this.#bytes = Math.max(bytes, this.#bytes);
    if (this.#minBytesPerS === 0) return;
    const earnedMs = (moved / this.#minBytesPerS) * 1000;
    this.leftMs = Math.min(MOST_MS, this.leftMs + earnedMs - (isOwed ? ms : 0));
  }
}
