// Players that wait, for a keyframe or for a publisher: what they get meanwhile, and what the log says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core, until } from '../../support/core.ts';
import { audio, video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

const media = (peer: RtmpPeer) => peer.heard.flatMap(({ media }) => (media ? [media.at(-1)] : []));

test('a player of a stream that sends no keyframes has sound at once, then pictures, and a line of the log for each', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const frame = async (ms: number, mark: number) => {
    peer.audio(id, ms, audio.frame(mark));
    peer.video(id, ms, video.frame(mark + 1));
    await peer.settle();
  };
  await frame(0, 1);
  const { peer: player } = await core.player('cam');
  await frame(40, 3);
  await until('sound', () => media(player).length === 1);
  core.clock.advance(5_000);
  await frame(5_040, 5);
  await until('more sound', () => media(player).length === 2);
  core.clock.advance(5_000);
  await frame(10_040, 7);
  await until('a picture', () => media(player).length === 4);
  assert.deepEqual(media(player), [3, 5, 7, 8]);
  const lines = core.log.filter(({ event }) => /keyframe/.test(String(event)));
  assert.deepEqual(
    lines.map(({ event, application, stream }) => [event, application, stream]),
    [
      ['play-waits-for-keyframe', 'live', 'cam'],
      ['play-without-keyframe', 'live', 'cam'],
    ],
  );
});

const waits = (core: Core) => core.log.filter(({ event }) => event === 'play-waits-for-publisher');

test('a player that waits for a name ten seconds has a line with application and name', async () => {
  await using core = await Core.start();
  await core.player('nobody');
  core.clock.advance(9_999);
  assert.deepEqual(waits(core), []);
  core.clock.advance(1);
  assert.deepEqual(
    waits(core).map(({ application, stream, waitedMs }) => [application, stream, waitedMs]),
    [['live', 'nobody', 10_000]],
  );
});

test('no line for one that has left, or whose publisher has come', async () => {
  await using core = await Core.start();
  const { peer } = await core.player('gone');
  await core.player('came');
  await core.publisher('came');
  await peer[Symbol.asyncDispose]();
  await until('the player to be gone', () => core.instance()?.streams.get('gone') === undefined);
  core.clock.advance(10_000);
  assert.deepEqual(waits(core), []);
});

test('many that wait have one line a second with a count, and one whose name is a key has it masked', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  for (const name of ['a', 'b', 'c']) peer.command('play', 0, [name], await peer.createStream());
  await peer.settle();
  await until('all to wait', () => core.instance()?.streams.get('c') !== undefined);
  core.clock.advance(11_000);
  assert.deepEqual(
    waits(core).map(({ stream, repeats }) => [stream, repeats]),
    [
      ['a', undefined],
      ['c', 1],
    ],
  );
  core.script().decide = ({ gate }) => ({
    accepted: true,
    ...(gate === 'onPublish' ? { as: 'public' } : {}),
  });
  await core.publisher('secret-key');
  await core.player('secret-key');
  core.clock.advance(12_000);
  assert.equal(waits(core).at(-1)?.stream, '***');
  assert.ok(!JSON.stringify(core.log).includes('secret-key'));
});
