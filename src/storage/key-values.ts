// Keys and values of one application, in one SQLite file. Synchronous: for the thread of store-worker.ts.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { assertRegular, assertSize } from '../disk/regular-file.ts';

export const MAX_KEY_BYTES = 512;
export const MAX_VALUE_BYTES = 64 << 10;
/** Keys and values of one application. */
export const MAX_STORE_BYTES = 16 << 20;
/** What SQLite needs for that, with room for pages that are partly empty. */
const MAX_FILE_BYTES = 16 * MAX_STORE_BYTES;
const TABLE = 'pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID';
/** So that a list of them fits into an answer. */
export const MAX_KEYS_LISTED = 10_000;

/** Values are JSON texts. An absent value: there is, or shall be, none. */
export type StoreRequest =
  | { op: 'get'; key: string }
  | { op: 'set'; key: string; value: string }
  | { op: 'delete'; key: string }
  | { op: 'keys'; prefix: string }
  /** What is not there counts as 0. */
  | { op: 'add'; key: string; n: number }
  | { op: 'swap'; key: string; expected: string | undefined; next: string | undefined };

/** `get`: the text or null. `delete`, `swap`: whether it was done. `add`: the sum. `keys`: a list. */
export type StoreAnswer = string | number | boolean | null | string[];

/** Told to whoever asked; nothing has been changed. */
export class StoreRefusal extends Error {
  constructor(name: 'TypeError' | 'RangeError' | 'QuotaExceededError', message: string) {
    super(message);
    this.name = name;
  }
}

/** What requests need of a store, and of a version's view of it. */
export interface Pairs {
  readonly bytes: number;
  read(key: string): string | undefined;
  write(key: string, value: string | undefined): void;
  keys(prefix: string): string[];
}

export function perform(pairs: Pairs, request: StoreRequest): StoreAnswer {
  switch (request.op) {
    case 'get':
      return pairs.read(checked(request.key)) ?? null;
    case 'set':
      write(pairs, request.key, request.value);
      return null;
    case 'delete': {
      const wasThere = pairs.read(checked(request.key)) !== undefined;
      if (wasThere) pairs.write(request.key, undefined);
      return wasThere;
    }
    case 'keys':
      return pairs.keys(request.prefix);
    case 'add':
      return add(pairs, request.key, request.n);
    case 'swap': {
      const { key, expected, next } = request;
      if (!isSame(pairs.read(checked(key)), expected)) return false;
      write(pairs, key, next);
      return true;
    }
  }
}

function add(pairs: Pairs, key: string, n: number): number {
  const before = JSON.parse(pairs.read(checked(key)) ?? '0');
  if (typeof before !== 'number')
    throw new StoreRefusal('TypeError', `what is stored under ${quote(key)} is no number`);
  const sum = before + n;
  if (!Number.isFinite(sum))
    throw new StoreRefusal('RangeError', `the sum under ${quote(key)} is not finite`);
  write(pairs, key, JSON.stringify(sum));
  return sum;
}

/** Of JSON, whatever the order of an object's members. */
function isSame(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  try {
    return isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
  } catch {
    throw new StoreRefusal('TypeError', 'swap compares JSON values, and not nested without end');
  }
}

