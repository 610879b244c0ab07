// AMF values in JSON, for fixtures. What JSON has stands for itself; the rest is an object with a `$` member.
import {
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  TypedObject,
  Vector,
  type VectorKind,
  XmlDocument,
} from '../../src/protocol/amf/amf.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** What `$id` names, for `$ref`. */
type Named = Map<Json, AmfValue>;

export function fromNotation(json: unknown): AmfValue {
  return read(json as Json, new Map());
}

function read(json: Json, named: Named, id?: Json): AmfValue {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json))
    return fill(keep<AmfValue[]>([], named, id), (array) => array.push(...list(json, named)));
  if ('$undefined' in json) return undefined;
  if ('$number' in json) return Number(json.$number);
  if ('$ref' in json) {
    if (!named.has(json.$ref!)) throw new Error(`no value has $id ${json.$ref}`);
    return named.get(json.$ref!);
  }
  if ('$id' in json) return read(json.value!, named, json.$id);
  return readObject(json, named, id);
}

function readObject(json: JsonObject, named: Named, id: Json | undefined): AmfValue {
  if ('$date' in json) return keep(new Date(json.$date as number), named, id);
  if ('$bytes' in json) return keep(Uint8Array.from(Buffer.from(json.$bytes as string, 'hex')), named, id);
  if ('$xml' in json) return keep(new XmlDocument(json.$xml as string, json.legacy === true), named, id);
  if ('$ecma' in json) {
    return fill(keep(new EcmaArray(), named, id), (array) => {
      Object.assign(array.entries, members(json.$ecma as JsonObject, named));
      array.dense.push(...list((json.dense ?? []) as Json[], named));
    });
  }
  if ('$typed' in json) {
    const sealed = json.sealed as string[] | undefined;
    const traits = sealed && { sealed, isDynamic: json.dynamic === true };
    return fill(keep(new TypedObject(json.$typed as string, emptyObject(), traits), named, id), (typed) => {
      Object.assign(typed.members, members(json.members as JsonObject, named));
    });
  }
  if ('$vector' in json) {
    const className = (json.className ?? '') as string;
    const vector = new Vector(json.$vector as VectorKind, [], json.fixed === true, className);
    return fill(keep(vector, named, id), ({ items }) => items.push(...list(json.items as Json[], named)));
  }
  if ('$dictionary' in json) {
    return fill(keep(new Dictionary([], json.weak === true), named, id), ({ entries }) => {
      for (const [key, value] of json.$dictionary as [Json, Json][]) {
        entries.push([read(key, named), read(value, named)]);
      }
    });
  }
  return fill(keep(emptyObject(), named, id), (object) => {
    Object.assign(object, members(json, named));
  });
}

/** Before its parts are read, so that they can refer to it. */
function keep<T extends AmfValue>(value: T, named: Named, id: Json | undefined): T {
  if (id !== undefined) named.set(id, value);
  return value;
}

function fill<T>(value: T, parts: (value: T) => void): T {
  parts(value);
  return value;
}

function list(json: Json[], named: Named): AmfValue[] {
  return json.map((item) => read(item, named));
}

function members(json: JsonObject, named: Named): { [key: string]: AmfValue } {
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, read(value, named)]));
}
