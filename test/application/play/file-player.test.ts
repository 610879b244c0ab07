// How a file is sent to one player: ahead of time as far as it buffers, then as time goes by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RTMP_CHUNKS } from '../../../src/application/live/rtmp-shape.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { FilePlayer, type FilePlayerOptions } from '../../../src/application/play/file-player.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { TURN_CLOCK } from '../../support/core.ts';
import { FakePlayerPort } from '../../support/fake-client.ts';
import { FakeFile, pictures, settled, sounds } from '../../support/fake-file.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const HEADER = 0xee;

function setUp(file: FakeFile, options: Partial<FilePlayerOptions> = {}, port = new FakePlayerPort()) {
  const clock = new ManualClock();
  const events: string[] = [];
  const errors: unknown[] = [];
  const player = new FilePlayer({
    ...{ stream: file, port, clock, turns: new Turns(TURN_CLOCK) },
    ...{ minBufferMs: 1_000, offsetMs: 0, marks: true },
    ended: () => events.push('ended'),
    failed: (error) => errors.push(error),
    ...options,
  });
  const times = (from = 0) =>
    port
      .messages(from)
      .filter(({ payload }) => payload.at(-1) !== HEADER)
      .map(({ timestampMs }) => timestampMs);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { clock, port, player, events, errors, times, pass };
}

test('the player gets headers first and as much as it buffers, then the rest as time goes by, then the end', async () => {
  const { port, player, events, times, pass } = setUp(new FakeFile(pictures(0, 3_000)));
  player.playFrom(0);
  await settled();
  assert.equal(port.messages()[0]!.payload.at(-1), HEADER);
  assert.equal(times().at(-1), 1_000, 'as much as it buffers');
  assert.deepEqual(port.told, ['buffer filled']);
  await pass(1_000);
  assert.equal(times().at(-1), 2_000);
  assert.ok(port.told.includes('buffer goes on'));
  assert.deepEqual(events, []);
  await pass(1_000);
  assert.equal(times().at(-1), 2_960);
  assert.deepEqual(events, ['ended']);
  assert.deepEqual(
    times(),
    [...Array(75).keys()].map((at) => at * 40),
  );
});

test('a longer buffer is filled at once, and one below the least is taken for the least', async () => {
  const { player, times } = setUp(new FakeFile(pictures(0, 5_000)));
  player.playFrom(0);
  await settled();
  player.bufferMs = 10;
  await settled();
  assert.equal(times().at(-1), 1_000);
  player.bufferMs = 3_000;
  await settled();
  assert.equal(times().at(-1), 3_000);
});

test('the file’s own bytes are shared, and bytes of its own go to a player with other times', async () => {
  const file = new FakeFile(pictures(0, 400));
  const segment = await file.read(0);
  const plain = setUp(file);
  plain.player.playFrom(0);
  await settled();
  const joined = RTMP_CHUNKS.join(segment!.messages);
  assert.ok(plain.port.writes.some((bytes) => joined.equals(bytes)));
  const moved = setUp(new FakeFile(pictures(0, 400)), { offsetMs: 5_000 });
  moved.player.playFrom(0);
  await settled();
  assert.equal(moved.times()[0], 5_000);
  assert.equal(moved.player.sentMs, 5_360);
});

test('a seek goes to the keyframe before, and marks what the decoder alone needs', async () => {
  const { port, player, times } = setUp(new FakeFile(pictures(0, 4_000)));
  player.playFrom(0);
  await settled();
  const from = port.writes.length;
  player.playFrom(2_520, { marks: true, metaData: true });
  await settled();
  assert.equal(times(from)[0], 2_000);
  const marks = port.messages(from).filter(({ payload }) => (payload[0]! & 0xf0) === 0x50);
  assert.deepEqual(
    marks.map(({ timestampMs, payload }) => [timestampMs, payload[1]]),
    [
      [2_000, 0],
      [2_520, 1],
    ],
  );
});

test('of two seeks that follow each other the second counts', async () => {
  const { port, player, times } = setUp(new FakeFile(pictures(0, 4_000)));
  player.playFrom(1_000);
  player.playFrom(3_000);
  await settled();
  assert.equal(times()[0], 3_000);
  assert.equal(port.messages().filter(({ payload }) => payload.at(-1) === HEADER).length, 1);
});

