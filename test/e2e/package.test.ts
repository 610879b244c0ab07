// The package as it is published: compiled, under node_modules, with nothing beside it but its own dependencies.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempDisposableSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer } from '../support/server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** Lays the package out in a folder as npm would, without the network; returns its command. */
async function install(folder: string): Promise<string> {
  await run(process.execPath, [join(ROOT, 'bin', 'prepack.mjs')]);
  const packed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
  const manifests: { files: { path: string }[] }[] = Object.values(JSON.parse(packed.stdout)); // npm 11: [m], 12: {name: m}
  const files = manifests.flatMap((manifest) => manifest.files);
  const home = join(folder, 'node_modules', 'understudy');
  for (const { path } of files) cpSync(join(ROOT, path), join(home, path));

  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const entries: [string, { dev?: boolean }][] = Object.entries(lock.packages);
  for (const [path, { dev }] of entries) {
    if (path === '' || dev || path.lastIndexOf('node_modules/') > 0) continue; // nested ones come with their parent
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(folder, path));
  }
  return join(home, 'bin', 'understudy.js');
}

test('the installed package serves a script, runs tests, and knows its version', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-package-'));
  const command = await install(folder.path);

  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.match((await run(process.execPath, [command, '--version'])).stdout, new RegExp(`\\b${version}\\b`));

  cpSync(join(dirname(command), '../applications/auth'), join(folder.path, 'applications/auth'), {
    recursive: true,
  });
  const tested = await run(process.execPath, [command, 'test', '--root', folder.path]);
  assert.match(tested.stdout, /a stream key publishes under the public name/);

  const script = `application.onPublish = (client, stream) => { trace('on air: ' + stream.name); };`;
  const applications = { 'studio/main.ts': script };
  await using server = await startServer({ command: [process.execPath, command], applications });
  await using publisher = startFfmpeg(publishArgs(await h264Clip(), server.url('studio', 'camera')));
  await publisher.reached(1);
  await server.waitForLog((record) => JSON.stringify(record).includes('on air: camera'));
});
