import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';
import { video } from '../../support/media.ts';
import { type RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';
import { asking, marks } from './publishing.ts';

async function waitsForPong(core: Core, name: string) {
  const { asked } = core.script();
  const before = asked.length;
  const newcomer = await asking(core, name, 'live');
  // its connect and its publish; the puppet answers in the next turn
  await until('its question', () => asked.length === before + 2);
  await new Promise((resolve) => setImmediate(resolve));
  return newcomer;
}

function pong(peer: RtmpPeer): void {
  peer.control({ typeId: MessageType.UserControl, event: UserControlEvent.PingResponse, timestampMs: 0 });
}

async function pinged(peer: RtmpPeer): Promise<void> {
  await peer.expect(
    'a ping',
    ({ control }) =>
      control?.typeId === MessageType.UserControl && control.event === UserControlEvent.PingRequest,
  );
}

test('a second publisher gets NetStream.Publish.BadName when the first answers its ping', async () => {
  await using core = await Core.start();
  const { peer: first, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const { peer: second, id: secondId } = await waitsForPong(core, 'cam');
  await pinged(first);
  pong(first);
  const { level, details } = await second.expectStatus('NetStream.Publish.BadName');
  assert.deepEqual([level, details], ['error', 'cam']);
  core.clock.advance(10_000); // no timer is left that would take over
  first.video(id, 0, video.keyframe(1));
  assert.deepEqual(await marks(player, 1), [1]);
  second.command('publish', 0, ['other'], secondId);
  await second.expectStatus('NetStream.Publish.Start');
  assert.deepEqual(core.script().told('publishFailed').length, 1);
});

test('a publisher that does not answer in time is taken over', async () => {
  await using core = await Core.start();
  const { peer: first } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const { peer: second, id } = await waitsForPong(core, 'cam');
  await pinged(first);
  core.clock.advance(1_999);
  assert.equal(
    second.heard.some(({ command }) => statusOf(command)),
    false,
  );
  core.clock.advance(1);
  await second.expectStatus('NetStream.Publish.Start');
  await first.closed();
  second.video(id, 0, video.keyframe(2));
  assert.deepEqual(await marks(player, 1), [2]);
  const from = player.summary().indexOf('NetStream.Play.UnpublishNotify');
  assert.deepEqual(player.summary().slice(from), [
    'NetStream.Play.UnpublishNotify',
    'NetStream.Play.PublishNotify',
    'video',
  ]);
  assert.deepEqual(
    core
      .script()
      .told('publish', 'unpublish')
      .map(({ event }) => event),
    ['publish', 'unpublish', 'publish'],
  );
});

test('of two newcomers one takes over, and the other asks the new holder', async () => {
  await using core = await Core.start();
  await core.publisher('cam');
  const { peer: second } = await waitsForPong(core, 'cam');
  const { peer: third } = await waitsForPong(core, 'cam');
  core.clock.advance(2_000);
  await second.expectStatus('NetStream.Publish.Start');
  await pinged(second);
  pong(second);
  await third.expectStatus('NetStream.Publish.BadName');
  assert.equal(second.isClosed, false);
});

test('a newcomer gets the name when its holder gives it up meanwhile', async () => {
  await using core = await Core.start();
  const { peer: first, id } = await core.publisher('cam');
  const { peer: second } = await waitsForPong(core, 'cam');
  await pinged(first);
  first.command('closeStream', 0, [], id);
  pong(first);
  await second.expectStatus('NetStream.Publish.Start');
});

test('a newcomer that leaves while it waits for the name leaves no timer', async () => {
  await using core = await Core.start();
  const { peer: first } = await core.publisher('cam');
  const timers = core.clock.pending;
  const { peer: second, id } = await waitsForPong(core, 'cam');
  second.command('closeStream', 0, [], id);
  await second.settle();
  assert.equal(core.clock.pending, timers);
  core.clock.advance(10_000);
  await first.settle();
  assert.equal(core.script().told('publishFailed').length, 1);
  assert.equal(core.script().told('unpublish').length, 0);
});

test('with the timeout off, and for a client’s own second stream, the name is taken at once', async () => {
  await using core = await Core.start({
    settings: { streamManager: { live: { publishTimeoutMs: undefined } } },
  });
  const { peer: first } = await core.publisher('cam');
  const own = await first.createStream();
  first.command('publish', 0, ['cam'], own);
  await first.expectStatus('NetStream.Publish.BadName');
  const { peer: second } = await asking(core, 'cam');
  await second.expectStatus('NetStream.Publish.BadName');
});

// ── a secret key ─────────────────────────────────────────────────────────────────────────────────────────────────

test('a stream key is in nothing that anybody but its owner gets to see', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = (question) =>
      question.gate === 'onPublish' ? { accepted: true, as: 'stage', record: 'record' } : { accepted: true };
  };
  const { peer: player } = await core.player('stage');
  const { peer: owner, id } = await asking(core, 'S3CR3T?auth=S3CR3T', 'record');
  const { details } = await owner.expectStatus('NetStream.Publish.Start');
  assert.equal(details, 'S3CR3T', 'its owner goes on seeing its own name');
  owner.data('@setDataFrame', ['onMetaData', { width: 1 }], id);
  owner.video(id, 0, video.keyframe(1));
  await marks(player, 1);
  const { peer: second } = await asking(core, 'S3CR3T');
  await pinged(owner);
  pong(owner);
  await second.expectStatus('NetStream.Publish.BadName');

  const { peer: guesser } = await core.player('S3CR3T');
  guesser.command('FCSubscribe', 0, ['S3CR3T']);
  assert.match(JSON.stringify(await guesser.expectCommand('onFCSubscribe')), /StreamNotFound/);
  const snapshot = JSON.stringify(
    core
      .script()
      .commands.snapshot()
      .streams.filter(({ publisher }) => publisher),
  );
  assert.doesNotMatch(snapshot.replace(/"query":"[^"]*"/, ''), /S3CR3T/);
  owner.command('closeStream', 0, [], id);
  await player.expectStatus('NetStream.Play.UnpublishNotify');
  await guesser.settle();
  assert.deepEqual(
    guesser.summary().filter((what) => what === 'video' || /PublishNotify/.test(what)),
    [],
  );

  assert.doesNotMatch(JSON.stringify(player.heard), /S3CR3T/);
  assert.doesNotMatch(
    JSON.stringify(
      core
        .script()
        .notices.filter(({ event }) => event !== 'play')
        .map((n) => ({ ...n, query: '' })),
    ),
    /S3CR3T/,
  );
  const logs = core.log.filter(({ event, stream }) => !(event === 'play' && stream === 'S3CR3T'));
  assert.doesNotMatch(JSON.stringify(logs), /S3CR3T/);
  assert.equal(core.recorders.opened[0]?.request.stream, 'stage');
});
