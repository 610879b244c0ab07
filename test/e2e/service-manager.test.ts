// systemd's part in the life of the server, with a program in the place of systemd-notify.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/core.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

test('systemd hears that the server is ready, that it is alive, and that it stops; who connects then is served', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-notify-'));
  const heard = join(folder.path, 'heard');
  const program = join(folder.path, 'systemd-notify');
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>${heard}\n`);
  chmodSync(program, 0o755);
  const lines = (): string[] => {
    try {
      return readFileSync(heard, 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  };
  const env = {
    PATH: `${folder.path}:${process.env.PATH}`,
    NOTIFY_SOCKET: '@understudy',
    WATCHDOG_USEC: '100000',
  };
  {
    await using server = await startServer({ applications: { 'live/': '' }, env });
    await until('a sign of life', () => lines().includes('@understudy WATCHDOG=1'));
    assert.equal(lines()[0], '@understudy READY=1 STATUS=serving 2 ports');
    await using peer = await RtmpPeer.open(server.port);
    await peer.connect('live');
  }
  assert.equal(lines().at(-1), '@understudy STOPPING=1');
});

test('without the program the log says so once, and the server serves', async () => {
  const env = { PATH: '/nonexistent', NOTIFY_SOCKET: '@understudy', WATCHDOG_USEC: '1000' };
  await using server = await startServer({ applications: { 'live/': '' }, env });
  await server.waitForLog(({ event }) => event === 'service-manager');
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('live');
  await server.stop();
  assert.equal(server.log.filter(({ event }) => event === 'service-manager').length, 1);
  await server.kill9();
});
