import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogFileName } from '../../src/log/log-file-name.ts';
import { nextRotationMs } from '../../src/log/rotation.ts';

const AT = new Date(Date.UTC(2026, 1, 3, 23, 30));

test('tokens stand in brackets, one by one or together', () => {
  for (const [pattern, name] of [
    ['access.[NN].log', 'access.07.log'],
    ['access.[NNNN].log', 'access.0007.log'],
    ['access.[YYYY]-[MM]-[DD].[N].log', 'access.2026-02-03.7.log'],
    ['access.[YYYYMMDDNN].log', 'access.2026020307.log'],
    ['[D].[M].access', '3.2.access'],
    ['NN.[x].(a+b).log', 'NN.[x].(a+b).log'],
  ] as const) {
    assert.equal(new LogFileName(pattern).format(AT, 7, 'utc'), name);
    const id = new LogFileName(pattern).parse(name);
    if (pattern.includes('N]')) assert.equal(id?.number, 7, pattern);
    if (pattern.includes('[YYYY')) assert.equal(id?.day, 20260203, pattern);
    assert.ok(id, pattern);
  }
});

test('a number has more digits when it needs them, and other names are not of this log', () => {
  const name = new LogFileName('access.[NN].log');
  assert.equal(name.format(AT, 123, 'utc'), 'access.123.log');
  assert.deepEqual(name.parse('access.123.log'), { day: 0, number: 123 });
  for (const other of [
    'access.1.log',
    'access.01.log.gz',
    'xaccess.01.log',
    'accessx01.log',
    'access.0a.log',
  ]) {
    assert.equal(name.parse(other), undefined, other);
  }
});

test('daily is at the next such time of the day, in the zone of the logs', () => {
  const at = (hour: number, minute: number) => ({ type: 'daily', hour, minute }) as const;
  assert.equal(nextRotationMs(at(23, 45), AT.getTime(), 'utc'), Date.UTC(2026, 1, 3, 23, 45));
  assert.equal(nextRotationMs(at(23, 30), AT.getTime(), 'utc'), Date.UTC(2026, 1, 4, 23, 30));
  assert.equal(nextRotationMs(at(0, 0), AT.getTime(), 'utc'), Date.UTC(2026, 1, 4));
  assert.equal(
    nextRotationMs(at(0, 0), new Date(2026, 11, 31, 5).getTime(), 'local'),
    new Date(2027, 0, 1).getTime(),
  );
});

test('a period of minutes ends where its multiples are', () => {
  const every = (minutes: number) => nextRotationMs({ type: 'duration', minutes }, AT.getTime(), 'utc');
  assert.equal(every(60), Date.UTC(2026, 1, 4, 0, 0));
  assert.equal(every(30), Date.UTC(2026, 1, 4, 0, 0));
  assert.equal(every(7 * 60), Math.ceil(AT.getTime() / 25_200_000) * 25_200_000);
});
