import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Session, Sessions } from '../../../src/adaptor/link/sessions.ts';
import { ManualClock } from '../../support/manual-clock.ts';

class FakeSession implements Session {
  readonly checks: number[] = [];
  readonly reasons: string[] = [];
  readonly closed: Promise<void>;
  end!: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.end = resolve;
  }
  check(now: number): void {
    this.checks.push(now);
  }
  close(reason: string): void {
    this.reasons.push(reason);
  }
}

describe('the set of open sessions', () => {
  test('has a session until it has gone', async () => {
    const sessions = new Sessions(new ManualClock());
    const session = new FakeSession();
    sessions.add(session);
    assert.equal(sessions.size, 1);
    session.end();
    await session.closed;
    assert.equal(sessions.size, 0);
    await sessions.close('the test is over');
  });

  test('checks each session once a second, and none that has gone', async () => {
    const clock = new ManualClock();
    const sessions = new Sessions(clock);
    const [here, gone] = [new FakeSession(), new FakeSession()];
    for (const session of [here, gone]) sessions.add(session);
    const began = clock.now();
    clock.advance(1_000);
    gone.end();
    await gone.closed;
    clock.advance(1_000);
    assert.deepEqual(here.checks, [began + 1_000, began + 2_000]);
    assert.deepEqual(gone.checks, [began + 1_000]);
    here.end();
    await sessions.close('the test is over');
    clock.advance(5_000);
    assert.equal(here.checks.length, 2, 'nothing is checked any more');
  });

  test('waits for the last session when it closes, and closes one that comes then', async () => {
    const sessions = new Sessions(new ManualClock());
    const [first, late] = [new FakeSession(), new FakeSession()];
    sessions.add(first);
    let isOver = false;
    const over = sessions.close('the server is going').then(() => {
      isOver = true;
    });
    sessions.add(late);
    assert.deepEqual([first.reasons, late.reasons], [['the server is going'], ['the server is going']]);
    late.end();
    await late.closed;
    assert.equal(isOver, false);
    first.end();
    await over;
    assert.equal(sessions.size, 0);
  });
});
