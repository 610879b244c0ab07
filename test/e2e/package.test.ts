// The package as it is published: packed, and installed by npm into an empty folder.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { formatManual } from '../../src/config/manual.ts';
import { copyCheckout, filesIn, install, npxUnderstudy, pack, run, VERSION } from '../support/checkout.ts';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer } from '../support/server.ts';

test('what init writes, and the packed tarball installed there, runs start, new, check and test', {
  timeout: 600_000,
}, async () => {
  using checkout = mkdtempDisposableSync(join(tmpdir(), 'understudy-checkout-'));
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-package-'));
  await copyCheckout(checkout.path);
  await run(process.execPath, [join(checkout.path, 'bin/understudy.js'), 'init', folder.path]);
  await pack(checkout.path, folder.path);
  await install(`./understudy-rtmp-${VERSION}.tgz`, folder.path);
  const at = (...path: string[]) => join(folder.path, ...path);

  assert.match((await npxUnderstudy(folder.path, '--version')).stdout, new RegExp(`^${VERSION}$`, 'm'));
  await npxUnderstudy(at('applications/live'), 'new', 'studio');
  assert.match((await npxUnderstudy(folder.path, 'check')).stdout, /^live: ok\nstudio: ok$/m);
  // an application with packages of its own has a package.json, as `npm init` makes it, and npx begins to look there
  writeFileSync(at('applications/studio/package.json'), '{ "name": "studio", "type": "commonjs" }');
  mkdirSync(at('applications/studio/parts'));
  const below = await npxUnderstudy(at('applications/studio/parts'), 'test', 'studio');
  assert.match(below.stdout, /✔ every client may publish/);

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
  await copyCheckout(checkout.path);
  const application = join(checkout.path, 'applications', 'auth');
  writeFileSync(join(application, 'package.json'), '{ "name": "auth", "type": "commonjs" }');
  const { stdout } = await npxUnderstudy(application, 'check', 'auth');
  assert.equal(stdout.trim(), '../../conf: ok\nauth: ok');
});

const SECRET = 'hunter2-of-the-operator';

/** What a checkout holds after some months as a server. */
const OF_THE_OPERATOR = [
  'conf/Users.local.xml',
  'conf/Users.local.xml.4711',
  'conf/users',
  'conf/fms.ini.bak',
  'conf/_defaultRoot_/key.pem',
  'conf/_defaultRoot_/tls/server.key',
  'conf/_defaultRoot_/tv.example.com/Vhost.xml',
  'conf/_defaultRoot_/tv.example.com/Users.xml',
  'conf/second/Adaptor.xml',
  'applications/mine/main.ts',
  'applications/mine/keys.json',
  'applications/mine/Application.xml',
  'applications/_lib/webhook.ts',
  'applications/.removed/old/main.ts',
  'applications/auth/.env',
  'applications/auth/Application.xml',
  'applications/auth/keys.json~',
  'applications/auth/store/store.sqlite',
  'applications/live/main.ts',
  'applications/live/streams/_definst_/show.flv',
  'applications/live/node_modules/jose/index.js',
  'bin/deploy.sh',
  'packaging/deploy.env',
  'dist/left-over.js',
  'logs/_defaultVHost_/access.00.log',
  'run/admin.json',
  '.env',
];

test('npm pack in a used checkout takes our conf/ and samples, and nothing of the operator', async () => {
  using checkout = mkdtempDisposableSync(join(tmpdir(), 'understudy-checkout-'));
  await copyCheckout(checkout.path);
  for (const path of OF_THE_OPERATOR) {
    mkdirSync(dirname(join(checkout.path, path)), { recursive: true });
    writeFileSync(join(checkout.path, path), SECRET);
  }
  const tarball = await pack(checkout.path, checkout.path);
  const packed = await filesIn(tarball);
  assert.deepEqual(
    packed.filter((path) => OF_THE_OPERATOR.includes(path)),
    [],
  );
  assert.doesNotMatch(
    (await run('tar', ['-xzOf', tarball], { maxBuffer: 1 << 26 })).stdout,
    new RegExp(SECRET),
  );
  assert.deepEqual(
    packed.filter((path) => path.startsWith('conf/')).sort(),
    Object.keys(formatManual())
      .map((path) => `conf/${path}`)
      .sort(),
  );
  for (const sample of ['live/README.md', 'auth/main.ts', 'auth/keys.json', 'chat/main.asc', 'README.md']) {
    assert.ok(packed.includes(`applications/${sample}`), sample);
  }
});

test('npm pack refuses files of conf/ and samples that hold settings and keys of the operator, and names them', async () => {
  using checkout = mkdtempDisposableSync(join(tmpdir(), 'understudy-checkout-'));
  await copyCheckout(checkout.path);
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=us', '-c', 'user.email=us@example.com', ...args], { cwd: checkout.path });
  await git('init', '-q');
  await git('add', 'conf', 'applications');
  await git('commit', '-qm', 'as it was cloned');
  appendFileSync(join(checkout.path, 'conf/fms.ini'), `API_TOKEN = ${SECRET}\n`);
  writeFileSync(join(checkout.path, 'applications/auth/keys.json'), `{ "linkSecret": "${SECRET}" }`);
  await assert.rejects(pack(checkout.path, checkout.path), ({ stderr }: { stderr: string }) => {
    assert.match(stderr, /^applications\/auth\/keys\.json\nconf\/fms\.ini\nnpm pack: these files differ/m);
    return true;
  });
  await git('commit', '-qam', 'for everybody to read');
  assert.ok((await filesIn(await pack(checkout.path, checkout.path))).includes('conf/fms.ini'));
});
