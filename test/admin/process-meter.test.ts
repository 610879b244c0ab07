import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ProcessMeter } from '../../src/admin/process-meter.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('where memory cannot be read for want of a descriptor, the last numbers are given', () => {
  const meter = new ProcessMeter(new ManualClock());
  try {
    const { residentBytes } = meter.numbers();
    assert.ok(residentBytes > 0);
    const read = mock.method(process, 'memoryUsage', () => {
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    });
    assert.equal(meter.numbers().residentBytes, residentBytes);
    assert.equal(read.mock.callCount(), 1);
  } finally {
    mock.restoreAll();
    meter.close();
  }
});
