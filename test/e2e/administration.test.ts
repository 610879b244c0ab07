// What administrators do to virtual hosts, applications and files, done to a real server with real folders.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRunFile } from '../../src/admin/run-file.ts';
import { membersOf } from '../../src/protocol/amf/amf.ts';
import { h264Clip } from '../support/ffmpeg.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const SHOWS = '/hosts/_defaultRoot_/shows.example.com';

async function ask(server: TestServer, method: string, path: string, body?: unknown) {
  const { url, token } = readRunFile(server.runFile)!;
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  return { status: response.status, value: text === '' ? undefined : JSON.parse(text) };
}

test('hosts, aliases, recordings, settings and applications, by command', async () => {
  await using server = await startServer({
    conf: {
      '_defaultRoot_/shows.example.com/Vhost.xml': '<VirtualHost><AppsDir>shows</AppsDir></VirtualHost>',
    },
    applications: {
      'live/main.ts': `application.onConnect = () => ({ deny: 'the default host' });`,
      '../shows/live/main.ts': `application.onConnect = () => ({ deny: 'the show' });`,
      '../shows/live/streams/_definst_/': '',
    },
  });
  const clip = await h264Clip();
  const folder = join(server.root, 'shows', 'live', 'streams', '_definst_');
  mkdirSync(join(folder, 'deep'));
  for (const file of ['show.flv', 'deep/show.flv', 'deep/.hidden.flv', 'notes.txt']) {
    copyFileSync(clip, join(folder, file));
  }
  const reason = async (host: string) => {
    await using peer = await RtmpPeer.open(server.port);
    const { args } = await peer.connect('live', { tcUrl: `rtmp://${host}/live` });
    return String(membersOf(args[0]!)?.description);
  };

  // what there is
  const { value: hosts } = await ask(server, 'GET', '/hosts');
  assert.deepEqual(
    hosts.map(({ name, applications, isServing }: Record<string, unknown>) => [
      name,
      applications,
      isServing,
    ]),
    [
      ['_defaultVHost_', 1, true],
      ['shows.example.com', 1, true],
    ],
  );
  const { url, token } = readRunFile(server.runFile)!;
  for (const method of [
    'getVHostStats',
    'getServerStats',
    'getAdmins',
    'getFLVCacheStats',
    'gc',
    'getApps',
  ]) {
    const response = await fetch(`${url}/admin/${method}`, { headers: { authorization: `Bearer ${token}` } });
    assert.match(await response.text(), /NetConnection\.Call\.Success/, method);
  }

  // aliases: at once, and nobody else's
  assert.match(await reason('stage.example.com'), /the default host/);
  assert.equal((await ask(server, 'PUT', `${SHOWS}/aliases/Stage.example.com`)).status, 204);
  assert.match(await reason('stage.example.com'), /the show/);
  const taken = '/hosts/_defaultRoot_/_defaultVHost_/aliases/stage.example.com';
  assert.equal((await ask(server, 'PUT', taken)).status, 409);
  assert.equal((await ask(server, 'DELETE', `${SHOWS}/aliases/stage.example.com`)).status, 204);
  assert.match(await reason('stage.example.com'), /the default host/);

  // a host that is stopped takes nobody else with it
  assert.equal((await ask(server, 'POST', `${SHOWS}/stop`)).status, 204);
  assert.match(await reason('shows.example.com'), /has been stopped/);
  assert.match(await reason('127.0.0.1'), /the default host/);
  assert.equal((await ask(server, 'POST', `${SHOWS}/start`)).status, 204);
  assert.match(await reason('shows.example.com'), /the show/);

  // recordings
  const host = 'vhost=shows.example.com';
  const list = () => ask(server, 'GET', `/instances/live/recordings?${host}`);
  assert.deepEqual((await list()).value, ['deep/show', 'show']);
  const one = `/instances/live/recordings/show?${host}`;
  const { value } = await ask(server, 'GET', one);
  assert.ok(value.lengthMs > 900 && value.hasVideo && !value.isGrowing, JSON.stringify(value));
  assert.equal((await ask(server, 'DELETE', one)).status, 204);
  assert.deepEqual((await list()).value, ['deep/show']);

  // settings: written to the file, and in force
  const setting = { scope: 'App:live', key: 'DisallowedProtocols', value: 'rtmp' };
  assert.equal((await ask(server, 'PUT', '/settings', setting)).status, 400, 'who is let in is for the file');
  const idle = { scope: 'App:live', key: 'MaxAppIdleTime', value: '1' };
  assert.equal((await ask(server, 'PUT', '/settings', idle)).status, 204);
  assert.match(
    readFileSync(join(server.root, 'applications', 'live', 'Application.xml'), 'utf8'),
    /<MaxAppIdleTime>1<\/MaxAppIdleTime>/,
  );
  const saved = await server.waitForLog(({ msg }) => /settings of live have changed/.test(String(msg)));
  assert.ok(saved);
  const asked = await ask(server, 'GET', '/settings?scope=App:live&key=MaxAppIdleTime');
  assert.deepEqual(asked.value, { value: '1' });

  // an application that is removed is put aside, whole
  const removed = await ask(server, 'DELETE', `/applications/live?${host}`);
  assert.equal(removed.status, 200);
  assert.ok(existsSync(join(removed.value.movedTo, 'streams', '_definst_', 'deep')));
  assert.match(await reason('shows.example.com'), /not defined/);
  assert.equal((await ask(server, 'POST', `/applications?${host}`, { name: 'live' })).status, 201);
  assert.deepEqual((await list()).value, []);
});
