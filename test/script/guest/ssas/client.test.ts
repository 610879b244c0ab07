import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

async function withClient(code: string, kind: 'module' | 'classic' = 'module'): Promise<TestUnit> {
  const unit = await runner.run(code, { kind });
  await unit.connect('c1').verdict;
  return unit;
}

describe('admission', () => {
  test('application.clients is one live array: a client is in it right after acceptConnection', async () => {
    const unit = await runner.run(`
      const list = application.clients;
      application.onConnect = (client) => {
        const before = list.length;
        application.acceptConnection(client);
        trace(before, list.length, list[before] === client, list === application.clients);
      };
      application.onDisconnect = (client) => trace('left', client.id, list.length);`);
    await unit.connect('a').verdict;
    await unit.connect('b').verdict;
    unit.post({ t: 'disconnect', client: 'a' });
    await unit.command('log', ({ text }) => text.startsWith('left'));
    assert.deepEqual(unit.logs, ['0 1 true true', '1 2 true true', 'left a 1']);
  });

  test('calls made while pending follow the verdict; made before a refusal they are dropped', async () => {
    const unit = await runner.run(`
      application.onConnect = (client, wanted) => {
        client.readAccess = 'public';
        client.call('welcome', null, client.id);
        return wanted;
      };`);
    await unit.connect('in', true).verdict;
    await unit.connect('out', false).verdict;
    assert.deepEqual(unit.commands.slice(1), [
      { op: 'verdict', id: 2, accepted: true },
      { op: 'access', client: 'in', readAccess: 'public' },
      { op: 'clientCall', client: 'in', name: 'welcome', args: ['in'] },
      { op: 'verdict', id: 3, accepted: false, reason: 'refused by the application' },
    ]);
  });

  test('acceptConnection works from a timer, with the same client object', async () => {
    const unit = await runner.run(`
      let waiting;
      application.onConnect = (client) => { waiting = client; client.mark = 'x'; setTimeout(() => application.acceptConnection(waiting), 1) };
      Client.prototype.mine = function () { return this === waiting && this.mark };`);
    const verdict = await unit.connect().verdict;
    assert.equal(verdict.accepted, true);
    assert.equal(await unit.value('mine'), 'x');
  });

  test('acceptConnection() without an argument means the client at the door', async () => {
    const unit = await runner.run('application.onConnect = function () { application.acceptConnection() }', {
      kind: 'classic',
    });
    assert.equal((await unit.connect().verdict).accepted, true);
  });

  test('rejectConnection takes a description, an object, or both; the object is whole', async () => {
    const unit = await runner.run(`
      application.onConnect = (client, how) => {
        if (how === 1) application.rejectConnection(client, 'closed', { seats: [1] });
        if (how === 2) application.rejectConnection(client, { message: 'no', at: new Date(7) });
        if (how === 3) application.rejectConnection(client);
        if (how === 4) application.redirectConnection(client, 'rtmp://other/app', 'moved', 5);
      };`);
    const verdicts = [];
    for (const how of [1, 2, 3, 4]) {
      const { op, id, ...verdict } = await unit.connect(`c${how}`, how).verdict;
      verdicts.push(verdict);
    }
    const reason = 'refused by the application';
    assert.deepEqual(verdicts, [
      { accepted: false, reason: 'closed', application: { seats: [1] } },
      { accepted: false, reason, application: { message: 'no', at: { $: 'date', v: 7 } } },
      { accepted: false, reason },
      { accepted: false, reason: 'moved', application: 5, redirect: 'rtmp://other/app' },
    ]);
  });

  test('onConnectAccept and onConnectReject run after the handler that decided', async () => {
    const unit = await runner.run(`
      application.onConnect = (client, name) => {
        if (name === 'ann') application.acceptConnection(client);
        else application.rejectConnection(client);
        trace('decided');
      };
      application.onConnectAccept = (client, name) => trace('accepted', client.id, name);
      application.onConnectReject = (client, name) => trace('rejected', client.id, name);`);
    await unit.connect('a', 'ann').verdict;
    await unit.connect('b', 'bob').verdict;
    assert.deepEqual(unit.logs, ['decided', 'accepted a ann', 'decided', 'rejected b bob']);
  });
});

