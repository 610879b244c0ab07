import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess } from '../../../src/script/child/start-process.ts';
import { spawnRunner } from '../../../src/script/process/runner-process.ts';

/** spawn() throws ENOTDIR for it, and tells of no event. */
const THROUGH_A_FILE = join(import.meta.filename, 'none');

test('a program that cannot be started throws nothing: it has an error, and is closed', async () => {
  const child = startProcess(THROUGH_A_FILE, [], {});
  const closed = new Promise((resolve) => child.on('close', resolve));
  const [error] = await once(child, 'error');
  assert.equal(error.code, 'ENOTDIR');
  await closed;
});

test('a script process that cannot be started has ended, and says why', async () => {
  const child = spawnRunner({ text: '', readable: [] }, [THROUGH_A_FILE]);
  const how = await new Promise<string>((resolve) => child.onEnd(resolve));
  assert.match(how, /ENOTDIR/);
});
