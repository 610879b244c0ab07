import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { RecordingError } from '../../../src/errors.ts';
import {
  decodeOnMetaData,
  encodeFlvHeader,
  encodeFlvTag,
  encodeOnMetaData,
  FlvReader,
  type FlvTag,
  ownIndex,
} from '../../../src/media/flv.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import type { WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { repairFlv } from '../../../src/recording/finish/flv-repair.ts';
import { until } from '../../support/core.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { h264Clip } from '../../support/ffmpeg.ts';
import { audio, video } from '../../support/media.ts';
import { Desk, messagesOf } from '../../support/recording-desk.ts';

function read(path: string) {
  const reader = new FlvReader();
  const tags: FlvTag[] = [...reader.push(readFileSync(path))];
  return {
    header: reader.header,
    tags,
    /** Time, kind and last byte of sounds and pictures. */
    media: tags
      .filter(({ typeId }) => typeId !== MessageType.DataAmf0)
      .map(({ typeId, timestampMs, payload }) => {
        return `${timestampMs} ${typeId === MessageType.Audio ? 'a' : 'v'}${payload.at(-1)}`;
      }),
    get metaData() {
      return tags
        .filter(({ typeId }) => typeId === MessageType.DataAmf0)
        .map(({ payload }) => {
          const { keyframes: _, ...entries } = decodeOnMetaData(payload) ?? {};
          return entries;
        });
    },
    get keyframes() {
      return ownIndex(decodeOnMetaData(tags[0]!.payload)?.keyframes);
    },
  };
}

const pictures = (timestampMs: number, payload: Uint8Array) =>
  wireMessage(MessageType.Video, timestampMs, payload);
const sound = (timestampMs: number, payload: Uint8Array) =>
  wireMessage(MessageType.Audio, timestampMs, payload);
function data(timestampMs: number, name: string, ...values: AmfValue[]): WireMessage {
  return wireMessage(MessageType.DataAmf0, timestampMs, encodeData({ name, values }, 0).payload);
}

/** A second of a stream that begins at `ms`. */
function second(ms: number): WireMessage[] {
  return [
    data(ms, 'onMetaData', { width: 640, duration: 77 }),
    pictures(0, video.header(1)),
    sound(0, audio.header(2)),
    pictures(ms, video.keyframe(3)),
    sound((ms + 10) >>> 0, audio.frame(4)),
    pictures((ms + 1_000) >>> 0, video.frame(5)),
  ];
}

test('a recording is an FLV with its duration, what it holds, its metadata and headers first, and time from 0 on', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(3_600_000));
  recording.close();
  await desk.finished();
  const { header, tags, metaData, media } = read(desk.path());
  assert.deepEqual(header, { hasAudio: true, hasVideo: true });
  assert.equal(tags[0]?.typeId, MessageType.DataAmf0);
  assert.deepEqual(metaData, [{ duration: 1, width: 640 }]);
  assert.deepEqual(media, ['0 v1', '0 a2', '0 v3', '10 a4', '1000 v5']);
});

test('a file has an index of its keyframes, and it is told of when it is whole', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(0));
  recording.take([pictures(2_000, video.keyframe(6)), pictures(2_040, video.frame(7))]);
  recording.close();
  assert.deepEqual(desk.completed, []);
  await desk.finished();
  const bytes = readFileSync(desk.path());
  const { keyframes } = read(desk.path());
  assert.deepEqual(
    keyframes?.map(({ timeMs, at }) => `${timeMs} ${bytes[at]} ${bytes[at + 11]} ${bytes[at + 16]}`),
    ['0 9 23 3', '2000 9 23 6'],
  );
  assert.deepEqual(desk.completed, [
    {
      path: desk.path(),
      name: 'cam',
      place: 'streams/_definst_/cam.flv',
      sizeBytes: bytes.length,
      lengthMs: 2_040,
      codecs: ['avc', 'aac'],
      reason: 'stopped',
    },
  ]);
});

test('the index of a file goes on when it is appended to', async () => {
  await using desk = new Desk();
  for (let i = 0; i < 3; i += 1) {
    const recording = desk.open({ mode: 'append' });
    recording.take(second(0));
    recording.close();
    await desk.finished();
  }
  assert.deepEqual(
    read(desk.path()).keyframes?.map(({ timeMs }) => timeMs),
    [0, 1_020, 2_040],
  );
});

test('an index that has no room for all keyframes has every second one', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  for (let i = 0; i < 4_000; i += 1) recording.take([pictures(i * 10, video.keyframe(1))]);
  recording.close();
  await desk.finished();
  const { keyframes } = read(desk.path());
  assert.equal(keyframes?.length, 2_000);
  assert.equal(keyframes?.at(-1)?.timeMs, 39_980);
});

