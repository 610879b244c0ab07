import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { ScriptMetrics } from '../../../src/application/accounts/script-metrics.ts';
import type { ClientFacts, InvokeResult, Verdict } from '../../../src/application/contract/script.ts';
import type { LimitName } from '../../../src/log/limits.ts';
import { type LateCall, MAX_PARKED_BYTES, Mailbox } from '../../../src/script/host/mailbox.ts';
import {
  MAX_STRIKES,
  MAX_STRUCK,
  STRIKE_WINDOW_MS,
  StrikeBook,
} from '../../../src/script/journal/strikes.ts';
import type { Unit } from '../../../src/script/process/unit.ts';
import type { EventToScript } from '../../../src/script/wire/event-frames.ts';
import { MAX_EVENT_BYTES } from '../../../src/script/wire/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { testSettings } from '../../support/settings.ts';

const { limits: LIMITS } = testSettings();

const CALL_DEADLINE_MS = 600_000;

/** One that takes the post, and of which the test says how much waits. */
function servingUnit() {
  const waiting = { events: 0, bytes: 0 };
  const events: EventToScript[] = [];
  const post = (event: EventToScript) => void events.push(event);
  const unit = { limits: LIMITS, waiting, post } as unknown as Unit;
  return { unit, waiting, events };
}

describe('post that waits for a script', () => {
  function mailbox() {
    const clock = new ManualClock();
    const lates: LateCall[] = [];
    const results: InvokeResult[] = [];
    const bugs: unknown[] = [];
    const fulls: LimitName[] = [];
    let ids = 0;
    const box = new Mailbox({
      clock,
      nextId: () => ++ids,
      gateDeadlineMs: 10_000,
      limits: LIMITS,
      gateFailure: 'closed',
      callDeadlineMs: CALL_DEADLINE_MS,
      onLateCall: (late) => lates.push(late),
      onExpired() {},
      onFull: (limit) => fulls.push(limit),
      metrics: new ScriptMetrics({ turnMs: [1], handlerMs: [1] }),
      onBug: (error) => bugs.push(error),
    });
    return {
      box,
      clock,
      lates,
      results,
      bugs,
      fulls,
      call: (text: string) => box.invoke('c', 'm', [text], true, (r) => results.push(r)),
    };
  }

  const BUSY = { found: true, ok: false, description: 'the application is busy' };

  test('is bounded in size: calls that do not fit any more fail at once, and it counts as a limit', async () => {
    const { results, call, fulls } = mailbox();
    const quarter = 'x'.repeat(LIMITS.queuedBytes / 4);
    for (let i = 0; i < 4; i += 1) call(quarter);
    await tick();
    assert.deepEqual(results, []);
    call('x');
    await tick();
    assert.deepEqual(results, [BUSY]);
    assert.deepEqual(fulls, ['MaxQueuedSize']);
  });

  test('is bounded in number: calls fail, news is dropped, gates and farewells fit', async () => {
    const { box, results, call, fulls } = mailbox();
    const { unit, events } = servingUnit();
    const stats = { event: 'status', info: { code: 'c', level: 'status' } } as const;
    for (let i = 0; i < LIMITS.queuedEvents; i += 1) box.tell(stats);
    call('x');
    box.tell(stats);
    box.tell({ event: 'disconnect', client: 'd' });
    const verdicts: Verdict[] = [];
    box.ask({ gate: 'onConnect', client: { id: 'c' } as ClientFacts, args: [] }, (v) => verdicts.push(v));
    await tick();
    assert.deepEqual(results, [BUSY]);
    assert.deepEqual(fulls, ['MaxQueuedEvents']);
    box.resume(unit);
    assert.deepEqual(
      events.slice(LIMITS.queuedEvents).map(({ t }) => t),
      ['disconnect', 'gate'],
    );
  });

  test('asks callers to wait from half of it on, and calls them back once, at a quarter', () => {
    const { box, call } = mailbox();
    const { unit, waiting } = servingUnit();
    box.resume(unit);
    const called: string[] = [];
    waiting.bytes = LIMITS.queuedBytes / 2 - 1;
    assert.equal(box.busyWith(), undefined);
    waiting.bytes += 1;
    assert.equal(box.busyWith(), 'MaxQueuedSize');
    box.whenIdle(() => called.push('first'));
    const undo = box.whenIdle(() => called.push('gone'));
    box.whenIdle(() => called.push('second'));
    undo();
    waiting.bytes = LIMITS.queuedBytes / 4;
    box.moved();
    assert.deepEqual(called, []);
    waiting.bytes -= 1;
    box.moved();
    box.moved();
    assert.deepEqual(called, ['first', 'second']);
    waiting.events = LIMITS.queuedEvents / 2;
    assert.equal(box.busyWith(), 'MaxQueuedEvents');
    call('is not refused before all of it is full');
  });

  test('keeps nobody waiting who would be refused: with the script its callers go on', () => {
    for (const end of ['shut', 'close'] as const) {
      const { box } = mailbox();
      const { unit, waiting } = servingUnit();
      box.resume(unit);
      waiting.bytes = LIMITS.queuedBytes;
      let calls = 0;
      box.whenIdle(() => {
        calls += 1;
      });
      box[end]();
      assert.equal(calls, 1);
      assert.equal(box.busyWith(), undefined);
    }
  });

  test('has room for gates while no script is there, but not without end', async () => {
    const { box } = mailbox();
    const verdicts: Verdict[] = [];
    const half = ['x'.repeat(MAX_PARKED_BYTES / 2 - 1000)];
    for (let i = 0; i < 3; i += 1)
      box.ask({ gate: 'onConnect', client: { id: `${i}` } as ClientFacts, args: half }, (v) =>
        verdicts.push(v),
      );
    await tick();
    assert.deepEqual(verdicts, [{ accepted: false, reason: 'The request is too large.' }]);
  });

  test('is refused at once if the values of a peer become too long a text', async () => {
    const { box, results } = mailbox();
    const long = '\u0001'.repeat(MAX_EVENT_BYTES / 2);
    box.invoke('c', 'm', [long], true, (r) => results.push(r));
    box.invoke('c', 'm', new Array(1_000).fill('x'.repeat(MAX_EVENT_BYTES / 2)), true, (r) =>
      results.push(r),
    );
    await tick();
    assert.deepEqual(
      results,
      Array(2).fill({ found: true, ok: false, description: 'the arguments are too large' }),
    );
    const verdict = Promise.withResolvers<Verdict>();
    box.ask({ gate: 'onConnect', client: { id: 'c' } as ClientFacts, args: [long] }, verdict.resolve);
    assert.deepEqual(await verdict.promise, { accepted: false, reason: 'The request is too large.' });
  });

  test('a call that has no answer when its time is over fails, the younger ones later', () => {
    const { results, call, clock, lates } = mailbox();
    call('first');
    clock.advance(1000);
    call('second');
    clock.advance(CALL_DEADLINE_MS - 1001);
    assert.deepEqual(results, []);
    clock.advance(1);
    assert.deepEqual(results, [{ found: true, ok: false, description: 'The application did not answer.' }]);
    assert.deepEqual(lates, [{ name: 'm', client: 'c', ms: CALL_DEADLINE_MS, asked: undefined }]);
    clock.advance(1000);
    assert.equal(results.length, 2);
    assert.equal(clock.pending, 0);
  });

  test('a call that is open when its instance ends fails', () => {
    const { box, results, call } = mailbox();
    call('x');
    box.close();
    assert.deepEqual(results, [{ found: true, ok: false, description: 'the application has ended' }]);
  });

  test('survives a listener that throws: it is told as a bug, and the next one is answered', async () => {
    const { box, results, bugs, call } = mailbox();
    box.invoke('c', 'm', [], true, () => {
      throw new Error('a mistake of ours');
    });
    call('x');
    box.tell({ event: 'disconnect', client: 'c' });
    assert.equal(results.length, 1);
    assert.match(String(bugs), /a mistake of ours/);
  });
});

