// What a save does to the clients who are there, by each policy.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InvokeResult, Verdict } from '../../../src/application/contract/script.ts';
import { Generations } from '../../../src/script/host/generations.ts';
import type { ScriptSettings } from '../../../src/script/host/host-options.ts';
import { InstanceScriptHost } from '../../../src/script/host/instance-script.ts';
import { StrikeBook } from '../../../src/script/journal/strikes.ts';
import type { ScriptBuild } from '../../../src/script/source/build-outcome.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { testSettings } from '../../support/settings.ts';
import { FakeRunner, type FakeUnit } from '../support/fake-runner.ts';
import { facts, Instance, settle, version } from '../support/instance.ts';
import { Records } from '../support/records.ts';

const { limits: LIMITS } = testSettings();

const DRAIN_MS = 60_000;

/** An instance that serves version `a`. */
async function serving(on: ScriptSettings['reload']['policy'], behaviours: FakeRunner['behaviours'] = {}) {
  const clock = new ManualClock();
  const runner = new FakeRunner();
  const strikes = new StrikeBook(clock, () => {});
  Object.assign(runner.behaviours, behaviours);
  const instance = new Instance();
  const records = new Records();
  const known: { good: ScriptBuild } = { good: version('a') };
  const journal = records.journal(clock);
  let isClosed = false;
  const script: Generations = new Generations({
    commands: instance,
    journal,
    clock,
    reloads: () => ({ policy: on, drainTimeMs: DRAIN_MS }),
    open: (commands, counters, isNewest) =>
      new InstanceScriptHost({
        ...{ name: 'live/_definst_', commands, journal, clock, counters, metrics: records.metrics },
        strikes: strikes.of('_definst_'),
        gateDeadlineMs: 10_000,
        limits: LIMITS,
        gateFailure: 'closed',
        callDeadlineMs: 600_000,
        settings: ({ script }) => ({
          script,
          isInspectable: false,
          limits: LIMITS,
          application: { name: 'live/_definst_', server: 'S', hostname: 'h', config: {}, env: {} },
        }),
        candidates: () => (isNewest() ? [known.good] : []),
        isRunnerUp: () => runner.isUp,
        onFull() {},
        hasRoom: () => true,
        mayLoad: async () => () => {},
        openUnit: (options) => runner.openUnit(options),
        onRefused() {},
        onServing() {},
        onUnpublish() {},
        onBug: (error) => assert.fail(error as Error),
      }),
    onClosed: () => {
      isClosed = true;
    },
  });
  instance.onEnd = (id) => leave(id);
  const leave = (id: string) => {
    instance.clients = instance.clients.filter((other) => other !== id);
    script.tell({ event: 'disconnect', client: id });
  };
  script.begin();
  await script.started;
  return {
    ...{ clock, runner, instance, records, script, leave },
    log: () => records.application,
    isClosed: () => isClosed,
    /** Asks; whoever has the question answers through its unit. */
    ask(id: string): { verdicts: Verdict[]; drop(): void } {
      const verdicts: Verdict[] = [];
      const gate = script.ask({ gate: 'onConnect', client: facts(id), args: [] }, (verdict) => {
        verdicts.push(verdict);
        if (verdict.accepted) instance.clients.push(id);
      });
      return { verdicts, drop: () => gate.drop() };
    },
    async connect(id: string): Promise<FakeUnit> {
      this.ask(id);
      await settle();
      const unit = runner.units.findLast((one) =>
        one.events.some(
          (event) => event.t === 'gate' && event.gate === 'onConnect' && event.client.id === id,
        ),
      )!;
      unit.say({ op: 'verdict', id: unit.event('gate').id, accepted: true });
      return unit;
    },
    call(id: string, name: string): Promise<InvokeResult> {
      return new Promise((resolve) => script.invoke(id, name, [], true, resolve));
    },
    async reload(code: string): Promise<FakeUnit> {
      known.good = version(code);
      strikes.clear();
      script.reload(known.good);
      await settle();
      return runner.last;
    },
    async crash() {
      runner.isUp = false;
      script.runnerDown('SIGTRAP', undefined);
      await settle();
    },
    async recover() {
      runner.isUp = true;
      script.runnerUp();
      await settle();
    },
  };
}
const clientsOf = (unit: FakeUnit) => unit.event('start').snapshot.clients.map(({ facts: { id } }) => id);

