// Scripts that change, crash and are killed, while clients of real sockets are connected.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errors } from '../../src/cli/errors.ts';
import { reload } from '../../src/cli/running.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Tells its version, keeps what clients say about themselves, and counts how often it has been started. */
const version = (n: number, more = '') => `
  interface ClientData { [name: string]: any }
  let info: any;
  application.onAppStart = async (why) => { info = why; await application.store.add('starts'); ${more} };
  application.onBeforeReload = () => ({ from: ${n} });
  application.onConnect = () => true;
  application.onClientResume = (client) => { client.data.resumed = ${n} };
  Client.prototype.ask = function () {
    return [${n}, String(info.reload), String(info.restored), JSON.stringify(info.state ?? null), JSON.stringify(this.data)];
  };
  Client.prototype.set = function (name, value) { this.data[name] = value; return true };
  Client.prototype.add = () => application.store.add('n');
  Client.prototype.starts = () => application.store.get('starts');`;

const policy = (name: string) =>
  `<Application><JSEngine><Reload><Policy>${name}</Policy></Reload></JSEngine></Application>`;

function application(name: string): Record<string, string> {
  return { [`${name}/main.ts`]: version(1), [`${name}/Application.xml`]: policy(name) };
}

async function logged(server: TestServer, text: RegExp, act: () => void): Promise<void> {
  const since = server.log.length;
  act();
  await server.waitForLog(({ msg }) => text.test(String(msg)), 10_000, since);
}

async function client(server: TestServer, app: string): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open(server.port);
  assert.equal((await peer.connect(app)).name, '_result');
  return peer;
}
const ask = async (peer: RtmpPeer, name: string, ...args: AmfValue[]) =>
  (await peer.call(name, ...args)).args[0];

describe('a save', { timeout: 60_000 }, () => {
  test('acts by the policy of its application, and one that fails changes nothing', async () => {
    const names = ['migrate', 'drain', 'restart', 'off'];
    await using server = await startServer({ applications: Object.assign({}, ...names.map(application)) });
    const peers = await Promise.all(names.map((name) => client(server, name)));
    const [migrated, drained, restarted, kept] = peers as [RtmpPeer, RtmpPeer, RtmpPeer, RtmpPeer];
    for (const peer of peers) await ask(peer, 'set', 'name', 'Ann');
    const first = [1, 'false', 'false', 'null', '{"name":"Ann"}'];
    for (const peer of peers) assert.deepEqual(await ask(peer, 'ask'), first);

    const save = (name: string, text: string) => () => server.writeApp(`${name}/main.ts`, text);
    for (const name of names.slice(0, 3)) {
      await logged(
        server,
        new RegExp(`${name}/main.ts.*too early`),
        save(name, `${version(2)} throw new Error('too early')`),
      );
    }
    for (const name of names.slice(0, 2)) {
      await logged(server, /not today/, save(name, version(3, "throw new Error('not today')")));
    }
    for (const peer of peers) {
      assert.deepEqual(await ask(peer, 'ask'), first);
      assert.equal(await ask(peer, 'starts'), 1);
    }

    const said: string[] = [];
    await errors(server.root, 'migrate', false, (line) => said.push(line));
    assert.match(said[0]!, /^\S+Z load migrate\/_definst_\n +migrate\/main\.ts:\d+:\d+: Error: too early/);
    assert.match(said[1]!, /load .*\n +migrate\/main\.ts:\d+:\d+: onAppStart: Error: not today\n +at /);
    assert.equal(said.length, 2);

    await logged(server, /migrate: the new version serves/, save('migrate', version(4)));
    assert.deepEqual(await ask(migrated, 'ask'), [
      4,
      'true',
      'false',
      '{"from":1}',
      '{"name":"Ann","resumed":4}',
    ]);

    await logged(server, /drain: the new version serves/, save('drain', version(4)));
    await using late = await client(server, 'drain');
    assert.deepEqual(await ask(drained, 'ask'), first);
    assert.deepEqual(await ask(late, 'ask'), [4, 'false', 'false', 'null', '{}']);
    // What the one publishes the other plays: the stream is the instance's.
    const published = await drained.createStream();
    drained.command('publish', 0, ['show', 'live'], published);
    await drained.expectStatus('NetStream.Publish.Start');
    const played = await late.createStream();
    late.command('play', 0, ['show'], played);
    await late.expectStatus('NetStream.Play.Start');
    drained.data('hello', ['from the old version'], published);
    await late.expect('what was published', ({ data }) => data?.name === 'hello');
    const left = server.waitForLog(({ msg }) => /clients of an older version have left/.test(String(msg)));
    await drained[Symbol.asyncDispose]();
    await left;

    save('restart', version(4))();
    await restarted.expectStatus('NetConnection.Connect.AppShutdown');
    await restarted.closed();
    await using again = await client(server, 'restart');
    assert.deepEqual(await ask(again, 'ask'), [4, 'false', 'false', 'null', '{}']);

    await logged(server, /the new version takes over after "understudy reload"/, save('off', version(4)));
    await using room = await client(server, 'off/room');
    assert.deepEqual([await ask(kept, 'ask'), ((await ask(room, 'ask')) as AmfValue[])[0]], [first, 1]);
    assert.equal(await reload(server.root, 'off'), 'restarted off/_definst_');
    await kept.expectStatus('NetConnection.Connect.AppShutdown');
    await using renewed = await client(server, 'off');
    assert.equal(((await ask(renewed, 'ask')) as AmfValue[])[0], 4);
    for (const peer of [migrated, kept]) await peer[Symbol.asyncDispose]();
  });
});

describe('what a script has kept', { timeout: 60_000 }, () => {
  test('is there after its process was killed: client.data, and clients are told of by onClientResume', async () => {
    await using server = await startServer({ applications: application('migrate') });
    await using peer = await client(server, 'migrate');
    await ask(peer, 'set', 'name', 'Ann');
    await ask(peer, 'set', 'when', new Date(5));
    assert.equal(await ask(peer, 'add'), 1);
    process.kill(await server.runnerPid(), 'SIGKILL');
    // Calls wait for the next runner, or fail with the one that dies.
    let answer = await peer.call('ask');
    while (answer.name === '_error') answer = await peer.call('ask');
    const [n, isReload, isRestored, state, data] = answer.args[0] as string[];
    assert.deepEqual([n, isReload, isRestored, state], [1, 'false', 'true', 'null']);
    assert.deepEqual(JSON.parse(data!), { name: 'Ann', when: '1970-01-01T00:00:00.005Z', resumed: 1 });
    assert.equal(await ask(peer, 'add'), 2);
  });

  test('is there after the whole server was killed: what application.store has confirmed', async () => {
    const server = await startServer({ applications: application('migrate') });
    let confirmed = 0;
    try {
      await using peer = await client(server, 'migrate');
      for (let i = 0; i < 5; i += 1) confirmed = Number(await ask(peer, 'add'));
      await server.kill9();
      await using next = await startServer({ root: server.root });
      await using again = await client(next, 'migrate');
      assert.equal(await ask(again, 'add'), confirmed + 1);
      assert.equal(await ask(again, 'starts'), 2);
    } finally {
      await server.kill9();
      server.removeRoot();
    }
  });
});
