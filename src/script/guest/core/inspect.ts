// Any value as text for a log line. Runs no getters of scripts, never throws.
import { GUEST_FILENAME } from '../../wire/wire.ts';
import {
  append,
  apply,
  charCodeAt,
  DateConstructor,
  dateTime,
  ErrorConstructor,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  indexOf,
  isArray,
  keys,
  MapConstructor,
  mapEach,
  mapSize,
  ObjectPrototype,
  quote,
  SetConstructor,
  setEach,
  slice,
} from './primordials.ts';

const MAX_DEPTH = 4;
const MAX_ITEMS = 50;
const NEWLINE = 10;

/** A string is itself here, and quoted inside other values. */
export function formatValue(value: unknown, maxCharacters: number): string {
  try {
    const text = typeof value === 'string' ? value : new Formatter(maxCharacters).format(value, 0);
    return cut(text, maxCharacters);
  } catch {
    return '<unprintable>';
  }
}

/** All of them on one line, as `console.log` has it. */
export function formatLine(values: readonly unknown[], maxCharacters: number): string {
  let text = '';
  for (let i = 0; i < values.length && text.length < maxCharacters; i++) {
    text += `${i === 0 ? '' : ' '}${formatValue(values[i], maxCharacters)}`;
  }
  return cut(text, maxCharacters);
}

export function cut(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : `${slice(text, 0, maxCharacters - 1)}…`;
}

class Formatter {
  #left: number;
  readonly #above: object[] = [];

  constructor(maxCharacters: number) {
    this.#left = maxCharacters;
  }

  format(value: unknown, depth: number): string {
    if (this.#left <= 0) return '…';
    const text = this.#text(value, depth);
    this.#left -= text.length;
    return text;
  }

  #text(value: unknown, depth: number): string {
    if (typeof value === 'string') return quote(cut(value, this.#left));
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol') return String(value);
    if (typeof value === 'function') return functionText(value);
    if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : `${value}`;
    if (value instanceof ErrorConstructor) return errorText(value);
    if (value instanceof DateConstructor) return dateText(value);
    for (let i = 0; i < this.#above.length; i++) if (this.#above[i] === value) return '[Circular]';
    if (depth >= MAX_DEPTH) return isArray(value) ? '[Array]' : '[Object]';
    append(this.#above, value);
    const text = this.#container(value, depth + 1);
    this.#above.length -= 1;
    return text;
  }

  #container(value: object, depth: number): string {
    const parts: string[] = [];
    if (isArray(value)) {
      for (let i = 0; i < value.length && i < MAX_ITEMS; i++)
        append(parts, this.#member(value, `${i}`, depth));
      return `[${listText(parts, value.length)}]`;
    }
    if (value instanceof MapConstructor) {
      mapEach(value, (item, key) => {
        if (parts.length < MAX_ITEMS)
          append(parts, `${this.format(key, depth)} => ${this.format(item, depth)}`);
      });
      return `Map {${listText(parts, mapSize(value))}}`;
    }
    if (value instanceof SetConstructor) {
      setEach(value, (item) => {
        if (parts.length < MAX_ITEMS) append(parts, this.format(item, depth));
      });
      return `Set {${listText(parts, parts.length)}}`;
    }
    const names = keys(value);
    for (let i = 0; i < names.length && i < MAX_ITEMS; i++) {
      append(parts, `${names[i]}: ${this.#member(value, names[i]!, depth)}`);
    }
    const body = parts.length === 0 ? '{}' : `{ ${listText(parts, names.length)} }`;
    const className = classNameOf(value);
    return className === '' ? body : `${className} ${body}`;
  }

  #member(value: object, name: string, depth: number): string {
    const descriptor = getOwnPropertyDescriptor(value, name);
    if (descriptor === undefined) return '<empty>';
    if (descriptor.get !== undefined || descriptor.set !== undefined) return '[Getter]';
    return this.format(descriptor.value, depth);
  }
}

function listText(parts: string[], all: number): string {
  let text = '';
  for (let i = 0; i < parts.length; i++) text += `${i === 0 ? '' : ', '}${parts[i]}`;
  return all > parts.length ? `${text}, … ${all - parts.length} more` : text;
}

/** Frames of the guest library itself say nothing to a script's author. */
export function withoutGuestFrames(stack: string): string {
  let kept = '';
  for (let start = 0; start < stack.length; ) {
    const newline = indexOf(stack, '\n', start);
    const end = newline < 0 ? stack.length : newline + 1;
    const line = slice(stack, start, end);
    if (indexOf(line, GUEST_FILENAME) < 0) kept += line;
    start = end;
  }
  return charCodeAt(kept, kept.length - 1) === NEWLINE ? slice(kept, 0, kept.length - 1) : kept;
}

function functionText(value: unknown): string {
  const name = ownText(value as object, 'name');
  return name === '' ? '[Function]' : `[Function ${name}]`;
}

function classNameOf(value: object): string {
  const prototype = getPrototypeOf(value);
  if (prototype === null || prototype === ObjectPrototype) return '';
  const maker = getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof maker === 'function' ? ownText(maker, 'name') : '';
}

/** Of errors that the engine made, `stack` is an accessor that they all share. */
const engineStack = getOwnPropertyDescriptor(new ErrorConstructor(), 'stack')?.get;

function errorText(error: object): string {
  const descriptor = getOwnPropertyDescriptor(error, 'stack');
  const isEngines = descriptor?.get !== undefined && descriptor.get === engineStack;
  const value = isEngines ? apply(engineStack, error, []) : descriptor?.value;
  const stack = typeof value === 'string' ? withoutGuestFrames(value) : '';
  return stack !== '' ? stack : `[${classNameOf(error)} ${ownText(error, 'message')}]`;
}

function dateText(date: Date): string {
  return Number.isNaN(dateTime(date)) ? 'Invalid Date' : date.toISOString();
}

function ownText(value: object, name: string): string {
  const text = getOwnPropertyDescriptor(value, name)?.value;
  return typeof text === 'string' ? text : '';
}
