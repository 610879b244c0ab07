import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { PRIVATE } from '../../src/cli/init.ts';
import { unitFor } from '../../src/cli/unit.ts';
import { formatManual } from '../../src/config/manual.ts';
import { lacks, programPath } from '../support/debian.ts';
import { rootWith, understudy } from './support.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

test('init writes the folder of a server, in which check and test find nothing wrong', async (t) => {
  const root = join(rootWith(t), 'tv station');
  const { exitCode, printed } = await understudy('init', root);
  assert.equal(exitCode, 0);
  assert.deepEqual(readdirSync(root).sort(), [
    '.gitignore',
    'applications',
    'conf',
    'package.json',
    'understudy.service',
  ]);
  for (const [path, text] of Object.entries(formatManual())) {
    assert.equal(readFileSync(join(root, 'conf', path), 'utf8'), text);
  }
  for (const path of [
    'conf/fms.ini',
    '.gitignore',
    'package.json',
    'understudy.service',
    'applications/live/main.ts',
  ]) {
    assert.ok(
      printed.some((line) => line.endsWith(`/tv station/${path}`)),
      path,
    );
  }
  assert.match(
    printed.at(-1)!,
    /^Next: cd '\S+\/tv station' && .*npm install \.\/understudy-rtmp-[\d.]+\.tgz && npx understudy start$/,
  );
  assert.deepEqual((await understudy('check', '--root', root)).printed.slice(-1), ['live: ok']);
  assert.match(
    readFileSync(join(root, 'applications/live/main.test.ts'), 'utf8'),
    /: npx understudy test live\n/,
  );

  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.equal(manifest.name, 'tv-station');
  assert.equal(manifest.private, true);
  assert.equal(manifest.dependencies, undefined, 'npm would ask the registry for it');
  assert.deepEqual(manifest.allowScripts, { esbuild: false, 'isolated-vm': false });
});

test('init overwrites nothing, and says what it left as it was', async (t) => {
  const root = rootWith(t, { 'mine/main.ts': 'trace(1);' });
  const mine = {
    'package.json': '{ "name": "mine" }',
    'conf/fms.ini': 'API_TOKEN = s3cret\n',
    '.gitignore': 'x\n',
  };
  mkdirSync(join(root, 'conf'));
  for (const [path, text] of Object.entries(mine)) writeFileSync(join(root, path), text);
  const { exitCode, printed } = await understudy('init', root);
  assert.equal(exitCode, 0);
  for (const [path, text] of Object.entries(mine)) assert.equal(readFileSync(join(root, path), 'utf8'), text);
  assert.ok(existsSync(join(root, 'conf/Server.xml')));
  assert.deepEqual(readdirSync(join(root, 'applications')), ['mine']);
  const kept = printed.find((line) => line.startsWith('Unchanged: '))!;
  for (const path of [...Object.keys(mine), 'applications'])
    assert.ok(kept.includes(join(basename(root), path)), path);
  assert.ok(!printed.join('\n').includes('  conf/fms.ini'));

  const again = await understudy('init', root);
  assert.equal(again.exitCode, 0);
  assert.match(again.printed[0]!, /^Unchanged: /);
});

test('init without a folder wants the current one to be empty, but for what npm and git leave there', (t) => {
  const root = rootWith(t);
  const init = () =>
    spawnSync(process.execPath, [join(REPOSITORY, 'bin/understudy.js'), 'init'], {
      cwd: root,
      encoding: 'utf8',
    });
  writeFileSync(join(root, 'thesis.doc'), '');
  const refused = init();
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /^understudy: this folder is not empty \(thesis\.doc\): to write what it lacks, name it: .*understudy.* init \.\n/,
  );
  assert.deepEqual(readdirSync(root), ['thesis.doc']);

  const bare = join(root, 'bare');
  mkdirSync(join(bare, '.git'), { recursive: true });
  for (const name of ['package.json', 'understudy-rtmp-0.1.0.tgz']) writeFileSync(join(bare, name), '{}');
  const made = spawnSync(process.execPath, [join(REPOSITORY, 'bin/understudy.js'), 'init'], {
    cwd: bare,
    encoding: 'utf8',
  });
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^ {2}conf\/fms\.ini\n/);
});

test('init refuses a folder inside the applications of another server, and a file', async (t) => {
  const root = rootWith(t, { 'tv/main.ts': '' });
  const inside = await understudy('init', join(root, 'applications/tv/server'));
  assert.equal(inside.exitCode, 1);
  assert.match(inside.errors[0]!, /is in the applications of another server/);
  assert.deepEqual(readdirSync(join(root, 'applications/tv')), ['main.ts']);
  const file = await understudy('init', join(root, 'applications/tv/main.ts'));
  assert.equal(file.exitCode, 1);
  assert.match(file.errors[0]!, /main\.ts is a file$/);
});

test('git ignores in a checkout what a server keeps to itself, as in the folder that init makes', () => {
  const lines = readFileSync(join(REPOSITORY, '.gitignore'), 'utf8').split('\n');
  assert.deepEqual(
    PRIVATE.filter((line) => !lines.includes(line)),
    [],
  );
});

for (const root of ['/srv/tv', '/home/ann/tv station 100%', '/opt/a"b\\c']) {
  test(`systemd finds nothing wrong with the unit for ${root}`, { skip: lacks('systemd-analyze') }, (t) => {
    const unit = unitFor(root);
    assert.doesNotMatch(unit, /var\/lib\/understudy|opt\/understudy/);
    const file = join(rootWith(t), 'understudy.service');
    const program = /^ExecStart=("(?:\\.|[^"\\])*"|\S+)/m;
    assert.ok(program.exec(unit)![1]!.replace(/^"|"$/g, '').endsWith('/node_modules/.bin/understudy'));
    writeFileSync(file, unit.replace(program, `ExecStart=${process.execPath}`));
    const { status, stdout, stderr } = spawnSync(
      programPath('systemd-analyze'),
      ['verify', '--man=no', file],
      {
        encoding: 'utf8',
        env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning' },
      },
    );
    assert.deepEqual(
      (stdout + stderr).split('\n').filter((line) => line.includes('understudy.service')),
      [],
    );
    assert.equal(status, 0, stderr);
    assert.equal(/^ProtectHome=(.*)$/m.exec(unit)![1], root.startsWith('/home') ? 'read-only' : 'yes');
  });
}
