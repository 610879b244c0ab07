import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testSettings } from '../../support/settings.ts';
import { GATE_DEADLINE_MS, serving, settle, setUp, version } from '../support/instance.ts';

const { limits: LIMITS } = testSettings();

describe('when the runner ends', () => {
  test('the script is brought back with its clients, and open gates are asked again', async () => {
    const { runner, ask, call, verdicts, results, instance, script, crash, recover, first } = await serving();
    instance.clients = ['c'];
    const { id } = ask();
    call('slow');
    await settle();
    await crash();
    assert.deepEqual(results, [{ found: true, ok: false, description: 'the application was restarted' }]);
    script.tell({ event: 'disconnect', client: 'x' });
    await recover();
    const { why, snapshot } = runner.last.event('start');
    assert.equal(why, 'restored');
    assert.deepEqual(
      snapshot.clients.map(({ facts: { id: client } }) => client),
      ['c'],
    );
    assert.deepEqual(runner.last.heard, ['gate onPublish', 'disconnect x']);
    first.say({ op: 'verdict', id, accepted: true });
    assert.deepEqual(verdicts, []);
    runner.last.say({ op: 'verdict', id, accepted: true });
    assert.deepEqual(verdicts, [{ accepted: true }]);
  });

  test('client.data comes back as it was last kept, of who is still here', async () => {
    const { runner, instance, script, crash, recover, first, reload } = await serving();
    instance.clients = ['c', 'd', 'e', 'f'];
    const keep = (client: string, data?: string) => ({
      op: 'keep',
      client,
      ...(data === undefined ? {} : { data }),
    });
    first.say(keep('c', '{"n":1}'), keep('d', '{"n":2}'), keep('e', '{"n":3}'), keep('nobody', '{}'));
    first.say(keep('c', '{"n":4}'), keep('e'), keep('f', '{"n":5}'), keep('d', 'x'.repeat(20_000)));
    script.tell({ event: 'disconnect', client: 'f' });
    await crash();
    await recover();
    const data = () => runner.last.event('start').snapshot.clients.map((client) => client.data);
    assert.deepEqual(data(), ['{"n":4}', '{"n":2}', undefined, undefined]);
    assert.equal(script.refusedCommands, 1);
    // What the next version says counts for the one after.
    await reload(version('b'));
    runner.last.say(keep('e', '{"n":6}'));
    await crash();
    await recover();
    assert.deepEqual(data(), [undefined, undefined, '{"n":6}', undefined]);
  });

  test('client.data that is too much together is handed over in part, and the log says so', async () => {
    const { runner, instance, crash, recover, first, records } = await serving();
    instance.clients = Array.from({ length: 600 }, (_, i) => `c${i}`);
    for (const client of instance.clients) first.say({ op: 'keep', client, data: `"${'x'.repeat(16_000)}"` });
    await crash();
    await recover();
    const kept = runner.last.event('start').snapshot.clients.filter(({ data }) => data !== undefined);
    assert.equal(kept.length, Math.floor((8 << 20) / 16_002));
    assert.ok(
      records.application.some((line) => line.includes(`${600 - kept.length} clients have lost their data`)),
    );
  });

  test('a gate that nobody comes back to answer is refused at its deadline', async () => {
    const { ask, clock, crash, verdicts } = await serving();
    ask();
    await crash();
    clock.advance(GATE_DEADLINE_MS);
    assert.equal(verdicts[0]?.accepted, false);
  });

  test('open gates let everybody in whom no script comes back to decide about', async () => {
    const { ask, clock, crash, first, verdicts, recover, runner } = await serving({ gateFailure: 'open' });
    ask();
    await settle();
    await crash(first);
    assert.deepEqual(verdicts, [{ accepted: true }]); // it may be what the script died of: nobody is asked again
    ask();
    await settle();
    assert.equal(verdicts.length, 1);
    clock.advance(GATE_DEADLINE_MS);
    assert.deepEqual(verdicts[1], { accepted: true });
    await recover();
    ask();
    await settle();
    runner.last.say({ op: 'verdict', id: runner.last.event('gate').id, accepted: false, reason: 'no' });
    assert.deepEqual(verdicts[2], { accepted: false, reason: 'no' });
  });

  test('a script that is there and does not answer refuses, open gates or not', async () => {
    const { ask, clock, verdicts } = await serving({ gateFailure: 'open' });
    ask();
    await settle();
    clock.advance(GATE_DEADLINE_MS);
    assert.equal(verdicts[0]?.accepted, false);
  });

  test('the last good version comes back, not one that could not be loaded', async () => {
    const { runner, reload, crash, recover } = await serving({
      prepare: (fake) =>
        (fake.behaviours.b = { load: (unit) => unit.failed({ kind: 'throw', message: 'x', stack: '' }) }),
    });
    await reload(version('b'));
    await crash();
    await recover();
    assert.equal(runner.last.load!.script.code, 'a');
    assert.equal(runner.last.event('start').why, 'restored');
  });

  test('a reload under way is tried again', async () => {
    const { runner, reload, crash, recover } = await serving({
      prepare: (fake) => (fake.behaviours.b = { load() {} }),
    });
    await reload(version('b'));
    runner.behaviours.b = {};
    await crash();
    await recover();
    assert.equal(runner.last.load!.script.code, 'b');
    assert.equal(runner.last.event('start').why, 'restored');
  });

  test('by the new version’s doing, the old one comes back', async () => {
    const { runner, reload, crash, recover, records } = await serving({
      prepare: (fake) => (fake.behaviours.b = { start() {} }),
    });
    await reload(version('b'));
    await crash(runner.last);
    await recover();
    assert.equal(runner.last.load!.script.code, 'a');
    assert.equal(records.errors[0]!.kind, 'crash');
  });

  test('by a gate’s doing, that gate is not asked again', async () => {
    const { runner, first, ask, verdicts, crash, recover, records } = await serving();
    ask();
    await settle();
    await crash(first);
    await recover();
    assert.equal(verdicts[0]?.accepted, false);
    assert.deepEqual(runner.last.heard, []);
    assert.equal(records.errors[0]!.kind, 'crash');
  });

  test('three times by its doing, it is quarantined: a stuck isolate that was given up before counts as well', async () => {
    const { runner, crash, recover, quarantines, records } = await serving();
    await crash(runner.last);
    await recover();
    await crash(runner.last);
    await recover();
    const stuck = runner.last;
    runner.isUp = false;
    stuck.dead({ kind: 'stuck', message: 'stuck' });
    await crash(stuck);
    assert.deepEqual(quarantines, ['its script has ended the script runner 3 times within 10 minutes']);
    await recover();
    assert.equal(runner.units.length, 3);
    assert.match(records.application.at(-1)!, /is not running/);
  });

  test('before the first start is through, the start begins again', async () => {
    const { runner, script, crash, recover } = setUp({
      prepare: (fake) => (fake.behaviours.a = { start() {} }),
    });
    await settle();
    runner.behaviours.a = {};
    await crash();
    await recover();
    await script.started;
    assert.equal(runner.last.event('start').why, 'start');
  });
});

