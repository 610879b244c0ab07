// HTTP requests that are refused before any route sees them: an answer, one line a second for each address, and a count.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { LimitName } from '../../../src/log/limits.ts';
import { Core, until } from '../../support/core.ts';
import { PROXY_LIMITS, RawSite, sayRaw } from '../../support/raw-site.ts';

const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n';

function countOf(core: Core, wanted: LimitName): number {
  return core.lines.limitCounts().find(({ limit }) => limit === wanted)!.count;
}

describe('a head that the parser refuses is answered, is one line and is counted', () => {
  const cases: [name: string, text: string, status: number, limit: LimitName][] = [
    ['a header that is too long', `${HEAD}X: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'MaxHttpHeaderSize'],
    ['a target that is too long', `GET /${'y'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431, 'MaxHttpHeaderSize'],
    ['more headers than there may be', `${HEAD}${'X: y\r\n'.repeat(101)}\r\n`, 431, 'MaxHttpHeaderSize'],
    [
      'a header of one tunnel request',
      `POST /open/1 HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(9_000)}\r\n\r\n`,
      431,
      'MaxHttpHeaderSize',
    ],
    ['a zero in a header', `${HEAD}X: a\0b\r\n\r\n`, 400, 'HttpSyntax'],
    ['a bare carriage return', `${HEAD}X: a\rb\r\n\r\n`, 400, 'HttpSyntax'],
    ['a bare line feed', `${HEAD}X: a\nb: c\r\n\r\n`, 400, 'HttpSyntax'],
    ['a folded line', `${HEAD}X: a\r\n b\r\n\r\n`, 400, 'HttpSyntax'],
    ['a header without a colon', `${HEAD}X\r\n\r\n`, 400, 'HttpSyntax'],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 400, 'HttpSyntax'],
    [
      'a length beside chunks',
      `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'HttpSyntax',
    ],
    ['a method that is none', 'GETS / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'HttpSyntax'],
    ['another version', 'GET / HTTP/9.9\r\nHost: a\r\n\r\n', 400, 'HttpSyntax'],
    ['half a head and an end', 'GET / HTTP/1.1\r\nHos', 400, 'HttpSyntax'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'HttpSyntax'],
    ['two Hosts', `${HEAD}Host: b\r\n\r\n`, 400, 'HttpSyntax'],
    ['a coding that is not known', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n`, 501, 'HttpSyntax'],
    ['an expectation', `${HEAD}Expect: a-miracle\r\n\r\n`, 417, 'HttpSyntax'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'HttpSyntax'],
    [
      'a chunk that is none',
      `${HEAD.replace('GET', 'POST')}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
      'HttpSyntax',
    ],
  ];
  for (const [name, text, status, limit] of cases) {
    test(name, async () => {
      await using site = await RawSite.open(() => undefined);
      await using core = await Core.start(behind(site));
      const heard = await sayAndEnd(core.port, text);
      assert.match(heard, new RegExp(`^HTTP/1\\.1 ${status} `));
      const lines = core.log.filter(({ event }) => event === 'limit');
      assert.deepEqual(
        lines.map((line) => [line.limit, line.ip]),
        [[limit, '127.0.0.1']],
      );
      assert.match(String(lines[0]!.msg), /^an HTTP request was refused: .* \(limit: \w+\)$/);
      assert.equal(countOf(core, limit), 1);
    });
  }
});

test('a thousand of them are two lines and a count', async () => {
  await using core = await Core.start();
  await Promise.all(Array.from({ length: 100 }, () => sayRaw(core.port, `${HEAD}X: a\0b\r\n\r\n`)));
  core.clock.advance(1_000);
  const lines = core.log.filter(({ limit }) => limit === 'HttpSyntax');
  assert.deepEqual(
    lines.map(({ repeats }) => repeats),
    [undefined, 98],
  );
  assert.equal(countOf(core, 'HttpSyntax'), 100);
});

test('a head that does not come whole in time is 408 and a line; a connection that is idle is closed without any', async () => {
  await using core = await Core.start();
  const half = sayRaw(core.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-A: ');
  const idle = sayRaw(core.port, `${HEAD}\r\n`);
  await until('the answer to one of them', () => core.log.some(({ event }) => event === 'http'));
  await until('the other to be known', () => core.adaptor.httpConnectionCount === 2);
  await new Promise((resolve) => setImmediate(resolve));
  core.clock.advance(16_000);
  assert.match(await half, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.match(await idle, /^HTTP\/1\.1 404 Not Found\r\n[\s\S]*\r\n\r\nNot Found\n$/);
  assert.equal(countOf(core, 'HttpWaitTimeout'), 1);
});

test('a client that leaves in the middle of its body is no line', async () => {
  await using site = await RawSite.open(() => undefined);
  await using core = await Core.start(behind(site));
  const socket = connect(core.port, '127.0.0.1');
  socket.on('error', () => {}).write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf');
  await until('the request', () => site.heard.length === 1);
  socket.end();
  await until('the end', () => socket.closed);
  assert.deepEqual(
    core.log.filter(({ event }) => event === 'limit'),
    [],
  );
});

test('what is broken behind a request that is being answered is no answer to that request once it has begun', async () => {
  await using site = await RawSite.open(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  await using core = await Core.start(behind(site));
  const socket = connect(core.port, '127.0.0.1');
  let heard = '';
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      heard += String(bytes);
    });
  socket.write(`${HEAD}\r\n`);
  await until('half an answer', () => heard.endsWith('half'));
  socket.write('\0\0\0\0 / HTTP/1.1\r\n\r\n');
  await until('the end', () => socket.closed);
  assert.match(heard, /half$/);
  assert.equal(countOf(core, 'HttpSyntax'), 1);
});

test('requests for a web server are 503 when the process has no descriptor for a connection to it', async () => {
  await using site = await RawSite.open();
  const options = behind(site);
  await using core = await Core.start({ adaptor: { ...options.adaptor, hasRoom: () => false } });
  const heard = await sayRaw(core.port, `${HEAD}Connection: close\r\n\r\n`);
  assert.match(heard, /^HTTP\/1\.1 503 /);
  assert.equal(site.heard.length, 0);
  assert.equal(countOf(core, 'OpenFiles'), 1);
});

test('connections are not passed on when the process has no descriptor for them', async () => {
  await using site = await RawSite.open();
  const http = { ...behind(site).adaptor.http, redirect: { targets: site.targets, quietMs: 60_000 } };
  await using core = await Core.start({ adaptor: { http, hasRoom: () => false } });
  assert.equal(await sayRaw(core.port, `${HEAD}\r\n`), '');
  assert.equal(site.heard.length, 0);
  assert.equal(countOf(core, 'OpenFiles'), 1);
});

function behind(site: RawSite) {
  const proxy = { targets: site.targets, quietMs: 60_000, limits: PROXY_LIMITS };
  return { adaptor: { http: { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined, proxy } } };
}

/** Says that and closes its side. */
async function sayAndEnd(port: number, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  let heard = '';
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      heard += String(bytes);
    });
  socket.end(text, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve).once('end', () => socket.destroy()));
  return heard;
}
