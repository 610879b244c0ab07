// RTMP in HTTP requests: whole conversations through a tunnel, then single requests in every order that there is.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ClientHandshake, HANDSHAKE_RANDOM_BYTES } from '../../../src/protocol/handshake/handshake.ts';
import { HANDSHAKE_PACKET_BYTES } from '../../../src/protocol/handshake/handshake-digest.ts';
import { certificateFor, writeCertificate } from '../../support/certificate.ts';
import { Core, type CoreOptions, TUNNEL_OPTIONS, until } from '../../support/core.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import {
  type Answer,
  openTunnel,
  type PostOptions,
  post,
  TunnelClient,
} from '../../support/tunnel-client.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-rtmpt-'));
after(() => rmSync(dir, { recursive: true, force: true }));

async function tunnelPeer(core: Core, options: PostOptions = {}): Promise<RtmpPeer> {
  return RtmpPeer.over((await TunnelClient.open(core.port, options)).asSocket);
}

/** A body that makes the server talk: S0, S1 and S2, 3073 bytes, are the answer. */
function greeting(): Uint8Array {
  return new ClientHandshake({ random: randomBytes(HANDSHAKE_RANDOM_BYTES), timeMs: 0 }).start();
}
const GREETED = 1 + 3073;

/** `number`: of the request that closes it. */
async function leave(core: Core, id: string, number: number): Promise<void> {
  const before = core.sessionCount;
  assert.deepEqual((await post(core.port, `/close/${id}/${number}`)).body, Buffer.from([0]));
  await until('it to be gone', () => core.sessionCount === before - 1);
}

const tunnels = (tunnel: Partial<typeof TUNNEL_OPTIONS>): CoreOptions => ({
  adaptor: { tunnel: { ...TUNNEL_OPTIONS, ...tunnel } },
});

describe('a session in a tunnel', () => {
  test('S-05: publishes and plays on the port of RTMP, and is rtmpt to the script', async () => {
    await using core = await Core.start();
    await using publisher = await tunnelPeer(core);
    const id = await publisher.publish('live', 'show');
    await using player = await tunnelPeer(core);
    await player.play('live', 'show');
    const frames = Array.from({ length: 20 }, (_, i) =>
      Buffer.concat([Buffer.from('1701000000', 'hex'), randomBytes(1 + i * 9_000)]),
    );
    frames[0]![0] = 0x17;
    for (const [i, frame] of frames.entries()) publisher.video(id, i * 40, frame);
    for (const frame of frames) {
      const { media } = await player.expectMedia();
      assert.ok(frame.equals(media!));
    }
    const asked = core.script().asked.find(({ question }) => question.gate === 'onConnect')!;
    assert.ok(asked.question.gate === 'onConnect');
    const { ip, protocol, secure } = asked.question.client;
    assert.deepEqual({ ip, protocol, secure }, { ip: '127.0.0.1', protocol: 'rtmpt', secure: false });
    assert.deepEqual(core.trouble, []);
  });

  test('S-12: in TLS it is rtmps, as in Flash Media Server, and cannot be continued without TLS', async () => {
    const listen = [
      { host: '127.0.0.1', port: 0, secure: true },
      { host: '127.0.0.1', port: 0, secure: false },
    ];
    const certificate = writeCertificate(dir, certificateFor('localhost'));
    const tls = { certificate, hosts: new Map(), ciphers: '', sessionTimeoutMs: 300_000 };
    await using core = await Core.start({ adaptor: { listen, tls } });
    await using peer = await tunnelPeer(core, { secure: true });
    assert.equal((await peer.connect('live', { tcUrl: 'rtmps://tv/live' })).name, '_result');
    const { question } = await core.script().question('onConnect');
    assert.ok(question.gate === 'onConnect');
    assert.deepEqual([question.client.protocol, question.client.secure], ['rtmps', true]);
    const { id } = peer.socket as unknown as TunnelClient;
    const [, plain] = core.adaptor.listeners;
    assert.equal((await post(plain!.address.port, `/idle/${id}/99`)).status, 404);
  });

  test('the client hears why before the tunnel ends', async () => {
    await using core = await Core.start();
    await using peer = await tunnelPeer(core);
    assert.equal((await peer.connect('nothing-of-that-name')).name, '_error');
    await peer.expectCommand('close');
    await peer.closed();
    assert.equal(core.sessionCount, 0);
  });

  test('when the server goes, the client is told', async () => {
    await using core = await Core.start();
    await using peer = await tunnelPeer(core);
    await peer.connect('live');
    await core.adaptor.close('the server is shutting down');
    await peer.closed();
    assert.equal(core.sessionCount, 0);
  });

  test('a client that closes has left', async () => {
    await using core = await Core.start();
    const peer = await tunnelPeer(core);
    await peer.connect('live');
    await peer[Symbol.asyncDispose]();
    await until('it to be gone', () => core.sessionCount === 0);
    const { reason } = core.log.find(({ event }) => event === 'disconnect')!;
    assert.equal(reason, 'the client closed');
  });
});

