// When a recording in segments begins its next file: after so many seconds of it, or with the clock on the wall.
import { partsOf } from '../../log/time.ts';

/** Timestamps are whole milliseconds of times that are not. */
const ROUNDING_MS = 2;
const HOUR_S = 3600;

export class Segments {
  readonly #segmentS: number | undefined;
  readonly #isAligned: boolean;
  /** When the file began, on the wall. */
  #beganAt = new Date(0);
  #boundaryMs = 0;

  /** `segmentS` undefined: there is one file. */
  constructor(segmentS: number | undefined, isAligned: boolean) {
    this.#segmentS = segmentS;
    this.#isAligned = isAligned;
  }

  get beganAt(): Date {
    return this.#beganAt;
  }

  /** A file begins. */
  begin(now: Date): void {
    this.#beganAt = now;
    if (this.#segmentS !== undefined && this.#isAligned) {
      this.#boundaryMs = boundaryAfter(now, this.#segmentS).getTime();
    }
  }

  /** `lengthMs`: of the file, up to the picture or sound that could begin the next one; `now`: when that came. */
  isOver(lengthMs: number, now: () => Date): boolean {
    if (this.#segmentS === undefined) return false;
    if (this.#isAligned) return now().getTime() >= this.#boundaryMs;
    return lengthMs >= this.#segmentS * 1000 - ROUNDING_MS;
  }
}

/** The next multiple of so many seconds from midnight on, local time. */
export function boundaryAfter(now: Date, segmentS: number): Date {
  const { hour, minute, second } = partsOf(now, 'local');
  const sinceMidnightS = (hour * 60 + minute) * 60 + second;
  const nextS = (Math.floor(sinceMidnightS / segmentS) + 1) * segmentS;
  if (segmentS <= HOUR_S) {
    // where the clocks are put back, an hour comes twice, and has its file each time
    const boundary = new Date(now.getTime() - now.getMilliseconds() + (nextS - sinceMidnightS) * 1000);
    const midnight = new Date(now);
    midnight.setHours(24, 0, 0, 0);
    return boundary < midnight ? boundary : midnight;
  }
  const boundary = new Date(now);
  boundary.setHours(0, 0, Math.min(nextS, 24 * HOUR_S), 0);
  return boundary;
}
