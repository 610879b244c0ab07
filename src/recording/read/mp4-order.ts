// The samples of a film in the order in which they are sent, as columns: a film of hours has a million of them.
import { DecodeError } from '../../errors.ts';
import type { Presented } from '../../media/mp4/mp4-presentation.ts';
import type { Reserve } from './index-memory.ts';
import { Keyframes } from './keyframes.ts';

const FIRST_ROOM = 1024;
/** Of one entry, in all columns. */
const ENTRY_BYTES = 13;
/** Edit lists may show the same samples again and again. */
const MAX_ENTRIES = 8_000_000;
const SEGMENT_BYTES = 256 << 10;
const SEGMENT_SAMPLES = 256;
const SOUND_STEP_MS = 1_000;

export interface Entry {
  /** Number of the track, 0 or 1, and of its sample. */
  readonly track: number;
  readonly sample: number;
  readonly timeMs: number;
  readonly compositionMs: number;
  readonly isHidden: boolean;
}

/** What a sample is, as far as its place is concerned. */
export interface SampleFacts {
  /** Playing can begin with it. */
  readonly isKey: boolean;
  /** Sound, in a film without pictures. */
  readonly isSound: boolean;
  readonly bytes: number;
}

export class Mp4Order {
  readonly keyframes: Keyframes;
  readonly #reserve: Reserve;
  #count = 0;
  /** Sample × 2 + track. */
  #samples = new Uint32Array(FIRST_ROOM);
  #times = new Uint32Array(FIRST_ROOM);
  #compositions = new Int32Array(FIRST_ROOM);
  #hidden = new Uint8Array(FIRST_ROOM);
  /** Where segments end. */
  readonly #cuts: number[] = [];
  #cutBytes = 0;
  #soundMs = Number.NEGATIVE_INFINITY;

  constructor(reserve: Reserve) {
    this.#reserve = reserve;
    this.keyframes = new Keyframes(reserve);
  }

  get count(): number {
    return this.#count;
  }

  /** `ms`: as it is sent. */
  add(track: number, { sample, compositionMs, isHidden }: Presented, ms: number, facts: SampleFacts): void {
    if (this.#count >= MAX_ENTRIES)
      throw new DecodeError('ERR_MP4_SAMPLES', `more than ${MAX_ENTRIES} samples`);
    if (this.#count === this.#samples.length) this.#makeRoom();
    const at = this.#count;
    const timeMs = wireTime(ms);
    this.#samples[at] = sample * 2 + track;
    this.#times[at] = timeMs;
    this.#compositions[at] = Math.round(compositionMs);
    this.#hidden[at] = isHidden ? 1 : 0;
    if (facts.isKey) this.keyframes.add(timeMs, at);
    else if (facts.isSound && timeMs - this.#soundMs >= SOUND_STEP_MS) {
      this.#soundMs = timeMs;
      this.keyframes.add(timeMs, at);
    }
    this.#count += 1;
    this.#cutBytes += facts.bytes;
    const inSegment = this.#count - (this.#cuts.at(-1) ?? 0);
    if (this.#cutBytes < SEGMENT_BYTES && inSegment < SEGMENT_SAMPLES) return;
    this.#cutBytes = 0;
    this.#cuts.push(this.#count);
  }

  #makeRoom(): void {
    this.#reserve(this.#count * ENTRY_BYTES);
    const room = this.#count * 2;
    this.#samples = enlarged(this.#samples, new Uint32Array(room));
    this.#times = enlarged(this.#times, new Uint32Array(room));
    this.#compositions = enlarged(this.#compositions, new Int32Array(room));
    this.#hidden = enlarged(this.#hidden, new Uint8Array(room));
  }

  of(at: number): Entry {
    const sample = this.#samples[at]!;
    return {
      ...{ track: sample & 1, sample: sample >>> 1, timeMs: this.#times[at]! },
      ...{ compositionMs: this.#compositions[at]!, isHidden: this.#hidden[at] === 1 },
    };
  }

  /** The place of the nearest sample of that track in that direction, `at` included; undefined: none is near. */
  near(track: number, at: number, step: 1 | -1): number | undefined {
    for (let i = at; i >= 0 && i < this.#count && Math.abs(i - at) < SEGMENT_SAMPLES; i += step) {
      if ((this.#samples[i]! & 1) === track) return i;
    }
    return undefined;
  }

  /** Where the segment ends in which that place is. */
  cutBehind(at: number): number {
    let low = 0;
    let high = this.#cuts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cuts[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return this.#cuts[low] ?? this.#count;
  }
}

function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Whole, and of 32 bits. */
function wireTime(ms: number): number {
  return Math.min(Math.max(0, Math.round(ms)), 0xffff_ffff);
}
