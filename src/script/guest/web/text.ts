// TextEncoder and TextDecoder (UTF-8 only), atob and btoa.
import { bytesOf, decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from '../core/bytes.ts';
import { namedError } from '../core/errors.ts';
import { charCodeAt, expose, fromCharCode, slice, toLowerCase, Uint8 } from '../core/primordials.ts';

const UTF8_LABELS = ['utf-8', 'utf8', 'unicode-1-1-utf-8'];
const BYTE_ORDER_MARK = 0xfeff;

class TextEncoder {
  get encoding(): string {
    return 'utf-8';
  }
  encode(text: unknown = ''): Uint8Array {
    return encodeUtf8(`${text}`);
  }
}

class TextDecoder {
  readonly #fatal: boolean;
  readonly #ignoreBOM: boolean;
  /** The beginning of a character whose rest comes with the next chunk. */
  #unfinished = new Uint8(0);
  #isFresh = true;

  constructor(label: unknown = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    const wanted = toLowerCase(`${label}`.trim());
    if (!UTF8_LABELS.includes(wanted)) throw new RangeError(`TextDecoder knows only utf-8, not ${wanted}`);
    this.#fatal = Boolean(options.fatal);
    this.#ignoreBOM = Boolean(options.ignoreBOM);
  }
  get encoding(): string {
    return 'utf-8';
  }
  get fatal(): boolean {
    return this.#fatal;
  }
  get ignoreBOM(): boolean {
    return this.#ignoreBOM;
  }

  decode(input?: unknown, options: { stream?: boolean } = {}): string {
    const chunk = input === undefined ? new Uint8(0) : bytesOf(input);
    if (chunk === undefined) throw new TypeError('TextDecoder.decode takes an ArrayBuffer or a view of one');
    const bytes = new Uint8(this.#unfinished.length + chunk.length);
    bytes.set(this.#unfinished);
    bytes.set(chunk, this.#unfinished.length);
    const { text, unfinished, malformed } = decodeUtf8(bytes);
    const isStream = Boolean(options.stream);
    if (this.#fatal && (malformed || (unfinished > 0 && !isStream))) {
      this.#restart();
      throw new TypeError('the bytes are not valid utf-8');
    }
    let decoded = unfinished > 0 && !isStream ? `${text}\ufffd` : text;
    if (this.#isFresh && !this.#ignoreBOM && charCodeAt(decoded, 0) === BYTE_ORDER_MARK)
      decoded = slice(decoded, 1);
    if (isStream) {
      this.#unfinished = bytes.slice(bytes.length - unfinished);
      this.#isFresh = this.#isFresh && text === '';
    } else {
      this.#restart();
    }
    return decoded;
  }

  #restart(): void {
    this.#unfinished = new Uint8(0);
    this.#isFresh = true;
  }
}

function btoa(text: unknown): string {
  const source = `${text}`;
  const bytes = new Uint8(source.length);
  for (let i = 0; i < source.length; i++) {
    const code = charCodeAt(source, i);
    if (code > 255) throw namedError('InvalidCharacterError', 'btoa: a character above U+00FF');
    bytes[i] = code;
  }
  return encodeBase64(bytes);
}

function atob(text: unknown): string {
  const bytes = decodeBase64(`${text}`);
  if (bytes === undefined) throw namedError('InvalidCharacterError', 'atob: not base64');
  let decoded = '';
  for (let i = 0; i < bytes.length; i++) decoded += fromCharCode(bytes[i]!);
  return decoded;
}

export function defineText(): void {
  expose('TextEncoder', TextEncoder);
  expose('TextDecoder', TextDecoder);
  expose('atob', atob);
  expose('btoa', btoa);
}
