// MP4 recordings, judged by ffprobe and by mediabunny.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } from 'mediabunny';
import { CodedError } from '../../../src/errors.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import type { WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { repairFlv } from '../../../src/recording/finish/flv-repair.ts';
import { finishMp4 } from '../../../src/recording/finish/mp4-finish.ts';
import { until } from '../../support/core.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { h264Clip, type Packet, probePackets, probeStreams, startFfmpeg } from '../../support/ffmpeg.ts';
import { audio, video } from '../../support/media.ts';
import { Random } from '../../support/random.ts';
import { Desk, messagesOf } from '../../support/recording-desk.ts';

const CAPTURES = join(import.meta.dirname, '..', '..', 'captures');

const before = (ms: number) => (message: WireMessage) => message.timestampMs < ms;
const pictures = (packets: Packet[]) => packets.filter(({ codecType }) => codecType === 'video');
const sounds = (packets: Packet[]) => packets.filter(({ codecType }) => codecType === 'audio');
const hashes = (packets: Packet[]) => packets.map(({ hash }) => hash);

/** In every stream of the file. */
function assertTimesGrow(packets: Packet[]): void {
  for (const stream of [pictures(packets), sounds(packets)]) {
    stream.forEach(({ dts }, i) => {
      assert.ok(i === 0 || dts > stream[i - 1]!.dts, `packet ${i}: ${stream[i - 1]?.dts}, then ${dts}`);
    });
  }
}

function assertSameTimes(packets: Packet[], source: Packet[], withinMs: number): void {
  assert.equal(packets.length, source.length);
  packets.forEach(({ dtsSeconds, ptsSeconds }, i) => {
    for (const [is, was] of [
      [dtsSeconds, source[i]!.dtsSeconds],
      [ptsSeconds, source[i]!.ptsSeconds],
    ] as const) {
      assert.ok(Math.abs(is - was) * 1000 <= withinMs, `packet ${i}: ${is} s instead of ${was} s`);
    }
  });
}

/** Seconds, as a reader that has nothing to do with ours says. */
async function durationOf(path: string): Promise<number> {
  using input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) });
  return await input.computeDuration();
}

/** The last pictures are shown a little later than they are decoded. */
async function assertDuration(path: string, lengthMs: number): Promise<void> {
  const ms = (await durationOf(path)) * 1000;
  assert.ok(ms >= lengthMs && ms < lengthMs + 100, `${ms} ms instead of ${lengthMs}`);
}

test('S-23: mp4:show.f4v is a plain MP4 with every picture and sound that was published, at its time', async () => {
  await using desk = new Desk();
  const clip = await h264Clip();
  const recording = desk.open({ stream: 'mp4:show.f4v' });
  for (const message of messagesOf(clip).filter(before(10_000))) recording.take([message]);
  recording.close();
  await desk.finished();
  const path = desk.path('show.f4v');
  const streams = await probeStreams(path);
  assert.deepEqual(
    streams.map(({ codecName, width, height, sampleRate }) => [codecName, width, height, sampleRate]),
    [
      ['h264', 320, 180, undefined],
      ['aac', undefined, undefined, 44_100],
    ],
  );
  const packets = await probePackets(path);
  const source = (await probePackets(clip)).filter(({ dts }) => dts < 10_000);
  assert.deepEqual(hashes(pictures(packets)), hashes(pictures(source)));
  assert.deepEqual(hashes(sounds(packets)), hashes(sounds(source)));
  assertSameTimes(pictures(packets), pictures(source), 0);
  assertSameTimes(sounds(packets), sounds(source), 2);
  assertTimesGrow(packets);
  const [file] = desk.completed;
  assert.equal(file?.path, path);
  assert.equal(file?.sizeBytes, readFileSync(path).length);
  assert.deepEqual(file?.codecs, ['avc', 'aac']);
  assert.ok(Math.abs(file!.lengthMs - 10_000) < 100, `${file?.lengthMs}`);
  await assertDuration(path, file!.lengthMs);
});

