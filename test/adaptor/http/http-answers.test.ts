// Whatever a web server says, its client gets that answer or 502, and nobody else gets any of it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Core, until } from '../../support/core.ts';
import { HELLO, PROXY_LIMITS, RawSite, sayRaw } from '../../support/raw-site.ts';

const HTTP = { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined };
const GET = 'GET /asked HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

let site: RawSite;
let core: Core;
before(async () => {
  site = await RawSite.open();
  core = await Core.start({
    adaptor: { http: { ...HTTP, proxy: { targets: site.targets, quietMs: 60_000, limits: PROXY_LIMITS } } },
  });
});
after(async () => {
  await core[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

/** What the client hears of it, and then what the next one hears of an honest answer. */
async function ask(answer: string, ends = true, request = GET): Promise<string> {
  site.answer = (_heard, socket) => {
    socket.write(answer, 'latin1', () => ends && socket.end());
    return undefined;
  };
  const heard = await sayRaw(core.port, request);
  site.answer = () => HELLO;
  assert.match(await sayRaw(core.port, GET), /\r\n\r\nhello$/);
  return heard;
}

const BODY = 'Content-Length: 2\r\n\r\nok';

describe('an answer that is none is 502', () => {
  const bad: [name: string, answer: string][] = [
    ['a reason phrase with a control character', `HTTP/1.1 200 a\x01b\r\n${BODY}`],
    ['a reason phrase with a zero', `HTTP/1.1 200 \0\r\n${BODY}`],
    ['a reason phrase with DEL', `HTTP/1.1 404 \x7f\r\n${BODY}`],
    ['status 000', `HTTP/1.1 000 x\r\n${BODY}`],
    ['status 001', `HTTP/1.1 001 x\r\n${BODY}`],
    ['status 099', `HTTP/1.1 099 x\r\n${BODY}`],
    ['status 100 unasked and nothing more', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['status 101 unasked', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes'],
    ['status 103 and nothing more', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
    ['status 600', `HTTP/1.1 600 x\r\n${BODY}`],
    ['status 999', `HTTP/1.1 999 x\r\n${BODY}`],
    ['status 1000', `HTTP/1.1 1000 x\r\n${BODY}`],
    ['status 20', `HTTP/1.1 20 x\r\n${BODY}`],
    ['status -1', `HTTP/1.1 -1 x\r\n${BODY}`],
    ['a status that is no number', `HTTP/1.1 abc x\r\n${BODY}`],
    ['a field name with a blank', `HTTP/1.1 200 OK\r\nX y: z\r\n${BODY}`],
    ['a field name with a control character', `HTTP/1.1 200 OK\r\nX\x02: z\r\n${BODY}`],
    ['a field without a name', `HTTP/1.1 200 OK\r\n: z\r\n${BODY}`],
    ['a field value with a zero', `HTTP/1.1 200 OK\r\nX: a\0b\r\n${BODY}`],
    ['a field value with a bell', `HTTP/1.1 200 OK\r\nX: a\x07b\r\n${BODY}`],
    ['a field value with a bare line feed', `HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\n${BODY}`],
    ['two lengths', `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n${BODY}`],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok'],
    ['a length beyond all numbers', `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(40)}\r\n\r\nok`],
    ['a length beside chunks', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${BODY}`],
    ['another transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(200_000)}`],
    ['fields without an end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`],
    ['garbage', 'garbage\r\n\r\n'],
    ['bytes of RTMP', '\x03\0\0\0\0\0\0\0\0'],
    ['another protocol', 'SSH-2.0-x\r\n'],
    ['nothing', ''],
  ];
  for (const [name, answer] of bad) {
    test(name, async () => {
      assert.match(await ask(answer), /^HTTP\/1\.1 502 Bad Gateway\r\n/);
      assert.deepEqual(
        core.log.filter(({ kind }) => kind === 'bug'),
        [],
      );
    });
  }

  test('of those that leave the connection open, too', async () => {
    const statuses = ['000', '101', '999'].map((status) => `HTTP/1.1 ${status}`);
    for (const [name, answer] of bad) {
      if (!statuses.includes(answer.slice(0, 12)) && !name.startsWith('a reason phrase')) continue;
      assert.match(await ask(answer, false), /^HTTP\/1\.1 502 Bad Gateway\r\n/, name);
    }
  });

  test('the log says it in a line that names the web server', async () => {
    core.clock.advance(2_000);
    const since = core.log.length;
    await ask(`HTTP/1.1 000 x\r\n${BODY}`);
    const text = `the web server 127.0.0.1:${site.port} gave an invalid response: `;
    const lines = core.log.slice(since).filter(({ event }) => event === 'web-server');
    assert.equal(lines.length, 1);
    assert.ok(String(lines[0]!.msg).startsWith(text), String(lines[0]!.msg));
  });
});

test('an answer that breaks off at any byte is 502 before its body and an end in it, and the next client gets its own', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello';
  const bodyAt = answer.indexOf('hello');
  for (let length = 1; length < answer.length; length += 1) {
    const heard = await ask(answer.slice(0, length));
    if (length < bodyAt) assert.match(heard, /^HTTP\/1\.1 502 /, `${length} bytes`);
    else {
      assert.doesNotMatch(heard, /hello$/, `${length} bytes`);
      assert.ok(heard === '' || /Content-Length: 5\r\n/.test(heard), `${length} bytes`);
    }
  }
});

test('a reset in the middle of an answer in chunks ends the answer without its last chunk', async () => {
  site.answer = (_heard, socket) => {
    const half = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';
    socket.write(half, () => socket.resetAndDestroy());
    return undefined;
  };
  const heard = await sayRaw(core.port, GET);
  assert.doesNotMatch(heard, /0\r\n\r\n$/);
  site.answer = () => HELLO;
  assert.match(await sayRaw(core.port, GET), /hello$/);
});

test('bytes behind an answer are nobody else’s answer', async () => {
  const extra = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON';
  const heads = {
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok': 200,
    'HTTP/1.1 204 No Content\r\nContent-Length: 70\r\n\r\n': 204,
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n': 204,
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 70\r\n\r\n': 304,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n': 200,
  };
  for (const [head, status] of Object.entries(heads)) {
    const heard = await ask(head + extra, false);
    assert.match(heard, new RegExp(`^HTTP/1\\.1 (?:${status}|502) `), head);
    assert.doesNotMatch(heard, /POISON/);
  }
  const asHead = await ask(
    `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${extra}`,
    false,
    GET.replace('GET', 'HEAD'),
  );
  assert.match(asHead, /^HTTP\/1\.1 (?:200|502) /);
  assert.doesNotMatch(asHead, /POISON/);
});

test('bytes that come while nothing is asked are no answer to the next question', async () => {
  let late: (() => void) | undefined;
  site.answer = (_heard, socket) => {
    late = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON');
    return HELLO;
  };
  assert.match(await sayRaw(core.port, GET), /hello$/);
  late!();
  site.answer = () => HELLO;
  assert.match(await sayRaw(core.port, GET), /hello$/);
});

test('hints before an answer are left out; values beyond ASCII pass byte by byte, such reason phrases are replaced', async () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const heard = await ask(
    `${hints}HTTP/1.1 404 Gr\xfc\xdfe\r\nX-A: \xe9\tb\r\nTrailer: x\r\nKeep-Alive: x\r\n${BODY}`,
  );
  assert.match(heard, /^HTTP\/1\.1 404 Not Found\r\n/);
  assert.match(heard, /\r\nX-A: \xe9\tb\r\n/);
  assert.match(heard, /\r\n\r\nok$/);
  assert.doesNotMatch(heard, /^(?:trailer|keep-alive|link):/im);
});

test('what Connection of an answer names is dropped, but never what all need', async () => {
  const heard = await ask(
    `HTTP/1.1 200 OK\r\nConnection: x-hop, content-length, set-cookie\r\nX-Hop: 1\r\nSet-Cookie: a\r\n${BODY}`,
  );
  assert.match(heard, /\r\nSet-Cookie: a\r\n/);
  assert.match(heard, /\r\nContent-Length: 2\r\n/);
  assert.doesNotMatch(heard, /x-hop/i);
});

test('a body without an end is not kept: it waits until the client reads', async () => {
  let written = 0;
  site.answer = (_heard, socket) => {
    const more = () => {
      while (written < 512 << 20 && socket.write(Buffer.alloc(65_536))) written += 65_536;
    };
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.on('drain', more);
    more();
    return undefined;
  };
  const { connect } = await import('node:net');
  const client = connect(core.port, '127.0.0.1').pause();
  client.on('error', () => {}).write(GET);
  let last = -1;
  await until('it to stop', () => {
    const hasStopped = written > 0 && written === last;
    last = written;
    return hasStopped;
  });
  assert.ok(written < 64 << 20, `${written >> 20} MB were taken`);
  client.destroy();
  site.answer = () => HELLO;
  assert.match(await sayRaw(core.port, GET), /hello$/);
});
