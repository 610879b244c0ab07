// What one client sends is one request to the web server, whatever it says about its framing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { HELLO, PROXY_LIMITS, RawSite, sayRaw } from '../../support/raw-site.ts';

const HTTP = { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined, proxy: undefined };
const INSIDE = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

function behind(site: RawSite, limits = PROXY_LIMITS): CoreOptions {
  return { adaptor: { http: { ...HTTP, proxy: { targets: site.targets, quietMs: 60_000, limits } } } };
}

/** The request lines that a web server sees if it reads what it has got as RFC 9112 says. */
function requestsIn(heard: string): string[] {
  const lines: string[] = [];
  for (let rest = heard; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return [...lines, `half: ${rest}`];
    const head = rest.slice(0, end);
    lines.push(head.split('\r\n')[0]!);
    rest = rest.slice(end + 4);
    const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
    if (/^transfer-encoding: *chunked$/im.test(head)) {
      const last = /(?:^|\r\n)0\r\n\r\n/.exec(rest);
      rest = last ? rest.slice(last.index + last[0].length) : '';
    } else rest = rest.slice(Number(length ?? 0));
  }
  return lines;
}

/** Answers `hello` to whatever comes, as often as requests are whole in it. */
function open(): Promise<RawSite> {
  return RawSite.open((heard) => {
    const lines = requestsIn(heard);
    return lines.some((line) => line.startsWith('half')) ? undefined : HELLO.repeat(lines.length);
  });
}

const ANSWERED = (heard: string) => /\r\n\r\nhello$/.test(heard);

describe('a request that Connection would take apart', () => {
  const length = `Content-Length: ${INSIDE.length}\r\n`;
  const named = [
    'content-length',
    'Content-Length, close-not',
    'CONTENT-LENGTH',
    'keep-alive, content-length',
    'transfer-encoding',
    'host',
    'content-length\r\nConnection: host',
    ', ,content-length ,',
  ];
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'PROPFIND', 'TRACE']) {
    test(`${method} with a body and Connection: content-length is one request`, async () => {
      for (const connection of named) {
        await using site = await open();
        await using core = await Core.start(behind(site));
        const head = `${method} /one HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n`;
        await sayRaw(core.port, `${head}${length}\r\n${INSIDE}`, (heard) => /\r\n\r\n/.test(heard));
        assert.deepEqual(site.heard.map(requestsIn), [[`${method} /one HTTP/1.1`]], connection);
        assert.match(site.heard[0]!, /^host: a\r$/im, connection);
      }
    });
  }

  test('in chunks as well', async () => {
    await using site = await open();
    await using core = await Core.start(behind(site));
    const chunk = `${INSIDE.length.toString(16)}\r\n${INSIDE}\r\n0\r\n\r\n`;
    for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST']) {
      const head = `${method} /one HTTP/1.1\r\nHost: a\r\nConnection: transfer-encoding, te\r\nTransfer-Encoding: chunked\r\n`;
      await sayRaw(core.port, `${head}\r\n${chunk}`, ANSWERED);
    }
    const all = site.heard.flatMap(requestsIn);
    assert.deepEqual(
      all,
      ['GET', 'DELETE', 'OPTIONS', 'POST'].map((method) => `${method} /one HTTP/1.1`),
    );
  });
});