test('what is flushed of an MP4 can be played when the process is killed, and the next start makes it whole', async () => {
  await using desk = new Desk();
  const messages = messagesOf(await h264Clip()).filter(before(7_000));
  const recording = desk.open({ stream: 'mp4:show' });
  const growing = desk.recorders.find(desk.path('show.mp4'))!;
  recording.take(messages);
  await recording.flush();
  assert.equal(growing.flushedBytes, readFileSync(desk.path('show.mp4')).length);
  // what a process leaves that is killed now
  const left = desk.path('left.mp4');
  copyFileSync(desk.path('show.mp4'), left);
  const killed = await probePackets(left);
  assert.equal(pictures(killed).length, messages.filter((m) => m.typeId === MessageType.Video).length - 1);
  assertTimesGrow(killed);
  recording.close();
  await desk.finished();

  await using torn = new Desk();
  const path = torn.path('show.mp4');
  torn.open({ stream: 'mp4:show' }); // makes the folders and the note
  copyFileSync(left, path);
  truncateSync(path, readFileSync(path).length - 1_000);
  await using next = new Desk({}, torn.folder);
  await next.recorders.repair();
  const repaired = await probePackets(path);
  assertTimesGrow(repaired);
  assert.ok(
    pictures(repaired).length >= 150,
    `${pictures(repaired).length} pictures up to the torn fragment`,
  );
  assert.ok((await durationOf(path)) >= 5.9);
  assert.ok(next.log.records.some(({ event }) => event === 'record-repaired'));
});

for (const [what, isOff] of [
  ['one timestamp that is 15 h off', (i: number) => i === 150],
  ['a clock that jumps 15 h', (i: number) => i >= 150],
] as const) {
  test(`${what} leaves an MP4 as long as it was, and every picture with its composition time`, async () => {
    await using desk = new Desk();
    const clip = await h264Clip();
    const messages = messagesOf(clip).filter(before(4_000));
    const recording = desk.open({ stream: 'mp4:show' });
    recording.take(
      messages.map((m, i) => wireMessage(m.typeId, m.timestampMs + (isOff(i) ? 54_000_000 : 0), m.payload)),
    );
    recording.close();
    await desk.finished();
    const packets = await probePackets(desk.path('show.mp4'));
    const source = (await probePackets(clip)).filter(({ dts }) => dts < 4_000);
    assertSameTimes(pictures(packets), pictures(source), 25);
    assertSameTimes(sounds(packets), sounds(source), 30);
    assert.equal(desk.log.records.filter(({ event }) => event === 'record-clock').length, 1);
  });
}

test('one composition time of two hours does not make an MP4 two hours long', async () => {
  await using desk = new Desk();
  const messages = messagesOf(await h264Clip()).filter(before(4_000));
  const at = messages.findIndex((m, i) => i > 80 && m.typeId === MessageType.Video);
  const payload = Buffer.from(messages[at]!.payload);
  payload.writeIntBE(7_200_000, 2, 3);
  const recording = desk.open({ stream: 'mp4:show' });
  recording.take(messages.with(at, wireMessage(MessageType.Video, messages[at]!.timestampMs, payload)));
  recording.close();
  await desk.finished();
  const packets = await probePackets(desk.path('show.mp4'));
  assert.ok(Math.max(...packets.map(({ ptsSeconds }) => ptsSeconds)) < 4.2);
});

test('an MP4 that is whole is appended to, and is whole again', async () => {
  await using desk = new Desk();
  const messages = messagesOf(await h264Clip()).filter(before(4_000));
  for (let i = 0; i < 3; i += 1) {
    const recording = desk.open({ stream: 'mp4:show', mode: 'append' });
    recording.take(messages);
    recording.close();
    await desk.finished();
  }
  const packets = await probePackets(desk.path('show.mp4'));
  assert.equal(pictures(packets).length, 300);
  assertTimesGrow(packets);
  const lengths = desk.completed.map(({ lengthMs }) => lengthMs);
  assert.ok(Math.abs(lengths[2]! - 12_060) < 120, `${lengths}`);
  await assertDuration(desk.path('show.mp4'), lengths[2]!);
});

test('with finishing off an MP4 stays in fragments, and is appended to as well', async () => {
  await using desk = new Desk({ finishesMp4: false });
  const messages = messagesOf(await h264Clip()).filter(before(4_000));
  for (let i = 0; i < 2; i += 1) {
    const recording = desk.open({ stream: 'mp4:show', mode: 'append' });
    recording.take(messages);
    recording.close();
    await desk.finished();
  }
  const packets = await probePackets(desk.path('show.mp4'));
  assert.equal(pictures(packets).length, 200);
  assertTimesGrow(packets);
  assert.ok(readFileSync(desk.path('show.mp4')).includes('moof'));
});

for (const { file, codec } of [
  { file: 'hevc-aac.flv', codec: 'hevc' },
  { file: 'av1-aac.flv', codec: 'av1' },
  { file: 'vp9-aac.flv', codec: 'vp9' },
]) {
  for (const stream of ['mp4:show', 'show']) {
    test(`${codec} is recorded as ${stream}`, async () => {
      await using desk = new Desk();
      const messages = messagesOf(join(CAPTURES, file));
      const recording = desk.open({ stream });
      recording.take(messages);
      recording.close();
      await desk.finished();
      const path = desk.path(stream === 'show' ? 'show.flv' : 'show.mp4');
      assert.deepEqual([...desk.completed[0]!.codecs].sort(), ['aac', codec].sort());
      if (stream === 'show') return; // older ffprobes cannot read those
      const streams = await probeStreams(path);
      assert.deepEqual(
        streams.map(({ codecName }) => codecName),
        [codec, 'aac'],
      );
      assert.ok(streams[0]!.width! > 0);
      const packets = await probePackets(path);
      assert.equal(pictures(packets).length, 20);
      assertTimesGrow(packets);
    });
  }
}