describe('an isolate that ends', () => {
  test('is replaced, and the rest of the runner is not touched', async () => {
    const { runner, first, records } = await serving();
    first.dead({ kind: 'memory', message: 'memory limit' });
    await settle();
    assert.equal(runner.units.length, 2);
    assert.equal(runner.last.event('start').why, 'restored');
    assert.deepEqual([records.errors[0]!.kind, records.errors[0]!.message], ['crash', 'memory limit']);
  });

  test('has the gates refused that it may have died of; what waited is asked of the next', async () => {
    const { runner, first, ask, verdicts } = await serving();
    ask();
    await settle();
    first.dead({ kind: 'memory', message: 'memory limit' });
    ask();
    await settle();
    assert.equal(verdicts.length, 1);
    assert.equal(verdicts[0]!.accepted, false);
    assert.deepEqual(runner.last.heard, ['gate onPublish']);
  });

  test('three times in ten minutes is stopped until its files change', async () => {
    const { runner, script, ask, call, verdicts, results, records, clock } = await serving();
    for (let i = 0; i < 3; i += 1) {
      runner.last.dead({ kind: 'memory', message: 'memory limit' });
      await settle();
      clock.advance(60_000);
    }
    assert.equal(runner.units.length, 3);
    assert.match(records.application.at(-1)!, /everything is refused until its files change/);
    ask();
    call('a');
    script.tell({ event: 'disconnect', client: 'x' });
    await settle();
    assert.equal(verdicts[0]?.accepted, false);
    assert.equal(results.length, 1);
    assert.equal(await script.stop('Application.GC'), true);
  });

  test('and was stopped is healed by a save', async () => {
    const set = await serving();
    for (let i = 0; i < 3; i += 1) {
      set.runner.last.dead({ kind: 'stuck', message: 'stuck' });
      await settle();
    }
    set.clock.advance(11 * 60_000); // the host wipes the slate at a save; here time does
    await set.reload(version('b'));
    assert.equal(set.runner.last.load!.script.code, 'b');
    const { id } = set.ask();
    await settle();
    set.runner.last.say({ op: 'verdict', id, accepted: true });
    assert.deepEqual(set.verdicts, [{ accepted: true }]);
  });

  test('now and then is forgiven', async () => {
    const { runner, clock } = await serving();
    for (let i = 0; i < 5; i += 1) {
      runner.last.dead({ kind: 'memory', message: 'memory limit' });
      await settle();
      clock.advance(6 * 60_000);
    }
    assert.equal(runner.units.length, 6);
  });

  test('while the next version loads makes way for that', async () => {
    const { runner, first, reload } = await serving({
      prepare: (fake) => (fake.behaviours.b = { load() {} }),
    });
    await reload(version('b'));
    first.dead({ kind: 'memory', message: 'm' });
    runner.last.loaded();
    await settle();
    assert.equal(runner.units.length, 2);
    assert.equal(runner.last.event('start').why, 'restored');
  });

  test('while it gives its state away is replaced without it', async () => {
    const { runner, first, reload } = await serving({
      prepare: (fake) => (fake.behaviours.a = { save() {} }),
    });
    await reload(version('b'));
    first.dead({ kind: 'memory', message: 'm' });
    await settle();
    assert.equal(runner.last.event('start').why, 'restored');
  });

  test('right after it said it was ready never serves', async () => {
    const { runner, instance, first } = await serving({
      prepare: (fake) => {
        fake.behaviours.b = {
          start(unit, { id }) {
            unit.say({ op: 'broadcast', name: 'b', args: [] }, { op: 'ready', id, ok: true });
            unit.dead({ kind: 'memory', message: 'm' });
          },
        };
      },
    }).then(async (set) => {
      await set.reload(version('b'));
      return set;
    });
    assert.equal(runner.units.length, 2);
    assert.deepEqual(instance.done, []);
    first.say({ op: 'broadcast', name: 'a', args: [] });
    assert.deepEqual(instance.done, ['broadcast a']);
  });
});