test('S-21: a file that is being recorded can be read as far as it is flushed', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  const growing = desk.recorders.find(desk.path());
  assert.ok(growing?.isGrowing);
  let calls = 0;
  growing.onFlushed(() => {
    calls += 1;
  });
  recording.take(second(0));
  assert.equal(growing.flushedMs, 0);
  desk.clock.advance(1_000);
  await until('a flush', () => calls === 1);
  assert.equal(growing.flushedMs, 1_000);
  assert.equal(growing.flushedBytes, readFileSync(desk.path()).length);
  assert.equal(read(desk.path()).metaData[0]?.duration, 1, 'were the process to be killed now');
  assert.equal(growing.keyframes.count, 1);
  recording.take([pictures(2_000, video.keyframe(6))]);
  recording.close();
  await desk.finished();
  assert.equal(growing.isGrowing, false);
  assert.equal(growing.flushedMs, 2_000);
  assert.equal(calls, 3, 'more, and the end');
  assert.equal(desk.recorders.find(desk.path()), undefined);
});

test('an encoder whose clock begins anew goes on where it was', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(100_000));
  recording.take([pictures(500, video.keyframe(6)), sound(505, audio.frame(7)), sound(495, audio.frame(8))]);
  recording.close();
  await desk.finished();
  assert.deepEqual(read(desk.path()).media.slice(5), ['1020 v6', '1025 a7', '1025 a8']);
});

/** Twenty-five pictures a second and the sound between them; `timeOf` says what the publisher stamps each with. */
function seconds(count: number, timeOf: (ms: number) => number): WireMessage[] {
  const messages = [pictures(timeOf(0), video.header(1)), sound(timeOf(0), audio.header(2))];
  for (let ms = 0; ms < count * 1_000; ms += 40) {
    const payload = ms % 1_000 === 0 ? video.keyframe(3) : video.frame(4);
    messages.push(pictures(timeOf(ms) >>> 0, payload), sound((timeOf(ms) + 10) >>> 0, audio.frame(5)));
  }
  return messages;
}

const HOURS_15 = 54_000_000;
for (const { what, timeOf } of [
  { what: 'a timestamp that is 15 h ahead', timeOf: (ms: number) => ms + (ms === 2_000 ? HOURS_15 : 0) },
  { what: 'a timestamp that is 15 h back', timeOf: (ms: number) => ms + 1e8 - (ms === 2_000 ? HOURS_15 : 0) },
  { what: 'a clock that jumps 15 h ahead', timeOf: (ms: number) => ms + (ms >= 2_000 ? HOURS_15 : 0) },
  { what: 'a clock that jumps 15 h back', timeOf: (ms: number) => ms + 1e8 - (ms >= 2_000 ? HOURS_15 : 0) },
]) {
  test(`${what} leaves four seconds four seconds long, and has a line in the log`, async () => {
    await using desk = new Desk();
    const recording = desk.open();
    const growing = desk.recorders.find(desk.path())!;
    recording.take(seconds(4, timeOf));
    await recording.flush();
    assert.equal(growing.flushedMs, 3_970, 'for those who play it meanwhile');
    recording.close();
    await desk.finished();
    const { tags, metaData } = read(desk.path());
    assert.equal(metaData[0]?.duration, 3.97);
    assert.equal(tags.length, 1 + 2 + 200);
    tags.slice(1).forEach(({ timestampMs }, i) => {
      assert.ok(timestampMs >= tags[i]!.timestampMs - 30, `tag ${i}: ${timestampMs}`);
    });
    assert.deepEqual(
      desk.log.records.flatMap(({ event, offMs }) =>
        event === 'record-clock' ? [Math.abs(offMs as number)] : [],
      ),
      [HOURS_15],
    );
  });
}

test('metadata and decoder configurations with time 0 in a stream that is an hour old do not move its time', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(seconds(2, (ms) => 3_600_000 + ms));
  recording.take([
    data(0, 'onMetaData', { width: 1 }),
    pictures(0, video.header(6)),
    sound(0, audio.header(7)),
  ]);
  recording.take([data(0, 'onCuePoint', { name: 'a' }), data(0xffff_0000, 'onCuePoint', { name: 'b' })]);
  recording.take([pictures(3_602_000, video.keyframe(8)), sound(3_602_010, audio.frame(9))]);
  recording.close();
  await desk.finished();
  const { media, tags, metaData } = read(desk.path());
  assert.equal(metaData[0]?.duration, 2.01);
  assert.deepEqual(media.slice(-4), ['1960 v6', '1970 a7', '2000 v8', '2010 a9']);
  const times = tags.filter(({ typeId }) => typeId === MessageType.DataAmf0).map((tag) => tag.timestampMs);
  assert.deepEqual(times, [0, 1_970, 1_970, 1_970]);
  assert.deepEqual(
    desk.log.records.filter(({ event }) => event === 'record-clock'),
    [],
  );
});

test('what came while the file was being finished by another recording has the time at which it came', async () => {
  await using desk = new Desk();
  const first = desk.open();
  first.take(second(0));
  first.close();
  const next = desk.open();
  next.take(seconds(1, (ms) => ms));
  desk.clock.advance(60_000);
  next.take([pictures(61_000, video.keyframe(6))]);
  next.close();
  await desk.finished();
  assert.equal(read(desk.path()).media.at(-1), '61000 v6');
});