test('a paused player gets nothing but the picture that it seeks, and goes on behind it', async () => {
  const { port, player, times, pass } = setUp(new FakeFile(pictures(0, 5_000)));
  player.playFrom(0);
  await settled();
  player.pause();
  assert.ok(player.isPaused);
  const before = port.writes.length;
  await pass(3_000);
  assert.equal(port.writes.length, before);
  player.playFrom(2_080, { marks: true, metaData: true });
  await settled();
  assert.equal(times(before).at(-1), 2_080);
  const shown = port.writes.length;
  await pass(1_000);
  assert.equal(port.writes.length, shown);
  player.resume();
  await settled();
  assert.equal(times(shown)[0], 2_120);
});

test('it waits for a socket that has much to send', async () => {
  const port = new FakePlayerPort();
  port.queuedBytes = 256 << 10;
  const { player, times } = setUp(new FakeFile(pictures(0, 1_000)), {}, port);
  player.playFrom(0);
  await settled();
  assert.deepEqual(times(), []);
  port.drain();
  await settled();
  assert.equal(times().at(-1), 960);
});

test('what grows is followed to its end', async () => {
  const file = new FakeFile(pictures(0, 200), { isGrowing: true });
  const { player, events, times } = setUp(file);
  player.playFrom(0);
  await settled();
  assert.equal(times().at(-1), 160);
  assert.deepEqual(events, []);
  file.grow(pictures(200, 400));
  await settled();
  assert.equal(times().at(-1), 360);
  file.end();
  await settled();
  assert.deepEqual(events, ['ended']);
});

test('it ends where it was told to, or hands over there', async () => {
  const limited = setUp(new FakeFile(pictures(0, 2_000)));
  limited.player.playFrom(0);
  limited.player.endMs = 400;
  await settled();
  assert.equal(limited.times().at(-1), 360);
  assert.deepEqual(limited.events, ['ended']);

  const handing = setUp(new FakeFile(pictures(0, 2_000)));
  handing.player.playFrom(0);
  handing.player.handOver(400, () => handing.events.push('handed over'));
  await settled();
  assert.equal(handing.times().at(-1), 360);
  assert.deepEqual(handing.events, ['handed over']);
});

test('a hand-over that is taken back does not happen', async () => {
  const { player, events, times } = setUp(new FakeFile(pictures(0, 2_000)));
  player.handOver(400, () => events.push('handed over'))();
  player.playFrom(0);
  await settled();
  assert.equal(times().at(-1), 1_000);
  assert.deepEqual(events, []);
});

test('a player that wants no sound, or one picture, gets just that', async () => {
  const both = [...pictures(0, 400), ...sounds(0, 400)].sort((a, b) => a.timestampMs - b.timestampMs);
  const deaf = setUp(new FakeFile(both));
  deaf.player.receive({ audio: false });
  deaf.player.playFrom(0);
  await settled();
  assert.ok(deaf.port.messages().every(({ typeId }) => typeId === MessageType.Video));
  assert.equal(deaf.times().length, 10);

  const still = setUp(new FakeFile(pictures(0, 400)));
  still.player.wantOneFrame();
  still.player.playFrom(0);
  await settled();
  assert.deepEqual(still.times(), [0]);
  assert.deepEqual(still.events, ['ended']);
});

test('a file that cannot be read fails once, and sends nothing more', async () => {
  const file = new FakeFile(pictures(0, 3_000));
  const { player, errors, events, times, pass } = setUp(file);
  player.playFrom(0);
  await settled();
  file.trouble = new Error('the disk is gone');
  await pass(1_500);
  await pass(1_500);
  assert.deepEqual(errors, [file.trouble]);
  assert.deepEqual(events, []);
  assert.ok(times().at(-1)! < 2_960);
});

test('one that is closed lets go of its file, its timers and its growth, and a reading under way changes nothing', async () => {
  const file = new FakeFile(pictures(0, 3_000), { isGrowing: true });
  const { clock, port, player, events } = setUp(file);
  player.playFrom(0);
  player.close();
  player.close();
  await settled();
  assert.deepEqual(port.writes, []);
  assert.ok(file.isClosed);
  assert.equal(file.listenerCount, 0);
  assert.equal(clock.pending, 0);
  assert.deepEqual(events, []);
});
