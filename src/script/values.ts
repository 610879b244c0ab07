// AmfValue ⇄ WireValue on the media side: the tags of wire.ts.
//
// What scripts see is poorer than AMF3: a Vector reaches them as an array, traits, weak keys and the kind of XML are lost.
import { DecodeError } from '../errors.ts';
import {
  type AmfObject,
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  TypedObject,
  Vector,
  XmlDocument,
} from '../protocol/amf.ts';
import { MAX_AMF_DEPTH, MAX_AMF_VALUES } from '../protocol/amf-budget.ts';
import type { Json, WireValue } from './wire.ts';

type WireObject = { [key: string]: Json };

export function toWire(value: AmfValue): WireValue {
  if (typeof value !== 'object' || value === null) return primitiveToWire(value);
  return new WireEncoder(value).encode(value);
}

/** `json` comes from a script and may be anything; throws DecodeError when it is not a WireValue. */
export function fromWire(json: unknown): AmfValue {
  return new WireDecoder().decode(json as Json);
}

function primitiveToWire(value: undefined | null | boolean | number | string): WireValue {
  if (value === undefined) return { $: 'undefined' };
  if (typeof value !== 'number') return value;
  if (Object.is(value, -0)) return { $: 'number', v: '-0' };
  return Number.isFinite(value) ? value : { $: 'number', v: String(value) };
}

class WireEncoder {
  /** Objects that are reached more than once: their id, once they have been written. */
  readonly #shared: Map<object, number | undefined>;
  #lastId = 0;

  constructor(root: object) {
    this.#shared = findShared(root);
  }

  encode(value: AmfValue): WireValue {
    if (typeof value !== 'object' || value === null) return primitiveToWire(value);
    if (!this.#shared.has(value)) return this.#encodeObject(value);
    const known = this.#shared.get(value);
    if (known !== undefined) return { $: 'ref', id: known };
    this.#lastId += 1;
    const id = this.#lastId;
    this.#shared.set(value, id);
    return { $: 'def', id, v: this.#encodeObject(value) };
  }

  #encodeObject(value: AmfValue & object): WireValue {
    if (Array.isArray(value)) return Array.from(value, (item) => this.encode(item));
    if (value instanceof Date) {
      const ms = value.getTime();
      return { $: 'date', v: Number.isNaN(ms) ? null : ms };
    }
    if (value instanceof Uint8Array) {
      const { buffer, byteOffset, byteLength } = value;
      return { $: 'bytes', v: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
    }
    if (value instanceof EcmaArray) return { $: 'ecma', v: this.#encodeEcmaArray(value) };
    if (value instanceof TypedObject) {
      return { $: 'typed', class: value.className, v: this.#encodeMembers(Object.entries(value.members)) };
    }
    if (value instanceof XmlDocument) return { $: 'xml', v: value.text };
    if (value instanceof Vector) return value.items.map((item) => this.encode(item));
    if (value instanceof Dictionary) {
      return { $: 'map', v: value.entries.map(([key, item]) => [this.encode(key), this.encode(item)]) };
    }
    return this.#encodeMembers(Object.entries(value));
  }

  /** The dense part is entries "0", "1", … as in AMF0; a named entry of the same name loses. */
  #encodeEcmaArray({ entries, dense }: EcmaArray): WireValue {
    const named = Object.entries(entries).filter(([key]) => !isIndexBelow(key, dense.length));
    return this.#encodeMembers([...dense.map((item, i): [string, AmfValue] => [String(i), item]), ...named]);
  }

  #encodeMembers(members: [string, AmfValue][]): WireValue {
    if (members.some(([key]) => key === '$' || key === '__proto__')) {
      return { $: 'object', v: members.map(([key, item]) => [key, this.encode(item)]) };
    }
    const wire: WireObject = {};
    for (const [key, item] of members) wire[key] = this.encode(item);
    return wire;
  }
}

/** The objects that are met more than once on the way through `root`, cycles included. */
function findShared(root: object): Map<object, undefined> {
  const seen = new Set<object>();
  const shared = new Map<object, undefined>();
  const pending: AmfValue[] = [root as AmfValue];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (seen.has(value)) {
      shared.set(value, undefined);
      continue;
    }
    seen.add(value);
    for (const child of childrenOf(value)) pending.push(child);
  }
  return shared;
}

function childrenOf(value: AmfValue & object): AmfValue[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Date || value instanceof Uint8Array || value instanceof XmlDocument) return [];
  if (value instanceof EcmaArray) return [...Object.values(value.entries), ...value.dense];
  if (value instanceof TypedObject) return Object.values(value.members);
  if (value instanceof Vector) return value.items;
  if (value instanceof Dictionary) return value.entries.flat();
  return Object.values(value);
}

function isIndexBelow(key: string, length: number): boolean {
  const n = Number(key);
  return Number.isInteger(n) && n >= 0 && n < length && String(n) === key;
}

class WireDecoder {
  readonly #defined = new Map<number, AmfValue>();
  #depth = 0;
  #values = 0;

