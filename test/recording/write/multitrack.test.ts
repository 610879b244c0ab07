// Files of several video tracks (Enhanced RTMP v2): where they are entered, and where their segments begin.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeFlvHeader, encodeFlvTag, FlvReader } from '../../../src/media/flv.ts';
import { inspectVideo } from '../../../src/media/tag.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { repairFlv } from '../../../src/recording/finish/flv-repair.ts';
import { FlvMedia } from '../../../src/recording/read/flv-media.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { h264Clip, probePackets } from '../../support/ffmpeg.ts';
import { audio, track, tracks, video } from '../../support/media.ts';
import { Desk, messagesOf } from '../../support/recording-desk.ts';

/** Seconds of two tracks, a keyframe of each in every second; the further track comes first. Marks count up. */
function pictures(seconds: number): [number, Uint8Array][] {
  let mark = 0;
  const all: [number, Uint8Array][] = [
    [0, track.header(1, 250)],
    [0, video.header(251)],
  ];
  for (let ms = 0; ms < seconds * 1000; ms += 100) {
    const isKey = ms % 1000 === 0;
    const further = isKey ? track.keyframe(1, mark) : track.frame(1, mark);
    const lead = isKey ? video.keyframe(mark + 1) : video.frame(mark + 1);
    all.push([ms, further], [ms, lead]);
    mark += 2;
  }
  return all;
}

function flv(all: [number, Uint8Array][]): Buffer {
  return Buffer.concat([
    encodeFlvHeader({ hasAudio: false, hasVideo: true }),
    ...all.map(([timestampMs, payload]) => encodeFlvTag({ typeId: MessageType.Video, timestampMs, payload })),
  ]);
}

function readable(bytes: Buffer) {
  return {
    path: 'film',
    sizeBytes: bytes.length,
    read: async (at: number, length: number) => bytes.subarray(at, at + length),
    close: async () => {},
  };
}

/** Mark of the picture at which a seek to each second lands, and how many headers come before it. */
async function landings(bytes: Buffer, seconds: number): Promise<[number, number][]> {
  const media = await FlvMedia.open(readable(bytes), undefined, 60_000);
  const found: [number, number][] = [];
  for (let s = 1; s < seconds; s += 1) {
    const place = (await media.keyframeBefore(s * 1000 + 50))!;
    const { messages } = (await media.read(place.at))!;
    found.push([
      messages[0]!.payload.at(-1)!,
      place.headers.filter(({ typeId }) => typeId === MessageType.Video).length,
    ]);
  }
  return found;
}

test('a seek lands at the lead track’s keyframe, at the first picture of its timestamp, with the headers of all tracks', async () => {
  assert.deepEqual(await landings(flv(pictures(4)), 4), [
    [20, 2],
    [40, 2],
    [60, 2],
  ]);
});

test('a seek passes over keyframes of further tracks, also of many in one message', async () => {
  const all = pictures(2);
  all.splice(12, 0, [500, track.keyframe(1, 99)], [500, tracks('keyframe', [2, 1], 98, { trackBytes: 500 })]);
  assert.deepEqual(await landings(flv(all), 2), [[20, 2]]);
  const bytes = flv([
    [0, tracks('keyframe', [2, 0, 1], 1, { trackBytes: 500 })],
    [1000, tracks('keyframe', [2, 0, 1], 2, { trackBytes: 500 })],
  ]);
  assert.deepEqual(await landings(bytes, 2), [[2, 0]]);
});

test('a recording’s own index says the same, and so does the one that a repair makes', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(pictures(4).map(([ms, payload]) => wireMessage(MessageType.Video, ms, payload)));
  recording.close();
  await desk.finished();
  const own = readFileSync(desk.path());
  assert.deepEqual(await landings(own, 4), [
    [20, 2],
    [40, 2],
    [60, 2],
  ]);
  repairFlv(desk.path());
  assert.deepEqual(readFileSync(desk.path()), own);
});

test('segments begin with the first picture of the lead track’s keyframe, and not at a further track’s', async () => {
  await using desk = new Desk();
  const recording = desk.open({ segmentS: 1 });
  const all = pictures(3);
  const inBetween = all.findIndex(([ms]) => ms === 1_500);
  all.splice(inBetween, 0, [1_450, track.keyframe(1, 200)]);
  const messages = all.map(([ms, payload]) => wireMessage(MessageType.Video, ms, payload));
  const sound = wireMessage(MessageType.Audio, 995, audio.frame(201));
  messages.splice(
    messages.findIndex(({ payload }) => payload.at(-1) === 21),
    0,
    sound,
  ); // between two tracks
  recording.take(messages);
  recording.close();
  await desk.finished();
  const files = desk.completed.map(({ path }) => [...new FlvReader().push(readFileSync(path))]);
  const marks = files.map((tags) =>
    tags.filter(({ typeId }) => typeId !== MessageType.DataAmf0).map(({ payload }) => payload.at(-1)!),
  );
  const from = (mark: number, count: number) => Array.from({ length: count }, (_, i) => mark + i);
  assert.deepEqual(marks, [
    [250, 251, ...from(0, 20)],
    [250, 251, 20, 201, ...from(21, 9), 200, ...from(30, 10)],
    [250, 251, ...from(40, 20)],
  ]);
  for (const tags of files) {
    const [first, second] = tags.filter(({ payload }) => payload.at(-1)! < 200);
    assert.deepEqual([first?.timestampMs, second?.timestampMs], [0, 0]);
  }
});

test('a recording that begins in mid-stream begins with all tracks of its first group', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  const begun = pictures(2).filter(([ms]) => ms >= 500);
  recording.take(begun.map(([ms, payload]) => wireMessage(MessageType.Video, ms, payload)));
  recording.close();
  await desk.finished();
  const tags = [...new FlvReader().push(readFileSync(desk.path()))];
  assert.deepEqual(
    tags.slice(1, 4).map(({ payload }) => payload.at(-1)),
    [20, 21, 22],
  );
});

test('an MP4 knows the keyframes of its own track, though a further one comes before it', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:show' });
  const published = messagesOf(await h264Clip());
  const further = published.flatMap((message) => {
    const tag = message.typeId === MessageType.Video ? inspectVideo(message.head) : undefined;
    if (!tag?.isKeyframe) return [message];
    return [wireMessage(MessageType.Video, message.timestampMs, track.keyframe(1)), message];
  });
  recording.take(further);
  recording.close();
  await desk.finished();
  const keyframes = (await probePackets(desk.path('show.mp4'))).filter(
    ({ codecType, isKeyframe }) => codecType === 'video' && isKeyframe,
  );
  assert.equal(keyframes.length, 14, 'one in two seconds, of 28');
});
