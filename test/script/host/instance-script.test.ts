import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAREWELL_MS } from '../../../src/application/contract/script.ts';
import { ScriptError } from '../../../src/errors.ts';
import { START_DEADLINE_MS } from '../../../src/script/host/instance-script.ts';
import { MAX_OPEN_CALLS, STOP_DEADLINE_MS } from '../../../src/script/host/mailbox.ts';
import { decodeScript } from '../../../src/script/source/build-outcome.ts';
import type { Json } from '../../../src/script/wire/wire.ts';
import { testSettings } from '../../support/settings.ts';
import type { FakeRunner } from '../support/fake-runner.ts';
import { facts, GATE_DEADLINE_MS, serving, settle, setUp, version } from '../support/instance.ts';

const { limits: LIMITS } = testSettings();

test('what a script asks its instance about itself is told to it', async () => {
  const { first, instance, script } = await serving();
  first.say({ op: 'stats' });
  await settle();
  assert.deepEqual(instance.done, ['stats']);
  const stats = {
    ...{ bytes_in: 1, bytes_out: 2, msg_in: 3, msg_out: 4, msg_dropped: 5 },
    ...{ total_connects: 6, total_disconnects: 7 },
  };
  script.tell({ event: 'instanceStats', stats });
  await settle();
  assert.deepEqual(first.event('instanceStats').stats, stats);
});

