// URLSearchParams, as the URL Standard §6.2 has it.
import { decodeUtf8, encodeUtf8 } from '../core/bytes.ts';
import { append, expose, fromCharCode, removeAt, slice } from '../core/primordials.ts';

type Pair = [name: string, value: string];

const HEX = '0123456789ABCDEF';

/** Those of a URL: the query changes with them. */
let bind: (params: URLSearchParams, changed: (query: string) => void) => void;
let replace: (params: URLSearchParams, query: string) => void;

export function boundParams(query: string, changed: (query: string) => void): URLSearchParams {
  const params = new URLSearchParams();
  replace(params, query);
  bind(params, changed);
  return params;
}
/** The query has changed by itself. */
export function replaceParams(params: URLSearchParams, query: string): void {
  replace(params, query);
}

export class URLSearchParams {
  readonly #pairs: Pair[] = [];
  #changed: ((query: string) => void) | undefined;

  static {
    bind = (params, changed) => {
      params.#changed = changed;
    };
    replace = (params, query) => {
      params.#pairs.length = 0;
      parseForm(query, params.#pairs);
    };
  }

  constructor(init: unknown = '') {
    if (typeof init === 'object' && init !== null) {
      if (Symbol.iterator in init) {
        for (const pair of init as Iterable<Iterable<unknown>>) {
          const [name, value, ...more] = pair;
          if (value === undefined || more.length > 0)
            throw new TypeError('URLSearchParams takes pairs of name and value');
          this.#add(name, value);
        }
      } else {
        for (const name of Object.keys(init)) this.#add(name, (init as Record<string, unknown>)[name]);
      }
    } else {
      const text = `${init}`;
      parseForm(text[0] === '?' ? slice(text, 1) : text, this.#pairs);
    }
  }

  get size(): number {
    return this.#pairs.length;
  }
  append(name: unknown, value: unknown): void {
    this.#add(name, value);
    this.#changed?.(this.toString());
  }
  #add(name: unknown, value: unknown): void {
    append(this.#pairs, [`${name}`, `${value}`]);
  }
  delete(name: unknown, value?: unknown): void {
    for (let i = this.#pairs.length - 1; i >= 0; i--)
      if (this.#matches(i, name, value)) removeAt(this.#pairs, i);
    this.#changed?.(this.toString());
  }
  get(name: unknown): string | null {
    for (let i = 0; i < this.#pairs.length; i++) if (this.#matches(i, name)) return this.#pairs[i]![1];
    return null;
  }
  getAll(name: unknown): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.#pairs.length; i++)
      if (this.#matches(i, name)) append(values, this.#pairs[i]![1]);
    return values;
  }
  has(name: unknown, value?: unknown): boolean {
    for (let i = 0; i < this.#pairs.length; i++) if (this.#matches(i, name, value)) return true;
    return false;
  }
  set(name: unknown, value: unknown): void {
    let isSet = false;
    for (let i = 0; i < this.#pairs.length; i++) {
      if (!this.#matches(i, name)) continue;
      if (isSet) removeAt(this.#pairs, i--);
      else this.#pairs[i]![1] = `${value}`;
      isSet = true;
    }
    if (!isSet) this.#add(name, value);
    this.#changed?.(this.toString());
  }
  sort(): void {
    this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this.#changed?.(this.toString());
  }
  forEach(visit: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void {
    for (let i = 0; i < this.#pairs.length; i++)
      visit.call(self, this.#pairs[i]![1], this.#pairs[i]![0], this);
  }
  *entries(): Generator<Pair> {
    for (let i = 0; i < this.#pairs.length; i++) yield [this.#pairs[i]![0], this.#pairs[i]![1]];
  }
  *keys(): Generator<string> {
    for (let i = 0; i < this.#pairs.length; i++) yield this.#pairs[i]![0];
  }
  *values(): Generator<string> {
    for (let i = 0; i < this.#pairs.length; i++) yield this.#pairs[i]![1];
  }
  [Symbol.iterator](): Generator<Pair> {
    return this.entries();
  }
  toString(): string {
    let text = '';
    for (let i = 0; i < this.#pairs.length; i++) {
      text += `${i === 0 ? '' : '&'}${escapeForm(this.#pairs[i]![0])}=${escapeForm(this.#pairs[i]![1])}`;
    }
    return text;
  }
  get [Symbol.toStringTag](): string {
    return 'URLSearchParams';
  }

  #matches(index: number, name: unknown, value?: unknown): boolean {
    const pair = this.#pairs[index]!;
    return pair[0] === `${name}` && (value === undefined || pair[1] === `${value}`);
  }
}

function parseForm(query: string, pairs: Pair[]): void {
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : slice(part, 0, equals);
    append(pairs, [unescapeForm(name), equals < 0 ? '' : unescapeForm(slice(part, equals + 1))]);
  }
}

function unescapeForm(text: string): string {
  const bytes = encodeUtf8(text);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const escaped = bytes[i] === 37 ? hexByte(bytes[i + 1], bytes[i + 2]) : undefined;
    if (escaped !== undefined) i += 2;
    const byte = bytes[i]!;
    bytes[length++] = escaped ?? (byte === 43 ? 32 : byte);
  }
  const { text: decoded, unfinished } = decodeUtf8(bytes.subarray(0, length));
  return unfinished > 0 ? `${decoded}\ufffd` : decoded;
}

function hexByte(high: number | undefined, low: number | undefined): number | undefined {
  const a = hexDigit(high);
  const b = hexDigit(low);
  return a < 0 || b < 0 ? undefined : a * 16 + b;
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function escapeForm(text: string): string {
  const bytes = encodeUtf8(text);
  let escaped = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 32) escaped += '+';
    else if (isUnescaped(byte)) escaped += fromCharCode(byte);
    else escaped += `%${HEX[byte >> 4]}${HEX[byte & 15]}`;
  }
  return escaped;
}

/** `*`, `-`, `.`, digits, letters, `_`. */
function isUnescaped(byte: number): boolean {
  const isDigit = byte >= 48 && byte <= 57;
  const isLetter = (byte | 32) >= 97 && (byte | 32) <= 122;
  return isDigit || isLetter || byte === 42 || byte === 45 || byte === 46 || byte === 95;
}

export function defineUrlSearchParams(): void {
  expose('URLSearchParams', URLSearchParams);
}
