// Who gets in at the port of the administration, and who does not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword } from '../../src/admin/password.ts';
import { readRunFile } from '../../src/admin/run-file.ts';
import { AdminCore, basic, PASSWORD, user } from '../support/admin.ts';

const LOGIN = `auser=ann&apswd=${encodeURIComponent(PASSWORD)}`;
const REJECTED = 'NetConnection.Connect.Rejected';

test('without a password there is nothing to see', async () => {
  await using world = await AdminCore.start();
  for (const path of ['/api/v1/server', '/metrics', '/api/v1/nothing']) {
    const { status, headers, body } = await world.request('GET', path);
    assert.equal(status, 401, path);
    assert.match(String(headers['www-authenticate']), /^Basic realm=/);
    assert.doesNotMatch(body, /Understudy\/test/);
    assert.equal(JSON.parse(body).detail, 'the name and password of an administrator are missing');
  }
  assert.equal((await world.call('getApps', {}, {})).code, REJECTED);
  assert.equal((await world.request('GET', '/console/../admin')).status, 404);
});

test('a wrong password is rejected in the shape that Flash Media Server has for it', async () => {
  await using world = await AdminCore.start();
  const { level, code, description } = await world.call('ping', {}, { auser: 'ann', apswd: 'wrong' });
  assert.deepEqual(
    [level, code, description],
    ['error', REJECTED, 'Administrator login failed for user ann.'],
  );
  assert.deepEqual(world.written, ['(w)2672010 login from 127.0.0.1 as "ann" failed']);
});

test('passwords are in no log, whichever way they come', async () => {
  await using world = await AdminCore.start();
  await world.call('ping', {}, { auser: 'ann', apswd: 'almost-right' });
  await world.json('GET', '/server', undefined, basic('ann', 'almost-right'));
  await world.json('POST', '/users', { name: 'bob', password: 'almost-right' });
  await world.call('ping');
  const logged = [JSON.stringify(world.log), ...world.written].join('\n');
  assert.doesNotMatch(logged, /almost-right/);
  assert.doesNotMatch(logged, /correct/);
});

test('after three wrong passwords an address waits 30 seconds, with the right one too', async () => {
  await using world = await AdminCore.start();
  const ask = (password: string) => world.json('GET', '/server', undefined, basic('ann', password));
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(`wrong ${i}`)).status, 401);
  const { status, headers } = await world.request('GET', '/api/v1/server', { authorization: basic('ann') });
  assert.deepEqual([status, headers['retry-after']], [429, '30']);
  assert.equal((await world.call('ping')).code, REJECTED);
  world.core.clock.advance(29_999);
  assert.equal((await ask(PASSWORD)).status, 429);
  world.core.clock.advance(1);
  assert.equal((await ask(PASSWORD)).status, 200);
});

test('tries that come all at once are counted one by one', async () => {
  await using world = await AdminCore.start({
    admin: { users: [{ ...user('ann', await hashPassword(PASSWORD)), isHashed: true }] },
  });
  const tries = Array.from({ length: 12 }, (_, i) =>
    world.json('GET', '/server', undefined, basic('ann', `wrong ${i}`)),
  );
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 401).length, 3);
  assert.equal(statuses.filter((status) => status === 429).length, 9);
});

test('many requests at once with the right password count as one try', async () => {
  await using world = await AdminCore.start({
    admin: { users: [{ ...user('ann', await hashPassword(PASSWORD)), isHashed: true }] },
  });
  const tries = Array.from({ length: 12 }, () => world.json('GET', '/server'));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200]));
});

test('after 300 wrong passwords an address is locked out; the terminal still gets in', async () => {
  await using world = await AdminCore.start({
    admin: { loginLimits: { maxFailures: 300, recoveryMs: 1, lockoutFailures: 30 } },
  });
  for (let i = 0; i < 30; i += 1) await world.json('GET', '/server', undefined, basic('ann', `wrong ${i}`));
  world.core.clock.advance(86_400_000);
  const { status, headers } = await world.request('GET', '/api/v1/server', { authorization: basic('ann') });
  assert.deepEqual([status, headers['retry-after']], [429, undefined]);
  const { token } = readRunFile(world.runFile)!;
  assert.equal((await world.json('GET', '/server', undefined, `Bearer ${token}`)).status, 200);
});

test('Allow and Deny of an account, and of the port', async () => {
  await using world = await AdminCore.start({
    admin: { users: [user('ann'), user('far', PASSWORD, (ip) => ip !== '127.0.0.1')] },
  });
  assert.equal((await world.json('GET', '/server', undefined, basic('far'))).status, 401);
  assert.equal((await world.json('GET', '/server', undefined, basic('ann'))).status, 200);
  await using closed = await AdminCore.start({ admin: { admits: (ip) => ip !== '127.0.0.1' } });
  await assert.rejects(closed.request('GET', '/metrics'), { code: 'ECONNRESET' });
});

test('a token lasts an hour', async () => {
  await using world = await AdminCore.start();
  const { token, lastsMs } = (await world.json('POST', '/tokens')).value;
  const ask = () => world.json('GET', '/server', undefined, `Bearer ${token}`);
  assert.equal(lastsMs, 3_600_000);
  world.core.clock.advance(lastsMs - 1);
  assert.equal((await ask()).status, 200);
  assert.equal((await world.call('ping', {}, {})).code, REJECTED);
  world.core.clock.advance(1);
  assert.equal((await ask()).status, 401);
  for (const authorization of [
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Basic',
    'Basic !!!',
    'Basic OnB3',
    'Digest x',
  ]) {
    assert.equal((await world.json('GET', '/server', undefined, authorization)).status, 401, authorization);
  }
});

