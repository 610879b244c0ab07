// Upgrades through the reverse proxy: WebSocket with real clients and servers, and whatever else may come byte by byte.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { WebSocketServer, WebSocket as WsClient } from 'ws';
import type { AdaptorOptions } from '../../../src/adaptor/adaptor.ts';
import type { ProxyLimits } from '../../../src/adaptor/http/http-proxy.ts';
import { certificateFor, writeCertificate } from '../../support/certificate.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { HELLO, PROXY_LIMITS, type RawAnswer, RawSite, sayRaw } from '../../support/raw-site.ts';

const QUIET_MS = 60_000;

function behind(
  port: number,
  limits: Partial<ProxyLimits> = {},
  adaptor: Partial<AdaptorOptions> = {},
): CoreOptions {
  const proxy = {
    targets: [{ port: undefined, to: { host: '127.0.0.1', port } }],
    quietMs: QUIET_MS,
    limits: { ...PROXY_LIMITS, ...limits },
  };
  const http = { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined, proxy };
  return { adaptor: { ...adaptor, http } };
}

/** A WebSocket server that says back what it hears, and keeps what it was asked. */
class Chat implements AsyncDisposable {
  readonly asked: IncomingMessage[] = [];
  readonly #http = createServer((_request, response) => response.end('hello'));
  readonly #chat = new WebSocketServer({ server: this.#http, handleProtocols: () => 'chat.v2' });

