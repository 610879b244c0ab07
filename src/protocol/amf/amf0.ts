// AMF0 ⇄ values. Sections are those of Adobe's "Action Message Format -- AMF 0".
import { CodedError, DecodeError, isUnreadable } from '../../errors.ts';
import { ByteReader, ByteWriter, utf8Bytes } from '../bytes.ts';
import {
  type AmfObject,
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  TypedObject,
  Vector,
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
import { Amf3Reader, Amf3Writer } from './amf3.ts';

/** The byte before each value. AMF0 §2.1. */
const Marker = {
  Number: 0x00,
  Boolean: 0x01,
  String: 0x02,
  Object: 0x03,
  Null: 0x05,
  Undefined: 0x06,
  Reference: 0x07,
  EcmaArray: 0x08,
  ObjectEnd: 0x09,
  StrictArray: 0x0a,
  Date: 0x0b,
  LongString: 0x0c,
  Unsupported: 0x0d,
  XmlDocument: 0x0f,
  TypedObject: 0x10,
  AvmPlus: 0x11,
} as const;

const IN_OBJECT = 'in the middle of an object';
const IN_ARRAY = 'in the middle of an array';

/** Where bytes that end too early end, by the marker of the value. */
const PLACES: Readonly<Record<number, string>> = {
  [Marker.Number]: 'in the middle of a number',
  [Marker.Boolean]: 'in the middle of a boolean',
  [Marker.String]: 'in the middle of a string',
  [Marker.LongString]: 'in the middle of a string',
  [Marker.Reference]: 'in the middle of a reference',
  [Marker.Date]: 'in the middle of a date',
  [Marker.XmlDocument]: 'in the middle of an XML document',
  [Marker.EcmaArray]: IN_ARRAY,
  [Marker.StrictArray]: IN_ARRAY,
  [Marker.Object]: IN_OBJECT,
  [Marker.TypedObject]: IN_OBJECT,
  [Marker.AvmPlus]: 'in the middle of an AMF3 value',
};

/** | 00 00 | 09 | */
const OBJECT_END_BYTES = 3;

/** References and short strings are counted in 16 bits. */
const U16_MAX = 0xffff;

/** One value; what follows it is ignored. */
export function decodeAmf0(bytes: Uint8Array, limits: AmfLimits = AMF_LIMITS): AmfValue {
  return new Amf0Reader(new ByteReader(bytes), new DecodeBudget(limits)).read();
}

export function encodeAmf0(value: AmfValue, options: Amf0WriterOptions = {}): Uint8Array {
  const out = new ByteWriter();
  new Amf0Writer(out, options).write(value);
  return out.done();
}

/** Reads the values of one message: they share a reference table and the limits. */
export class Amf0Reader {
  /** COMPAT: cameras leave out the ends of the last objects of their metadata. True: the end of the bytes is their end. */
  takesOpenEnds = false;
  /** An object had no end. */
  hasOpenEnd = false;
  readonly #in: ByteReader;
  readonly #budget: DecodeBudget;
  /** Objects and arrays. AMF0 §2.9. */
  readonly #seen: ReferenceTable<AmfValue>;

  constructor(bytes: ByteReader, budget = new DecodeBudget(AMF_LIMITS)) {
    this.#in = bytes;
    this.#budget = budget.begin(bytes.remaining);
    this.#seen = new ReferenceTable(this.#budget, 'AMF0');
  }

  get isAtEnd(): boolean {
    return this.#in.remaining === 0;
  }

  /** Nothing but zeros is left; true at the end as well. */
  get isAtPadding(): boolean {
    const { bytes, offset } = this.#in;
    for (let i = offset; i < bytes.length; i += 1) if (bytes[i] !== 0) return false;
    return true;
  }

  /** The next value; or why there is none, and the reader stays in front of it. What exceeds a limit is thrown. */
  tryRead(): { value: AmfValue } | { problem: DecodeError } {
    const at = this.#in.offset;
    try {
      return { value: this.read() };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#in.offset = at;
      return { problem: error };
    }
  }

  read(): AmfValue {
    this.#budget.spend();
    const marker = this.#in.u8();
    this.#in.place = PLACES[marker];
    switch (marker) {
      case Marker.Number:
        return this.#in.f64();
      case Marker.Boolean:
        return this.#in.u8() !== 0;
      case Marker.String:
        return this.#in.utf8(this.#in.u16());
      case Marker.Null:
        return null;
      case Marker.Undefined:
      case Marker.Unsupported:
        return undefined;
      case Marker.Reference:
        return this.#seen.get(this.#in.u16()); // | index u16 |    AMF0 §2.9
      case Marker.Date:
        this.#budget.spendObject();
        return this.#readDate();
      case Marker.LongString:
        return this.#in.utf8(this.#in.u32());
      case Marker.XmlDocument:
        this.#budget.spendObject();
        return new XmlDocument(this.#in.utf8(this.#in.u32()));
      case Marker.AvmPlus:
        // Peers start AMF3's reference tables anew for each such value.
        return new Amf3Reader(this.#in, this.#budget).read();
      case Marker.Object:
      case Marker.EcmaArray:
      case Marker.StrictArray:
      case Marker.TypedObject: {
        this.#budget.spendObject();
        this.#budget.enter();
        const value = this.#readContainer(marker);
        this.#budget.leave();
        return value;
      }
      default:
        throw new DecodeError(
          'ERR_AMF_MARKER',
          `it has the unknown AMF0 marker ${marker} at offset ${this.#in.offset - 1}`,
        );
    }
  }

  #readContainer(marker: number): AmfValue {
    const start = this.#in.offset;
    const before = this.#budget.expandedBytes;
    const value = this.#newContainer(marker);
    const index = this.#seen.add(value);
    if (Array.isArray(value)) this.#readItems(value);
    else if (value instanceof EcmaArray) this.#readEntries(value);
    else this.#readMembers(value instanceof TypedObject ? value.members : value);
    this.#seen.setSize(index, this.#in.offset - start + this.#budget.expandedBytes - before);
    return value;
  }

  #newContainer(marker: number): AmfValue[] | EcmaArray | TypedObject | AmfObject {
    if (marker === Marker.StrictArray) return [];
    if (marker === Marker.EcmaArray) return new EcmaArray();
    if (marker === Marker.TypedObject) return new TypedObject(this.#in.utf8(this.#in.u16()), emptyObject());
    return emptyObject();
  }

  // | milliseconds f64 | time zone s16 |    AMF0 §2.13: the zone is reserved, what peers write there means nothing
  #readDate(): Date {
    const date = new Date(this.#in.f64());
    this.#in.i16();
    return date;
  }

  // | count u32 | values |    AMF0 §2.12
  #readItems(array: AmfValue[]): void {
    const count = this.#in.u32();
    if (count > this.#in.remaining) {
      throw new DecodeError('ERR_AMF_COUNT', `it has ${count} array items in ${this.#in.remaining} bytes`);
    }
    for (let i = 0; i < count; i += 1) {
      this.#in.place = IN_ARRAY;
      array.push(this.read());
    }
  }

  // | count u32 | members |    AMF0 §2.10
  #readEntries(array: EcmaArray): void {
    // COMPAT: the count is only a hint. Encoders write 0, or the number of members that they meant to send. It serves
    // those that leave out the end as well: at the end of the message, so many members are a whole array.
    this.#readMembers(array.entries, this.#in.u32());
  }

  // | (name u16+UTF-8, value)… | 00 00 09 |    AMF0 §2.5
  #readMembers(into: AmfObject, announced = 0): void {
    for (let count = 0; ; count += 1) {
      if (announced > 0 && count >= announced && this.#in.remaining === 0) return;
      if (this.takesOpenEnds && this.#in.remaining < OBJECT_END_BYTES && this.isAtPadding) {
        this.#in.offset = this.#in.bytes.length;
        this.hasOpenEnd = true;
        return;
      }
      this.#in.place = IN_OBJECT;
      const name = this.#in.utf8(this.#in.u16());
      if (name === '' && this.#in.peekU8() === Marker.ObjectEnd) {
        this.#in.u8();
        return;
      }
      this.#budget.spendName(count);
      into[name] = this.read();
    }
  }
}