test('a recording in segments begins a new file at a keyframe, with headers and metadata, and time from 0 on', async () => {
  await using desk = new Desk();
  const recording = desk.open({ segmentS: 2 });
  recording.take(second(0));
  recording.take([pictures(1_500, video.keyframe(6)), pictures(4_600, video.frame(7))]);
  recording.take([pictures(5_000, video.keyframe(8)), pictures(5_040, video.frame(9))]);
  recording.close();
  await desk.finished();
  assert.deepEqual(read(desk.path('cam.flv')).media, [
    ...['0 v1', '0 a2', '0 v3', '10 a4', '1000 v5', '1500 v6', '4600 v7'],
  ]);
  const next = read(desk.path('cam-2.flv'));
  assert.deepEqual(next.media, ['0 v1', '0 a2', '0 v8', '40 v9']);
  assert.deepEqual(next.metaData, [{ duration: 0.04, width: 640 }]);
  assert.deepEqual(
    desk.completed.map(({ reason }) => reason),
    ['segment', 'stopped'],
  );
});

for (const stream of ['cam', 'mp4:cam']) {
  test(`a keyframe at a full second ends a segment of one second, though the sound before it came earlier: ${stream}`, async () => {
    await using desk = new Desk();
    const recording = desk.open({ stream, segmentS: 1 });
    const clip = messagesOf(await h264Clip());
    const [avc] = clip.filter(({ typeId }) => typeId === MessageType.Video);
    const [aac] = clip.filter(({ typeId }) => typeId === MessageType.Audio);
    const begin = clip.filter(({ timestampMs }) => timestampMs === 0 || timestampMs > 20);
    const picture = begin.find((m) => m.typeId === MessageType.Video && m !== avc)!;
    const noise = begin.find((m) => m.typeId === MessageType.Audio && m !== aac)!;
    recording.take([avc!, aac!]);
    for (let ms = 0; ms < 4_000; ms += 1) {
      if (ms % 1_000 === 0) recording.take([pictures(ms, picture.payload)]);
      else if (ms % 40 === 0) recording.take([pictures(ms, asInter(picture.payload))]);
      if (ms % 23 === 0 && ms % 1_000 < 998) recording.take([sound(ms, noise.payload)]);
    }
    recording.close();
    await desk.finished();
    const lengths = desk.completed.map(({ lengthMs }) => lengthMs);
    assert.equal(lengths.length, 4, `${lengths}`);
    assert.ok(
      lengths.every((ms) => ms > 900 && ms < 1_050),
      `${lengths}`,
    );
  });
}

for (const stream of ['cam', 'mp4:cam']) {
  test(`segments are as long as asked for where the first sound came before the keyframe, and is later: ${stream}`, async () => {
    await using desk = new Desk();
    const recording = desk.open({ stream, segmentS: 2 });
    const clip = messagesOf(await h264Clip());
    const [avc] = clip.filter(({ typeId }) => typeId === MessageType.Video);
    const [aac] = clip.filter(({ typeId }) => typeId === MessageType.Audio);
    const picture = clip.find((m) => m.typeId === MessageType.Video && m !== avc)!;
    const noise = clip.find((m) => m.typeId === MessageType.Audio && m !== aac)!;
    recording.take([avc!, aac!]);
    recording.take([sound(30, noise.payload)]);
    for (let ms = 0; ms < 6_000; ms += 40) {
      recording.take([pictures(ms, ms % 1_000 === 0 ? picture.payload : asInter(picture.payload))]);
      if (ms > 30) recording.take([sound(ms, noise.payload)]);
    }
    recording.close();
    await desk.finished();
    const lengths = desk.completed.map(({ lengthMs }) => lengthMs);
    assert.equal(lengths.length, 3, `${lengths}`);
    assert.ok(
      lengths.every((ms) => ms > 1_900 && ms < 2_100),
      `${lengths}`,
    );
  });
}

/** Ten pictures a second, in real time by both clocks, each of them a keyframe when `isKey` says so. */
function film(
  desk: Desk,
  take: (batch: WireMessage[]) => void,
  seconds: number,
  isKey = (_ms: number) => true,
) {
  take([pictures(0, video.header(1))]);
  for (let ms = 0; ms < seconds * 1_000; ms += 100) {
    take([pictures(ms, isKey(ms) ? video.keyframe(2) : video.frame(3))]);
    desk.clock.advance(100);
    desk.now = new Date(desk.now.getTime() + 100);
  }
}

const filesOf = (desk: Desk) => desk.completed.map(({ path, lengthMs }) => `${basename(path)} ${lengthMs}`);