describe('requests', () => {
  test('an answer is of the type of its request, is not kept, and leaves the connection open', async () => {
    await using core = await Core.start(tunnels({ holdMs: 0 }));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const opened = await post(core.port, '/open/1', '\0', { agent });
    assert.equal(opened.headers['content-type'], 'application/x-fcs');
    const id = String(opened.body).trim();
    const types = ['application/x-my-own', 'text/html', 'application/"'];
    const heard: Answer[] = [];
    for (const [i, type] of types.entries()) {
      heard.push(
        await post(core.port, `/idle/${id}/${i}`, '\0', { agent, headers: { 'content-type': type } }),
      );
    }
    assert.deepEqual(
      heard.map(({ headers }) => headers['content-type']),
      ['application/x-my-own', 'application/x-fcs', 'application/x-fcs'],
    );
    for (const { headers } of heard) {
      assert.deepEqual([headers['cache-control'], headers.connection], ['no-cache', 'keep-alive']);
    }
    agent.destroy();
    await leave(core, id, types.length);
  });

  test('who has nothing to say is asked less and less often, to the configured end, until there is something', async () => {
    await using core = await Core.start(tunnels({ holdMs: 0, pollMs: 200 }));
    const id = await openTunnel(core.port);
    const waits: number[] = [];
    for (let i = 0; i < 6; i += 1) waits.push((await post(core.port, `/idle/${id}/${i}`)).body[0]!);
    assert.deepEqual(waits, [0x03, 0x05, 0x09, 13, 13, 13]);
    const greeted = await post(core.port, `/send/${id}/6`, greeting());
    assert.deepEqual([greeted.body.length, greeted.body[0]], [GREETED, 0x01]);
    await leave(core, id, 7);
  });

  test('an idle is held until there is something to say, or its time is over', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    let isAnswered = false;
    const first = post(core.port, `/idle/${id}/0`).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await until('the hold', () => {
      core.clock.advance(1); // not over before 512 ms of it
      return isAnswered;
    });
    assert.equal((await first).body.length, 1);
    assert.ok(core.clock.now() >= 512);
    await leave(core, id, 1);
  });

  test('the first number is as the client likes; one that is repeated gets the same answer again and changes nothing', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    const first = await post(core.port, `/send/${id}/17`, greeting());
    const again = await post(core.port, `/send/${id}/17`, greeting());
    assert.equal(first.body.length, GREETED);
    assert.deepEqual(again.body, first.body);
    assert.equal((await post(core.port, `/send/${id}/16`, greeting())).status, 404);
    assert.equal((await post(core.port, `/send/${id}/18`, '')).body.length, 1);
    assert.deepEqual(core.trouble, []);
    await leave(core, id, 19);
  });

  test('a request that overtakes another waits for it', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    const bytes = greeting();
    const part = (from: number, to?: number) => bytes.subarray(from, to);
    assert.equal((await post(core.port, `/send/${id}/0`, part(0, 10))).body.length, 1);
    const third = post(core.port, `/send/${id}/2`, part(900));
    const timers = core.clock.pending;
    await until('it to wait', () => core.clock.pending > timers);
    const second = await post(core.port, `/send/${id}/1`, part(10, 900));
    assert.equal(second.body.length, 1);
    assert.equal((await third).body.length, GREETED);
    await leave(core, id, 3);
  });

  test('one whose predecessor does not come is not found after a while; one far ahead is not found at once', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    await post(core.port, `/send/${id}/0`, '');
    assert.equal((await post(core.port, `/send/${id}/7`, '')).status, 404);
    const timers = core.clock.pending;
    const late = post(core.port, `/send/${id}/2`, '');
    await until('it to wait', () => core.clock.pending > timers);
    core.clock.advance(5_000);
    assert.equal((await late).status, 404);
    await leave(core, id, 1);
  });

  test('one that overtakes a held idle ends the hold', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    const timers = core.clock.pending;
    const idle = post(core.port, `/idle/${id}/0`);
    await until('the hold', () => core.clock.pending > timers);
    assert.equal((await post(core.port, `/send/${id}/1`, greeting())).body.length, GREETED);
    assert.equal((await idle).body.length, 1);
    await leave(core, id, 2);
  });

  test('an idle that comes behind what it precedes is not held', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    await post(core.port, `/send/${id}/0`, '');
    const timers = core.clock.pending;
    const send = post(core.port, `/send/${id}/2`, greeting());
    await until('it to wait', () => core.clock.pending > timers);
    assert.equal((await post(core.port, `/idle/${id}/1`)).body.length, 1);
    assert.equal((await send).body.length, GREETED);
    await leave(core, id, 3);
  });

  test('one whose connection breaks half-way did not come; the client may try again', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    const bytes = greeting();
    const broken = request({
      host: '127.0.0.1',
      port: core.port,
      path: `/send/${id}/0`,
      method: 'POST',
      headers: { 'content-length': bytes.length },
    });
    broken.on('error', () => {});
    const timers = core.clock.pending;
    broken.write(bytes.subarray(0, 700));
    await until('its beginning', () => core.clock.pending > timers);
    broken.destroy();
    assert.equal((await post(core.port, `/send/${id}/0`, bytes)).body.length, GREETED);
    await leave(core, id, 1);
  });

  test('what has come of a request is with the session, and one that is sent again does not bring it twice', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    const bytes = Buffer.concat([greeting(), Buffer.alloc(HANDSHAKE_PACKET_BYTES)]);
    for (const sent of [10, 2_000, 3_000]) {
      const headers = { 'content-length': bytes.length };
      const path = `/send/${id}/0`;
      const broken = request({ host: '127.0.0.1', port: core.port, path, method: 'POST', headers });
      broken.on('error', () => {});
      const timers = core.clock.pending;
      broken.write(bytes.subarray(0, sent));
      await until('its beginning', () => core.clock.pending > timers);
      broken.destroy();
      await until('its end', () => core.clock.pending === timers);
    }
    assert.equal((await post(core.port, `/send/${id}/0`, bytes)).body.length, GREETED);
    await leave(core, id, 1);
    assert.equal(core.log.find(({ event }) => event === 'disconnect')!.bytes_in, bytes.length);
  });

  test('one whose body does not end is closed', async () => {
    await using core = await Core.start({ session: { handshakeTimeoutMs: 40_000 } });
    const id = await openTunnel(core.port);
    const slow = request({ host: '127.0.0.1', port: core.port, path: `/send/${id}/0`, method: 'POST' });
    const timers = core.clock.pending;
    const failed = once(slow, 'error');
    slow.write(Uint8Array.of(3)); // as a handshake begins
    await until('its beginning', () => core.clock.pending > timers);
    core.clock.advance(30_000);
    assert.match(String(await failed), /hang up|ECONNRESET/);
    await leave(core, id, 0);
  });

  test('one that is too long ends the tunnel', async () => {
    await using core = await Core.start(tunnels({ maxRequestBytes: 10_000 }));
    const id = await openTunnel(core.port);
    const sent = request({ host: '127.0.0.1', port: core.port, path: `/send/${id}/0`, method: 'POST' });
    sent.on('error', () => {}); // it may still be writing when the connection is closed
    sent.end(Buffer.concat([greeting(), Buffer.alloc(9_000)]));
    await until('the end', () => core.sessionCount === 0);
    const { reason } = core.log.find(({ event }) => event === 'disconnect')!;
    assert.match(String(reason), /a request has more than 10000 bytes/);
  });

  for (const [what, path] of [
    ['an id that nobody has', '/idle/AAAAAAAAAAAAAAAA/0'],
    ['no id', '/idle//0'],
    ['no number', '/send/AAAAAAAAAAAAAAAA/'],
    ['a number that is none', '/send/AAAAAAAAAAAAAAAA/-1'],
    ['a way out', '/close/../../etc/passwd'],
    ['a second open', '/open/2'],
  ] as const) {
    test(`${what} is not found`, async () => {
      await using core = await Core.start();
      assert.equal((await post(core.port, path)).status, 404);
      assert.deepEqual(core.trouble, []);
    });
  }

  test('what is not RTMP inside ends the tunnel, and the next request is not found', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    await post(core.port, `/send/${id}/0`, 'GET / HTTP/1.1\r\n\r\n');
    await until('the end', () => core.sessionCount === 0);
    assert.equal((await post(core.port, `/idle/${id}/1`)).status, 404);
    assert.deepEqual(
      core.trouble.map(({ event }) => event),
      ['bad-input'],
    );
  });
});

