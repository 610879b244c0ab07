// What statistics say of a small broadcast: nothing is counted twice, nothing is lost when somebody goes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RATE_MS, Statistics } from '../../../src/application/instance/statistics.ts';
import { LoadGovernor } from '../../../src/application/live/flush.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { video } from '../../support/media.ts';

async function start(options?: CoreOptions) {
  const core = await Core.start(options);
  const { registry, clock } = core;
  const statistics = new Statistics({ registries: [registry], governor: new LoadGovernor(clock), clock });
  return {
    core,
    statistics,
    async [Symbol.asyncDispose]() {
      statistics.close();
      await core[Symbol.asyncDispose]();
    },
  };
}

test('bytes, messages and connects of those who have gone stay in the totals', async () => {
  await using world = await start();
  const { core, statistics } = world;
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  peer.video(id, 0, video.keyframe());
  await player.expectMedia();
  await peer.settle();
  await player.settle();
  const before = statistics.instance(core.instance()!);
  assert.deepEqual(
    [before.connects, before.accepted, before.rejected, before.disconnects, before.connected],
    [2, 2, 0, 0, 2],
  );
  assert.ok(before.bytesIn > 0 && before.messagesIn > 0);

  player.socket.destroy();
  await until('the player to be gone', () => core.instance()!.clients.size === 1);
  const after = statistics.instance(core.instance()!);
  assert.deepEqual([after.connects, after.disconnects, after.connected], [2, 1, 1]);
  for (const key of ['bytesIn', 'bytesOut', 'messagesIn', 'messagesOut'] as const) {
    assert.ok(after[key] >= before[key], `${key}: ${after[key]} after ${before[key]}`);
  }

  peer.socket.destroy();
  await until('the publisher to be gone', () => core.instance()!.clients.size === 0);
  const last = statistics.instance(core.instance()!);
  await core.instance()!.stop();
  const { bytesIn, bytesOut, messagesIn, messagesOut, connects, disconnects } =
    statistics.application('live');
  assert.deepEqual(
    { bytesIn, bytesOut, messagesIn, messagesOut, connects, disconnects },
    {
      bytesIn: last.bytesIn,
      bytesOut: last.bytesOut,
      messagesIn: last.messagesIn,
      messagesOut: last.messagesOut,
      connects: 2,
      disconnects: 2,
    },
  );
  assert.equal(statistics.server().bytesOut, bytesOut);
});

test('connects that are refused, by a script or for want of an application, are counted once each', async () => {
  await using world = await start();
  const { core, statistics } = world;
  core.scripts.prepare = (script) => {
    script.decide = () => ({ accepted: false, reason: 'no' });
  };
  for (const app of ['live', 'nowhere', '../etc']) await (await core.peer()).connect(app);
  const server = statistics.server();
  assert.deepEqual([server.connects, server.accepted, server.rejected], [3, 0, 3]);
  const live = statistics.application('live');
  assert.deepEqual([live.connects, live.rejected, live.disconnects, live.connected], [1, 1, 1, 0]);
});

test('an application knows how many instances it has had, and since when one runs', async () => {
  await using world = await start();
  const { core, statistics } = world;
  assert.deepEqual(
    [statistics.application('live').instancesLoaded, statistics.application('live').upMs],
    [0, undefined],
  );
  await (await core.peer()).connect('live');
  core.clock.advance(1_000);
  await (await core.peer()).connect('live/room');
  core.clock.advance(500);
  const { instancesLoaded, instancesUnloaded, upMs } = statistics.application('live');
  assert.deepEqual([instancesLoaded, instancesUnloaded, upMs], [2, 0, 1_500]);
  await core.instance()!.stop();
  await core.instance('live/room')!.stop();
  const gone = statistics.application('live');
  assert.deepEqual([gone.instancesLoaded, gone.instancesUnloaded, gone.upMs], [2, 2, undefined]);
});

