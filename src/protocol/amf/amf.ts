// The values that AMF0 and AMF3 carry. amf-budget.ts has the limits on them.
//
// One value may be reached twice (AMF0 marker 07, AMF3's reference tables): both ways then lead to the same JavaScript
// object, cycles included, and it is written as a reference again.
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
