// crypto.subtle and CryptoKey: the Web Cryptography API. Node's own in the runner does the work; what a script hands over is
// written as JSON, and a key's bytes stay here, out of the script's reach, and go along with each call: the runner keeps nothing
// that would have to be given back, and a key can be carried by whoever holds it.
import {
  type Json,
  MAX_CRYPTO_BYTES,
  MAX_CRYPTO_CALLS,
  SUBTLE_METHODS,
  type SubtleMethod,
} from '../../wire/wire.ts';
import { bytesOf, decodeBase64, encodeBase64 } from '../core/bytes.ts';
import { namedError } from '../core/errors.ts';
import { JsonText, plainJson, putForRunner } from '../core/outbox.ts';
import {
  append,
  create,
  define,
  expose,
  freeze,
  isArray,
  keys,
  quote,
  Uint8,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from '../core/primordials.ts';
import { type Answer, Questions } from '../core/questions.ts';

type JsonObject = { [name: string]: Json };

/** Base64 of all that a call may carry, and something around it. */
const MAX_CALL_CHARACTERS = Math.ceil(MAX_CRYPTO_BYTES / 3) * 4 + 4096;
const MAX_DEPTH = 4;

/** Which argument says whether the key that is made may be exported. */
const EXTRACTABLE_AT: { readonly [method in SubtleMethod]?: number } = {
  importKey: 3,
  generateKey: 1,
  deriveKey: 3,
  unwrapKey: 5,
};

class CryptoKey {
  declare readonly type: string;
  declare readonly extractable: boolean;
  declare readonly algorithm: object;
  declare readonly usages: readonly string[];
  constructor() {
    throw new TypeError('Illegal constructor: keys are made by crypto.subtle');
  }
  get [Symbol.toStringTag](): string {
    return 'CryptoKey';
  }
}

/** What the runner makes the key from again, as JSON. */
const materials = new WeakMapConstructor<object, string>();
const questions = new Questions(MAX_CRYPTO_CALLS, 'calls of crypto.subtle');

async function call(method: SubtleMethod, args: unknown[]): Promise<unknown> {
  requireExtractable(method, args);
  let text = '';
  for (let i = 0; i < args.length; i++) {
    text += `${i === 0 ? '' : ','}${encode(args[i], 0)}`;
    if (text.length > MAX_CALL_CHARACTERS) {
      throw namedError('OperationError', `crypto.subtle: more than ${MAX_CRYPTO_BYTES} bytes`);
    }
  }
  const at = EXTRACTABLE_AT[method];
  const answer = questions.ask((id) =>
    putForRunner({ op: 'subtle', id, method, args: new JsonText(`[${text}]`) }),
  );
  return decode(await answer, at !== undefined && Boolean(args[at]));
}

/** The runner works with copies that it can export, so this is for us to refuse. */
function requireExtractable(method: SubtleMethod, args: unknown[]): void {
  if (method !== 'exportKey' && method !== 'wrapKey') return;
  const key = args[1];
  if (key instanceof CryptoKey && weakMapGet(materials, key) !== undefined && !key.extractable) {
    throw namedError('InvalidAccessError', `crypto.subtle.${method}: the key is not extractable`);
  }
}

export function answerSubtle(answer: Answer): void {
  questions.answer(answer);
}

/** Names of algorithms, numbers, bytes, keys and plain objects of such: the arguments of all methods. */
function encode(value: unknown, depth: number): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean' || value === null) return `${value}`;
  if (typeof value === 'number') return value - value === 0 ? `${value}` : 'null';
  if (value === undefined) return 'null';
  if (typeof value !== 'object') throw new TypeError(`crypto.subtle takes no ${typeof value}`);
  const material = weakMapGet(materials, value);
  if (material !== undefined) return `{"$":"key","v":${material}}`;
  const bytes = bytesOf(value);
  if (bytes !== undefined) {
    if (bytes.length > MAX_CRYPTO_BYTES) {
      throw namedError('OperationError', `crypto.subtle: more than ${MAX_CRYPTO_BYTES} bytes`);
    }
    return `{"$":"bytes","v":"${encodeBase64(bytes)}"}`;
  }
  if (depth >= MAX_DEPTH) throw new TypeError('crypto.subtle: an argument is nested too deep');
  let text = '';
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) text += `${i === 0 ? '' : ','}${encode(value[i], depth + 1)}`;
    return `[${text}]`;
  }
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    const member = (value as Record<string, unknown>)[names[i]!];
    if (member === undefined || names[i] === '$') continue;
    text += `${text === '' ? '' : ','}${quote(names[i]!)}:${encode(member, depth + 1)}`;
  }
  return `{${text}}`;
}

function decode(value: Json, isExtractable: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) {
    const list: unknown[] = [];
    for (let i = 0; i < value.length; i++) append(list, decode(value[i]!, isExtractable));
    return list;
  }
  if (value.$ === 'bytes') return (decodeBase64(`${value.v}`) ?? new Uint8(0)).buffer;
  if (value.$ === 'key') return keyOf(value, isExtractable);
  const object: Record<string, unknown> = {};
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    // The public half of a pair is no secret.
    object[name] = decode((value as JsonObject)[name]!, isExtractable || name === 'publicKey');
  }
  return object;
}

function keyOf(value: JsonObject, isExtractable: boolean): CryptoKey {
  const key = create(CryptoKey.prototype) as CryptoKey;
  define(key, 'type', value.type);
  define(key, 'extractable', isExtractable);
  define(key, 'algorithm', freeze(algorithmOf(value.algorithm as JsonObject)));
  define(key, 'usages', freeze(decode(value.usages!, false) as string[]));
  weakMapSet(materials, key, plainJson(value.material!).json);
  return key;
}

function algorithmOf(value: JsonObject): object {
  const algorithm = decode(value, false) as Record<string, unknown>;
  if (algorithm.publicExponent !== undefined) {
    algorithm.publicExponent = new Uint8(algorithm.publicExponent as ArrayBuffer);
  }
  return algorithm;
}

export function defineSubtle(crypto: object): void {
  const subtle = create(null) as object;
  for (let i = 0; i < SUBTLE_METHODS.length; i++) {
    const method = SUBTLE_METHODS[i]!;
    define(subtle, method, (...args: unknown[]) => call(method, args));
  }
  define(crypto, 'subtle', subtle);
  expose('CryptoKey', CryptoKey);
}
