// application.store, with the real runner and the real disk.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { InstanceScript, InvokeResult } from '../../../src/application/contract/script.ts';
import { bugs } from '../../../src/log/log.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { hosting } from '../support/hosting.ts';
import { facts } from '../support/instance.ts';

const RUN = `
  Client.prototype.run = async (code: string) => {
    const AsyncFunction = (async () => {}).constructor as any;
    return JSON.stringify(await new AsyncFunction('store', code)(application.store)) ?? 'undefined';
  };`;

function connect(script: InstanceScript): Promise<unknown> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts('c'), args: [] }, resolve));
}
async function run(script: InstanceScript, code: string): Promise<string> {
  const args: AmfValue[] = [code];
  const result = await new Promise<InvokeResult>((resolve) => script.invoke('c', 'run', args, true, resolve));
  assert.ok(result.found && result.ok, JSON.stringify(result));
  return result.value as string;
}

describe('application.store', () => {
  test('keeps JSON, counts, swaps and lists, for all instances of the application', async () => {
    await using all = await hosting({ 'live/main.ts': RUN });
    const one = all.open('live').script;
    const two = all.open('live', 'room').script;
    await Promise.all([connect(one), connect(two)]);
    assert.equal(
      await run(
        one,
        `await store.set('a', { list: [1, new Date(0)] });
         return [await store.get('a'), await store.get('b'), await store.add('n'), await store.add('n', 4),
           await store.swap('s', undefined, 1), await store.swap('s', 2, 3), await store.keys(), await store.keys('n')]`,
      ),
      '[{"list":[1,"1970-01-01T00:00:00.000Z"]},null,1,5,true,false,["a","n","s"],["n"]]',
    );
    const sums = await Promise.all(
      [one, two, one, two].map((script) => run(script, `return store.add('n')`)),
    );
    assert.deepEqual(sums.map(Number).sort(), [6, 7, 8, 9]);
    assert.equal(await run(two, `return [await store.delete('a'), await store.delete('a')]`), '[true,false]');
  });

  test('rejects by name what it cannot keep', async () => {
    await using all = await hosting({ 'live/main.ts': RUN });
    const { script } = all.open('live');
    await connect(script);
    const names = await run(
      script,
      `const names = [];
       const cycle = {}; cycle.self = cycle;
       for (const call of [() => store.set('k', () => {}), () => store.set('k', cycle), () => store.set(5, 1), () => store.set('', 1),
         () => store.set('k', 'x'.repeat(70_000)), () => store.set('x'.repeat(600), 1), () => store.add('n', NaN), () => store.keys(1)])
         await call().then(() => names.push('done'), (error) => names.push(error.name + (error instanceof Error)));
       return names`,
    );
    const [type, range] = ['TypeErrortrue', 'RangeErrortrue'];
    assert.deepEqual(JSON.parse(names), [type, type, type, type, range, range, type, type]);
  });

  test('has what a version did while it started only once it serves', async () => {
    const starting = (then: string) => `${RUN}
      application.onAppStart = async () => {
        await application.store.set('by', ${JSON.stringify(then)});
        if (await application.store.add('starts') > 100 || ${then === 'bad'}) throw new Error('not today');
      };`;
    await using all = await hosting({ 'live/main.ts': starting('first') });
    const { script, instance } = all.open('live');
    await connect(script);
    instance.clients = ['c'];
    const look = `return [await store.get('by'), await store.get('starts')]`;
    assert.equal(await run(script, look), '["first",1]');
    await all.folder.write('live/main.ts', starting('bad'));
    await all.records.next(
      ({ event, message }) => event === 'script-error' && message!.includes('not today'),
    );
    assert.equal(await run(script, look), '["first",1]');
    await all.folder.write('live/main.ts', starting('second'));
    await all.records.next(({ event }) => event === 'script-reload');
    assert.equal(await run(script, look), '["second",2]');
  });

  test('is asked at the top of a script for what onAppStart then waits for', async () => {
    await using all = await hosting({
      'live/main.ts': `${RUN}
        const visits = application.store.add('visits');
        application.onAppStart = async () => { trace('visits ' + await visits); };`,
    });
    await connect(all.open('live').script);
    assert.ok(all.records.application.some((line) => line.includes('visits 1')));
  });

  test('whose file cannot be opened rejects, and the log says it once', async () => {
    await using all = await hosting({ 'live/main.ts': RUN, 'live/store': 'not a folder' });
    const { script } = all.open('live');
    await connect(script);
    const attempt = `return store.get('k').catch((error) => error.name)`;
    assert.equal(await run(script, attempt), '"OperationError"');
    assert.equal(await run(script, attempt), '"OperationError"');
    assert.equal(all.records.of('store').length, 1);
    await rm(all.folder.at('live/store'));
    assert.equal(await run(script, attempt), 'undefined');
  });

  test('makes no folder for a script that does not use it', async () => {
    await using all = await hosting({ 'live/main.ts': RUN });
    const { script } = all.open('live');
    await connect(script);
    assert.equal(await run(script, 'return 1'), '1');
    assert.equal(existsSync(all.folder.at('live/store')), false);
    assert.equal(bugs.count, 0);
  });
});