export interface Amf0WriterOptions {
  /** The peer reads AMF3: it gets objects and arrays behind marker 0x11. Others get what AMF0 can say. */
  avmPlus?: boolean;
  /** Of all that is written, what `out` has already included. More is a CodedError `ERR_AMF_SIZE`. */
  maxBytes?: number;
}

/** Writes the values of one message: they share a reference table. */
export class Amf0Writer {
  readonly #out: ByteWriter;
  readonly #avmPlus: boolean;
  readonly #budget: EncodeBudget;
  readonly #seen = new Map<object, number>();

  constructor(out: ByteWriter, options: Amf0WriterOptions = {}) {
    this.#out = out;
    this.#avmPlus = options.avmPlus ?? false;
    this.#budget = new EncodeBudget(options.maxBytes ?? MAX_AMF_BYTES);
  }

  write(value: AmfValue): void {
    this.#budget.spend();
    this.#budget.check(this.#out.length);
    switch (typeof value) {
      case 'undefined':
        this.#out.u8(Marker.Undefined);
        return;
      case 'boolean':
        this.#out.u8(Marker.Boolean).u8(value ? 1 : 0);
        return;
      case 'number':
        this.#out.u8(Marker.Number).f64(value);
        return;
      case 'string':
        this.#writeString(value);
        return;
      case 'object':
        if (value === null) this.#out.u8(Marker.Null);
        else this.#writeObject(value);
        return;
      default:
        throw new TypeError(`AMF has no ${typeof value}`);
    }
  }

