// Processes that run scripts, with the real runner.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { type Duplex, duplexPair, PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import type { InstanceScript, InvokeResult, Verdict } from '../../../src/application/contract/script.ts';
import { systemClock } from '../../../src/clock.ts';
import { Inbox } from '../../../src/script/process/inbox.ts';
import type { RunnerProcess } from '../../../src/script/process/runner-process.ts';
import { Runner } from '../../../src/script/process/runners.ts';
import { encodeFrame } from '../../../src/script/wire/frames.ts';
import { FrameType } from '../../../src/script/wire/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { testSettings } from '../../support/settings.ts';
import { hosting, NOBODY } from '../support/hosting.ts';
import { facts, settle } from '../support/instance.ts';
import { type LogRecord, Records } from '../support/records.ts';

const { limits: LIMITS } = testSettings();

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

describe('blame for the loss of a runner', () => {
  /** A runner of whose processes the test says how they end. */
  function setUp() {
    const clock = new ManualClock();
    const ends: ((how: string) => void)[] = [];
    const channels: Duplex[] = [];
    const spawn = (): RunnerProcess => {
      const [channel, far] = duplexPair();
      channels.push(far);
      far.resume();
      return {
        pid: 1,
        channel,
        stderr: new PassThrough(),
        beNice() {},
        kill() {},
        onEnd: (call) => ends.push(call),
      };
    };
    const init = { guest: '' };
    const { log } = new Records();
    const options = { spawn, init, maxRssBytes: 1e9, scope: 'shared', share: 0.75, clock, log };
    const runner = new Runner(options, new Inbox(clock), () => {});
    const blamed: string[] = [];
    const tenant = (name: string) => {
      let units: number[] = [];
      const self = {
        runnerUp() {},
        runnerDown(_: string, culprit: number | undefined) {
          if (culprit !== undefined && units.includes(culprit)) blamed.push(name);
          units = [];
        },
        /** A turn that has not ended yet. */
        work() {
          const unit = runner.openUnit(self, {} as Parameters<Runner['openUnit']>[1]);
          units.push(unit.id);
          channels.at(-1)!.write(encodeFrame(FrameType.Turn, unit.id));
        },
      };
      runner.join(self, name);
      return self;
    };
    return {
      tenant,
      blamed,
      async begin() {
        if (channels.length === 0) runner.start().catch(() => {});
        clock.advance(0);
        channels.at(-1)!.write(encodeFrame(FrameType.Hello, 0, { pid: 1, node: '' }));
        await settle();
      },
      async crash() {
        await settle();
        ends.at(-1)!('SIGTRAP');
      },
    };
  }

  test('is one’s who was at work alone', async () => {
    const { tenant, blamed, begin, crash } = setUp();
    const [, evil] = [tenant('good'), tenant('evil')];
    await begin();
    evil.work();
    await crash();
    assert.deepEqual(blamed, ['evil']);
  });

  test('is nobody’s of several, until one of them is among the suspects again', async () => {
    const { tenant, blamed, begin, crash } = setUp();
    const [good, evil, other] = [tenant('good'), tenant('evil'), tenant('other')];
    await begin();
    good.work();
    evil.work();
    await crash();
    assert.deepEqual(blamed, []);
    await begin();
    other.work();
    evil.work();
    await crash();
    assert.deepEqual(blamed, ['evil']);
  });
});

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
        processScope: name === 'own' ? 'application' : 'shared',
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

  test('an application that has ended its process three times is quarantined, all of it, until it is pardoned', async () => {
    await using h = await hosting({ 'a/main.asc': FATAL, 'b/main.asc': FATAL });
    const [a, b] = [h.open('a'), h.open('b')];
    for (const { script, instance } of [a, b]) {
      instance.clients = ['c'];
      await script.started;
      await connect(script, 'c');
    }
    for (let i = 0; i < 3; i += 1) {
      await call(b.script, 'c', 'fine'); // it is back
      await call(a.script, 'c', 'fine');
      await call(a.script, 'c', 'die');
    }
    const { msg } = await h.records.next(({ event }) => event === 'quarantine');
    assert.match(
      msg,
      /^a is quarantined: its script has ended the script runner 3 times .* "understudy reload a"$/,
    );
    const { state, reason } = h.host.problemOf('a')!;
    assert.deepEqual(
      [state, reason],
      ['quarantined', 'its script has ended the script runner 3 times within 10 minutes'],
    );
    assert.equal(h.host.problemOf('b'), undefined);
    assert.equal((await connect(a.script, 'd')).accepted, false);
    await assert.rejects(h.open('a', 'another').script.started, { code: 'ERR_SCRIPT_LOAD' });
    assert.deepEqual(await connect(b.script, 'd'), { accepted: true });
    h.host.pardon('a');
    assert.equal(h.host.problemOf('a'), undefined);
    const again = h.open('a', 'another');
    await again.script.started;
    assert.deepEqual(await connect(again.script, 'd'), { accepted: true });
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

  test('may be started by a program that shuts it in', async (t) => {
    const launcher = ['/usr/bin/unshare', ...(process.getuid?.() === 0 ? [] : ['--user']), '--net'];
    if (spawnSync(launcher[0]!, [...launcher.slice(1), 'true']).status !== 0)
      return t.skip('unshare may not');
    await using h = await hosting({ 'a/main.asc': FATAL }, systemClock, undefined, launcher);
    const { pid } = h.records.of('runner')[0]!;
    assert.notEqual(await readlink(`/proc/${pid}/ns/net`), await readlink('/proc/self/ns/net'));
    const { script } = h.open('a');
    assert.deepEqual(await connect(script, 'c'), { accepted: true });
  });

  test('brings many instances back one after another: none fails because others take the time', async () => {
    await using h = await hosting({ 'a/main.asc': FATAL }, systemClock, () => ({
      limits: { ...LIMITS, loadMs: 500 },
    }));
    const all = Array.from({ length: 30 }, (_, i) => h.open('a', `i${i}`).script);
    await Promise.all(all.map((script) => script.started));
    process.kill((await h.records.next(isUp)).pid!, 'SIGKILL');
    await h.records.next(isUp);
    await Promise.all(all.map((script, i) => connect(script, `c${i}`)));
    assert.deepEqual(h.records.errors, []);
  });
});