test('segments whose name has the time in it are named by their own start, without a number', async () => {
  await using desk = new Desk();
  desk.now = new Date(2026, 1, 3, 23, 59, 58, 500);
  const recording = desk.open({ segmentS: 2, file: '{stream} {date} {time}' });
  film(desk, (batch) => recording.take(batch), 6);
  recording.close();
  await desk.finished();
  assert.deepEqual(filesOf(desk), [
    'cam 2026-02-03 23-59-58.flv 1900',
    'cam 2026-02-04 00-00-00.flv 1900',
    'cam 2026-02-04 00-00-02.flv 1900',
  ]);
});

test('segments that a publisher sends faster than time passes are named by the times that it sends', async () => {
  await using desk = new Desk();
  desk.now = new Date(2026, 1, 3, 12, 0, 0);
  const recording = desk.open({ segmentS: 1, file: '{stream} {time}' });
  recording.take(seconds(4, (ms) => ms));
  recording.close();
  await desk.finished();
  assert.deepEqual(
    filesOf(desk),
    ['00', '01', '02', '03'].map((second) => `cam 12-00-${second}.flv 970`),
  );
});

test('two segments of one second have a number when their name cannot tell them apart', async () => {
  await using desk = new Desk();
  desk.now = new Date(2026, 1, 3, 12, 0, 0);
  const recording = desk.open({ segmentS: 0.4, file: '{time}' });
  film(desk, (batch) => recording.take(batch), 1);
  recording.close();
  await desk.finished();
  assert.deepEqual(filesOf(desk), ['12-00-00.flv 300', '12-00-00-2.flv 300', '12-00-00-3.flv 100']);
});

test('aligned segments begin with the first keyframe behind each multiple of their length since midnight', async () => {
  await using desk = new Desk();
  desk.now = new Date(2026, 1, 3, 12, 59, 57);
  const recording = desk.open({ segmentS: 3_600, isAligned: true, file: '{time}' });
  film(
    desk,
    (batch) => recording.take(batch),
    7,
    (ms) => ms % 700 === 0,
  );
  recording.close();
  await desk.finished();
  assert.deepEqual(filesOf(desk), ['12-59-57.flv 3400', '13-00-00.flv 3400']);
  assert.deepEqual(
    desk.completed.map(({ reason }) => reason),
    ['segment', 'stopped'],
  );
});

/** A picture that does not call itself a keyframe. */
function asInter(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x27), payload.subarray(1)]);
}

test('a recording of sound alone says so', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take([sound(0, audio.header(1)), sound(5_000, audio.frame(2)), sound(5_020, audio.frame(3))]);
  recording.close();
  await desk.finished();
  const { header, media, metaData } = read(desk.path());
  assert.deepEqual(header, { hasAudio: true, hasVideo: false });
  assert.deepEqual(metaData, [{ duration: 0.02 }]);
  assert.deepEqual(media, ['0 a1', '0 a2', '20 a3']);
});

test('pictures before the first keyframe are left out', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take([
    pictures(100, video.frame(1)),
    pictures(140, video.keyframe(2)),
    pictures(180, video.frame(3)),
  ]);
  recording.close();
  await desk.finished();
  assert.deepEqual(read(desk.path()).media, ['0 v2', '40 v3']);
});

test('a data message does not begin the time of a file, and none is taken for metadata that only sounds like it', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take([
    data(0, 'onMetaData', { width: 640 }),
    data(0, 'onMetaDataX', { width: 1 }),
    data(0, 'onTextData', { text: 'a' }),
    pictures(3_600_000, video.keyframe(1)),
    data(3_600_020, 'onCuePoint', { name: 'b' }),
    pictures(3_600_040, video.frame(2)),
  ]);
  recording.close();
  await desk.finished();
  const { media, tags, metaData } = read(desk.path());
  assert.deepEqual(media, ['0 v1', '40 v2']);
  assert.deepEqual(metaData[0], { duration: 0.04, width: 640 });
  const others = tags.filter(({ typeId }) => typeId === MessageType.DataAmf0).slice(1);
  assert.deepEqual(
    others.map(({ timestampMs, payload }) => [
      timestampMs,
      /on[A-Z]\w+/.exec(Buffer.from(payload).toString('latin1'))?.[0],
    ]),
    [
      [0, 'onMetaDataX'],
      [0, 'onTextData'],
      [20, 'onCuePoint'],
    ],
  );
});

test('metadata that cannot be read is a message like any other', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  const broken = encodeData({ name: 'onMetaData', values: [{ a: 1 }] }, 0).payload.slice(0, -8);
  recording.take([wireMessage(MessageType.DataAmf0, 0, broken), pictures(0, video.header(9))]);
  recording.take([pictures(0, video.keyframe(1))]);
  recording.close();
  await desk.finished();
  assert.deepEqual(read(desk.path()).media, ['0 v9', '0 v1']);
  assert.deepEqual(desk.events, []);
});

test('timestamps go over 0xFFFFFF, and over the end of 32 bits', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(0xffff_ff00));
  desk.clock.advance(0x1_00_00_00);
  recording.take([pictures(0x1_00_00_00 - 0x100, video.keyframe(6))]);
  recording.close();
  await desk.finished();
  assert.deepEqual(read(desk.path()).media, [
    '0 v1',
    '0 a2',
    '0 v3',
    '10 a4',
    '1000 v5',
    `${0x1_00_00_00} v6`,
  ]);
});

