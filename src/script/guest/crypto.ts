// crypto: random bytes from a pool that the host fills, and crypto.subtle, whose work Node does in the runner.
//
// Random bytes are wanted synchronously, and a function of the host that scripts can cause to be called is a way to keep the
// host busy. So the host hands in a pool with each turn; what it holds is far more than handlers need in one.
import {
  HASH_NAMES,
  type HashName,
  MAX_CRYPTO_BYTES,
  MAX_CRYPTO_CALLS,
  RANDOM_POOL_BYTES,
  type RunnerCommand,
  type RunnerEvent,
} from '../wire.ts';
import { bytesOf, decodeBase64, encodeBase64 } from './bytes.ts';
import { put } from './outbox.ts';
import {
  create,
  define,
  ErrorConstructor,
  freeze,
  isArray,
  MapConstructor,
  mapDelete,
  mapGet,
  mapSet,
  mapSize,
  PromiseConstructor,
  Uint8,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from './primordials.ts';

type Reply = Extract<RunnerEvent, { t: 'reply' }>;
type Request = Extract<RunnerCommand, { hash: HashName }>;
type Asked = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

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

const waiting = new MapConstructor<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
let lastId = 0;

function ask(request: Asked): Promise<unknown> {
  if (mapSize(waiting) >= MAX_CRYPTO_CALLS) {
    throw namedError('OperationError', `more than ${MAX_CRYPTO_CALLS} calls of crypto.subtle at a time`);
  }
  lastId += 1;
  const id = lastId;
  put({ ...request, id });
  return new PromiseConstructor((resolve, reject) => mapSet(waiting, id, { resolve, reject }));
}

export function answerCrypto(reply: Reply): void {
  const asker = mapGet(waiting, reply.id);
  if (asker === undefined) return;
  mapDelete(waiting, reply.id);
  if (reply.ok) asker.resolve(reply.value);
  else asker.reject(namedError('OperationError', reply.message));
}

/** A key for HMAC. Its bytes stay in the guest and go along with each call. */
class CryptoKey {
  declare readonly type: 'secret';
  declare readonly extractable: boolean;
  declare readonly algorithm: { name: 'HMAC'; hash: { name: HashName }; length: number };
  declare readonly usages: readonly string[];
  constructor() {
    throw new TypeError('keys are made by crypto.subtle.importKey');
  }
}

interface KeySecret {
  hash: HashName;
  bytes: string;
  usages: readonly string[];
}
const secrets = new WeakMapConstructor<object, KeySecret>();

const subtle = create(null) as object;
define(subtle, 'digest', async (algorithm: unknown, data: unknown): Promise<ArrayBuffer> => {
  const hash = hashName(algorithm);
  return bufferOf(await ask({ op: 'digest', hash, data: inputOf(data) }));
});

define(
  subtle,
  'importKey',
  async (
    format: unknown,
    keyData: unknown,
    algorithm: unknown,
    extractable: unknown,
    usages: unknown,
  ): Promise<CryptoKey> => {
    if (format !== 'raw')
      throw namedError('NotSupportedError', `importKey: only raw keys, not ${String(format)}`);
    requireHmac(algorithm);
    const hash = hashName((algorithm as { hash?: unknown }).hash);
    const bytes = inputOf(keyData);
    const length = bytesOf(keyData)!.length;
    if (length === 0) throw namedError('DataError', 'importKey: an empty key');
    const wanted: string[] = [];
    const list = isArray(usages) ? usages : [];
    for (let i = 0; i < list.length; i++) {
      if (list[i] !== 'sign' && list[i] !== 'verify')
        throw new SyntaxError(`importKey: HMAC keys have no use ${String(list[i])}`);
      wanted[wanted.length] = list[i] as string;
    }
    if (wanted.length === 0) throw new SyntaxError('importKey: a key without a use');
    const key = create(CryptoKey.prototype) as CryptoKey & Record<string, unknown>;
    define(key, 'type', 'secret');
    define(key, 'extractable', Boolean(extractable));
    define(key, 'algorithm', freeze({ name: 'HMAC', hash: freeze({ name: hash }), length: length * 8 }));
    define(key, 'usages', freeze(wanted));
    weakMapSet(secrets, key, { hash, bytes, usages: wanted });
    return key;
  },
);

define(subtle, 'sign', async (algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> => {
  const secret = secretFor(algorithm, key, 'sign');
  return bufferOf(await ask({ op: 'sign', hash: secret.hash, key: secret.bytes, data: inputOf(data) }));
});

define(
  subtle,
  'verify',
  async (algorithm: unknown, key: unknown, signature: unknown, data: unknown): Promise<boolean> => {
    const secret = secretFor(algorithm, key, 'verify');
    const request = {
      hash: secret.hash,
      key: secret.bytes,
      signature: inputOf(signature),
      data: inputOf(data),
    };
    return (await ask({ op: 'verify', ...request })) === true;
  },
);

function secretFor(algorithm: unknown, key: unknown, usage: string): KeySecret {
  requireHmac(algorithm);
  const secret = typeof key === 'object' && key !== null ? weakMapGet(secrets, key) : undefined;
  if (secret === undefined) throw new TypeError('crypto.subtle: that is no CryptoKey');
  for (let i = 0; i < secret.usages.length; i++) if (secret.usages[i] === usage) return secret;
  throw namedError('InvalidAccessError', `crypto.subtle: the key is not for ${usage}`);
}

function requireHmac(algorithm: unknown): void {
  const name = algorithmName(algorithm);
  if (name !== 'HMAC') throw namedError('NotSupportedError', `crypto.subtle: only HMAC keys, not ${name}`);
}

function hashName(algorithm: unknown): HashName {
  const wanted = algorithmName(algorithm);
  for (let i = 0; i < HASH_NAMES.length; i++) if (HASH_NAMES[i] === wanted) return HASH_NAMES[i]!;
  throw namedError('NotSupportedError', `crypto.subtle: no hash ${wanted}`);
}

function algorithmName(algorithm: unknown): string {
  const isNamed = typeof algorithm === 'object' && algorithm !== null;
  return `${isNamed ? (algorithm as { name?: unknown }).name : algorithm}`.toUpperCase();
}

function inputOf(data: unknown): string {
  const bytes = bytesOf(data);
  if (bytes === undefined) throw new TypeError('crypto.subtle takes an ArrayBuffer or a view of one');
  if (bytes.length > MAX_CRYPTO_BYTES) {
    throw namedError('OperationError', `crypto.subtle: more than ${MAX_CRYPTO_BYTES} bytes`);
  }
  return encodeBase64(bytes);
}

function bufferOf(base64: unknown): ArrayBuffer {
  return (decodeBase64(`${base64}`) ?? new Uint8(0)).buffer as ArrayBuffer;
}

function namedError(name: string, message: string): Error {
  const error = new ErrorConstructor(message);
  define(error, 'name', name);
  return error;
}

export function defineCrypto(): void {
  const crypto = {};
  define(crypto, 'getRandomValues', getRandomValues);
  define(crypto, 'randomUUID', randomUUID);
  define(crypto, 'subtle', subtle);
  define(globalThis, 'crypto', crypto);
  define(globalThis, 'CryptoKey', CryptoKey);
}
