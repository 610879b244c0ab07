// JSON of values that are nothing but JSON, by the engine's own JSON.stringify: as wire-value.ts would write them, in a fraction
// of the time. In a new version of a script all code is cold, and hundreds of clients wait for it.
import {
  ArrayPrototype,
  getPrototypeOf,
  isArray,
  isFiniteNumber,
  keys,
  ObjectPrototype,
  stringify,
} from './primordials.ts';

/** Each is looked for among those before: more go the other way. */
const MAX_OBJECTS = 32;
const MAX_VALUES = 1000;

const seen: unknown[] = [];
for (let i = 0; i < MAX_OBJECTS; i++) seen[i] = undefined;
let objects = 0;
let values = 0;

/** Undefined: not all of it is plain. `classKey`: a property that makes an object one of a class. */
export function quickJson(value: unknown, classKey: symbol): string | undefined {
  // With a toJSON there the engine would call it.
  if ('toJSON' in ObjectPrototype || 'toJSON' in ArrayPrototype) return undefined;
  forgetSeen(); // a getter may have thrown in the middle
  const text = isPlain(value, classKey) ? (stringify(value) as string) : undefined;
  forgetSeen();
  return text;
}

function forgetSeen(): void {
  values = 0;
  for (; objects > 0; objects--) seen[objects - 1] = undefined;
}

/** Finite numbers, strings, true, false, null, and arrays and objects of such, each of them once and without a prototype of its own. */
function isPlain(value: unknown, classKey: symbol): boolean {
  values += 1;
  if (values > MAX_VALUES) return false;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return isFiniteNumber(value) && (value !== 0 || 1 / value > 0);
  if (typeof value !== 'object') return false;
  for (let i = 0; i < objects; i++) if (seen[i] === value) return false;
  if (objects === MAX_OBJECTS) return false;
  seen[objects] = value;
  objects += 1;
  const prototype = getPrototypeOf(value);
  if (isArray(value)) {
    if (prototype !== ArrayPrototype || value.length > MAX_VALUES) return false;
    if (keys(value).length !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], classKey)) return false;
    return true;
  }
  if (prototype !== ObjectPrototype && prototype !== null) return false;
  const members = value as Record<PropertyKey, unknown>;
  if (members[classKey] !== undefined) return false;
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    // They have another form on the wire.
    if (name === '$' || name === '__proto__' || !isPlain(members[name], classKey)) return false;
  }
  return true;
}
