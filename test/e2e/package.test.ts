// The package as it is published: packed, and installed by npm into an empty folder.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyCheckout, install, npxUnderstudy, pack, VERSION } from '../support/checkout.ts';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer } from '../support/server.ts';

test('the packed tarball, installed into an empty folder, runs start, new, check and test there', async () => {
  using checkout = mkdtempDisposableSync(join(tmpdir(), 'understudy-checkout-'));
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-package-'));
  copyCheckout(checkout.path);
  await install(await pack(checkout.path, checkout.path), folder.path);
  const at = (...path: string[]) => join(folder.path, ...path);

  assert.match((await npxUnderstudy(folder.path, '--version')).stdout, new RegExp(`^${VERSION}$`, 'm'));
  await npxUnderstudy(folder.path, 'new', 'studio');
  assert.match((await npxUnderstudy(folder.path, 'check')).stdout, /^studio: ok$/m);
  assert.match((await npxUnderstudy(folder.path, 'test')).stdout, /✔ everybody may publish/);

  // an application with packages of its own has a package.json, with which npx looks no further for commands of packages
  writeFileSync(at('applications/studio/package.json'), '{ "name": "studio", "type": "commonjs" }');
  mkdirSync(at('applications/studio/parts'));
  const below = await npxUnderstudy(at('applications/studio/parts'), 'test', '--root', folder.path);
  assert.match(below.stdout, /✔ everybody may publish/);

  await using server = await startServer({
    root: folder.path,
    command: [at('node_modules/.bin/understudy')],
    applications: {
      'studio/main.ts': `application.onPublish = (client, stream) => { trace('on air: ' + stream.name); };`,
    },
  });
  await using publisher = startFfmpeg(publishArgs(await h264Clip(), server.url('studio', 'camera')));
  await publisher.reached(1);
  await server.waitForLog((record) => JSON.stringify(record).includes('on air: camera'));
});

test('npx finds the command of a checkout from an application with a package.json of its own', async () => {
  using checkout = mkdtempDisposableSync(join(tmpdir(), 'understudy-checkout-'));
  copyCheckout(checkout.path);
  const application = join(checkout.path, 'applications', 'auth');
  writeFileSync(join(application, 'package.json'), '{ "name": "auth", "type": "commonjs" }');
  const { stdout } = await npxUnderstudy(application, 'check', 'auth', '--root', checkout.path);
  assert.equal(stdout.trim(), 'auth: ok');
});
