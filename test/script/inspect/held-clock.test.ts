import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldClock } from '../../../src/script/inspect/held-clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function setUp() {
  const clock = new ManualClock();
  const held = new HeldClock(clock);
  const called: string[] = [];
  const after = (ms: number, name: string) => held.after(ms, () => called.push(name));
  return { clock, held, called, after };
}

test('a deadline that would pass while the clock is held starts anew when the last hand lets go', () => {
  const { clock, held, called, after } = setUp();
  after(100, 'gate');
  const release = held.hold();
  const releaseToo = held.hold();
  clock.advance(1000);
  release();
  release();
  clock.advance(1000);
  assert.deepEqual(called, []);
  releaseToo();
  clock.advance(99);
  assert.deepEqual(called, []);
  clock.advance(1);
  assert.deepEqual(called, ['gate']);
  clock.advance(1000);
  assert.deepEqual(called, ['gate']);
});

test('a deadline that lies behind the end of the hold passes when it would have', () => {
  const { clock, held, called, after } = setUp();
  after(100, 'gate');
  const release = held.hold();
  clock.advance(50);
  release();
  clock.advance(50);
  assert.deepEqual(called, ['gate']);
});

test('a deadline taken back never passes: not before, not while it waits, not when it has begun anew', () => {
  for (const takeBackAt of [0, 1, 2]) {
    const { clock, held, called, after } = setUp();
    const takeBack = after(100, 'gate');
    if (takeBackAt === 0) takeBack();
    const release = held.hold();
    clock.advance(200);
    if (takeBackAt === 1) takeBack();
    release();
    if (takeBackAt === 2) takeBack();
    clock.advance(200);
    assert.deepEqual(called, []);
  }
});