for (const [codec, payload] of [
  ['vp6', Uint8Array.of(0x14, 0, 1, 2, 3)],
  ['h263', Uint8Array.of(0x12, 0, 1, 2, 3)],
  ['screen', Uint8Array.of(0x13, 0, 1, 2, 3)],
  ['wxyz', Uint8Array.of(0x91, 0x77, 0x78, 0x79, 0x7a, 1, 2, 3)],
  ['speex', Uint8Array.of(0xb2, 1, 2, 3)],
  ['nellymoser', Uint8Array.of(0x62, 1, 2, 3)],
] as const) {
  test(`an MP4 of ${codec} is refused, with the advice to record FLV`, async () => {
    await using desk = new Desk();
    const recording = desk.open({ stream: 'mp4:show' });
    const isSound = codec === 'speex' || codec === 'nellymoser';
    recording.take([wireMessage(isSound ? MessageType.Audio : MessageType.Video, 0, payload)]);
    await desk.finished();
    assert.deepEqual(desk.codes, ['NetStream.Record.Failed']);
    assert.match(desk.events[0]!, new RegExp(`cannot hold ${codec}\\. Record FLV instead`));
    assert.deepEqual(desk.completed, []);
  });
}

test('data messages are left out of an MP4, which is said once', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:show' });
  const cue = (ms: number) =>
    wireMessage(MessageType.DataAmf0, ms, encodeData({ name: 'onCuePoint', values: ['x'] }, 0).payload);
  const clip = messagesOf(await h264Clip()).filter(before(500));
  recording.take([...clip, cue(500), cue(510)]);
  recording.close();
  await desk.finished();
  const said = desk.log.records.filter(({ event }) => event === 'record-left-out');
  assert.equal(said.length, 1);
  assert.equal(desk.completed.length, 1);
});

test('a decoder configuration that an MP4 cannot hold beside its first begins a new file', async () => {
  await using desk = new Desk();
  const first = messagesOf(await h264Clip()).filter(before(4_000));
  const other = messagesOf(join(CAPTURES, 'hevc-aac.flv'));
  const recording = desk.open({ stream: 'mp4:show' });
  recording.take(first);
  recording.take(other.map((m) => wireMessage(m.typeId, m.timestampMs + 5_000, m.payload)));
  recording.close();
  await desk.finished();
  assert.deepEqual(
    desk.completed.map(({ path, codecs, reason }) => [path, codecs, reason]),
    [
      [desk.path('show.mp4'), ['avc', 'aac'], 'codec'],
      [desk.path('show-2.mp4'), ['hevc', 'aac'], 'stopped'],
    ],
  );
  const packets = await probePackets(desk.path('show-2.mp4'));
  assert.ok(packets[0]!.dtsSeconds < 0.1, 'its time begins anew');
  assertTimesGrow(packets);
});

test('a group of pictures that does not end is written when it has waited long enough', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:show' });
  const growing = desk.recorders.find(desk.path('show.mp4'))!;
  const clip = messagesOf(await h264Clip()).filter(before(1_000));
  let ms = 0;
  recording.take(clip);
  const last = clip.filter(({ typeId }) => typeId === MessageType.Video).at(-1)!;
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 50; i += 1) {
      ms += 20;
      recording.take([wireMessage(MessageType.Video, 1_000 + ms, last.payload)]);
    }
    const { flushedMs } = growing;
    desk.clock.advance(1_000);
    await until('a fragment', () => growing.flushedMs > flushedMs);
  }
  assert.equal(growing.keyframes.count, 1, 'fragments within a group are no places to begin');
  recording.close();
  await desk.finished();
  assert.equal(desk.clock.pending, 0);
  assert.equal(pictures(await probePackets(desk.path('show.mp4'))).length, 175);
});

test('a file that is no MP4 of ours is not appended to', async () => {
  await using desk = new Desk();
  desk.open({ stream: 'mp4:other' }).close();
  await desk.finished();
  for (const content of ['this is no MP4', Buffer.alloc(100), readFileSync(join(CAPTURES, 'hevc-aac.flv'))]) {
    writeFileSync(desk.path('show.mp4'), content);
    assert.throws(() => desk.open({ stream: 'mp4:show', mode: 'append' }), {
      code: 'NetStream.Record.NoAccess',
    });
    assert.equal(readFileSync(desk.path('show.mp4')).length, content.length);
  }
});

