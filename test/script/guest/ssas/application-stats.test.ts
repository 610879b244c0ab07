import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestRunner } from '../../../support/runner.ts';

test('application.getStats has the numbers last heard, and asks for new ones once at a time', async () => {
  await using runner = await TestRunner.start();
  const unit = await runner.run(`Client.prototype.stats = () => application.getStats();`);
  await unit.connect().verdict;
  const none = {
    bytes_in: 0,
    bytes_out: 0,
    msg_in: 0,
    msg_out: 0,
    msg_dropped: 0,
    total_connects: 0,
    total_disconnects: 0,
  };
  assert.deepEqual(await unit.value('stats'), none);
  assert.deepEqual(await unit.value('stats'), none);
  assert.equal(unit.of('stats').length, 1);
  unit.post({ t: 'instanceStats', stats: { ...none, bytes_in: 9, total_connects: 2 } });
  assert.deepEqual(await unit.value('stats'), { ...none, bytes_in: 9, total_connects: 2 });
  assert.equal(unit.of('stats').length, 2);
});
