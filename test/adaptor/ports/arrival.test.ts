// What happens to a connection before it is a session: who may come in, as whom, and what it speaks.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { sharedReads } from '../../../src/adaptor/ports/shared-read.ts';
import { AddressList, Order } from '../../../src/config/address-rules.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { hex } from '../../support/hex.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-arrival-'));
after(() => rmSync(dir, { recursive: true, force: true }));

async function open(core: Core, first: Uint8Array | string = ''): Promise<Socket> {
  const socket = connect(core.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (first.length > 0) socket.write(first);
  return socket;
}

/** All that it says until it closes. */
async function hearOut(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (part) => {
    text += part;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

/** Until the port has so many connections, by the system's count. */
async function connections(core: Core, count: number): Promise<void> {
  const [listener] = core.adaptor.listeners;
  const end = performance.now() + 10_000;
  while ((await listener!.countConnections()) !== count) {
    assert.ok(performance.now() < end, `there are not ${count} connections`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function refusals(core: Core): unknown[] {
  return core.log.filter(({ event }) => event === 'connection-refused').map(({ ip, reason }) => [ip, reason]);
}

async function http(
  core: Core,
  method: string,
  path: string,
  options: { agent?: Agent; body?: string } = {},
): Promise<{
  status: number | undefined;
  type: string | undefined;
  allow: string | undefined;
  body: string;
}> {
  const { agent, body = '' } = options;
  const sent = request({ host: '127.0.0.1', port: core.port, method, path, ...(agent ? { agent } : {}) });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += part;
  const { statusCode, headers } = response;
  return { status: statusCode, type: headers['content-type'], allow: headers.allow, body: text };
}

describe('one port, several protocols', () => {
  test('S-05: RTMP and HTTP are told apart by their first byte, also when it comes alone', async () => {
    await using core = await Core.start();
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
    assert.equal((await http(core, 'GET', '/crossdomain.xml')).status, 200);

    const slow = await open(core, 'G');
    slow.write('ET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(await hearOut(slow), /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.deepEqual(refusals(core), []);
  });

  test('everybody may use the streams unless a cross-domain policy says who', async () => {
    const crossDomainFile = join(dir, 'policy.xml');
    await using open = await Core.start();
    const everybody = await http(open, 'GET', '/crossdomain.xml?x=1');
    assert.equal(everybody.type, 'text/x-cross-domain-policy');
    assert.match(everybody.body, /<allow-access-from domain="\*"\/>/);

    const ident2 = { isEnabled: true, address: '' };
    await using core = await Core.start({
      adaptor: { player: { crossDomainFile, ident2, answersRoot: false } },
    });
    assert.equal((await http(core, 'GET', '/crossdomain.xml')).status, 404);
    writeFileSync(crossDomainFile, '<mine/>');
    const mine = await http(core, 'GET', '/crossdomain.xml');
    assert.deepEqual([mine.status, mine.body], [200, '<mine/>']);
  });

  for (const [name, ident2, body] of [
    ['the address it has reached', { isEnabled: true, address: '' }, '127.0.0.1'],
    ['the address that is configured', { isEnabled: true, address: 'fms7.example.com' }, 'fms7.example.com'],
    ['nothing when that is switched off', { isEnabled: false, address: 'fms7.example.com' }, ''],
  ] as const) {
    test(`/fcs/ident2 tells a player ${name}`, async () => {
      await using core = await Core.start({
        adaptor: { player: { crossDomainFile: undefined, ident2, answersRoot: false } },
      });
      const answer = await http(core, 'POST', '/fcs/ident2', { body: '\0' });
      assert.deepEqual([answer.status, answer.body], [200, body]);
    });
  }

  test('GET / is answered, with nothing, where HTTPNull says so', async () => {
    const ident2 = { isEnabled: true, address: '' };
    for (const [answersRoot, status] of [
      [true, 200],
      [false, 404],
    ] as const) {
      const player = { crossDomainFile: undefined, ident2, answersRoot };
      await using core = await Core.start({ adaptor: { player } });
      assert.equal((await http(core, 'GET', '/')).status, status);
      assert.equal((await http(core, 'GET', '/more')).status, 404);
    }
  });

  test('another path is not found, another method is not allowed, and the connection is kept for the next request', async () => {
    await using core = await Core.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await http(core, 'POST', '/nothing', { agent, body: '\0' })).status, 404);
    const wrong = await http(core, 'DELETE', '/fcs/ident2', { agent });
    assert.deepEqual([wrong.status, wrong.allow], [405, 'GET, POST']);
    assert.equal((await http(core, 'GET', '/fcs/ident2', { agent })).status, 200);
    await connections(core, 1);
    agent.destroy();
  });

  test('a head that does not arrive, or is too long, ends the connection', async () => {
    await using core = await Core.start();
    const slow = await open(core, 'GET / HTTP/1.1\r\nHost: a\r\n');
    const long = await open(core, `GET / HTTP/1.1\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`);
    assert.match(await hearOut(long), /^HTTP\/1\.1 431 /);
    const heard = hearOut(slow);
    await until('the end', () => {
      core.clock.advance(5_000);
      return slow.closed;
    });
    assert.match(await heard, /^HTTP\/1\.1 408 /);
  });

  for (const [name, bytes, reason] of [
    ['TLS', hex('16 03 01 00 05'), 'it speaks TLS on a port without TLS (":-443" enables it on port 443)'],
    ['a policy file request', '<policy-file-request/>\0', 'it speaks no RTMP and no HTTP'],
    ['SSH', 'ssh', 'it speaks no RTMP and no HTTP'],
    ['a zero', hex('00'), 'it speaks no RTMP and no HTTP'],
  ] as const) {
    test(`${name} on a plain port is closed without an answer`, async () => {
      await using core = await Core.start();
      assert.equal(await hearOut(await open(core, bytes)), '');
      assert.deepEqual(refusals(core), [['127.0.0.1', reason]]);
    });
  }

  test('who says nothing is closed when the time for the handshake is over', async () => {
    await using core = await Core.start();
    const socket = await open(core);
    await connections(core, 1);
    core.clock.advance(9_000);
    await connections(core, 1);
    const heard = hearOut(socket);
    core.clock.advance(1_000);
    assert.equal(await heard, '');
    assert.deepEqual(refusals(core), [['127.0.0.1', 'no data received within 10 s']]);
  });
});

describe('Allow and Deny', () => {
  const rules = (allow: string, deny: string) => ({
    allow: AddressList.parse(allow),
    deny: AddressList.parse(deny),
    order: Order.AllowDeny,
  });

  test('who is denied is closed at once and told nothing', async () => {
    await using core = await Core.start({ adaptor: { rules: rules('all', '127') } });
    assert.equal(await hearOut(await open(core, hex('03'))), '');
    assert.deepEqual(refusals(core), [['127.0.0.1', 'Allow and Deny do not permit its address']]);
    assert.equal(core.sessionCount, 0);
  });

  test('who is allowed by address comes in', async () => {
    await using core = await Core.start({ adaptor: { rules: rules('10.1, 127.0.0.0/8', '') } });
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
  });

  /** 127.0.0.1 says that it has these names; the forward zone says whose they are. */
  const resolver = (forward: Record<string, string[]>) => ({
    reverse: async () => Object.keys(forward),
    addressesOf: async (name: string) => forward[name] ?? [],
  });
  const named = rules('example.com', '');

  test('who is allowed by a name that leads back to its address comes in', async () => {
    await using core = await Core.start({
      adaptor: { rules: named, resolver: resolver({ 'a.example.com': ['10.0.0.1', '127.0.0.1'] }) },
    });
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
  });

  const lost = () => Promise.reject(new Error('ETIMEOUT'));
  const nobody = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${i}.example.net`, []]));
  for (const [name, dns] of [
    ['a name that belongs to somebody else', resolver({ 'a.example.com': ['10.0.0.1'] })],
    ['another name', resolver({ 'example.net': ['127.0.0.1'] })],
    ['names that cannot be found out', { reverse: lost, addressesOf: lost }],
    ['the right one behind more than are looked at', resolver({ ...nobody, 'example.com': ['127.0.0.1'] })],
  ] as const) {
    test(`${name}: kept out`, async () => {
      await using core = await Core.start({ adaptor: { rules: named, resolver: dns } });
      assert.equal(await hearOut(await open(core, hex('03'))), '');
      assert.deepEqual(refusals(core), [['127.0.0.1', 'Allow and Deny do not permit its address']]);
    });
  }
});

describe('limits', () => {
  const limits = {
    maxConnections: undefined,
    maxConnectionsPerAddress: undefined,
    maxRate: undefined,
    maxRatePerAddress: undefined,
  };

  test('a connection too many is closed; one that has left makes room, sessions and HTTP alike', async () => {
    await using core = await Core.start({ adaptor: { limits: { ...limits, maxConnections: 1 } } });
    const peer = await core.peer();
    assert.equal(await hearOut(await open(core, hex('03'))), '');
    assert.deepEqual(refusals(core), [['127.0.0.1', 'maxConnections is reached']]);
    peer.socket.destroy();
    await until('it to be gone', () => core.sessionCount === 0);
    assert.equal(
      (await http(core, 'GET', '/fcs/ident2', { agent: new Agent({ keepAlive: false }) })).status,
      200,
    );
    await connections(core, 0);
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
  });

  test('an address that connects too fast waits a second', async () => {
    await using core = await Core.start({ adaptor: { limits: { ...limits, maxRatePerAddress: 2 } } });
    await core.peer();
    await core.peer();
    assert.equal(await hearOut(await open(core, hex('03'))), '');
    core.clock.advance(1_000);
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
  });
});

describe('the PROXY protocol', () => {
  const behind: CoreOptions = { adaptor: { proxies: AddressList.parse('127.0.0.1') } };

  /** The facts that the script is given of who comes with this header. */
  async function factsWith(header: Uint8Array | string, tcUrl = 'rtmp://tv/live') {
    await using core = await Core.start(behind);
    const peer = await RtmpPeer.over(await open(core, header));
    assert.equal((await peer.connect('live', { tcUrl })).name, '_result');
    const { question } = await core.script().question('onConnect');
    assert.ok(question.gate === 'onConnect');
    peer.socket.destroy();
    const { ip, protocol, secure, uri } = question.client;
    return { ip, protocol, secure, uri };
  }

  test("S-04: version 1 gives the client's own address; a tcUrl that says rtmps is taken, reported, and proves nothing", async () => {
    const facts = await factsWith('PROXY TCP4 203.0.113.7 198.51.100.1 50000 443\r\n', 'rtmps://tv/live');
    assert.deepEqual(facts, { ip: '203.0.113.7', protocol: 'rtmp', secure: false, uri: 'rtmps://tv/live' });
  });

  test('S-04: version 2 that tells of TLS makes the client rtmps', async () => {
    const facts = await factsWith(
      hex(`0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 21 00 2c
           20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 07
           20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01
           c3 50 01 bb
           20 00 05 01 00 00 00 00`),
      'rtmps://tv/live',
    );
    assert.deepEqual(facts, { ip: '2001:db8::7', protocol: 'rtmps', secure: true, uri: 'rtmps://tv/live' });
  });

  test('an IPv4 address in IPv6 clothes is IPv4', async () => {
    const { ip } = await factsWith('PROXY TCP6 ::ffff:203.0.113.7 ::1 50000 443\r\n');
    assert.equal(ip, '203.0.113.7');
  });

  test('a proxy that speaks for itself keeps its own address', async () => {
    assert.equal((await factsWith('PROXY UNKNOWN\r\n')).ip, '127.0.0.1');
  });

  test('from a proxy nothing is taken without a header', async () => {
    await using core = await Core.start(behind);
    assert.equal(await hearOut(await open(core, hex('03'))), '');
    assert.deepEqual(refusals(core), [['127.0.0.1', 'PROXY header: it is missing']]);
  });

  test('from anybody else a header is no header', async () => {
    await using core = await Core.start({ adaptor: { proxies: AddressList.parse('10.0.0.1') } });
    const answer = await hearOut(await open(core, 'PROXY TCP4 203.0.113.7 198.51.100.1 50000 443\r\n\r\n'));
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.equal(core.sessionCount, 0);
  });

  test('rules and limits are for the address in the header, not for the proxy', async () => {
    await using core = await Core.start({
      adaptor: {
        proxies: AddressList.parse('127.0.0.1'),
        rules: {
          allow: AddressList.parse('all'),
          deny: AddressList.parse('203.0.113'),
          order: Order.AllowDeny,
        },
      },
    });
    assert.equal(await hearOut(await open(core, 'PROXY TCP4 203.0.113.7 198.51.100.1 5 443\r\n\x03')), '');
    assert.deepEqual(refusals(core), [['203.0.113.7', 'Allow and Deny do not permit its address']]);
    const other = await RtmpPeer.over(await open(core, 'PROXY TCP4 198.18.0.1 198.51.100.1 5 443\r\n'));
    assert.equal((await other.connect('live')).name, '_result');
    other.socket.destroy();
  });

  test('ident2 names the address that the client has reached at the proxy', async () => {
    await using core = await Core.start(behind);
    const socket = await open(
      core,
      'PROXY TCP6 2001:db8::7 2001:db8::1 5 80\r\nGET /fcs/ident2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    assert.match(await hearOut(socket), /\r\n\r\n\[2001:db8::1\]$/);
  });
});

describe('the shared read buffer', () => {
  test('connections that talk at the same time do not mix, whatever pieces their bytes come in', async () => {
    await using core = await Core.start();
    const peers = await Promise.all([1, 2, 3].map(() => core.peer()));
    const echoed = await Promise.all(
      peers.map(async (peer, i) => {
        const app = ['live/a', 'live/b', 'other/c'][i]!;
        return (await peer.connect(app, { tcUrl: `rtmp://host/${app}`, pageUrl: String(i).repeat(20_000) }))
          .name;
      }),
    );
    assert.deepEqual(echoed, ['_result', '_result', '_result']);
    for (const [i, name] of ['live/a', 'live/b', 'other/c'].entries()) {
      const { question } = await core.script(name).question('onConnect');
      assert.ok(question.gate === 'onConnect');
      assert.equal(question.client.pageUrl, String(i).repeat(20_000));
    }
  });

  test('of clients that have left by themselves none is counted any more', async () => {
    await using core = await Core.start();
    const peers = await Promise.all([core.peer(), core.peer(), core.peer(), core.peer()]);
    await Promise.all(peers.slice(0, 3).map((peer) => peer.connect('live')));
    await connections(core, 4);
    peers[0]!.socket.end();
    peers[1]!.socket.destroy();
    await connections(core, 2);
    peers[2]!.socket.resetAndDestroy();
    peers[3]!.socket.end();
    await connections(core, 0);
    assert.equal(core.sessionCount, 0);
  });

  test('every connection is counted out, whichever side ends it, and the port closes', async () => {
    await using core = await Core.start();
    const [listener] = core.adaptor.listeners;
    const before = sharedReads.sockets;
    const [leaves, resets, stays] = await Promise.all([core.peer(), core.peer(), core.peer()]);
    assert.equal(await listener!.countConnections(), 3);
    assert.equal(sharedReads.sockets - before, 3, 'each reads into the buffer of all');
    leaves!.socket.end();
    resets!.socket.resetAndDestroy();
    await until('two to be gone', () => core.sessionCount === 1);
    await stays!.connect('live');
    await core.adaptor.close('enough');
    assert.equal(await listener!.countConnections(), 0);
  });
});
