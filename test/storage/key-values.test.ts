import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import {
  KeyValues,
  MAX_KEY_BYTES,
  MAX_KEYS_LISTED,
  MAX_STORE_BYTES,
  MAX_VALUE_BYTES,
  perform,
  type StoreRequest,
  Trial,
} from '../../src/storage/key-values.ts';

let folder: string;
let files = 0;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-store-'));
});
after(() => rmSync(folder, { recursive: true }));

function open(): KeyValues {
  files += 1;
  return new KeyValues(join(folder, `s${files}`, 'store.sqlite'));
}
const set = (key: string, value: unknown): StoreRequest => ({ op: 'set', key, value: JSON.stringify(value) });
const get = (key: string): StoreRequest => ({ op: 'get', key });
const keys = (prefix = ''): StoreRequest => ({ op: 'keys', prefix });
const swap = (key: string, expected: unknown, next: unknown): StoreRequest => {
  const text = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));
  return { op: 'swap', key, expected: text(expected), next: text(next) };
};

describe('a store', () => {
  test('gives back what was set, and null for what was not', () => {
    using store = open();
    perform(store, set('a', { list: [1, 'ü', null] }));
    perform(store, set('a', [2]));
    assert.equal(perform(store, get('a')), '[2]');
    assert.equal(perform(store, get('b')), null);
    assert.equal(perform(store, { op: 'delete', key: 'a' }), true);
    assert.equal(perform(store, { op: 'delete', key: 'a' }), false);
    assert.equal(perform(store, get('a')), null);
  });

  test('lists keys by their beginning, in order, whatever characters they have', () => {
    using store = open();
    const names = [
      'user:2',
      'user:10',
      'user',
      'user;',
      'usr',
      'user:\u{1f600}',
      'user:\u0000x',
      "user:'; --",
      '%_',
      'User:1',
    ];
    for (const name of names) perform(store, set(name, name));
    const wanted = names.filter((name) => name.startsWith('user:')).sort();
    assert.deepEqual(perform(store, keys('user:')), wanted);
    assert.equal((perform(store, keys()) as string[]).length, names.length);
    for (const name of names) assert.equal(perform(store, get(name)), JSON.stringify(name));
  });

  test('counts: what is not there is 0, what is no number is left as it is', () => {
    using store = open();
    assert.equal(perform(store, { op: 'add', key: 'n', n: 2 }), 2);
    assert.equal(perform(store, { op: 'add', key: 'n', n: -0.5 }), 1.5);
    perform(store, set('text', '1'));
    assert.throws(() => perform(store, { op: 'add', key: 'text', n: 1 }), { name: 'TypeError' });
    perform(store, set('big', 1.7e308));
    assert.throws(() => perform(store, { op: 'add', key: 'big', n: 1.7e308 }), { name: 'RangeError' });
    assert.equal(perform(store, get('text')), '"1"');
  });

  test('swaps what is as expected, members in any order, absence included', () => {
    using store = open();
    assert.equal(perform(store, swap('k', { a: 1 }, 'never')), false);
    assert.equal(perform(store, swap('k', undefined, { a: 1, b: [2] })), true);
    assert.equal(perform(store, swap('k', undefined, 'never')), false);
    assert.equal(perform(store, swap('k', { b: [2], a: 1 }, 'next')), true);
    assert.equal(perform(store, swap('k', 'next', undefined)), true);
    assert.equal(perform(store, get('k')), null);
  });

  test('refuses by name what is too long or no key, and what is no JSON', () => {
    using store = open();
    const long = 'x'.repeat(MAX_KEY_BYTES);
    perform(store, set(long, 1));
    assert.throws(() => perform(store, set(`${long}x`, 1)), { name: 'RangeError', message: /512 bytes/ });
    assert.throws(() => perform(store, get('')), { name: 'TypeError' });
    assert.throws(() => perform(store, get('\ud800')), { name: 'TypeError' });
    perform(store, set('v', 'x'.repeat(MAX_VALUE_BYTES - 2)));
    assert.throws(() => perform(store, set('w', 'x'.repeat(MAX_VALUE_BYTES - 1))), { name: 'RangeError' });
    assert.throws(() => perform(store, { op: 'set', key: 'j', value: '{' }), { name: 'TypeError' });
    const deep = '['.repeat(30_000) + ']'.repeat(30_000);
    perform(store, { op: 'set', key: 'deep', value: deep });
    assert.equal(perform(store, { op: 'swap', key: 'deep', expected: deep, next: '1' }), true);
  });

  test('is full at 16 MB of keys and values, and what makes it smaller is taken then', () => {
    using store = open();
    const value = 'x'.repeat(MAX_VALUE_BYTES - 2);
    store.transaction(() => {
      for (let i = 0; store.bytes + MAX_VALUE_BYTES + 4 <= MAX_STORE_BYTES; i += 1)
        perform(store, set(String(i).padStart(4, '0'), value));
    });
    assert.throws(() => perform(store, set('more', value)), { name: 'QuotaExceededError' });
    assert.equal(perform(store, set('0000', 'less')), null);
    assert.equal(perform(store, set('more', value.slice(0, -10))), null);
    const again = new KeyValues(join(folder, `s${files}`, 'store.sqlite'));
    assert.equal(again.bytes, store.bytes);
    again[Symbol.dispose]();
  });

  test('lists no more keys than fit into an answer, and says what to do', () => {
    using store = open();
    store.transaction(() => {
      for (let i = 0; i <= MAX_KEYS_LISTED; i += 1) perform(store, set(`k${i}`, 0));
    });
    assert.throws(() => perform(store, keys('k')), { name: 'RangeError', message: /begin with "k"/ });
    assert.equal((perform(store, keys('k1')) as string[]).length, 1112);
  });

  test('takes back all of a transaction that fails, its count included', () => {
    using store = open();
    perform(store, set('a', 1));
    const { bytes } = store;
    const work = () => {
      perform(store, set('a', 'longer'));
      throw new Error('power');
    };
    assert.throws(() => store.transaction(work), /power/);
    assert.equal(perform(store, get('a')), '1');
    assert.equal(store.bytes, bytes);
  });

  test('that is no database is refused, and left as it is', () => {
    using _ = open();
    const file = join(folder, `s${files}`, 'other.sqlite');
    writeFileSync(file, 'x'.repeat(5000));
    assert.throws(() => new KeyValues(file), /not a database/);
    assert.ok(readdirSync(join(folder, `s${files}`)).includes('other.sqlite'));
  });

  test('that is a pipe, a device, a folder or a terabyte is refused before SQLite opens it', () => {
    using _ = open();
    const file = join(folder, `s${files}`, 'other.sqlite');
    const refused = (what: RegExp) => {
      assert.throws(() => new KeyValues(file), what);
      rmSync(file, { recursive: true });
    };
    execFileSync('mkfifo', [file]);
    refused(/found a named pipe/);
    symlinkSync('/dev/zero', file);
    refused(/found a device/);
    mkdirSync(file);
    refused(/found a folder/);
    writeFileSync(file, '');
    truncateSync(file, 2 ** 40);
    refused(/1099511627776 bytes: expected at most/);
  });

  test('beside which a pipe, a device, a folder or a terabyte lies where SQLite has a file is refused', () => {
    using _ = open();
    for (const end of ['-journal', '-wal', '-shm']) {
      const file = join(folder, `s${files}`, 'other.sqlite');
      using made = new DatabaseSync(file);
      made.exec('PRAGMA user_version = 1');
      const refused = (what: RegExp) => {
        assert.throws(() => new KeyValues(file), what, end);
        rmSync(`${file}${end}`, { recursive: true });
      };
      execFileSync('mkfifo', [`${file}${end}`]);
      refused(/found a named pipe/);
      symlinkSync('/dev/zero', `${file}${end}`);
      refused(/found a device/);
      mkdirSync(`${file}${end}`);
      refused(/found a folder/);
      writeFileSync(`${file}${end}`, '');
      truncateSync(`${file}${end}`, 2 ** 40);
      refused(/1099511627776 bytes: expected at most/);
    }
  });

  test('that holds a view that never ends, a trigger or another table is refused', () => {
    using _ = open();
    const TABLE = 'CREATE TABLE pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID';
    for (const [i, sql] of [
      `CREATE VIEW pairs AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n)
         SELECT key, key AS value FROM n`,
      `${TABLE}; CREATE TRIGGER t AFTER INSERT ON pairs BEGIN DELETE FROM pairs; END`,
      `${TABLE}; CREATE INDEX i ON pairs (length(value))`,
      'CREATE TABLE pairs (key TEXT, value TEXT)',
    ].entries()) {
      const file = join(folder, `s${files}`, `other${i}.sqlite`);
      const made = new DatabaseSync(file);
      made.exec(sql);
      made.close();
      assert.throws(() => new KeyValues(file), /holds something else than a store/, sql);
    }
  });
});

