import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundaryAfter } from '../../../src/recording/write/segments.ts';

const CASES = [
  ['2026-02-03 12:59:57', 3_600, '2026-02-03 13:00:00'],
  ['2026-02-03 13:00:00', 3_600, '2026-02-03 14:00:00'],
  ['2026-02-03 13:07:30', 900, '2026-02-03 13:15:00'],
  ['2026-02-03 23:30:00', 3_600, '2026-02-04 00:00:00'],
  ['2026-02-03 23:30:00', 86_400, '2026-02-04 00:00:00'],
  ['2026-02-03 01:30:00', 43_200, '2026-02-03 12:00:00'],
  // a day is no multiple of it: it begins anew at midnight
  ['2026-02-03 22:00:00', 25_200, '2026-02-04 00:00:00'],
  ['2026-02-03 23:59:55', 50, '2026-02-04 00:00:00'],
] as const;

for (const [now, segmentS, boundary] of CASES) {
  test(`behind ${now} the next multiple of ${segmentS} s is ${boundary}`, () => {
    assert.equal(`${boundaryAfter(new Date(now), segmentS)}`, `${new Date(boundary)}`);
  });
}

test('where the clocks are changed an hour is an hour, and a day ends at midnight', (t) => {
  const { TZ } = process.env;
  process.env.TZ = 'Europe/Berlin';
  t.after(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });
  const at = (now: string, segmentS: number) => boundaryAfter(new Date(now), segmentS).toISOString();
  assert.equal(
    at('2026-10-25T00:30:00Z', 3_600),
    '2026-10-25T01:00:00.000Z',
    'half past two, for the first time',
  );
  assert.equal(at('2026-10-25T01:30:00Z', 3_600), '2026-10-25T02:00:00.000Z', 'and for the second');
  assert.equal(at('2026-10-24T23:30:00Z', 86_400), '2026-10-25T23:00:00.000Z', 'a day of 25 hours');
  assert.equal(at('2026-03-28T23:30:00Z', 86_400), '2026-03-29T22:00:00.000Z', 'a day of 23 hours');
});
