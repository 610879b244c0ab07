import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const MUST_END = join(import.meta.dirname, 'must-end.ts');

/** A file of tests whose one test leaves that open. */
function run(left: string) {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-must-end-'));
  const file = join(folder.path, 'x.mjs');
  writeFileSync(
    file,
    `import net from 'node:net'; import { test } from 'node:test'; test('leaves', () => { ${left} });`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, ['--import', MUST_END, file], {
    ...{ encoding: 'utf8', timeout: 60_000 },
    env: { ...env, MUST_END_MS: '10' },
  });
}

test('a test file that leaves a listener open fails, and says so', () => {
  const { status, stderr } = run('net.createServer().listen(0)');
  assert.equal(status, 1);
  assert.match(stderr, /^10 ms after its last test the process still has open: .*TCPServerWrap/);
});

test('a test file that leaves nothing open passes', () => {
  const { status, stderr } = run('');
  assert.deepEqual([status, stderr], [0, '']);
});
