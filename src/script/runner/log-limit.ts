// How much a script may write to the log: so many lines a second, with room for a burst.

const LINES_PER_SECOND = 200;
const BURST_LINES = 2000;

export class LogLimit {
  #left = BURST_LINES;
  #refilledMs = performance.now();
  #dropped = 0;

  /** Whether one more line may be written; if not, it is counted. */
  admit(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.#left + ((now - this.#refilledMs) / 1000) * LINES_PER_SECOND, BURST_LINES);
    this.#refilledMs = now;
    if (this.#left < 1) {
      this.#dropped += 1;
      return false;
    }
    this.#left -= 1;
    return true;
  }

  /** Lines dropped since the last time. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
