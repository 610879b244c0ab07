import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Debounce, MAX_WAIT_MS, QUIET_MS } from '../../../src/script/source/debounce.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function debouncing() {
  const clock = new ManualClock();
  const calls: string[] = [];
  return { clock, calls, debounce: new Debounce(clock, (key) => calls.push(`${key}@${clock.now()}`)) };
}

describe('debouncing', () => {
  test('calls once, when it has been quiet', () => {
    const { clock, calls, debounce } = debouncing();
    debounce.changed('a');
    clock.advance(QUIET_MS - 1);
    debounce.changed('a');
    clock.advance(QUIET_MS - 1);
    assert.deepEqual(calls, []);
    clock.advance(1);
    assert.deepEqual(calls, [`a@${2 * QUIET_MS - 1}`]);
    clock.advance(1000);
    assert.equal(calls.length, 1);
  });

  test('keeps keys apart', () => {
    const { clock, calls, debounce } = debouncing();
    debounce.changed('a');
    clock.advance(10);
    debounce.changed('b');
    clock.advance(QUIET_MS);
    assert.deepEqual(calls, [`a@${QUIET_MS}`, `b@${QUIET_MS + 10}`]);
  });

  test('does not wait for ever for something that goes on writing', () => {
    const { clock, calls, debounce } = debouncing();
    for (let ms = 0; ms < MAX_WAIT_MS + 100; ms += 10) {
      debounce.changed('a');
      clock.advance(10);
    }
    assert.equal(calls[0], `a@${MAX_WAIT_MS}`);
  });

  test('forgets when told to', () => {
    const { clock, calls, debounce } = debouncing();
    debounce.changed('a');
    debounce.forget();
    clock.advance(1000);
    assert.deepEqual(calls, []);
    assert.equal(clock.pending, 0);
  });
});
