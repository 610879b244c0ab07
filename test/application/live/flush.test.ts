import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LoadGovernor, type LoadState } from '../../../src/application/live/flush.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const FRAME = { mode: 'frame', audioDelayMs: 40, mergeDelayMs: 100 } as const;

/** A governor, the states it told of, and a second of work of which sweeps take a share. */
function governed() {
  const clock = new ManualClock();
  const told: LoadState[] = [];
  const governor = new LoadGovernor(clock, (state) => told.push(state));
  const work = (seconds: number, share: number) => {
    for (let i = 0; i < seconds * 20; i += 1) {
      const began = clock.now();
      clock.advance(50 * share);
      governor.swept(began, clock.now());
      clock.advance(50 * (1 - share));
    }
  };
  return { governor, told, work, clock };
}

describe('under load, streams gather for longer', () => {
  test('at ease, each stream follows its own policy', () => {
    const { governor, told, work } = governed();
    work(10, 0.45);
    assert.equal(governor.gatherMs(FRAME), 0);
    assert.equal(governor.gatherMs({ mode: 'merge', audioDelayMs: 40, mergeDelayMs: 100 }), 100);
    assert.equal(governor.gatherMs({ mode: 'instant', audioDelayMs: 40, mergeDelayMs: 100 }), 0);
    assert.deepEqual(told, []);
  });

  test('above half of the time in sweeps the gathering time doubles, step by step, up to 350 ms', () => {
    const { governor, told, work } = governed();
    work(3, 0.8);
    assert.deepEqual(
      told.map(({ widenedMs }) => widenedMs),
      [50, 100, 200, 350],
    );
    assert.equal(governor.gatherMs(FRAME), 350);
    assert.equal(governor.gatherMs({ mode: 'merge', audioDelayMs: 40, mergeDelayMs: 100 }), 350);
    assert.equal(governor.gatherMs({ mode: 'merge', audioDelayMs: 40, mergeDelayMs: 500 }), 500);
  });

  test('it shrinks only after five calm seconds, and one step at a time', () => {
    const { told, work } = governed();
    work(0.5, 0.8);
    work(0.5, 0.1); // the window in which the load ends is half loaded
    const before = told.length;
    work(4, 0.1);
    assert.equal(told.length, before);
    work(1, 0.1);
    assert.equal(told.length, before + 1);
    work(30, 0.1);
    assert.equal(told.at(-1)?.widenedMs, 0);
  });

  test('a busy moment in between starts the calm anew; a load between the borders changes nothing', () => {
    const { told, work } = governed();
    work(0.5, 0.8);
    work(0.5, 0.1); // the window in which the load ends is half loaded
    const before = told.length;
    work(4, 0.1);
    work(1, 0.35);
    work(4, 0.1);
    work(20, 0.35);
    assert.equal(told.length, before);
  });

  test('a busy moment is no load', () => {
    const { told, work } = governed();
    for (let i = 0; i < 20; i += 1) {
      work(0.25, 0.9);
      work(0.5, 0.2);
    }
    assert.deepEqual(told, []);
  });

  test('it shrinks to what the load allows: with twice the writes it must still be below the border', () => {
    const { governor, told, work } = governed();
    work(1.25, 0.8);
    assert.equal(governor.gatherMs(FRAME), 100);
    work(30, 0.24); // at 50 ms this would be 0.48
    assert.equal(governor.gatherMs(FRAME), 100);
    work(12, 0.2);
    assert.equal(governor.gatherMs(FRAME), 0);
    assert.equal(told.length, 4);
  });

  test('who has to widen again at once waits longer before the next try', () => {
    const { governor, told, work } = governed();
    work(0.75, 0.8);
    work(7, 0.25);
    assert.equal(governor.gatherMs(FRAME), 0);
    work(0.75, 0.8); // twice the pictures that were thought of
    assert.equal(governor.gatherMs(FRAME), 50);
    work(8, 0.25);
    assert.equal(governor.gatherMs(FRAME), 50);
    work(4, 0.25);
    assert.equal(governor.gatherMs(FRAME), 0);
    assert.equal(told.length, 4);
  });

  test('with nothing on air, the share is nothing', () => {
    const { governor, work, clock } = governed();
    work(1, 0.4);
    assert.ok(governor.state.sweepShare > 0.3);
    clock.advance(5_000);
    assert.equal(governor.state.sweepShare, 0);
  });
});
