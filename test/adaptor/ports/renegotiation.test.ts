// A TLS client gets one handshake for each connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { certificateFor, writeCertificate } from '../../support/certificate.ts';
import { Core, until } from '../../support/core.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';

const folder = mkdtempSync(join(tmpdir(), 'understudy-renegotiation-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function start(): Promise<Core> {
  const certificate = writeCertificate(folder, certificateFor('a'));
  return Core.start({
    adaptor: {
      listen: [{ host: '127.0.0.1', port: 0, secure: true }],
      tls: { certificate, hosts: new Map(), ciphers: '', sessionTimeoutMs: 300_000 },
    },
  });
}

/** How many further handshakes a client of TLS 1.2 gets, of 12 that it asks for. */
async function renegotiate(port: number): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {}).resume();
  let count = 0;
  for (let i = 0; i < 12 && !socket.destroyed; i += 1) {
    const done = new Promise<void>((resolve) => {
      socket.renegotiate({ rejectUnauthorized: false }, (error) => {
        if (!error) count += 1;
        resolve();
      });
    });
    await Promise.race([done, closed]);
  }
  socket.destroy();
  return count;
}

test('a client that renegotiates is closed before it has its second handshake, in one line a second and a metric', async () => {
  await using core = await start();
  for (let i = 0; i < 5; i += 1) assert.equal(await renegotiate(core.port), 0);
  const isIt = ({ limit }: Record<string, unknown>) => limit === 'MaxTlsRenegotiations';
  await until('the line', () => core.log.some(isIt));
  assert.equal(core.log.filter(isIt).length, 1);
  assert.deepEqual(
    core.lines
      .limitCounts()
      .filter(isIt)
      .map(({ count }) => count),
    [5],
  );
});

test('in the middle of a session too, whose client is gone then', async () => {
  await using core = await start();
  const socket = connect({
    host: '127.0.0.1',
    port: core.port,
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
  });
  await once(socket, 'secureConnect');
  const peer = await RtmpPeer.over(socket);
  await peer.publish('live', 'show');
  assert.equal(core.sessionCount, 1);
  socket.on('error', () => {}).renegotiate({ rejectUnauthorized: false }, () => {});
  await until('the end', () => core.sessionCount === 0 && socket.closed);
  assert.deepEqual(
    core.log.filter(({ kind }) => kind === 'bug'),
    [],
  );
});
