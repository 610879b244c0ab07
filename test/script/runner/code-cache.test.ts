// What every isolate is given of the guest library.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const ROOT = new URL('../../../', import.meta.url);

/** In a process of its own: the engine wants one without Node's snapshot. */
const PROBE = `
  import ivm from 'isolated-vm';
  const { bundleGuest } = await import('./src/script/source/guest-bundle.ts');
  const { warmCodeCache } = await import('./src/script/runner/code-cache.ts');
  const guest = await bundleGuest();
  const warm = warmCodeCache(guest);
  const filename = 'understudy:guest.js';
  const isolate = new ivm.Isolate();
  const { cachedDataRejected } = await isolate.compileScript(guest, { filename, cachedData: new ivm.ExternalCopy(warm) });
  const { cachedData } = await isolate.compileScript(guest, { filename, produceCachedData: true });
  console.log(JSON.stringify({ cachedDataRejected, warm: warm.byteLength, cold: cachedData.copy().byteLength }));
  process.exit();`;

test('the code that was made in a rehearsal is taken by the engine, and is more than what runs at once', () => {
  const args = ['--no-node-snapshot', '--input-type=module', '-e', PROBE];
  const said = JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }));
  assert.equal(said.cachedDataRejected, false);
  assert.ok(said.warm > 1.2 * said.cold, `${said.warm} bytes against ${said.cold}`);
});
