// Takes away what runs script code outside a timed turn, or takes memory outside the isolate's limit. Scripts are told of
// none of it: a bare ECMAScript engine need not have these.
import { ArrayBufferConstructor, define, defineProperty, expose } from './primordials.ts';

// FinalizationRegistry: its callbacks run with no time limit. WebAssembly, Atomics.waitAsync: so do their promises.
// SharedArrayBuffer: memory that the limit does not count, and Atomics.wait on it cannot be interrupted.
const DANGEROUS_GLOBALS = ['FinalizationRegistry', 'WebAssembly', 'SharedArrayBuffer', 'Atomics'];
// A buffer that grows in place is not held to the memory limit.
const GROWING_BUFFER_METHODS = ['resize', 'transfer', 'transferToFixedLength'];

export function lockDown(): void {
  const globals = globalThis as unknown as Record<string, unknown>;
  for (let i = 0; i < DANGEROUS_GLOBALS.length; i++) delete globals[DANGEROUS_GLOBALS[i]!];
  const prototype = ArrayBufferConstructor.prototype as unknown as Record<string, unknown>;
  for (let i = 0; i < GROWING_BUFFER_METHODS.length; i++) delete prototype[GROWING_BUFFER_METHODS[i]!];
  replaceArrayBuffer();
}

/** An ArrayBuffer constructor that knows no `maxByteLength`. */
function replaceArrayBuffer(): void {
  const { construct } = Reflect;
  const original = ArrayBufferConstructor;
  function FixedArrayBuffer(this: unknown, byteLength: unknown): object {
    if (new.target === undefined) throw new TypeError("Constructor ArrayBuffer requires 'new'");
    return construct(original, [byteLength], new.target);
  }
  defineProperty(FixedArrayBuffer, 'name', { value: 'ArrayBuffer', configurable: true });
  defineProperty(FixedArrayBuffer, 'prototype', { value: original.prototype, writable: false });
  define(FixedArrayBuffer, 'isView', original.isView);
  defineProperty(FixedArrayBuffer, Symbol.species, {
    get() {
      return this;
    },
    configurable: true,
  });
  define(original.prototype, 'constructor', FixedArrayBuffer);
  expose('ArrayBuffer', FixedArrayBuffer);
}
