// Bytes ⇄ text: base64 and UTF-8. A bare engine has neither.
import { ArrayBufferConstructor, apply, charCodeAt, fromCharCode, isView, Uint8 } from './primordials.ts';

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64_VALUES = new Uint8(128).fill(255);
for (let i = 0; i < BASE64.length; i++) BASE64_VALUES[charCodeAt(BASE64, i)] = i;

const PADDING = 61;
const REPLACEMENT = 0xfffd;
const CHUNK = 4096;

export function encodeBase64(bytes: Uint8Array): string {
  const out = new TextBuilder();
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const bits = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out.add(charCodeAt(BASE64, bits >> 18));
    out.add(charCodeAt(BASE64, (bits >> 12) & 63));
    out.add(left > 1 ? charCodeAt(BASE64, (bits >> 6) & 63) : PADDING);
    out.add(left > 2 ? charCodeAt(BASE64, bits & 63) : PADDING);
  }
  return out.finish();
}

/** A string out of code units, some thousand at a time: one by one a long text would be as many little strings. */
class TextBuilder {
  readonly #units = new Uint16Array(CHUNK);
  #length = 0;
  #text = '';

  add(unit: number): void {
    if (this.#length === CHUNK) this.#flush();
    this.#units[this.#length++] = unit;
  }
  finish(): string {
    this.#flush();
    return this.#text;
  }
  #flush(): void {
    const units = this.#length === CHUNK ? this.#units : this.#units.subarray(0, this.#length);
    this.#text += apply(fromCharCode, undefined, units as unknown as number[]);
    this.#length = 0;
  }
}

/** Forgives white space and missing padding, as `atob` does; undefined when it is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = new Uint8(((text.length * 3) >> 2) + 3);
  let length = 0;
  let bits = 0;
  let digits = 0;
  let padding = 0;
  for (let i = 0; i < text.length; i++) {
    const code = charCodeAt(text, i);
    if (code === 32 || code === 9 || code === 10 || code === 12 || code === 13) continue;
    if (code === PADDING) {
      padding += 1;
      continue;
    }
    const value = code < 128 ? BASE64_VALUES[code]! : 255;
    if (value === 255 || padding > 0) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    digits += 1;
    if (digits % 4 === 0) {
      bytes[length++] = bits >> 16;
      bytes[length++] = (bits >> 8) & 255;
      bytes[length++] = bits & 255;
    }
  }
  const rest = digits % 4;
  if (rest === 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 !== 0)) return undefined;
  if (rest === 2) bytes[length++] = (bits >> 4) & 255;
  if (rest === 3) {
    bytes[length++] = (bits >> 10) & 255;
    bytes[length++] = (bits >> 2) & 255;
  }
  return bytes.slice(0, length);
}

/** Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8(text.length * 3);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let code = charCodeAt(text, i);
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = i + 1 < text.length ? charCodeAt(text, i + 1) : 0;
      if (code <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i += 1;
      } else {
        code = REPLACEMENT;
      }
    }
    if (code < 0x80) {
      bytes[length++] = code;
      continue;
    }
    if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[length++] = 0xe0 | (code >> 12);
      } else {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 63);
      }
      bytes[length++] = 0x80 | ((code >> 6) & 63);
    }
    bytes[length++] = 0x80 | (code & 63);
  }
  return bytes.slice(0, length);
}

export interface Utf8Decoded {
  text: string;
  /** How many bytes at the end are the beginning of a character; they are not in `text`. */
  unfinished: number;
  /** Something had to be replaced by U+FFFD. */
  malformed: boolean;
}

/** As the Encoding Standard decodes: each maximal part of a wrong sequence is one U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): Utf8Decoded {
  const out = new TextBuilder();
  let malformed = false;
  let i = 0;
  while (i < bytes.length) {
    const first = bytes[i]!;
    if (first < 0x80) {
      out.add(first);
      i += 1;
      continue;
    }
    const size =
      first >= 0xc2 && first <= 0xdf
        ? 2
        : first >= 0xe0 && first <= 0xef
          ? 3
          : first >= 0xf0 && first <= 0xf4
            ? 4
            : 0;
    // The second byte of some sequences is limited further: no overlong forms, no surrogates, nothing over U+10FFFF.
    const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    let taken = 1;
    let code = size === 2 ? first & 31 : size === 3 ? first & 15 : first & 7;
    while (taken < size && i + taken < bytes.length) {
      const next = bytes[i + taken]!;
      if (next < (taken === 1 ? lowest : 0x80) || next > (taken === 1 ? highest : 0xbf)) break;
      code = (code << 6) | (next & 63);
      taken += 1;
    }
    if (taken < size && i + taken === bytes.length) {
      return { text: out.finish(), unfinished: taken, malformed };
    }
    if (size === 0 || taken < size) {
      out.add(REPLACEMENT);
      malformed = true;
    } else if (code >= 0x10000) {
      out.add(0xd7c0 + (code >> 10));
      out.add(0xdc00 | (code & 0x3ff));
    } else {
      out.add(code);
    }
    i += taken;
  }
  return { text: out.finish(), unfinished: 0, malformed };
}

/** The bytes of an ArrayBuffer or a view of one, not copied; undefined for anything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (isView(value)) return new Uint8(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBufferConstructor) return new Uint8(value);
  return undefined;
}
