// The work of crypto.subtle, done by Node's own. Everything that a call needs comes with it, keys too.
import { webcrypto } from 'node:crypto';
import { types } from 'node:util';
import {
  type Json,
  type KeyMaterial,
  MAX_CRYPTO_BYTES,
  MAX_CRYPTO_CALLS,
  type RunnerCommand,
  type RunnerEvent,
} from '../wire/wire.ts';
import type { CryptoTurns, CryptoWork } from './crypto-turns.ts';

export type SubtleCommand = Extract<RunnerCommand, { op: 'subtle' }>;
type Key = webcrypto.CryptoKey;

const { subtle } = webcrypto;

const ALGORITHMS = new Set([
  ...['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'],
  ...['HMAC', 'HKDF', 'PBKDF2'],
  ...['AES-GCM', 'AES-CBC', 'AES-CTR', 'AES-KW'],
  ...['RSASSA-PKCS1-V1_5', 'RSA-PSS', 'RSA-OAEP'],
  ...['ECDSA', 'ECDH', 'ED25519', 'X25519'],
]);
/** Only ever imported, never exported: the specification has it so. */
const PASSWORDS = new Set(['HKDF', 'PBKDF2']);
const EXTRACTABLE_AT: { readonly [method: string]: number } = {
  importKey: 3,
  generateKey: 1,
  deriveKey: 3,
  unwrapKey: 5,
};
/** Which arguments are algorithms, where it is not the first one alone. */
const ALGORITHMS_AT: { readonly [method: string]: readonly number[] } = {
  importKey: [2],
  exportKey: [],
  deriveKey: [0, 2],
  wrapKey: [3],
  unwrapKey: [3, 4],
};
// What one call may cost: a second of a core as a rule, a few seconds for an RSA key of 4096 bits.
const MAX_RSA_BITS = 4096;
/** Of a key that is brought along. Signing takes 60 ms with 8192 bits, and eight times as long with twice as many. */
const MAX_IMPORTED_RSA_BITS = 8192;
const MAX_ITERATIONS = 1_000_000;
const MAX_DERIVED_BITS = 1 << 16;
/** PBKDF2 runs all iterations again for each block of its hash that is derived: iterations times blocks. */
const MAX_PBKDF2_ROUNDS = 4_000_000;
const LONG_PBKDF2_ROUNDS = 20_000;
const HASH_BITS: { readonly [name: string]: number } = {
  'SHA-1': 160,
  'SHA-256': 256,
  'SHA-384': 384,
  'SHA-512': 512,
};
/** Of an HMAC key without a length: the block of its hash. */
const HMAC_KEY_BITS: { readonly [name: string]: number } = {
  'SHA-1': 512,
  'SHA-256': 512,
  'SHA-384': 1024,
  'SHA-512': 1024,
};
/** Keys made from their bytes that are kept: making one takes up to 0.1 ms. */
const MAX_KEPT_KEYS = 64;
const MAX_DEPTH = 6;
const MAX_MESSAGE = 200;

export interface SubtleOptions {
  /** Whose share of the threads its calls have. */
  readonly application: string;
  readonly turns: CryptoTurns;
  reply(event: RunnerEvent): void;
}

export class SubtleService {
  readonly #options: SubtleOptions;
  /** Those that run and those that wait. */
  readonly #open = new Set<CryptoWork>();
  readonly #keys = new Map<string, Promise<Key>>();

