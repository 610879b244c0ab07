import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventToScript } from '../../../src/script/wire/event-frames.ts';
import { decodeEvents, FrameReader } from '../../../src/script/wire/frames.ts';
import { MAX_BATCH_EVENTS, MAX_FRAME_BYTES, type ScriptEvent } from '../../../src/script/wire/wire.ts';
import { listToWire, toWire } from '../../../src/script/wire/wire-text.ts';
import { encodeEvents } from '../../support/event-frames.ts';

const disconnect = (client: string): ScriptEvent => ({ t: 'disconnect', client });

const never = ({ t }: EventToScript): never => assert.fail(`${t} is too long`);

function read(frames: readonly Buffer[]): { count: number; events: unknown[]; bytes: number }[] {
  const reader = new FrameReader();
  return [...reader.push(Buffer.concat(frames))].map(({ body }) => {
    const { count, text } = decodeEvents(body);
    return { count, events: JSON.parse(text), bytes: body.length };
  });
}

describe('events', () => {
  test('travel with their count, so many to a frame', () => {
    const events = Array.from({ length: MAX_BATCH_EVENTS + 3 }, (_, i) => disconnect(`${i}`));
    const frames = read(encodeEvents(9, events, never));
    assert.deepEqual(
      frames.map(({ count }) => count),
      [MAX_BATCH_EVENTS, 3],
    );
    assert.deepEqual(
      frames.flatMap(({ events }) => events),
      events,
    );
  });

  test('that are none make no frame', () => {
    assert.equal(encodeEvents(1, [], never).length, 0);
  });

  test('have the values of clients as they were written', () => {
    const call = { t: 'call' as const, id: 1, client: 'ä', name: 'é', wantsResult: true };
    const events: EventToScript[] = [
      { ...call, args: listToWire(['ö', 1]) },
      { t: 'callResult', responder: 2, ok: true, value: toWire(undefined) },
      { t: 'publish', client: 'c', stream: 's', query: '', gate: undefined },
    ];
    const [frame] = read(encodeEvents(1, events, never));
    assert.deepEqual(frame!.events, [
      { ...call, args: ['ö', 1] },
      { t: 'callResult', responder: 2, ok: true, value: { $: 'undefined' } },
      { t: 'publish', client: 'c', stream: 's', query: '' },
    ]);
  });

  test('that no frame has room for are left out, and named', () => {
    const left: EventToScript[] = [];
    const tooLong = disconnect('x'.repeat(MAX_FRAME_BYTES));
    const frames = encodeEvents(1, [disconnect('a'), tooLong, disconnect('b')], (event) => left.push(event));
    assert.deepEqual(left, [tooLong]);
    assert.deepEqual(read(frames)[0]!.events, [disconnect('a'), disconnect('b')]);
  });
});