describe('an isolate that ends for the good of others', () => {
  test('comes back at once with its clients, without a strike and however often, and its calls fail', async () => {
    const { runner, instance, call, results, records, quarantines, script } = await serving();
    instance.clients = ['c'];
    for (let i = 1; i <= 5; i += 1) {
      call('slow');
      await settle();
      runner.last.unit.expel('its application takes most of the script process');
      await settle();
      assert.equal(runner.units.length, i + 1);
      assert.equal(runner.last.event('start').why, 'restored');
      assert.deepEqual(results.at(-1), {
        found: true,
        ok: false,
        description: 'the application was restarted',
      });
    }
    assert.ok(script.serving);
    assert.deepEqual(quarantines, []);
    assert.match(`${records.application}`, /takes most of the script process/);
  });
});

describe('a process that does not load a script in time', () => {
  test('is no fault of the script: the same version is tried again, and its application is not said to be broken', async () => {
    const { runner, clock, rejected, quarantines, script } = setUp({
      prepare: ({ behaviours, units }) => {
        behaviours.a = { load: (unit) => units.length > 1 && unit.loaded() };
      },
    });
    await settle();
    clock.advance(LIMITS.loadMs + 3000);
    await script.started;
    assert.deepEqual([rejected, quarantines], [[], []]);
    assert.equal(runner.units.length, 2);
    assert.equal(runner.units[0]!.isUnloaded, true);
  });
});
