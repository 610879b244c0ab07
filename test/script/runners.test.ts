// Processes that run scripts, with the real runner.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/application/clock.ts';
import type { InstanceScript, InvokeResult, Verdict } from '../../src/application/script.ts';
import { DEFAULT_LIMITS } from '../../src/script/wire.ts';
import { hosting, NOBODY } from './support/hosting.ts';
import { facts } from './support/instance.ts';
import type { LogRecord } from './support/records.ts';

function connect(script: InstanceScript, id: string): Promise<Verdict> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts(id), args: [] }, resolve));
}

function call(script: InstanceScript, id: string, name: string): Promise<InvokeResult> {
  return new Promise((resolve) => script.invoke(id, name, [], true, resolve));
}

const isUp = ({ event }: LogRecord) => event === 'runner';

/** Ends the process that it runs in. */
const FATAL = `Client.prototype.die = function () { 'a'.repeat(2e8).match(/a/g); };
Client.prototype.fine = function () { return 1; };`;

describe('runners', { timeout: 60_000 }, () => {
  test('the shared one runs all applications, one of its own only its own, and is gone some time after it', async () => {
    const later: (() => void)[] = [];
    const clock = {
      ...systemClock,
      // what is to happen in 30 s happens when this test says so
      after: (ms: number, action: () => void) => {
        if (ms !== 30_000) return systemClock.after(ms, action);
        later.push(action);
        return () => {};
      },
    };
    await using h = await hosting(
      { 'a/main.asc': FATAL, 'b/main.asc': FATAL, 'own/main.asc': FATAL },
      clock,
      (name) => ({
        process: name === 'own' ? 'application' : 'shared',
      }),
    );
    const [a, b, own, own2] = [h.open('a'), h.open('b'), h.open('own'), h.open('own', 'second')];
    for (const { script, instance } of [a, b, own, own2]) {
      instance.clients = ['c'];
      await script.started;
      await connect(script, 'c');
    }
    assert.deepEqual(
      h.records.of('runner').map(({ scope }) => scope),
      ['shared', 'own'],
    );
    const died = call(own.script, 'c', 'die');
    assert.deepEqual(await call(a.script, 'c', 'fine'), { found: true, ok: true, value: 1 });
    assert.deepEqual(await died, { found: true, ok: false, description: 'the application was restarted' });
    assert.deepEqual(await call(own.script, 'c', 'fine'), { found: true, ok: true, value: 1 });
    assert.deepEqual(
      h.records.of('runner').map(({ scope }) => scope),
      ['shared', 'own', 'own'],
    );
    own.script.close();
    assert.equal(later.length, 0);
    own2.script.close();
    assert.equal(later.length, 1);
    const { pid } = h.records.of('runner').at(-1)!;
    later[0]!();
    await h.runners.close(); // waits for it as well
    assert.throws(() => process.kill(pid!, 0), { code: 'ESRCH' });
  });

  test('started by root is nobody, and has neither groups nor an environment', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('this is not root');
    await using h = await hosting({ 'a/main.asc': '' });
    const { pid } = h.records.of('runner')[0]!;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const { uid, gid } = NOBODY;
    assert.match(status, new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'));
    assert.match(status, new RegExp(`^Gid:\\s+${gid}\\s+${gid}\\s+${gid}\\s+${gid}$`, 'm'));
    assert.match(status, /^Groups:\s*$/m);
    assert.equal(await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''), '');
  });

  test('brings many instances back one after another: none fails because others take the time', async () => {
    await using h = await hosting({ 'a/main.asc': FATAL }, systemClock, () => ({
      limits: { ...DEFAULT_LIMITS, loadMs: 500 },
    }));
    const all = Array.from({ length: 30 }, (_, i) => h.open('a', `i${i}`).script);
    await Promise.all(all.map((script) => script.started));
    process.kill((await h.records.next(isUp)).pid!, 'SIGKILL');
    await h.records.next(isUp);
    await Promise.all(all.map((script, i) => connect(script, `c${i}`)));
    assert.deepEqual(h.records.errors, []);
  });
});