describe('strikes', () => {
  test('are counted per instance, forgotten with time, and wiped by new files', () => {
    const clock = new ManualClock();
    const book = new StrikeBook(clock, () => assert.fail('nobody is quarantined'));
    for (let i = 0; i < MAX_STRIKES; i += 1) {
      assert.equal(book.of('a').verdict, undefined);
      book.of('a').add();
    }
    assert.equal(book.of('a').verdict, 'it has ended the hard way 3 times within 10 minutes');
    assert.equal(book.of('b').verdict, undefined);
    clock.advance(STRIKE_WINDOW_MS);
    assert.equal(book.of('a').verdict, undefined);
    for (let i = 0; i < MAX_STRIKES; i += 1) book.of('a').add();
    book.clear();
    assert.equal(book.of('a').verdict, undefined);
  });

  test('of no more than 1,000 instances are remembered: their names are the clients’ to choose', () => {
    const book = new StrikeBook(new ManualClock(), () => {});
    for (let i = 0; i < MAX_STRUCK + 50; i += 1) book.of(`room${i}`).add();
    assert.equal(book.size, MAX_STRUCK);
    for (let i = 0; i < MAX_STRIKES; i += 1) book.of('bad').add();
    assert.ok(book.of('bad').verdict);
  });

  test('for the loss of the runner are counted for all instances together, and do not go away with time', () => {
    const clock = new ManualClock();
    const said: string[] = [];
    const book = new StrikeBook(clock, (why) => said.push(why));
    for (const name of ['a', 'b', 'c', 'd']) {
      book.of(name).addRunner();
      clock.advance(1000);
    }
    assert.deepEqual(said, ['its script has ended the script runner 3 times within 10 minutes']);
    clock.advance(2 * STRIKE_WINDOW_MS);
    assert.equal(book.of('x').verdict, 'the application is quarantined');
    book.clear();
    assert.equal(book.of('x').verdict, undefined);
    for (let i = 0; i < 4; i += 1) {
      book.of('a').addRunner();
      clock.advance(STRIKE_WINDOW_MS / 2);
    }
    assert.equal(said.length, 1); // now and then is forgiven
  });
});