  decode(json: Json, defId?: number): AmfValue {
    this.#values += 1;
    if (this.#values > MAX_AMF_VALUES) throw malformed(`more than ${MAX_AMF_VALUES} values`);
    if (typeof json !== 'object' || json === null) {
      if (json === undefined) throw malformed('a value is missing');
      return this.#define(defId, json); // a String object in the script
    }
    this.#depth += 1;
    if (this.#depth > MAX_AMF_DEPTH) throw malformed(`values nested deeper than ${MAX_AMF_DEPTH}`);
    const value = this.#decodeObject(json, defId);
    this.#depth -= 1;
    return value;
  }

  #decodeObject(json: Json[] | WireObject, defId: number | undefined): AmfValue {
    if (Array.isArray(json)) {
      const items: AmfValue[] = [];
      this.#define(defId, items);
      for (const item of json) items.push(this.decode(item));
      return items;
    }
    if (!Object.hasOwn(json, '$')) return this.#fill(emptyObject(), Object.entries(json), defId);
    return this.#decodeTagged(json, defId);
  }

  #decodeTagged(json: WireObject, defId: number | undefined): AmfValue {
    const v = own(json, 'v');
    switch (json.$) {
      case 'undefined':
        return undefined;
      case 'number':
        return decodeNumber(v);
      case 'date':
        if (v !== null && typeof v !== 'number') throw malformed('a date is neither a number nor null');
        return this.#define(defId, new Date(v ?? Number.NaN));
      case 'bytes':
        return this.#define(defId, Uint8Array.from(Buffer.from(text(v), 'base64')));
      case 'xml':
        return this.#define(defId, new XmlDocument(text(v)));
      case 'object':
        return this.#fill(emptyObject(), membersOf(json), defId);
      case 'typed': {
        const typed = new TypedObject(text(own(json, 'class')), emptyObject());
        this.#define(defId, typed);
        this.#fill(typed.members, membersOf(v), undefined);
        return typed;
      }
      case 'ecma':
        return this.#decodeEcmaArray(membersOf(v), defId);
      case 'map': {
        const map = new Dictionary();
        this.#define(defId, map);
        for (const [key, item] of pairs(v)) map.entries.push([this.decode(key), this.decode(item)]);
        return map;
      }
      case 'def': {
        const id = own(json, 'id');
        if (typeof id !== 'number' || defId !== undefined || this.#defined.has(id)) {
          throw malformed('the id of a shared value is no number, or taken');
        }
        this.#depth -= 1; // a tag, not a level: decode() counts the value
        const value = this.decode(v as Json, id);
        this.#depth += 1;
        return value;
      }
      case 'ref': {
        const id = own(json, 'id');
        if (typeof id !== 'number' || !this.#defined.has(id)) throw malformed('a reference to nothing');
        return this.#defined.get(id);
      }
      default:
        throw malformed('an unknown tag');
    }
  }

  /** Indices that follow one another from 0 are the dense part; AMF0 writes both parts alike. */
  #decodeEcmaArray(members: [string, Json][], defId: number | undefined): EcmaArray {
    const ecma = new EcmaArray();
    this.#define(defId, ecma);
    for (const [key, item] of members) {
      const value = this.decode(item);
      if (key === String(ecma.dense.length)) ecma.dense.push(value);
      else ecma.entries[key] = value;
    }
    return ecma;
  }

  #fill(target: AmfObject, members: [string, Json][], defId: number | undefined): AmfObject {
    this.#define(defId, target);
    for (const [key, item] of members) target[key] = this.decode(item);
    return target;
  }

  /** Before its contents are read: they may refer to it. */
  #define<T extends AmfValue>(defId: number | undefined, value: T): T {
    if (defId !== undefined) this.#defined.set(defId, value);
    return value;
  }
}

/** An object as `encodeMembers` writes it. */
function membersOf(json: Json | undefined): [string, Json][] {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw malformed('no object where one belongs');
  if (!Object.hasOwn(json, '$')) return Object.entries(json);
  if (json.$ !== 'object') throw malformed('no object where one belongs');
  return pairs(own(json, 'v')).map(([key, item]) => [text(key), item]);
}

function pairs(json: Json | undefined): [Json, Json][] {
  if (!Array.isArray(json)) throw malformed('no list of pairs where one belongs');
  return json.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw malformed('no pair where one belongs');
    return pair as [Json, Json];
  });
}

/** Not through the prototype chain, which JSON text can pretend to extend. */
function own(json: WireObject, key: string): Json | undefined {
  return Object.hasOwn(json, key) ? json[key] : undefined;
}

function text(json: Json | undefined): string {
  if (typeof json !== 'string') throw malformed('no text where some belongs');
  return json;
}

function decodeNumber(json: Json | undefined): number {
  if (json === '-0') return -0;
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
  throw malformed('an unknown special number');
}

function malformed(what: string): DecodeError {
  return new DecodeError('ERR_SCRIPT_VALUE', `a script's value cannot be read: ${what}`);
}
