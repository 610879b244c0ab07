import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestTime } from '../../../src/script/runner/test-time.ts';
import { TimerQueue } from '../../../src/script/runner/timers.ts';

function makeTime() {
  const ticked: number[] = [];
  const testTime = new TestTime(1000, (nowMs) => ticked.push(nowMs));
  const timers = new TimerQueue(testTime.time, 10, () => assert.fail('held time wakes nobody'));
  let woken = 0;
  const idle = () => testTime.idle(timers, () => woken++);
  return { testTime, timers, ticked, idle, woken: () => woken };
}

test('time moves to the next timer, wakes the instance, and tells where it stands when that is done', () => {
  const { testTime, timers, ticked, idle, woken } = makeTime();
  timers.set(1, 50, false);
  timers.set(2, 80, false);
  testTime.tick(2000);
  idle();
  assert.equal(woken(), 1);
  assert.deepEqual(ticked, []);
  assert.deepEqual(testTime.takeEvents(), [{ t: 'time', ms: 1050 }]);
  assert.deepEqual(timers.takeDue(10), [1]);
  idle();
  assert.deepEqual(ticked, [1050]);
});

test('without a timer before it time moves as far as it was asked to', () => {
  const { testTime, timers, ticked, idle, woken } = makeTime();
  timers.set(1, 500, false);
  testTime.tick(1200);
  idle();
  assert.deepEqual(ticked, [1200]);
  assert.equal(woken(), 0);
});

test('time stands still when nobody has asked for a move, and the guest is told of each move once', () => {
  const { testTime, ticked, idle } = makeTime();
  idle();
  assert.deepEqual(ticked, []);
  assert.deepEqual(testTime.takeEvents(), []);
  testTime.tick(1100);
  idle();
  assert.equal(testTime.takeEvents().length, 1);
  assert.deepEqual(testTime.takeEvents(), []);
});
