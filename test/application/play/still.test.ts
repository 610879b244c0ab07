// Which pictures lead to the one that is seen at a time, where they are not shown in the order of decoding.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Still } from '../../../src/application/play/still.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';

function picture(timestampMs: number, compositionMs: number, isKey = false): WireMessage {
  const payload = Uint8Array.of(isKey ? 0x17 : 0x27, 1, 0, 0, compositionMs, 1);
  return buildWireMessage({ typeId: MessageType.Video, timestampMs, payload });
}

function sound(timestampMs: number): WireMessage {
  return buildWireMessage({ typeId: MessageType.Audio, timestampMs, payload: Uint8Array.of(0xaf, 1, 1) });
}

/** Decoded at 0, 40, 80 …; seen at 80, 200, 120, 160, 320, 240, 280. */
const GROUP = [80, 160, 40, 40, 160, 40, 40].map((composition, i) => picture(i * 40, composition, i === 0));

function walk(ms: number, messages: readonly WireMessage[]) {
  const still = new Still(ms);
  const passed: number[] = [];
  let read = 0;
  for (const message of messages) {
    if (!still.wants(message)) break;
    passed.push(...still.take(message).map(({ timestampMs }) => timestampMs));
    read += 1;
  }
  const times = (of: readonly WireMessage[]) => of.map(({ timestampMs }) => timestampMs);
  return { passed, shown: times(still.shown), rest: times(still.rest), read };
}

test('no picture behind the one that is seen is sent, though it is decoded before that time', () => {
  assert.deepEqual(walk(100, GROUP), { passed: [], shown: [0], rest: [40, 80], read: 3 });
  assert.deepEqual(walk(130, GROUP), { passed: [0, 40], shown: [80], rest: [120], read: 4 });
  assert.deepEqual(walk(220, GROUP).shown, [40]);
});

test('the first picture is shown for a time before it', () => {
  assert.deepEqual(walk(10, GROUP), { passed: [], shown: [0], rest: [], read: 1 });
});

test('sound of that time that stands before the picture is kept, older sound is not', () => {
  const file = [picture(0, 0, true), sound(0), sound(100), sound(120), picture(80, 0), picture(120, 0)];
  assert.deepEqual(walk(100, file), { passed: [0], shown: [80], rest: [100, 120], read: 5 });
});

test('pictures of several tracks at one time are shown together', () => {
  const tracks = [picture(0, 0, true), picture(0, 0, true), picture(40, 0), picture(40, 0), picture(80, 0)];
  assert.deepEqual(walk(50, tracks), { passed: [0, 0], shown: [40, 40], rest: [], read: 4 });
});

test('sound in front of a picture that never comes is looked through for a second', () => {
  const sounds = Array.from({ length: 100 }, (_, i) => sound(i * 100));
  const { shown, read } = walk(2_000, sounds);
  assert.deepEqual([shown, read], [[], 31]);
});
