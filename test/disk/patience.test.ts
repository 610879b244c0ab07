import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPatience } from '../../src/disk/patience.ts';

const scarce = (code: string) => Object.assign(new Error(code), { code });

/** Fails so many times, and counts. */
function failing(times: number, error: Error) {
  const waits: number[] = [];
  let left = times;
  const attempt = async () => {
    left -= 1;
    if (left >= 0) throw error;
    return 'read';
  };
  return { waits, run: () => withPatience(attempt, async (ms) => waits.push(ms)) };
}

for (const code of ['EMFILE', 'ENFILE', 'ENOMEM']) {
  test(`what fails with ${code} is tried again, each time a little later`, async () => {
    const { run, waits } = failing(3, scarce(code));
    assert.equal(await run(), 'read');
    assert.deepEqual(waits, [20, 50, 100]);
  });
}

test('what goes on failing is given up after four seconds, with what the last attempt said', async () => {
  const { run, waits } = failing(100, scarce('EMFILE'));
  await assert.rejects(run(), { code: 'EMFILE' });
  assert.equal(
    waits.reduce((sum, ms) => sum + ms),
    3920,
  );
});

test('other failures are not tried again', async () => {
  const { run, waits } = failing(1, scarce('EACCES'));
  await assert.rejects(run(), { code: 'EACCES' });
  assert.deepEqual(waits, []);
});