test('a recording to MP4 into which nothing came leaves no file', async () => {
  await using desk = new Desk();
  const recording = desk.open({ stream: 'mp4:show' });
  recording.take([
    wireMessage(MessageType.Video, 0, video.frame(1)),
    wireMessage(MessageType.Audio, 0, audio.header()),
  ]);
  recording.close();
  await desk.finished();
  assert.throws(() => readFileSync(desk.path('show.mp4')), { code: 'ENOENT' });
  assert.deepEqual(desk.completed, []);
});

/** Sound of other codecs, as an Enhanced RTMP publisher sends it, out of a file that ffmpeg has made. */
async function soundOf(codec: 'opus' | 'flac' | 'mp3', file: string): Promise<WireMessage[]> {
  const made = startFfmpeg([
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', '3', '-ac', '2'],
    ...['-c:a', codec === 'mp3' ? 'libmp3lame' : codec === 'opus' ? 'libopus' : 'flac', file],
  ]);
  assert.equal((await made.exited).code, 0, `${made.stderr}`);
  using input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(file) });
  const track = (await input.getPrimaryAudioTrack())!;
  const { description } = (await track.getDecoderConfig())!;
  const fourCc = { opus: 'Opus', flac: 'fLaC', mp3: '' }[codec];
  const pack = (packetType: number, data: Uint8Array) =>
    codec === 'mp3'
      ? Buffer.concat([Uint8Array.of(0x2f), data])
      : Buffer.concat([Uint8Array.of(0x90 | packetType), Buffer.from(fourCc), data]);
  const messages: WireMessage[] = [];
  if (description) messages.push(wireMessage(MessageType.Audio, 0, pack(0, bytesOf(description))));
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const ms = Math.max(0, Math.round(packet.timestamp * 1000));
    messages.push(wireMessage(MessageType.Audio, ms, pack(1, packet.data)));
  }
  return messages;
}

function bytesOf(source: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

for (const codec of ['opus', 'flac', 'mp3'] as const) {
  test(`${codec} alone is recorded to MP4, frame by frame and without gaps`, async () => {
    await using desk = new Desk();
    const source = join(desk.folder, `source.${codec === 'opus' ? 'ogg' : codec}`);
    const messages = await soundOf(codec, source);
    const recording = desk.open({ stream: 'mp4:song' });
    for (const message of messages) recording.take([message]);
    recording.close();
    await desk.finished();
    const path = desk.path('song.mp4');
    assert.deepEqual(desk.completed[0]?.codecs, [codec]);
    assert.deepEqual(
      (await probeStreams(path)).map(({ codecName, sampleRate }) => [codecName, sampleRate]),
      [[codec, 48_000]],
    );
    const packets = await probePackets(path);
    const frames = messages.filter(({ payload }) => codec === 'mp3' || payload[0] === 0x91);
    assert.equal(packets.length, frames.length);
    assert.deepEqual(
      packets.map(({ size }) => size),
      frames.map(({ payload }) => payload.length - (codec === 'mp3' ? 1 : 5)),
    );
    assertTimesGrow(packets);
    const steps = new Set(packets.slice(1, -1).map(({ dts }, i) => dts - packets[i]!.dts));
    assert.ok(steps.size <= 2, `steps of ${[...steps]} samples`);
    assert.ok(Math.abs(packets.at(-1)!.dtsSeconds - 3) < 0.1, 'its length');
  });
}

test('what a crash, or anybody, makes of a file is never more than a refusal', async () => {
  await using desk = new Desk({ finishesMp4: false });
  const messages = messagesOf(await h264Clip()).filter(before(3_000));
  for (const stream of ['show', 'mp4:show']) {
    const recording = desk.open({ stream });
    recording.take(messages);
    recording.close();
  }
  await desk.finished();
  const random = new Random(1);
  for (const [name, repair] of [
    ['show.flv', repairFlv],
    ['show.mp4', (path: string) => finishMp4(path)],
  ] as const) {
    const whole = readFileSync(desk.path(name));
    const interesting = Math.min(whole.length, 4_000);
    for (let i = 0; i < 300; i += 1) {
      const bytes = Buffer.from(
        whole.subarray(0, random.below(10) < 5 ? whole.length : random.below(whole.length)),
      );
      for (let n = random.below(4); n > 0 && bytes.length > 0; n -= 1) {
        bytes[random.below(Math.min(bytes.length, interesting))] = random.below(256);
      }
      const path = join(desk.folder, name);
      writeFileSync(path, bytes);
      try {
        repair(path);
      } catch (error) {
        assert.ok(error instanceof CodedError, `round ${i}: ${(error as Error).stack}`);
      }
    }
  }
});
