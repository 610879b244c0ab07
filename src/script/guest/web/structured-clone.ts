// structuredClone. HTML Standard §2.7: values of the language; objects of ours, such as clients, stay where they are.
import { namedError } from '../core/errors.ts';
import {
  append,
  DateConstructor,
  dateTime,
  define,
  defineProperty,
  ErrorConstructor,
  expose,
  hasOwn,
  isArray,
  isFunction,
  isView,
  keys,
  MapConstructor,
  mapEach,
  mapGet,
  mapSet,
  PromiseConstructor,
  SetConstructor,
  setEach,
  toStringOf,
  transferBuffer,
} from '../core/primordials.ts';
import { isOurObject } from '../core/wire-value.ts';

type Clones = Map<object, unknown>;

function structuredClone(value: unknown, options: { transfer?: Iterable<unknown> } = {}): unknown {
  const transferred: ArrayBuffer[] = [];
  for (const buffer of options.transfer ?? []) {
    if (!(buffer instanceof ArrayBuffer) || transferred.includes(buffer))
      throw refused('what is to be transferred');
    append(transferred, buffer);
  }
  const clones: Clones = new MapConstructor();
  const clone = cloneOf(value, clones);
  for (let i = 0; i < transferred.length; i++) transferBuffer(transferred[i]!);
  return clone;
}

function refused(what: string): Error {
  return namedError('DataCloneError', `${what} cannot be cloned`);
}

function cloneOf(value: unknown, clones: Clones): unknown {
  if (typeof value === 'symbol') throw refused('a symbol');
  if (isFunction(value)) throw refused(`the function ${value.name}`);
  if (typeof value !== 'object' || value === null) return value;
  const known = mapGet(clones, value);
  return known === undefined ? cloneObject(value, clones) : known;
}

function cloneObject(value: object, clones: Clones): unknown {
  const keep = <T>(clone: T): T => {
    mapSet(clones, value, clone);
    return clone;
  };
  if (isOurObject(value)) throw refused(`a ${value.constructor?.name}`);
  if (isArray(value)) return cloneMembers(value, keep(new Array(value.length)), clones);
  if (value instanceof DateConstructor) return keep(new DateConstructor(dateTime(value)));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (isView(value)) return keep(cloneView(value, clones));
  if (value instanceof MapConstructor) return cloneMap(value, keep(new MapConstructor()), clones);
  if (value instanceof SetConstructor) return cloneSet(value, keep(new SetConstructor()), clones);
  if (value instanceof ErrorConstructor) return keep(cloneError(value, clones));
  const tag = toStringOf(value);
  if (tag === '[object Boolean]' || tag === '[object Number]' || tag === '[object String]') {
    return keep(Object(value.valueOf()));
  }
  if (value instanceof PromiseConstructor || value instanceof WeakMap || value instanceof WeakSet) {
    throw refused(`a ${value.constructor.name}`);
  }
  return cloneMembers(value, keep({}), clones);
}

function cloneMembers(from: object, to: object, clones: Clones): object {
  const names = keys(from);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (!hasOwn(from, name)) continue; // a getter has taken it away
    const value = cloneOf((from as Record<string, unknown>)[name], clones);
    defineProperty(to, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return to;
}

/** Over the same stretch of the buffer's clone: views that share a buffer still do. */
function cloneView(view: ArrayBufferView, clones: Clones): unknown {
  const buffer = cloneOf(view.buffer, clones) as ArrayBuffer;
  if (view instanceof DataView) return new DataView(buffer, view.byteOffset, view.byteLength);
  const typed = view as Uint8Array;
  // Of the engine's own classes, whatever class of a script's it is of.
  const name = (typed as { [Symbol.toStringTag]: string })[Symbol.toStringTag];
  const Typed = TYPED_ARRAYS[name] as unknown as Uint8ArrayConstructor;
  return new Typed(buffer, typed.byteOffset, typed.length);
}
const TYPED_ARRAYS: Record<string, unknown> = {
  __proto__: null,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

function cloneMap(from: Map<unknown, unknown>, to: Map<unknown, unknown>, clones: Clones): unknown {
  const entries: [unknown, unknown][] = [];
  mapEach(from, (value, key) => append(entries, [key, value]));
  for (let i = 0; i < entries.length; i++)
    mapSet(to, cloneOf(entries[i]![0], clones), cloneOf(entries[i]![1], clones));
  return to;
}

function cloneSet(from: Set<unknown>, to: Set<unknown>, clones: Clones): unknown {
  const items: unknown[] = [];
  setEach(from, (item) => append(items, item));
  for (let i = 0; i < items.length; i++) to.add(cloneOf(items[i], clones));
  return to;
}

const ERRORS: Record<string, ErrorConstructor | undefined> = {
  __proto__: null as never,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

function cloneError(error: Error, clones: Clones): Error {
  const clone = new (ERRORS[error.name] ?? ErrorConstructor)(`${error.message}`);
  define(clone, 'stack', `${error.stack}`);
  if (hasOwn(error, 'cause')) define(clone, 'cause', cloneOf(error.cause, clones));
  return clone;
}

export function defineStructuredClone(): void {
  expose('structuredClone', (value: unknown, options?: { transfer?: Iterable<unknown> }) =>
    structuredClone(value, options),
  );
}