describe('drain', () => {
  test('gives the new version to who comes, and leaves the others with the old one until they have left', async () => {
    const s = await serving('drain');
    const a = await s.connect('old');
    const b = await s.reload('b');
    assert.equal(b.event('start').why, 'start');
    assert.deepEqual(clientsOf(b), []);
    assert.equal(await s.connect('new'), b);
    void s.call('old', 'm');
    void s.call('new', 'm');
    await settle();
    assert.deepEqual(a.heard, ['gate onConnect', 'call m']);
    assert.deepEqual(b.heard, ['gate onConnect', 'call m']);
    assert.ok(s.records.all.some(({ event }) => event === 'script-reload'));
    assert.equal(
      a.events.some(({ t }) => t === 'save'),
      false,
    );
    s.leave('old');
    await settle();
    assert.deepEqual(a.heard.slice(2), ['disconnect old', 'stop']);
    a.say({ op: 'ret', id: a.event('stop').id, found: true, ok: true, value: true });
    await settle();
    assert.equal(a.isUnloaded, true);
    assert.equal(b.isUnloaded, false);
  });

  test('asks each gate of a client of the version that it has', async () => {
    const s = await serving('drain');
    const a = await s.connect('old');
    const b = await s.reload('b');
    await s.connect('new');
    const request = { name: 'x', query: '', params: {}, type: 'live' as const };
    const verdicts: Verdict[] = [];
    for (const client of ['old', 'new'])
      s.script.ask({ gate: 'onPublish', client, request }, (verdict) => verdicts.push(verdict));
    await settle();
    const [forOld, forNew] = [a.event('gate'), b.event('gate')];
    assert.deepEqual([forOld.gate, forNew.gate], ['onPublish', 'onPublish']);
    assert.notEqual(forOld.id, forNew.id);
    b.say({ op: 'verdict', id: forOld.id, accepted: true });
    assert.deepEqual(verdicts, []);
    a.say({ op: 'verdict', id: forOld.id, accepted: false, reason: 'a' });
    b.say({ op: 'verdict', id: forNew.id, accepted: true });
    assert.deepEqual(
      verdicts.map(({ accepted }) => accepted),
      [false, true],
    );
  });

  test('keeps answers, broadcasts and snapshots of the versions apart', async () => {
    const s = await serving('drain');
    const a = await s.connect('old');
    const b = await s.reload('b');
    await s.connect('new');
    a.say({ op: 'clientCall', client: 'old', name: 'x', args: [], responder: 1 });
    b.say({ op: 'clientCall', client: 'new', name: 'x', args: [], responder: 1 });
    const [forA, forB] = s.instance.done.map((line) => Number(line.split(' ').at(-1)));
    assert.notEqual(forA, forB);
    s.script.callResult(forB!, true, 'for b');
    await settle();
    assert.equal(a.heard.includes('callResult'), false);
    assert.equal(b.event('callResult').value, 'for b');
    s.instance.done.length = 0;
    a.say({ op: 'broadcast', name: 'x', args: [] });
    assert.deepEqual(s.instance.done, ['call old x [] undefined']);
    await s.crash();
    await s.recover();
    const [again, newAgain] = s.runner.units.slice(-2) as [FakeUnit, FakeUnit];
    assert.deepEqual([again.load!.script.code, clientsOf(again)], ['a', ['old']]);
    assert.deepEqual([newAgain.load!.script.code, clientsOf(newAgain)], ['b', ['new']]);
    assert.deepEqual(
      newAgain.event('start').snapshot.streams.map(({ players }) => players),
      [['new']],
    );
  });

  test('whose new version fails changes nothing', async () => {
    for (const fails of ['load', 'start'] as const) {
      const s = await serving('drain', {
        b:
          fails === 'load'
            ? { load: (unit) => unit.failed({ kind: 'throw', message: 'x', stack: '' }) }
            : { start: (unit, { id }) => unit.say({ op: 'ready', id, ok: false }) },
      });
      const a = await s.connect('old');
      await s.reload('b');
      assert.ok(s.log().some((line) => line.includes('the version before goes on serving')));
      assert.equal(await s.connect('new'), a);
      a.say({ op: 'broadcast', name: 'all', args: [] });
      assert.deepEqual(s.instance.done, ['broadcast all']);
      assert.equal(s.isClosed(), false);
    }
  });

  test('takes the newest of several saves, and nothing of a save that is taken back', async () => {
    const s = await serving('drain', { b: { load() {} } });
    const a = await s.connect('old');
    const b = await s.reload('b');
    const c = await s.reload('c');
    assert.equal(b.isUnloaded, true);
    assert.equal(await s.connect('new'), c);
    await s.reload('b');
    await s.reload('c');
    assert.equal(s.runner.last.isUnloaded, true);
    assert.equal(await s.connect('newer'), c);
    assert.equal(a.isUnloaded, false);
  });

  test('ends the clients of a version whose time is over, also who was still waiting', async () => {
    const s = await serving('drain');
    const a = await s.connect('old');
    const late = s.ask('late');
    await settle();
    await s.reload('b');
    s.clock.advance(9000);
    assert.deepEqual(s.instance.done, []);
    a.say({ op: 'verdict', id: a.event('gate').id, accepted: true });
    assert.deepEqual(late.verdicts, [{ accepted: true }]);
    s.clock.advance(DRAIN_MS - 9000);
    assert.deepEqual(s.instance.done, ['end old', 'end late']);
    await settle();
    assert.equal(a.heard.at(-1), 'stop');
  });

  test('has no more versions side by side than there is room for', async () => {
    const s = await serving('drain');
    await s.connect('1');
    for (const n of [2, 3, 4]) {
      await s.reload(`v${n}`);
      await s.connect(`${n}`);
    }
    assert.deepEqual(s.instance.done, []);
    await s.reload('v5');
    assert.deepEqual(s.instance.done, ['end 1']);
  });

  test('retires at once a version that has no clients, or only ones that never got in', async () => {
    const s = await serving('drain');
    const gate = s.ask('x');
    await settle();
    const a = s.runner.last;
    await s.reload('b');
    assert.equal(
      a.events.some(({ t }) => t === 'stop'),
      false,
    );
    gate.drop();
    await settle();
    assert.equal(a.heard.at(-1), 'stop');
    s.clock.advance(2000);
    await settle();
    assert.equal(a.isUnloaded, true);
  });

  test('stops and closes all of them with the instance', async () => {
    const s = await serving('drain');
    const a = await s.connect('old');
    const b = await s.reload('b');
    const stopped = s.script.stop('Application.Shutdown');
    await settle();
    for (const unit of [a, b])
      unit.say({ op: 'ret', id: unit.event('stop').id, found: true, ok: true, value: true });
    assert.equal(await stopped, true);
    s.script.close();
    assert.ok(a.isUnloaded && b.isUnloaded && s.isClosed());
  });
});

