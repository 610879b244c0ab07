import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FairTurns } from '../../../src/application/pace/fair-turns.ts';
import type { FetchSettings } from '../../../src/script/services/fetch/client.ts';
import { FetchService } from '../../../src/script/services/fetch/service.ts';
import type { Json } from '../../../src/script/wire/wire.ts';
import { WireText } from '../../../src/script/wire/wire-text.ts';

let port = 0;
/** Requests that the server has not answered, for tests to answer or to leave. */
const open: { request: IncomingMessage; response: ServerResponse }[] = [];
let onOpen = () => {};
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://test');
  if (pathname === '/hang') {
    open.push({ request, response });
    onOpen();
    return;
  }
  if (pathname === '/half') {
    response.write(Buffer.alloc(3 << 20, 'a'));
    open.push({ request, response });
    return;
  }
  if (pathname === '/controls') {
    response.end(Buffer.alloc(3 << 20));
    return;
  }
  if (pathname === '/to') {
    response.writeHead(302, { location: searchParams.get('url')! }).end();
    return;
  }
  if (pathname === '/bomb') {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(4 << 20)));
    return;
  }
  if (pathname === '/bytes') {
    response.end(Buffer.from([0xff, 0, 0xfe]));
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1');
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.setHeader('content-type', 'application/json');
    response.statusCode = Number(searchParams.get('status') ?? 200);
    response.end(JSON.stringify({ method: request.method, headers: request.headers, body }));
  });
});

const SERVING = { isServing: true, onDecided() {} };
let settings: FetchSettings;
const bugs: unknown[] = [];
const withoutRoom: string[] = [];
const withoutTurn: string[] = [];
/** Requests of one application at a time. */
const MAX_OF_ONE = 8;
let hasRoom = true;
const service = new FetchService({
  turns: new FairTurns({ max: MAX_OF_ONE + 1, maxOfOne: MAX_OF_ONE }),
  host: '_defaultVHost_',
  hasRoom: () => hasRoom,
  onNoTurn: (application) => withoutTurn.push(application),
  settingsFor: () => settings,
  userAgent: 'Understudy/test',
  onBug: (error) => bugs.push(error),
  onNoRoom: (application) => withoutRoom.push(application),
});

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  await service.close();
  server.closeAllConnections();
  server.close();
  assert.deepEqual(bugs, []);
});

const BASIC = { privateAddresses: [], timeOutMs: 20_000, maxSizeBytes: 1 << 20, maxRunning: 16 };
const LOOPBACK = [
  { address: '127.0.0.0', prefix: 8 },
  { address: '::1', prefix: 128 },
];

interface Asked {
  path?: string;
  host?: string;
  url?: string;
  more?: { [name: string]: Json };
  with?: Partial<FetchSettings>;
  signal?: AbortSignal;
  application?: string;
  instance?: string;
}
function ask({
  path = '/',
  host = '127.0.0.1',
  url,
  more,
  with: own,
  signal,
  application = 'live',
  instance = '_definst_',
}: Asked = {}) {
  settings = { ...BASIC, hosts: [`127.0.0.1:${port}`, 'localhost:*'], ...own };
  const request = {
    url: url ?? `http://${host}:${port}${path}`,
    method: 'GET',
    headers: [],
    redirect: 'follow',
    ...more,
  };
  const context = {
    application,
    instance,
    signal: signal ?? new AbortController().signal,
    version: SERVING,
  };
  return service.ask(request, context).then((answer) => {
    assert.ok(answer instanceof WireText);
    return JSON.parse(answer.json.toString()) as { [name: string]: Json };
  });
}
const textOf = (answer: { [name: string]: Json }) => (answer.body as { text: string }).text;

