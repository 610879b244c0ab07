// The samples of one track of an MP4, as columns: a film of hours has a million of them.

export interface Sample {
  /** Decoding time, by the track's clock. */
  dts: number;
  /** Presentation minus decoding time. */
  composition: number;
  /** Where its bytes are in the file. */
  at: number;
  size: number;
  isKey: boolean;
  /** Which of the track's descriptions it goes by, from 0 on. */
  description: number;
}

const FIRST_ROOM = 1024;
/** Of one sample, in all columns. */
const SAMPLE_BYTES = 30;

export class Samples {
  #room = FIRST_ROOM;
  #count = 0;
  #dts = new Float64Array(FIRST_ROOM);
  #compositions = new Int32Array(FIRST_ROOM);
  #places = new Float64Array(FIRST_ROOM);
  #sizes = new Uint32Array(FIRST_ROOM);
  /** Description × 2, and 1 for a keyframe. */
  #flags = new Uint16Array(FIRST_ROOM);
  /** Number of the keyframe at or before it, 1 for the first; 0: there is none. */
  #keys = new Uint32Array(FIRST_ROOM);
  /** Of all compositions. */
  leastComposition = 0;
  largestComposition = 0;
  readonly #reserve: (bytes: number) => void;

  /** `reserve`: is asked for memory before it is taken, and throws when there is none. */
  constructor(reserve: (bytes: number) => void = () => {}) {
    this.#reserve = reserve;
  }

  get count(): number {
    return this.#count;
  }

  add({ dts, composition, at, size, isKey, description }: Sample): void {
    const i = this.#count;
    if (i === this.#room) this.#makeRoom();
    this.#dts[i] = dts;
    this.#compositions[i] = composition;
    this.#places[i] = at;
    this.#sizes[i] = size;
    this.#flags[i] = description * 2 + (isKey ? 1 : 0);
    this.#keys[i] = isKey ? i + 1 : i > 0 ? this.#keys[i - 1]! : 0;
    if (composition < this.leastComposition) this.leastComposition = composition;
    if (composition > this.largestComposition) this.largestComposition = composition;
    this.#count += 1;
  }

  #makeRoom(): void {
    this.#reserve(this.#room * SAMPLE_BYTES);
    this.#room *= 2;
    this.#dts = enlarged(this.#dts, new Float64Array(this.#room));
    this.#compositions = enlarged(this.#compositions, new Int32Array(this.#room));
    this.#places = enlarged(this.#places, new Float64Array(this.#room));
    this.#sizes = enlarged(this.#sizes, new Uint32Array(this.#room));
    this.#flags = enlarged(this.#flags, new Uint16Array(this.#room));
    this.#keys = enlarged(this.#keys, new Uint32Array(this.#room));
  }

  dtsOf(i: number): number {
    return this.#dts[i]!;
  }

  compositionOf(i: number): number {
    return this.#compositions[i]!;
  }

  sizeOf(i: number): number {
    return this.#sizes[i]!;
  }

  /** The keyframe at or before it, else the first sample. */
  keyBefore(i: number): number {
    return Math.max(0, this.#keys[i]! - 1);
  }

  isKey(i: number): boolean {
    return (this.#flags[i]! & 1) === 1;
  }

  of(i: number): Sample {
    const flags = this.#flags[i]!;
    return {
      dts: this.#dts[i]!,
      composition: this.#compositions[i]!,
      at: this.#places[i]!,
      size: this.#sizes[i]!,
      isKey: (flags & 1) === 1,
      description: flags >>> 1,
    };
  }
}

function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
