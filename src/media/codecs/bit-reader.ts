import { DecodeError } from '../../errors.ts';

/** Reads most significant bits first; reading past the end is a DecodeError (`ERR_BITS_SHORT`). */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** Bits read so far. */
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  bit(): number {
    const byte = this.#bytes[this.#at >>> 3];
    if (byte === undefined) {
      throw new DecodeError('ERR_BITS_SHORT', `a bit wanted at bit ${this.#at}, there are no more`);
    }
    const bit = (byte >>> (7 - (this.#at & 7))) & 1;
    this.#at += 1;
    return bit;
  }

  flag(): boolean {
    return this.bit() === 1;
  }

  /** `count` bits, 32 at most. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) value = value * 2 + this.bit();
    return value;
  }

  skip(count: number): void {
    for (let i = 0; i < count; i += 1) this.bit();
  }

  /** Unsigned Exp-Golomb: n zeros, a one, n bits. H.264 §9.1. */
  ue(): number {
    let zeros = 0;
    while (!this.flag()) {
      zeros += 1;
      if (zeros > 31) throw new DecodeError('ERR_BITS_EXP_GOLOMB', 'an Exp-Golomb code of more than 32 bits');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Signed Exp-Golomb: 0, 1, −1, 2, −2 … H.264 §9.1.1. */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** Drops the 03 of each 00 00 03: it only keeps start codes out. H.264 §7.4.1, H.265 §7.4.2. */
export function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    out[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return out.subarray(0, length);
}
