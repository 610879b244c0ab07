import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeyValues } from '../../src/storage/key-values.ts';
import { rootWith, understudy } from './support.ts';

async function world(t: Parameters<typeof rootWith>[0]) {
  const root = rootWith(t, { 'shop/main.ts': '', 'bare/main.ts': '' });
  const store = (...args: string[]) => understudy('store', ...args, '--root', root);
  await store('shop', 'set', 'user:ann', '{ "age": 7 }');
  return { root, store, file: join(root, 'applications', 'shop', 'store', 'store.sqlite') };
}

test('what store sets is what a script finds, and what a script writes is what store gets', async (t) => {
  const { store, file } = await world(t);
  using own = new KeyValues(file);
  assert.equal(own.read('user:ann'), '{"age":7}');
  own.transaction(() => own.write('user:bob', '"there"'));
  assert.deepEqual((await store('shop', 'get', 'user:bob')).printed, ['"there"']);
  assert.deepEqual((await store('shop', 'list', 'user:')).printed, ['user:ann', 'user:bob']);
  assert.deepEqual((await store('shop', 'list', 'x')).printed, []);
  assert.equal((await store('shop', 'delete', 'user:ann')).exitCode, 0);
  assert.equal(own.read('user:ann'), undefined);
});

test('what another process has written counts in the size of a store', async (t) => {
  const { store, file } = await world(t);
  using own = new KeyValues(file);
  const before = own.bytes;
  await store('shop', 'set', 'more', `"${'x'.repeat(1000)}"`);
  own.transaction(() => own.write('n', '1'));
  assert.equal(own.bytes, before + 'more'.length + 1002 + 2);
});

test('export writes a whole store, for its owner alone, while the store is in use', async (t) => {
  const { root, store, file } = await world(t);
  const copy = join(root, 'backup.sqlite');
  using own = new KeyValues(file);
  own.transaction(() => own.write('later', '1'));
  const { exitCode, printed } = await store('shop', 'export', copy);
  assert.equal(exitCode, 0, printed.join());
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  using copied = new KeyValues(copy);
  assert.deepEqual(copied.keys(''), ['later', 'user:ann']);
  const again = await store('shop', 'export', copy);
  assert.equal(again.exitCode, 1);
  assert.match(again.errors[0]!, /exists already/);
});

test('store says what is wrong, and makes nothing by looking', async (t) => {
  const { root, store } = await world(t);
  const failures: [string[], RegExp][] = [
    [['nobody', 'list'], /there is no application/],
    [['bare', 'list'], /bare has no store/],
    [['shop', 'get', 'x'], /nothing under "x"/],
    [['shop', 'delete', 'x'], /nothing under "x"/],
    [['shop', 'set', 'x', 'text'], /text is not JSON .*both kinds of quotes/],
    [['shop', 'set', 'x'.repeat(600), '1'], /store set: the key .* has more than 512 bytes/],
  ];
  for (const [args, message] of failures) {
    const { exitCode, errors } = await store(...args);
    assert.equal(exitCode, 1, args.join(' '));
    assert.match(errors[0]!, message);
  }
  for (const args of [['shop'], ['shop', 'get'], ['shop', 'set', 'x'], ['shop', 'list', 'a', 'b'], []]) {
    assert.equal((await store(...args)).exitCode, 2, args.join(' '));
  }
  assert.deepEqual(readdirSync(join(root, 'applications', 'bare')), ['main.ts']);
});