  constructor(options: SubtleOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** Always answers, later, unless it is closed first. */
  run(command: SubtleCommand): void {
    const { application, turns, reply } = this.#options;
    if (this.#open.size >= MAX_CRYPTO_CALLS) {
      const message = `more than ${MAX_CRYPTO_CALLS} calls of crypto.subtle at a time`;
      reply({ t: 'reply', id: command.id, ok: false, name: 'OperationError', message });
      return;
    }
    const work: CryptoWork = {
      application,
      isLong: isLong(command),
      run: async () => {
        const event = await this.#compute(command).then(
          (value): RunnerEvent => ({ t: 'reply', id: command.id, ok: true, value }),
          (error): RunnerEvent => ({ t: 'reply', id: command.id, ok: false, ...described(error) }),
        );
        if (this.#open.delete(work)) reply(event);
      },
    };
    this.#open.add(work);
    turns.add(work);
  }

  /** The instance has ended: what waits is dropped, what runs is not answered. */
  close(): void {
    for (const work of this.#open) this.#options.turns.remove(work);
    this.#open.clear();
  }

  async #compute({ method, args }: SubtleCommand): Promise<Json> {
    const decoded = await Promise.all(args.map((value) => this.#decode(value, 0)));
    for (const at of ALGORITHMS_AT[method] ?? [0]) requireAffordable(decoded[at]);
    if (method === 'deriveBits' && Number(decoded[2]) > MAX_DERIVED_BITS) {
      throw new RangeError(`deriveBits gives at most ${MAX_DERIVED_BITS} bits`);
    }
    requireFewRounds(method, decoded);
    const makesPassword = method === 'importKey' && PASSWORDS.has(nameOf(decoded[2]));
    const at = EXTRACTABLE_AT[method];
    if (at !== undefined) decoded[at] = !makesPassword;
    const call = subtle[method] as (...args: unknown[]) => Promise<unknown>;
    const result = await call.apply(subtle, decoded);
    requireBearableKey(result);
    if (makesPassword) return encodedKey(result as Key, Buffer.from(decoded[1] as Uint8Array));
    return encode(result);
  }

  async #decode(value: Json, depth: number): Promise<unknown> {
    if (typeof value !== 'object' || value === null) return value ?? undefined;
    if (depth > MAX_DEPTH) throw new TypeError('an argument is nested too deep');
    if (Array.isArray(value)) return Promise.all(value.map((item) => this.#decode(item, depth + 1)));
    if (value.$ === 'bytes') return bytes(value.v);
    if (value.$ === 'key') return this.#key(value.v as KeyMaterial);
    const entries: [string, unknown][] = [];
    for (const [name, item] of Object.entries(value)) {
      entries.push([name, await this.#decode(item, depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  #key(material: KeyMaterial): Promise<Key> {
    const text = JSON.stringify(material);
    const kept = this.#keys.get(text);
    this.#keys.delete(text);
    const key = kept ?? this.#makeKey(material);
    this.#keys.set(text, key);
    if (this.#keys.size > MAX_KEPT_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    return key;
  }

  async #makeKey({ format, data, algorithm, usages }: KeyMaterial): Promise<Key> {
    const about = (await this.#decode(algorithm, 0)) as webcrypto.AlgorithmIdentifier;
    requireAffordable(about);
    const isExtractable = !PASSWORDS.has(nameOf(about));
    const key = await subtle.importKey(
      format,
      bytes(data),
      about,
      isExtractable,
      usages as webcrypto.KeyUsage[],
    );
    requireBearableKey(key);
    return key;
  }
}

function bytes(base64: unknown): Uint8Array<ArrayBuffer> {
  if (typeof base64 !== 'string') throw new TypeError('bytes that are no text');
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

async function encode(value: unknown): Promise<Json> {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return value as Json;
  if (value instanceof ArrayBuffer) return { $: 'bytes', v: Buffer.from(value).toString('base64') };
  if (ArrayBuffer.isView(value)) {
    const view = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { $: 'bytes', v: view.toString('base64') };
  }
  if (types.isCryptoKey(value)) {
    const data = await subtle.exportKey(formatOf(value), value);
    return encodedKey(value, Buffer.from(data as ArrayBuffer));
  }
  if (Array.isArray(value)) return Promise.all(value.map(encode));
  const object: { [name: string]: Json } = {};
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) object[name] = await encode(item);
  }
  return object;
}

async function encodedKey(key: Key, data: Buffer): Promise<Json> {
  const { type } = key;
  const algorithm = await encode(key.algorithm);
  const usages = [...key.usages];
  const material: KeyMaterial = { format: formatOf(key), data: data.toString('base64'), algorithm, usages };
  return { $: 'key', type, algorithm, usages, material };
}

function formatOf({ type }: Key): KeyMaterial['format'] {
  return type === 'secret' ? 'raw' : type === 'public' ? 'spki' : 'pkcs8';
}

function nameOf(algorithm: unknown): string {
  const isNamed = typeof algorithm === 'object' && algorithm !== null;
  return `${isNamed ? (algorithm as { name?: unknown }).name : algorithm}`.toUpperCase();
}

/** Only algorithms of the list, and nothing that keeps a core busy for long. */
function requireAffordable(algorithm: unknown): void {
  if (!ALGORITHMS.has(nameOf(algorithm))) {
    throw namedError('NotSupportedError', `there is no algorithm ${nameOf(algorithm).slice(0, 40)}`);
  }
  if (typeof algorithm !== 'object' || algorithm === null) return;
  const { modulusLength, iterations, length } = algorithm as { [name: string]: unknown };
  if (Number(modulusLength ?? 0) > MAX_RSA_BITS) {
    throw new RangeError(`RSA keys have at most ${MAX_RSA_BITS} bits`);
  }
  if (Number(iterations ?? 0) > MAX_ITERATIONS) {
    throw new RangeError(`PBKDF2 takes at most ${MAX_ITERATIONS} iterations`);
  }
  if (Number(length ?? 0) > MAX_CRYPTO_BYTES) throw new RangeError('the key is too long');
}

/** Of a call, before its arguments are decoded. What is no algorithm fails soon. */
function isLong({ method, args }: SubtleCommand): boolean {
  if (method === 'generateKey') return nameOf(args[0]).startsWith('RSA');
  if (method !== 'deriveBits' && method !== 'deriveKey') return false;
  return nameOf(args[0]) === 'PBKDF2' && pbkdf2Rounds(method, args) > LONG_PBKDF2_ROUNDS;
}

function requireFewRounds(method: string, args: readonly unknown[]): void {
  if (method !== 'deriveBits' && method !== 'deriveKey') return;
  if (nameOf(args[0]) !== 'PBKDF2' || pbkdf2Rounds(method, args) <= MAX_PBKDF2_ROUNDS) return;
  throw new RangeError(
    `PBKDF2: iterations times blocks of the hash are more than ${MAX_PBKDF2_ROUNDS}: derive fewer bits, or use SHA-512`,
  );
}

/** Iterations times blocks. `args`: of deriveBits or deriveKey, as JSON or decoded. */
function pbkdf2Rounds(method: string, [algorithm, , derived]: readonly unknown[]): number {
  const { iterations, hash } = Object(algorithm) as { [name: string]: unknown };
  const bits = method === 'deriveBits' ? Number(derived) : keyBits(derived);
  return Number(iterations) * Math.max(1, Math.ceil(bits / (HASH_BITS[nameOf(hash)] ?? 160)));
}

function keyBits(algorithm: unknown): number {
  const { length, hash } = Object(algorithm) as { [name: string]: unknown };
  return Number(length ?? HMAC_KEY_BITS[nameOf(hash)] ?? 256);
}

function requireBearableKey(key: unknown): void {
  if (!types.isCryptoKey(key)) return;
  const { modulusLength } = (key as Key).algorithm as { modulusLength?: number };
  if (modulusLength !== undefined && modulusLength > MAX_IMPORTED_RSA_BITS)
    throw new RangeError(`RSA keys that are imported have at most ${MAX_IMPORTED_RSA_BITS} bits`);
}

function namedError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

function described(error: unknown): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: 'OperationError', message: 'the operation failed' };
  const name = error instanceof RangeError ? 'OperationError' : error.name;
  return { name, message: `crypto.subtle: ${error.message}`.slice(0, MAX_MESSAGE) };
}
