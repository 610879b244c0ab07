// Values of scripts ⇄ values on the wire (the tags of wire.ts).
//
// Out of a script a value is written straight to JSON text: nothing calls a `toJSON`, getters run once, and an object that is
// met again becomes a reference. What AMF has no form for is left out: functions, symbols, host objects.
import { MAX_ARGS } from '../../../application/contract/script-limits.ts';
import { bytesOf, decodeBase64, encodeBase64 } from './bytes.ts';
import { JsonText } from './outbox.ts';
import { quickJson } from './plain.ts';
import {
  append,
  charCodeAt,
  create,
  DateConstructor,
  dateTime,
  define,
  defineProperty,
  ErrorConstructor,
  getPrototypeOf,
  hasOwn,
  isArray,
  isFiniteNumber,
  keys,
  MapConstructor,
  mapEach,
  mapGet,
  mapSet,
  ObjectPrototype,
  PromiseConstructor,
  quote,
  SetConstructor,
  setEach,
} from './primordials.ts';

const MAX_DEPTH = 64;
const MAX_VALUES = 100_000;
/** Base64 of more would not fit into a turn's commands. */
const MAX_BYTES = 1_500_000;
/** An associative array with a higher index than this is a plain object in scripts: a loop up to its length would not end. */
const MAX_INDEX = 100_000;

/** The class of a typed object: not enumerable, so that it stays with the object and out of for-in. Scripts may set it. */
const CLASS_NAME = Symbol.for('amf.class');
/** On a String object: it came as XML, and goes out as XML. */
const XML_TEXT = Symbol('xml');

/** Objects of ours that never leave: clients, streams, the application. */
let ours: (value: object) => boolean = () => false;
export function setHostObjectTest(test: (value: object) => boolean): void {
  ours = test;
}
export function isOurObject(value: object): boolean {
  return ours(value);
}

/** Throws what a getter throws, and a RangeError for values that are too deep or too big. */
export function encodeValue(value: unknown): JsonText {
  if (typeof value === 'string') return new JsonText(quote(value));
  if (typeof value === 'boolean' || value === null) return new JsonText(`${value}`);
  const quick = quickJson(value, CLASS_NAME);
  return quick === undefined ? new Encoder(undefined, Infinity).encode(value, '') : new JsonText(quick);
}

/** A RangeError if there are more than a call may have, too. */
export function encodeValues(values: readonly unknown[], from: number): JsonText {
  if (values.length - from > MAX_ARGS)
    throw new RangeError(`${values.length - from} arguments; a call has at most ${MAX_ARGS}`);
  let text = '';
  for (let i = from; i < values.length; i++) text += `${i === from ? '' : ','}${encodeValue(values[i]).json}`;
  return new JsonText(`[${text}]`);
}

/**
 * For state that is handed on to a new version of the script: what cannot be carried is left out and its path goes into
 * `lost`. Stricter than for clients: an object of a class would come back without its methods. A RangeError when it takes more
 * than `maxCharacters`.
 */
export function encodeState(
  value: unknown,
  path: string,
  lost: string[],
  maxCharacters = Infinity,
): JsonText {
  const quick = quickJson(value, CLASS_NAME);
  if (quick === undefined) return new Encoder(lost, maxCharacters).encode(value, path);
  if (quick.length > maxCharacters) throw tooLong(maxCharacters);
  return new JsonText(quick);
}

function tooLong(maxCharacters: number): RangeError {
  return new RangeError(`more than ${maxCharacters} characters as JSON`);
}

interface Seen {
  start: number;
  /** -1 while it is being written. */
  end: number;
  /** 0: met once. */
  id: number;
}

class Encoder {
  /** Undefined: what has no form is dropped silently, as AMF does it. */
  readonly #lost: string[] | undefined;
  readonly #maxCharacters: number;
  #characters = 0;
  /** Text, with an empty place before and after each object for when it turns out to be shared. No prototype: no setters. */
  readonly #pieces: { [index: number]: string } = create(null);
  #pieceCount = 0;
  readonly #seen = new MapConstructor<object, Seen>();
  #lastId = 0;
  #values = 0;
  #depth = 0;

  constructor(lost: string[] | undefined, maxCharacters: number) {
    this.#lost = lost;
    this.#maxCharacters = maxCharacters;
  }

