import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ScriptEvent } from '../../../../src/script/wire/wire.ts';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

/** `nc`, `ns` and `say`, which runs what it is given. */
const SETUP = `
  const nc = new NetConnection();
  const ns = new NetStream(nc);
  const listen = (object, name) => { object.onStatus = (info) => trace(name, info.code, info.description ?? '') };
  listen(nc, 'nc'); listen(ns, 'ns');
  application.onStatus = (info) => trace('application', info.code);
  Client.prototype.state = () => [nc.isConnected, nc.uri];
  Client.prototype.connect = (...args) => nc.connect(...args);
  Client.prototype.close = () => nc.close();
  Client.prototype.attach = (name) => ns.attach(name === false ? false : Stream.get(name));
  Client.prototype.publish = (...args) => ns.publish(...args);`;

async function running(code = ''): Promise<TestUnit> {
  const unit = await runner.run(SETUP + code);
  await unit.connect('c1').verdict;
  return unit;
}

function status(id: number, code: string, isOver = false): ScriptEvent {
  return { t: 'outgoing', id, info: { code, level: 'status', description: 'so' }, isOver };
}

describe('NetConnection', () => {
  test('connects with what onConnect is to get, and knows whether it is there', async () => {
    const unit = await running();
    assert.deepEqual(await unit.value('state'), [false, '']);
    assert.equal(await unit.value('connect', 'rtmp://host/app', 'a', 7), true);
    const { id, ...command } = await unit.command('outConnect');
    assert.deepEqual(command, { op: 'outConnect', uri: 'rtmp://host/app', args: ['a', 7] });
    assert.deepEqual(await unit.value('state'), [false, 'rtmp://host/app']);
    unit.post(status(id, 'NetConnection.Connect.Success'));
    assert.deepEqual(await unit.value('state'), [true, 'rtmp://host/app']);
    unit.post(status(id, 'NetConnection.Connect.Closed', true));
    assert.deepEqual(await unit.value('state'), [false, 'rtmp://host/app']);
    unit.post(status(id, 'NetConnection.Connect.Success'));
    assert.deepEqual(await unit.value('state'), [false, 'rtmp://host/app']);
    assert.deepEqual(unit.logs, [
      'nc NetConnection.Connect.Success so',
      'nc NetConnection.Connect.Closed so',
    ]);
  });

  test('speaks RTMP alone', async () => {
    const unit = await running();
    assert.equal(await unit.value('connect', 'http://gateway/'), false);
    assert.equal(await unit.value('connect', 7), false);
    assert.deepEqual(unit.logs, ['nc NetConnection.Call.BadVersion Only rtmp: and rtmps: are spoken here.']);
    assert.deepEqual(unit.of('outConnect'), []);
  });

  test('leaves one connection for the next, of which alone it is told', async () => {
    const unit = await running();
    await unit.value('connect', 'rtmp://one/app');
    await unit.value('connect', 'rtmp://two/app');
    const [one, two] = unit.of('outConnect');
    assert.deepEqual(unit.of('outClose'), [{ op: 'outClose', id: one!.id }]);
    unit.post(status(one!.id, 'NetConnection.Connect.Closed', true));
    unit.post(status(two!.id, 'NetConnection.Connect.Success'));
    assert.deepEqual(await unit.value('state'), [true, 'rtmp://two/app']);
    assert.deepEqual(unit.logs, ['nc NetConnection.Connect.Success so']);
    await unit.call('close');
    assert.deepEqual(unit.of('outClose').at(-1), { op: 'outClose', id: two!.id });
  });

  test('without a handler tells the application', async () => {
    const unit = await running('delete nc.onStatus;');
    await unit.value('connect', 'rtmp://host/app');
    unit.post(status((await unit.command('outConnect')).id, 'NetConnection.Connect.Failed', true));
    await unit.value('state');
    assert.deepEqual(unit.logs, ['application NetConnection.Connect.Failed']);
  });

  test('is no value that can be sent anywhere', async () => {
    const unit = await running('Client.prototype.give = () => [nc, ns];');
    assert.deepEqual(await unit.value('give'), [{ $: 'undefined' }, { $: 'undefined' }]);
  });
});

