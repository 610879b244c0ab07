// Appending to files that do not say where they end: the thread of the media goes through none of them.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  opendirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { FlvReader } from '../../../src/media/flv.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { video } from '../../support/media.ts';
import { Desk } from '../../support/recording-desk.ts';

const pictures = (timestampMs: number, payload: Uint8Array) =>
  wireMessage(MessageType.Video, timestampMs, payload);

const FILM = [pictures(0, video.header(1)), pictures(0, video.keyframe(2)), pictures(1_000, video.frame(3))];

async function recorded(desk: Desk, stream: string): Promise<void> {
  const recording = desk.open({ stream });
  recording.take(FILM);
  recording.close();
  await desk.finished();
}

function times(path: string): number[] {
  return [...new FlvReader().push(readFileSync(path))]
    .filter(({ typeId }) => typeId === MessageType.Video)
    .map(({ timestampMs }) => timestampMs);
}

const starts = (desk: Desk) => desk.log.records.filter(({ event }) => event === 'record-start').length;

test('an FLV that does not end with a tag is gone through by a thread; what comes meanwhile is behind it in the file', async () => {
  await using desk = new Desk();
  await recorded(desk, 'cam');
  appendFileSync(desk.path(), Buffer.alloc(3 << 20));
  const { size } = statSync(desk.path());
  const recording = desk.open({ mode: 'append' });
  recording.take(FILM);
  assert.equal(statSync(desk.path()).size, size, 'nobody has looked yet');
  assert.equal(starts(desk), 1);
  recording.close();
  await desk.finished();
  assert.deepEqual(times(desk.path()), [0, 0, 1_000, 1_020, 1_020, 2_020]);
  assert.deepEqual(desk.events, []);
});

test('an FLV without the lengths behind its tags is appended to', async () => {
  await using desk = new Desk();
  await recorded(desk, 'cam');
  const bytes = readFileSync(desk.path());
  bytes.writeUInt32BE(0, bytes.length - 4);
  writeFileSync(desk.path(), bytes);
  const recording = desk.open({ mode: 'append' });
  recording.take([pictures(0, video.keyframe(9))]);
  recording.close();
  await desk.finished();
  assert.deepEqual(times(desk.path()), [0, 0, 1_000, 1_020]);
});

test('an MP4 in fragments is gone through by a thread; what comes meanwhile is behind it in the file', async () => {
  await using desk = new Desk({ finishesMp4: false });
  const stream = 'mp4:show';
  await recorded(desk, stream);
  const { size } = statSync(desk.path('show.mp4'));
  appendFileSync(desk.path('show.mp4'), Buffer.alloc(300));
  const recording = desk.open({ stream, mode: 'append' });
  recording.take(FILM);
  assert.equal(statSync(desk.path('show.mp4')).size, size + 300, 'nobody has looked yet');
  assert.equal(starts(desk), 1);
  recording.close();
  await desk.finished();
  assert.ok(statSync(desk.path('show.mp4')).size > size);
  assert.deepEqual(desk.events, []);
});

test('a file that changes while a thread looks where it ends is not appended to', async () => {
  await using desk = new Desk();
  await recorded(desk, 'cam');
  appendFileSync(desk.path(), Buffer.alloc(300));
  const recording = desk.open({ mode: 'append' });
  // before the thread has answered, which takes a turn at least, it is another file
  truncateSync(desk.path(), 20);
  recording.close();
  await recording.finished;
  // whichever the thread has seen, the file is not taken for what it was
  if (desk.codes.length > 0) assert.deepEqual(desk.codes, ['NetStream.Record.NoAccess']);
  else assert.equal(times(desk.path()).length, 0);
});

test('a recording under one of two names of a file begins when the disk has listed a folder of many names', async () => {
  await using desk = new Desk();
  const folder = dirname(desk.path());
  mkdirSync(folder, { recursive: true });
  writeFileSync(desk.path(), '');
  for (let i = 0; i < 4_000; i += 1) linkSync(desk.path(), desk.path(`${i}.flv`));
  const file = nameInList(folder, 2_500);
  linkSync(desk.path(), desk.path(file.toUpperCase()));
  const recording = desk.open({ stream: file.slice(0, -'.flv'.length), mode: 'append' });
  assert.equal(starts(desk), 0, 'a thousand names do not tell');
  recording.take(FILM);
  recording.close();
  await desk.finished();
  assert.deepEqual(desk.events, []);
  assert.deepEqual(times(desk.path()), [0, 0, 1_000]);
});

/** As the disk lists the folder. */
function nameInList(folder: string, place: number): string {
  const opened = opendirSync(folder);
  try {
    for (let i = 0; i < place; i += 1) opened.readSync();
    return opened.readSync()!.name;
  } finally {
    opened.closeSync();
  }
}
