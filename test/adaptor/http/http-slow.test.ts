// Bodies that drip through the HTTP proxy: they hold no turn that somebody else waits for, and honest slow ones go on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { HELLO, PROXY_LIMITS, RawSite } from '../../support/raw-site.ts';

const QUIET_MS = 60_000;

function behind(site: RawSite, maxRequests = 2, maxRequestsPerAddress = 2, minBytesPerS = 500): CoreOptions {
  const proxy = {
    targets: site.targets,
    quietMs: QUIET_MS,
    limits: { ...PROXY_LIMITS, maxRequests, maxRequestsPerAddress, minBytesPerS },
  };
  const http = { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined, proxy };
  return { adaptor: { http } };
}

class Visitor {
  heard = '';
  readonly socket: Socket;
  readonly #core: Core;

  constructor(core: Core, text: string, localAddress = '127.0.0.1') {
    this.#core = core;
    this.socket = connect({ host: '127.0.0.1', port: core.port, localAddress, noDelay: true });
    this.socket
      .on('error', () => {})
      .on('data', (bytes) => {
        this.heard += bytes.toString('latin1');
      });
    this.socket.write(text);
  }

  /** Its request has been read. */
  async arrived(count: number): Promise<void> {
    await until(
      `${count} requests`,
      () => this.#core.log.filter(({ event }) => event === 'http').length === count,
    );
  }

  /** Sends that, and waits until the web server has it. */
  async send(text: string, site: RawSite): Promise<void> {
    const before = lengthOf(site);
    this.socket.write(text);
    await until('it to arrive', () => lengthOf(site) >= before + text.length);
  }

  get hasEnded(): boolean {
    return this.socket.closed;
  }
}

function lengthOf({ heard }: RawSite): number {
  return heard.reduce((sum, { length }) => sum + length, 0);
}

const POST = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n';
const GET = 'GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const EVENTS = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n';

/** Uploads get no answer before they are whole, events begin at once, pages are said. */
function site(): Promise<RawSite> {
  return RawSite.open((heard) => {
    if (/^POST/.test(heard)) return heard.endsWith('!') ? HELLO : undefined;
    if (/^GET \/events/.test(heard))
      return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n';
    return /^GET \/poll/.test(heard) ? undefined : HELLO;
  });
}

/** Time passes, and whatever sockets have to say is said. */
async function pass(core: Core, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 500) {
    core.clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('uploads that drip give way to a request that waits for its turn, in seconds', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web));
  const slow = [new Visitor(core, POST), new Visitor(core, POST)];
  await until('both', () => web.heard.length === 2);
  const page = new Visitor(core, GET);
  await page.arrived(3);
  for (let second = 0; second < 3; second += 1) {
    for (const one of slow) if (!one.socket.destroyed) one.socket.write('x');
    await pass(core, 1_000);
  }
  await until('the page', () => page.heard.endsWith('hello'));
  await until('one of them to hear so', () => slow.some(({ heard }) => /^HTTP\/1\.1 408 /.test(heard)));
  assert.ok(core.log.some(({ limit, ip }) => limit === 'MinProxyRate' && ip === '127.0.0.1'));
  for (const { socket } of slow) socket.destroy();
});

test('an upload at the least rate goes on, however many wait', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 1, 1));
  const upload = new Visitor(core, POST.replace('100000', '6000'));
  await until('it', () => web.heard.length === 1);
  const page = new Visitor(core, GET);
  await page.arrived(2);
  for (let i = 0; i < 24; i += 1) {
    await upload.send(`${'x'.repeat(249)}${i < 23 ? 'x' : '!'}`, web);
    await pass(core, 500);
  }
  await until('its answer', () => upload.heard.endsWith('hello'));
  await until('the page', () => page.heard.endsWith('hello'));
  upload.socket.destroy();
});

test('an upload that drips ends after the timeout also when nobody waits', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web));
  const upload = new Visitor(core, POST);
  await until('it', () => web.heard.length === 1);
  for (let second = 0; second < 64 && upload.heard === ''; second += 1) {
    await upload.send('x', web);
    await pass(core, 1_000);
  }
  await until('the end', () => /^HTTP\/1\.1 408 /.test(upload.heard));
  upload.socket.destroy();
});

