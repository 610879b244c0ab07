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
} from '../wire.ts';

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
// What one call may cost: some 0.2 s of a core for the dearest.
const MAX_RSA_BITS = 4096;
const MAX_ITERATIONS = 1_000_000;
const MAX_DERIVED_BITS = 1 << 16;
/** Calls of one instance that run at a time: Node's threads are there for all of them. */
const MAX_RUNNING = 2;
/** Keys made from their bytes that are kept: making one takes up to 0.1 ms. */
const MAX_KEPT_KEYS = 64;
const MAX_DEPTH = 6;
const MAX_MESSAGE = 200;

export class SubtleService {
  readonly #reply: (event: RunnerEvent) => void;
  readonly #waiting: SubtleCommand[] = [];
  readonly #keys = new Map<string, Promise<Key>>();
  #running = 0;

  constructor(reply: (event: RunnerEvent) => void) {
    this.#reply = reply;
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /** Always answers, later. */
  run(command: SubtleCommand): void {
    if (this.#waiting.length >= MAX_CRYPTO_CALLS) {
      const message = `more than ${MAX_CRYPTO_CALLS} calls of crypto.subtle at a time`;
      this.#reply({ t: 'reply', id: command.id, ok: false, name: 'OperationError', message });
      return;
    }
    this.#waiting.push(command);
    this.#next();
  }

  #next(): void {
    if (this.#running >= MAX_RUNNING) return;
    const command = this.#waiting.shift();
    if (command === undefined) return;
    this.#running += 1;
    this.#compute(command)
      .then((value): RunnerEvent => ({ t: 'reply', id: command.id, ok: true, value }))
      .catch((error): RunnerEvent => ({ t: 'reply', id: command.id, ok: false, ...described(error) }))
      .then((event) => {
        this.#running -= 1;
        this.#reply(event);
        this.#next();
      });
  }

  async #compute({ method, args }: SubtleCommand): Promise<Json> {
    const decoded = await Promise.all(args.map((value) => this.#decode(value, 0)));
    for (const at of ALGORITHMS_AT[method] ?? [0]) requireAffordable(decoded[at]);
    if (method === 'deriveBits' && Number(decoded[2]) > MAX_DERIVED_BITS) {
      throw new RangeError(`deriveBits gives at most ${MAX_DERIVED_BITS} bits`);
    }
    const makesPassword = method === 'importKey' && PASSWORDS.has(nameOf(decoded[2]));
    const at = EXTRACTABLE_AT[method];
    if (at !== undefined) decoded[at] = !makesPassword;
    const call = subtle[method] as (...args: unknown[]) => Promise<unknown>;
    const result = await call.apply(subtle, decoded);
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
    return subtle.importKey(format, bytes(data), about, isExtractable, usages as webcrypto.KeyUsage[]);
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
