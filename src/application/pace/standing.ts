// How a worker of turns.ts has behaved of late. What tells a publisher from a flood is not how much time it gets (of hundreds who
// flood each gets less), but that it finishes what it has: a flood always has more.

/** Work that was finished in so long is little: a read of an ordinary stream takes a tenth of it. */
const LITTLE_MS = 1;
/** Work that took so long is much, even if it was finished. */
const MUCH_MS = 2;
/** A second of an ordinary stream; more adds nothing, so that a long record is lost as fast as a short one. */
const MOST_MERIT = 64;
const LEAST_MERIT = -2;
/** Lost together with half of the rest: who is unknown is bad at the first time. */
const LOST_MERIT = 2.5;
/** Merit counts half as much after so long. */
const FADES_MS = 5_000;
/** Less is not reckoned: a publisher is read hundreds of times a second. */
const FADE_STEP_MS = 100;
/** Who has no more is unknown: to come in takes as much. */
const KNOWN_MERIT = 4;
/** Below it somebody is behind the unknown. */
const BAD_MERIT = -0.25;

/** Of those who have been cut off. The unknown have 0, and each doubling of merit is one more. */
export const BAD_RANK = -1;
/** Of MOST_MERIT. */
export const BEST_RANK = 1 + Math.log2(MOST_MERIT / KNOWN_MERIT);

export class Standing {
  #merit = 0;
  #fadedAt = 0;
  /** Of the work at hand. */
  #workMs = 0;

  /** A part of the work has been done: it took so long. */
  worked(ms: number): void {
    this.#workMs += ms;
  }

  /** All of it has been done. Who took long was interrupted perhaps, by the machine or the garbage collection: that is no flood. */
  finished(nowMs: number): void {
    const merit = this.#now(nowMs);
    if (this.#workMs <= LITTLE_MS) this.#merit = Math.min(MOST_MERIT, merit + 1);
    else if (this.#workMs >= MUCH_MS && merit > 0) this.#merit = merit / 2;
    this.#workMs = 0;
  }

  /** Its share is used up, and there is more. */
  cutOff(nowMs: number): void {
    this.#merit = Math.max(LEAST_MERIT, this.#now(nowMs) / 2 - LOST_MERIT);
    this.#workMs = MUCH_MS; // the end of it is no merit
  }

  rank(nowMs: number): number {
    const merit = this.#now(nowMs);
    if (merit < BAD_MERIT) return BAD_RANK;
    return merit < KNOWN_MERIT ? 0 : 1 + Math.floor(Math.log2(merit / KNOWN_MERIT));
  }

  #now(nowMs: number): number {
    const ageMs = nowMs - this.#fadedAt;
    if (ageMs >= FADE_STEP_MS) {
      this.#merit *= 2 ** (-ageMs / FADES_MS);
      this.#fadedAt = nowMs;
    }
    return this.#merit;
  }
}
