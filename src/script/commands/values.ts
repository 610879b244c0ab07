// The JSON of wire.ts, from a script → AmfValue. The other way: wire-text.ts.
import { DecodeError } from '../../errors.ts';
import {
  type AmfObject,
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  TypedObject,
  XmlDocument,
} from '../../protocol/amf/amf.ts';
import {
  type AmfLimits,
  DecodeBudget,
  MAX_AMF_DEPTH,
  MAX_WRITTEN_VALUES,
} from '../../protocol/amf/amf-budget.ts';
import type { Json } from '../wire/wire.ts';

type WireObject = { [key: string]: Json };

/** `json` comes from a script and may be anything; throws DecodeError when it is not a WireValue. */
export function fromWire(json: unknown, budget = valueBudget()): AmfValue {
  return new WireDecoder(budget).decode(json as Json);
}

/** Of all values of one command. */
export function valueBudget(): DecodeBudget {
  return new DecodeBudget(SCRIPT_LIMITS);
}

/** Texts have no references: a command is as long as it is. Objects count more than numbers, as in what clients send. */
const SCRIPT_LIMITS: AmfLimits = {
  depth: MAX_AMF_DEPTH,
  values: MAX_WRITTEN_VALUES,
  bytes: Number.POSITIVE_INFINITY,
  expansion: Number.POSITIVE_INFINITY,
};

class WireDecoder {
  readonly #defined = new Map<number, AmfValue>();
  readonly #budget: DecodeBudget;

  constructor(budget: DecodeBudget) {
    this.#budget = budget;
  }

  decode(json: Json, defId?: number): AmfValue {
    this.#budget.spend();
    if (typeof json !== 'object' || json === null) {
      if (json === undefined) throw malformed('a value is missing');
      return this.#define(defId, json); // a String object in the script
    }
    this.#budget.spendObject();
    this.#budget.enter();
    const value = this.#decodeObject(json, defId);
    this.#budget.leave();
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
        this.#budget.leave(); // a tag, not a level: decode() counts the value
        const value = this.decode(v as Json, id);
        this.#budget.enter();
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
    for (const [i, [key, item]] of members.entries()) {
      this.#budget.spendName(i);
      const value = this.decode(item);
      if (key === String(ecma.dense.length)) ecma.dense.push(value);
      else ecma.entries[key] = value;
    }
    return ecma;
  }

  #fill(target: AmfObject, members: [string, Json][], defId: number | undefined): AmfObject {
    this.#define(defId, target);
    for (const [i, [key, item]] of members.entries()) {
      this.#budget.spendName(i);
      target[key] = this.decode(item);
    }
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
