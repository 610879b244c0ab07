// Trees that name every element that Flash Media Server 3.5 and 4 shipped, with its value, in alphabetical order.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readApplicationConfig } from '../../src/config/application.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Note } from '../../src/config/note.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

function load(tree: string): Config {
  return loadConfig({ root: join(FIXTURES, tree), set: {}, environment: {} });
}

function said(notes: readonly Note[]): string[] {
  return notes.filter(({ level }) => level !== 'debug').map(({ text }) => text);
}

test('a conf/ of Flash Media Server 3.5 is obeyed; what it hopes for in vain is told', () => {
  const config = load('fms-3.5');
  const { listen, access, tls, vhosts } = config.adaptors[0]!;
  assert.deepEqual(
    listen.map(({ host, port }) => `${host}:${port}`),
    ['192.0.2.1:1935', '192.0.2.1:443', '192.0.2.1:80'],
  );
  assert.deepEqual(access, { allow: 'all', deny: '', order: 'Allow,Deny' });
  assert.equal(tls.certificate, undefined);
  assert.equal(config.applicationsDir, '/opt/fms/applications');
  assert.equal(config.logs.application?.directory, join(config.root, 'logs'));
  assert.deepEqual(config.server.admin.listen, [{ host: undefined, port: 1111, secure: false }]);
  assert.equal(config.server.clientIdleMs, undefined);
  assert.equal(config.server.mask, 0o017);
  assert.deepEqual(config.server.process, { uid: 500, gid: 500 });
  const { client, limits, streamManager } = vhosts[0]!.application;
  assert.equal(client.outChunkSizeBytes, 4096);
  assert.deepEqual([limits.memoryMb, limits.turnMs], [64, 250]);
  assert.equal(streamManager.live.publishTimeoutMs, 2000);
  const application = 'conf/_defaultRoot_/_defaultVHost_/Application.xml';
  assert.deepEqual(
    said(config.notes).map((text) => text.replace(/:\d+:/, ':')),
    [
      `${application}: OutChunkSize = 4096: accepted, but 60000 would need less CPU time`,
      `${application}: RuntimeSize = 1024: replaced by 65536 kB, since less than 8192 kB is too little`,
    ],
  );
  assert.ok(config.notes.length > 100, 'what is not used is listed');
});

test('one of 4 as well, with its ScriptEngine and RTMFP; its applications have files of their own', async () => {
  const config = load('fms-4');
  const [vhost] = config.adaptors[0]!.vhosts;
  assert.deepEqual(
    config.adaptors[0]!.listen.map(({ port }) => port),
    [1935, 80],
  );
  assert.equal(vhost!.application.client.outChunkSizeBytes, 2048);
  const vod = await readApplicationConfig(
    { ...vhost!.defaults, appsDir: join(config.root, 'applications') },
    'vod',
  );
  assert.equal(vod.limits.memoryMb, 20);
  assert.equal(vod.client.outChunkSizeBytes, 2048);
  assert.deepEqual(said(vod.notes), []);
  assert.deepEqual(
    vod.folders.virtual,
    ['/opt/fms/webroot/vod', '/opt/fms/applications/vod/media'].map((folder) => ({ prefix: '', folder })),
  );
});