test('events go on for as long as nobody waits, and longer than others do; then they give way', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 1, 1));
  const events = new Visitor(core, EVENTS);
  await until('they', () => events.heard.endsWith('hi\r\n'));
  await pass(core, 50_000);
  assert.equal(events.hasEnded, false);
  const page = new Visitor(core, GET);
  await page.arrived(2);
  await pass(core, 1_000);
  await until('the page', () => page.heard.endsWith('hello'));
  await until('their end', () => events.hasEnded);
});

test('events that have just begun do not give way', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 1, 1));
  const events = new Visitor(core, EVENTS);
  await until('they', () => events.heard.endsWith('hi\r\n'));
  const page = new Visitor(core, GET);
  await page.arrived(2);
  await pass(core, 9_000);
  assert.deepEqual([events.hasEnded, page.heard], [false, '']);
  await pass(core, 2_000);
  await until('the page', () => page.heard.endsWith('hello'));
});

test('a request that the web server has not begun to answer gives no way: that may take the whole timeout', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 1, 1));
  const poll = new Visitor(core, 'GET /poll HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('it', () => web.heard.length === 1);
  const page = new Visitor(core, GET);
  await page.arrived(2);
  await pass(core, 55_000);
  assert.deepEqual([poll.heard, page.heard], ['', '']);
  poll.socket.destroy();
  await until('the page', () => page.heard.endsWith('hello'));
});

test('a client that does not read its answer gives way', async () => {
  let written = 0;
  await using web = await RawSite.open((heard, socket) => {
    if (!/^GET \/large/.test(heard)) return HELLO;
    const more = () => {
      while (written < 64 << 20 && socket.write(Buffer.alloc(65_536))) written += 65_536;
    };
    socket.on('drain', more);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    more();
    return undefined;
  });
  await using core = await Core.start(behind(web, 1, 1));
  const reader = new Visitor(core, 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  reader.socket.pause();
  let last = 0;
  let turns = 0;
  await until('the buffers to be full', () => {
    turns = written === last ? turns + 1 : 0;
    last = written;
    return written > 0 && turns === 200;
  });
  const page = new Visitor(core, GET);
  await page.arrived(2);
  await pass(core, 13_000);
  await until('the page', () => page.heard.endsWith('hello'));
  reader.socket.destroy();
});

test('the address that has the most gives way, not the one that has few', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 3, 2));
  const own = new Visitor(core, POST, '127.0.0.3');
  await own.arrived(1);
  const many = [new Visitor(core, POST), new Visitor(core, POST)];
  await until('all', () => web.heard.length === 3);
  const page = new Visitor(core, GET, '127.0.0.2');
  await page.arrived(4);
  await pass(core, 5_000);
  await until('the page', () => page.heard.endsWith('hello'));
  assert.deepEqual([own.heard, many.filter(({ heard }) => heard !== '').length], ['', 1]);
  for (const { socket } of [own, ...many]) socket.destroy();
});

test('an answer that waits behind another one of its connection gives its turn back', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 3, 3));
  const pipeline = new Visitor(core, EVENTS.repeat(3));
  await until('all', () => web.heard.length === 3);
  const page = new Visitor(core, GET, '127.0.0.2');
  await page.arrived(4);
  const closed = once(pipeline.socket, 'close');
  await pass(core, 14_000);
  await until('the page', () => page.heard.endsWith('hello'));
  await closed;
});

test('with MinRate 0 nothing that moves is too slow', async () => {
  await using web = await site();
  await using core = await Core.start(behind(web, 1, 1, 0));
  const upload = new Visitor(core, POST);
  await until('it', () => web.heard.length === 1);
  const page = new Visitor(core, GET);
  await page.arrived(2);
  for (let i = 0; i < 6; i += 1) {
    await upload.send('x', web);
    await pass(core, 9_000);
  }
  assert.deepEqual([upload.heard, page.heard], ['', '']);
  upload.socket.destroy();
  await until('the page', () => page.heard.endsWith('hello'));
});