test('fields for all recipients stay though Connection names them; other fields that it names are dropped', async () => {
  await using site = await open();
  await using core = await Core.start(behind(site));
  const kept = {
    Authorization: 'Basic eA==',
    Cookie: 'a=1',
    'X-Real-IP': '203.0.113.9',
    'X-Forwarded-Host': 'b',
    'Cache-Control': 'no-cache',
    'Content-Type': 'text/plain',
  };
  const fields = Object.entries({
    ...kept,
    'X-Hop': 'gone',
    'Keep-Alive': 'timeout=5',
    Expect: '100-continue',
  });
  const names = [...fields.map(([name]) => name), 'X-Forwarded-For', 'X-Forwarded-Proto'].join(', ');
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  await sayRaw(
    core.port,
    `POST / HTTP/1.1\r\nHost: a\r\nConnection: ${names}\r\n${lines}Content-Length: 1\r\n\r\nx`,
    ANSWERED,
  );
  const [heard = ''] = site.heard;
  for (const [name, value] of Object.entries(kept))
    assert.ok(heard.includes(`\r\n${name}: ${value}\r\n`), name);
  assert.doesNotMatch(heard, /^(?:x-hop|keep-alive|expect):/im);
  assert.match(heard, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
  assert.match(heard, /^X-Forwarded-Proto: http\r$/m);
});

test('X-Forwarded-For is one field whose last address is the one that the server has seen, however it is spelled', async () => {
  await using site = await open();
  await using core = await Core.start(behind(site));
  const claims =
    'X-Forwarded-For: 203.0.113.1\r\nx-forwarded-for: 203.0.113.2, 203.0.113.3\r\nX-Forwarded-For:\r\n' +
    'X_Forwarded_For: 203.0.113.4\r\nX-Forwarded_Proto: https\r\nX-Forwarded-Proto: https\r\nContent_Length: 3\r\n';
  await sayRaw(core.port, `GET / HTTP/1.1\r\nHost: a\r\n${claims}\r\n`, ANSWERED);
  const fields = site.heard[0]!.split('\r\n').filter((line) => /^(?:x.forwarded|content.length)/i.test(line));
  assert.deepEqual(fields, [
    'X-Forwarded-For: 203.0.113.1, 203.0.113.2, 203.0.113.3, 127.0.0.1',
    'X-Forwarded-Proto: http',
  ]);
});

describe('what two programs could read in two ways is refused', () => {
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
  const chunks = '5\r\nhello\r\n0\r\n\r\n';
  const cases: [name: string, text: string, status: number][] = [
    [
      'Content-Length and Transfer-Encoding',
      `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      400,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `${post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n${chunks}`,
      400,
    ],
    ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, 400],
    ['the same length twice', `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, 400],
    ['lengths in a list', `${post}Content-Length: 5, 5\r\n\r\nhello`, 400],
    ['a length with a sign', `${post}Content-Length: +5\r\n\r\nhello`, 400],
    ['a blank before the colon', `${post}Content-Length : 5\r\n\r\nhello`, 400],
    ['a folded line', `${post}X-A: b\r\n Content-Length: 5\r\n\r\n`, 400],
    ['a bare line feed', `${post}X-A: b\nTransfer-Encoding: chunked\r\n\r\n${chunks}`, 400],
    ['a bare carriage return', `${post}X-A: b\rContent-Length: 5\r\n\r\nhello`, 400],
    ['a coding that is not chunked', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n${chunks}`, 501],
    ['a coding that looks like chunked', `${post}Transfer-Encoding: xchunked\r\n\r\n${chunks}`, 501],
    [
      'chunked twice',
      `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      400,
    ],
    ['chunks in HTTP/1.0', `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`, 400],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['two hosts in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a host with a user', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
    ['hosts in a list', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['a target that is no path', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a target of another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a target with a user', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a target with a tab', 'GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an expectation that nobody knows', `${post}Expect: magic\r\nContent-Length: 1\r\n\r\nx`, 417],
  ];
  for (const [name, text, status] of cases) {
    test(name, async () => {
      await using site = await open();
      await using core = await Core.start(behind(site));
      const heard = await sayRaw(core.port, text, (answer) => /\r\n\r\n/.test(answer));
      // Node refuses an unknown version as it refuses what is no HTTP
      assert.match(heard, status === 505 ? /^HTTP\/1\.1 (?:505|400) / : new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.deepEqual(site.heard, []);
    });
  }
});

test('a target in absolute form is passed on in origin form, with its own host', async () => {
  await using site = await open();
  await using core = await Core.start(behind(site));
  await sayRaw(core.port, 'GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n', ANSWERED);
  await sayRaw(core.port, 'GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n', ANSWERED);
  const [one, two] = site.heard.flatMap((heard) => heard.split(/(?=GET )/));
  assert.match(one!, /^GET \/x\?y HTTP\/1\.1\r\nhost: b:81\r\n/i);
  assert.match(two!, /^GET \/\?y HTTP\/1\.1\r\nhost: b\r\n/i);
});

test('a request for an upgrade is the last of its connection, so nothing behind it is read from its middle', async () => {
  await using site = await open();
  await using core = await Core.start(behind(site));
  const upgrade =
    'GET /one HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n';
  const next = `POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: ${INSIDE.length}\r\n\r\n`;
  const socket = connect(core.port, '127.0.0.1');
  socket.on('error', () => {}).write(upgrade + next);
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes;
  });
  socket.write(INSIDE);
  await until('the end', () => socket.closed);
  assert.match(heard, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*hello$/);
  assert.deepEqual(site.heard.flatMap(requestsIn), ['GET /one HTTP/1.1']);
  assert.doesNotMatch(site.heard.join(), /^(?:upgrade|http2-settings):/im);
});

test('Expect: 100-continue is answered here, and the body follows', async () => {
  await using site = await open();
  await using core = await Core.start(behind(site));
  const socket = connect(core.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  let heard = '';
  socket.on('data', (bytes) => {
    if (heard === '') socket.write('inner');
    heard += bytes;
    if (ANSWERED(heard)) socket.destroy();
  });
  await once(socket, 'close');
  assert.match(heard, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.match(site.heard[0]!, /\r\n\r\ninner$/);
});

test('trailers and chunk extensions of a request end at the proxy', async () => {
  await using site = await open();
  await using core = await Core.start(behind(site));
  const chunks = '5;a=b\r\nhello\r\n0\r\nX-Late: yes\r\n\r\n';
  await sayRaw(
    core.port,
    `POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Late\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
    ANSWERED,
  );
  assert.deepEqual(site.heard.map(requestsIn), [['POST / HTTP/1.1']]);
  assert.doesNotMatch(site.heard[0]!, /x-late|a=/i);
});

test('a client of HTTP/1.0 gets no chunks, and its connection stays open if it asks for that', async () => {
  await using site = await RawSite.open(
    () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  );
  await using core = await Core.start(behind(site));
  const heard = await sayRaw(core.port, 'GET / HTTP/1.0\r\n\r\n');
  assert.match(heard, /\r\n\r\nhello$/);
  assert.doesNotMatch(heard, /chunked/i);
  site.answer = () => HELLO;
  const both = await sayRaw(
    core.port,
    'GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n',
  );
  assert.equal(both.match(/hello/g)?.length, 2);
});

test('a request whose client leaves in the middle of its body is not finished for it, and nobody uses its connection', async () => {
  await using site = await RawSite.open((heard) => (/whole/.test(heard) ? HELLO : undefined));
  await using core = await Core.start(behind(site));
  const socket = connect(core.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nGET /half');
  await until('the half', () => site.heard[0]?.includes('GET /half') ?? false);
  socket.destroy();
  assert.match(await sayRaw(core.port, 'GET /whole HTTP/1.1\r\nHost: a\r\n\r\n', ANSWERED), /hello$/);
  for (const text of site.heard) if (text.includes('/whole')) assert.match(text, /^GET \/whole /);
});

test('an answer before the request is whole is passed on, and nobody uses that connection', async () => {
  await using site = await RawSite.open((heard) =>
    /early/.test(heard) ? 'HTTP/1.1 413 Too Long\r\nContent-Length: 3\r\n\r\nno!' : HELLO,
  );
  await using core = await Core.start(behind(site));
  const early = await sayRaw(
    core.port,
    'POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nGET /early',
    (heard) => /no!$/.test(heard),
  );
  assert.match(early, /^HTTP\/1\.1 413 Too Long\r\n/);
  assert.match(await sayRaw(core.port, 'GET /whole HTTP/1.1\r\nHost: a\r\n\r\n', ANSWERED), /hello$/);
  for (const text of site.heard) if (text.includes('/whole')) assert.match(text, /^GET \/whole /);
});

test('a connection that sends requests faster than they are answered is closed, in one line', async () => {
  await using site = await RawSite.open(() => undefined);
  await using core = await Core.start(behind(site));
  const socket = connect(core.port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5_000));
  await until('the end', () => socket.closed);
  await until('the line', () => core.log.some(({ limit }) => limit === 'MaxUnansweredRequests'));
  assert.ok(site.heard.length <= 16, `${site.heard.length} requests reached the web server`);
  assert.ok(
    core.lines.limitCounts().some(({ limit, count }) => limit === 'MaxUnansweredRequests' && count > 0),
  );
});

test('requests of one address beyond its share wait for their turn, and those of others pass', async () => {
  const waiting: (() => void)[] = [];
  await using site = await RawSite.open((heard, socket) => {
    if (/slow/.test(heard)) waiting.push(() => socket.write(HELLO));
    return /slow/.test(heard) ? undefined : HELLO;
  });
  await using core = await Core.start({
    ...behind(site, { ...PROXY_LIMITS, maxRequests: 3, maxRequestsPerAddress: 2 }),
  });
  const slow = Array.from({ length: 4 }, () =>
    sayRaw(core.port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n', ANSWERED),
  );
  await until('two of them', () => waiting.length === 2);
  for (const answer of waiting.splice(0)) answer();
  await until('the other two', () => waiting.length === 2);
  for (const answer of waiting.splice(0)) answer();
  for (const heard of await Promise.all(slow)) assert.match(heard, /hello$/);
});

test('one that waits too long for its turn is told so, and the limit is in the log', async () => {
  await using site = await RawSite.open(() => undefined);
  await using core = await Core.start(
    behind(site, { ...PROXY_LIMITS, maxRequests: 1, maxRequestsPerAddress: 1 }),
  );
  const first = sayRaw(core.port, 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n', (heard) => /\n\r\n/.test(heard));
  await until('the first', () => site.heard.length === 1);
  const second = sayRaw(core.port, 'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n', (heard) => /\n\r\n/.test(heard));
  await until('the second', () => core.log.filter(({ event }) => event === 'http').length === 2);
  core.clock.advance(60_000);
  const statuses = (await Promise.all([first, second])).map((heard) => heard.slice(9, 12)).sort();
  assert.deepEqual(statuses, ['503', '504']);
  assert.ok(core.log.some(({ limit }) => limit === 'MaxProxyRequests'));
});
