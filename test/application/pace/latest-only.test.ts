import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatestOnly } from '../../../src/application/pace/latest-only.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('as many as the rate allows are done at once; of those that wait the last counts', () => {
  const clock = new ManualClock();
  const latest = new LatestOnly(clock, { rate: 20, burst: 3 });
  const done: number[] = [];
  for (let i = 1; i <= 100_000; i += 1) latest.run(() => done.push(i));
  assert.deepEqual(done, [1, 2, 3]);
  clock.advance(49);
  assert.equal(done.length, 3);
  clock.advance(1);
  assert.deepEqual(done, [1, 2, 3, 100_000]);
  assert.equal(clock.pending, 0);
});

test('what waits is not done when its owner has gone', () => {
  const clock = new ManualClock();
  const latest = new LatestOnly(clock, { rate: 20, burst: 1 });
  latest.run(() => {});
  latest.run(() => assert.fail('it was done'));
  latest.close();
  clock.advance(1000);
});