test('a stream, its players and what they are sent', async () => {
  await using world = await start();
  const { core, statistics } = world;
  const { peer, id } = await core.publisher('cam');
  core.clock.advance(3_000);
  const { peer: player } = await core.player('cam');
  const { peer: other } = await core.player('cam');
  for (let i = 0; i < 5; i += 1) peer.video(id, i * 40, i === 0 ? video.keyframe() : video.frame());
  await until('all of it to be played', () => mediaOf(player) === 5 && mediaOf(other) === 5);
  core.clock.advance(2_000);
  const [stream] = statistics.streams(core.instance()!);
  assert.equal(stream!.name, 'cam');
  assert.deepEqual([stream!.messagesIn, stream!.messagesOut, stream!.messagesDropped], [5, 10, 0]);
  assert.deepEqual([stream!.flushes, stream!.writes], [5, 10]);
  assert.equal(stream!.bytesOut, 2 * stream!.bytesIn);
  const { publisher, subscribers } = stream!;
  assert.deepEqual([publisher.type, publisher.stream, publisher.upMs], ['publishing', 'cam', 5_000]);
  assert.deepEqual(
    subscribers.map(({ type, upMs }) => [type, upMs]),
    [
      ['playing live', 2_000],
      ['playing live', 2_000],
    ],
  );
  const ids = statistics.netStreams(core.instance()!).map((one) => one.id);
  assert.deepEqual(new Set(ids), new Set([publisher.id, ...subscribers.map((one) => one.id)]));
  assert.equal(new Set(ids).size, 3);
  const client = statistics.clients(core.instance()!).find((one) => one.id === subscribers[0]!.clientId)!;
  assert.deepEqual(
    client.netStreams.map((one) => one.id),
    [subscribers[0]!.id],
  );
  assert.ok(client.messagesOut >= 5, 'its media are among its messages');
});

test('names that nobody publishes are counted and not told', async () => {
  await using world = await start();
  const { core, statistics } = world;
  await core.player('s3cret-key');
  const numbers = statistics.instance(core.instance()!);
  assert.deepEqual([numbers.streams, numbers.waitingNames, numbers.players], [0, 1, 1]);
  assert.deepEqual(statistics.streams(core.instance()!), []);
  const everything = JSON.stringify([
    numbers,
    statistics.server(),
    statistics.netStreams(core.instance()!),
    statistics.clients(core.instance()!),
  ]);
  assert.doesNotMatch(everything, /s3cret/);
});

test('rates are those of the last five seconds', async () => {
  await using world = await start();
  const { core, statistics } = world;
  const { peer, id } = await core.publisher('cam');
  core.clock.advance(RATE_MS);
  const before = statistics.instance(core.instance()!).bytesIn;
  peer.video(id, 0, Buffer.concat([video.keyframe(), Buffer.alloc(50_000)]));
  await peer.settle();
  const sent = statistics.instance(core.instance()!).bytesIn - before;
  core.clock.advance(RATE_MS);
  assert.equal(statistics.instance(core.instance()!).bytesInPerSecond, Math.round(sent / 5));
  assert.equal(statistics.server().bytesInPerSecond, Math.round(sent / 5));
  core.clock.advance(RATE_MS);
  assert.equal(statistics.server().bytesInPerSecond, 0);
});

test('a player that does not read has a queue, and what it is not sent is counted', async () => {
  await using world = await start();
  const { core, statistics } = world;
  const { peer, id } = await core.publisher('cam');
  const { peer: stalled } = await core.player('cam');
  stalled.socket.pause();
  const payload = Buffer.concat([video.keyframe(), Buffer.alloc(100_000)]);
  const streamNow = () => statistics.streams(core.instance()!)[0]!;
  let sent = 0;
  while (streamNow().messagesDropped === 0) {
    assert.ok(sent < 1_000, 'nothing is left out');
    peer.video(id, sent * 40, payload);
    sent += 1;
    await peer.settle();
  }
  const { messagesDropped, messagesOut, queuedBytes, subscribers } = streamNow();
  assert.equal(messagesOut + messagesDropped, sent);
  assert.ok(queuedBytes > 500_000, `${queuedBytes} bytes are queued`);
  const client = statistics.clients(core.instance()!).find((one) => one.id === subscribers[0]!.clientId)!;
  assert.deepEqual([client.messagesDropped, client.queuedBytes], [messagesDropped, queuedBytes]);
  assert.equal(statistics.server().messagesDropped, messagesDropped);
});

test('how busy a script is', async () => {
  await using world = await start();
  const { core, statistics } = world;
  await core.publisher('cam');
  assert.equal(statistics.instance(core.instance()!).script?.answered, 2);
});

test('without a script nobody is busy', async () => {
  await using world = await start({ scripted: false });
  await world.core.publisher('cam');
  assert.equal(world.statistics.instance(world.core.instance()!).script, undefined);
});

function mediaOf({ heard }: { heard: { media?: Uint8Array }[] }): number {
  return heard.filter(({ media }) => media !== undefined).length;
}
