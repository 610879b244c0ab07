// AMF3 ⇄ values. Sections are those of Adobe's "Action Message Format -- AMF 3".
import { DecodeError } from '../../errors.ts';
import { ByteReader, ByteWriter, utf8Bytes } from '../bytes.ts';
import {
  type AmfObject,
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  type Traits,
  TypedObject,
  Vector,
  type VectorKind,
  XmlDocument,
} from './amf.ts';
import {
  AMF_LIMITS,
  type AmfLimits,
  DecodeBudget,
  EncodeBudget,
  MAX_AMF_BYTES,
  ReferenceTable,
} from './amf-budget.ts';

/** The byte before each value. AMF3 §3.1. */
const Marker = {
  Undefined: 0x00,
  Null: 0x01,
  False: 0x02,
  True: 0x03,
  Integer: 0x04,
  Double: 0x05,
  String: 0x06,
  XmlDocument: 0x07,
  Date: 0x08,
  Array: 0x09,
  Object: 0x0a,
  Xml: 0x0b,
  ByteArray: 0x0c,
  VectorInt: 0x0d,
  VectorUint: 0x0e,
  VectorDouble: 0x0f,
  VectorObject: 0x10,
  Dictionary: 0x11,
} as const;

/** In the order of their markers, from VectorInt. */
const VECTOR_KINDS: readonly VectorKind[] = ['int', 'uint', 'double', 'object'];

const DATE_BYTES = 8;

/** Integers are 29 bits, two's complement; other numbers are doubles. AMF3 §3.6. */
const INTEGER_MIN = -0x1000_0000;
const INTEGER_MAX = 0xfff_ffff;

/**
 * Classes that write themselves in a form of their own: without knowing it, nobody can tell where they end. Flex wraps
 * what it sends in these two; each is one value, which we hand out as the named member.
 */
const EXTERNALIZABLE: ReadonlyMap<string, string> = new Map([
  ['flex.messaging.io.ArrayCollection', 'source'],
  ['flex.messaging.io.ObjectProxy', 'object'],
]);

/** One value; what follows it is ignored. */
export function decodeAmf3(bytes: Uint8Array, limits: AmfLimits = AMF_LIMITS): AmfValue {
  return new Amf3Reader(new ByteReader(bytes), new DecodeBudget(limits).begin(bytes.length)).read();
}

export function encodeAmf3(value: AmfValue): Uint8Array {
  const out = new ByteWriter();
  new Amf3Writer(out, new EncodeBudget(MAX_AMF_BYTES)).write(value);
  return out.done();
}

/** A class as its first instance described it. */
interface ClassTraits extends Traits {
  className: string;
  isExternalizable: boolean;
}

/** Reads values that share three reference tables. */
export class Amf3Reader {
  readonly #in: ByteReader;
  readonly #budget: DecodeBudget;
  readonly #strings: ReferenceTable<string>;
  readonly #objects: ReferenceTable<AmfValue>;
  readonly #traits: ReferenceTable<ClassTraits>;

  constructor(bytes: ByteReader, budget: DecodeBudget) {
    this.#in = bytes;
    this.#budget = budget;
    this.#strings = new ReferenceTable(budget, 'AMF3 string');
    this.#objects = new ReferenceTable(budget, 'AMF3 object');
    this.#traits = new ReferenceTable(budget, 'AMF3 traits');
  }

  read(): AmfValue {
    this.#budget.spend();
    this.#in.place = 'in the middle of an AMF3 value';
    const marker = this.#in.u8();
    switch (marker) {
      case Marker.Undefined:
        return undefined;
      case Marker.Null:
        return null;
      case Marker.False:
        return false;
      case Marker.True:
        return true;
      case Marker.Integer:
        return (this.#u29() << 3) >> 3;
      case Marker.Double:
        return this.#in.f64();
      case Marker.String:
        return this.#readString();
      default:
        return this.#readComplex(marker);
    }
  }

  /** Everything that the object table holds: it begins with a reference, or with a count and a low bit of 1. */
  #readComplex(marker: number): AmfValue {
    if (marker > Marker.Dictionary) {
      throw new DecodeError(
        'ERR_AMF_MARKER',
        `it has the unknown AMF3 marker ${marker} at offset ${this.#in.offset - 1}`,
      );
    }
    const header = this.#u29();
    if ((header & 1) === 0) return this.#objects.get(header >> 1);
    const count = header >> 1;
    this.#budget.spendObject();
    switch (marker) {
      case Marker.XmlDocument:
        return this.#readLeaf(new XmlDocument(this.#in.utf8(count), true), count);
      case Marker.Xml:
        return this.#readLeaf(new XmlDocument(this.#in.utf8(count), false), count);
      case Marker.Date:
        return this.#readLeaf(new Date(this.#in.f64()), DATE_BYTES);
      case Marker.ByteArray:
        return this.#readLeaf(this.#in.take(count).slice(), count);
      default: {
        this.#budget.enter();
        const start = this.#in.offset;
        const before = this.#budget.expandedBytes;
        const index = this.#objects.length; // before anything that is in it
        const value = this.#readContainer(marker, count);
        this.#objects.setSize(index, this.#in.offset - start + this.#budget.expandedBytes - before);
        this.#budget.leave();
        return value;
      }
    }
  }