describe('a script that starts', () => {
  test('is loaded with its facts and limits, and told who is there', async () => {
    const { first } = await serving();
    assert.deepEqual(first.load, {
      instance: 'live/_definst_',
      script: decodeScript(version('a')),
      isInspectable: false,
      limits: LIMITS,
      application: { name: 'live/_definst_', server: 'S', hostname: 'h', config: {}, env: {} },
    });
    const { why, snapshot } = first.event('start');
    assert.equal(why, 'start');
    assert.deepEqual(snapshot, { clients: [], streams: [{ name: 'show', query: '', players: [] }] });
  });

  test('has its commands held until onAppStart is through, then carried out in order', async () => {
    const { instance, script, runner } = setUp({
      prepare: (fake) => {
        fake.behaviours.a = {
          load(unit) {
            unit.loaded();
            unit.say({ op: 'broadcast', name: 'top level', args: [] });
          },
          start: (unit) => unit.say({ op: 'ping', client: 'c' }, { op: 'disconnect', client: 'd' }),
        };
      },
    });
    await settle();
    assert.deepEqual(instance.done, []);
    runner.last.say(
      { op: 'ready', id: runner.last.event('start').id, ok: true },
      { op: 'broadcast', name: 'after', args: [] },
    );
    await script.started;
    assert.deepEqual(instance.done, ['broadcast top level', 'ping c', 'disconnect d', 'broadcast after']);
  });

  test('gets what was asked and told before it was there, in order', async () => {
    const { script, runner, ask, call } = setUp({ isUp: false });
    ask();
    script.tell({ event: 'disconnect', client: 'x' });
    call('hi');
    await settle();
    assert.equal(runner.units.length, 0);
    runner.isUp = true;
    script.runnerUp();
    await settle();
    assert.deepEqual(runner.last.heard, ['gate onPublish', 'disconnect x', 'call hi']);
  });

  test('and does not load is reported with its place, and refuses to start', async () => {
    const { script, records } = setUp({
      prepare: (runner) => {
        runner.behaviours.a = {
          load: (unit) =>
            unit.failed({
              kind: 'throw',
              message: 'boom',
              stack: 'Error: boom\n    at app:///live/main.asc:3:5',
            }),
        };
      },
    });
    await assert.rejects(
      script.started,
      (error) => error instanceof ScriptError && error.code === 'ERR_SCRIPT_LOAD',
    );
    const [record] = records.errors;
    assert.equal(record!.kind, 'load');
    assert.deepEqual([record!.file, record!.line, record!.column], ['main.asc', 3, 5]);
    assert.match(record!.msg, /live\/main\.asc:3:5: boom/);
    assert.match(records.application[0]!, /^error: .*live\/main\.asc:3:5: boom/);
  });

  test('and does not load is heard to its end, and not obeyed', async () => {
    const { script, records, instance } = setUp({
      prepare: (runner) => {
        runner.behaviours.a = {
          load: (unit) => {
            unit.say({ op: 'log', level: 'info', text: 'so far' }, { op: 'shutdown' });
            unit.failed({ kind: 'throw', message: 'boom', stack: '' });
          },
        };
      },
    });
    await assert.rejects(script.started);
    assert.deepEqual(
      records.application.map((line) => line.replace(/boom.*/s, 'boom')),
      ['trace: so far', 'error: live: boom'],
    );
    assert.deepEqual(instance.done, []);
  });

  test('and fails in onAppStart says so once', async () => {
    const { script, records } = setUp({
      prepare: (runner) => {
        runner.behaviours.a = {
          start: (unit, { id }) =>
            unit.say(
              { op: 'error', kind: 'load', where: 'onAppStart', message: 'no', stack: '' },
              { op: 'ready', id, ok: false },
            ),
        };
      },
    });
    await assert.rejects(script.started, ScriptError);
    assert.deepEqual(
      records.errors.map(({ handler }) => handler),
      ['onAppStart'],
    );
  });

  test('and never finishes onAppStart is given up', async () => {
    const { script, records, clock, runner } = setUp({
      prepare: (fake) => (fake.behaviours.a = { start() {} }),
    });
    await settle();
    clock.advance(START_DEADLINE_MS);
    await assert.rejects(script.started, ScriptError);
    assert.match(records.errors[0]!.message!, /onAppStart did not finish within 5 s/);
    assert.equal(runner.last.isUnloaded, true);
  });

  test('falls back to the version that serves elsewhere', async () => {
    const set = setUp({
      build: version('broken'),
      prepare: (runner) => {
        runner.behaviours.broken = {
          load: (unit) => unit.failed({ kind: 'throw', message: 'x', stack: '' }),
        };
      },
    });
    set.known.proven = version('proven');
    await set.script.started;
    assert.equal(set.runner.last.load!.script.code, 'proven');
  });

  const DECIDED = {
    'no verdict within 10 s: refused. The promise of the handler has not settled': 'promise',
    'no verdict within 10 s: accepted, by GateFailure. The script was not running': 'crash',
  };
  for (const [text, how] of Object.entries(DECIDED)) {
    test(`and never decides is named with its handler and its client: ${text}`, async () => {
      const { ask, clock, records, verdicts, crash } = await serving({ gateFailure: 'open' });
      if (how === 'crash') await crash();
      ask();
      await settle();
      clock.advance(GATE_DEADLINE_MS);
      assert.equal(verdicts[0]!.accepted, how === 'crash');
      const { handler, client, message } = records.errors.find(({ code }) => code === 'gateMs')!;
      assert.deepEqual({ handler, client, message }, { handler: 'onPublish', client: 'c', message: text });
    });
  }

  test('but finds no runner in time is refused', async () => {
    const { script, clock } = setUp({ isUp: false });
    clock.advance(GATE_DEADLINE_MS);
    await assert.rejects(script.started, ScriptError);
  });

  test('and is closed meanwhile decides nothing, and calls to it fail', async () => {
    const { script, ask, call, verdicts, results, clock, runner } = setUp({
      prepare: (fake) => (fake.behaviours.a = { start() {} }),
    });
    ask();
    call('hi');
    await settle();
    script.close();
    await assert.rejects(script.started, ScriptError);
    clock.advance(60_000);
    assert.deepEqual(verdicts, []);
    assert.deepEqual(results, [{ found: true, ok: false, description: 'the application has ended' }]);
    assert.equal(runner.last.isUnloaded, true);
  });
});

