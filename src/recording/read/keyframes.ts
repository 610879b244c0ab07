// Where the keyframes of a file are: times and places, both in ascending order.
import { type Reserve, UNBOUNDED } from './index-memory.ts';

/** More than an hour of keyframes only at 1,000 pictures a second; a file cannot make it larger. */
const MAX_KEYFRAMES = 4_000_000;
const FIRST_ROOM = 256;
/** Of one keyframe. */
const KEYFRAME_BYTES = 16;

export interface Keyframe {
  timeMs: number;
  at: number;
}

export class Keyframes {
  #times = new Float64Array(FIRST_ROOM);
  #places = new Float64Array(FIRST_ROOM);
  #count = 0;
  readonly #reserve: Reserve;

  /** `reserve`: is asked for memory before it is taken. */
  constructor(reserve: Reserve = UNBOUNDED) {
    this.#reserve = reserve;
  }

  get count(): number {
    return this.#count;
  }
  get last(): Keyframe | undefined {
    return this.of(this.#count - 1);
  }

  /** One that does not come behind all that are there is left out. */
  add(timeMs: number, at: number): void {
    const { last } = this;
    if (this.#count >= MAX_KEYFRAMES || (last && (at <= last.at || timeMs < last.timeMs))) return;
    if (this.#count === this.#times.length) this.#makeRoom();
    this.#times[this.#count] = timeMs;
    this.#places[this.#count] = at;
    this.#count += 1;
  }

  /** As if none had been added. */
  clear(): void {
    this.#count = 0;
  }

  #makeRoom(): void {
    this.#reserve(this.#count * KEYFRAME_BYTES);
    const times = new Float64Array(this.#count * 2);
    const places = new Float64Array(this.#count * 2);
    times.set(this.#times);
    places.set(this.#places);
    this.#times = times;
    this.#places = places;
  }

  /** The last one at or before that time. */
  before(ms: number): Keyframe | undefined {
    return this.of(this.#countUntil(ms) - 1);
  }

  /** The first one at or behind that time. */
  from(ms: number): Keyframe | undefined {
    const before = this.#countUntil(ms);
    const last = this.of(before - 1);
    return last?.timeMs === ms ? last : this.of(before);
  }

  /** The number of the one that is there; undefined: none is. */
  indexAt(place: number): number | undefined {
    let low = 0;
    let high = this.#count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = this.#places[middle]!;
      if (at === place) return middle;
      if (at < place) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** How many are at or before that time. */
  #countUntil(ms: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle]! <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  of(index: number): Keyframe | undefined {
    if (index < 0 || index >= this.#count) return undefined;
    return { timeMs: this.#times[index]!, at: this.#places[index]! };
  }
}