test('headers without end cost no memory', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  for (let i = 0; i < 10_000; i += 1) recording.take([pictures(0, video.header(i & 0xff))]);
  recording.take([pictures(0, video.keyframe(1))]);
  recording.close();
  await desk.finished();
  const { media } = read(desk.path());
  assert.ok(media.length <= 100, `${media.length}`);
  assert.equal(media.at(-2), `0 v${9_999 & 0xff}`, 'the last one counts');
});

// ── append ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('an appended session goes on where the file ended, with its headers again', async () => {
  await using desk = new Desk();
  for (const mode of ['append', 'append'] as const) {
    const recording = desk.open({ mode });
    recording.take(second(50_000));
    recording.close();
    await desk.finished();
  }
  const { header, media, metaData } = read(desk.path());
  assert.deepEqual(header, { hasAudio: true, hasVideo: true });
  assert.deepEqual(media, [
    ...['0 v1', '0 a2', '0 v3', '10 a4', '1000 v5'],
    ...['1020 v1', '1020 a2', '1020 v3', '1030 a4', '2020 v5'],
  ]);
  assert.equal(metaData[0]?.duration, 2.02);
});

/** An FLV that begins below 0, as some encoders and editors make them. */
function earlyFlv(lastMs: number): Uint8Array {
  const tag = (typeId: number, timestampMs: number, payload: Uint8Array) =>
    encodeFlvTag({ typeId, timestampMs, payload });
  return Buffer.concat([
    encodeFlvHeader({ hasAudio: true, hasVideo: true }),
    tag(MessageType.DataAmf0, 0, encodeOnMetaData({ width: 64 })),
    tag(MessageType.Video, -400, video.keyframe(1)),
    tag(MessageType.Video, lastMs, video.frame(2)),
    tag(MessageType.DataAmf0, 0x7fff_0000, encodeData({ name: 'onCuePoint', values: ['late'] }, 0).payload),
  ]);
}

for (const [lastMs, startMs] of [
  [-360, 0],
  [1_000, 1_020],
] as const) {
  test(`a file that begins below 0 and ends at ${lastMs} ms is appended to from ${startMs} ms on`, async () => {
    await using desk = new Desk();
    for (const isTorn of [false, true]) {
      mkdirSync(join(desk.path(), '..'), { recursive: true });
      writeFileSync(desk.path(), Buffer.concat([earlyFlv(lastMs), Buffer.alloc(isTorn ? 9 : 0)]));
      const recording = desk.open({ mode: 'append' });
      recording.take([pictures(77_000, video.keyframe(9))]);
      recording.close();
      await desk.finished();
      assert.equal(read(desk.path()).media.at(-1), `${startMs} v9`);
      assert.equal(read(desk.path()).metaData[0]?.duration, startMs / 1_000);
    }
  });
}

test('a file that begins below 0 is repaired to the length that it has', async () => {
  await using desk = new Desk();
  const path = join(desk.folder, 'left.flv');
  writeFileSync(path, earlyFlv(1_000));
  assert.equal(repairFlv(path)?.lengthMs, 1_000);
  assert.equal(read(path).metaData[0]?.duration, 1);
});

test('an FLV has no times beyond 24 days: the recording goes on in a new file', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take([pictures(0, video.header(99))]);
  for (let day = 0; day < 26; day += 1) {
    recording.take([pictures((day * 86_400_000) >>> 0, video.keyframe(day))]);
    desk.clock.advance(86_400_000);
  }
  recording.close();
  await desk.finished();
  assert.deepEqual(
    desk.completed.map(({ path, reason }) => [basename(path), reason]),
    [
      ['cam.flv', 'codec'],
      ['cam-2.flv', 'stopped'],
    ],
  );
  assert.deepEqual(read(desk.path('cam-2.flv')).media, ['0 v99', '0 v25']);
});

test('S-18: record, then append: the second session keeps the first part, and the duration is the sum', async () => {
  await using desk = new Desk();
  for (const mode of ['record', 'append'] as const) {
    const recording = desk.open({ mode });
    recording.take(second(7_000));
    recording.close();
    await desk.finished();
  }
  const { media, metaData } = read(desk.path());
  assert.equal(media.length, 10);
  assert.deepEqual(metaData[0]?.duration, 2.02);
});

test('appendWithGap keeps the time between the sessions, as the clock on the wall has it', async () => {
  await using desk = new Desk();
  for (const stream of ['cam', 'mp4:cam']) {
    desk.now = new Date();
    for (let session = 0; session < 2; session += 1) {
      const recording = desk.open({ stream, mode: 'appendWithGap' });
      recording.take(
        stream === 'cam' ? second(0) : messagesOf(await h264Clip()).filter((m) => m.timestampMs < 1_000),
      );
      recording.close();
      await desk.finished();
      const { mtimeMs } = statSync(desk.path(stream === 'cam' ? 'cam.flv' : 'cam.mp4'));
      desk.now = new Date(mtimeMs + 60_000);
    }
  }
  assert.match(read(desk.path()).media[5]!, /^(60999|61000) v1/); // a fraction of a millisecond may be lost
  const lengthMs = desk.completed.at(-1)!.lengthMs;
  assert.ok(lengthMs > 61_500 && lengthMs < 62_500, `${lengthMs}`);
});

