// crypto: random bytes from a pool that the host fills. crypto.subtle is in subtle.ts.
//
// Random bytes are wanted synchronously, and a function of the host that scripts can cause to be called is a way to keep the
// host busy. So the host hands in a pool with each turn; what it holds is far more than handlers need in one.
import { RANDOM_POOL_BYTES } from '../../wire/wire.ts';
import { bytesOf } from '../core/bytes.ts';
import { namedError } from '../core/errors.ts';
import { define, expose, Uint8 } from '../core/primordials.ts';
import { defineSubtle } from './subtle.ts';

let pool = new Uint8(0);
let used = 0;

export function refillRandom(bytes: Uint8Array): void {
  pool = bytes as typeof pool;
  used = 0;
}
export function randomLeft(): number {
  return pool.length - used;
}

function takeRandom(count: number): Uint8Array {
  if (count > pool.length - used) {
    throw namedError('QuotaExceededError', `more than ${RANDOM_POOL_BYTES} random bytes in one turn`);
  }
  const taken = pool.slice(used, used + count);
  pool.fill(0, used, used + count);
  used += count;
  return taken;
}

function getRandomValues<T>(target: T): T {
  const bytes = bytesOf(target);
  const isFloat = target instanceof Float32Array || target instanceof Float64Array;
  if (bytes === undefined || bytes === (target as unknown) || isFloat || !ArrayBuffer.isView(target)) {
    throw namedError('TypeMismatchError', 'crypto.getRandomValues takes an array of integers');
  }
  bytes.set(takeRandom(bytes.length));
  return target;
}

function randomUUID(): string {
  const bytes = takeRandom(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += (bytes[i]! + 256).toString(16).slice(1);
  }
  return text;
}

export function defineCrypto(): void {
  const crypto = {};
  define(crypto, 'getRandomValues', getRandomValues);
  define(crypto, 'randomUUID', randomUUID);
  defineSubtle(crypto);
  expose('crypto', crypto);
}