describe('a client', () => {
  test('has its facts as strings that are never absent, and may be changed without losing itself', async () => {
    const unit = await withClient(`
      Client.prototype.about = function () {
        this.id = 'mine'; this.ip = 5; this.name = 'x'; this.self = this;
        return [this.agent, this.pageUrl, this.uri, this.protocol, this.secure, this.virtualKey, this.user, this.objectEncoding];
      };
      Client.prototype.hello = function () { return this.call('hi', null, this.id) };`);
    assert.deepEqual(await unit.value('about'), [
      'LNX 9,0,124,2',
      '',
      'rtmp://localhost/test',
      'rtmp',
      false,
      '',
      '',
      0,
    ]);
    assert.equal(await unit.value('hello'), true);
    assert.deepEqual(await unit.command('clientCall'), {
      ...{ op: 'clientCall', client: 'c1', name: 'hi', args: ['mine'] },
    });
  });

  test('readAccess and writeAccess hold at once and are sent', async () => {
    const unit = await withClient(`
      Client.prototype.limit = function () {
        this.readAccess = 'a;b'; this.writeAccess = '';
        return [this.readAccess, this.writeAccess];
      };`);
    assert.deepEqual(await unit.value('limit'), ['a;b', '']);
    assert.deepEqual(unit.of('access'), [
      { op: 'access', client: 'c1', readAccess: 'a;b' },
      { op: 'access', client: 'c1', writeAccess: '' },
    ]);
  });

  test('access to samples is nothing until it is given, and is sent like the others', async () => {
    const unit = await withClient(`
      Client.prototype.give = function () {
        var before = [this.audioSampleAccess, this.videoSampleAccess];
        this.audioSampleAccess = '/'; this.videoSampleAccess = 'open';
        return before.concat([this.audioSampleAccess, this.videoSampleAccess]);
      };`);
    assert.deepEqual(await unit.value('give'), ['', '', '/', 'open']);
    assert.deepEqual(unit.of('access'), [
      { op: 'access', client: 'c1', audioSampleAccess: '/' },
      { op: 'access', client: 'c1', videoSampleAccess: 'open' },
    ]);
  });

  test('getStats gives the numbers last heard and asks for new ones, once a turn', async () => {
    const unit = await withClient(
      `Client.prototype.stats = function () { this.getStats(); return this.getStats() }`,
    );
    const nothing = { bytes_in: 0, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 };
    assert.deepEqual(await unit.value('stats'), nothing);
    assert.equal(unit.of('ping').length, 1);
    unit.post({ t: 'clientStats', client: 'c1', stats: { ...nothing, bytes_in: 9, ping_rtt: 3 } });
    assert.deepEqual(await unit.value('stats'), { ...nothing, bytes_in: 9, ping_rtt: 3 });
  });

  test('that has left can be read, and takes nothing', async () => {
    const unit = await withClient(`
      application.onDisconnect = (client) => trace(client.id, client.data.x, client.call('a'), client.ping());
      Client.prototype.put = function () { this.data.x = 1 };`);
    await unit.call('put');
    unit.post({ t: 'disconnect', client: 'c1' });
    await unit.command('log');
    assert.deepEqual(unit.logs, ['c1 1 false false']);
    assert.deepEqual(unit.of('clientCall'), []);
  });

  test('broadcastMsg and disconnect are commands', async () => {
    const unit = await withClient(`
      Client.prototype.bye = function () {
        application.broadcastMsg('bye', this.id, [1]);
        return [application.disconnect(this), application.disconnect({}), application.shutdown()];
      };`);
    assert.deepEqual(await unit.value('bye'), [true, false, { $: 'undefined' }]);
    assert.deepEqual(unit.commands.slice(2, 5), [
      { op: 'broadcast', name: 'bye', args: ['c1', [1]] },
      { op: 'disconnect', client: 'c1' },
      { op: 'shutdown' },
    ]);
  });
});

describe('client.call', () => {
  test('gives the answer to an object with onResult and onStatus, or to a function', async () => {
    const unit = await withClient(`
      function Responder(name) { this.name = name }
      Responder.prototype.onResult = function (value) { trace(this.name, 'result', value) };
      Responder.prototype.onStatus = function (info) { trace(this.name, 'status', info.code) };
      Client.prototype.ask = function () {
        this.call('a', new Responder('A'), 1);
        this.call('b', new Responder('B'));
        this.call('c', (value) => trace('C', value));
        this.call('d', null, 2);
        this.call('e');
      };`);
    await unit.call('ask');
    const [a, b, c, d, e] = unit.of('clientCall').map(({ responder }) => responder);
    assert.deepEqual([d, e], [undefined, undefined]);
    unit.post(
      { t: 'callResult', responder: b!, ok: false, value: { code: 'NetConnection.Call.Failed' } },
      { t: 'callResult', responder: a!, ok: true, value: [1, 2] },
      { t: 'callResult', responder: a!, ok: true, value: 'twice' },
      { t: 'callResult', responder: c!, ok: true, value: 'x' },
      { t: 'callResult', responder: 999, ok: true, value: 'x' },
    );
    await unit.command('log', ({ text }) => text === 'C x');
    assert.deepEqual(unit.logs, ['B status NetConnection.Call.Failed', 'A result [1, 2]', 'C x']);
  });

  test('a value that cannot be sent is an exception in the script, and harms no other call', async () => {
    const unit = await withClient(`
      Client.prototype.bad = function () {
        const errors = [];
        const attempt = (value) => { try { this.call('m', null, value) } catch (e) { errors.push(e.message) } };
        attempt({ get x() { throw new Error('getter') } });
        let deep = []; for (let i = 0; i < 100; i++) deep = [deep];
        attempt(deep);
        attempt(new Array(1e6));
        attempt('fine');
        return errors;
      };`);
    const errors = (await unit.value('bad')) as string[];
    assert.equal(errors.length, 3);
    assert.equal(errors[0], 'getter');
    assert.deepEqual(
      unit.of('clientCall').map(({ args }) => args),
      [['fine']],
    );
  });
});

