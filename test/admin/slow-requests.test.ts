// The port of the administration, under connections that take their time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { readRunFile } from '../../src/admin/run-file.ts';
import { bugs } from '../../src/log/log.ts';
import { AdminCore, basic } from '../support/admin.ts';
import { until } from '../support/core.ts';

/** Each of so many connections has said that, and waits. */
async function slow(world: AdminCore, count: number, text: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(world.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    return socket;
  });
  await Promise.all(
    sockets.map(async (socket) => {
      await once(socket, 'connect');
      if (text !== '') await new Promise<void>((resolve) => socket.write(text, () => resolve()));
    }),
  );
  return sockets;
}

const SLOW: Readonly<Record<string, string>> = {
  'that say nothing': '',
  'whose head is not finished': 'GET /api/v1/server HTTP/1.1\r\nHost: localhost\r\nX-A: ',
  'whose body is not finished': `POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{`,
  'with a password whose body is not finished': `POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic('ann')}\r\nContent-Length: 100\r\n\r\n{`,
  'that wait for another request': 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'that ask and do not read': 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10),
};

describe('three hundred connections keep nobody out', () => {
  for (const [name, text] of Object.entries(SLOW)) {
    test(`of those ${name}`, async () => {
      await using world = await AdminCore.start();
      const sockets = await slow(world, 300, text);
      const { token } = readRunFile(world.runFile)!;
      assert.equal((await world.json('GET', '/server')).status, 200);
      assert.equal((await world.json('GET', '/server', undefined, `Bearer ${token}`)).status, 200);
      await until('the line', () => world.log.some(({ limit }) => limit === 'MaxAdminConnections'));
      for (const socket of sockets) socket.destroy();
      assert.deepEqual(
        world.log.filter(({ kind }) => kind === 'bug'),
        [],
      );
    });
  }
});

test('a client that leaves in the middle of its body is no bug', async () => {
  await using world = await AdminCore.start();
  const [socket] = await slow(world, 1, SLOW['whose body is not finished']!);
  const before = bugs.count;
  await world.json('GET', '/server'); // the half has arrived
  socket!.resetAndDestroy();
  assert.equal((await world.json('GET', '/server')).status, 200);
  await world.admin.close(); // and has been noticed
  assert.equal(bugs.count, before);
});

test('a listener to events stays, whoever comes', async () => {
  await using world = await AdminCore.start();
  const head = `GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic('ann')}\r\n\r\n`;
  const listener = connect(world.port, '127.0.0.1');
  listener.write(head);
  const [heard] = (await once(listener, 'data')) as [Buffer];
  assert.match(heard.toString(), /^HTTP\/1\.1 200 OK\r\n/);
  const sockets = await slow(world, 300, 'GET');
  assert.equal((await world.json('GET', '/server')).status, 200);
  assert.equal(listener.destroyed, false);
  for (const socket of [...sockets, listener]) socket.destroy();
});

test('a connection that sends requests faster than they are answered is closed', async () => {
  await using world = await AdminCore.start();
  const socket = connect(world.port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000));
  await until('the end', () => socket.closed);
  await until('the line', () => world.log.some(({ limit }) => limit === 'MaxAdminConnections'));
  assert.equal((await world.json('GET', '/server')).status, 200);
});

// ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

describe('a port that is reached from elsewhere', () => {
  const open = () =>
    AdminCore.start({ admin: { listen: [{ host: '0.0.0.0', port: 0 }], hostNames: ['tv.example'] } });

  test('serves browsers by an address or a name of HostNames alone', async () => {
    await using world = await open();
    const browser = { 'user-agent': 'Mozilla/5.0', 'accept-language': 'en' };
    const ask = async (host: string, more = {}) =>
      (await world.request('GET', '/', { host, ...browser, ...more })).status;
    for (const host of [
      '127.0.0.1:1111',
      '192.0.2.1',
      '[2001:db8::1]:1111',
      'localhost',
      'tv.example',
      'TV.example:1111',
    ])
      assert.equal(await ask(host), 200, host);
    for (const host of ['evil.example', 'evil.example:1111', 'tv.example.evil', '192.0.2.1.evil'])
      assert.equal(await ask(host), 421, host);
    assert.equal(await ask('evil.example', { origin: 'http://evil.example' }), 421);
  });

  test('serves programs by any name', async () => {
    await using world = await open();
    const asked = await world.request('GET', '/metrics', {
      host: 'understudy:1111',
      'user-agent': 'Prometheus/3',
      authorization: basic('ann'),
    });
    assert.equal(asked.status, 200);
  });
});

test('a port of this machine alone serves the names of HostNames as well: a reverse proxy passes them on', async () => {
  await using world = await AdminCore.start({ admin: { hostNames: ['tv.example'] } });
  assert.equal((await world.request('GET', '/', { host: 'tv.example' })).status, 200);
  assert.equal((await world.request('GET', '/', { host: 'other.example' })).status, 421);
});