test('record begins the file anew', async () => {
  await using desk = new Desk();
  for (const length of [6, 4]) {
    const recording = desk.open();
    recording.take(second(0).slice(0, length));
    recording.close();
    await desk.finished();
  }
  assert.deepEqual(read(desk.path()).media, ['0 v1', '0 a2', '0 v3']);
});

for (const mode of ['record', 'append'] as const) {
  test(`a file that is just being finished can be opened at once to ${mode}`, async () => {
    await using desk = new Desk();
    const first = desk.open();
    first.take(second(0));
    first.close();
    const next = desk.open({ mode });
    next.take(second(10_000));
    next.close();
    const last = desk.open({ mode: 'append' });
    last.take(second(0));
    last.close();
    await desk.finished();
    const { media, metaData } = read(desk.path());
    const sessions = mode === 'record' ? 2 : 3;
    assert.equal(media.length, sessions * 5);
    assert.equal(metaData[0]?.duration, sessions + (sessions - 1) * 0.02);
    assert.deepEqual(desk.events, []);
  });
}

test('what a crash left of the last tag is cut off', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(0));
  recording.close();
  await desk.finished();
  const whole = readFileSync(desk.path()).length;
  for (const torn of [1, 4, 10, 20]) {
    writeFileSync(desk.path(), readFileSync(desk.path()).subarray(0, whole));
    truncateSync(desk.path(), whole - torn);
    const again = desk.open({ mode: 'append' });
    again.take([pictures(0, video.keyframe(9))]);
    again.close();
    await desk.finished();
    assert.deepEqual(read(desk.path()).media, ['0 v1', '0 a2', '0 v3', '10 a4', '30 v9'], `${torn} bytes`);
    // back to the file before the next tear
    const first = desk.open();
    first.take(second(0));
    first.close();
    await desk.finished();
  }
  appendFileSync(desk.path(), Buffer.alloc(300)); // zeros, as some file systems leave them
  const again = desk.open({ mode: 'append' });
  again.take([pictures(0, video.keyframe(9))]);
  again.close();
  await desk.finished();
  assert.equal(read(desk.path()).media.at(-1), '1020 v9');
});

test('a file that is none of ours is not appended to', async () => {
  await using desk = new Desk();
  mkdirSync(join(desk.path(), '..'), { recursive: true });
  writeFileSync(desk.path(), 'this is no FLV, and somebody may need it');
  assert.throws(() => desk.open({ mode: 'append' }), { code: 'NetStream.Record.NoAccess' });
  assert.match(readFileSync(desk.path(), 'utf8'), /somebody may need it/);
  const [refusal] = desk.log.records.filter(({ event }) => event === 'record-refused');
  assert.match(String(refusal?.msg), /^a recording cannot begin: ./);
});

// ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

test('slashes make folders, instances have theirs, and the flv prefix is no part of the name', async () => {
  await using desk = new Desk();
  desk.open({ stream: 'day 1/cam.left', instance: 'rooms/7' }).close();
  desk.open({ stream: 'flv:b' }).close();
  await desk.finished();
  assert.ok(existsSync(desk.path('day 1/cam.left.flv', 'rooms%2F7')));
  assert.ok(existsSync(desk.path('b.flv')));
});

for (const stream of [
  '../x',
  'a/../../x',
  '/etc/x',
  'a\\b',
  '..\\x',
  'C:x',
  'a:b:c',
  'a//b',
  'a/',
  '.hidden',
  'a/.b',
  'CON',
  'x'.repeat(300),
  'a\u0000b',
  'a\ud800b',
  'flv:../x',
  'flv:',
  '',
]) {
  test(`the stream name ${JSON.stringify(stream.slice(0, 20))} gets no file`, async () => {
    await using desk = new Desk();
    assert.throws(() => desk.open({ stream }), RecordingError);
    assert.equal(existsSync(join(desk.folder, 'live')), false);
  });
}

test('containers that there are not are refused as such', async () => {
  await using desk = new Desk();
  for (const stream of ['raw:x', 'f4f:x']) {
    assert.throws(() => desk.open({ stream }), { code: 'NetStream.Record.Failed' });
  }
});

test('two names with colons do not record over each other, nor over the name behind the colon', async () => {
  await using desk = new Desk();
  for (const stream of ['studio:cam', 'lab:cam', 'cam']) {
    const recording = desk.open({ stream, file: '{stream}', format: 'flv' });
    recording.take(second(0));
    recording.close();
    await desk.finished();
  }
  for (const file of ['studio%3Acam.flv', 'lab%3Acam.flv', 'cam.flv']) {
    assert.equal(read(desk.path(file)).media.length, 5, file);
  }
});

