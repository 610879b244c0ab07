import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedLimits, type RecordingLimits } from '../../../src/application/contract/recording.ts';
import { RecordingError } from '../../../src/errors.ts';
import { testSettings } from '../../support/settings.ts';

const NONE: RecordingLimits = testSettings().streamManager.recording;

test('without configured limits a script has what it asks for', () => {
  assert.deepEqual(allowedLimits({}, NONE), {});
  assert.deepEqual(allowedLimits({ maxDurationS: 9, maxSizeBytes: 8 }, NONE), {
    maxDurationS: 9,
    maxSizeBytes: 8,
  });
});

test('a configured limit is for scripts that name none; the cap is for all', () => {
  const limits = { maxSizeBytes: 100, maxSizeCapBytes: 200, maxDurationMs: 10_000, maxDurationCapMs: 20_000 };
  assert.deepEqual(allowedLimits({}, limits), { maxSizeBytes: 100, maxDurationS: 10 });
  assert.deepEqual(allowedLimits({ maxSizeBytes: 150, maxDurationS: 15 }, limits), {
    maxSizeBytes: 150,
    maxDurationS: 15,
  });
  assert.deepEqual(allowedLimits({ maxSizeBytes: 900, maxDurationS: 90 }, limits), {
    maxSizeBytes: 200,
    maxDurationS: 20,
  });
  assert.deepEqual(allowedLimits({}, { ...NONE, maxDurationCapMs: 20_000 }), { maxDurationS: 20 });
});

test('a limit of 0 says that nothing is recorded', () => {
  for (const limits of [
    { ...NONE, maxSizeCapBytes: 0 },
    { ...NONE, maxDurationCapMs: 0 },
  ]) {
    assert.throws(() => allowedLimits({ maxSizeBytes: 1, maxDurationS: 1 }, limits), RecordingError);
  }
});
