import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Inbox, type Reader } from '../../../src/script/process/inbox.ts';

/** Each step of a reader costs a quarter of a millisecond: sixteen of them are a slice, four a unit's part of it. */
const STEP_MS = 0.25;

function setUp() {
  let nowMs = 0;
  const soon: (() => void)[] = [];
  const inbox = new Inbox({
    now: () => nowMs,
    soon: (call) => {
      soon.push(call);
      return () => {};
    },
    after: () => assert.fail('nothing waits here'),
  });
  const done: string[] = [];
  return {
    inbox,
    done,
    reader: (name: string): Reader => ({
      *receive(steps) {
        for (let step = 0; step < steps; step += 1) {
          nowMs += STEP_MS;
          done.push(name);
          yield;
        }
      },
    }),
    add: (to: Reader, steps: number) => inbox.add(to, { type: steps, unit: 1, body: Buffer.alloc(0) }),
    /** A round of the event loop. False: there is nothing to do in it. */
    round: () => {
      const call = soon.shift();
      call?.();
      return call !== undefined;
    },
  };
}

/** `aaab` → `a3 b1`. */
function runs(done: string[]): string {
  return (done.join('').match(/(.)\1*/g) ?? []).map((text) => `${text[0]}${text.length}`).join(' ');
}

describe('the inbox', () => {
  test('reads a frame at once', () => {
    const { add, reader, done } = setUp();
    const a = reader('a');
    add(a, 3);
    add(a, 2);
    assert.equal(runs(done), 'a5');
  });

  test('pauses after a slice, and goes on when the sockets have had their turn', () => {
    const { add, reader, done, round } = setUp();
    add(reader('a'), 40);
    const seen = [done.length];
    while (round()) seen.push(done.length);
    assert.deepEqual(seen, [16, 32, 40, 40]);
  });

  test('counts what comes in one round as one slice', () => {
    const { add, reader, done, round } = setUp();
    for (const name of ['a', 'b', 'c']) add(reader(name), 10);
    assert.equal(runs(done), 'a10 b6');
    while (round());
    assert.equal(runs(done), 'a10 b10 c10');
  });

  test('gives everybody a turn, however much one of them has to say', () => {
    const { add, reader, done, round } = setUp();
    const [a, b, c] = [reader('a'), reader('b'), reader('c')];
    add(a, 50);
    add(b, 2);
    add(c, 6);
    add(b, 1);
    while (round());
    assert.equal(runs(done), 'a20 b3 c4 a4 c1 a4 c1 a22');
  });

  test('leaves unread what is for nobody any more', () => {
    const { add, reader, done, round, inbox } = setUp();
    const a = reader('a');
    add(a, 50);
    inbox.drop(a);
    while (round());
    assert.equal(done.length, 16);
  });
});