describe('restart', () => {
  test('shuts the instance down once the new version is known to load', async () => {
    const s = await serving('restart', { b: { load() {} } });
    const a = await s.connect('c');
    const b = await s.reload('b');
    assert.deepEqual(s.instance.done, []);
    b.loaded();
    await settle();
    assert.deepEqual(s.instance.done, ['shutdown']);
    assert.equal(b.isUnloaded, true);
    assert.equal(b.events.length, 0);
    assert.equal(
      a.events.some(({ t }) => t === 'save'),
      false,
    );
  });

  test('with a version that does not load changes nothing, and says why', async () => {
    const s = await serving('restart', {
      b: { load: (unit) => unit.failed({ kind: 'throw', message: 'boom', stack: '' }) },
    });
    await s.reload('b');
    assert.deepEqual(s.instance.done, []);
    assert.match(s.records.all.find(({ event }) => event === 'script-error')!.message!, /boom/);
    await s.reload('a');
    assert.deepEqual(s.instance.done, []);
    await s.reload('c');
    assert.deepEqual(s.instance.done, ['shutdown']);
  });

  test('that the runner cuts short is tried again', async () => {
    const s = await serving('restart', { b: { load() {} } });
    await s.reload('b');
    s.runner.behaviours.b = {};
    await s.crash();
    assert.deepEqual(s.instance.done, []);
    await s.recover();
    assert.deepEqual(s.instance.done, ['shutdown']);
  });

  test('acts upon the newest save alone', async () => {
    const s = await serving('restart', { b: { load() {} } });
    const b = await s.reload('b');
    await s.reload('a');
    b.loaded();
    await settle();
    assert.deepEqual(s.instance.done, []);
  });
});

describe('off', () => {
  test('leaves the running version alone, and says so once a version', async () => {
    const s = await serving('off');
    await s.reload('b');
    await s.reload('b');
    assert.equal(s.runner.units.length, 1);
    assert.equal(s.log().filter((line) => line.includes('understudy reload')).length, 1);
  });

  test('starts a script that has ended for good, for there is nothing to leave alone', async () => {
    const s = await serving('off');
    for (let i = 0; i < 3; i += 1) {
      s.runner.last.dead({ kind: 'memory', message: 'x' });
      await settle();
    }
    assert.equal(s.runner.last.unit.end?.reason, 'dead');
    const b = await s.reload('b');
    assert.equal(b.load!.script.code, 'b');
    assert.equal(b.event('start').why, 'restored');
  });
});

describe('migrate', () => {
  test('hands clients over to the next version, and knows them as its own', async () => {
    const s = await serving('migrate');
    await s.connect('c');
    const b = await s.reload('b');
    assert.deepEqual(clientsOf(b), ['c']);
    void s.call('c', 'm');
    await settle();
    assert.equal(b.heard.at(-1), 'call m');
    s.leave('c');
    await settle();
    assert.equal(b.heard.at(-1), 'disconnect c');
    assert.equal(b.isUnloaded, false);
  });
});