  static async open(): Promise<Chat> {
    const chat = new Chat();
    chat.#chat.on('connection', (socket, request) => {
      chat.asked.push(request);
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    chat.#http.listen(0, '127.0.0.1');
    await once(chat.#http, 'listening');
    return chat;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }
  get clientCount(): number {
    return this.#chat.clients.size;
  }

  closeClients(code: number): void {
    for (const client of this.#chat.clients) client.close(code, 'so long');
  }

  breakOff(): void {
    for (const client of this.#chat.clients) client.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakOff();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: echo\r\n';
const AGREED = 'HTTP/1.1 101 Fine\r\nConnection: upgrade\r\nUpgrade: echo\r\nX-Own: tea\r\n\r\n';
const ask = (fields = UPGRADE) => `GET /chat HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** Agrees to `echo`, then says back what it hears. */
const echo: RawAnswer = (heard) => {
  if (heard.endsWith('\r\n\r\n')) return /^upgrade: echo\r$/im.test(heard) ? AGREED : HELLO;
  return heard;
};

class Client {
  heard = '';
  readonly socket: Socket;

  constructor(core: Core, text: string, localAddress = '127.0.0.1') {
    this.socket = connect({ host: '127.0.0.1', port: core.port, localAddress, noDelay: true });
    this.socket
      .on('error', () => {})
      .on('data', (bytes) => {
        this.heard += bytes.toString('latin1');
      });
    this.socket.write(text, 'latin1');
  }

  /** Whether the web server has agreed. */
  get isUpgraded(): boolean {
    return this.heard.startsWith('HTTP/1.1 101 ');
  }

  async hears(what: string): Promise<void> {
    await until(`"${what.slice(0, 40)}"`, () => this.heard.includes(what));
  }
}

/** Time passes, and whatever sockets have to say is said. */
async function pass(core: Core, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 500) {
    core.clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('WebSocket', () => {
  test('goes to the web server and back: messages, the subprotocol, the code of its end', async () => {
    await using chat = await Chat.open();
    await using core = await Core.start(behind(chat.port));
    const socket = new WebSocket(`ws://127.0.0.1:${core.port}/chat?room=1`, ['chat.v1', 'chat.v2']);
    socket.binaryType = 'arraybuffer';
    await once(socket, 'open');
    assert.equal(socket.protocol, 'chat.v2');
    const [{ url, headers }] = chat.asked as [IncomingMessage];
    assert.deepEqual(
      [url, headers.host, headers['x-forwarded-for'], headers['x-forwarded-proto']],
      ['/chat?room=1', `127.0.0.1:${core.port}`, '127.0.0.1', 'http'],
    );
    socket.send('grüezi');
    const [text] = await once(socket, 'message');
    assert.equal(text.data, 'grüezi');
    const large = new Uint8Array(3 << 20).map((_, i) => i * 7);
    socket.send(large);
    const [bytes] = await once(socket, 'message');
    assert.deepEqual(new Uint8Array(bytes.data), large);
    chat.closeClients(4321);
    const [end] = await once(socket, 'close');
    assert.deepEqual([end.code, end.reason, end.wasClean], [4321, 'so long', true]);
    await until('the connection to be gone', () => core.adaptor.httpConnectionCount === 0);
  });

  test('goes by TLS as well, and the web server is told so', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'understudy-wss-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const certificate = writeCertificate(dir, certificateFor('localhost'));
    await using chat = await Chat.open();
    await using core = await Core.start(
      behind(
        chat.port,
        {},
        {
          listen: [{ host: '127.0.0.1', port: 0, secure: true }],
          tls: { certificate, hosts: new Map(), ciphers: '', sessionTimeoutMs: 300_000 },
        },
      ),
    );
    const socket = new WsClient(`wss://127.0.0.1:${core.port}/chat`, { rejectUnauthorized: false });
    await once(socket, 'open');
    assert.equal(chat.asked[0]?.headers['x-forwarded-proto'], 'https');
    socket.send('x'.repeat(300_000));
    const [answer] = await once(socket, 'message');
    assert.equal(String(answer), 'x'.repeat(300_000));
    socket.close(1000);
    await once(socket, 'close');
  });

  test('ends for the client when the web server breaks off, and the other way round', async () => {
    await using chat = await Chat.open();
    await using core = await Core.start(behind(chat.port));
    const left = new WebSocket(`ws://127.0.0.1:${core.port}/`);
    await once(left, 'open');
    chat.breakOff();
    const [end] = await once(left, 'close');
    assert.equal(end.code, 1006);
    const leaving = new WsClient(`ws://127.0.0.1:${core.port}/`);
    await once(leaving, 'open');
    leaving.terminate();
    await until('the web server to see it', () => chat.clientCount === 0);
  });

  test('ends when the server does', async () => {
    await using chat = await Chat.open();
    const core = await Core.start(behind(chat.port));
    const socket = new WebSocket(`ws://127.0.0.1:${core.port}/`);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await core[Symbol.asyncDispose]();
    await closed;
    await until('the web server to see it', () => chat.clientCount === 0);
  });
});