describe('requests of all scripts together', () => {
  const hang = async (more: Asked) => {
    const controller = new AbortController();
    const before = open.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    onOpen = () => open.length > before && resolve();
    const answer = ask({ path: '/hang', signal: controller.signal, ...more });
    answer.catch(() => {});
    await promise;
    return { answer, controller };
  };

  test('an application has so many in all its instances, and those of another one go on', async () => {
    const slow: Awaited<ReturnType<typeof hang>>[] = [];
    while (slow.length < MAX_OF_ONE) slow.push(await hang({ instance: `a${slow.length}` }));
    await assert.rejects(ask({ instance: 'c', with: { timeOutMs: 200 } }), {
      name: 'TimeoutError',
      message: /^fetch: no turn among all requests of scripts within/,
    });
    assert.deepEqual(withoutTurn.splice(0), ['live']);
    assert.equal((await ask({ application: 'other' })).status, 200);
    for (const { controller } of slow) controller.abort();
    await Promise.allSettled(slow.map(({ answer }) => answer));
    assert.equal((await ask({ instance: 'c' })).status, 200, 'turns come back');
  });

  test('one is refused when the process has no descriptor for it, and its turn comes back', async () => {
    hasRoom = false;
    for (let i = 0; i <= MAX_OF_ONE; i += 1)
      await assert.rejects(ask(), { message: 'fetch failed: too many files and sockets are open' });
    hasRoom = true;
    assert.equal((await ask()).status, 200);
  });
});

