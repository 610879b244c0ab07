import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { refreshAuthorFiles } from '../../src/cli/author-files.ts';
import { rootWith, said, understudy } from './support.ts';

const TYPES = join(import.meta.dirname, '../../src/script/types');

test('new makes an application that passes check, in a root that was empty', async (t) => {
  const root = rootWith(t);
  const made = await understudy('new', 'tv', '--root', root);
  assert.equal(made.exitCode, 0);
  assert.match(made.printed[0]!, new RegExp(`^${said(root, 'tv/main.ts')} is the script`));
  assert.deepEqual(readdirSync(join(root, 'applications')).sort(), [
    'tsconfig.base.json',
    'tv',
    'understudy-test.d.ts',
    'understudy.d.ts',
  ]);
  assert.deepEqual(readdirSync(join(root, 'applications/tv')).sort(), [
    'main.test.ts',
    'main.ts',
    'tsconfig.json',
  ]);

  const checked = await understudy('check', '--root', root);
  assert.deepEqual(checked, { exitCode: 0, printed: ['tv: ok'], errors: [], started: [] });
});

test('new waits for no file of the applications that is a named pipe, and writes through no link', {
  timeout: 30_000,
}, async (t) => {
  const root = rootWith(t, { '_lib/': '', 'victim/': '' });
  const at = (path: string) => join(root, 'applications', path);
  execFileSync('mkfifo', [at('understudy.d.ts')]);
  const refused = await understudy('new', 'tv', '--root', root);
  assert.equal(refused.exitCode, 1);
  assert.deepEqual(refused.errors, [
    `understudy: ${said(root, 'understudy.d.ts')}: expected a regular file, found a named pipe`,
  ]);
  rmSync(at('understudy.d.ts'));
  // where the next file was written before it got its name
  for (const name of [
    'understudy.d.ts',
    'understudy-test.d.ts',
    'tsconfig.base.json',
    '_lib/tsconfig.json',
  ]) {
    symlinkSync(at('victim/secret'), join(dirname(at(name)), `.${basename(name)}.${process.pid}`));
  }
  const made = await understudy('new', 'tv', '--root', root);
  assert.equal(made.exitCode, 0, made.errors.join());
  assert.deepEqual(readdirSync(at('victim')), []);
  assert.equal(
    readFileSync(at('understudy.d.ts'), 'utf8'),
    readFileSync(join(TYPES, 'understudy.d.ts'), 'utf8'),
  );
});

test('new leaves a folder of that name alone', async (t) => {
  const root = rootWith(t, { 'tv/main.asc': 'trace("mine");' });
  const { exitCode, errors } = await understudy('new', 'tv', '--root', root);
  assert.equal(exitCode, 1);
  assert.deepEqual(errors, [`understudy: ${said(root, 'tv')} exists already`]);
  assert.deepEqual(readdirSync(join(root, 'applications/tv')), ['main.asc']);
});

for (const name of [
  '.',
  '..',
  '../x',
  'a/b',
  '.hidden',
  'a b',
  'ü',
  'nul',
  'a.',
  'node_modules',
  '',
  'x'.repeat(65),
]) {
  test(`new refuses the name "${name}"`, async (t) => {
    const root = rootWith(t);
    const { exitCode, errors } = await understudy('new', '--root', root, '--', name);
    assert.equal(exitCode, 2);
    assert.match(errors[0]!, /cannot be the name of an application: expected up to 64 letters/);
    assert.equal(existsSync(join(root, 'applications')), false);
  });
}

test('new in a root that does not exist says so', async (t) => {
  const { exitCode, errors } = await understudy('new', 'tv', '--root', join(rootWith(t), 'nowhere'));
  assert.equal(exitCode, 1);
  assert.match(errors[0]!, /the root folder .* does not exist/);
});

test('the author files are brought up to date, and left alone where they are', (t) => {
  const applications = join(rootWith(t, { 'understudy.d.ts': 'declare const old: true;' }), 'applications');
  refreshAuthorFiles(applications);
  for (const name of ['understudy.d.ts', 'understudy-test.d.ts', 'tsconfig.base.json']) {
    assert.equal(readFileSync(join(applications, name), 'utf8'), readFileSync(join(TYPES, name), 'utf8'));
  }
  const before = statSync(join(applications, 'understudy.d.ts'), { bigint: true });
  refreshAuthorFiles(applications);
  const after = statSync(join(applications, 'understudy.d.ts'), { bigint: true });
  assert.deepEqual([after.mtimeNs, after.ino], [before.mtimeNs, before.ino]);
  assert.deepEqual(readdirSync(applications).sort(), [
    'tsconfig.base.json',
    'understudy-test.d.ts',
    'understudy.d.ts',
  ]);
});

test('what applications share gets settings for editors, and keeps those that it has', (t) => {
  const root = rootWith(t, { '_lib/a.ts': '' });
  const settings = join(root, 'applications/_lib/tsconfig.json');
  refreshAuthorFiles(join(root, 'applications'));
  assert.match(readFileSync(settings, 'utf8'), /"extends": "\.\.\/tsconfig\.base\.json"/);
  writeFileSync(settings, '{}');
  refreshAuthorFiles(join(root, 'applications'));
  assert.equal(readFileSync(settings, 'utf8'), '{}');
});

test('author files that cannot be written are an error that names the file', (t) => {
  const root = rootWith(t);
  writeFileSync(join(root, 'applications'), 'a file where the folder should be');
  assert.throws(() => refreshAuthorFiles(join(root, 'applications')), {
    code: 'ERR_CLI_AUTHOR_FILES',
    message: new RegExp(`^${said(root, 'understudy.d.ts')}: `),
  });
});
