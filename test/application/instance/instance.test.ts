// How an instance comes and goes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAREWELL_MS } from '../../../src/application/contract/script.ts';
import type { InstanceSettings } from '../../../src/application/instance/instance-settings.ts';
import { atMost, Core, until } from '../../support/core.ts';
import { video } from '../../support/media.ts';
import { testSettings } from '../../support/settings.ts';

const IDLE_MS = 60_000;

test('an instance that has served is unloaded when it has been idle, and starts anew for the next client', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const first = core.script();
  peer.socket.destroy();
  await until('the client to be gone', () => core.instance()?.clients.size === 0);
  core.clock.advance(IDLE_MS - 1);
  assert.deepEqual(first.stops, []);
  core.clock.advance(1);
  await until('the instance to be gone', () => core.instance() === undefined);
  assert.deepEqual(first.stops, ['Application.GC']);
  assert.ok(first.isClosed);
  assert.equal((await (await core.peer()).connect('live')).name, '_result');
  assert.notEqual(core.script(), first);
});

test('one whose clients were all refused does not wait that long', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = () => ({ accepted: false, reason: 'no' });
  };
  const peer = await core.peer();
  await peer.connect('live/1');
  await peer.closed();
  assert.ok(core.instance('live/1'));
  core.clock.advance(10_000);
  await until('the instance to be gone', () => core.instance('live/1') === undefined);
});

test('a script that does not want to be unloaded stays', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  core.script().maySleep = false;
  peer.socket.destroy();
  await until('the client to be gone', () => core.instance()?.clients.size === 0);
  core.clock.advance(IDLE_MS);
  await until('it to be asked', () => core.script().stops.length === 1);
  core.clock.advance(IDLE_MS);
  await until('it to be asked again', () => core.script().stops.length === 2);
  assert.ok(core.instance());
});

test('who comes while an idle script says goodbye gets a fresh one', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const old = core.script();
  const goodbye = Promise.withResolvers<boolean>();
  old.stop = () => goodbye.promise;
  peer.socket.destroy();
  await until('the client to be gone', () => core.instance()?.clients.size === 0);
  core.clock.advance(IDLE_MS);
  const next = await core.peer();
  const answer = next.connect('live');
  await until('the next one to be there', () => core.instance()?.clients.size === 1);
  assert.equal(old.asked.length, 1, 'the old script is not asked any more');
  goodbye.resolve(true);
  assert.equal((await answer).name, '_result');
  assert.ok(old.isClosed);
  assert.equal(core.script().asked.length, 1);
});

test('a script hears of all that ends with its instance, the files of recordings last, before onAppStop', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('show');
  await core.player('show');
  const script = core.script();
  script.commands.obey({ op: 'record', stream: 'show', mode: 'record' });
  const [recording] = core.recorders.opened;
  recording!.isSlow = true;
  peer.video(id, 0, video.keyframe(1));
  const settled = Promise.withResolvers<void>();
  script.settle = () => settled.promise;
  const stopped = core.instance()!.stop();
  const told = () => script.notices.map(({ event }) => event).filter((event) => event !== 'status');
  assert.deepEqual(told().slice(-4), ['unpublish', 'disconnect', 'stopPlay', 'disconnect']);
  await peer.expectStatus('NetConnection.Connect.AppShutdown');
  const { path, name, place } = recording!.file;
  const file = { path, name, place, sizeBytes: 1, lengthMs: 1, codecs: [], reason: 'unpublished' as const };
  recording!.events.completed(file);
  recording!.finish();
  assert.equal(told().at(-1), 'recorded');
  await new Promise(setImmediate);
  assert.deepEqual(script.stops, [], 'its handlers have not come to their end');
  settled.resolve();
  await stopped;
  assert.deepEqual(script.stops, ['Application.Shutdown']);
  assert.ok(script.isClosed);
});

