// The shapes of script-table.ts → what reads an object of that shape from JSON, field by field. Each shape is compiled once.
import type { Field, Json, Shape } from '../../application/contract/script-fields.ts';
import { MAX_ARGS, MAX_NAME, MAX_REASON } from '../../application/contract/script-limits.ts';
import { DecodeError } from '../../errors.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import { fromWire, valueBudget } from './values.ts';

/** A line is cut to this before it is made printable. */
const MAX_RAW_LINE = 8 * 1024;
/** Of an entry of a list of texts. */
const MAX_LISTED_TEXT = 200;
/** JSON levels of what only travels on: more, written again, overflow the stack. MAX_AMF_DEPTH with its tags stays below. */
const MAX_NESTING = 400;

/** Reads the fields of a shape into `to`. Throws a DecodeError that names the field. */
export type Reader = (from: Fields, to: Record<string, unknown>) => void;

export function readerOf(shape: Shape): Reader {
  const has = Object.entries(shape.has ?? {}).map(([key, field]) => [key, fieldReader(key, field)] as const);
  const may = Object.entries(shape.may ?? {}).map(([key, field]) => [key, fieldReader(key, field)] as const);
  const readCase = caseReader(shape);
  return (from, to) => {
    for (const [key, read] of has) to[key] = read(from);
    for (const [key, read] of may) if (from.has(key)) to[key] = read(from);
    readCase?.(from, to);
  };
}

function caseReader({ by, cases }: Shape): Reader | undefined {
  if (by === undefined || !cases) return undefined;
  const values = cases.map(({ when }) => when);
  const readers = cases.map(readerOf);
  const isFlag = values.every((value) => typeof value === 'boolean');
  return (from, to) => {
    const value = isFlag ? from.flag(by) : from.oneOf(by, values);
    to[by] = value;
    readers[values.indexOf(value)]?.(from, to);
  };
}

function fieldReader(key: string, field: Field): (from: Fields) => unknown {
  switch (field.is) {
    case 'id':
    case 'key':
      return (from) => from.id(key);
    case 'flag':
      return (from) => from.flag(key);
    case 'amount':
      return (from) => from.amount(key);
    case 'number':
      return (from) => from.number(key);
    case 'text':
      if (field.isLine) return (from) => printable(from.cutText(key, MAX_RAW_LINE));
      return field.cuts ? (from) => from.cutText(key, field.max) : (from) => from.text(key, field.max);
    case 'stream':
      return field.mayBeEmpty
        ? (from) => canonicalStreamName(from.text(key, MAX_NAME))
        : (from) => canonicalStreamName(from.name(key));
    case 'name':
      return (from) => from.name(key);
    case 'oneOf':
      return (from) => from.oneOf(key, field.of);
    case 'value':
    case 'status':
      return (from) => fromWire(from.json(key));
    case 'values':
      return (from) => from.values(key);
    case 'json':
      return (from) => shallow(from.json(key), key);
    case 'jsonByName':
      return (from) => from.byName(key, (value) => shallow(value as Json, key));
    case 'textByName':
      return (from) => from.byName(key, asText);
    case 'texts':
      return (from) => from.list(key, field.max).map(asText);
    case 'object': {
      const read = readerOf(field.of);
      return (from) => readObject(from.json(key), key, read);
    }
    case 'list': {
      const read = readerOf(field.of);
      return (from) => from.list(key, MAX_ARGS).map((entry) => readObject(entry, key, read));
    }
  }
}

function readObject(raw: unknown, what: string, read: Reader): Record<string, unknown> {
  const to: Record<string, unknown> = {};
  read(new Fields(raw, what), to);
  return to;
}

function asText(entry: unknown): string {
  return typeof entry === 'string' ? entry.slice(0, MAX_LISTED_TEXT) : '?';
}

function shallow(json: Json, what: string): Json {
  if (nestsDeeper(json, MAX_NESTING)) throw malformed(`${what} nested deeper than ${MAX_NESTING} levels`);
  return json;
}

function nestsDeeper(json: Json, levels: number): boolean {
  if (typeof json !== 'object' || json === null) return false;
  return levels === 0 || Object.values(json).some((member) => nestsDeeper(member, levels - 1));
}

/** What may stand in a status object's description: one line, at most 200 characters. */
export function printable(reason: string): string {
  const line = reason.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return line.length <= MAX_REASON ? line.toWellFormed() : cut(line, MAX_REASON);
}

/** Not through the middle of a character. */
function cut(text: string, length: number): string {
  const head = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head;
}

/** Reads own properties of one JSON object and complains by name. */
export class Fields {
  readonly #raw: Record<string, unknown>;

  constructor(raw: unknown, what: string) {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      throw malformed(`a ${what} that is no object`);
    this.#raw = raw as Record<string, unknown>;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#raw, key) && this.#raw[key] !== undefined;
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#raw, key) ? this.#raw[key] : undefined;
  }

  json(key: string): Json {
    if (!this.has(key)) throw malformed(`${key} is missing`);
    return this.#get(key) as Json;
  }

  flag(key: string): boolean {
    const value = this.#get(key);
    if (typeof value !== 'boolean') throw malformed(`${key} is not true or false`);
    return value;
  }

  id(key: string): number {
    const value = this.#get(key);
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0xffff_ffff) {
      throw malformed(`${key} is no whole number of 32 bits`);
    }
    return value as number;
  }

  amount(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number' || !(value >= 0)) throw malformed(`${key} is no amount`);
    return value;
  }

  number(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(`${key} is no number`);
    return value;
  }

  /** Of a stream, as another server may know it. */
  name(key: string): string {
    const name = this.text(key, MAX_NAME);
    if (name === '') throw malformed(`${key} is empty`);
    return name;
  }

  text(key: string, max: number): string {
    const value = this.#get(key);
    if (typeof value !== 'string') throw malformed(`${key} is no text`);
    if (value.length > max) throw malformed(`${key} is longer than ${max} characters`);
    return value;
  }

  cutText(key: string, max: number): string {
    const value = this.#get(key);
    if (typeof value !== 'string') throw malformed(`${key} is no text`);
    return value.length <= max ? value : `${cut(value, max)}…`;
  }

  oneOf<T extends string | boolean | number>(key: string, allowed: readonly T[]): T {
    const value = this.#get(key);
    if (!allowed.includes(value as T)) throw malformed(`${key} is not one of ${allowed.join(', ')}`);
    return value as T;
  }

  list(key: string, max: number): unknown[] {
    const value = this.#get(key);
    if (!Array.isArray(value)) throw malformed(`${key} is no list`);
    if (value.length > max) throw malformed(`${key} has more than ${max} entries`);
    return value;
  }

  byName<T>(key: string, read: (value: unknown) => T): Record<string, T> {
    const value = this.#get(key);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw malformed(`${key} is no object`);
    // not by assignment: a name may be `__proto__`
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, read(entry)]));
  }

  values(key: string): AmfValue[] {
    const budget = valueBudget();
    return this.list(key, MAX_ARGS).map((entry) => fromWire(entry, budget));
  }
}

export function malformed(what: string): DecodeError {
  return new DecodeError('ERR_SCRIPT_COMMAND', `a script's command cannot be read: ${what}`);
}
