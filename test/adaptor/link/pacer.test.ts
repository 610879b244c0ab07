import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer } from '../../../src/adaptor/link/pacer.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { TurnClock } from '../../support/turn-clock.ts';

/** Takes one byte a step, each for a millisecond. */
function slowReader() {
  const clock = new TurnClock();
  const read: number[] = [];
  const socket: string[] = [];
  const pacer = new Pacer(new Turns(clock), '192.0.2.1', {
    read(bytes, mayGoOn) {
      for (let at = 0; at < bytes.length; at += 1) {
        clock.work(1);
        read.push(bytes[at]!);
        if (!mayGoOn()) return at + 1 < bytes.length ? bytes.subarray(at + 1) : undefined;
      }
      return undefined;
    },
    stopped: () => socket.push('stopped'),
    started: () => socket.push('started'),
  });
  return { clock, read, socket, pacer };
}

const BYTES = Uint8Array.from({ length: 60 }, (_, i) => i);

test('bytes that take long are read in turns, in their order, and nothing is read from the socket meanwhile', () => {
  const { clock, read, socket, pacer } = slowReader();
  const shared = Uint8Array.from(BYTES);
  pacer.push(shared);
  shared.fill(255); // the next read of any socket comes to the same place
  assert.equal(read.length, 10);
  assert.deepEqual(socket, ['stopped']);
  while (!clock.isIdle) assert.ok(clock.turn() <= 10);
  assert.deepEqual(read, [...BYTES]);
  assert.deepEqual(socket, ['stopped', 'started']);
});

test('what comes while something waits is read behind it', () => {
  const { clock, read, pacer } = slowReader();
  pacer.push(BYTES);
  pacer.push(Uint8Array.of(100, 101));
  while (!clock.isIdle) clock.turn();
  assert.deepEqual(read, [...BYTES, 100, 101]);
});

test('a reader that is held takes nothing until it is released, and then not at once', () => {
  const { clock, read, pacer } = slowReader();
  pacer.hold();
  pacer.push(Uint8Array.of(1, 2, 3));
  clock.turn();
  assert.deepEqual(read, []);
  pacer.release();
  assert.deepEqual(read, []);
  clock.turn();
  assert.deepEqual(read, [1, 2, 3]);
});

test('what waits is dropped when the connection is closed', () => {
  const { clock, read, pacer } = slowReader();
  pacer.push(BYTES);
  pacer.close();
  clock.turn();
  assert.equal(read.length, 10);
});