describe('for load balancers', () => {
  test('NodeID stands in front of every id, and such tunnels are served', async () => {
    await using core = await Core.start(tunnels({ nodeId: 'tv-7_' }));
    const { body, headers } = await post(core.port, '/open/1');
    const id = String(body).trim();
    assert.match(id, /^tv-7_[\w-]{16}$/);
    assert.equal(headers['set-cookie'], undefined);
    assert.equal((await post(core.port, `/send/${id}/0`, greeting())).body.length, GREETED);
    assert.equal((await post(core.port, `/idle/${id.slice(5)}/1`)).status, 404);
    await leave(core, id, 1);
  });

  test('SetCookie names the server, the same one for everybody, and says nothing of the tunnel', async () => {
    const cookies: string[] = [];
    for (const nodeId of ['', 'tv']) {
      await using core = await Core.start(tunnels({ setsCookie: true, nodeId }));
      for (let i = 0; i < 2; i += 1) {
        const { body, headers } = await post(core.port, '/open/1');
        const id = String(body).trim();
        cookies.push(...headers['set-cookie']!);
        assert.ok(!cookies.at(-1)!.includes(id));
        await leave(core, id, 0);
      }
    }
    assert.match(cookies[0]!, /^understudy=[\w-]{8}; Path=\/; HttpOnly$/);
    assert.equal(cookies[1], cookies[0]);
    assert.deepEqual(cookies.slice(2), Array(2).fill('understudy=tv; Path=/; HttpOnly'));
  });
});

