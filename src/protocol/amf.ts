// The values that AMF0 and AMF3 carry, and the limits on them.
//
// One value may be reached twice (AMF0 marker 07, AMF3's reference tables): both ways then lead to the same JavaScript
// object, cycles included, and it is written as a reference again.
import { CodedError, DecodeLimitError } from '../errors.ts';

export type AmfValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | Date
  | Uint8Array
  | AmfValue[]
  | AmfObject
  | EcmaArray
  | TypedObject
  | XmlDocument
  | Vector
  | Dictionary;

/** An anonymous object. Decoded ones have no prototype, so that a member `__proto__` is data like any other. */
export interface AmfObject {
  [key: string]: AmfValue;
}

/** An array with named entries: AMF0's associative array, AMF3's array with an associative part. */
export class EcmaArray {
  entries: AmfObject;
  /** AMF3 only: what follows the named entries. AMF0 writes it as entries "0", "1", …. */
  dense: AmfValue[];

  constructor(entries: AmfObject = emptyObject(), dense: AmfValue[] = []) {
    this.entries = entries;
    this.dense = dense;
  }
}

/** How AMF3 described a class: which members every instance has, and whether an instance may have more. */
export interface Traits {
  sealed: readonly string[];
  isDynamic: boolean;
}

/** An instance of a class that both peers know by name. */
export class TypedObject {
  className: string;
  members: AmfObject;
  /** As AMF3 sent them. Without them, AMF3 writes all members as sealed ones. */
  traits: Traits | undefined;

  constructor(className: string, members: AmfObject, traits?: Traits) {
    this.className = className;
    this.members = members;
    this.traits = traits;
  }
}

export class XmlDocument {
  text: string;
  /** ActionScript's old XMLDocument, all that AMF0 has; false is E4X's XML. */
  isLegacy: boolean;

  constructor(text: string, isLegacy = true) {
    this.text = text;
    this.isLegacy = isLegacy;
  }
}

/** A typed list: its items are numbers, or instances of `className` for kind `object` ('' or '*' is any class). */
export class Vector {
  kind: VectorKind;
  /** Its length cannot change. */
  isFixed: boolean;
  items: AmfValue[];
  className: string;

  constructor(kind: VectorKind, items: AmfValue[], isFixed = false, className = '') {
    this.kind = kind;
    this.items = items;
    this.isFixed = isFixed;
    this.className = className;
  }
}
export type VectorKind = 'int' | 'uint' | 'double' | 'object';

/** A map whose keys are any values. */
export class Dictionary {
  entries: [AmfValue, AmfValue][];
  /** Keys do not keep their objects alive, in ActionScript. */
  hasWeakKeys: boolean;

  constructor(entries: [AmfValue, AmfValue][] = [], hasWeakKeys = false) {
    this.entries = entries;
    this.hasWeakKeys = hasWeakKeys;
  }
}

/** An AmfObject as the decoders make them. */
export function emptyObject(): AmfObject {
  return Object.create(null);
}

/**
 * The named members of whatever has some: an object, an associative array or a typed object. Encoders send connect's
 * command object and onMetaData in each of these forms.
 */
export function membersOf(value: AmfValue): AmfObject | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (value instanceof EcmaArray) return value.entries;
  if (value instanceof TypedObject) return value.members;
  if (Array.isArray(value) || value instanceof Date || value instanceof Uint8Array) return undefined;
  if (value instanceof XmlDocument || value instanceof Vector || value instanceof Dictionary)
    return undefined;
  return value;
}

/** Objects inside objects. Players and encoders nest a handful deep; the limit keeps recursion off the stack's end. */
export const MAX_AMF_DEPTH = 64;
/** Values in one message: each costs its sender one byte and us an object. */
export const MAX_AMF_VALUES = 100_000;
/** An RTMP message says its length in 24 bits. */
export const MAX_AMF_BYTES = 0xff_ffff;

export interface AmfLimits {
  depth: number;
  values: number;
}

export const AMF_LIMITS: AmfLimits = { depth: MAX_AMF_DEPTH, values: MAX_AMF_VALUES };

/** What is left of the limits while one message is read; AMF0 shares it with the AMF3 values inside. */
export class DecodeBudget {
  readonly #limits: AmfLimits;
  #depth = 0;
  #values = 0;

  constructor(limits: AmfLimits = AMF_LIMITS) {
    this.#limits = limits;
  }

  /** Before `count` values are read. */
  spend(count = 1): void {
    this.#values += count;
    if (this.#values > this.#limits.values) {
      throw new DecodeLimitError('ERR_AMF_VALUES', `more than ${this.#limits.values} values in one message`);
    }
  }

  enter(): void {
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) {
      throw new DecodeLimitError('ERR_AMF_DEPTH', `values nested deeper than ${this.#limits.depth}`);
    }
  }

  leave(): void {
    this.#depth -= 1;
  }
}

/**
 * The same for writing. A value may be far larger written than it was read: AMF3 writes one string a thousand times
 * as references that AMF0 does not have.
 */
export class EncodeBudget {
  #depth = 0;

  /** Before each value, with the bytes written so far. */
  check(writtenBytes: number): void {
    if (writtenBytes > MAX_AMF_BYTES) {
      throw new CodedError('ERR_AMF_SIZE', `a value of more than ${MAX_AMF_BYTES} bytes`);
    }
  }

  enter(): void {
    this.#depth += 1;
    if (this.#depth > MAX_AMF_DEPTH) {
      throw new CodedError('ERR_AMF_DEPTH', `values nested deeper than ${MAX_AMF_DEPTH}`);
    }
  }

  leave(): void {
    this.#depth -= 1;
  }
}