test('a file has one recorder at a time', async () => {
  await using desk = new Desk();
  const first = desk.open();
  for (const stream of ['cam', 'flv:cam']) {
    assert.throws(() => desk.open({ stream, mode: 'append' }), { code: 'NetStream.Record.NoAccess' });
  }
  desk.open({ stream: 'other' });
  first.take(second(0));
  first.close();
  await desk.finished();
  assert.equal(read(desk.path()).media.length, 5);
});

// ── limits and failures ──────────────────────────────────────────────────────────────────────────────────────────

test('recordings of one file that are begun and ended quicker than they are written wait in a short queue', async () => {
  await using desk = new Desk();
  const toggle = () => {
    let begun = 0;
    try {
      for (; begun < 100; begun += 1) desk.open().close();
    } catch (error) {
      assert.ok(error instanceof RecordingError);
      assert.equal(error.code, 'NetStream.Record.Failed');
    }
    return begun;
  };
  assert.equal(toggle(), 9);
  assert.equal(toggle(), 0);
  await until('the queue to be free', () => toggle() > 0);
});

test('a recording stops when it is long enough, of this session', async () => {
  await using desk = new Desk();
  for (let i = 1; i <= 2; i += 1) {
    const recording = desk.open({ mode: 'append', limits: { maxDurationS: 1 } });
    recording.take(second(0).slice(0, 5));
    assert.equal(desk.events.length, i - 1);
    recording.take([pictures(1_000, video.frame(5)), pictures(1_040, video.frame(6))]);
    assert.equal(desk.events.length, i);
    await desk.finished();
  }
  assert.deepEqual(desk.events, ['stopped', 'stopped']);
  assert.equal(read(desk.path()).media.length, 10);
  assert.equal(desk.clock.pending, 0);
});

test('a recording stops when its file is large enough', async () => {
  await using desk = new Desk();
  const recording = desk.open({ limits: { maxSizeBytes: 300_000 } });
  for (let i = 0; i < 10; i += 1)
    recording.take([pictures(i * 40, Buffer.concat([video.keyframe(i), Buffer.alloc(100_000)]))]);
  assert.deepEqual(desk.events, ['stopped']);
  await desk.finished();
  assert.equal(read(desk.path()).media.length, 3);
  assert.equal(desk.clock.pending, 0);
});

test('a group of pictures larger than the queue for the disk is no failure', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  const large = Buffer.concat([video.frame(1), Buffer.alloc(1 << 20)]);
  recording.take([
    pictures(0, video.header()),
    pictures(0, video.keyframe(1)),
    ...Array.from({ length: 15 }, (_, i) => pictures(i, large)),
  ]);
  recording.take([pictures(20, Buffer.concat([video.keyframe(1), Buffer.alloc(8 << 20)]))]);
  recording.close();
  await desk.finished();
  assert.deepEqual(desk.events, []);
  assert.equal(read(desk.path()).media.length, 18);
});

for (const { code, status } of [
  { code: 'ENOSPC', status: 'NetStream.Record.Failed' },
  { code: 'EIO', status: 'NetStream.Record.Failed' },
  { code: 'EROFS', status: 'NetStream.Record.NoAccess' },
]) {
  test(`${code} ends the recording once, and what was there before is a whole file`, async () => {
    await using desk = new Desk();
    const recording = desk.open();
    recording.take(second(0));
    await recording.flush();
    desk.trouble = Object.assign(new Error(code), { code });
    recording.take([pictures(2_000, video.keyframe(6)), pictures(2_040, video.frame(7))]);
    await recording.flush();
    assert.deepEqual(desk.codes, [status]);
    assert.match(desk.events[0]!, new RegExp(code));
    desk.trouble = undefined;
    await desk.finished();
    const { media, metaData, keyframes } = read(desk.path());
    assert.deepEqual(media, ['0 v1', '0 a2', '0 v3', '10 a4', '1000 v5']);
    assert.equal(metaData[0]?.duration, 1);
    assert.deepEqual(keyframes?.length, 1);
    assert.deepEqual(desk.completed, [], 'it is not whole');
    recording.take(second(9_000)); // the stream does not know yet
  });
}

test('a recording whose folder is removed ends, and says so', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(0));
  await recording.flush();
  rmSync(join(desk.folder, 'live'), { recursive: true });
  recording.take([pictures(2_000, video.keyframe(6))]);
  await recording.flush();
  await until('the failure', () => desk.events.length > 0);
  assert.deepEqual(desk.codes, ['NetStream.Record.Failed']);
  assert.match(desk.events[0]!, /removed/);
  await desk.finished();
  assert.deepEqual(desk.completed, []);
});

test('a disk that refuses the last bytes of a recording that has ended is told of as well', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(0));
  desk.trouble = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  recording.close();
  await desk.finished();
  assert.deepEqual(desk.codes, ['NetStream.Record.Failed']);
  assert.deepEqual(desk.completed, []);
});