describe('the fetch service', () => {
  test('asks as it is told, and brings the whole answer', async () => {
    const answer = await ask({
      path: '/x?status=404',
      more: {
        method: 'POST',
        headers: [
          ['x-a', 'b'],
          ['host', 'evil.example'],
          ['content-length', '1'],
        ],
        text: 'körper',
      },
    });
    const { status, statusText, redirected, url, headers } = answer;
    assert.deepEqual(
      [status, statusText, redirected, url],
      [404, 'Not Found', false, `http://127.0.0.1:${port}/x?status=404`],
    );
    assert.deepEqual(
      (headers as [string, string][]).filter(([name]) => name === 'set-cookie').map(([, value]) => value),
      ['a=1', 'b=2'],
    );
    const seen = JSON.parse(textOf(answer));
    assert.equal(seen.method, 'POST');
    assert.equal(seen.headers['x-a'], 'b');
    assert.equal(seen.headers.host, `127.0.0.1:${port}`);
    assert.equal(seen.headers['user-agent'], 'Understudy/test');
    assert.equal(seen.body, Buffer.from('körper').toString('latin1'));
  });

  test('carries bytes both ways', async () => {
    const sent = await ask({ more: { method: 'PUT', base64: Buffer.from([1, 255]).toString('base64') } });
    assert.equal(JSON.parse(textOf(sent)).body, '\u0001\u00ff');
    const { body } = await ask({ path: '/bytes' });
    assert.deepEqual(body, { base64: Buffer.from([0xff, 0, 0xfe]).toString('base64') });
  });

  test('refuses what is not granted, and where a name leads to this machine', async () => {
    await assert.rejects(ask({ with: { hosts: [] } }), /no host is granted/);
    await assert.rejects(ask({ url: 'http://example.com/' }), /example\.com is not granted/);
    await assert.rejects(ask({ host: 'localhost' }), {
      name: 'TypeError',
      message: /localhost: (127\.0\.0\.1|::1) is a private address/,
    });
    const answer = await ask({ host: 'localhost', with: { privateAddresses: LOOPBACK } });
    assert.equal(answer.status, 200);
  });

  test('follows a redirection only to where the script might have asked itself', async () => {
    const to = (url: string) => `/to?url=${encodeURIComponent(url)}`;
    const answer = await ask({ path: to('/here') });
    assert.deepEqual([answer.redirected, answer.url], [true, `http://127.0.0.1:${port}/here`]);
    await assert.rejects(
      ask({ path: to('http://169.254.169.254/latest/meta-data') }),
      /169\.254\.169\.254 is not granted/,
    );
    await assert.rejects(ask({ path: to(`http://localhost:${port}/`) }), /private address/);
    await assert.rejects(ask({ path: to('/'), more: { redirect: 'error' } }), /redirect/);
    assert.equal((await ask({ path: to('/'), more: { redirect: 'manual' } })).status, 302);
  });

  test('takes no answer that is too long, packed or not', async () => {
    await assert.rejects(ask({ path: '/bomb' }), /longer than 1048576 bytes/);
    await assert.rejects(
      ask({ more: { method: 'POST', text: 'x'.repeat(100) }, with: { maxSizeBytes: 99 } }),
      /body is longer/,
    );
  });

  test('waits no longer than it may, and no longer than anybody wants it', async () => {
    await assert.rejects(ask({ path: '/hang', with: { timeOutMs: 30 } }), {
      name: 'TimeoutError',
      message: /0\.0[0-3]\d* s/,
    });
    const controller = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      onOpen = resolve;
    });
    const asked = ask({ path: '/hang', signal: controller.signal });
    const refused = assert.rejects(asked, { name: 'AbortError' });
    await arrived;
    const gone = once(open.at(-1)!.response, 'close');
    controller.abort();
    await refused;
    await gone;
  });

  test('runs so many at a time and lets the others wait for their turn', async () => {
    open.length = 0;
    const arrived = new Promise<void>((resolve) => {
      onOpen = () => open.length === 2 && resolve();
    });
    const asks = [1, 2, 3].map(() => ask({ path: '/hang', with: { maxRunning: 2 } }));
    await arrived;
    const third = new Promise<void>((resolve) => {
      onOpen = resolve;
    });
    open[0]!.response.end('first');
    assert.equal(textOf(await Promise.race(asks)), 'first');
    await third;
    assert.equal(open.length, 3);
    for (const { response } of open) response.end('done');
    await Promise.all(asks);
    await assert.rejects(
      Promise.all([
        ask({ path: '/hang', with: { maxRunning: 1, timeOutMs: 40 } }),
        ask({ path: '/hang', with: { maxRunning: 1, timeOutMs: 40 } }),
      ]),
      { name: 'TimeoutError' },
    );
  });

  test('says why a server could not be reached', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port: nobody } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    await assert.rejects(ask({ url: `http://127.0.0.1:${nobody}/`, with: { hosts: ['127.0.0.1:*'] } }), {
      name: 'TypeError',
      message: /fetch failed: connect ECONNREFUSED 127\.0\.0\.1/,
    });
  });

  test('refuses what is no request', async () => {
    const bad: [{ [name: string]: Json }, RegExp][] = [
      [{ url: 'nowhere' }, /no URL/],
      [{ url: 7 }, /no URL/],
      [{ method: 'GET /' }, /no method/],
      [{ headers: 'x' }, /headers/],
      [{ headers: [['a']] }, /header/],
      [{ headers: [['a', 'x'.repeat(20_000)]] }, /too long/],
      [{ headers: [['a\r\nb', 'x']] }, /fetch failed/],
      [{ redirect: 'sideways' }, /redirect/],
    ];
    for (const [more, reason] of bad) await assert.rejects(ask({ more }), reason);
    settings = { ...BASIC, hosts: ['*'] };
    const { signal } = new AbortController();
    await assert.rejects(
      service.ask([], { application: 'a', instance: 'b', signal, version: SERVING }),
      /no request/,
    );
  });
});

test('text of control characters, which JSON makes six times as long, is handed over as bytes', async () => {
  const { body } = await ask({ path: '/controls', with: { maxSizeBytes: 8 << 20 } });
  assert.deepEqual(Buffer.from((body as { base64: string }).base64, 'base64'), Buffer.alloc(3 << 20));
});

test('answers of one application take so much memory and no more, and give it back', async () => {
  const own = { path: '/half', with: { maxSizeBytes: 8 << 20 } };
  for (let round = 0; round < 3; round += 1) {
    open.length = 0;
    withoutRoom.length = 0;
    const asked = Array.from({ length: 6 }, () => ask(own));
    const isRefused = asked.map((one) =>
      one.then(
        () => Promise.reject(new Error('whole')),
        () => undefined,
      ),
    );
    await Promise.any(isRefused); // 18 MB are too much; five have room
    for (const { response } of open) response.end();
    const outcomes = await Promise.allSettled(asked);
    const failed = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [String(outcome.reason)] : [],
    );
    assert.deepEqual(failed, [
      'TypeError: fetch: answers to other requests take all the memory for them: ask for less at a time',
    ]);
    assert.deepEqual(withoutRoom, ['live']);
  }
});
