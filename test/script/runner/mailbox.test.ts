import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Batch, Mailbox } from '../../../src/script/runner/mailbox.ts';
import { MAX_BATCH_EVENTS, type ScriptEvent } from '../../../src/script/wire/wire.ts';

const batchOf = (...events: ScriptEvent[]): Batch => {
  const text = JSON.stringify(events);
  return { text, count: events.length, bytes: text.length };
};
const leave = (client: string): ScriptEvent => ({ t: 'disconnect', client });
const many = (count: number) => batchOf(...Array.from({ length: count }, (_, i) => leave(`${i}`)));

describe('a mailbox', () => {
  test('joins what is waiting into one batch, in order', () => {
    const mailbox = new Mailbox();
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
    assert.deepEqual(mailbox.take([]), { text: '[]', count: 0, bytes: 0 });
  });

  test('gives no more than a batch at a time', () => {
    const mailbox = new Mailbox();
    for (let i = 0; i < 4; i++) mailbox.post(many(100));
    assert.deepEqual([mailbox.take([]).count, mailbox.take([]).count], [200, 200]);
    mailbox.post(many(MAX_BATCH_EVENTS));
    mailbox.post(many(1));
    assert.equal(mailbox.take([]).count, MAX_BATCH_EVENTS);
    assert.equal(mailbox.take([]).count, 1);
  });

  test('takes back what a cut turn has not seen, ahead of everything', () => {
    const mailbox = new Mailbox();
    mailbox.post(batchOf(leave('a'), leave('b'), leave('c')));
    const taken = mailbox.take([]);
    mailbox.post(batchOf(leave('d')));
    mailbox.requeue(taken, 1);
    assert.deepEqual(JSON.parse(mailbox.take([]).text), [leave('b'), leave('c'), leave('d')]);
    assert.equal(mailbox.requeue(taken, 3), 0);
    assert.equal(mailbox.isEmpty, true);
  });

  test('counts what the media side has sent, once, whatever became of its turn', () => {
    const mailbox = new Mailbox();
    const first = batchOf(leave('a'), leave('b'), leave('c'));
    const second = batchOf(leave('d'));
    mailbox.post(first);
    mailbox.post(second);
    mailbox.postOwn({ t: 'timer', id: 5 });
    const all = mailbox.take([{ t: 'timer', id: 1 }]);
    assert.equal(all.bytes, first.bytes + second.bytes);
    assert.equal(mailbox.requeue(all, 0), all.bytes);
    const again = mailbox.take([]);
    const left = mailbox.requeue(again, 3);
    assert.ok(left > 0 && left < again.bytes);
    assert.equal(mailbox.take([]).bytes, left);
  });
});
