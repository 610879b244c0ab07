// How an instance comes and goes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core, until } from '../support/core.ts';

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

test('the number of instances is bounded, and those that run are still there for everybody', async () => {
  await using core = await Core.start({ registry: { maxInstances: 2 } });
  assert.equal((await (await core.peer()).connect('live/1')).name, '_result');
  assert.equal((await (await core.peer()).connect('live/2')).name, '_result');
  assert.equal((await (await core.peer()).connect('live/3')).name, '_error');
  assert.equal((await (await core.peer()).connect('live/1')).name, '_result');
});