function write(pairs: Pairs, key: string, value: string | undefined): void {
  const grown = value === undefined ? 0 : size(checked(key), value) - size(key, pairs.read(key));
  if (value !== undefined && Buffer.byteLength(value) > MAX_VALUE_BYTES) {
    throw new StoreRefusal(
      'RangeError',
      `the value for ${quote(key)} has more than ${MAX_VALUE_BYTES} bytes as JSON`,
    );
  }
  if (grown > 0 && pairs.bytes + grown > MAX_STORE_BYTES) {
    throw new StoreRefusal(
      'QuotaExceededError',
      `the store is full: keys and values have ${MAX_STORE_BYTES} bytes`,
    );
  }
  if (value !== undefined && !isJson(value))
    throw new StoreRefusal('TypeError', `the value for ${quote(key)} is no JSON`);
  pairs.write(key, value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checked(key: string): string {
  if (key === '') throw new StoreRefusal('TypeError', 'a key cannot be empty');
  if (!key.isWellFormed()) throw new StoreRefusal('TypeError', 'the key holds half a character');
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new StoreRefusal('RangeError', `the key ${quote(key)} has more than ${MAX_KEY_BYTES} bytes`);
  return key;
}

function quote(key: string): string {
  return JSON.stringify(key.length <= 60 ? key : `${key.slice(0, 60)}…`);
}

/** What SQLite opens besides the file itself, by the ends of their names. It would wait for a pipe, and for all stores with it. */
const BESIDES = ['-journal', '-wal', '-shm'];

/** SQLite would read a device for ever, and a file of a terabyte for hours. */
function requirePlainFile(file: string): void {
  for (const end of ['', ...BESIDES]) {
    const stats = statSync(`${file}${end}`, { throwIfNoEntry: false });
    if (!stats) continue;
    assertRegular(stats);
    assertSize(stats.size, MAX_FILE_BYTES);
  }
}

function size(key: string, value: string | undefined): number {
  return value === undefined ? 0 : Buffer.byteLength(key) + Buffer.byteLength(value);
}

export class KeyValues implements Pairs, Disposable {
  readonly #database: DatabaseSync;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #delete: StatementSync;
  readonly #keys: StatementSync;
  readonly #dataVersion: StatementSync;
  #countedVersion: unknown;
  #bytes = 0;

  /** `file`: in a folder of its own, which is made; the folder around that must be there. */
  constructor(file: string) {
    const folder = dirname(file);
    if (!existsSync(folder)) mkdirSync(folder);
    requirePlainFile(file);
    this.#database = new DatabaseSync(file, { timeout: 2000 });
    try {
      // FULL: what has been confirmed is on the disk, not only on its way there.
      this.#database.exec(`
        PRAGMA trusted_schema = OFF;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS ${TABLE};
      `);
      this.#requireOwnSchema();
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#read = this.#database.prepare('SELECT value FROM pairs WHERE key = ?');
    this.#write = this.#database.prepare(
      'INSERT INTO pairs VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
    this.#delete = this.#database.prepare('DELETE FROM pairs WHERE key = ?');
    this.#keys = this.#database.prepare('SELECT key FROM pairs WHERE key >= ? ORDER BY key');
    this.#dataVersion = this.#database.prepare('PRAGMA data_version');
    this.#countAnew();
  }

  /** A view, a trigger or an index of somebody else's can compute for ever, and nothing stops that. */
  #requireOwnSchema(): void {
    const found = this.#database.prepare('SELECT sql FROM sqlite_schema LIMIT 2').all();
    if (found.length === 1 && found[0]!.sql === `CREATE TABLE ${TABLE}`) return;
    throw new Error(`the file holds something else than a store: expected the table ${TABLE} alone`);
  }

  #count(): void {
    const sum = 'SELECT COALESCE(SUM(octet_length(key) + octet_length(value)), 0) AS bytes FROM pairs';
    this.#bytes = Number(this.#database.prepare(sum).get()!.bytes);
  }

  /** When another process, the command `store`, has written. https://sqlite.org/pragma.html#pragma_data_version */
  #countAnew(): void {
    const version = this.#dataVersion.get()!.data_version;
    if (version === this.#countedVersion) return;
    this.#countedVersion = version;
    this.#count();
  }

  get bytes(): number {
    return this.#bytes;
  }

  read(key: string): string | undefined {
    return this.#read.get(key)?.value as string | undefined;
  }

  write(key: string, value: string | undefined): void {
    const grown = size(key, value) - size(key, this.read(key));
    if (value === undefined) this.#delete.run(key);
    else this.#write.run(key, value);
    this.#bytes += grown;
  }

  keys(prefix: string): string[] {
    return listed(prefix, keysFrom(this.#keys.iterate(prefix), prefix));
  }

  /** All of it, or, when it throws, nothing; on the disk when it returns. */
  transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#countAnew();
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // A full disk has rolled it back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#count();
      throw error;
    }
  }

  /** A whole store of its own in a new file, readable for its owner alone, while others read and write this one. */
  copyTo(file: string): void {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 }); // SQLite takes an empty file for none
    this.#database.prepare('VACUUM INTO ?').run(file);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function* keysFrom(rows: Iterable<Record<string, unknown>>, prefix: string): Generator<string> {
  for (const { key } of rows) {
    if (!(key as string).startsWith(prefix)) return;
    yield key as string;
  }
}

function listed(prefix: string, keys: Iterable<string>): string[] {
  const list: string[] = [];
  for (const key of keys) {
    if (list.length === MAX_KEYS_LISTED) {
      throw new StoreRefusal('RangeError', `more than ${MAX_KEYS_LISTED} keys begin with ${quote(prefix)}`);
    }
    list.push(key);
  }
  return list;
}

/**
 * What a version of a script sees that does not serve yet: the store with what it has written itself, of which nothing is
 * real until it serves.
 */
export class Trial implements Pairs {
  readonly #base: Pairs;
  readonly #written = new Map<string, string | undefined>();
  readonly #requests: StoreRequest[] = [];
  #grown = 0;

  constructor(base: Pairs) {
    this.#base = base;
  }

  perform(request: StoreRequest): StoreAnswer {
    const answer = perform(this, request);
    if (request.op !== 'get' && request.op !== 'keys') this.#requests.push(request);
    return answer;
  }

  /** Does it all again, for good. Keys for which that came out differently, for another instance was there first. */
  apply(): string[] {
    const lost: string[] = [];
    for (const request of this.#requests) {
      try {
        if (perform(this.#base, request) === false && request.op === 'swap') lost.push(request.key);
      } catch (error) {
        if (!(error instanceof StoreRefusal) || request.op === 'keys') throw error;
        lost.push(request.key);
      }
    }
    return lost;
  }

  get bytes(): number {
    return this.#base.bytes + this.#grown;
  }

  read(key: string): string | undefined {
    return this.#written.has(key) ? this.#written.get(key) : this.#base.read(key);
  }

  write(key: string, value: string | undefined): void {
    this.#grown += size(key, value) - size(key, this.read(key));
    this.#written.set(key, value);
  }

  keys(prefix: string): string[] {
    const keys = new Set(this.#base.keys(prefix));
    for (const [key, value] of this.#written) {
      if (value === undefined) keys.delete(key);
      else if (key.startsWith(prefix)) keys.add(key);
    }
    return listed(prefix, [...keys].sort());
  }
}
