import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { installationOf, packagesIn } from './debian.ts';
import { summaryOfSkipped } from './skipped.ts';

const isRoot = process.getuid?.() === 0;

/** What a test run says of a program that this machine lacks, and what it had apt-get do. */
function lacking(t: TestContext, ci: string | undefined): { output: string; asked: string } {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-apt-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const record = join(folder, 'asked');
  // the PATH has nothing but these
  symlinkSync('/bin/sh', join(folder, 'sh'));
  writeFileSync(join(folder, 'flock'), '#!/bin/sh\nshift\nexec "$@"\n', { mode: 0o755 });
  writeFileSync(join(folder, 'apt-get'), `#!/bin/sh\necho "$@" >> ${record}\n`, { mode: 0o755 });
  const code = `import { lacks } from ${JSON.stringify(join(import.meta.dirname, 'debian.ts'))}; console.log(lacks('rtmpdump'));`;
  const { CI: _, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...env, PATH: folder, ...(ci === undefined ? {} : { CI: ci }) },
    encoding: 'utf8',
  });
  return { output: stdout + stderr, asked: existsSync(record) ? readFileSync(record, 'utf8') : '' };
}

test('a test run installs nothing on somebody’s machine, and says what it lacks', (t) => {
  const { output, asked } = lacking(t, undefined);
  assert.equal(asked, '');
  assert.equal(output, 'needs rtmpdump (Debian: rtmpdump)\n');
  assert.deepEqual(packagesIn(output.trim()), ['rtmpdump']);
});

test('with CI set it installs what is missing, and skips nothing', {
  skip: !isRoot && 'only root installs',
}, (t) => {
  const { output, asked } = lacking(t, 'true');
  assert.match(asked, /install -y --no-install-recommends rtmpdump$/m);
  assert.match(output, /nothing is skipped in CI/);
});

test('a run ends with what was skipped, and with one command that installs all of it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-skipped-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const skipped = join(folder, 'skipped');
  writeFileSync(
    join(folder, 'a.test.mjs'),
    `import { describe, test } from 'node:test';
     test('proxied', { skip: 'needs haproxy (Debian: haproxy)' }, () => {});
     describe('by nginx', { skip: 'needs nginx, openssl (Debian: nginx, openssl)' }, () => { test('inside', () => {}); });
     test('by root', (t) => t.skip('only root can'));
     test('of the machine', { skip: true }, () => {});
     test('well', { skip: false }, () => {});`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const reporter = [
    `--test-reporter=${join(import.meta.dirname, 'skipped-reporter.ts')}`,
    `--test-reporter-destination=${skipped}`,
  ];
  const { status } = spawnSync(process.execPath, ['--test', ...reporter, 'a.test.mjs'], { cwd: folder, env });
  assert.equal(status, 0);
  assert.deepEqual(summaryOfSkipped(readFileSync(skipped, 'utf8')).split('\n'), [
    'skipped (4):',
    '  a.test.mjs: proxied: needs haproxy (Debian: haproxy)',
    '  a.test.mjs: by nginx: needs nginx, openssl (Debian: nginx, openssl)',
    '  a.test.mjs: by root: only root can',
    '  a.test.mjs: of the machine',
    'To run what needs these programs:',
    `  ${installationOf(['haproxy', 'nginx', 'openssl'])}`,
    '',
  ]);
  assert.match(installationOf(['haproxy']), /^(sudo )?env .*apt-get install -y .*haproxy$/);
  assert.equal(summaryOfSkipped(''), '');
});
