import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTakeOver, safeForMs } from '../../../src/application/publish/take-over.ts';

const INTERVAL_MS = 10_000;

test('the first take-over may happen at any time, and each in a row doubles the wait for the next, up to an hour', () => {
  assert.equal(safeForMs(undefined, INTERVAL_MS, 0), 0);
  let latest = nextTakeOver(undefined, INTERVAL_MS, 0);
  const waits: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    const waitMs = safeForMs(latest, INTERVAL_MS, latest.atMs);
    waits.push(waitMs / 1000);
    latest = nextTakeOver(latest, INTERVAL_MS, latest.atMs + waitMs);
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
});

test('a name that was left alone for twice the time begins again', () => {
  const first = nextTakeOver(undefined, INTERVAL_MS, 0);
  assert.equal(nextTakeOver(first, INTERVAL_MS, 19_999).inARow, 2);
  assert.equal(nextTakeOver(first, INTERVAL_MS, 20_000).inARow, 1);
});