describe('a trial', () => {
  test('sees what it wrote, and nobody else does until it is applied', () => {
    using store = open();
    perform(store, set('a', 1));
    perform(store, set('gone', 1));
    const trial = new Trial(store);
    trial.perform(set('b', 2));
    trial.perform({ op: 'delete', key: 'gone' });
    assert.equal(trial.perform({ op: 'add', key: 'a', n: 5 }), 6);
    assert.equal(trial.perform(swap('a', 6, 7)), true);
    assert.deepEqual(trial.perform(keys()), ['a', 'b']);
    assert.deepEqual(perform(store, keys()), ['a', 'gone']);
    assert.equal(perform(store, get('a')), '1');
    assert.deepEqual(trial.apply(), []);
  });

  test('applied, adds to what others have added meanwhile, and names what came too late', () => {
    using store = open();
    perform(store, set('n', 1));
    perform(store, set('lock', 'free'));
    const trial = new Trial(store);
    trial.perform({ op: 'add', key: 'n', n: 10 });
    trial.perform(swap('lock', 'free', 'mine'));
    trial.perform(set('own', true));
    perform(store, { op: 'add', key: 'n', n: 100 });
    perform(store, swap('lock', 'free', 'theirs'));
    assert.deepEqual(trial.apply(), ['lock']);
    assert.deepEqual(
      ['n', 'lock', 'own'].map((key) => perform(store, get(key))),
      ['111', '"theirs"', 'true'],
    );
  });

  test('has the limits of the store', () => {
    using store = open();
    const trial = new Trial(store);
    const value = 'x'.repeat(MAX_VALUE_BYTES - 2);
    assert.throws(
      () => {
        for (let i = 0; i < 300; i += 1) trial.perform(set(`k${i}`, value));
      },
      { name: 'QuotaExceededError' },
    );
    assert.equal(store.bytes, 0);
  });
});