describe('NetStream', () => {
  async function connected(code = ''): Promise<{ unit: TestUnit; connection: number }> {
    const unit = await running(code);
    await unit.value('connect', 'rtmp://host/app');
    const { id } = await unit.command('outConnect');
    unit.post(status(id, 'NetConnection.Connect.Success'));
    return { unit, connection: id };
  }

  test('publishes a stream by its connection, until it is told to stop', async () => {
    const { unit, connection } = await connected();
    assert.equal(await unit.value('attach', 'cam'), true);
    assert.equal(await unit.value('publish', 'key', 'append'), true);
    const { id, ...command } = await unit.command('outPublish');
    assert.deepEqual(command, { op: 'outPublish', connection, name: 'key', type: 'append', source: 'cam' });
    unit.post(status(id, 'NetStream.Publish.Start'));
    await unit.value('attach', 'other');
    await unit.value('attach', false);
    assert.deepEqual(unit.of('outAttach'), [
      { op: 'outAttach', id, source: 'other' },
      { op: 'outAttach', id },
    ]);
    assert.equal(await unit.value('publish', false), true);
    assert.deepEqual(await unit.command('outUnpublish'), { op: 'outUnpublish', id });
    unit.post(status(id, 'NetStream.Unpublish.Success', true));
    assert.equal(await unit.value('publish', false), false);
    assert.deepEqual(unit.logs.slice(1), [
      'ns NetStream.Publish.Start so',
      'ns NetStream.Unpublish.Success so',
    ]);
  });

  test('wants a connection, a name, a type that there is, and a stream', async () => {
    const unit = await running(`Client.prototype.bad = () => {
      const tries = [() => new NetStream(), () => new NetStream({}), () => new NetStream(application)];
      return [...tries.map((run) => { try { run(); return 'made' } catch (error) { return error.name } }),
        ns.attach({}), ns.attach('cam')];
    };`);
    assert.deepEqual(await unit.value('bad'), ['TypeError', 'TypeError', 'TypeError', false, false]);
    assert.equal(await unit.value('publish', 'key'), false);
    await unit.value('connect', 'rtmp://host/app');
    assert.equal(await unit.value('publish', 'key', 'often'), false);
    assert.equal(await unit.value('publish', ''), false);
    assert.equal(await unit.value('publish', 'key'), true, 'the connection may be under way');
  });

  test('ends with its connection, and can be published by the next one', async () => {
    const { unit, connection } = await connected();
    await unit.value('publish', 'key');
    unit.post(status(connection, 'NetConnection.Connect.Closed', true));
    assert.equal(await unit.value('publish', 'key'), false);
    await unit.value('connect', 'rtmp://host/app');
    assert.equal(await unit.value('publish', 'key'), true);
    const [, second] = unit.of('outConnect');
    assert.equal(unit.of('outPublish')[1]!.connection, second!.id);
  });

  test('follows a stream to the name under which it goes on air', async () => {
    const { unit } = await connected(`application.onPublish = (client, stream) => {
      ns.attach(stream); ns.publish('key'); return { as: 'public' };
    };`);
    const asked = unit.publish('secret');
    await asked.verdict;
    const { id, source } = await unit.command('outPublish');
    assert.equal(source, 'secret');
    unit.post({ t: 'publish', client: 'c1', stream: 'public', query: '', gate: asked.id });
    assert.deepEqual(await unit.command('outAttach'), { op: 'outAttach', id, source: 'public' });
  });

  test('has no part in fetching: Stream.play names the connection', async () => {
    const { unit, connection } = await connected(`Client.prototype.fetch = () => {
      const copy = Stream.get('copy'); const other = new NetConnection();
      return [copy.play('show', -1, -1, true, nc), copy.play('show', 0, 5, false, nc), copy.play('show', -1, -1, true, other),
        copy.play('show', -1, -1, true, {})];
    };`);
    assert.deepEqual(await unit.value('fetch'), [true, true, false, false]);
    const common = { op: 'streamPlay', stream: 'copy', source: 'show', connection };
    assert.deepEqual(unit.of('streamPlay'), [
      { ...common, start: -1, length: -1, reset: true },
      { ...common, start: 0, length: 5, reset: false },
    ]);
  });

  test('remembers its buffer time', async () => {
    const unit = await running(`Client.prototype.buffer = () => {
      ns.setBufferTime(5); ns.setBufferTime('x'); return ns.bufferTime;
    };`);
    assert.equal(await unit.value('buffer'), 5);
  });
});