describe('limits of tunnels', () => {
  test('a tunnel without a connect command is closed when the time for the handshake is over', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    core.clock.advance(10_000);
    core.clock.advance(2_000); // for its last words
    await until('it to be gone', () => core.sessionCount === 0);
    assert.equal((await post(core.port, `/idle/${id}/0`)).status, 404);
  });

  test('a client without a request for a minute has gone', async () => {
    await using core = await Core.start();
    const client = await TunnelClient.open(core.port);
    const peer = await RtmpPeer.over(client.asSocket);
    await peer.connect('live');
    await client.fallSilent(() => core.clock.advance(512));
    const since = core.clock.now();
    core.clock.advance(58_000);
    assert.equal(core.sessionCount, 1);
    core.clock.advance(3_000);
    await until('it to be gone', () => core.sessionCount === 0);
    assert.ok(core.clock.now() - since >= 60_000);
    const { reason } = core.log.find(({ event }) => event === 'disconnect')!;
    assert.equal(reason, 'no request of its tunnel for 60000 ms');
    client.destroy();
  });

  test('an address has so many tunnels and no more, however few connections it needs for them', async () => {
    const limits = { ...TUNNEL_OPTIONS.limits, maxConnectionsPerAddress: 2 };
    await using core = await Core.start(tunnels({ limits }));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ids = [await openTunnel(core.port, { agent }), await openTunnel(core.port, { agent })];
    assert.notEqual(ids[0], ids[1]);
    assert.equal((await post(core.port, '/open/1', '\0', { agent })).status, 503);
    await post(core.port, `/close/${ids[0]}/0`, '\0', { agent });
    await until('one to be gone', () => core.sessionCount === 1);
    ids[0] = await openTunnel(core.port, { agent });
    agent.destroy();
    for (const id of ids) await leave(core, id, 0);
  });

  for (const [admits, headers, status] of [
    ['false', {}, 404],
    ['http1.1only', {}, 200],
    ['keepalive', { connection: 'close' }, 200],
  ] as const) {
    test(`HTTPTunnel/Enable ${admits} answers a request of HTTP/1.1 with ${status}`, async () => {
      await using core = await Core.start(tunnels({ admits }));
      const opened = await post(core.port, '/open/1', '\0', { headers });
      assert.equal(opened.status, status);
      if (status === 200) await leave(core, String(opened.body).trim(), 0);
    });
  }

  for (const [admits, version, status] of [
    ['http1.1only', '1.0\r\nConnection: keep-alive', 404],
    ['keepalive', '1.0\r\nConnection: keep-alive', 200],
    ['keepalive', '1.0', 404],
    ['true', '1.0', 200],
  ] as const) {
    test(`HTTPTunnel/Enable ${admits} answers one of HTTP/${version.replace('\r\n', ', ')} with ${status}`, async () => {
      await using core = await Core.start(tunnels({ admits }));
      const socket = connect(core.port, '127.0.0.1');
      socket.end(`POST /open/1 HTTP/${version}\r\nContent-Length: 1\r\n\r\n\0`);
      let heard = '';
      for await (const bytes of socket) heard += bytes;
      assert.match(heard, new RegExp(`^HTTP/1\\.1 ${status} `));
      if (status === 200) await leave(core, heard.trim().slice(-16), 0);
    });
  }

  test('an application may take fewer tunnels than the adaptor, and says so', async () => {
    const clients = { wireChunkBytes: 60_000, idleTimeoutMs: undefined, serverToClientBytes: 2_500_000 };
    const registry: CoreOptions['registry'] = {
      settingsFor: (application) => {
        const disallowed = application === 'live' ? ['rtmpt'] : [];
        const transport = { tunnels: 'http1.1only', disallowed } as const;
        return { clients: { ...clients, clientToServerBytes: 2_500_000, transport } };
      },
    };
    await using core = await Core.start({ registry });
    const visit = async (app: string) => {
      await using peer = await tunnelPeer(core);
      const { name, args } = await peer.connect(app);
      return [name, (args[0] as { description?: string }).description];
    };
    assert.equal((await visit('other'))[0], '_result');
    assert.deepEqual(await visit('live'), [
      '_error',
      '[ Server.Reject ] : This application is not served by rtmpt.',
    ]);
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
    const refused = core.log.findLast(({ event }) => event === 'connect-refused');
    assert.match(String(refused?.reason), /not served by rtmpt/);
  });

  test('a header that is too long, and a request with too many, are refused', async () => {
    await using core = await Core.start(tunnels({ maxHeaderLine: 200 }));
    const headers = { cookie: 'x'.repeat(200 - 'cookie: '.length) };
    await leave(core, await openTunnel(core.port, { headers }), 0);
    headers.cookie += 'x';
    assert.equal((await post(core.port, '/open/1', '\0', { headers })).status, 431);
    assert.equal(core.sessionCount, 0);
  });

  test('what a session is sent while it waits for a verdict is bounded: the answer to a request waits too', async () => {
    await using core = await Core.start();
    core.scripts.prepare = (script) => {
      script.decide = () => undefined;
    };
    const client = await TunnelClient.open(core.port);
    const peer = await RtmpPeer.over(client.asSocket);
    peer.command('connect', 1, [], 0, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' });
    await until('the script', () => core.scripts.opened.length > 0);
    const { answer } = await core.script().question('onConnect');
    for (let i = 0; i < 60; i += 1) peer.command(`call${i}`, 0, ['x'.repeat(60_000)]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    answer({ accepted: true });
    await peer.expectAnswer(1);
    await peer.settle();
    assert.equal(core.script().invoked.length, 60);
    client.destroy();
    await until('it to be gone', () => core.sessionCount === 0);
  });

  test('a player that does not fetch what it plays is dropped like any other', async () => {
    await using core = await Core.start();
    const { peer: publisher, id } = await core.publisher('show');
    const client = await TunnelClient.open(core.port);
    const player = await RtmpPeer.over(client.asSocket);
    await player.play('live', 'show');
    await client.fallSilent(() => core.clock.advance(512));
    const frame = Buffer.concat([Buffer.from('1701000000', 'hex'), randomBytes(100_000)]);
    for (let i = 0; i < 200 && core.sessionCount === 2; i += 1) {
      publisher.video(id, i * 40, frame);
      await publisher.settle();
      core.clock.advance(100);
    }
    core.clock.advance(2_000); // for its last words
    await until('it to be dropped', () => core.sessionCount === 1);
    assert.equal(core.instance()?.clients.size, 1);
    client.destroy();
  });

  test('its last answer counts as memory of its address until the next request, also while the client does not read it', async () => {
    await using core = await Core.start();
    const id = await openTunnel(core.port);
    const { body } = await post(core.port, `/send/${id}/0`, greeting());
    assert.equal(body.length, GREETED);
    assert.equal(core.input.heldBytes, GREETED - 1);
    const again = await post(core.port, `/send/${id}/0`, greeting());
    assert.equal(again.body.length, GREETED);
    assert.equal(core.input.heldBytes, GREETED - 1, 'one that is sent again is the same memory');
    const next = post(core.port, `/idle/${id}/1`);
    await until('the next request', () => core.input.heldBytes === 0);
    core.clock.advance(512);
    assert.equal((await next).body.length, 1);
    await leave(core, id, 2);
  });

  for (const [what, heldBytes, bytes] of [
    ['as long as WriteBufferSize allows while there is memory', 0, 256 << 10],
    ['short while memory of its address is scarce', 20 << 20, 64 << 10],
  ] as const) {
    test(`an answer is ${what}`, async () => {
      await using core = await Core.start();
      const { peer: publisher, id } = await core.publisher('show');
      const client = await TunnelClient.open(core.port);
      const player = await RtmpPeer.over(client.asSocket);
      await player.play('live', 'show');
      await client.fallSilent(() => core.clock.advance(512));
      const other = core.input.open('127.0.0.1', {
        ...{ missingBytes: 0, progress: 0, isHeldByServer: true },
        ...{ wait() {}, proceed() {}, evict() {} },
      });
      other.keep(heldBytes);
      const frame = Buffer.concat([Buffer.from('1701000000', 'hex'), randomBytes(50_000)]);
      for (let i = 0; i < 8; i += 1) publisher.video(id, i * 40, frame);
      await publisher.settle();
      core.clock.advance(100);
      const { body } = await post(core.port, `/idle/${client.id}/${client.next}`);
      assert.ok(body.length > bytes / 2 && body.length < bytes + 70_000, `${body.length} bytes`);
      other.close();
      await leave(core, client.id, client.next + 1);
      client.destroy();
    });
  }
});
