// Headers, as the Fetch Standard §5.1 has them.
import {
  append,
  charCodeAt,
  exec,
  expose,
  fromCharCode,
  removeAt,
  slice,
  toLowerCase,
} from '../core/primordials.ts';

type Pair = [name: string, value: string];

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export class Headers {
  /** Names in lower case, in the order of their arrival. */
  readonly #pairs: Pair[] = [];

  constructor(init?: unknown) {
    if (init === undefined || init === null) return;
    if (typeof init !== 'object') throw new TypeError('Headers takes an object, or pairs of name and value');
    if (Symbol.iterator in init) {
      for (const pair of init as Iterable<Iterable<unknown>>) {
        const [name, value, ...more] = pair;
        if (value === undefined || more.length > 0)
          throw new TypeError('Headers takes pairs of name and value');
        this.append(name, value);
      }
      return;
    }
    for (const name of Object.keys(init)) this.append(name, (init as Record<string, unknown>)[name]);
  }

  append(name: unknown, value: unknown): void {
    append(this.#pairs, [nameText(name), valueText(value)]);
  }
  delete(name: unknown): void {
    const wanted = nameText(name);
    for (let i = this.#pairs.length - 1; i >= 0; i--)
      if (this.#pairs[i]![0] === wanted) removeAt(this.#pairs, i);
  }
  /** Several of one name are one text, with commas. */
  get(name: unknown): string | null {
    const wanted = nameText(name);
    let text: string | null = null;
    for (let i = 0; i < this.#pairs.length; i++) {
      const [known, value] = this.#pairs[i]!;
      if (known === wanted) text = text === null ? value : `${text}, ${value}`;
    }
    return text;
  }
  getSetCookie(): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.#pairs.length; i++)
      if (this.#pairs[i]![0] === 'set-cookie') append(values, this.#pairs[i]![1]);
    return values;
  }
  has(name: unknown): boolean {
    return this.get(name) !== null;
  }
  set(name: unknown, value: unknown): void {
    const checked = valueText(value);
    this.delete(name);
    this.append(name, checked);
  }
  forEach(visit: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
    for (const [name, value] of this) visit.call(self, value, name, this);
  }
  /** By name; each cookie by itself. */
  *entries(): Generator<Pair> {
    const names: string[] = [];
    for (let i = 0; i < this.#pairs.length; i++)
      if (!names.includes(this.#pairs[i]![0])) append(names, this.#pairs[i]![0]);
    names.sort();
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name !== 'set-cookie') yield [name, this.get(name)!];
      else for (const cookie of this.getSetCookie()) yield [name, cookie];
    }
  }
  *keys(): Generator<string> {
    for (const [name] of this.entries()) yield name;
  }
  *values(): Generator<string> {
    for (const [, value] of this.entries()) yield value;
  }
  [Symbol.iterator](): Generator<Pair> {
    return this.entries();
  }
  get [Symbol.toStringTag](): string {
    return 'Headers';
  }
}

function nameText(name: unknown): string {
  const text = `${name}`;
  if (exec(NAME, text) === null) throw new TypeError(`Headers: ${text} is no name of a header`);
  return toLowerCase(text);
}

/** Without white space at its ends; what would end the header's line is refused. */
function valueText(value: unknown): string {
  const text = `${value}`;
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(charCodeAt(text, start))) start += 1;
  while (end > start && isSpace(charCodeAt(text, end - 1))) end -= 1;
  for (let i = start; i < end; i++) {
    const code = charCodeAt(text, i);
    if (code === 0 || code === 10 || code === 13 || code > 255) {
      throw new TypeError(`Headers: a value with the character ${quoted(code)}`);
    }
  }
  return slice(text, start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

function quoted(code: number): string {
  return code < 32 ? `U+00${code < 16 ? '0' : ''}${code.toString(16)}` : fromCharCode(code);
}

export function defineHeaders(): void {
  expose('Headers', Headers);
}
