import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Batch, MAX_QUEUED_CHARACTERS, Mailbox } from '../../../src/script/runner/mailbox.ts';
import { MAX_BATCH_EVENTS, type ScriptEvent } from '../../../src/script/wire.ts';

const MAX_EVENTS = 10_000;
const batchOf = (...events: ScriptEvent[]): Batch => ({ text: JSON.stringify(events), count: events.length });
const leave = (client: string): ScriptEvent => ({ t: 'disconnect', client });
const call = (id: number, name = 'm'): ScriptEvent => ({
  t: 'call',
  id,
  client: 'c',
  name,
  args: [],
  wantsResult: true,
});
const many = (count: number) => batchOf(...Array.from({ length: count }, (_, i) => leave(`${i}`)));

describe('a mailbox', () => {
  test('joins what is waiting into one batch, in order', () => {
    const mailbox = new Mailbox(MAX_EVENTS);
    mailbox.post(batchOf(leave('a')));
    mailbox.post(batchOf(leave('b'), leave('c')));
    mailbox.postOwn({ t: 'timer', id: 5 });
    const { text, count } = mailbox.take([{ t: 'timer', id: 1 }]);
    assert.equal(count, 5);
    assert.deepEqual(JSON.parse(text), [
      { t: 'timer', id: 1 },
      leave('a'),
      leave('b'),
      leave('c'),
      { t: 'timer', id: 5 },
    ]);
    assert.equal(mailbox.isEmpty, true);
    assert.deepEqual(mailbox.take([]), { text: '[]', count: 0 });
  });

  test('gives no more than a batch at a time', () => {
    const mailbox = new Mailbox(MAX_EVENTS);
    for (let i = 0; i < 4; i++) mailbox.post(many(100));
    assert.deepEqual([mailbox.take([]).count, mailbox.take([]).count], [200, 200]);
    mailbox.post(many(MAX_BATCH_EVENTS));
    mailbox.post(many(1));
    assert.equal(mailbox.take([]).count, MAX_BATCH_EVENTS);
    assert.equal(mailbox.take([]).count, 1);
  });

  test('takes back what a cut turn has not seen, ahead of everything', () => {
    const mailbox = new Mailbox(MAX_EVENTS);
    mailbox.post(batchOf(leave('a'), leave('b'), leave('c')));
    const taken = mailbox.take([]);
    mailbox.post(batchOf(leave('d')));
    mailbox.requeue(taken, 1);
    assert.deepEqual(JSON.parse(mailbox.take([]).text), [leave('b'), leave('c'), leave('d')]);
    mailbox.requeue(taken, 3);
    assert.equal(mailbox.isEmpty, true);
  });

  test('that is full refuses calls and drops news; gates and farewells fit', () => {
    const mailbox = new Mailbox(MAX_EVENTS);
    for (let i = 0; i < MAX_EVENTS / 200; i++) assert.deepEqual(mailbox.post(many(200)), []);
    const refusals = mailbox.post(
      batchOf(
        call(1),
        leave('x'),
        { t: 'clientStats', client: 'c', stats: {} },
        { t: 'gateDropped', id: 4 },
        call(2),
      ),
    );
    assert.deepEqual(
      refusals,
      [1, 2].map((id) => ({ op: 'ret', id, found: true, ok: false, description: 'the application is busy' })),
    );
    for (let i = 1; i < MAX_EVENTS / 200; i++) mailbox.take([]);
    assert.deepEqual(JSON.parse(mailbox.take([]).text).slice(200), [leave('x'), { t: 'gateDropped', id: 4 }]);
    assert.deepEqual(mailbox.post(batchOf(call(3))), []);
  });

  test('that has taken much text is full as well', () => {
    const mailbox = new Mailbox(MAX_EVENTS);
    const large = (id: number) => batchOf(call(id, 'x'.repeat(MAX_QUEUED_CHARACTERS / 2)));
    mailbox.post(large(1));
    assert.deepEqual(
      mailbox.post(large(2)).map((answer) => answer.op === 'ret' && answer.id),
      [2],
    );
    assert.deepEqual(mailbox.post(batchOf(leave('x'))), []);
    assert.equal(mailbox.take([]).count, 1); // what is large has a turn to itself
    mailbox.take([]);
    assert.deepEqual(mailbox.post(large(3)), []);
  });
});