  encode(value: unknown, path: string): JsonText {
    if (!this.#hasForm(value, path)) return new JsonText('{"$":"undefined"}');
    this.#write(value, path);
    let text = '';
    for (let i = 0; i < this.#pieceCount; i++) text += this.#pieces[i];
    return new JsonText(text);
  }

  #hasForm(value: unknown, path: string): boolean {
    const type = typeof value;
    const fits =
      type !== 'function' &&
      type !== 'symbol' &&
      (type !== 'object' || value === null || !(ours(value as object) || this.#losesItself(value as object)));
    if (!fits && this.#lost !== undefined) append(this.#lost, path);
    return fits;
  }

  #losesItself(value: object): boolean {
    if (this.#lost === undefined || isArray(value)) return false;
    const prototype = getPrototypeOf(value);
    if (prototype === ObjectPrototype || prototype === null) return false;
    const carried =
      value instanceof DateConstructor || value instanceof MapConstructor || bytesOf(value) !== undefined;
    return !carried && !isBoxed(value);
  }

  #add(text: string): void {
    this.#pieces[this.#pieceCount++] = text;
    this.#characters += text.length;
    if (this.#characters > this.#maxCharacters) throw tooLong(this.#maxCharacters);
  }

  #write(value: unknown, path: string): void {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw new RangeError(`more than ${MAX_VALUES} values in one argument`);
    if (typeof value === 'string') this.#add(quote(value));
    else if (typeof value === 'number') this.#add(numberText(value));
    else if (typeof value === 'boolean' || value === null) this.#add(`${value}`);
    else if (typeof value === 'bigint') this.#add(numberText(Number(value)));
    else if (typeof value === 'object') this.#writeShared(value, path);
    else this.#add('{"$":"undefined"}');
  }

  #writeShared(value: object, path: string): void {
    const seen = mapGet(this.#seen, value);
    if (seen !== undefined) {
      this.#writeReference(seen);
      return;
    }
    const entry: Seen = { start: this.#pieceCount, end: -1, id: 0 };
    mapSet(this.#seen, value, entry);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new RangeError(`a value nested deeper than ${MAX_DEPTH} levels`);
    this.#add('');
    this.#writeObject(value, path);
    entry.end = this.#pieceCount;
    this.#add(entry.id === 0 ? '' : '}');
    this.#depth -= 1;
  }

  #writeReference(seen: Seen): void {
    if (seen.id === 0) {
      this.#lastId += 1;
      seen.id = this.#lastId;
      this.#pieces[seen.start] = `{"$":"def","id":${seen.id},"v":`;
      if (seen.end >= 0) this.#pieces[seen.end] = '}';
    }
    this.#add(`{"$":"ref","id":${seen.id}}`);
  }

  #writeObject(value: object, path: string): void {
    const prototype = getPrototypeOf(value);
    if (prototype === ObjectPrototype || prototype === null) {
      this.#writeTyped(value, path);
      return;
    }
    if (isArray(value)) this.#writeArray(value, path);
    else if (value instanceof DateConstructor) this.#add(dateText(value));
    else if (value instanceof MapConstructor) this.#writeMap(value, path);
    else if (value instanceof SetConstructor) this.#writeArray(itemsOf(value), path);
    else if (isBoxed(value)) this.#writeBoxed(value, path);
    else if (value instanceof ErrorConstructor) this.#writeError(value, path);
    else if (value instanceof PromiseConstructor) this.#add('{}');
    else if (isNumberArray(value)) this.#writeArray(value as unknown as unknown[], path);
    else if (bytesOf(value) !== undefined) this.#add(bytesText(bytesOf(value)!));
    else this.#writeTyped(value, path);
  }

  #writeTyped(value: object, path: string): void {
    const className = (value as Record<symbol, unknown>)[CLASS_NAME];
    if (typeof className !== 'string' || className === '') {
      this.#writeMembers(value, path);
      return;
    }
    this.#add(`{"$":"typed","class":${quote(className)},"v":`);
    this.#writeMembers(value, path);
    this.#add('}');
  }

  #writeMembers(value: object, path: string): void {
    const names = keys(value);
    const tagged = hasOwn(value, '$') || hasOwn(value, '__proto__');
    this.#add(tagged ? '{"$":"object","v":[' : '{');
    let first = true;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const member = (value as Record<string, unknown>)[name];
      const memberPath = this.#lost === undefined ? '' : path === '' ? name : `${path}.${name}`;
      if (!this.#hasForm(member, memberPath)) continue;
      this.#add(`${first ? '' : ','}${tagged ? '[' : ''}${quote(name)}${tagged ? ',' : ':'}`);
      first = false;
      this.#write(member, memberPath);
      if (tagged) this.#add(']');
    }
    this.#add(tagged ? ']}' : '}');
  }

  #writeArray(list: unknown[], path: string): void {
    if (list.length > MAX_VALUES)
      throw new RangeError(`an array of ${list.length} items; one value has at most ${MAX_VALUES}`);
    if (isArray(list) && hasNames(list)) {
      this.#add('{"$":"ecma","v":');
      this.#writeMembers(list, path);
      this.#add('}');
      return;
    }
    this.#add('[');
    for (let i = 0; i < list.length; i++) {
      if (i > 0) this.#add(',');
      const itemPath = this.#lost === undefined ? '' : `${path}[${i}]`;
      const item = list[i];
      if (this.#hasForm(item, itemPath)) this.#write(item, itemPath);
      else this.#add('{"$":"undefined"}');
    }
    this.#add(']');
  }

  #writeMap(map: Map<unknown, unknown>, path: string): void {
    this.#add('{"$":"map","v":[');
    let first = true;
    mapEach(map, (value, key) => {
      if (!this.#hasForm(key, path) || !this.#hasForm(value, path)) return;
      this.#add(first ? '[' : ',[');
      first = false;
      this.#write(key, path);
      this.#add(',');
      this.#write(value, path);
      this.#add(']');
    });
    this.#add(']}');
  }

  #writeBoxed(value: object, path: string): void {
    const isXml = (value as Record<symbol, unknown>)[XML_TEXT] === true;
    if (isXml) this.#add(`{"$":"xml","v":${quote(`${value}`)}}`);
    else this.#write(value.valueOf(), path);
  }

