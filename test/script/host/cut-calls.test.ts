// Whoever waits for a promise that is lost with its turn hears that it has failed: the caller of a remote method, a client at a gate,
// the end of an instance. With the real runner.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InstanceScript, InvokeResult, Verdict } from '../../../src/application/contract/script.ts';
import { testSettings } from '../../support/settings.ts';
import { hosting } from '../support/hosting.ts';
import { facts } from '../support/instance.ts';

const { limits: LIMITS } = testSettings();

const SCRIPT = `const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let release;
const held = new Promise((resolve) => { release = resolve; });
application.onConnect = async (client, how) => {
  await null;
  if (how === 'loop') for (;;);
  return true;
};
application.onAuthenticate = async () => { await null; for (;;); };
application.onDisconnect = async () => { await null; for (;;); };
Client.prototype.before = () => { for (;;); };
Client.prototype.after = async () => { await null; for (;;); };
Client.prototype.later = async () => { await pause(20); for (;;); };
Client.prototype.bomb = async () => { await null; const all = []; for (;;) all.push(new Array(1e5).fill(0)); };
Client.prototype.never = () => new Promise(() => {});
Client.prototype.held = async () => { await held; return 'held'; };
Client.prototype.release = () => { release(); };
Client.prototype.fine = async () => { await null; return 1; };
`;

/** Far more than a busy machine needs: what is asserted is who is answered, and with what. */
const GATE_MS = 6000;
const CALL_MS = 60_000;

async function open(callMs = CALL_MS, turnMs = 250) {
  const limits = { ...LIMITS, turnMs, gateMs: GATE_MS };
  const all = await hosting({ 'chat/main.js': SCRIPT }, undefined, () => ({ limits, callTimeOutMs: callMs }));
  const { script, instance } = all.open('chat');
  instance.clients = ['c', 'd'];
  for (const id of instance.clients) await connect(script, id);
  return { ...all, script, instance };
}

function connect(script: InstanceScript, id: string, how = ''): Promise<Verdict> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts(id), args: [how] }, resolve));
}

function call(script: InstanceScript, name: string, client = 'c'): Promise<InvokeResult> {
  return new Promise((resolve) => script.invoke(client, name, [], true, resolve));
}

function failed(result: InvokeResult): string {
  assert.ok(result.found && !result.ok, JSON.stringify(result));
  return result.description;
}

describe('a call whose method does not come to its end', { timeout: 120_000 }, () => {
  test('because it loops, at once or after an await, fails with the turn; the script goes on', async () => {
    await using all = await open();
    assert.equal(failed(await call(all.script, 'before')), 'application error');
    assert.equal(failed(await call(all.script, 'after')), 'it ran longer than its time limit');
    assert.deepEqual(await call(all.script, 'fine'), { found: true, ok: true, value: 1 });
    const faults = all.errors.recent('chat').map(({ kind, handler }) => [kind, handler]);
    assert.deepEqual(faults, [
      ['timeout', 'client.before'],
      ['timeout', 'client.after'],
    ]);
  });

  test('because another method loops in the same turn, fails too', async () => {
    await using all = await open();
    const both = [call(all.script, 'after'), call(all.script, 'fine', 'd')];
    for (const result of await Promise.all(both))
      assert.equal(failed(result), 'it ran longer than its time limit');
  });

  test('because it loops in a later turn, fails when the time of a gate is over; one that comes to its end until then does not', async () => {
    await using all = await open();
    const held = call(all.script, 'held', 'd');
    const later = call(all.script, 'later');
    await all.records.next(({ kind }) => kind === 'timeout');
    await call(all.script, 'release');
    assert.deepEqual(await held, { found: true, ok: true, value: 'held' });
    assert.equal(failed(await later), 'The application did not answer.');
  });

  test('because it takes too much memory, or because the process ends, fails', async () => {
    await using all = await open(CALL_MS, 20_000);
    assert.equal(failed(await call(all.script, 'bomb')), 'the application was restarted');
    const never = call(all.script, 'never', 'd');
    await call(all.script, 'fine', 'd');
    process.kill(Number(all.records.of('runner').at(-1)!.pid), 'SIGKILL');
    assert.equal(failed(await never), 'the application was restarted');
  });

  test('because its promise never settles, fails when the time for calls is over, and a record says which it was', async () => {
    await using all = await open(300);
    assert.equal(failed(await call(all.script, 'never')), 'The application did not answer.');
    const [record] = all.errors.recent('chat');
    assert.deepEqual([record?.kind, record?.handler, record?.code], ['timeout', 'client.never', 'callMs']);
  });

  test('because a new version takes over, or because the instance ends, fails', async () => {
    await using all = await open();
    const first = call(all.script, 'never');
    await call(all.script, 'fine');
    await all.folder.write('chat/main.js', `${SCRIPT}// saved`);
    assert.equal(failed(await first), 'the application was restarted');
    const second = call(all.script, 'never');
    await call(all.script, 'fine');
    all.script.close();
    assert.equal(failed(await second), 'the application has ended');
  });
});

describe('what else waits for a promise that is lost', { timeout: 120_000 }, () => {
  test('a gate refuses with the turn, and not only when its time is over', async () => {
    await using all = await open();
    const verdict = await connect(all.script, 'e', 'loop');
    assert.equal(verdict.accepted, false);
    const secret = await new Promise<Verdict>((resolve) =>
      all.script.ask({ gate: 'onAuthenticate', user: 'ann' }, resolve),
    );
    assert.equal(secret.accepted, false);
    assert.deepEqual(
      all.errors.recent('chat').filter(({ code }) => code === 'gateMs'),
      [],
    );
  });

  test('the end of an instance does not wait for a notice that was cut', async () => {
    await using all = await open();
    all.script.tell({ event: 'disconnect', client: 'c' });
    await all.records.next(({ kind }) => kind === 'timeout');
    await all.script.settle(CALL_MS);
  });
});
