// Codecs by FourCC (Enhanced RTMP), as ffmpeg packs them (test/captures/README.md): relayed as they are, and joined in the
// middle, which takes knowing a keyframe and a sequence header when one comes by.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FlvReader, type FlvTag } from '../../src/media/flv.ts';
import { decodeData } from '../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { toHex } from '../support/hex.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const CAPTURES = join(import.meta.dirname, '..', 'captures');

// E-RTMP: | 1 | frame type 3 bits | packet type 4 bits | FourCC |
const SEQUENCE_START = 0x90;
const KEY_CODED_FRAMES = 0x91;
const METADATA = 0xd4;
const AAC_SEQUENCE_HEADER = 'af00';
/** Types and FourCC. */
const EX_HEAD_BYTES = 5;

const FIXTURES = [
  { file: 'hevc-aac.flv', fourCc: 'hvc1', video: 20 },
  { file: 'av1-aac.flv', fourCc: 'av01', video: 20 },
  { file: 'vp9-aac.flv', fourCc: 'vp09', video: 20 },
];

const isVideo = ({ typeId }: FlvTag) => typeId === MessageType.Video;
/** The AV1 encoder begins with a decoder configuration that is empty; such ones reach nobody. */
const isOfUse = (tag: FlvTag) =>
  !isVideo(tag) || tag.payload[0] !== SEQUENCE_START || tag.payload.length > EX_HEAD_BYTES;
const line = (typeId: number, timestampMs: number, payload: Uint8Array) =>
  `${typeId} ${timestampMs} ${toHex(payload)}`;
const lines = (tags: readonly FlvTag[]) => tags.map((tag) => line(tag.typeId, tag.timestampMs, tag.payload));

async function startPublisher(server: TestServer, name: string): Promise<{ peer: RtmpPeer; id: number }> {
  const peer = await RtmpPeer.open(server.port);
  const answer = await peer.connect('live', { fourCcList: ['hvc1', 'av01', 'vp09'] });
  assert.equal(answer.name, '_result');
  const properties = answer.object as { fourCcList?: unknown };
  assert.deepEqual(properties.fourCcList, ['*'], 'the server says that it understands');
  const id = await peer.createStream();
  peer.command('publish', 0, [name, 'live'], id);
  await peer.expectStatus('NetStream.Publish.Start');
  return { peer, id };
}

function say(peer: RtmpPeer, id: number, { typeId, timestampMs, payload }: FlvTag): void {
  if (typeId === MessageType.Video) peer.video(id, timestampMs, payload);
  else if (typeId === MessageType.Audio) peer.audio(id, timestampMs, payload);
  else {
    const { name, values } = decodeData(typeId, payload);
    peer.data('@setDataFrame', [name, ...values], id, timestampMs);
  }
}

/** The next so many audio and video messages. */
async function hear(player: RtmpPeer, count: number): Promise<string[]> {
  const heard: string[] = [];
  while (heard.length < count) {
    const { typeId, timestampMs, media } = await player.expectMedia();
    heard.push(line(typeId, timestampMs, media!));
  }
  return heard;
}

describe('a stream whose codec is a FourCC', () => {
  for (const { file, fourCc, video } of FIXTURES) {
    test(`${fourCc} reaches early players whole, and late ones from the last keyframe on`, async () => {
      const tags = [...new FlvReader().push(readFileSync(join(CAPTURES, file)))].filter(isOfUse);
      const media = tags.filter(({ typeId }) => typeId !== MessageType.DataAmf0);
      const frames = media.filter(
        (tag) => isVideo(tag) && ![SEQUENCE_START, METADATA].includes(tag.payload[0]!),
      );
      assert.equal(frames.length, video);
      for (const { payload } of frames) assert.equal(Buffer.from(payload.subarray(1, 5)).toString(), fourCc);

      await using server = await startServer({ applications: { 'live/': '' } });
      await using early = await RtmpPeer.open(server.port);
      await early.play('live', 'show');
      const { peer, id } = await startPublisher(server, 'show');
      await using _publisher = peer;

      const keyframes = frames.filter(({ payload }) => payload[0] === KEY_CODED_FRAMES);
      assert.equal(keyframes.length, 2);
      const secondGroup = tags.indexOf(keyframes[1]!);
      const middle = tags.indexOf(frames[frames.indexOf(keyframes[1]!) + 3]!) + 1;
      for (const tag of tags.slice(0, middle)) say(peer, id, tag);
      await peer.settle();

      await using late = await RtmpPeer.open(server.port);
      await late.play('live', 'show');
      assert.equal((await late.expectData('onMetaData')).name, 'onMetaData');
      for (const tag of tags.slice(middle)) say(peer, id, tag);

      assert.deepEqual(await hear(early, media.length), lines(media));

      // what a decoder needs first, at the time of the picture that it needs it for
      const { timestampMs } = keyframes[1]!;
      const latest = (isIt: (tag: FlvTag) => boolean) => ({ ...media.findLast(isIt)!, timestampMs });
      const headers = [
        latest((tag) => isVideo(tag) && tag.payload[0] === SEQUENCE_START),
        latest((tag) => isVideo(tag) && tag.payload[0] === METADATA),
        latest((tag) => toHex(tag.payload).startsWith(AAC_SEQUENCE_HEADER)),
      ];
      const group = lines(tags.slice(secondGroup));
      const heard = await hear(late, headers.length + group.length);
      assert.deepEqual(heard.slice(0, headers.length).sort(), lines(headers).sort());
      assert.deepEqual(heard.slice(headers.length), group);
    });
  }
});