const LEFT_OUT = [
  { name: 'AAC', came: [sound(0, audio.frame(1)), sound(20, audio.frame(2))], codec: 'aac' },
  { name: 'AVC', came: [pictures(0, video.keyframe(1)), pictures(40, video.frame(2))], codec: 'avc' },
];
for (const { name, came, codec, stream, format } of LEFT_OUT.flatMap((one) => [
  { ...one, stream: 'mp4:cam', format: 'MP4' },
  { ...one, stream: 'cam', format: 'FLV' },
])) {
  test(`a recording to ${format} of ${name} that never gets its configuration says that there is nothing`, async () => {
    await using desk = new Desk();
    const recording = desk.open({ stream });
    recording.take(came);
    recording.close();
    await desk.finished();
    assert.deepEqual(desk.codes, ['NetStream.Record.Failed']);
    assert.match(desk.events[0]!, new RegExp(`^Nothing was recorded.*${codec}.*configuration never came`));
    assert.deepEqual(desk.completed, []);
    const told = desk.log.records.filter(({ level }) => level !== 'info');
    assert.deepEqual(
      told.map(({ event, level, reason }) => [event, level, reason]),
      [['record-failed', 'warn', desk.events[0]]],
    );
    assert.ok(!desk.log.records.some(({ event }) => event === 'record-stop'));
  });
}

test('a recording of pictures without a keyframe says that there is nothing; one into which nothing came does not', async () => {
  for (const stream of ['cam', 'mp4:cam']) {
    await using desk = new Desk();
    const recording = desk.open({ stream });
    recording.take([pictures(0, video.header(1)), pictures(0, video.frame(1)), pictures(40, video.frame(2))]);
    recording.close();
    desk.open({ stream: stream.replace('cam', 'empty') }).take([pictures(0, video.header(1))]);
    await desk.finished();
    assert.deepEqual(desk.codes, ['NetStream.Record.Failed']);
    assert.match(desk.events[0]!, /no keyframe came/);
  }
});

for (const stream of ['cam', 'mp4:cam']) {
  test(`a track that nobody can play from ${stream} has a warning, in each file of a recording that lacks it`, async () => {
    await using desk = new Desk();
    const recording = desk.open({ stream, segmentS: 2 });
    const clip = messagesOf(await h264Clip()).filter(({ timestampMs }) => timestampMs < 4_000);
    const isHeader = ({ typeId, payload }: WireMessage) => typeId === MessageType.Audio && payload[1] === 0;
    recording.take(clip.filter((message) => !isHeader(message)));
    recording.close();
    await desk.finished();
    assert.deepEqual(desk.events, []);
    const told = desk.log.records.filter(({ event }) => event === 'record-left-out');
    assert.deepEqual(
      told.map(({ path, track, codec, level }) => [path, track, codec, level]),
      desk.completed.map(({ path }) => [path, 'audio', 'aac', 'warn']),
    );
    assert.ok(told.length > 1);
  });
}

test('a recording that fails for its content is a warning with the cause', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:cam' });
  recording.take([sound(0, Uint8Array.of(0xb2, 1, 2, 3))]);
  await desk.finished();
  const told = desk.log.records.filter(({ event }) => /^record-(stop|failed)/.test(`${event}`));
  assert.deepEqual(
    told.map(({ event, level, path, reason }) => [event, level, path, reason]),
    [['record-failed', 'warn', desk.path('cam.mp4'), desk.events[0]]],
  );
  assert.match(desk.events[0]!, /cannot hold speex/);
});

test('a disk that cannot keep up ends the recording, and says so once', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  const large = Buffer.concat([video.keyframe(1), Buffer.alloc(1 << 20)]);
  // the first of them is being written when all the others come
  for (let i = 0; i < 40; i += 1) recording.take([pictures(i, large)]);
  assert.deepEqual(desk.events, ['Writing failed (the disk cannot keep up).']);
  assert.equal(desk.log.records.filter(({ event }) => event === 'record-failed').length, 1);
  await desk.finished();
  assert.deepEqual(read(desk.path()).media, ['0 v0'], 'what is in the file is whole');
  assert.equal(desk.clock.pending, 0);
});

test('what is recorded is on the disk a second later', async () => {
  await using desk = new Desk();
  const recording = desk.open();
  recording.take(second(0));
  assert.equal(readFileSync(desk.path()).length, 13);
  desk.clock.advance(1_000);
  await until('all five messages on the disk', () => read(desk.path()).media.length === 5);
  recording.close();
  assert.equal(desk.clock.pending, 0);
});

test('a folder that cannot be written to is an error of the recording', async () => {
  await using desk = new Desk();
  mkdirSync(join(desk.folder, 'live'));
  writeFileSync(join(desk.folder, 'live', 'streams'), 'a file where the folder should be');
  assert.throws(() => desk.open(), { code: 'NetStream.Record.Failed' });
});
