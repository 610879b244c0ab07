// Built-ins as they are before any script has run. The guest's own bookkeeping uses these, so that a script that patches
// Array.prototype or Map.prototype, from habit or malice, breaks itself and not the order of its events.
//
// For the same reason the guest walks arrays by index: for-of, spread and destructuring of arrays go through
// Array.prototype[Symbol.iterator].

export const { apply, ownKeys } = Reflect;
// A script's own objects may be anything; these see only own properties and never call toJSON.
export const {
  assign,
  create,
  defineProperty,
  freeze,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  keys,
  prototype: ObjectPrototype,
} = Object;
export const { isArray, prototype: ArrayPrototype } = Array;
export const { isFinite: isFiniteNumber, isInteger } = Number;
export const { floor, min, max, round } = Math;
export const parseJson: (text: string) => unknown = JSON.parse;
/** As scripts know it: with `toJSON` and getters. */
export const { stringify } = JSON;
export const PromiseConstructor = Promise;
export const DateConstructor = Date;
export const { now: nowMs } = Date;
export const { now } = Date;
export const MapConstructor = Map;
export const SetConstructor = Set;
export const WeakMapConstructor = WeakMap;
export const ErrorConstructor = Error;
export const Uint8 = Uint8Array;
export const { fromCharCode } = String;
export const ArrayBufferConstructor = ArrayBuffer;
const { transferToFixedLength } = ArrayBuffer.prototype as { transferToFixedLength?: () => ArrayBuffer };
export const isView: (value: unknown) => value is ArrayBufferView = ArrayBuffer.isView;

// biome-ignore lint/suspicious/noExplicitAny: any function at all
type AnyFunction = (...args: any[]) => unknown;

/** `method` as a function of its `this`; the caller says what type it has then. */
function uncurryThis<F extends AnyFunction>(method: AnyFunction): F {
  return ((self: unknown, ...args: unknown[]) => apply(method, self, args)) as F;
}

export const mapGet: <K, V>(map: Map<K, V>, key: K) => V | undefined = uncurryThis(Map.prototype.get);
export const mapSet: <K, V>(map: Map<K, V>, key: K, value: V) => void = uncurryThis(Map.prototype.set);
export const mapHas: <K>(map: Map<K, unknown>, key: K) => boolean = uncurryThis(Map.prototype.has);
export const mapDelete: <K>(map: Map<K, unknown>, key: K) => boolean = uncurryThis(Map.prototype.delete);
export const mapEach: <K, V>(map: Map<K, V>, visit: (value: V, key: K) => void) => void = uncurryThis(
  Map.prototype.forEach,
);
export const mapSize: (map: Map<unknown, unknown>) => number = uncurryThis(
  getOwnPropertyDescriptor(Map.prototype, 'size')!.get!,
);
const mapKeys: <K>(map: Map<K, unknown>) => Iterator<K> = uncurryThis(Map.prototype.keys);
const nextOf: <K>(keys: Iterator<K>) => IteratorResult<K> = uncurryThis(
  getPrototypeOf(mapKeys(new Map())).next,
);
/** The one that was set first. */
export function mapFirstKey<K>(map: Map<K, unknown>): K | undefined {
  return nextOf(mapKeys(map)).value;
}
export const setEach: <T>(set: Set<T>, visit: (value: T) => void) => void = uncurryThis(
  Set.prototype.forEach,
);
export const weakMapGet: <K extends object, V>(map: WeakMap<K, V>, key: K) => V | undefined = uncurryThis(
  WeakMap.prototype.get,
);
export const weakMapSet: <K extends object, V>(map: WeakMap<K, V>, key: K, value: V) => void = uncurryThis(
  WeakMap.prototype.set,
);
export const promiseThen: (
  promise: Promise<unknown>,
  onValue: (value: unknown) => void,
  onError?: (error: unknown) => void,
) => void = uncurryThis(Promise.prototype.then);
export const dateTime: (date: Date) => number = uncurryThis(Date.prototype.getTime);
export const slice: (text: string, start: number, end?: number) => string = uncurryThis(
  String.prototype.slice,
);
export const repeat: (text: string, count: number) => string = uncurryThis(String.prototype.repeat);
export const join: (texts: readonly string[], between: string) => string = uncurryThis(Array.prototype.join);
export const charCodeAt: (text: string, index: number) => number = uncurryThis(String.prototype.charCodeAt);
export const indexOf: (text: string, part: string, from?: number) => number = uncurryThis(
  String.prototype.indexOf,
);
export const lastIndexOf: (text: string, part: string) => number = uncurryThis(String.prototype.lastIndexOf);
export const toLowerCase: (text: string) => string = uncurryThis(String.prototype.toLowerCase);
export const exec: (pattern: RegExp, text: string) => RegExpExecArray | null = uncurryThis(
  RegExp.prototype.exec,
);
/** Of the same length: the memory goes to the new buffer, the old one has none. Scripts cannot reach it (lockdown.ts). */
export const transferBuffer: (buffer: ArrayBuffer) => ArrayBuffer = uncurryThis(transferToFixedLength!);
/** What a function was written as. */
export const sourceOf: (of: AnyFunction) => string = uncurryThis(Function.prototype.toString);
export const toStringOf: (value: unknown) => string = uncurryThis(Object.prototype.toString);

/** Many times what can be sent (MAX_COMMAND_CHARACTERS), which has a better error. */
const MAX_QUOTED_CHARACTERS = 16 << 20;

/** A string as JSON. Never called with an object, so no `toJSON` is ever looked up. */
export function quote(text: string): string {
  // Before the engine makes one piece of it, all at once: that can be more memory than the process has.
  if (text.length > MAX_QUOTED_CHARACTERS)
    throw new RangeError(`a text of ${text.length} characters: at most ${MAX_QUOTED_CHARACTERS} can be sent`);
  return stringify(text) as string;
}

/** Adds to the end of a list whatever a script has done to `push`, or to setters on Array.prototype. */
export function append<T>(list: T[], item: T): void {
  defineProperty(list, list.length, { value: item, writable: true, enumerable: true, configurable: true });
}

/** One of a list of constants. */
export function isOneOf<T>(list: readonly T[], value: unknown): value is T {
  for (let i = 0; i < list.length; i++) if (list[i] === value) return true;
  return false;
}

/** Takes the item at `index` out, without `splice`. */
export function removeAt(list: unknown[], index: number): void {
  for (let i = index; i + 1 < list.length; i++) list[i] = list[i + 1];
  list.length -= 1;
}

/** A property as the engine's own globals have theirs: scripts may replace it, for-in does not show it. */
export function define(target: object, name: PropertyKey, value: unknown): void {
  defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

/** As a global of the script. What the bundler has called a class is no business of scripts. */
export function expose(name: string, value: unknown): void {
  define(globalThis, name, value);
  if (isFunction(value) && value.name !== name)
    defineProperty(value, 'name', { value: name, configurable: true });
}

export function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
