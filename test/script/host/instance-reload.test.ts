import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IDS_PER_VERSION } from '../../../src/script/commands/keys.ts';
import { serving, settle, version } from '../support/instance.ts';

describe('a reload', () => {
  test('loads the new version beside the old, hands the state over, and drops the old', async () => {
    const { runner, first, instance, reload, records, clock } = await serving({
      prepare: (fake) => {
        fake.behaviours.a = {
          save: (unit, { id }) =>
            unit.say({ op: 'saved', id, state: { n: 1 }, clients: { c: { name: 'Ann' } }, lost: ['socket'] }),
        };
      },
    });
    instance.clients = ['c', 'd'];
    await reload(version('b'));
    const { why, state, snapshot } = runner.last.event('start');
    assert.equal(why, 'reload');
    assert.deepEqual(state, { n: 1 });
    assert.deepEqual(
      snapshot.clients.map(({ facts: { id }, saved }) => [id, saved]),
      [
        ['c', { name: 'Ann' }],
        ['d', undefined],
      ],
    );
    assert.match(records.application[0]!, /not carried over to the new version: socket/);
    assert.equal(records.of('script-reload').length, 1);
    assert.equal(first.isUnloaded, false);
    clock.advance(1000);
    assert.equal(first.isUnloaded, true);
    assert.equal(
      first.events.some(({ t }) => t === 'stop'),
      false,
    );
  });

  test('of the same text does nothing', async () => {
    const { runner, reload } = await serving();
    await reload(version('a'));
    assert.equal(runner.units.length, 1);
  });

  test('parks what comes meanwhile and gives it to the new version; the old one is not heard any more', async () => {
    const { runner, first, script, instance, reload, call, results } = await serving({
      prepare: (fake) => (fake.behaviours.b = { start() {} }),
    });
    await reload(version('b'));
    script.tell({ event: 'status', info: { code: 'x', level: 'status' } });
    call('late');
    await settle();
    assert.deepEqual(first.heard, []);
    runner.last.say({ op: 'broadcast', name: 'held', args: [] });
    first.say({ op: 'broadcast', name: 'old', args: [] });
    assert.deepEqual(instance.done, []);
    runner.last.say({ op: 'ready', id: runner.last.event('start').id, ok: true });
    await settle();
    first.say({ op: 'broadcast', name: 'older', args: [] });
    assert.deepEqual(instance.done, ['broadcast held']);
    assert.deepEqual(runner.last.heard, ['status', 'call late']);
    runner.last.say({ op: 'ret', id: runner.last.event('call').id, found: true, ok: true, value: 5 });
    assert.deepEqual(results, [{ found: true, ok: true, value: 5 }]);
  });

  test('gives connections to other servers to the new version, and tells each version of its own alone', async () => {
    const { runner, first, script, instance, reload } = await serving();
    const status = (id: number) =>
      script.tell({ event: 'outgoing', id, info: { code: 'x', level: 'status' }, isOver: false });
    first.say({ op: 'outConnect', id: 7, uri: 'rtmp://host/app', args: ['k'] });
    first.say({ op: 'outPublish', id: 8, connection: 7, name: 'key', type: 'live', source: 'cam' });
    first.say({
      ...{ op: 'streamPlay', stream: 's', source: 'show', start: -1, length: 5, reset: true, connection: 7 },
    });
    status(IDS_PER_VERSION + 7);
    await settle();
    assert.deepEqual(first.event('outgoing'), {
      ...{ t: 'outgoing', id: 7, info: { code: 'x', level: 'status' }, isOver: false },
    });
    await reload(version('b'));
    runner.last.say({ op: 'outConnect', id: 7, uri: 'rtmp://host/app', args: ['k'] });
    status(IDS_PER_VERSION + 7);
    await settle();
    assert.deepEqual(runner.last.heard, []);
    status(2 * IDS_PER_VERSION + 7);
    await settle();
    assert.deepEqual(runner.last.heard, ['outgoing']);
    const request = { connection: IDS_PER_VERSION + 7, name: 'key', type: 'live', source: 'cam' };
    assert.deepEqual(instance.done, [
      `connect ${IDS_PER_VERSION + 7} rtmp://host/app ["k"]`,
      `publish ${IDS_PER_VERSION + 8} ${JSON.stringify(request)}`,
      `play s ${IDS_PER_VERSION + 7} show -1 5`,
      `disown from version 1`,
      `connect ${2 * IDS_PER_VERSION + 7} rtmp://host/app ["k"]`,
    ]);
    script.close();
    assert.equal(instance.done.at(-1), 'disown from version 2');
  });

  test('asks open gates again with the rest of their deadline, and fails open calls', async () => {
    const { runner, first, ask, call, reload, clock, verdicts, results } = await serving();
    ask('one');
    const dropped = ask('two');
    call('slow');
    await settle();
    clock.advance(9000);
    dropped.drop();
    await reload(version('b'));
    assert.deepEqual(runner.last.heard, ['gate onPublish']);
    const gate = first.events.find(({ t }) => t === 'gate');
    assert.deepEqual(runner.last.event('gate'), gate);
    assert.deepEqual(results, [{ found: true, ok: false, description: 'the application was restarted' }]);
    first.say({ op: 'verdict', id: dropped.id - 1, accepted: true });
    assert.equal(verdicts.length, 0);
    clock.advance(1000);
    assert.equal(verdicts[0]?.accepted, false);
  });

  test('asks the new version what was asked during the swap, unless the asker has gone', async () => {
    const { runner, ask, reload, verdicts } = await serving({
      prepare: (fake) => (fake.behaviours.b = { start() {} }),
    });
    await reload(version('b'));
    ask().drop();
    const { id } = ask();
    runner.last.say({ op: 'ready', id: runner.last.event('start').id, ok: true });
    await settle();
    assert.deepEqual(runner.last.heard, ['gate onPublish']);
    runner.last.say({ op: 'verdict', id, accepted: true });
    assert.deepEqual(verdicts, [{ accepted: true }]);
  });

  test('that fails to load leaves the old version serving', async () => {
    const { first, reload, ask, verdicts, records } = await serving({
      prepare: (fake) => {
        fake.behaviours.b = {
          load: (unit) => unit.failed({ kind: 'syntax', message: 'x', stack: 'app:///live/main.asc:2' }),
        };
      },
    });
    await reload(version('b'));
    assert.equal(records.errors[0]!.line, 2);
    const { id } = ask();
    await settle();
    first.say({ op: 'verdict', id, accepted: true });
    assert.deepEqual(verdicts, [{ accepted: true }]);
  });

  test('that fails in onAppStart leaves everything as it was: state, post, commands, verdicts', async () => {
    const { runner, first, script, ask, reload, instance, verdicts, results, call } = await serving({
      prepare: (fake) => (fake.behaviours.b = { start() {} }),
    });
    const gate = ask();
    call('slow');
    await settle();
    await reload(version('b'));
    runner.last.say({ op: 'broadcast', name: 'never', args: [] });
    first.say({ op: 'verdict', id: gate.id, accepted: true }, { op: 'broadcast', name: 'old', args: [] });
    script.tell({ event: 'disconnect', client: 'x' });
    assert.deepEqual(verdicts, []);
    runner.last.say({ op: 'ready', id: runner.last.event('start').id, ok: false });
    await settle();
    assert.deepEqual(verdicts, [{ accepted: true }]);
    assert.deepEqual(instance.done, ['broadcast old']);
    assert.deepEqual(first.heard, ['gate onPublish', 'call slow', 'disconnect x']);
    assert.deepEqual(results, []);
    first.say({ op: 'broadcast', name: 'alive', args: [] });
    assert.equal(instance.done.at(-1), 'broadcast alive');
    assert.equal(runner.last.isUnloaded, true);
  });

  test('is tried again with the next save, not before', async () => {
    const { runner, reload, records } = await serving({
      prepare: (fake) =>
        (fake.behaviours.b = { load: (unit) => unit.failed({ kind: 'throw', message: 'x', stack: '' }) }),
    });
    await reload(version('b'));
    assert.equal(runner.units.length, 2);
    await reload(version('c'));
    assert.equal(runner.units.length, 3);
    assert.equal(runner.last.event('start').why, 'reload');
    assert.equal(records.errors.length, 1);
  });

  test('that a newer save overtakes while it loads is forgotten', async () => {
    const { runner, reload, records } = await serving({
      prepare: (fake) => (fake.behaviours.b = { load() {} }),
    });
    await reload(version('b'));
    await reload(version('c'));
    const [, b, c] = runner.units;
    assert.equal(b!.isUnloaded, true);
    assert.equal(c!.event('start').why, 'reload');
    assert.deepEqual(records.errors, []);
  });

  test('goes on without the state of a version that does not give it', async () => {
    const { runner, reload, clock, records, first, instance } = await serving({
      prepare: (fake) => (fake.behaviours.a = { save() {} }),
    });
    instance.clients = ['c'];
    first.say({ op: 'keep', client: 'c', data: '{"n":1}' });
    await reload(version('b'));
    clock.advance(2000);
    await settle();
    const start = runner.last.event('start');
    assert.equal(start.why, 'reload');
    assert.equal('state' in start, false);
    assert.equal(start.snapshot.clients[0]!.data, '{"n":1}');
    assert.equal(records.errors[0]!.handler, 'onBeforeReload');
    first.say({ op: 'broadcast', name: 'late', args: [] });
    assert.deepEqual(instance.done, []);
  });

  test('lets onDisconnect find a client that left during the swap', async () => {
    const { runner, first, script, instance, reload } = await serving({
      prepare: (fake) => (fake.behaviours.a = { save() {} }),
    });
    instance.clients = ['c', 'd'];
    await reload(version('b'));
    instance.clients = ['d'];
    script.tell({ event: 'disconnect', client: 'c' });
    first.say({ op: 'saved', id: first.event('save').id, clients: { c: 1 }, lost: [] });
    await settle();
    const { clients } = runner.last.event('start').snapshot;
    assert.deepEqual(
      clients.map(({ facts: { id } }) => id),
      ['d', 'c'],
    );
    assert.deepEqual(runner.last.heard, ['disconnect c']);
  });

  test('keeps answers to the old version’s calls from the new one', async () => {
    const { first, instance, reload, runner, script } = await serving();
    first.say({ op: 'clientCall', client: 'c', name: 'a', args: [], responder: 7 });
    const old = Number(instance.done[0]!.split(' ').at(-1));
    script.callResult(old, true, 'x');
    await settle();
    assert.deepEqual(first.event('callResult'), { t: 'callResult', responder: 7, ok: true, value: 'x' });
    await reload(version('b'));
    runner.last.say({ op: 'clientCall', client: 'c', name: 'b', args: [], responder: 7 });
    const young = Number(instance.done[1]!.split(' ').at(-1));
    script.callResult(old, true, 'stale');
    script.callResult(young, false, null);
    await settle();
    assert.deepEqual(runner.last.heard, ['callResult']);
    assert.equal(runner.last.event('callResult').ok, false);
  });
});
