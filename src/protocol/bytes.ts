// The one place that checks bounds.
import { Buffer } from 'node:buffer';
import { DecodeError } from '../errors.ts';

/** What a text takes in UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** Reads big-endian values from a byte range; reading past its end is a DecodeError (`ERR_BYTES_SHORT`). */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** For texts: a TextDecoder needs a view on each of them. */
  readonly #texts: Buffer;
  offset = 0;
  /** Where the reader is, for the text of its error: `in the middle of a string`. Undefined: the error has the numbers. */
  place: string | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** Sets the place; chains. */
  at(place: string): this {
    this.place = place;
    return this;
  }

  /** Moves on by `n` bytes and returns where they begin. */
  #take(n: number): number {
    const at = this.offset;
    if (n > this.bytes.length - at) {
      throw new DecodeError(
        'ERR_BYTES_SHORT',
        this.place === undefined
          ? `${n} bytes wanted at offset ${at}, ${this.bytes.length - at} left`
          : `it ends ${this.place}`,
      );
    }
    this.offset = at + n;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  /** The next byte, which stays to be read. */
  peekU8(): number {
    const value = this.u8();
    this.offset -= 1;
    return value;
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }
  i16(): number {
    return this.#view.getInt16(this.#take(2));
  }
  u24(): number {
    const at = this.#take(3);
    return (this.#view.getUint16(at) << 8) | this.#view.getUint8(at + 2);
  }
  /** Signed 24 bits, as the composition time of AVC packets. */
  i24(): number {
    return (this.u24() << 8) >> 8;
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }
  u32le(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }
  /** A view on the next `n` bytes, not a copy. */
  take(n: number): Uint8Array {
    const at = this.#take(n);
    return this.bytes.subarray(at, at + n);
  }
  /** `n` bytes of UTF-8; malformed sequences become U+FFFD, as players do it. U+FEFF stays, so that what is relayed is what was sent. */
  utf8(n: number): string {
    const at = this.#take(n);
    return this.#texts.toString('utf8', at, at + n);
  }
}

/** Grows as it is written to. Chains; `done()` hands out what was written. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  /** For texts: a TextEncoder makes an array of each of them. */
  #texts: Buffer;
  length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
    this.#texts = Buffer.from(this.#bytes.buffer);
  }

  #grow(n: number): number {
    const at = this.length;
    if (at + n > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, at + n));
      bigger.set(this.#bytes.subarray(0, at));
      this.#bytes = bigger;
      this.#view = new DataView(bigger.buffer);
      this.#texts = Buffer.from(bigger.buffer);
    }
    this.length = at + n;
    return at;
  }

  u8(v: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, v);
    return this;
  }
  u16(v: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, v);
    return this;
  }
  i16(v: number): this {
    const at = this.#grow(2);
    this.#view.setInt16(at, v);
    return this;
  }
  u24(v: number): this {
    const at = this.#grow(3);
    this.#view.setUint16(at, v >>> 8);
    this.#view.setUint8(at + 2, v);
    return this;
  }
  u32(v: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, v);
    return this;
  }
  u32le(v: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, v, true);
    return this;
  }
  i32(v: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, v);
    return this;
  }
  f64(v: number): this {
    const at = this.#grow(8);
    this.#view.setFloat64(at, v);
    return this;
  }
  bytes(v: Uint8Array): this {
    const at = this.#grow(v.length);
    this.#bytes.set(v, at);
    return this;
  }
  /** `bytes`: what it takes. */
  utf8(v: string, bytes = utf8Bytes(v)): this {
    const at = this.#grow(bytes);
    this.#texts.write(v, at, bytes, 'utf8');
    return this;
  }
  /** What was written so far; the writer must not be used afterwards. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
