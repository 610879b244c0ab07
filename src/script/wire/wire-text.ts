// AmfValue → the JSON of wire.ts, for a script. What a script sees is poorer than AMF3: a Vector reaches it as an array; traits,
// weak keys and the kind of XML are lost.
//
// A peer decides what the text is made of, so it is written straight to bytes, each object once, up to MAX_EVENT_BYTES.
import {
  type AmfObject,
  type AmfValue,
  Dictionary,
  EcmaArray,
  TypedObject,
  Vector,
  XmlDocument,
} from '../../protocol/amf/amf.ts';
import { JsonBytes } from './json-bytes.ts';
import { MAX_EVENT_BYTES } from './wire.ts';

/** JSON that goes into an event as it is. */
export class WireText {
  readonly json: Buffer;

  constructor(json: Buffer) {
    this.json = json;
  }
}

/** Throws CodedError if it becomes too long. */
export function toWire(value: AmfValue): WireText {
  const writer = new WireWriter();
  writer.write(value);
  return writer.done();
}

/** A list of values that may share objects. Throws CodedError if it becomes too long. */
export function listToWire(values: readonly AmfValue[]): WireText {
  const writer = new WireWriter();
  writer.writeItems(values);
  return writer.done();
}

/** Where an object stands in the text, -1 while it is being written, and its id once it has been met again. */
interface Place {
  readonly start: number;
  end: number;
  id: number;
}

class WireWriter {
  readonly #out = new JsonBytes(MAX_EVENT_BYTES);
  readonly #places = new Map<object, Place>();
  /** In the order of their ids. */
  readonly #shared: Place[] = [];

  write(value: AmfValue): void {
    switch (typeof value) {
      case 'string':
        this.#out.string(value);
        return;
      case 'number':
        this.#writeNumber(value);
        return;
      case 'boolean':
        this.#out.raw(value ? 'true' : 'false');
        return;
      case 'undefined':
        this.#out.raw('{"$":"undefined"}');
        return;
      default:
        if (value === null) this.#out.raw('null');
        else this.#writeOnce(value);
    }
  }

  writeItems(items: readonly AmfValue[]): void {
    this.#out.raw('[');
    for (let i = 0; i < items.length; i += 1) {
      if (i > 0) this.#out.raw(',');
      this.write(items[i]);
    }
    this.#out.raw(']');
  }

  done(): WireText {
    const text = this.#out.done();
    return new WireText(this.#shared.length === 0 ? text : this.#withDefinitions(text));
  }

  #writeNumber(value: number): void {
    if (Object.is(value, -0)) this.#out.raw('{"$":"number","v":"-0"}');
    else if (Number.isFinite(value)) this.#out.raw(`${value}`);
    else this.#out.raw(`{"$":"number","v":"${value}"}`);
  }

  #writeOnce(value: AmfValue & object): void {
    const known = this.#places.get(value);
    if (known !== undefined) {
      if (known.id === 0) known.id = this.#shared.push(known);
      this.#out.raw(`{"$":"ref","id":${known.id}}`);
      return;
    }
    const place = { start: this.#out.length, end: -1, id: 0 };
    this.#places.set(value, place);
    this.#writeObject(value);
    place.end = this.#out.length;
  }

  #writeObject(value: AmfValue & object): void {
    const out = this.#out;
    if (Array.isArray(value)) this.writeItems(value);
    else if (value instanceof Date) {
      const ms = value.getTime();
      out.raw(`{"$":"date","v":${Number.isNaN(ms) ? null : ms}}`);
    } else if (value instanceof Uint8Array) {
      out.raw('{"$":"bytes","v":');
      out.base64(value);
      out.raw('}');
    } else if (value instanceof EcmaArray) {
      out.raw('{"$":"ecma","v":');
      this.#writeMembers(value.entries, value.dense);
      out.raw('}');
    } else if (value instanceof TypedObject) {
      out.raw('{"$":"typed","class":');
      out.string(value.className);
      out.raw(',"v":');
      this.#writeMembers(value.members);
      out.raw('}');
    } else if (value instanceof XmlDocument) {
      out.raw('{"$":"xml","v":');
      out.string(value.text);
      out.raw('}');
    } else if (value instanceof Vector) this.writeItems(value.items);
    else if (value instanceof Dictionary) this.#writePairs(value.entries);
    else this.#writeMembers(value);
  }

  #writePairs(entries: readonly [AmfValue, AmfValue][]): void {
    this.#out.raw('{"$":"map","v":[');
    for (let i = 0; i < entries.length; i += 1) {
      if (i > 0) this.#out.raw(',');
      this.writeItems(entries[i]!);
    }
    this.#out.raw(']}');
  }

  /** `dense`: as entries "0", "1", … as in AMF0; a named entry of the same name loses. */
  #writeMembers(members: AmfObject, dense: readonly AmfValue[] = []): void {
    const isTagged = Object.hasOwn(members, '$') || Object.hasOwn(members, '__proto__');
    this.#out.raw(isTagged ? '{"$":"object","v":[' : '{');
    const start = this.#out.length;
    for (let i = 0; i < dense.length; i += 1) this.#writeMember(`${i}`, dense[i], isTagged, start);
    for (const name of Object.keys(members)) {
      if (!isIndexBelow(name, dense.length)) this.#writeMember(name, members[name], isTagged, start);
    }
    this.#out.raw(isTagged ? ']}' : '}');
  }

  /** `start`: where the first member stands. */
  #writeMember(name: string, value: AmfValue, isTagged: boolean, start: number): void {
    const out = this.#out;
    if (out.length > start) out.raw(',');
    if (isTagged) out.raw('[');
    out.string(name);
    out.raw(isTagged ? ',' : ':');
    this.write(value);
    if (isTagged) out.raw(']');
  }

  /** The text with `def` around everything that a `ref` stands for. */
  #withDefinitions(text: Buffer): Buffer {
    const insertions = this.#shared
      .flatMap(({ start, end, id }) => [
        { at: start, inserted: `{"$":"def","id":${id},"v":` },
        { at: end, inserted: '}' },
      ])
      .sort((a, b) => a.at - b.at);
    const pieces: Buffer[] = [];
    let from = 0;
    for (const { at, inserted } of insertions) {
      pieces.push(text.subarray(from, at), Buffer.from(inserted, 'latin1'));
      from = at;
    }
    return Buffer.concat([...pieces, text.subarray(from)]);
  }
}

function isIndexBelow(key: string, length: number): boolean {
  if (length === 0) return false;
  const n = Number(key);
  return Number.isInteger(n) && n >= 0 && n < length && String(n) === key;
}
