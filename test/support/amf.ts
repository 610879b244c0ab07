// Expected AMF values in tests, and random ones.
import {
  type AmfObject,
  type AmfValue,
  Dictionary,
  EcmaArray,
  emptyObject,
  TypedObject,
  Vector,
  XmlDocument,
} from '../../src/protocol/amf/amf.ts';
import type { Random } from './random.ts';

/**
 * Takes the prototype off each ordinary object in a value, in place, as decoded objects have none: so that a literal
 * can be compared with what was decoded.
 */
export function bare<T>(value: T): T {
  strip(value, new Set());
  return value;
}

function strip(value: unknown, seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (Object.getPrototypeOf(value) === Object.prototype) Object.setPrototypeOf(value, null);
  for (const member of Object.values(value)) strip(member, seen);
}

export interface RandomAmfOptions {
  /** Without: only what AMF0 can say and reads back as it was. */
  amf3: boolean;
}

/** A random value, sometimes with a part that appears twice or contains itself. */
export function randomAmf(random: Random, { amf3 }: RandomAmfOptions): AmfValue {
  const objects: AmfValue[] = [];
  const scalars: (() => AmfValue)[] = [
    () => undefined,
    () => null,
    () => random.oneIn(2),
    () => random.below(512) - 256,
    () => random.pick([-0x1000_0001, -0x1000_0000, 0xfff_ffff, 0x1000_0000, 0x7f, 0x80, 0x3fff, 0x4000]),
    () => random.pick([0.1, -0, Number.NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 1e300]),
    text,
    () => new Date(random.u32() * 1000),
    () => new XmlDocument(`<a>${text()}</a>`, !amf3 || random.oneIn(2)),
  ];
  if (amf3) scalars.push(() => random.bytes(random.below(20)));

  function text(): string {
    return random.pick([
      '',
      'a',
      'code',
      'größe',
      '🎬 take',
      '\u0000',
      '\ufeffbom',
      'x'.repeat(random.below(200)),
    ]);
  }
  function name(): string {
    return random.pick(['a', 'b', 'level', 'code', '__proto__', 'constructor', 'länge', '7', 'x y']);
  }
  function list(depth: number): AmfValue[] {
    return Array.from({ length: random.below(4) }, () => any(depth));
  }
  function fill(members: AmfObject, depth: number): void {
    for (let i = random.below(4); i > 0; i -= 1) members[name()] = any(depth);
  }
  function kept<T extends AmfValue>(value: T): T {
    objects.push(value);
    return value;
  }
  function any(depth: number): AmfValue {
    if (objects.length > 0 && random.oneIn(8)) return random.pick(objects);
    if (depth === 0 || random.oneIn(2)) return random.pick(scalars)();
    switch (random.below(amf3 ? 7 : 4)) {
      case 0: {
        const object = kept(emptyObject());
        fill(object, depth - 1);
        return object;
      }
      case 1: {
        const array: AmfValue[] = kept([]);
        array.push(...list(depth - 1));
        return array;
      }
      case 2: {
        const array = kept(new EcmaArray());
        array.entries.key = any(depth - 1);
        fill(array.entries, depth - 1);
        if (amf3) array.dense.push(...list(depth - 1));
        return array;
      }
      case 3: {
        const members = emptyObject();
        const traits = { sealed: ['id', 'name'], isDynamic: random.oneIn(2) };
        const typed = kept(
          new TypedObject(random.pick(['a.B', 'Größe']), members, amf3 ? traits : undefined),
        );
        members.id = any(depth - 1);
        members.name = any(depth - 1);
        if (!amf3 || traits.isDynamic) fill(members, depth - 1);
        return typed;
      }
      case 4: {
        const numbers = Array.from({ length: random.below(5) }, () => random.u32());
        return random.pick([
          kept(new Vector('uint', numbers, random.oneIn(2))),
          kept(
            new Vector(
              'int',
              numbers.map((n) => n | 0),
            ),
          ),
          kept(
            new Vector(
              'double',
              numbers.map((n) => n / 7),
            ),
          ),
        ]);
      }
      case 5: {
        const vector = kept(new Vector('object', [], random.oneIn(2), text()));
        vector.items.push(...list(depth - 1));
        return vector;
      }
      default: {
        const dictionary = kept(new Dictionary([], random.oneIn(2)));
        for (const key of list(depth - 1)) dictionary.entries.push([key, any(depth - 1)]);
        return dictionary;
      }
    }
  }
  return any(4);
}