test('who comes while an instance says goodbye waits, and is the first of the next one', async () => {
  await using core = await Core.start();
  await (await core.peer()).connect('live');
  const old = core.script();
  const settled = Promise.withResolvers<void>();
  old.settle = () => settled.promise;
  const stopped = core.instance()!.stop();
  const next = await core.peer();
  const answer = next.connect('live');
  const nextOfAnother = await core.peer();
  assert.equal((await nextOfAnother.connect('live/room')).name, '_result');
  assert.equal(core.scripts.opened.filter(({ instance }) => instance === old.instance).length, 1);
  settled.resolve();
  await stopped;
  assert.equal((await answer).name, '_result');
  assert.ok(old.isClosed);
  assert.notEqual(core.script(), old);
});

test('a script that never comes to its end, and a file that is never whole, hold up nothing for ever', async () => {
  await using core = await Core.start();
  await core.publisher('show');
  core.script().commands.obey({ op: 'record', stream: 'show', mode: 'record' });
  core.recorders.opened[0]!.isSlow = true;
  const stopped = core.instance()!.stop();
  core.clock.advance(FAREWELL_MS);
  await stopped;
  assert.deepEqual(core.script().stops, ['Application.Shutdown']);
});

test('the number of instances is bounded, and those that run are still there for everybody', async () => {
  await using core = await Core.start({ registry: { instances: atMost(2) } });
  assert.equal((await (await core.peer()).connect('live/1')).name, '_result');
  assert.equal((await (await core.peer()).connect('live/2')).name, '_result');
  assert.equal((await (await core.peer()).connect('live/3')).name, '_error');
  assert.equal((await (await core.peer()).connect('live/1')).name, '_result');
});

// ── settings that change ─────────────────────────────────────────────────────────────────────────────────────────

const SETTINGS = {
  wireChunkBytes: 4_096,
  idleTimeoutMs: undefined,
  serverToClientBytes: 1e6,
  clientToServerBytes: 1e6,
};

test('a saved file counts at once for names and idleness, for who comes next otherwise; nobody is disconnected', async () => {
  let settings: Partial<InstanceSettings> = { clients: SETTINGS };
  await using core = await Core.start({ registry: { settingsFor: () => settings } });
  const { peer: player } = await core.player('a');
  const first = core.instance()!;
  settings = {
    clients: { ...SETTINGS, wireChunkBytes: 60_000, serverToClientBytes: 5e5 },
    ...testSettings({
      maxAppIdleTimeMs: 1_000,
      streamManager: {
        live: { maxWaitingStreams: 1, accumulatedIFrames: { maxSizeBytes: 0, maxTimeMs: 0 } },
      },
    }),
  };
  core.registry.configure('other');
  assert.equal(first.clientSettings?.serverToClientBytes, 1e6, 'that is another application');
  core.registry.configure('live');
  assert.equal(core.instance(), first);
  assert.equal(first.clientSettings?.serverToClientBytes, 5e5);
  assert.equal(
    first.clientSettings?.wireChunkBytes,
    4_096,
    'all clients of an instance share what is built in one shape',
  );

  const second = await core.peer();
  await second.connect('live');
  const id = await second.createStream();
  second.command('play', 0, ['b'], id);
  await second.expectStatus('NetStream.Play.Failed');

  player.socket.destroy();
  second.socket.destroy();
  await until('the clients to be gone', () => first.clients.size === 0);
  core.clock.advance(1_000);
  await until('the instance to be gone', () => core.instance() === undefined);
});

test('an idle instance waits as long as its file says now', async () => {
  let settings: Partial<InstanceSettings> = {};
  await using core = await Core.start({ registry: { settingsFor: () => settings } });
  const peer = await core.peer();
  await peer.connect('live');
  peer.socket.destroy();
  await until('the client to be gone', () => core.instance()?.clients.size === 0);
  settings = { maxAppIdleTimeMs: 500 };
  core.registry.configure();
  core.clock.advance(500);
  await until('the instance to be gone', () => core.instance() === undefined);
});
