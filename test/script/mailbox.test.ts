import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import type { InvokeResult } from '../../src/application/script.ts';
import { MAX_PARKED_CHARS, Mailbox } from '../../src/script/mailbox.ts';
import { MAX_STRIKES, STRIKE_WINDOW_MS, StrikeBook } from '../../src/script/strikes.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('post that waits for a script', () => {
  function mailbox(isCongested = false) {
    const results: InvokeResult[] = [];
    const bugs: unknown[] = [];
    const box = new Mailbox({
      clock: new ManualClock(),
      gateDeadlineMs: 10_000,
      gateFailure: 'closed',
      onExpired() {},
      isCongested: () => isCongested,
      onBug: (error) => bugs.push(error),
    });
    return {
      box,
      results,
      bugs,
      call: (text: string) => box.invoke('c', 'm', [text], true, (r) => results.push(r)),
    };
  }

  test('is bounded: what does not fit any more fails at once', async () => {
    const { results, call } = mailbox();
    const half = 'x'.repeat(MAX_PARKED_CHARS / 2);
    call(half);
    await tick();
    assert.equal(results.length, 0);
    call(half);
    await tick();
    assert.equal(results.length, 1);
  });

  test('takes no calls for a runner that does not keep up', async () => {
    const { results, call } = mailbox(true);
    call('x');
    await tick();
    assert.deepEqual(results, [{ found: true, ok: false, description: 'too many calls are open' }]);
  });

  test('survives a listener that throws: it is told as a bug, and the next one is answered', async () => {
    const { box, results, bugs, call } = mailbox();
    box.invoke('c', 'm', [], true, () => {
      throw new Error('a mistake of ours');
    });
    call('x');
    box.tell({ event: 'disconnect', clientId: 'c' });
    assert.equal(results.length, 1);
    assert.match(String(bugs), /a mistake of ours/);
  });
});

describe('strikes', () => {
  test('are counted per instance, forgotten with time, and wiped by new files', () => {
    const clock = new ManualClock();
    const book = new StrikeBook(clock);
    for (let i = 0; i < MAX_STRIKES; i += 1) {
      assert.equal(book.of('a').isOut, false);
      book.of('a').add();
    }
    assert.equal(book.of('a').isOut, true);
    assert.equal(book.of('b').isOut, false);
    clock.advance(STRIKE_WINDOW_MS);
    assert.equal(book.of('a').isOut, false);
    for (let i = 0; i < MAX_STRIKES; i += 1) book.of('a').add();
    book.clear();
    assert.equal(book.of('a').isOut, false);
  });
});