  #readContainer(marker: number, count: number): AmfValue {
    switch (marker) {
      case Marker.Array:
        return this.#readArray(count);
      case Marker.Object:
        return this.#readObject(count);
      case Marker.Dictionary:
        return this.#readDictionary(count);
      default:
        return this.#readVector(VECTOR_KINDS[marker - Marker.VectorInt]!, count);
    }
  }

  #readLeaf<T extends AmfValue>(value: T, bytes: number): T {
    this.#objects.add(value, bytes);
    return value;
  }

  /** An object enters the table before its members, which may refer to it. */
  #remember<T extends AmfValue>(value: T): T {
    this.#objects.add(value);
    return value;
  }

  // | (name, value)… | empty name | dense values |    AMF3 §3.11
  #readArray(count: number): AmfValue[] | EcmaArray {
    this.#checkCount(count, 1);
    let name = this.#readString();
    const mixed = name === '' ? undefined : this.#remember(new EcmaArray());
    const dense = mixed?.dense ?? this.#remember([] as AmfValue[]);
    for (let i = 0; mixed !== undefined && name !== ''; i += 1) {
      this.#budget.spendName(i);
      mixed.entries[name] = this.read();
      name = this.#readString();
    }
    for (let i = 0; i < count; i += 1) dense.push(this.read());
    return mixed ?? dense;
  }

  // | traits | sealed values | (name, value)… | empty name |    AMF3 §3.12
  #readObject(header: number): AmfObject | TypedObject {
    const traits = this.#readTraits(header);
    if (traits.isExternalizable) return this.#readExternalizable(traits.className);
    const members = emptyObject();
    const { className, sealed, isDynamic } = traits;
    const object = className === '' ? members : new TypedObject(className, members, { sealed, isDynamic });
    this.#remember(object);
    let count = 0;
    for (const name of sealed) {
      this.#budget.spendName(count++);
      members[name] = this.read();
    }
    while (isDynamic) {
      const name = this.#readString();
      if (name === '') break;
      this.#budget.spendName(count++);
      members[name] = this.read();
    }
    return object;
  }

  // In the header: 0 reference to traits | 1 inline, 1 externalizable, 1 dynamic, sealed members
  #readTraits(header: number): ClassTraits {
    if ((header & 1) === 0) return this.#traits.get(header >> 1);
    const sealedCount = header >> 3;
    this.#checkCount(sealedCount, 1);
    const start = this.#in.offset;
    const before = this.#budget.expandedBytes;
    const className = this.#readString();
    const sealed: string[] = [];
    this.#budget.spend(sealedCount);
    for (let i = 0; i < sealedCount; i += 1) sealed.push(this.#readString());
    const traits = {
      className,
      sealed,
      isExternalizable: (header & 2) !== 0,
      isDynamic: (header & 4) !== 0,
    };
    this.#traits.add(traits, this.#in.offset - start + this.#budget.expandedBytes - before);
    return traits;
  }

  #readExternalizable(className: string): TypedObject {
    const member = EXTERNALIZABLE.get(className);
    if (member === undefined) {
      throw new DecodeError(
        'ERR_AMF_CLASS',
        `externalizable class "${className.slice(0, 100)}" is not known`,
      );
    }
    const object = this.#remember(new TypedObject(className, emptyObject()));
    object.members[member] = this.read();
    return object;
  }

  // | fixed u8 | class name, kind object only | items |    AMF3 §3.15
  #readVector(kind: VectorKind, count: number): Vector {
    const isFixed = this.#in.u8() !== 0;
    const vector = this.#remember(new Vector(kind, [], isFixed));
    if (kind === 'object') {
      vector.className = this.#readString();
      this.#checkCount(count, 1);
      for (let i = 0; i < count; i += 1) vector.items.push(this.read());
    } else {
      this.#checkCount(count, kind === 'double' ? 8 : 4);
      this.#budget.spend(count);
      for (let i = 0; i < count; i += 1) vector.items.push(this.#readVectorNumber(kind));
    }
    return vector;
  }

  #readVectorNumber(kind: 'int' | 'uint' | 'double'): number {
    if (kind === 'int') return this.#in.i32();
    return kind === 'uint' ? this.#in.u32() : this.#in.f64();
  }

  // | weak keys u8 | (key, value)… |    AMF3 §3.16
  #readDictionary(count: number): Dictionary {
    // COMPAT: BlazeDS writes the markers of false and true, 02 and 03.
    const hasWeakKeys = (this.#in.u8() & 1) !== 0;
    this.#checkCount(count, 2);
    const dictionary = this.#remember(new Dictionary([], hasWeakKeys));
    for (let i = 0; i < count; i += 1) {
      this.#budget.spend(); // the pair
      dictionary.entries.push([this.read(), this.read()]);
    }
    return dictionary;
  }

  /** Refuses a count that the remaining bytes cannot hold, before anything is read for it. */
  #checkCount(count: number, itemBytes: number): void {
    if (count * itemBytes > this.#in.remaining) {
      throw new DecodeError('ERR_AMF_COUNT', `it has ${count} items in ${this.#in.remaining} bytes`);
    }
  }

  // | length·2+1 U29 | UTF-8 |, or | index·2 U29 |. The empty string is never referred to. AMF3 §1.3.2
  #readString(): string {
    const header = this.#u29();
    if ((header & 1) === 0) return this.#strings.get(header >> 1);
    if (header === 1) return '';
    this.#in.place = 'in the middle of a string';
    const bytes = header >> 1;
    const text = this.#in.utf8(bytes);
    this.#strings.add(text, bytes);
    return text;
  }

  // 7 bits a byte, the high bit says that more follow; a fourth byte has 8. AMF3 §1.3.1
  #u29(): number {
    let value = 0;
    for (let i = 0; i < 3; i += 1) {
      const byte = this.#in.u8();
      if (byte < 0x80) return (value << 7) | byte;
      value = (value << 7) | (byte & 0x7f);
    }
    return (value << 8) | this.#in.u8();
  }
}

