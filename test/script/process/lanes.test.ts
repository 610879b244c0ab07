import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import {
  APPLICATION_WINDOW_BYTES,
  type Lane,
  Lanes,
  SMALL_BYTES,
  UNIT_WINDOW_BYTES,
} from '../../../src/script/process/lanes.ts';
import type { EventToScript } from '../../../src/script/wire/event-frames.ts';
import { decodeEvents, encodeFrame, FrameReader } from '../../../src/script/wire/frames.ts';
import { FrameType, MAX_BATCH_EVENTS, MAX_FRAME_BYTES } from '../../../src/script/wire/wire.ts';

interface Sent {
  readonly unit: number;
  readonly type: number;
  readonly bytes: number;
  /** The clients that its events are about. */
  readonly clients: readonly string[];
}

/** A runner that takes what its pipe has room for, and deals with it when the test says so. */
function setUp(roomFrames = Number.POSITIVE_INFINITY) {
  const sent: Sent[] = [];
  const tooLong: EventToScript[] = [];
  let room = roomFrames;
  let units = 0;
  const reader = new FrameReader(MAX_FRAME_BYTES);
  const lanes = new Lanes({
    send(frame) {
      for (const { unit, type, body } of reader.push(frame)) {
        const events = type === FrameType.Events ? JSON.parse(decodeEvents(body).text) : [];
        const clients = events.map(({ client }: { client: string }) => client.trim());
        sent.push({ unit, type, bytes: body.length, clients });
      }
      room -= 1;
      return room > 0;
    },
  });
  return {
    sent,
    tooLong,
    lanes,
    open(application: string, onSent = () => {}): Lane {
      units += 1;
      return lanes.open(application, { unit: units, onTooLong: (event) => tooLong.push(event), onSent });
    },
    /** The pipe has room for so many frames more. */
    drain(frames: number) {
      room = frames;
      lanes.drained();
    },
    clientsOf: (unit: number) => sent.filter((one) => one.unit === unit).flatMap(({ clients }) => clients),
    bytesOf: (...of: number[]) =>
      sent.filter(({ unit }) => of.includes(unit)).reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** An event of so many bytes, more or less. */
const event = (client: string, bytes = 0): EventToScript => ({
  t: 'disconnect',
  client: client.padEnd(bytes),
});

function fill(lane: Lane, bytes: number, each = 10_000): void {
  for (let i = 0; i * each < bytes; i += 1) lane.post(event(`${i}`, each));
}

describe('the way to the runner', () => {
  test('takes what is posted in one go in as few frames as a turn can take', async () => {
    const { sent, open } = setUp();
    const lane = open('a');
    for (let i = 0; i < MAX_BATCH_EVENTS + 3; i += 1) lane.post(event(`${i}`));
    await tick();
    assert.deepEqual(
      sent.map(({ clients }) => clients.length),
      [MAX_BATCH_EVENTS, 3],
    );
    assert.deepEqual(lane.waiting, { events: 0, bytes: 0 });
  });

  test('of a unit has no more on it than its window until a turn has dealt with some', async () => {
    const { sent, open, bytesOf, clientsOf } = setUp();
    const lane = open('a');
    fill(lane, 4 * UNIT_WINDOW_BYTES);
    await tick();
    assert.ok(bytesOf(1) <= UNIT_WINDOW_BYTES + 1000 && bytesOf(1) > UNIT_WINDOW_BYTES / 2);
    assert.ok(lane.waiting.bytes > 2 * UNIT_WINDOW_BYTES);
    for (let seen = 0; seen < sent.length; seen += 1) {
      assert.equal(lane.taken(sent[seen]!.bytes), true);
      await tick();
      assert.ok(lane.inRunnerBytes <= UNIT_WINDOW_BYTES + 1000);
    }
    assert.deepEqual(lane.waiting, { events: 0, bytes: 0 });
    assert.deepEqual(
      clientsOf(1),
      clientsOf(1).map((_, i) => `${i}`),
    );
  });

  test('lets an event that is larger than the window go when the runner has nothing of its unit', async () => {
    const { sent, open } = setUp();
    const lane = open('a');
    lane.post(event('first'));
    lane.post(event('large', 3 * UNIT_WINDOW_BYTES));
    lane.post(event('last'));
    await tick();
    assert.deepEqual(
      sent.map(({ clients }) => clients),
      [['first']],
    );
    lane.taken(sent[0]!.bytes);
    await tick();
    assert.deepEqual(sent.at(-1)!.clients, ['large']);
    lane.taken(sent[1]!.bytes);
    await tick();
    assert.deepEqual(sent.at(-1)!.clients, ['last']);
  });

  test('is shared by the units of an application, and one that has nothing in the runner has some room in any case', async () => {
    const { open, bytesOf, clientsOf } = setUp();
    const busy = Array.from({ length: 20 }, () => open('a'));
    for (const lane of busy) fill(lane, 2 * UNIT_WINDOW_BYTES);
    await tick();
    const all = bytesOf(...busy.map((_, i) => i + 1));
    const floors = busy.length * SMALL_BYTES;
    assert.ok(all <= APPLICATION_WINDOW_BYTES + UNIT_WINDOW_BYTES + floors, `${all} bytes`);
    const quiet = open('a');
    quiet.post(event('gate'));
    const other = open('b');
    other.post(event('large', UNIT_WINDOW_BYTES / 2));
    await tick();
    assert.deepEqual(clientsOf(21), ['gate']);
    assert.deepEqual(clientsOf(22), ['large']);
  });

  test('comes to every unit of an application that has something waiting', async () => {
    const { sent, open, clientsOf } = setUp();
    const lanes = Array.from({ length: 12 }, () => open('a'));
    for (const lane of lanes) fill(lane, 2 * UNIT_WINDOW_BYTES);
    await tick();
    for (let seen = 0; seen < sent.length; seen += 1) {
      lanes[sent[seen]!.unit - 1]!.taken(sent[seen]!.bytes);
      await tick();
    }
    for (const [i, lane] of lanes.entries()) {
      assert.deepEqual(lane.waiting, { events: 0, bytes: 0 });
      assert.deepEqual(
        clientsOf(i + 1),
        clientsOf(i + 1).map((_, at) => `${at}`),
      );
    }
    // none had all of its own before the last one had its second piece
    const pieces = sent.filter(({ bytes }) => bytes > 2 * SMALL_BYTES).map(({ unit }) => unit);
    assert.equal(new Set(pieces.slice(0, 12)).size, 12);
  });

  test('that is full takes an application after another, however many units one has', async () => {
    const { sent, open, drain } = setUp(1);
    for (let i = 0; i < 50; i += 1) fill(open('flood'), UNIT_WINDOW_BYTES);
    await tick();
    assert.equal(sent.length, 1);
    open('good').post(event('gate'));
    await tick();
    assert.equal(sent.length, 1);
    drain(2);
    assert.equal(sent.length, 3);
    assert.ok(sent.slice(1).some(({ clients }) => clients[0] === 'gate'));
  });

  test('keeps the order of events and of frames that go behind them', async () => {
    const { sent, open } = setUp();
    const lane = open('a');
    lane.post(event('first'));
    lane.postFrame(encodeFrame(FrameType.Tick, 1, { untilMs: 1 }));
    lane.post(event('second'));
    await tick();
    assert.deepEqual(
      sent.map(({ type, clients }) => [type, ...clients]),
      [[FrameType.Events, 'first'], [FrameType.Tick], [FrameType.Events, 'second']],
    );
  });

  test('is free again when a unit ends with something in the runner', async () => {
    const { open, clientsOf } = setUp();
    const lanes = Array.from({ length: 5 }, () => open('a'));
    for (const lane of lanes) lane.post(event('x', UNIT_WINDOW_BYTES - 100));
    const blocked = open('a');
    blocked.post(event('blocked', 2 * SMALL_BYTES));
    await tick();
    assert.deepEqual(clientsOf(6), []);
    for (const lane of lanes) lane.close();
    await tick();
    assert.deepEqual(clientsOf(6), ['blocked']);
    lanes[0]!.post(event('nobody'));
    await tick();
    assert.equal(clientsOf(1).length, 1);
  });

  test('has no room for an event that is larger than a frame, and says so', async () => {
    const { tooLong, open, clientsOf } = setUp();
    const lane = open('a');
    const large = event('large', MAX_FRAME_BYTES);
    lane.post(large);
    assert.deepEqual(tooLong, []);
    lane.post(event('next'));
    await tick();
    assert.deepEqual(tooLong, [large]);
    assert.deepEqual(clientsOf(1), ['next']);
  });

  test('tells of what has left, and of a runner that has dealt with more than it had', async () => {
    let calls = 0;
    const { sent, open } = setUp();
    const lane = open('a', () => {
      calls += 1;
    });
    lane.post(event('x'));
    assert.equal(calls, 0);
    await tick();
    assert.equal(calls, 1);
    assert.equal(lane.taken(sent[0]!.bytes + 1), false);
    assert.equal(lane.taken(sent[0]!.bytes), true);
  });
});
