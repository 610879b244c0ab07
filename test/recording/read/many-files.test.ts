// Publishers that make a recording of many files, and much that waits for one.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { HEVC_CONFIGURATION, video } from '../../support/media.ts';
import { Desk } from '../../support/recording-desk.ts';

const picture = (timestampMs: number, payload: Uint8Array): WireMessage =>
  buildWireMessage({ typeId: MessageType.Video, timestampMs, payload });

/** An MP4 has one codec, so each of them begins another file. */
function pictureOfAnotherCodec(number: number): WireMessage[] {
  const [header, keyframe] =
    number % 2 === 0
      ? [video.header(), video.keyframe()]
      : [Buffer.of(0x1c, 0, 0, 0, 0, ...HEVC_CONFIGURATION), Buffer.of(0x1c, 1, 0, 0, 0, 1)];
  return [picture(40 * number, header), picture(40 * number, keyframe)];
}

test('a recording goes on in 200 files at once and ten a second, and fails where its publisher wants more', async () => {
  await using desk = new Desk({ finishesMp4: false });
  const recording = desk.open({ stream: 'mp4:cam' });
  let number = 0;
  const send = (count: number) => {
    for (const end = number + count; number < end; number += 1) recording.take(pictureOfAnotherCodec(number));
  };
  send(150);
  desk.clock.advance(5_000);
  send(50);
  assert.deepEqual(desk.events, []);
  send(250);
  await desk.finished();
  assert.deepEqual(desk.events, ['It goes on in more than 10 files a second.']);
  assert.ok(existsSync(desk.path('cam-200.mp4')) && !existsSync(desk.path('cam-300.mp4')));
  assert.ok(
    desk.log.records.some(({ limit }) => limit === 'MaxRecordingFiles'),
    'no line says so',
  );
});

test('one that is appended goes on behind all files of its name that there are', async () => {
  await using desk = new Desk({ finishesMp4: false });
  mkdirSync(dirname(desk.path()), { recursive: true });
  for (let i = 2; i <= 300; i += 1) writeFileSync(desk.path(`cam-${i}.mp4`), '');
  const recording = desk.open({ stream: 'mp4:cam', mode: 'append' });
  for (let i = 0; i < 4; i += 1) recording.take(pictureOfAnotherCodec(i));
  recording.close();
  await desk.finished();
  const names = desk.completed.map(({ name }) => name);
  assert.deepEqual(names, ['mp4:cam.mp4', 'mp4:cam-301.mp4', 'mp4:cam-302.mp4', 'mp4:cam-303.mp4']);
});

test('what has waited for the file is written in turns of 5 ms, in its order', async () => {
  await using desk = new Desk();
  const { clock } = desk;
  const first = desk.open();
  first.take([picture(0, video.header()), picture(0, video.keyframe())]);
  first.close();
  const second = desk.open({ mode: 'append' });
  second.take([picture(0, video.header()), picture(0, video.keyframe(1))]);
  for (let i = 1; i < 500; i += 1) second.take([picture(i, video.frame(i))]);
  // each look at the clock is a part of a millisecond of work
  let ms = clock.now();
  let looks = 0;
  let most = 0;
  clock.now = () => {
    looks += 1;
    most = Math.max(most, looks);
    ms += 0.2;
    return ms;
  };
  let turns = 0;
  clock.soon = (call) => {
    turns += 1;
    looks = 0;
    setImmediate(call);
    return () => {};
  };
  await first.finished;
  while (second.file.lengthMs < 499) await new Promise((resolve) => setImmediate(resolve));
  second.take([picture(500, video.frame(0))]);
  second.close();
  await second.finished;
  assert.ok(turns > 10, `${turns} turns`);
  assert.ok(most < 100, `${most} looks in one turn`);
  assert.deepEqual(desk.events, []);
  assert.equal(desk.completed.at(-1)?.lengthMs, 520);
});
