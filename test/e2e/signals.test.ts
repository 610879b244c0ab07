import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRunFile } from '../../src/admin/run-file.ts';
import { until } from '../support/core.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
/** Runs what follows on a terminal of its own, with its output piped to us: as `npm start | tee log` in a window. */
const ON_TERMINAL = 'exec script -qfc "exec $* >&3 2>&3" /dev/null 3>&1 >/dev/null';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} stops the server in order`, async () => {
    await using server = await startServer();
    assert.deepEqual(await server.signal(signal), { code: 0, signal: null });
    assert.equal(server.log.filter(({ event }) => event === 'stopping').length, 1);
  });
}

test('Ctrl-C that npm passes on a moment later is still one Ctrl-C', async () => {
  await using server = await startServer();
  const ended = server.signal('SIGINT');
  await server.waitForLog(({ event }) => event === 'stopping');
  server.signal('SIGINT');
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('SIGHUP from a terminal that is closed stops the server in order, scripts too, wherever its output goes; any other opens the logs anew', {
  skip: process.platform !== 'linux' && 'needs script of util-linux',
}, async () => {
  const main = "application.onAppStop = () => trace('farewell');";
  const command = ['sh', '-c', ON_TERMINAL, 'sh', process.execPath, MAIN] as const;
  await using server = await startServer({ applications: { 'live/main.ts': main }, command });
  const logs = join(server.root, 'logs');
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('live');
  await until('the line of the connect', () => isLogged(join(logs, 'access.00.log'), 'app-start'));

  renameSync(join(logs, 'access.00.log'), join(logs, 'moved'));
  process.kill(readRunFile(server.runFile)!.pid, 'SIGHUP');
  await using second = await RtmpPeer.open(server.port);
  await second.connect('live/two');
  await until('a new file', () => isLogged(join(logs, 'access.00.log'), 'live/two'));

  await server.kill9(); // `script`, which has the terminal; the server is what ends behind it
  await peer.expectStatus('NetConnection.Connect.AppShutdown');
  await server.ended;
  assert.ok(isLogged(join(logs, '_defaultVHost_/live/_definst_/application.00.log'), 'farewell'));
  assert.deepEqual(
    server.log.filter(({ kind }) => kind === 'bug'),
    [],
  );
});

function isLogged(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes(text);
  } catch {
    return false;
  }
}
