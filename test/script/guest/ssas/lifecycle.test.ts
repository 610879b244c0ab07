import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WireSnapshot } from '../../../../src/script/wire/wire.ts';
import { clientFacts, connectEvent, TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

async function saved(unit: TestUnit) {
  const id = unit.nextId();
  unit.post({ t: 'save', id });
  return unit.command('saved', (command) => command.id === id);
}

const STATS = { bytes_in: 5, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 };
const FILE = { name: 'show', path: 'show.flv', duration: 1, bytes: 2, codecs: [], reason: 'stopped' };
function snapshot(...clients: WireSnapshot['clients']): WireSnapshot {
  return { clients, streams: [] };
}

describe('onAppStart', () => {
  test('is told why', async () => {
    const unit = await runner.run(
      'application.onAppStart = function (info) { trace(this === application, info) }',
    );
    assert.deepEqual(unit.logs, ['true { reload: false, restored: false, state: undefined }']);
  });

  test('is awaited before any gate, call or notice; timers run meanwhile', async () => {
    const unit = await runner.load(`
      let list = 'not yet';
      application.onAppStart = async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        list = 'loaded';
      };
      application.onConnect = () => { trace('connect', list); return true };
      application.onDisconnect = () => trace('left');
      Client.prototype.list = () => list;`);
    unit.post(
      { t: 'start', id: 1, why: 'start', snapshot: snapshot() },
      connectEvent(2, 'c1'),
      { t: 'call', id: 3, client: 'c1', name: 'list', args: [], wantsResult: true },
      { t: 'disconnect', client: 'c1' },
    );
    await unit.command('log', ({ text }) => text === 'left');
    assert.deepEqual(
      unit.commands.map((command) => ('id' in command ? `${command.op} ${command.id}` : command.op)),
      ['ready 1', 'log', 'verdict 2', 'ret 3', 'log'],
    );
    assert.deepEqual(unit.logs, ['connect loaded', 'left']);
  });

  test('events that came before it wait, in any frames', async () => {
    const unit = await runner.load(`application.onConnect = (client) => { trace(client.id); return true }`);
    unit.post(connectEvent(2, 'a'));
    unit.post(connectEvent(3, 'b'));
    unit.post({ t: 'start', id: 1, why: 'start', snapshot: snapshot() });
    unit.post(connectEvent(4, 'c'));
    await unit.command('verdict', ({ id }) => id === 4);
    assert.deepEqual(unit.logs, ['a', 'b', 'c']);
  });

  for (const [how, handler] of [
    ['throws', '() => { throw new Error("no database") }'],
    ['rejects', 'async () => { await null; throw new Error("no database") }'],
  ]) {
    test(`that ${how} means that the script is not ready, and nothing more reaches it`, async () => {
      const unit = await runner.load(
        `application.onAppStart = ${handler}; application.onConnect = () => trace('never')`,
      );
      assert.equal(await unit.start(), false);
      const error = await unit.command('error');
      assert.deepEqual([error.where, error.message], ['onAppStart', 'Error: no database']);
      const other = await runner.run('Client.prototype.m = () => 1');
      const asked = unit.connect();
      await other.connect().verdict;
      assert.equal(asked.isAnswered, false);
      assert.deepEqual(unit.logs, []);
    });
  }
});

describe('a hand-over', () => {
  test('carries state, what scripts put on clients, and what JSON has no form for', async () => {
    const old = await runner.run(`
      application.onConnect = (client, name) => {
        client.data.name = name;
        client.since = new Date(1000); client.tags = new Map([['a', [1, undefined, NaN]]]); client.id = 'own id';
        client.bytes = new Uint8Array([1, 2]); client.loop = { list: [] }; client.loop.list.push(client.loop);
        return true;
      };
      application.onBeforeReload = () => ({ visits: 3, at: new Date(5) });`);
    await old.connect('c1', 'ann').verdict;
    await old.connect('c2', 'bob').verdict;
    const handed = await saved(old);
    assert.deepEqual(handed.lost, []);

    const next = await runner.load(`
      application.onAppStart = (info) => trace(info, application.clients.length, application.clients[0].data.name);
      application.onClientResume = (client) =>
        trace(client.data, client.since.getTime(), client.tags.get('a'), client.id, client.bytes[1], client.loop.list[0] === client.loop, client.getStats().bytes_in);
      Client.prototype.who = function () { this.call('you', null, this.data.name); return this.data.name };`);
    const ok = await next.start('reload', {
      state: handed.state!,
      snapshot: snapshot(
        { facts: clientFacts('c1'), stats: STATS, saved: handed.clients.c1! },
        { facts: clientFacts('c2'), stats: STATS, saved: handed.clients.c2! },
      ),
    });
    assert.equal(ok, true);
    assert.deepEqual(next.logs, [
      '{ reload: true, restored: false, state: { visits: 3, at: 1970-01-01T00:00:00.005Z } } 2 ann',
      '{ name: "ann" } 1000 [1, undefined, NaN] own id 2 true 5',
      '{ name: "bob" } 1000 [1, undefined, NaN] own id 2 true 5',
    ]);
    const ret = await next.callAs('c2', 'who');
    assert.ok(ret.found && ret.ok);
    assert.equal(ret.value, 'bob');
    assert.equal(next.of('clientCall')[0]!.client, 'c2');
  });

  test('names once what it cannot carry, and carries the rest', async () => {
    const old = await runner.run(`
      application.onConnect = (client) => {
        client.say = function () {}; client.room = new (class Room {})(); client.partner = client;
        client.data = { name: 'x', onEnd() {}, deep: { app: application } };
        Object.defineProperty(client, 'broken', { enumerable: true, get() { throw new Error('no') } });
        return true;
      };
      application.onBeforeReload = () => ({ keep: 1, drop: () => {} });`);
    await old.connect('c1').verdict;
    await old.connect('c2').verdict;
    const handed = await saved(old);
    assert.deepEqual(handed.state, { keep: 1 });
    assert.deepEqual(handed.clients, {
      c1: { data: { name: 'x', deep: {} } },
      c2: { data: { name: 'x', deep: {} } },
    });
    assert.deepEqual([...handed.lost].sort(), [
      'client.broken',
      'client.data.deep.app',
      'client.data.onEnd',
      'client.partner',
      'client.room',
      'client.say',
      'state.drop',
    ]);
  });

  test('may be async, and goes on without the state when onBeforeReload fails', async () => {
    const slow = await runner.run('application.onBeforeReload = async () => { await null; return [1] }');
    assert.deepEqual((await saved(slow)).state, [1]);
    const failing = await runner.run('application.onBeforeReload = () => { throw new Error("no") }; ');
    const handed = await saved(failing);
    assert.equal('state' in handed, false);
    assert.equal(failing.of('error')[0]!.where, 'onBeforeReload');
  });

  test('rebuilds streams with their publishers and players', async () => {
    const unit = await runner.load(`
      application.onAppStart = () => {
        const s = application.streams.cam;
        trace(s.name, s.publisher.id, s.players.map((c) => c.id), s.publishQueryString);
      };
      application.onUnpublish = (client, stream) => trace('unpublish', client.id, stream === application.streams.cam);`);
    await unit.start('restored', {
      snapshot: {
        clients: [
          { facts: clientFacts('p'), stats: STATS },
          { facts: clientFacts('v'), stats: STATS },
        ],
        streams: [{ name: 'cam', query: 'k=1', publisher: 'p', players: ['v'] }],
      },
    });
    unit.post({ t: 'unpublish', client: 'p', stream: 'cam' });
    await unit.command('log', ({ text }) => text.startsWith('unpublish'));
    assert.deepEqual(unit.logs, ['cam p ["v"] k=1', 'unpublish p true']);
  });

  test('waits for every onClientResume, and one that fails is reported and stops nobody', async () => {
    const unit = await runner.load(`
      application.onAppStart = (info) => trace(info.reload, info.restored);
      application.onClientResume = async (client) => {
        if (client.id === 'bad') throw new Error('bad');
        await new Promise((r) => setTimeout(r, 2));
        trace('resumed', client.id);
      };`);
    const ok = await unit.start('restored', {
      snapshot: snapshot(
        { facts: clientFacts('bad'), stats: STATS },
        { facts: clientFacts('good'), stats: STATS },
      ),
    });
    assert.equal(ok, true);
    assert.deepEqual(unit.logs, ['false true', 'resumed good']);
    assert.deepEqual(
      unit.of('error').map(({ where, client }) => [where, client]),
      [['onClientResume', 'bad']],
    );
  });
});

describe('onAppStop', () => {
  test('gives its value back; without one, nothing', async () => {
    for (const [handler, value] of [
      ['(info) => info.code !== "Application.GC"', false],
      ['async () => { await null; return true }', true],
      ['undefined', { $: 'undefined' }],
    ] as const) {
      const unit = await runner.run(`application.onAppStop = ${handler}`);
      unit.post({ t: 'stop', id: 9, code: 'Application.GC' });
      assert.deepEqual(await unit.command('ret'), { op: 'ret', id: 9, found: true, ok: true, value });
    }
  });
});

describe('before a script ends', () => {
  test('async handlers come to their end, with all that they ask for on the way', async () => {
    const unit = await runner.run(`
      const asked = (key) => application.store.get(key);
      application.onDisconnect = async () => { await asked('one'); void asked('two'); };
      application.onRecord = async () => { await asked('three'); throw new Error('no'); };`);
    await unit.connect().verdict;
    unit.post(
      { t: 'disconnect', client: 'c1' },
      { t: 'recorded', stream: 'show', file: FILE },
      { t: 'settle', id: 9 },
    );
    const ask = (key: string) => unit.command('ask', ({ request }) => JSON.stringify(request).includes(key));
    const [one, three] = [await ask('one'), await ask('three')];
    unit.post({ t: 'answer', id: one.id, ok: true, value: null });
    await ask('two');
    assert.deepEqual(unit.of('ret'), []);
    unit.post({ t: 'answer', id: three.id, ok: true, value: null });
    assert.deepEqual(await unit.command('ret'), { op: 'ret', id: 9, found: false });
  });
});

describe('application.onStatus', () => {
  test('hears of what the server has to say, and of errors in the script with their place', async () => {
    const unit = await runner.run(
      `application.onStatus = (info) => trace(info.code, info.level, info.filename, info.lineno, info.description);
       application.onDisconnect = (client) => {
         nothing.here;
       };`,
    );
    await unit.connect().verdict;
    unit.post({
      t: 'status',
      info: { code: 'NetStream.Record.Failed', level: 'error', description: 'disk full' },
    });
    unit.post({ t: 'disconnect', client: 'c1' });
    await unit.command('error');
    assert.deepEqual(unit.logs, [
      'NetStream.Record.Failed error undefined undefined disk full',
      'Application.Script.Error error app:///test/main.ts 3 ReferenceError: nothing is not defined',
    ]);
  });

  test('that fails itself is reported and not told of itself', async () => {
    const unit = await runner.run(`
      let calls = 0;
      application.onStatus = () => { calls += 1; trace(calls); Promise.reject(new Error('floating')); throw new Error('in onStatus') };
      application.onDisconnect = () => { throw new Error('first') };`);
    await unit.connect().verdict;
    unit.post({ t: 'disconnect', client: 'c1' });
    await unit.command('error', ({ kind }) => kind === 'rejection');
    const asked = unit.connect('c2');
    await asked.verdict;
    // The floating rejection of the first call is told once more; its own is not.
    assert.deepEqual(unit.logs, ['1', '2']);
  });

  test('hears of rejections that nobody handles', async () => {
    const unit = await runner.run(`
      application.onStatus = (info) => trace(info.code, info.description);
      application.onDisconnect = () => { Promise.reject(new Error('floating')) };`);
    await unit.connect().verdict;
    unit.post({ t: 'disconnect', client: 'c1' });
    await unit.command('log');
    assert.deepEqual(unit.logs, ['Application.Script.Error Error: floating']);
    assert.equal(unit.of('error').length, 1);
  });
});