  #writeString(text: string): void {
    const bytes = utf8Bytes(text);
    this.#budget.check(this.#out.length + bytes);
    if (bytes <= U16_MAX) this.#out.u8(Marker.String).u16(bytes).utf8(text, bytes);
    else this.#out.u8(Marker.LongString).u32(bytes).utf8(text, bytes);
  }

  #writeObject(value: NonNullable<AmfValue> & object): void {
    if (this.#avmPlus) {
      this.#out.u8(Marker.AvmPlus);
      new Amf3Writer(this.#out, this.#budget).write(value);
    } else if (value instanceof Date) {
      this.#out.u8(Marker.Date).f64(value.getTime()).i16(0);
    } else if (value instanceof XmlDocument) {
      const bytes = utf8Bytes(value.text);
      this.#budget.check(this.#out.length + bytes);
      this.#out.u8(Marker.XmlDocument).u32(bytes).utf8(value.text, bytes);
    } else if (value instanceof Uint8Array || value instanceof Vector || value instanceof Dictionary) {
      // AMF0 §2.15: a type that cannot be serialized.
      this.#out.u8(Marker.Unsupported);
    } else {
      this.#writeContainer(value);
    }
  }

  #writeContainer(value: AmfValue[] | AmfObject | EcmaArray | TypedObject): void {
    const seen = this.#seen.get(value);
    if (seen !== undefined && seen <= U16_MAX) {
      this.#out.u8(Marker.Reference).u16(seen);
      return;
    }
    if (seen === undefined) this.#seen.set(value, this.#seen.size);
    this.#budget.enter();
    if (Array.isArray(value)) {
      this.#out.u8(Marker.StrictArray).u32(value.length);
      for (let i = 0; i < value.length; i += 1) this.write(value[i]);
    } else if (value instanceof EcmaArray) {
      const entries = Object.assign(emptyObject(), value.dense, value.entries);
      this.#out.u8(Marker.EcmaArray).u32(Object.keys(entries).length);
      this.#writeMembers(entries);
    } else if (value instanceof TypedObject) {
      this.#out.u8(Marker.TypedObject);
      this.#writeName(value.className);
      this.#writeMembers(value.members);
    } else {
      this.#out.u8(Marker.Object);
      this.#writeMembers(value as AmfObject);
    }
    this.#budget.leave();
  }

  #writeMembers(members: AmfObject): void {
    for (const name of Object.keys(members)) {
      this.#budget.check(this.#out.length);
      this.#writeName(name);
      this.write(members[name]);
    }
    this.#out.u16(0).u8(Marker.ObjectEnd);
  }

  #writeName(name: string): void {
    const bytes = utf8Bytes(name);
    if (bytes > U16_MAX) {
      throw new CodedError('ERR_AMF_NAME', `a name of ${bytes} bytes; AMF0 has room for ${U16_MAX}`);
    }
    this.#out.u16(bytes).utf8(name, bytes);
  }
}
