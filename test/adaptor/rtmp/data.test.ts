import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AmfValue, membersOf } from '../../../src/protocol/amf/amf.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';
import { hex } from '../../support/hex.ts';
import { audio, video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

/** Data messages behind the server's own, by name. */
function data(peer: RtmpPeer): string[] {
  return peer.heard.flatMap(({ data }) => (data ? [data.name] : [])).slice(2);
}

/** Everything before a picture has come when that has. */
async function picture(publisher: RtmpPeer, id: number, ...players: RtmpPeer[]): Promise<void> {
  const counts = players.map((player) => player.heard.filter(({ media }) => media).length);
  publisher.video(id, 0, video.keyframe());
  await until('the picture', () =>
    players.every((player, i) => player.heard.filter(({ media }) => media).length > counts[i]!),
  );
}

test('a data frame is unwrapped, relayed, and kept for those who come later', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: early } = await core.player('cam');
  peer.data('@setDataFrame', ['onMetaData', { width: 1 }], id);
  peer.data('@setDataFrame', ['onMetaData', { width: 2 }], id);
  peer.data('@setDataFrame', ['titles', 'a', 'b'], id);
  await picture(peer, id, early);
  assert.deepEqual(data(early), ['onMetaData', 'onMetaData', 'titles']);
  const { peer: late } = await core.player('cam');
  const metaData = await late.expectData('onMetaData');
  assert.deepEqual({ ...membersOf(metaData.values[0]) }, { width: 2 });
  assert.deepEqual((await late.expectData('titles')).values, ['a', 'b']);
  peer.data('@clearDataFrame', ['onMetaData'], id);
  await picture(peer, id, early, late);
  const { peer: last } = await core.player('cam');
  await last.expectData('titles');
  assert.deepEqual(data(last), ['titles']);
  assert.deepEqual(data(early), ['onMetaData', 'onMetaData', 'titles'], 'clearing is relayed to nobody');
});

test('onMetaData without its wrapper is kept as well', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  peer.data('onMetaData', [{ width: 3 }], id);
  peer.video(id, 0, video.keyframe());
  await peer.settle();
  const { peer: late } = await core.player('cam');
  assert.deepEqual({ ...membersOf((await late.expectData('onMetaData')).values[0]) }, { width: 3 });
});

test('other data messages are relayed in their place, and not kept', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  peer.video(id, 0, video.keyframe());
  peer.audio(id, 5, audio.frame());
  peer.data('onCuePoint', [{ name: 'x' }], id, 10);
  peer.video(id, 40, video.frame());
  await until('the second picture', () => player.heard.at(-1)?.timestampMs === 40);
  assert.deepEqual(player.summary().slice(-4), ['video', 'audio', 'data onCuePoint', 'video']);
  peer.video(id, 80, video.keyframe());
  await peer.settle();
  const { peer: late } = await core.player('cam');
  await late.expectMedia();
  assert.deepEqual(data(late), []);
});

test('what only the server may say is not relayed, wrapped or not', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  peer.data('|RtmpSampleAccess', [true, true], id);
  peer.data('@setDataFrame', ['|RtmpSampleAccess', true, true], id);
  peer.data('@setDataFrame', [], id);
  peer.data('@setDataFrame', [7, {}], id);
  peer.data('@clearDataFrame', [], id);
  await picture(peer, id, player);
  assert.deepEqual(data(player), []);
});

test('data in AMF3 arrives in AMF0, which everybody reads', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const { typeId, payload } = encodeData({ name: 'onTextData', values: [{ text: 'ü', list: [1, 'a'] }] }, 3);
  assert.equal(typeId, MessageType.DataAmf3);
  peer.send({ typeId, streamId: id, timestampMs: 0, payload });
  await picture(peer, id, player);
  const heard = player.heard.find(({ data }) => data?.name === 'onTextData');
  assert.equal(heard?.typeId, MessageType.DataAmf0);
  const { text, list } = membersOf(heard?.data?.values[0] as AmfValue)!;
  assert.deepEqual([text, list], ['ü', [1, 'a']]);
});

test('an aggregate is played as its parts', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const payload = Buffer.concat([
    hex('09 000006 000064 00 000000'),
    video.keyframe(1),
    hex('00000011'),
    hex('08 000003 00006e 00 000000'),
    audio.frame(2),
    hex('0000000e'),
    hex('09 000006 00008c 00 000000'),
    video.frame(3),
    hex('00000011'),
    hex('07 000001 00008c 00 000000  00  0000000c'), // of a type that is none
  ]);
  peer.send({ typeId: MessageType.Aggregate, streamId: id, timestampMs: 5_000, payload });
  await until('its parts', () => player.heard.filter(({ media }) => media).length === 3);
  assert.deepEqual(
    player.heard.filter(({ media }) => media).map(({ timestampMs, media }) => [timestampMs, media?.at(-1)]),
    [
      [5_000, 1],
      [5_010, 2],
      [5_040, 3],
    ],
  );
});