type Container = AmfValue[] | AmfObject | EcmaArray | TypedObject | Vector | Dictionary;

/** Writes values that share three reference tables. */
export class Amf3Writer {
  readonly #out: ByteWriter;
  readonly #budget: EncodeBudget;
  readonly #strings = new Map<string, number>();
  readonly #objects = new Map<object, number>();
  readonly #traits = new Map<string, number>();

  constructor(out: ByteWriter, budget: EncodeBudget) {
    this.#out = out;
    this.#budget = budget;
  }

  write(value: AmfValue): void {
    this.#budget.spend();
    this.#budget.check(this.#out.length);
    switch (typeof value) {
      case 'undefined':
        this.#out.u8(Marker.Undefined);
        return;
      case 'boolean':
        this.#out.u8(value ? Marker.True : Marker.False);
        return;
      case 'number':
        this.#writeNumber(value);
        return;
      case 'string':
        this.#out.u8(Marker.String);
        this.#writeString(value);
        return;
      case 'object':
        if (value === null) this.#out.u8(Marker.Null);
        else this.#writeComplex(value);
        return;
      default:
        throw new TypeError(`AMF has no ${typeof value}`);
    }
  }

  #writeNumber(value: number): void {
    const isInteger = Number.isInteger(value) && value >= INTEGER_MIN && value <= INTEGER_MAX;
    if (isInteger && !Object.is(value, -0)) {
      this.#out.u8(Marker.Integer);
      this.#writeU29(value & 0x1fff_ffff);
    } else this.#out.u8(Marker.Double).f64(value);
  }

  #writeComplex(value: NonNullable<AmfValue> & object): void {
    this.#out.u8(markerOf(value));
    const seen = this.#objects.get(value);
    if (seen !== undefined) {
      this.#writeU29(seen << 1);
      return;
    }
    this.#objects.set(value, this.#objects.size);
    if (value instanceof Date) {
      this.#writeCount(0);
      this.#out.f64(value.getTime());
    } else if (value instanceof XmlDocument) {
      this.#writeUtf8(value.text);
    } else if (value instanceof Uint8Array) {
      this.#writeBytes(value);
    } else {
      this.#budget.enter();
      this.#writeContainer(value);
      this.#budget.leave();
    }
  }

  #writeContainer(value: Container): void {
    if (Array.isArray(value)) {
      this.#writeCount(value.length);
      this.#writeString('');
      this.#writeItems(value);
    } else if (value instanceof EcmaArray) {
      this.#writeCount(value.dense.length);
      this.#writeDynamic(value.entries, Object.keys(value.entries));
      this.#writeItems(value.dense);
    } else if (value instanceof Vector) {
      this.#writeVector(value);
    } else if (value instanceof Dictionary) {
      this.#writeCount(value.entries.length);
      this.#out.u8(value.hasWeakKeys ? 1 : 0);
      for (const entry of value.entries) this.#writeItems(entry);
    } else if (value instanceof TypedObject) {
      this.#writeTyped(value);
    } else {
      this.#writeTraits({ className: '', sealed: [], isDynamic: true, isExternalizable: false });
      this.#writeDynamic(value, Object.keys(value));
    }
  }

  #writeTyped({ className, members, traits }: TypedObject): void {
    const external = EXTERNALIZABLE.get(className);
    if (external !== undefined && traits === undefined) {
      this.#writeTraits({ className, sealed: [], isDynamic: false, isExternalizable: true });
      this.write(members[external]);
      return;
    }
    const names = Object.keys(members);
    const sealed = traits?.sealed ?? names;
    const known = new Set(sealed);
    const others = names.filter((name) => !known.has(name));
    const isDynamic = traits?.isDynamic === true || others.length > 0;
    this.#writeTraits({ className, sealed, isDynamic, isExternalizable: false });
    for (const name of sealed) this.write(members[name]);
    if (isDynamic) this.#writeDynamic(members, others);
  }

  #writeTraits(traits: ClassTraits): void {
    const { className, sealed, isDynamic, isExternalizable } = traits;
    const key = JSON.stringify([className, sealed, isDynamic, isExternalizable]);
    const seen = this.#traits.get(key);
    if (seen !== undefined) {
      this.#writeU29((seen << 2) | 0b01);
      return;
    }
    this.#traits.set(key, this.#traits.size);
    const flags = (isDynamic ? 0b1000 : 0) | (isExternalizable ? 0b0100 : 0);
    this.#writeU29((sealed.length << 4) | flags | 0b0011);
    this.#writeString(className);
    for (const name of sealed) this.#writeString(name);
  }

  /** AMF3 has no place for a member whose name is empty: that name is the end. */
  #writeDynamic(members: AmfObject, names: readonly string[]): void {
    for (const name of names) {
      if (name === '') continue;
      this.#writeString(name);
      this.write(members[name]);
    }
    this.#writeString('');
  }

  #writeVector({ kind, isFixed, items, className }: Vector): void {
    this.#writeCount(items.length);
    this.#out.u8(isFixed ? 1 : 0);
    if (kind === 'object') {
      this.#writeString(className);
      this.#writeItems(items);
      return;
    }
    for (const item of items) {
      if (kind === 'int') this.#out.i32(Number(item));
      else if (kind === 'uint') this.#out.u32(Number(item));
      else this.#out.f64(Number(item));
    }
  }

  #writeItems(items: readonly AmfValue[]): void {
    for (let i = 0; i < items.length; i += 1) this.write(items[i]);
  }

  #writeString(text: string): void {
    if (text === '') {
      this.#writeCount(0);
      return;
    }
    const seen = this.#strings.get(text);
    if (seen !== undefined) {
      this.#writeU29(seen << 1);
      return;
    }
    this.#strings.set(text, this.#strings.size);
    this.#writeUtf8(text);
  }

  #writeUtf8(text: string): void {
    const bytes = utf8Bytes(text);
    this.#writeCount(bytes);
    this.#out.utf8(text, bytes);
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#writeCount(bytes.length);
    this.#out.bytes(bytes);
  }

  /** A length with the low bit that says: no reference. */
  #writeCount(count: number): void {
    this.#budget.check(this.#out.length + count);
    this.#writeU29((count << 1) | 1);
  }

  #writeU29(value: number): void {
    if (value < 0x80) {
      this.#out.u8(value);
    } else if (value < 0x4000) {
      this.#out.u8((value >> 7) | 0x80).u8(value & 0x7f);
    } else if (value < 0x20_0000) {
      this.#out
        .u8((value >> 14) | 0x80)
        .u8(((value >> 7) & 0x7f) | 0x80)
        .u8(value & 0x7f);
    } else {
      this.#out.u8((value >> 22) | 0x80).u8(((value >> 15) & 0x7f) | 0x80);
      this.#out.u8(((value >> 8) & 0x7f) | 0x80).u8(value & 0xff);
    }
  }
}

function markerOf(value: NonNullable<AmfValue> & object): number {
  if (Array.isArray(value) || value instanceof EcmaArray) return Marker.Array;
  if (value instanceof Date) return Marker.Date;
  if (value instanceof Uint8Array) return Marker.ByteArray;
  if (value instanceof XmlDocument) return value.isLegacy ? Marker.XmlDocument : Marker.Xml;
  if (value instanceof Vector) return Marker.VectorInt + VECTOR_KINDS.indexOf(value.kind);
  if (value instanceof Dictionary) return Marker.Dictionary;
  return Marker.Object;
}
