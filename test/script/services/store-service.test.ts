import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreService } from '../../../src/script/services/store-service.ts';
import type { Json } from '../../../src/script/wire/wire.ts';
import { FileStores, type StoreBackend } from '../../../src/storage/store-backend.ts';
import { Folder } from '../support/folder.ts';
import { Records } from '../support/records.ts';

const SERVING = { isServing: true, onDecided() {} };

async function serving() {
  const folder = await Folder.create({ 'live/main.ts': '' });
  const { log } = new Records();
  const service = new StoreService({
    stores: new FileStores(folder.path, (error) => assert.fail(error as Error)),
    log,
  });
  return {
    ask: (request: Json) =>
      service.ask(request, {
        ...{ application: 'live', instance: '_definst_', version: SERVING },
        signal: new AbortController().signal,
      }),
    async [Symbol.asyncDispose]() {
      await service.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe('the service of the store', () => {
  test('takes requests for what a script may have made of them', async () => {
    await using s = await serving();
    const bad: Json[] = [
      null,
      [],
      'get',
      {},
      { op: 'drop' },
      { op: 'get' },
      { op: 'get', key: 5 },
      { op: 'set', key: 'k' },
      { op: 'set', key: 'k', value: { no: 'text' } },
      { op: 'set', key: 'k', value: '{' },
      { op: 'add', key: 'k', n: '1' },
      { op: 'keys' },
      { op: 'swap', key: 'k', expected: 1 },
      { op: 'constructor', key: 'k' },
    ];
    for (const request of bad) {
      await assert.rejects(
        s.ask(request),
        { name: 'TypeError', message: /^application\.store/ },
        JSON.stringify(request),
      );
    }
    assert.equal(await s.ask({ op: 'get', key: '__proto__' }), null);
  });

  test('lets so much wait for the disk and no more, and has room again afterwards', async () => {
    await using s = await serving();
    const value = JSON.stringify('x'.repeat(60_000));
    const results = await Promise.allSettled(
      Array.from({ length: 400 }, (_, i) => s.ask({ op: 'set', key: `k${i % 4}`, value })),
    );
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    assert.equal(results.length - refused.length, Math.floor((16 << 20) / (60_002 + 3)));
    for (const { reason } of refused) assert.equal(reason.name, 'QuotaExceededError');
    assert.equal(await s.ask({ op: 'set', key: 'k', value }), null);
  });
});

test('the store may be kept elsewhere: the backend is asked by application, and closed with the service', async () => {
  const asked: unknown[] = [];
  const stores: StoreBackend = {
    async ask(...request) {
      asked.push(request);
      return 'kept elsewhere';
    },
    decide: async () => [],
    close: async () => void asked.push('close'),
  };
  const service = new StoreService({ stores, log: new Records().log });
  const context = { application: 'live', instance: '_definst_', version: SERVING };
  const { signal } = new AbortController();
  assert.equal(await service.ask({ op: 'get', key: 'k' }, { ...context, signal }), 'kept elsewhere');
  await service.close();
  assert.deepEqual(asked, [['live', undefined, { op: 'get', key: 'k' }], 'close']);
});