  /** Its name and message are not enumerable and would be lost; they are what the other side is to read. */
  #writeError(error: Error, path: string): void {
    const plain: Record<string, unknown> = { name: `${error.name}`, message: `${error.message}` };
    const names = keys(error);
    for (let i = 0; i < names.length; i++) {
      define(plain, names[i]!, undefined);
      defineProperty(plain, names[i]!, {
        value: (error as unknown as Record<string, unknown>)[names[i]!],
        enumerable: true,
      });
    }
    this.#writeMembers(plain, path);
  }
}

/** `new String('x')` and its like, not the primitives. */
function isBoxed(value: object): boolean {
  return value instanceof String || value instanceof Number || value instanceof Boolean;
}

function numberText(value: number): string {
  if (!isFiniteNumber(value)) return `{"$":"number","v":"${value}"}`;
  return value === 0 && 1 / value < 0 ? '{"$":"number","v":"-0"}' : `${value}`;
}

function dateText(date: Date): string {
  const ms = dateTime(date);
  return `{"$":"date","v":${isFiniteNumber(ms) ? ms : null}}`;
}

function bytesText(bytes: Uint8Array): string {
  if (bytes.length > MAX_BYTES)
    throw new RangeError(`${bytes.length} bytes in one value; at most ${MAX_BYTES}`);
  return `{"$":"bytes","v":"${encodeBase64(bytes)}"}`;
}

function isNumberArray(value: object): boolean {
  const name = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return (
    typeof name === 'string' &&
    name !== 'Uint8Array' &&
    name !== 'Uint8ClampedArray' &&
    NUMBER_ARRAYS[name] === true
  );
}
const NUMBER_ARRAYS: Record<string, boolean> = {
  __proto__: null as never,
  Int8Array: true,
  Int16Array: true,
  Uint16Array: true,
  Int32Array: true,
  Uint32Array: true,
  Float32Array: true,
  Float64Array: true,
};

function itemsOf(set: Set<unknown>): unknown[] {
  const items: unknown[] = [];
  setEach(set, (item) => append(items, item));
  return items;
}

/** Members beside the items: keys come with the indices first, so the last one tells. */
function hasNames(list: unknown[]): boolean {
  const names = keys(list);
  return names.length > 0 && !isIndex(names[names.length - 1]!);
}

