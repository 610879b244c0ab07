// A web site on a port of RTMP: what is not for us, passed on request by request or as a whole connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { PassingOn } from '../../../src/adaptor/http/web-server.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { PROXY_LIMITS } from '../../support/raw-site.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { post, TunnelClient } from '../../support/tunnel-client.ts';

/** A web server that keeps what it was asked. */
class Site implements AsyncDisposable {
  readonly asked: IncomingMessage[] = [];
  readonly #server;

  private constructor(answer: RequestListener) {
    this.#server = createServer((request, response) => {
      this.asked.push(request);
      answer(request, response);
    });
  }

  static async open(answer: RequestListener = (_request, response) => response.end('hello')): Promise<Site> {
    const site = new Site(answer);
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get passingOn(): PassingOn {
    return { targets: [{ port: undefined, to: { host: '127.0.0.1', port: this.port } }], quietMs: 60_000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const HTTP = { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined, proxy: undefined };
const proxying = (proxy: PassingOn): CoreOptions => ({
  adaptor: { http: { ...HTTP, proxy: { ...proxy, limits: PROXY_LIMITS } } },
});
const redirecting = (redirect: PassingOn): CoreOptions => ({ adaptor: { http: { ...HTTP, redirect } } });

async function dial(core: Core): Promise<Socket> {
  const socket = connect(core.port, '127.0.0.1');
  await once(
    socket.on('error', () => {}),
    'connect',
  );
  return socket;
}

async function say(core: Core, text: string): Promise<string> {
  const socket = await dial(core);
  socket.write(text, 'latin1');
  let heard = '';
  for await (const bytes of socket) heard += bytes;
  return heard;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const part of request) body += part;
  return body;
}

describe('HttpProxy', () => {
  test('a request that is for nobody here is asked of the web server, and ours are not', async () => {
    await using site = await Site.open((_request, response) => {
      response.writeHead(418, 'Short and stout', { 'X-Own': 'tea', 'Set-Cookie': ['a=1', 'b=2'], TE: 'x' });
      response.end('<h1>tea</h1>');
    });
    await using core = await Core.start(proxying(site.passingOn));
    const answer = await fetch(`http://127.0.0.1:${core.port}/pot?milk=no`, {
      headers: { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https', te: 'trailers' },
    });
    assert.equal(await answer.text(), '<h1>tea</h1>');
    assert.deepEqual([answer.status, answer.statusText], [418, 'Short and stout']);
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(answer.headers.get('x-own'), 'tea');
    assert.equal(answer.headers.get('te'), null);
    const [{ method, url, headers }] = site.asked as [IncomingMessage];
    assert.deepEqual([method, url, headers.host], ['GET', '/pot?milk=no', `127.0.0.1:${core.port}`]);
    assert.deepEqual(
      [headers['x-forwarded-for'], headers['x-forwarded-proto'], headers.te],
      ['203.0.113.7, 127.0.0.1', 'http', undefined],
    );
    const own = await fetch(`http://127.0.0.1:${core.port}/fcs/ident2`);
    assert.equal(await own.text(), '127.0.0.1');
    assert.equal(site.asked.length, 1);
    await using tunnel = await TunnelClient.open(core.port);
    assert.equal((await (await RtmpPeer.over(tunnel.asSocket)).connect('live')).name, '_result');
  });

  test('bodies go both ways, of a known length and in pieces', async () => {
    const bodies: string[] = [];
    await using site = await Site.open(async (request, response) => {
      bodies.push(`${request.headers['content-length']} ${(await bodyOf(request)).length}`);
      response.end('y'.repeat(300_000));
    });
    await using core = await Core.start(proxying(site.passingOn));
    const long = 'x'.repeat(200_000);
    assert.equal((await post(core.port, '/form', long)).body.length, 300_000);
    const inPieces = await post(core.port, '/form', long, { headers: { 'transfer-encoding': 'chunked' } });
    assert.equal(inPieces.body.length, 300_000);
    assert.deepEqual(bodies, ['200000 200000', 'undefined 200000']);
  });

  test('nothing in a request becomes another request', async () => {
    await using site = await Site.open();
    await using core = await Core.start(proxying(site.passingOn));
    const inside = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
    const chunk = `${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`;
    const head = 'HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
    await say(core, `GET /one ${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`);
    await say(core, `DELETE /two ${head}Content-Length: ${inside.length}\r\n\r\n${inside}`);
    const many = Array.from({ length: 120 }, (_, i) => `X-${i}: y\r\n`).join('');
    const three = `GET /three ${head}${many}Content-Length: ${inside.length}\r\n\r\n${inside}`;
    assert.match(await say(core, three), /^HTTP\/1\.1 431 /);
    const refused = `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`;
    assert.match(await say(core, `POST /four ${head}${refused}`), /^HTTP\/1\.1 400 /);
    assert.deepEqual(
      site.asked.map(({ url }) => url),
      ['/one', '/two'],
    );
  });

  test('another port than that of its host is not passed on', async () => {
    await using site = await Site.open();
    const targets = [{ port: 1, to: { host: '127.0.0.1', port: site.port } }];
    await using core = await Core.start(proxying({ targets, quietMs: 60_000 }));
    assert.equal((await fetch(`http://127.0.0.1:${core.port}/`)).status, 404);
    assert.equal(site.asked.length, 0);
  });

  test('a web server that is not there is a bad gateway, and is named in the log', async () => {
    const site = await Site.open();
    const { passingOn, port } = site;
    await site[Symbol.asyncDispose]();
    await using core = await Core.start(proxying(passingOn));
    assert.equal((await fetch(`http://127.0.0.1:${core.port}/`)).status, 502);
    assert.match(
      String(core.trouble[0]?.msg),
      new RegExp(`^the web server 127\\.0\\.0\\.1:${port} cannot be reached: .*ECONNREFUSED`),
    );
  });

  test('one that does not answer is given up after a while; one that breaks off is seen to', async () => {
    await using site = await Site.open((request, response) => {
      if (request.url === '/half') response.write('half of a page', () => response.destroy());
    });
    await using core = await Core.start(proxying(site.passingOn));
    const answered = fetch(`http://127.0.0.1:${core.port}/`);
    await until('the question', () => site.asked.length === 1);
    core.clock.advance(60_000);
    assert.equal((await answered).status, 504);
    await assert.rejects((await fetch(`http://127.0.0.1:${core.port}/half`)).text());
  });

  test('a connection that is closed for its many requests gives its turns back', async () => {
    await using site = await Site.open((request, response) => {
      if (request.url === '/page') response.end('hello');
    });
    const limits = { ...PROXY_LIMITS, maxRequests: 16, maxRequestsPerAddress: 16 };
    await using core = await Core.start({
      adaptor: { http: { ...HTTP, proxy: { ...site.passingOn, limits } } },
    });
    assert.equal(await say(core, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20)), '');
    const page = 'GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    assert.match(await say(core, page), /hello$/);
  });

  test('a client that leaves takes its request along', async () => {
    await using site = await Site.open(() => {});
    await using core = await Core.start(proxying(site.passingOn));
    const socket = await dial(core);
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the question', () => site.asked.length === 1);
    socket.destroy();
    await assert.rejects(once(site.asked[0]!, 'close'), /aborted/);
  });
});

describe('Redirect', () => {
  test('a connection whose first request is for nobody here is passed on to the end, byte for byte', async () => {
    const server = createTcpServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const targets = [{ port: undefined, to: { host: '127.0.0.1', port } }];
    await using core = await Core.start(redirecting({ targets, quietMs: 60_000 }));
    const socket = await dial(core);
    const echoed =
      'GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\0\u0081 and POST /open/1 HTTP/1.1\r\n\r\n';
    for (const part of [echoed.slice(0, 9), echoed.slice(9)]) socket.write(part, 'latin1');
    let heard = '';
    while (heard.length < echoed.length)
      heard += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1');
    assert.equal(heard, echoed);
    core.clock.advance(60_000);
    await once(socket, 'close');
    server.close();
  });

  test('one whose first request is for a tunnel stays here, also when it comes in pieces', async () => {
    await using site = await Site.open();
    await using core = await Core.start(redirecting(site.passingOn));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const opened = await post(core.port, '/open/1', '\0', { agent });
    assert.equal(
      (await post(core.port, `/close/${String(opened.body).trim()}/0`, '\0', { agent })).status,
      200,
    );
    assert.equal((await post(core.port, '/else', '\0', { agent })).status, 404);
    agent.destroy();
    const socket = await dial(core);
    const text = 'GET /fcs/ident2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    socket.write(text.slice(0, 7));
    await until('it to wait', () => socket.bytesWritten === 7);
    socket.write(text.slice(7));
    let heard = '';
    for await (const bytes of socket) heard += bytes;
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n[\s\S]*127\.0\.0\.1$/);
    assert.equal(site.asked.length, 0);
  });

  test('who never says what for is closed in time', async () => {
    await using site = await Site.open();
    await using core = await Core.start(redirecting(site.passingOn));
    const socket = await dial(core);
    socket.resume().write('GET ');
    await until('the end', () => {
      core.clock.advance(1_000);
      return socket.closed;
    });
    assert.equal(site.asked.length, 0);
  });

  test('a web server that is not there is the end of the connection', async () => {
    const site = await Site.open();
    const { passingOn } = site;
    await site[Symbol.asyncDispose]();
    await using core = await Core.start(redirecting(passingOn));
    assert.equal(await say(core, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), '');
    assert.match(String(core.trouble[0]?.msg), /cannot be reached: .*ECONNREFUSED/);
  });
});
