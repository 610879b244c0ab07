// What scripts may write to the logs: an instance has a rate, and all instances of an application have a size together.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutSecrets } from '../../../src/script/host/own-secrets.ts';
import { Journal } from '../../../src/script/journal/journal.ts';
import { LogShare } from '../../../src/script/journal/log-share.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Records } from '../support/records.ts';

function journalOf(records: Records, share: LogShare, clock: ManualClock): Journal {
  const { log, applicationLog, metrics } = records;
  records.journal(clock); // for its list of errors
  return new Journal({
    ...{
      application: 'live',
      instance: 'x',
      log,
      applicationLog,
      errors: records.kept!,
      clock,
      metrics,
      share,
    },
    hide: (text) => text,
    linesPerSecond: 200,
    onDropped: (limit) => records.dropped.push(limit),
  });
}

describe('the share of an application in the logs', () => {
  test('is one for all its instances: many of them write no more than ten seconds of its rate at once', () => {
    const clock = new ManualClock();
    const share = new LogShare(10_000, clock);
    const records = new Records();
    for (let i = 0; i < 50; i += 1) {
      const journal = journalOf(records, share, clock);
      for (let line = 0; line < 20; line += 1) journal.line('info', 'x'.repeat(800));
    }
    assert.equal(records.of('script-log').length, 100);
    assert.ok(records.dropped.length === 900 && records.dropped.every((limit) => limit === 'MaxLogSize'));
  });

  test('grows again with time', () => {
    const clock = new ManualClock();
    const share = new LogShare(1000, clock);
    while (share.admitsLine(800));
    clock.advance(2000);
    assert.deepEqual(
      [share.admitsLine(800), share.admitsLine(800), share.admitsLine(800)],
      [true, true, false],
    );
  });

  test('is apart for errors: a flood of lines hides none', () => {
    const clock = new ManualClock();
    const records = new Records();
    const journal = journalOf(records, new LogShare(1000, clock), clock);
    for (let i = 0; i < 100; i += 1) journal.line('info', 'x'.repeat(800));
    journal.fault({ kind: 'handler', message: 'TypeError: a' }, undefined);
    assert.equal(records.errors.length, 1);
  });

  test('bounds errors as well, each different from the one before, of all instances', () => {
    const clock = new ManualClock();
    const share = new LogShare(1000, clock);
    const records = new Records();
    for (let i = 0; i < 20; i += 1) {
      const journal = journalOf(records, share, clock);
      for (let n = 0; n < 10; n += 1)
        journal.fault({ kind: 'handler', message: `${i} ${n} ${'x'.repeat(795)}` }, undefined);
    }
    assert.equal(records.errors.length, 10);
  });
});

test('an application log says once a second how much was dropped, whatever comes through in between', () => {
  const clock = new ManualClock();
  const records = new Records();
  const journal = journalOf(records, new LogShare(1 << 20, clock), clock);
  for (let ms = 0; ms < 3000; ms += 1) {
    for (let i = 0; i < 5; i += 1) journal.line('info', 'x');
    clock.advance(1);
  }
  const notes = records.application.filter((text) => text.includes('were dropped'));
  assert.ok(notes.length >= 2 && notes.length <= 3, `${notes.length} notes`);
});

test('the rate of an instance is that of its settings', () => {
  const clock = new ManualClock();
  const records = new Records();
  records.journal(clock);
  const { log, applicationLog, metrics } = records;
  const journal = new Journal({
    ...{ application: 'live', instance: 'x', log, applicationLog, errors: records.kept!, clock, metrics },
    ...{
      share: new LogShare(1 << 20, clock),
      hide: (text: string) => text,
      linesPerSecond: 3,
      onDropped: () => {},
    },
  });
  for (let i = 0; i < 100; i += 1) journal.line('info', 'x');
  assert.equal(records.of('script-log').length, 30);
});

test('values of application.env are taken out of texts, nested ones too', () => {
  const env = { KEY: 'hunter2', database: { password: 'correct horse' }, short: 'abc' };
  assert.equal(withoutSecrets('hunter2, correct horse, abc', env), '***, ***, abc');
});