describe('a remote method', () => {
  test('may sit on the client, on Client.prototype, or inside an object; own ones win; this is the client', async () => {
    const unit = await withClient(`
      application.onConnect = (client) => { client.own = function () { return 'own ' + this.id }; return true };
      Client.prototype.own = () => 'prototype';
      Client.prototype.shared = function (a, b) { return [this.id, a, b] };
      Client.prototype.chat = { send: function (text) { return this.id + text }, room: { say: () => 'said' } };`);
    assert.equal(await unit.value('own'), 'own c1');
    assert.deepEqual(await unit.value('shared', 1, 'x'), ['c1', 1, 'x']);
    assert.equal(await unit.value('chat/send', '!'), 'c1!');
    assert.equal(await unit.value('chat.send', '!'), 'c1!');
    assert.equal(await unit.value('chat.room.say'), 'said');
  });

  test('may be async', async () => {
    const unit = await withClient(`
      Client.prototype.slow = async () => { await null; return { done: true } };
      Client.prototype.failing = async () => { await null; throw new Error('not today') };`);
    assert.deepEqual(await unit.value('slow'), { done: true });
    const ret = await unit.call('failing');
    assert.deepEqual(ret, { op: 'ret', id: ret.id, found: true, ok: false, description: 'not today' });
  });

  test('that throws answers with the message, and is reported with its place', async () => {
    const unit = await withClient(
      `Client.prototype.boom = function () {\n  throw new RangeError('too much');\n};`,
    );
    const ret = await unit.call('boom');
    assert.ok(ret.found && !ret.ok);
    assert.equal(ret.description, 'too much');
    const [error] = unit.of('error');
    assert.equal(error!.where, 'client.boom');
    assert.equal(error!.message, 'RangeError: too much');
    assert.match(
      error!.stack,
      /^RangeError: too much\n {4}at Client\.boom \(app:\/\/\/test\/main\.ts:2:9\)\n?$/,
    );
  });

  test('whose result cannot be sent fails', async () => {
    const unit = await withClient(`Client.prototype.bad = () => ({ get x() { throw new Error('getter') } })`);
    const ret = await unit.call('bad');
    assert.ok(ret.found && !ret.ok);
  });

  test('is not what belongs to the host or to the language', async () => {
    const unit = await withClient(`
      Client.prototype.ping = function () { return 'mine' };
      Client.prototype.fn = function fn() {};
      Client.prototype.list = [1];
      application.onConnect = (client) => { client.app = application; client.other = client; client.g = globalThis; return true };`);
    for (const name of [
      ...['call', 'ping', 'getStats', 'readAccess', 'constructor', '__proto__', '__resolve', 'id', 'data'],
      ...['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'constructor.constructor', 'fn.call'],
      ...['fn/apply', 'fn/prototype/constructor', 'list.push', 'app.shutdown', 'other.fn', 'other/other/fn'],
      ...[
        'data.toString',
        'data/constructor',
        '',
        '.',
        '/',
        'fn.',
        '..',
        'nothing',
        'call/x',
        '__proto__/fn',
      ],
    ]) {
      const ret = await unit.call(name);
      assert.deepEqual(ret, { op: 'ret', id: ret.id, found: false }, name);
    }
  });

  test('that nobody defined goes to __resolve', async () => {
    const unit = await withClient(`
      Client.prototype.__resolve = function (name) {
        if (name === 'none') return undefined;
        return function (x) { return [name, this.id, x] };
      };`);
    assert.deepEqual(await unit.value('anything', 5), ['anything', 'c1', 5]);
    for (const name of ['none', 'ping', 'constructor', '__proto__']) {
      assert.equal((await unit.call(name)).found, false, name);
    }
  });

  test('of a client that nobody knows is not found', async () => {
    const unit = await withClient('Client.prototype.m = () => 1');
    assert.equal((await unit.callAs('other', 'm')).found, false);
  });
});
