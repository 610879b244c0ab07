// Files with messages that nobody could play, and recordings of streams that have them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFlvHeader, encodeFlvTag, encodeOnMetaData } from '../../../src/media/flv.ts';
import { decodeData, encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { FlvMedia } from '../../../src/recording/read/flv-media.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { h264Clip, probeStreams } from '../../support/ffmpeg.ts';
import { hex } from '../../support/hex.ts';
import { audio, video } from '../../support/media.ts';
import { all, Bytes } from '../../support/readable.ts';
import { Desk, messagesOf } from '../../support/recording-desk.ts';

type Tag = [timestampMs: number, typeId: number, payload: Uint8Array];
const { Audio, Video, DataAmf0 } = MessageType;

function fileOf(tags: readonly Tag[]): Promise<FlvMedia> {
  const bytes = tags.map(([timestampMs, typeId, payload]) => encodeFlvTag({ typeId, timestampMs, payload }));
  const head = encodeFlvHeader({ hasAudio: true, hasVideo: true });
  return FlvMedia.open(new Bytes(Buffer.concat([head, ...bytes])), undefined, 60_000);
}

const last = (messages: readonly { payload: Uint8Array }[]) => messages.map(({ payload }) => payload.at(-1));

test('an FLV whose configurations are empty on the way is played and sought with the good ones', async () => {
  const media = await fileOf([
    [0, Video, hex('17 00 000000')],
    [0, Audio, hex('af 00')],
    [0, Video, video.header(1)],
    [0, Audio, audio.header(2)],
    [0, Video, video.keyframe(3)],
    [1_000, Video, hex('17 00 000000')],
    [1_000, Audio, hex('af 00')],
    [1_000, Video, video.keyframe(4)],
    [2_000, Video, video.keyframe(5)],
  ]);
  assert.deepEqual(last(await all(media)), [1, 2, 3, 4, 5]);
  assert.deepEqual(last(await all(media, 2_000)), [1, 2, 5]);
});

test('an FLV with script tags that cannot be read is played without them', async () => {
  const metaData = encodeOnMetaData({ width: 64 });
  const cue = encodeData({ name: 'onCuePoint', values: [{ n: 1 }] }, 0).payload;
  const media = await fileOf([
    [0, DataAmf0, metaData.subarray(0, metaData.length - 20)],
    [0, Video, video.header(1)],
    [0, Video, video.keyframe(2)],
    [0, DataAmf0, hex('02 00ff 61')],
    [10, DataAmf0, Buffer.concat([cue, hex('000000')])],
    [20, DataAmf0, hex('0e')],
    [40, Video, hex('17')],
    [40, Video, video.frame(3)],
  ]);
  const messages = await all(media);
  const pictures = messages.filter(({ typeId }) => typeId === Video);
  assert.deepEqual(last(pictures), [1, 2, 3]);
  const data = messages.filter(({ typeId }) => typeId === DataAmf0);
  assert.deepEqual(
    data.map(({ payload }) => Buffer.compare(payload, cue)),
    [0],
    'and of one with zeros behind it what can be read',
  );
  assert.equal(decodeData(DataAmf0, data[0]!.payload).oddity, undefined);
});

test('a configuration that configures nothing does not end an MP4, whoever sends it', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:show.f4v' });
  const clip = messagesOf(await h264Clip()).filter(({ timestampMs }) => timestampMs < 2_000);
  const empty = [wireMessage(Video, 0, hex('17 00 000000')), wireMessage(Audio, 0, hex('af 00'))];
  recording.take([...empty, ...clip.slice(0, 20), ...empty, ...clip.slice(20)]);
  recording.close();
  await desk.finished();
  const streams = await probeStreams(desk.path('show.f4v'));
  assert.deepEqual(
    streams.map(({ codecName }) => codecName),
    ['h264', 'aac'],
  );
  assert.deepEqual(desk.events, []);
});

test('MP3 whose first bytes are no frame begins in an MP4 with its first frame', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:show.f4v' });
  const frame = Buffer.concat([hex('2f fffb9064'), Buffer.alloc(413)]);
  recording.take([wireMessage(Audio, 0, hex('2f 00000000')), wireMessage(Audio, 26, hex('2f 00'))]);
  for (let ms = 52; ms < 500; ms += 26) recording.take([wireMessage(Audio, ms, frame)]);
  recording.close();
  await desk.finished();
  assert.deepEqual(
    (await probeStreams(desk.path('show.f4v'))).map(({ codecName }) => codecName),
    ['mp3'],
  );
  assert.deepEqual(desk.events, []);
});
