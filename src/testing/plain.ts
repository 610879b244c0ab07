// Values from the wire as a test compares them. Objects come from there without a prototype, and deepEqual minds.
import { type AmfValue, EcmaArray, TypedObject } from '../protocol/amf/amf.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a script sends is for its tests to know
export type Anything = any;

export function plain(value: AmfValue, seen = new Map<object, unknown>()): Anything {
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    seen.set(value, list);
    for (const item of value) list.push(plain(item, seen));
    return list;
  }
  const members = membersOf(value);
  if (!members) return value;
  const object: Record<string, unknown> = {};
  seen.set(value, object);
  for (const [name, member] of Object.entries(members)) object[name] = plain(member, seen);
  return object;
}

/** Undefined: it is no object with members, but a date, bytes, or another thing of its own. */
function membersOf(value: AmfValue & object): { [name: string]: AmfValue } | undefined {
  if (value instanceof EcmaArray) return { ...value.entries, ...Object.fromEntries(value.dense.entries()) };
  if (value instanceof TypedObject) return value.members;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype
    ? (value as { [name: string]: AmfValue })
    : undefined;
}
