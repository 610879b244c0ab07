// JSON as bytes, written piece by piece: how long it becomes is known before each piece is made, and refused beyond a bound.
import { CodedError } from '../../errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
/** Up to here a loop is faster than a call of the engine's. */
const SHORT_CHARACTERS = 24;

/** What is more than one byte in a JSON string, by byte of its UTF-8. */
const ESCAPES: readonly (Buffer | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const isPlain = byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH;
  return isPlain ? undefined : Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1));
});
const ESCAPED = Uint8Array.from(ESCAPES, (escaped) => escaped?.length ?? 1);
/** What needs an escape; a lone surrogate is U+FFFD in UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones
const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;

export class JsonBytes {
  readonly #maxBytes: number;
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far; the writer must not be used afterwards. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Text of ours: ASCII, and JSON as it is. */
  raw(text: string): void {
    const { length } = text;
    this.#reserve(length);
    if (length <= SHORT_CHARACTERS) {
      for (let i = 0; i < length; i += 1) this.#bytes[this.#length + i] = text.charCodeAt(i);
    } else this.#bytes.write(text, this.#length, 'latin1');
    this.#length += length;
  }

  base64(bytes: Uint8Array): void {
    const length = Math.ceil(bytes.length / 3) * 4;
    this.#reserve(length + 2);
    const { buffer, byteOffset, byteLength } = bytes;
    this.raw('"');
    this.#bytes.write(Buffer.from(buffer, byteOffset, byteLength).toString('base64'), this.#length, 'latin1');
    this.#length += length;
    this.raw('"');
  }

  /** A string with its quotes. */
  string(text: string): void {
    if (text.length > SHORT_CHARACTERS || !this.#shortString(text)) this.#longString(text);
  }

  /** False, and nothing written: it is not plain ASCII. */
  #shortString(text: string): boolean {
    const { length } = text;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code < FIRST_PRINTABLE || code > 0x7e || code === QUOTE || code === BACKSLASH) return false;
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
    return true;
  }

  #longString(text: string): void {
    this.#check(text.length + 2);
    const plain = Buffer.byteLength(text);
    this.#reserve(plain + 2);
    this.raw('"');
    const at = this.#length;
    this.#bytes.write(text, at, 'utf8');
    this.#length += plain;
    if (NEEDS_ESCAPE.test(text)) this.#escape(at);
    this.raw('"');
  }

  /** What has been written from `at` on, in place: from its end, so that nothing is written over before it was read. */
  #escape(at: number): void {
    let more = 0;
    for (let i = at; i < this.#length; i += 1) more += ESCAPED[this.#bytes[i]!]! - 1;
    this.#reserve(more + 1);
    const bytes = this.#bytes;
    let to = this.#length + more;
    for (let from = this.#length - 1; from >= at; from -= 1) {
      const byte = bytes[from]!;
      const escaped = ESCAPES[byte];
      if (escaped === undefined) bytes[--to] = byte;
      else for (let i = escaped.length - 1; i >= 0; i -= 1) bytes[--to] = escaped[i]!;
    }
    this.#length += more;
  }

  #check(more: number): void {
    if (this.#length + more > this.#maxBytes) {
      throw new CodedError('ERR_SCRIPT_VALUE', `more than ${this.#maxBytes} bytes for a script`);
    }
  }

  #reserve(more: number): void {
    this.#check(more);
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(bigger, 0, 0, this.#length);
    this.#bytes = bigger;
  }
}
