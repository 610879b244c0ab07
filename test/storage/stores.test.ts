import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { Stores } from '../../src/storage/stores.ts';

let root: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-stores-'));
});
after(() => rmSync(root, { recursive: true }));

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  return path;
}
function stores() {
  const all = new Stores((error) => assert.fail(error as Error));
  return Object.assign(all, { [Symbol.asyncDispose]: () => all.close() });
}

describe('stores', () => {
  test('answer in the order in which they are asked, and keep what they confirmed', async () => {
    const at = folder('order');
    {
      await using all = stores();
      const answers = Array.from({ length: 500 }, () =>
        all.ask(at, undefined, { op: 'add', key: 'n', n: 1 }),
      );
      assert.deepEqual(
        await Promise.all(answers),
        answers.map((_, i) => i + 1),
      );
    }
    await using again = stores();
    assert.equal(await again.ask(at, undefined, { op: 'get', key: 'n' }), '500');
  });

  test('of two folders know nothing of each other', async () => {
    await using all = stores();
    await all.ask(folder('one'), undefined, { op: 'set', key: 'k', value: '1' });
    assert.equal(await all.ask(folder('two'), undefined, { op: 'get', key: 'k' }), null);
  });

  test('refuse one request by name and go on with those beside it', async () => {
    await using all = stores();
    const at = folder('refusals');
    const [good, bad, next] = await Promise.allSettled([
      all.ask(at, undefined, { op: 'set', key: 'a', value: '1' }),
      all.ask(at, undefined, { op: 'set', key: '', value: '1' }),
      all.ask(at, undefined, { op: 'get', key: 'a' }),
    ]);
    assert.equal(good!.status, 'fulfilled');
    assert.equal((bad as PromiseRejectedResult).reason.name, 'TypeError');
    assert.equal((bad as PromiseRejectedResult).reason.isTrouble, false);
    assert.equal((next as PromiseFulfilledResult<unknown>).value, '1');
  });

  test('do what a trial did once it serves, and nothing of one that never will', async () => {
    await using all = stores();
    const at = folder('trials');
    await all.ask(at, 1, { op: 'set', key: 'first', value: '1' });
    await all.ask(at, 2, { op: 'set', key: 'second', value: '2' });
    assert.deepEqual(await all.ask(at, undefined, { op: 'keys', prefix: '' }), []);
    assert.deepEqual(await all.ask(at, 2, { op: 'keys', prefix: '' }), ['second']);
    await all.decide(at, 1, false);
    await all.decide(at, 2, true);
    assert.deepEqual(await all.ask(at, undefined, { op: 'keys', prefix: '' }), ['second']);
  });

  test('that cannot be opened say so, and are opened as soon as they can be', async () => {
    await using all = stores();
    const at = folder('broken');
    const trouble = () => all.ask(at, undefined, { op: 'get', key: 'k' });
    writeFileSync(join(at, 'store'), 'a file where the folder should be');
    await assert.rejects(trouble(), { name: 'OperationError', isTrouble: true });
    rmSync(join(at, 'store'));
    assert.equal(await trouble(), null);
  });

  test('begin anew in a folder that was deleted and made again', async () => {
    await using all = stores();
    const at = folder('again');
    await all.ask(at, undefined, { op: 'set', key: 'k', value: '1' });
    rmSync(at, { recursive: true });
    folder('again');
    assert.equal(await all.ask(at, undefined, { op: 'get', key: 'k' }), null);
    await all.ask(at, undefined, { op: 'set', key: 'k', value: '2' });
    assert.equal(await all.ask(at, undefined, { op: 'get', key: 'k' }), '2');
  });

  test('have everything that was confirmed before the process was killed', async () => {
    const at = folder('killed');
    const program = `
      import { Stores } from ${JSON.stringify(join(import.meta.dirname, '../../src/storage/stores.ts'))};
      const stores = new Stores((error) => { throw error });
      for (let n = 1; ; n += 1) {
        await stores.ask(${JSON.stringify(at)}, undefined, { op: 'add', key: 'n', n: 1 });
        console.log(n);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let confirmed = 0;
    for await (const line of createInterface(child.stdout)) {
      confirmed = Number(line);
      if (confirmed === 25) child.kill('SIGKILL');
    }
    if (child.signalCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    await using all = stores();
    const kept = Number(await all.ask(at, undefined, { op: 'get', key: 'n' }));
    assert.ok(kept === confirmed || kept === confirmed + 1, `${confirmed} confirmed, ${kept} kept`);
  });
});
