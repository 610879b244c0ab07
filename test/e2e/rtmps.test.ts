// TLS as other people's programs speak it: openssl and ffmpeg to the server itself, stunnel and HAProxy in front of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { AddressList } from '../../src/config/address-rules.ts';
import { certificateFor, rootWithCertificate, writeCertificate } from '../support/certificate.ts';
import { endsWithUs } from '../support/child.ts';
import { Core } from '../support/core.ts';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, playArgs, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { assertBeginsLike } from '../support/packets.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startHaproxy, startStunnel } from '../support/terminator.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-rtmps-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const withoutOpenssl = lacks('openssl');
const withoutStunnel = lacks('stunnel');
const withoutHaproxy = lacks('haproxy');

const PLAIN_AND_SECURE = { 'ADAPTOR.HOSTPORT': '127.0.0.1:0,-0' };

async function sClient(server: TestServer, ...args: string[]): Promise<{ code: number; output: string }> {
  const at = `127.0.0.1:${server.listener('rtmp', true).port}`;
  const ca = join(server.root, 'conf', '_defaultRoot_', 'cert.pem');
  const child = endsWithUs(
    spawn(programPath('openssl'), [
      's_client',
      '-connect',
      at,
      '-CAfile',
      ca,
      '-verify_return_error',
      ...args,
    ]),
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  child.stdin.end();
  const [code] = await once(child, 'close');
  return { code, output };
}

describe('the server by itself', () => {
  test('S-03, S-06: openssl s_client shakes hands on the port with the minus, from TLS 1.2 on', {
    skip: withoutOpenssl,
  }, async () => {
    await using server = await startServer({
      root: rootWithCertificate(dir, 'openssl'),
      set: PLAIN_AND_SECURE,
    });
    for (const version of ['-tls1_3', '-tls1_2']) {
      const { code, output } = await sClient(server, version, '-verify_ip', '127.0.0.1');
      assert.equal(code, 0, output);
      assert.match(output, /Verify return code: 0 \(ok\)/);
    }
    const old = await sClient(server, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0');
    assert.notEqual(old.code, 0, old.output);
    await using plain = await RtmpPeer.open(server.port);
    assert.ok(plain);
  });

  test('S-03, S-07, S-08, S-11: ffmpeg publishes and plays by rtmps on any port, packet for packet; the script sees rtmps', async () => {
    const clip = await h264Clip();
    await using server = await startServer({
      root: rootWithCertificate(dir, 'ffmpeg'),
      set: PLAIN_AND_SECURE,
      applications: {
        'live/main.ts': `application.onConnect = (client) => {
          trace('came by', client.protocol, client.secure, client.uri);
          return true;
        };`,
      },
    });
    const { port } = server.listener('rtmp', true);
    const url = `rtmps://127.0.0.1:${port}/live/show`;
    const file = join(dir, 'rtmps.flv');
    await using player = startFfmpeg(playArgs(url, file));
    await server.waitForLog(({ event }) => event === 'connect');
    await using publisher = startFfmpeg(publishArgs(clip, url).toSpliced(1, 0, '-t', '6'));
    for (const run of [publisher, player]) assert.equal((await run.exited).code, 0, String(run.stderr));
    await assertBeginsLike(clip, file, 140);
    const connects = server.log.filter(({ event }) => event === 'connect');
    assert.deepEqual(
      connects.map(({ protocol }) => protocol),
      ['rtmps', 'rtmps'],
    );
    const traced = server.log.map(({ msg }) => String(msg)).filter((msg) => msg.includes('came by'));
    assert.equal(traced.length, 2);
    for (const line of traced)
      assert.match(line, new RegExp(`came by rtmps true rtmps://127\\.0\\.0\\.1:${port}/live$`));
  });

  test('S-13: without a certificate the secure port stays closed, says so, and the plain one serves', async () => {
    await using server = await startServer({ set: PLAIN_AND_SECURE, applications: { 'live/': '' } });
    assert.deepEqual(
      server.listeners.filter(({ kind }) => kind === 'rtmp').map(({ secure }) => secure),
      [false],
    );
    const { level, msg } = server.log.find(({ event }) => event === 'port-closed')!;
    assert.deepEqual([level, msg], ['error', 'port 0 with TLS stays closed: no certificate is configured']);
    await using peer = await RtmpPeer.open(server.port);
    assert.equal((await peer.connect('live')).name, '_result');
  });

  test('a certificate that is renewed in the middle of a broadcast is shown to the next, and the broadcast goes on', async () => {
    const root = rootWithCertificate(dir, 'renewal');
    await using server = await startServer({ root, set: PLAIN_AND_SECURE, applications: { 'live/': '' } });
    const publisher = await RtmpPeer.over(await dialTls(server.listener('rtmp', true).port));
    await publisher.publish('live', 'show');
    const folder = join(root, 'conf', '_defaultRoot_');
    const renewed = certificateFor('renewed.example.com');
    const since = server.log.length;
    writeFileSync(join(folder, 'cert.pem'), renewed.certificate);
    writeFileSync(join(folder, 'key.pem'), renewed.key);
    await server.waitForLog(({ event }) => event === 'certificate', 20_000, since);
    const next = await dialTls(server.listener('rtmp', true).port);
    assert.equal(next.getPeerCertificate().subject.CN, 'renewed.example.com');
    next.destroy();
    assert.equal((await publisher.call('createStream')).name, '_result');
    publisher.socket.destroy();
  });
});

async function dialTls(port: number, localAddress = '127.0.0.1', servername = ''): Promise<TLSSocket> {
  const raw = connectTcp({ port, host: '127.0.0.1', localAddress, noDelay: true });
  const name = servername === '' ? {} : { servername };
  const socket = connect({ socket: raw, rejectUnauthorized: false, ...name });
  await once(socket, 'secureConnect');
  return socket;
}

/** What the script is told of a client that comes from 127.0.0.2 through the terminator. */
async function factsThrough(core: Core, port: number) {
  const peer = await RtmpPeer.over(await dialTls(port, '127.0.0.2'));
  const tcUrl = 'rtmps://tv.example.com/live';
  assert.equal((await peer.connect('live', { tcUrl })).name, '_result');
  const { question } = await core.script().question('onConnect');
  assert.ok(question.gate === 'onConnect');
  peer.socket.destroy();
  const { ip, protocol, secure, uri } = question.client;
  assert.equal(uri, tcUrl);
  return { ip, protocol, secure };
}

test('proxies, certificates of virtual hosts and Deny are what conf/ says', {
  skip: withoutHaproxy,
}, async () => {
  const more = '<Deny>127.0.0.3</Deny><ProxyProtocol><From>127.0.0.1</From></ProxyProtocol>';
  const root = rootWithCertificate(dir, 'conf', more);
  const adaptor = join(root, 'conf', '_defaultRoot_');
  const vhost = join(adaptor, 'tv.example.com');
  mkdirSync(vhost);
  writeCertificate(vhost, certificateFor('vhost.example.com'), 'tv');
  writeFileSync(
    join(vhost, 'Vhost.xml'),
    `<VirtualHost>
       <AliasList><Alias name="www.example.com"/></AliasList>
       <SSL>
         <SSLCertificateFile>tv-cert.pem</SSLCertificateFile>
         <SSLCertificateKeyFile>tv-key.pem</SSLCertificateKeyFile>
       </SSL>
     </VirtualHost>`,
  );
  await using server = await startServer({ root, set: PLAIN_AND_SECURE, applications: { 'live/': '' } });
  const { port } = server.listener('rtmp', true);

  for (const [asked, shown] of [
    ['tv.example.com', 'vhost.example.com'],
    ['www.example.com', 'vhost.example.com'],
    ['other.example.com', 'localhost'],
  ] as const) {
    const socket = await dialTls(port, '127.0.0.2', asked);
    assert.equal(socket.getPeerCertificate().subject.CN, shown);
    socket.destroy();
  }
  await assert.rejects(dialTls(port, '127.0.0.3'));

  await using haproxy = await startHaproxy({
    certificate: certificateFor('tv.example.com'),
    target: server.port,
    send: 'send-proxy-v2-ssl',
  });
  const peer = await RtmpPeer.over(await dialTls(haproxy.port, '127.0.0.2'));
  assert.equal((await peer.connect('live')).name, '_result');
  const { ip, protocol } = await server.waitForLog(({ event }) => event === 'connect');
  assert.deepEqual([ip, protocol], ['127.0.0.2', 'rtmps']);
  peer.socket.destroy();
});

describe('TLS that ends before the server', () => {
  const certificate = certificateFor('tv.example.com');
  const behind = { adaptor: { proxies: AddressList.parse('127.0.0.1') } };

  test('S-04: ffmpeg by rtmps through stunnel to a plain port', { skip: withoutStunnel }, async () => {
    const clip = await h264Clip();
    await using server = await startServer({ applications: { 'live/': '' } });
    await using stunnel = await startStunnel({ certificate, target: server.port });
    const url = `rtmps://127.0.0.1:${stunnel.port}/live/show`;
    await using publisher = startFfmpeg(publishArgs(clip, url, { loop: true }));
    await publisher.reached(1);
    await using player = startFfmpeg(playArgs(url, join(dir, 'stunnel.flv')));
    await player.reached(2);
    const connects = server.log.filter(({ event }) => event === 'connect');
    assert.deepEqual(
      connects.map(({ protocol }) => protocol),
      ['rtmp', 'rtmp'],
    );
    assert.deepEqual((await publisher.stop()).code, 255);
  });

  test('S-12: HTTP by way of stunnel reaches the plain port', { skip: withoutStunnel }, async () => {
    await using core = await Core.start();
    await using stunnel = await startStunnel({ certificate, target: core.port });
    const socket = await dialTls(stunnel.port);
    socket.write('GET /crossdomain.xml HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const part of socket) text += part;
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*allow-access-from/s);
  });

  test("S-04: stunnel's PROXY header, version 1, tells the client's own address", {
    skip: withoutStunnel,
  }, async () => {
    await using core = await Core.start(behind);
    await using stunnel = await startStunnel({ certificate, target: core.port, proxyHeader: true });
    assert.deepEqual(await factsThrough(core, stunnel.port), {
      ip: '127.0.0.2',
      protocol: 'rtmp',
      secure: false,
    });
  });

  for (const [send, protocol, secure] of [
    ['send-proxy', 'rtmp', false],
    ['send-proxy-v2', 'rtmp', false],
    ['send-proxy-v2-ssl-cn', 'rtmps', true],
  ] as const) {
    test(`S-04: HAProxy with ${send}: the client's own address${secure ? ', and that it came by TLS' : ''}`, {
      skip: withoutHaproxy,
    }, async () => {
      await using core = await Core.start(behind);
      await using haproxy = await startHaproxy({ certificate, target: core.port, send });
      assert.deepEqual(await factsThrough(core, haproxy.port), { ip: '127.0.0.2', protocol, secure });
    });
  }

  test('S-04: HAProxy without a header passes on to a port that expects none', {
    skip: withoutHaproxy,
  }, async () => {
    await using core = await Core.start();
    await using haproxy = await startHaproxy({ certificate, target: core.port });
    assert.deepEqual(await factsThrough(core, haproxy.port), {
      ip: '127.0.0.1',
      protocol: 'rtmp',
      secure: false,
    });
  });
});