describe('a script that serves', () => {
  test('decides; its verdict acts before the commands behind it', async () => {
    const { instance, script, first } = await serving();
    script.ask({ gate: 'onConnect', client: facts('c'), args: [1, undefined] }, (verdict) =>
      instance.done.push(`verdict ${verdict.accepted}`),
    );
    await settle();
    const { id, client, args } = first.event('gate') as { id: number; client: unknown; args: unknown };
    assert.deepEqual(client, facts('c'));
    assert.deepEqual(args, [1, { $: 'undefined' }]);
    first.say(
      { op: 'broadcast', name: 'before', args: [] },
      { op: 'verdict', id, accepted: true },
      { op: 'clientCall', client: 'c', name: 'welcome', args: ['a'] },
    );
    assert.deepEqual(instance.done, ['broadcast before', 'verdict true', 'call c welcome ["a"] undefined']);
  });

  test('answers each gate once, and none that nobody asked', async () => {
    const { first, ask, verdicts } = await serving();
    const { id } = ask();
    await settle();
    first.say({ op: 'verdict', id, accepted: false, reason: 'no' }, { op: 'verdict', id, accepted: true });
    first.say({ op: 'verdict', id: 4711, accepted: true });
    assert.deepEqual(verdicts, [{ accepted: false, reason: 'no' }]);
  });

  test('that does not decide in time is overruled: refused, told, reported', async () => {
    const { first, ask, verdicts, clock, records } = await serving();
    const { id } = ask();
    await settle();
    clock.advance(GATE_DEADLINE_MS - 1);
    assert.deepEqual(verdicts, []);
    clock.advance(1);
    assert.deepEqual(verdicts, [{ accepted: false, reason: 'The application did not answer.' }]);
    await settle();
    assert.deepEqual(first.heard, ['gate onPublish', 'gateDropped']);
    first.say({ op: 'verdict', id, accepted: true });
    assert.equal(verdicts.length, 1);
    assert.deepEqual([records.errors[0]!.kind, records.errors[0]!.handler], ['timeout', 'onPublish']);
    assert.doesNotMatch(JSON.stringify(records.all), /key/);
  });

  test('hears that an asker has gone, and its verdict is dropped', async () => {
    const { first, ask, verdicts, clock } = await serving();
    const gate = ask();
    await settle();
    gate.drop();
    gate.drop();
    await settle();
    assert.deepEqual(first.heard, ['gate onPublish', 'gateDropped']);
    first.say({ op: 'verdict', id: gate.id, accepted: true });
    clock.advance(60_000);
    assert.deepEqual(verdicts, []);
  });

  test('answers calls; those of clients that leave fail', async () => {
    const { first, call, results, script } = await serving();
    call('one');
    call('two');
    await settle();
    const { id } = first.event('call');
    first.say({ op: 'ret', id: id - 1, found: true, ok: true, value: { $: 'undefined' } });
    script.tell({ event: 'disconnect', client: 'c' });
    first.say({ op: 'ret', id, found: false });
    assert.deepEqual(results, [
      { found: true, ok: true, value: undefined },
      { found: true, ok: false, description: 'the client has left' },
    ]);
  });

  test('may leave only so many calls open', async () => {
    const { call, results } = await serving();
    for (let i = 0; i <= MAX_OPEN_CALLS; i += 1) call('slow');
    await settle();
    assert.deepEqual(results, [{ found: true, ok: false, description: 'too many calls are open' }]);
  });

  test('has every command reach its instance', async () => {
    const { first, instance } = await serving();
    first.say(
      { op: 'access', client: 'c', readAccess: '/a' },
      { op: 'record', stream: 's', mode: 'append', maxSizeBytes: 5, gate: 1 },
      { op: 'record', stream: 's', mode: false },
      { op: 'streamDisconnect', stream: 's', reason: 'late' },
      { op: 'shutdown' },
    );
    assert.deepEqual(instance.done, [
      'access c {"readAccess":"/a"}',
      'record s append {"maxSizeBytes":5} 1',
      'record s false {} undefined',
      'off s late undefined',
      'shutdown',
    ]);
  });

  test('has what cannot be read counted, told once, and nothing else harmed', async () => {
    const { first, instance, script, records } = await serving();
    first.say({ op: 'eval' }, { op: 'broadcast', name: 'a', args: [] }, { op: 'ping' });
    assert.deepEqual(instance.done, ['broadcast a']);
    assert.equal(script.refusedCommands, 2);
    assert.equal(records.of('script').length, 1);
  });

  test('traces into both logs, and its errors become records', async () => {
    const { first, records } = await serving();
    first.say(
      { op: 'log', level: 'info', text: 'hello' },
      {
        op: 'error',
        kind: 'handler',
        where: 'onPlay',
        message: 'boom',
        stack: 'Error: boom\n    at app:///live/main.asc:7:1',
        client: 'c',
      },
    );
    assert.deepEqual(records.application, [
      'trace: hello',
      'error: live/main.asc:7:1: onPlay: boom\n    at live/main.asc:7:1',
    ]);
    assert.equal(records.of('script-log')[0]!.msg, 'hello');
    const { kind, handler, file, line, client, application, instance } = records.errors[0]!;
    assert.deepEqual(
      { kind, handler, file, line, client, application, instance },
      {
        kind: 'handler',
        handler: 'onPlay',
        file: 'main.asc',
        line: 7,
        client: 'c',
        application: 'live',
        instance: '_definst_',
      },
    );
  });

  test('cannot flood the logs', async () => {
    const { first, records, clock } = await serving();
    const lines = new Array(3000).fill({ op: 'log', level: 'info', text: 'x' });
    first.say(...lines);
    assert.equal(records.application.length, 2000);
    clock.advance(1000);
    first.say({ op: 'log', level: 'info', text: 'y' });
    assert.deepEqual(records.application.slice(-2), [
      'warn: 1000 lines of the script were dropped',
      'trace: y',
    ]);
  });

  test('that fails in a loop is counted, and fills neither the logs nor the list of its errors', async () => {
    const { first, records, clock } = await serving();
    const error = { op: 'error', kind: 'handler', where: 'onPlay', message: 'TypeError: a', stack: '' };
    for (let i = 0; i < 1000; i += 1) first.say({ ...error, client: `c${i}` });
    const [only, ...others] = records.kept!.recent('live');
    assert.deepEqual([only!.count, only!.code, only!.client, others], [1000, 'TypeError', 'c999', []]);
    const times = records.errors.map(({ count }) => count);
    assert.deepEqual(times.slice(0, 11), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20]);
    assert.equal(times.length, 28);
    assert.equal(records.application.at(-1), 'error: live: onPlay: TypeError: a (1000 times)');

    for (let i = 0; i < 300; i += 1) first.say({ ...error, message: `no ${i}` });
    assert.equal(records.kept!.recent('live').length, 100);
    assert.equal(records.errors.length, 28 + 199, 'a burst of 200 different ones');
    clock.advance(61_000);
    first.say({ ...error, message: 'no 199' });
    assert.equal(records.kept!.recent('live').at(-1)!.count, 1, 'after a minute it is news');
    assert.match(records.application.at(-2)!, /^warn: 101 errors of the script were dropped/);
  });

  test('has what is secret taken out of its errors, in both logs and in the list', async () => {
    const { first, records } = await serving();
    first.say({ op: 'error', kind: 'handler', where: 'onPlay', message: 'no /secret/', stack: '' });
    assert.equal(records.errors[0]!.message, 'no ***');
    assert.deepEqual(records.application, ['error: live: onPlay: no ***']);
    assert.equal(records.kept!.recent()[0]!.message, 'no ***');
  });

  test('is warned of connections that no version of it has taken over, with address and remedy', async () => {
    const { script, records, first } = await serving();
    const address = 'rtmp://far/live';
    script.tell({ event: 'forgotten', connections: [{ address, connections: 1, streams: ['cam'] }] });
    const [warning] = records.all.filter(({ event }) => event === 'outgoing-forgotten');
    assert.deepEqual(
      { ...warning, time: 0, msg: '' },
      {
        ...{ level: 40, time: 0, event: 'outgoing-forgotten', application: 'live', instance: '_definst_' },
        ...{ address, connections: 1, streams: ['cam'], msg: '' },
      },
    );
    assert.match(
      warning!.msg,
      /^live: .* rtmp:\/\/far\/live .* until cam ends\. .*onAppStart.*understudy reload live/,
    );
    await settle();
    assert.deepEqual(first.heard, [], 'that is not for the script itself');
  });

  test('may veto its stop with false, and with nothing else', async () => {
    const { script, first } = await serving();
    for (const [value, mayStop] of [
      [false, false],
      [0, true],
      [{ $: 'undefined' }, true],
    ] as const) {
      const stopping = script.stop('Application.GC');
      await settle();
      first.say({ op: 'ret', id: first.event('stop').id, found: true, ok: true, value });
      assert.equal(await stopping, mayStop);
    }
  });

  test('that does not answer its stop is stopped', async () => {
    const { script, clock } = await serving();
    const stopping = script.stop('Application.Shutdown');
    clock.advance(STOP_DEADLINE_MS);
    assert.equal(await stopping, true);
  });

  test('is settled when its handlers have ended and its questions have been answered, jobs aside', async () => {
    const asked: PromiseWithResolvers<Json>[] = [];
    const service = {
      ask: () => {
        const answer = Promise.withResolvers<Json>();
        asked.push(answer);
        return answer.promise;
      },
    };
    const prepare = (fake: FakeRunner) => {
      fake.services = { fetch: service, exec: service };
    };
    const { script, first } = await serving({ prepare });
    let isSettled = false;
    first.say(
      { op: 'ask', id: 1, service: 'exec', request: null },
      { op: 'ask', id: 2, service: 'fetch', request: null },
    );
    const settling = script.settle(FAREWELL_MS).then(() => {
      isSettled = true;
    });
    await settle();
    assert.equal(isSettled, false);
    asked[1]!.resolve(null);
    await settling;
  });

  test('is not settled while an answer is on its way, for it may lead to the next question', async () => {
    const answer = Promise.withResolvers<Json>();
    const prepare = (fake: FakeRunner) => {
      fake.services = { fetch: { ask: () => answer.promise } };
      fake.behaviours.a = {
        settle(unit, { id }) {
          answer.resolve(null);
          const { length } = unit.events.filter(({ t }) => t === 'answer');
          setImmediate(() => setImmediate(() => unit.say({ op: 'ret', id, found: false })));
          rounds.push(length);
        },
      };
    };
    const rounds: number[] = [];
    const { script, first } = await serving({ prepare });
    first.say({ op: 'ask', id: 1, service: 'fetch', request: null });
    await script.settle(FAREWELL_MS);
    assert.deepEqual(rounds, [0, 1], 'it is asked again when it has the answer');
  });

  test('that never settles is given up after its time', async () => {
    const prepare = (fake: FakeRunner) => {
      fake.behaviours.a = { settle() {} };
    };
    const { script, clock } = await serving({ prepare });
    const settling = script.settle(FAREWELL_MS);
    clock.advance(FAREWELL_MS);
    await settling;
  });

  test('gets the events of one tick in one frame, whatever their number in batches of 256', async () => {
    const { script, first } = await serving();
    for (let i = 0; i < 600; i += 1) script.tell({ event: 'disconnect', client: `${i}` });
    assert.deepEqual(first.heard, []);
    await settle();
    assert.deepEqual(
      first.heard,
      Array.from({ length: 600 }, (_, i) => `disconnect ${i}`),
    );
  });

  test('is spared what no frame can hold: that question is refused, that call fails', async () => {
    const { script, first, verdicts, results } = await serving();
    const huge = '\u0000'.repeat(3 << 20); // six characters each in JSON
    script.ask({ gate: 'onConnect', client: facts('c'), args: [huge] }, (verdict) => verdicts.push(verdict));
    script.invoke('c', 'big', [huge], true, (result) => results.push(result));
    script.tell({ event: 'disconnect', client: 'd' });
    await settle();
    assert.equal(verdicts[0]?.accepted, false);
    assert.equal(results[0]?.found, true);
    assert.deepEqual(first.heard, ['disconnect d']);
  });
});

test('a script that shuts its instance down from onAppStart ends in order', async () => {
  const set = setUp({
    prepare: (fake) => {
      fake.behaviours.a = {
        start: (unit, { id }) =>
          unit.say(
            { op: 'shutdown' },
            { op: 'broadcast', name: 'x', args: [] },
            { op: 'ready', id, ok: true },
          ),
      };
    },
  });
  set.instance.onShutdown = () => set.script.close();
  await settle();
  assert.deepEqual(set.instance.done, ['shutdown']);
  assert.equal(set.runner.last.isUnloaded, true);
});
