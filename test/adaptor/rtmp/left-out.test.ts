// Audio and video that nobody could play: heads that are cut off, and configurations that configure nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Core, type LogRecord, until } from '../../support/core.ts';
import { dialerFor } from '../../support/dialer.ts';
import { hex } from '../../support/hex.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

const EMPTY_AVC = hex('17 00 000000');
const EMPTY_AAC = hex('af 00');
/** Cut in the middle of its SPS. */
const CUT_AVC = video.header(9).subarray(0, 15);

const lines = (core: Core): LogRecord[] => core.log.filter(({ event }) => event === 'media-left-out');

/** Last bytes of so many pictures and sounds. */
async function marks(player: RtmpPeer, count: number): Promise<(number | undefined)[]> {
  const heard = () => player.heard.flatMap(({ media }) => (media ? [media.at(-1)] : []));
  await until(`${count} pictures and sounds`, () => heard().length >= count);
  return heard();
}
const sizes = (player: RtmpPeer): number[] =>
  player.heard.flatMap(({ media }) => (media ? [media.length] : []));

for (const [what, bad] of [
  ['empty', [EMPTY_AVC, EMPTY_AAC]],
  ['cut off', [CUT_AVC, hex('af 00 12')]],
  ['unreadable', [hex('17 00 000000 00000000000000'), hex('af 00 1690')]],
] as [string, [Uint8Array, Uint8Array]][]) {
  test(`configurations that are ${what} replace no good ones, for players, joiners and recordings`, async () => {
    await using core = await Core.start();
    const { peer, id } = await core.publisher('cam');
    const { peer: early } = await core.player('cam');
    core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'record' });
    const [badVideo, badAudio] = bad;
    peer.video(id, 0, badVideo); // before the good ones
    peer.audio(id, 0, badAudio);
    peer.video(id, 0, video.header(1));
    peer.audio(id, 0, audio.header(2));
    peer.video(id, 0, video.keyframe(3));
    peer.video(id, 40, badVideo); // and behind them
    peer.audio(id, 40, badAudio);
    peer.video(id, 40, video.frame(4));
    assert.deepEqual(await marks(early, 4), [1, 2, 3, 4]);
    const { peer: late } = await core.player('cam');
    assert.deepEqual(await marks(late, 4), [1, 2, 3, 4], 'the group of pictures goes on');
    const [recording] = core.recorders.opened;
    assert.deepEqual(
      recording?.taken.map(({ payload }) => payload.at(-1)),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      lines(core).map(({ kind, stream, ip, level }) => [kind, stream, ip, level]),
      [
        ['avc configuration', 'cam', '127.0.0.1', 'warn'],
        ['aac configuration', 'cam', '127.0.0.1', 'warn'],
      ],
      'one for each kind',
    );
  });
}

test('the warning names the stream, the codec and the cause', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  peer.video(id, 0, EMPTY_AVC);
  peer.video(id, 0, hex('17'));
  await peer.settle();
  assert.deepEqual(
    lines(core).map(({ msg }) => msg),
    [
      'cam: the AVC configuration of 0 bytes configures nothing: it is empty; it is left out',
      'cam: video of 1 byte cannot be read: its head is cut off or unknown; it is left out',
    ],
  );
});

test('a header that is really another one takes effect', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  peer.video(id, 0, video.header(1));
  peer.video(id, 0, video.keyframe(2));
  peer.video(id, 40, EMPTY_AVC);
  peer.video(id, 40, video.header(3));
  peer.video(id, 40, video.keyframe(4));
  await peer.settle();
  const { peer: late } = await core.player('cam');
  assert.deepEqual(await marks(late, 2), [3, 4]);
});

test('a camera whose picture has no more than an empty configuration is a stream of sound', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  peer.video(id, 0, EMPTY_AVC);
  peer.audio(id, 0, audio.header(1));
  peer.audio(id, 0, audio.frame(2));
  await peer.settle();
  const { peer: late } = await core.player('cam');
  peer.audio(id, 23, audio.frame(3));
  await peer.settle();
  core.clock.advance(40);
  assert.deepEqual(await marks(late, 2), [1, 3], 'it waits for no keyframe');
});

test('media without a head that can be read is left out, what is only odd is relayed as it is', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  peer.video(id, 0, video.keyframe());
  for (const wire of ['17', '2701', '97ff', '9630', '91 6876']) peer.video(id, 0, hex(wire));
  for (const wire of ['af', '95']) peer.audio(id, 0, hex(wire));
  const odd = ['', '1f', '91 61626364 00', '5f'].map(hex);
  for (const payload of odd) peer.video(id, 0, payload);
  peer.audio(id, 0, new Uint8Array(0)); // silence
  peer.video(id, 0, video.frame());
  await until('all', () => sizes(player).length === 7);
  assert.deepEqual(sizes(player), [6, 0, 1, 6, 1, 0, 6]);
  assert.deepEqual(
    lines(core).map(({ kind }) => kind),
    ['video head', 'audio head'],
  );
});

test('a flood of them has one line for each kind and publisher', async () => {
  await using core = await Core.start();
  for (let i = 0; i < 3; i += 1) {
    const { peer, id } = await core.publisher('cam');
    for (let j = 0; j < 500; j += 1) peer.video(id, j, EMPTY_AVC);
    await peer.settle();
    await peer[Symbol.asyncDispose]();
    await until('its end', () => core.sessionCount === 0);
  }
  assert.equal(lines(core).length, 1);
  core.clock.advance(1_000);
  assert.deepEqual(
    lines(core).map(({ repeats }) => repeats),
    [undefined, 1],
  );
});

describe('streams that are fed by others', () => {
  test('a restream has the good configurations alone, and so has what is pulled from another server', async () => {
    await using far = await Core.start();
    const clock = new ManualClock();
    await using near = await Core.start({ clock, registry: { outgoing: dialerFor(clock) } });
    const { peer, id } = await near.publisher('cam');
    const { commands } = near.script();
    commands.obey({ op: 'outConnect', id: 1, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    commands.obey({ op: 'outPublish', id: 2, connection: 1, name: 'copy', type: 'live', source: 'cam' });
    await until('the copy', () => far.instance('other/_definst_')?.streams.isOnAir('copy') === true);
    peer.video(id, 0, video.header(1));
    peer.video(id, 0, video.keyframe(2));
    peer.video(id, 40, EMPTY_AVC);
    peer.video(id, 40, video.frame(3));
    const { peer: player } = await far.player('copy', 'other');
    assert.deepEqual(await marks(player, 3), [1, 2, 3]);
    const relay = { stream: 'relay', source: 'cam', start: -1, length: -1, reset: true };
    commands.obey({ op: 'streamPlay', ...relay });
    await until('the relay', () => near.instance()?.streams.isOnAir('relay') === true);
    const { peer: viewer } = await near.player('relay');
    assert.deepEqual(await marks(viewer, 3), [1, 2, 3]);
    assert.deepEqual(lines(far), []);
  });
});