function isIndex(name: string): boolean {
  if (name.length === 0 || name.length > 10 || (name.length > 1 && charCodeAt(name, 0) === 48)) return false;
  for (let i = 0; i < name.length; i++) {
    const code = charCodeAt(name, i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

/** `wire` is fresh from JSON.parse and becomes part of the value: nobody else has it. */
export function decodeValue(wire: unknown): unknown {
  if (typeof wire !== 'object' || wire === null) return wire;
  return decode(wire, new MapConstructor(), undefined);
}

/** Values of one list may share objects. */
export function decodeValues(wire: unknown[]): unknown[] {
  const known = new MapConstructor<number, unknown>();
  for (let i = 0; i < wire.length; i++) wire[i] = decode(wire[i], known, undefined);
  return wire;
}

type Tagged = { $?: string; id: number; v: unknown; class: string };

/** `id`: the value is defined under it. It is registered before its members are read, for they may refer back to it. */
function decode(wire: unknown, known: Map<number, unknown>, id: number | undefined): unknown {
  if (typeof wire !== 'object' || wire === null) return wire;
  if (isArray(wire)) {
    if (id !== undefined) mapSet(known, id, wire);
    for (let i = 0; i < wire.length; i++) wire[i] = decode(wire[i], known, undefined);
    return wire;
  }
  if (!hasOwn(wire, '$')) return decodeMembers(wire as Record<string, unknown>, known, id);
  const node = wire as Tagged;
  if (node.$ === 'ref') return mapGet(known, node.id);
  if (node.$ === 'def') return decode(node.v, known, node.id);
  const value = decodeTagged(node, known, id);
  if (id !== undefined) mapSet(known, id, value);
  return value;
}

function decodeMembers(members: Record<string, unknown>, known: Map<number, unknown>, id?: number): object {
  if (id !== undefined) mapSet(known, id, members);
  const names = keys(members);
  for (let i = 0; i < names.length; i++) {
    const member = members[names[i]!];
    if (typeof member === 'object' && member !== null) members[names[i]!] = decode(member, known, undefined);
  }
  return members;
}

function decodeTagged(node: Tagged, known: Map<number, unknown>, id: number | undefined): unknown {
  const { v } = node;
  switch (node.$) {
    case 'number':
      return Number(v);
    case 'date':
      return new DateConstructor(v === null ? Number.NaN : (v as number));
    case 'bytes':
      return decodeBase64(v as string) ?? new Uint8Array(0);
    case 'xml':
      return xmlText(v as string);
    case 'object':
      return fill(register({}, known, id), v as [string, unknown][], known);
    case 'typed': {
      const value = decode(v, known, id) as object;
      define(value, CLASS_NAME, node.class);
      return value;
    }
    case 'ecma':
      return decodeEcmaArray(v, known, id);
    case 'map': {
      const map = register(new MapConstructor<unknown, unknown>(), known, id);
      const pairs = v as [unknown, unknown][];
      for (let i = 0; i < pairs.length; i++) {
        mapSet(map, decode(pairs[i]![0], known, undefined), decode(pairs[i]![1], known, undefined));
      }
      return map;
    }
    default:
      return undefined;
  }
}

function register<T>(value: T, known: Map<number, unknown>, id: number | undefined): T {
  if (id !== undefined) mapSet(known, id, value);
  return value;
}

/** Own properties whatever they are called. */
function fill<T extends object>(target: T, pairs: [string, unknown][], known: Map<number, unknown>): T {
  for (let i = 0; i < pairs.length; i++) {
    const value = decode(pairs[i]![1], known, undefined);
    defineProperty(target, pairs[i]![0], { value, writable: true, enumerable: true, configurable: true });
  }
  return target;
}

function decodeEcmaArray(v: unknown, known: Map<number, unknown>, id: number | undefined): unknown {
  const isPairs = hasOwn(v as object, '$');
  const pairs: [string, unknown][] = isPairs ? ((v as Tagged).v as [string, unknown][]) : [];
  const names = isPairs ? [] : keys(v as object);
  for (let i = 0; i < names.length; i++)
    append(pairs, [names[i]!, (v as Record<string, unknown>)[names[i]!]]);
  for (let i = 0; i < pairs.length; i++) {
    const isFar = isIndex(pairs[i]![0]) && Number(pairs[i]![0]) > MAX_INDEX;
    if (isFar || pairs[i]![0] === 'length') return fill(register({}, known, id), pairs, known);
  }
  return fill(register([] as unknown[], known, id), pairs, known);
}

/** Until scripts have an XML class: the text, as a String object that goes out as XML again. */
function xmlText(text: string): object {
  const value = Object(text) as object;
  define(value, XML_TEXT, true);
  return value;
}