describe('an upgrade', () => {
  test('has the fields of the web server and our framing', async () => {
    await using site = await RawSite.open((heard) =>
      heard.endsWith('\r\n\r\n')
        ? AGREED.replace('X-Own', 'Keep-Alive: 5\r\nContent-Length: 7\r\nX-Own')
        : heard,
    );
    await using core = await Core.start(behind(site.port));
    const fields =
      'Connection: keep-alive, Upgrade, X-Secret\r\nX-Secret: 1\r\nUpgrade: Echo\r\nKeep-Alive: 9\r\n';
    const client = new Client(core, ask(fields));
    await client.hears('\r\n\r\n');
    assert.deepEqual(client.heard.split('\r\n'), [
      'HTTP/1.1 101 Switching Protocols',
      ...['Connection: Upgrade', 'Upgrade: Echo', 'X-Own: tea', '', ''],
    ]);
    assert.deepEqual(site.heard[0]!.toLowerCase().split('\r\n').sort(), [
      ...['', '', 'connection: upgrade', 'get /chat http/1.1', 'host: a', 'upgrade: echo'],
      ...['x-forwarded-for: 127.0.0.1', 'x-forwarded-proto: http'],
    ]);
    client.socket.destroy();
  });

  test('passes on what either side says right behind its head, in order', async () => {
    await using site = await RawSite.open((heard) =>
      heard.endsWith('\r\n\r\n') ? `${AGREED}at once` : undefined,
    );
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, `${ask()}early`);
    await client.hears('at once');
    assert.ok(client.heard.endsWith('\r\n\r\nat once'));
    await until('what the client said', () => site.heard[0]!.endsWith('\r\n\r\nearly'));
    client.socket.destroy();
  });

  test('that is refused is an answer like any other, and nothing behind it reaches the web server', async () => {
    const refusal = 'HTTP/1.1 426 Not so\r\nX-Own: tea\r\nContent-Length: 4\r\n\r\nno!\n';
    await using site = await RawSite.open((heard) => (heard.endsWith('\r\n\r\n') ? refusal : undefined));
    await using core = await Core.start(behind(site.port));
    const heard = await sayRaw(core.port, `${ask()}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.match(heard, /^HTTP\/1\.1 426 Not so\r\nX-Own: tea\r\nContent-Length: 4\r\n[\s\S]*\r\n\r\nno!\n$/);
    assert.match(heard, /^Connection: close\r$/m);
    assert.equal(site.heard.length, 1);
    assert.doesNotMatch(site.heard[0]!, /smuggled/);
  });

  test('to a web server that is not there is a bad gateway', async () => {
    const site = await RawSite.open();
    const { port } = site;
    await site[Symbol.asyncDispose]();
    await using core = await Core.start(behind(port));
    assert.match(await sayRaw(core.port, ask()), /^HTTP\/1\.1 502 Bad Gateway\r\n/);
    assert.match(String(core.trouble[0]?.msg), /cannot be reached: .*ECONNREFUSED/);
  });

  for (const [what, answer] of [
    ['to another protocol', AGREED.replace('Upgrade: echo', 'Upgrade: other')],
    ['to several', AGREED.replace('Upgrade: echo', 'Upgrade: echo, other')],
    ['without the protocol', AGREED.replace('Upgrade: echo\r\n', '')],
    ['without Connection', AGREED.replace('Connection: upgrade\r\n', '')],
    ['with a control character', AGREED.replace('tea', 't\x07a')],
    ['with bytes that are no head', '\0\0\0\0'],
    ['and then nothing', ''],
  ] as const) {
    test(`that the web server answers ${what} is a bad gateway, and it says no more to the client`, async () => {
      await using site = await RawSite.open((heard, socket) => {
        if (heard.endsWith('\r\n\r\n')) socket.end(`${answer}poison`, 'latin1');
        return undefined;
      });
      if (answer === '') site.answer = (_heard, socket) => void socket.destroy();
      await using core = await Core.start(behind(site.port));
      const heard = await sayRaw(core.port, ask());
      assert.match(heard, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
      assert.doesNotMatch(heard, /poison/);
      assert.equal(core.trouble.length, 1);
    });
  }

  for (const [what, request] of [
    ['to HTTP/2', ask('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n')],
    ['to HTTP/2 by another name', ask('Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n')],
    ['to TLS', ask('Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n')],
    ['to one of several', ask('Connection: Upgrade\r\nUpgrade: echo, h2c\r\n')],
    ['to two', ask('Connection: Upgrade\r\nUpgrade: echo\r\nUpgrade: h2c\r\n')],
    ['to no token', ask('Connection: Upgrade\r\nUpgrade: e cho\r\n')],
    ['that Connection does not name', ask('Connection: close\r\nUpgrade: echo\r\n')],
    ['of HTTP/1.0', ask().replace('HTTP/1.1', 'HTTP/1.0')],
    ['with a body', `${ask(`${UPGRADE}Content-Length: 5\r\n`)}hello`],
    ['with a body in chunks', `${ask(`${UPGRADE}Transfer-Encoding: chunked\r\n`)}0\r\n\r\n`],
  ] as const) {
    test(`${what} is a request without the Upgrade field`, async () => {
      await using site = await RawSite.open((heard) => (/\r\n\r\n/.test(heard) ? HELLO : undefined));
      await using core = await Core.start(behind(site.port));
      assert.match(await sayRaw(core.port, request), /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
      assert.doesNotMatch(site.heard[0]!, /^(?:upgrade|http2-settings|connection: upgrade)/im);
    });
  }

  test('behind a request that has no answer yet is a request like any other', async () => {
    await using site = await RawSite.open((heard) => (heard.endsWith('\r\n\r\n') ? HELLO : undefined));
    await using core = await Core.start(behind(site.port));
    const heard = await sayRaw(core.port, `GET /one HTTP/1.1\r\nHost: a\r\n\r\n${ask()}`);
    assert.equal(heard.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
    assert.ok(site.heard.every((one) => !/^upgrade:/im.test(one)));
  });

  test('on a path of ours is answered as if nothing had been asked for', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(behind(site.port));
    const heard = await sayRaw(core.port, ask().replace('/chat', '/fcs/ident2'));
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n[\s\S]*127\.0\.0\.1$/);
    assert.equal(site.heard.length, 0);
  });

  test('without a proxy is not found', async () => {
    await using core = await Core.start();
    assert.match(await sayRaw(core.port, ask()), /^HTTP\/1\.1 404 /);
  });

  test('is not passed on where MaxUpgrades is 0', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(behind(site.port, { maxUpgrades: 0 }));
    assert.match(await sayRaw(core.port, ask()), /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
  });

  test('of a client that has said all is over when the web server has said all as well', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, ask());
    await client.hears('\r\n\r\n');
    site.answer = () => 'last '.repeat(100_000);
    client.socket.end('bye');
    await once(client.socket, 'close');
    assert.ok(site.heard[0]!.endsWith('bye'));
    assert.equal(client.heard.length, client.heard.indexOf('last') + 500_000);
    await until('the connection to be gone', () => core.adaptor.httpConnectionCount === 0);
  });
});

describe('what an upgrade may take', () => {
  test('it ends when neither side has said anything for the timeout', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, ask());
    await client.hears('\r\n\r\n');
    await pass(core, QUIET_MS - 1_000);
    client.socket.write('still here');
    await client.hears('still here');
    await pass(core, QUIET_MS - 1_000);
    assert.equal(client.socket.destroyed, false);
    const closed = once(client.socket, 'close');
    await pass(core, 2_000);
    await closed;
  });

  test('one that the web server does not answer is a gateway timeout', async () => {
    await using site = await RawSite.open(() => undefined);
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, ask());
    await until('the question', () => site.heard.length === 1);
    core.clock.advance(QUIET_MS);
    await client.hears('HTTP/1.1 504 Gateway Timeout');
    await once(client.socket, 'close');
  });

  test('more of one address wait for their turn, those of another do not, and pages neither', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(
      behind(site.port, {
        maxUpgrades: 2,
        maxUpgradesPerAddress: 1,
        maxRequests: 1,
        maxRequestsPerAddress: 1,
      }),
    );
    const first = new Client(core, ask());
    await first.hears('\r\n\r\n');
    const second = new Client(core, ask());
    await until('it to arrive', () => core.log.filter(({ event }) => event === 'http').length === 2);
    const other = new Client(core, ask(), '127.0.0.2');
    await other.hears('\r\n\r\n');
    const page = await sayRaw(core.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(page, /hello$/);
    assert.equal(second.heard, '');
    first.socket.destroy();
    await second.hears('\r\n\r\n');
    assert.ok(second.isUpgraded);
    for (const { socket } of [second, other]) socket.destroy();
  });

  test('one that waits longer than the timeout is refused, and the limit is named', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(behind(site.port, { maxUpgradesPerAddress: 1, minBytesPerS: 0 }));
    const first = new Client(core, ask());
    await first.hears('\r\n\r\n');
    const second = new Client(core, ask());
    await until('it to arrive', () => core.log.filter(({ event }) => event === 'http').length === 2);
    await pass(core, QUIET_MS / 2);
    first.socket.write('x');
    await first.hears('\r\n\r\nx');
    await pass(core, QUIET_MS / 2);
    await second.hears('HTTP/1.1 503 ');
    assert.ok(core.log.some(({ limit, ip }) => limit === 'MaxProxyUpgrades' && ip === '127.0.0.1'));
    first.socket.destroy();
  });

  test('those of the address that has the most make room for an address that has none', async () => {
    await using site = await RawSite.open(echo);
    await using core = await Core.start(behind(site.port, { maxUpgrades: 3, maxUpgradesPerAddress: 2 }));
    const own = new Client(core, ask(), '127.0.0.3');
    await own.hears('\r\n\r\n');
    const many = [new Client(core, ask()), new Client(core, ask())];
    for (const one of many) await one.hears('\r\n\r\n');
    const newcomer = new Client(core, ask(), '127.0.0.2');
    await until('it to arrive', () => core.log.filter(({ event }) => event === 'http').length === 4);
    await pass(core, 13_000);
    await newcomer.hears('\r\n\r\n');
    assert.equal(own.socket.destroyed, false);
    await until('one to end', () => many.filter(({ socket }) => socket.destroyed).length === 1);
    for (const { socket } of [own, newcomer, ...many]) socket.destroy();
  });

  /** Resolves when `count` stands still. */
  async function still(count: () => number): Promise<void> {
    let last = -1;
    let turns = 0;
    await until('the buffers to be full', () => {
      turns = count() === last ? turns + 1 : 0;
      last = count();
      return last > 0 && turns === 300;
    });
  }

  test('a web server that floods is not read faster than the client reads, who is ended if that takes too long', async () => {
    let written = 0;
    await using site = await RawSite.open((heard, socket) => {
      if (!heard.endsWith('\r\n\r\n')) return undefined;
      const more = () => {
        while (written < 64 << 20 && socket.write(Buffer.alloc(65_536))) written += 65_536;
      };
      socket.on('drain', more);
      socket.write(AGREED, more);
      return undefined;
    });
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, ask());
    client.socket.pause();
    await still(() => written);
    assert.ok(written < 32 << 20, `${written} bytes`);
    const closed = once(client.socket, 'close');
    await pass(core, QUIET_MS + 13_000);
    client.socket.resume();
    await closed;
    await until('the connection to be gone', () => core.adaptor.httpConnectionCount === 0);
  });

  test('a client that resets its connection while bytes wait for it takes nothing else along', async () => {
    await using site = await RawSite.open((heard, socket) => {
      if (heard.endsWith('\r\n\r\n'))
        socket.write(Buffer.concat([Buffer.from(AGREED), Buffer.alloc(32 << 20)]));
      return undefined;
    });
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, ask());
    client.socket.pause();
    await still(() => client.socket.bytesRead);
    client.socket.resetAndDestroy();
    await until('the connection to be gone', () => core.adaptor.httpConnectionCount === 0);
  });

  test('a client that floods is not read faster than the web server reads', async () => {
    await using site = await RawSite.open((heard, socket) => {
      if (!heard.endsWith('\r\n\r\n')) return undefined;
      socket.pause();
      return AGREED;
    });
    await using core = await Core.start(behind(site.port));
    const client = new Client(core, ask());
    await client.hears('\r\n\r\n');
    let written = 0;
    const more = () => {
      while (written < 64 << 20 && client.socket.write(Buffer.alloc(65_536))) written += 65_536;
    };
    client.socket.on('drain', more);
    more();
    await still(() => written);
    assert.ok(written < 32 << 20, `${written} bytes`);
    client.socket.destroy();
    await pass(core, QUIET_MS + 1_000);
    await until('the connection to be gone', () => core.adaptor.httpConnectionCount === 0);
  });
});