// ── the first start ──────────────────────────────────────────────────────────────────────────────────────────────

test('where there is no account the first start makes one; the next finds it', async () => {
  await using world = await AdminCore.start({ admin: { users: [] } });
  const { name, password, problem } = world.admin.firstAccount!;
  assert.deepEqual([name, problem], ['admin', undefined]);
  assert.ok(password.length >= 20);
  assert.equal((await world.call('ping', {}, { auser: name, apswd: password })).level, 'status');
  const file = join(world.root, 'conf', 'Users.local.xml');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(file, 'utf8'), new RegExp(password));
  assert.doesNotMatch(JSON.stringify(world.log) + world.written.join(), new RegExp(password));
  const hash = /<Password encrypt="true">([^<]+)</.exec(readFileSync(file, 'utf8'))![1]!;
  const kept = { ...user('admin', hash), isHashed: true, isLocal: true };
  await using next = await AdminCore.start({ admin: { users: [kept] } });
  assert.equal(next.admin.firstAccount, undefined);
  assert.equal((await next.call('ping', {}, { auser: name, apswd: password })).level, 'status');
});

test('where it cannot be kept it is good for this run, and that is said', async () => {
  await using world = await AdminCore.start({
    admin: { users: [], usersFile: '/dev/null/no/Users.local.xml', runFile: '/dev/null/no/run/admin.json' },
  });
  const { name, password, problem } = world.admin.firstAccount!;
  assert.ok(problem);
  assert.equal((await world.call('ping', {}, { auser: name, apswd: password })).level, 'status');
  const warnings = world.log.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /for this run only/);
  assert.match(warnings[1]!, /run\/admin\.json cannot be written/);
});

test('run/admin.json is for its owner, and gone with the server', async () => {
  const world = await AdminCore.start();
  const path = world.runFile;
  try {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(readRunFile(world.runFile)?.url, `http://127.0.0.1:${world.port}`);
    await world.admin.close();
    assert.equal(existsSync(path), false);
  } finally {
    await world[Symbol.asyncDispose]();
  }
});

// ── browsers ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('a name that a DNS makes point to this machine is not served', async () => {
  await using world = await AdminCore.start();
  const ask = (host: string) => world.request('GET', `/admin/ping?${LOGIN}`, { host });
  for (const host of [
    'evil.example',
    'evil.example:1111',
    '192.0.2.1',
    'localhost.evil.example',
    '127.0.0.1.evil',
  ]) {
    assert.equal((await ask(host)).status, 421, host);
  }
  for (const host of ['localhost', 'LOCALHOST:1111', '127.0.0.1', '127.8.8.8:1', '[::1]:1111']) {
    assert.equal((await ask(host)).status, 200, host);
  }
});

test('what a page of another origin asks is refused, with the right password too', async () => {
  await using world = await AdminCore.start();
  const host = `127.0.0.1:${world.port}`;
  const ask = (headers: Record<string, string>) =>
    world.request('POST', '/api/v1/server/stop', { host, authorization: basic('ann'), ...headers });
  const foreign: Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:80' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) {
    assert.equal((await ask(headers)).status, 403, JSON.stringify(headers));
  }
  assert.deepEqual(world.stops, []);
  assert.equal((await ask({ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status, 202);
});

test('answers are not kept, not framed, and tell nobody where they came from', async () => {
  await using world = await AdminCore.start();
  const { headers } = await world.request('GET', `/admin/ping?${LOGIN}`);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
  assert.equal(headers['access-control-allow-origin'], undefined);
});

// ── nonsense ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('a query, a header or a body that is too long is refused, and the port goes on', async () => {
  await using world = await AdminCore.start();
  const long = 'x'.repeat(20_000);
  assert.equal((await world.request('GET', `/admin/ping?${LOGIN}&x=${long}`)).status, 431);
  assert.equal((await world.request('GET', '/metrics', { authorization: `Basic ${long}` })).status, 431);
  const body = JSON.stringify({ name: 'x'.repeat(100_000) });
  const headers = { authorization: basic('ann'), 'content-type': 'application/json' };
  assert.equal((await world.request('POST', '/api/v1/instances', headers, body)).status, 413);
  assert.equal((await world.call('ping')).level, 'status');
});

test('long passwords are not hashed, long names not written down', async () => {
  await using world = await AdminCore.start();
  const { description } = await world.call(
    'ping',
    {},
    { auser: 'x'.repeat(5_000), apswd: 'y'.repeat(5_000) },
  );
  assert.ok(description!.length < 120);
  assert.ok(world.written.join().length < 200);
});

test('bytes that are no HTTP end their connection alone', async () => {
  await using world = await AdminCore.start();
  for (const bytes of [
    '\x03\x00\x00\x00',
    'GET\r\n\r\n',
    `GET /admin/ping?${LOGIN} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`,
  ]) {
    const socket = connect(world.port, '127.0.0.1');
    socket.end(bytes);
    let heard = '';
    socket.on('data', (part) => {
      heard += part;
    });
    await once(socket, 'close');
    assert.doesNotMatch(heard, /Call\.Success/);
  }
  assert.equal((await world.call('ping')).level, 'status');
});

test('a path that is odd is not found', async () => {
  await using world = await AdminCore.start();
  for (const path of [
    '/admin',
    '/admin/%2e%2e/ping',
    '/api/v1',
    '/metrics/',
    '//metrics',
    '/api/v2/server',
  ]) {
    const { status, body } = await world.request('GET', path, { authorization: basic('ann') });
    assert.ok(status === 404 || body.includes('CommandFailed'), `${path}: ${status}`);
  }
});
