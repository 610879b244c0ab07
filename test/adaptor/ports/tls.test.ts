// RTMPS: certificates, who gets which, and what happens when their files change.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { AdaptorOptions } from '../../../src/adaptor/adaptor.ts';
import type { DialerOptions } from '../../../src/adaptor/outgoing/dialer.ts';
import { type CertificateFiles, loadAuthorities } from '../../../src/adaptor/ports/certificate.ts';
import type { OutgoingStatus } from '../../../src/application/contract/outgoing.ts';
import { AddressList } from '../../../src/config/address-rules.ts';
import { ConfigError } from '../../../src/errors.ts';
import { certificateFor, writeCertificate } from '../../support/certificate.ts';
import { Core, until } from '../../support/core.ts';
import { dialerFor } from '../../support/dialer.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';

const base = mkdtempSync(join(tmpdir(), 'understudy-tls-'));
after(() => rmSync(base, { recursive: true, force: true }));
let dir = base;
beforeEach(() => {
  dir = mkdtempSync(join(base, 'test-'));
});

function secure(
  certificate: CertificateFiles | undefined,
  tls: Partial<AdaptorOptions['tls']> = {},
): Partial<AdaptorOptions> {
  return {
    listen: [{ host: '127.0.0.1', port: 0, secure: true }],
    tls: { certificate, hosts: new Map(), ciphers: '', sessionTimeoutMs: 300_000, ...tls },
  };
}

async function dial(core: Core, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: core.port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** The bytes that such a client begins with. */
async function firstWordOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...options });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  server.close();
  return bytes;
}

/** The first name in the certificate that a client gets who asks for `servername`. */
async function nameShownTo(core: Core, servername = ''): Promise<string> {
  const socket = await dial(core, servername === '' ? {} : { servername });
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

function certificateLog(core: Core) {
  return core.log.filter(({ event }) => event === 'certificate' || event === 'port-closed');
}

test('S-03, S-08: RTMP inside TLS: the certificate is right, the client is rtmps and secure, by TLS 1.3 and 1.2', async () => {
  const made = certificateFor('tv.example.com');
  await using core = await Core.start({ adaptor: secure(writeCertificate(dir, made)) });
  assert.equal(core.adaptor.listeners[0]!.address.secure, true);
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const socket = await dial(core, { ca: made.certificate, rejectUnauthorized: true, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
    const peer = await RtmpPeer.over(socket);
    assert.equal((await peer.connect('live', { tcUrl: 'rtmps://127.0.0.1/live' })).name, '_result');
    const { question } = await core.script().question('onConnect');
    assert.ok(question.gate === 'onConnect');
    const { ip, protocol, secure, uri } = question.client;
    assert.deepEqual(
      { ip, protocol, secure, uri },
      {
        ip: '127.0.0.1',
        protocol: 'rtmps',
        secure: true,
        uri: 'rtmps://127.0.0.1/live',
      },
    );
    peer.socket.destroy();
  }
});

test('S-03, S-07: media in both directions, in pieces larger than a TLS record, by one connection to one port', async () => {
  const options = secure(writeCertificate(dir, certificateFor('a')));
  const listen = [...options.listen!, { host: '127.0.0.1', port: 0, secure: false }];
  await using core = await Core.start({ adaptor: { ...options, listen } });
  const publisher = await RtmpPeer.over(await dial(core));
  const id = await publisher.publish('live', 'show');
  const player = await RtmpPeer.over(await dial(core));
  await player.play('live', 'show');
  const frame = Buffer.alloc(300_000, 7);
  frame.set([0x17, 1, 0, 0, 0]);
  publisher.video(id, 40, frame);
  const { media } = await player.expect('the frame', ({ media }) => media?.length === frame.length);
  assert.deepEqual(Buffer.from(media!), frame);
  const counts = core.adaptor.listeners.map((listener) => listener.countConnections());
  assert.deepEqual(await Promise.all(counts), [2, 0]);
  publisher.socket.destroy();
  player.socket.destroy();
});

test('S-06: a clear byte on a TLS port is no handshake, TLS 1.1 is too old, and both are closed', async () => {
  await using core = await Core.start({ adaptor: secure(writeCertificate(dir, certificateFor('a'))) });
  const clear = connectTcp(core.port, '127.0.0.1');
  clear.on('error', () => {}).end(Buffer.alloc(1537, 3));
  await once(clear.resume(), 'close');
  const old = connect({
    host: '127.0.0.1',
    port: core.port,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  });
  await assert.rejects(once(old, 'secureConnect'), /protocol version|handshake failure|unsupported/i);
  await until(
    'both reasons',
    () => core.log.filter(({ event }) => event === 'connection-refused').length === 2,
  );
  for (const { reason } of core.log.filter(({ event }) => event === 'connection-refused')) {
    assert.match(String(reason), /^TLS: /);
  }
  assert.equal(core.sessionCount, 0);
});

test('who begins no handshake on a TLS port is closed in time', async () => {
  await using core = await Core.start({ adaptor: secure(writeCertificate(dir, certificateFor('a'))) });
  const silent = connectTcp(core.port, '127.0.0.1');
  silent.on('error', () => {}).resume();
  await until('the end', () => {
    core.clock.advance(1_000);
    return silent.closed;
  });
  assert.equal(await core.adaptor.listeners[0]!.countConnections(), 0);
});

test('of clients whose signature is due at their second word sixteen of an address are answered at a time, and others at once', async () => {
  const files = writeCertificate(dir, certificateFor('tv.example.com'));
  await using core = await Core.start({ adaptor: secure(files) });
  const odd = { ecdhCurve: 'P-521:X25519' };
  const hello = await firstWordOf(odd);
  let answered = 0;
  let closed = 0;
  const sockets = Array.from({ length: 20 }, () => {
    const socket = connectTcp(core.port, '127.0.0.1', () => socket.write(hello));
    socket.on('error', () => {}).once('data', () => (answered += 1));
    socket.once('close', () => (closed += 1)).resume();
    return socket;
  });
  await until('sixteen have an answer', () => answered === 16);
  (await dial(core)).destroy();
  assert.equal(answered, 16);
  core.clock.advance(3_000);
  await until('they have made room for the others', () => answered === 20 && closed === 16);
  for (const socket of sockets) socket.destroy();
  (await dial(core, odd)).destroy();
});

test('S-12: HTTP inside TLS reaches the same routes', async () => {
  await using core = await Core.start({ adaptor: secure(writeCertificate(dir, certificateFor('a'))) });
  const socket = await dial(core);
  socket.end('POST /fcs/ident2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\0');
  let text = '';
  for await (const part of socket) text += part;
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n127\.0\.0\.1$/s);
});

test('a PROXY header comes before the handshake', async () => {
  const options = secure(writeCertificate(dir, certificateFor('a')));
  await using core = await Core.start({ adaptor: { ...options, proxies: AddressList.parse('127.0.0.1') } });
  const raw = connectTcp(core.port, '127.0.0.1');
  raw.write('PROXY TCP4 203.0.113.7 198.51.100.1 50000 443\r\n');
  const socket = connect({ socket: raw, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const peer = await RtmpPeer.over(socket);
  assert.equal((await peer.connect('live')).name, '_result');
  const { question } = await core.script().question('onConnect');
  assert.ok(question.gate === 'onConnect');
  assert.deepEqual([question.client.ip, question.client.secure], ['203.0.113.7', true]);
  socket.destroy();
});

test('a session is resumed, also by a client that was shown another certificate than the first', async () => {
  const host = writeCertificate(dir, certificateFor('b.example.com'), 'b');
  const adaptor = secure(writeCertificate(dir, certificateFor('a')), {
    hosts: new Map([['b.example.com', host]]),
  });
  await using core = await Core.start({ adaptor });
  const first = await dial(core, { servername: 'b.example.com', maxVersion: 'TLSv1.2' });
  const session = first.getSession()!;
  first.destroy();
  const second = await dial(core, { servername: 'b.example.com', maxVersion: 'TLSv1.2', session });
  assert.equal(second.isSessionReused(), true);
  second.destroy();
});

test('a list of ciphers is obeyed, with the commas and blanks that FMS took as well', async () => {
  const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-ECDSA-CHACHA20-POLY1305';
  await using core = await Core.start({
    adaptor: secure(writeCertificate(dir, certificateFor('a')), { ciphers }),
  });
  const chosen = await dial(core, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' });
  assert.equal(chosen.getCipher().standardName, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256');
  chosen.destroy();
  await assert.rejects(dial(core, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }));
});

describe('connections that scripts make by rtmps', () => {
  /** What comes of one to that server, by its address: the code, and why. */
  async function outcome(core: Core, tls: DialerOptions['tls']): Promise<string> {
    const clock = new ManualClock();
    const uri = `rtmps://127.0.0.1:${core.port}/live`;
    const { promise, resolve } = Promise.withResolvers<OutgoingStatus>();
    const connection = dialerFor(clock, {}, { tls }).connect({ application: 'live', uri, args: [] }, 4096, {
      status: resolve,
      ended: resolve,
    });
    let info: OutgoingStatus | undefined;
    void promise.then((status) => {
      info = status;
    });
    await until('an outcome', () => {
      clock.advance(0);
      return info !== undefined;
    });
    connection.close();
    clock.advance(2_000);
    return `${info!.code} ${info!.description}`;
  }

  test('go where the certificate is signed by an authority, and has the name', async () => {
    const here = certificateFor('here');
    await using core = await Core.start({ adaptor: secure(writeCertificate(dir, here)) });
    const success = /^NetConnection\.Connect\.Success/;
    assert.match(await outcome(core, { verifies: true, authorities: here.certificate }), success);
    const stranger = await outcome(core, {
      verifies: true,
      authorities: certificateFor('other').certificate,
    });
    assert.match(stranger, /^NetConnection\.Connect\.Failed .*(certificate|self.signed|issuer)/i);
    assert.match(await outcome(core, { verifies: true, authorities: undefined }), /Failed .*self.signed/i);
    assert.match(await outcome(core, { verifies: false, authorities: undefined }), success);
  });

  test('know authorities by a file that has certificates in it', async () => {
    const file = join(dir, 'authorities.pem');
    const problems: [text: string, message: RegExp][] = [
      ['nothing', /has no certificate in PEM/],
      ['-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n', /holds no certificate/],
    ];
    for (const [text, message] of problems) {
      writeFileSync(file, text);
      await assert.rejects(loadAuthorities(file), { code: 'ERR_CONFIG_CERTIFICATE', message });
    }
    await assert.rejects(loadAuthorities(join(dir, 'none.pem')), /does not exist/);
    const { certificate } = certificateFor('here');
    writeFileSync(file, certificate);
    assert.equal(await loadAuthorities(file), certificate);
  });
});

describe('server names', () => {
  test('each virtual host shows its own certificate, a wildcard those below it, everybody else gets the first', async () => {
    const files = (name: string) => writeCertificate(dir, certificateFor(name), name.replace('*', 'any'));
    const hosts = new Map([
      ['a.example.com', files('a.example.com')],
      ['*.example.org', files('*.example.org')],
    ]);
    await using core = await Core.start({ adaptor: secure(files('default.example.com'), { hosts }) });
    assert.equal(await nameShownTo(core), 'default.example.com');
    assert.equal(await nameShownTo(core, 'A.example.com'), 'a.example.com');
    assert.equal(await nameShownTo(core, 'x.example.org'), '*.example.org');
    assert.equal(await nameShownTo(core, 'x.y.example.org'), 'default.example.com');
    assert.equal(await nameShownTo(core, 'nobody.example.net'), 'default.example.com');
  });

  test('a certificate of one host that cannot be used is reported, and the first serves it', async () => {
    const broken = { certFile: join(dir, 'none.pem'), keyFile: undefined, passphrase: undefined };
    const hosts = new Map([['a.example.com', broken]]);
    const adaptor = secure(writeCertificate(dir, certificateFor('default.example.com')), { hosts });
    await using core = await Core.start({ adaptor });
    assert.equal(await nameShownTo(core, 'a.example.com'), 'default.example.com');
    assert.deepEqual(
      core.trouble.map(({ code, msg }) => [code, msg]),
      [['ERR_CONFIG_CERTIFICATE', `${broken.certFile} does not exist`]],
    );
  });
});

/** Lets looks at the files pass until `holds`. */
function looking(core: Core, what: string, holds: () => boolean): Promise<void> {
  return until(what, () => {
    core.clock.advance(500);
    return holds();
  });
}

test('a virtual host may have the only certificate: its clients are served, others hear that there is none for them', async () => {
  const hosts = new Map([['tv.example.com', writeCertificate(dir, certificateFor('tv.example.com'))]]);
  await using core = await Core.start({ adaptor: secure(undefined, { hosts }) });
  assert.equal(await nameShownTo(core, 'tv.example.com'), 'tv.example.com');
  await assert.rejects(dial(core, { servername: 'x.example.com' }));
  await assert.rejects(dial(core, { maxVersion: 'TLSv1.2' }));
  const refusals = () => core.log.filter(({ event }) => event === 'connection-refused');
  await until('both', () => refusals().length === 2);
  for (const { reason } of refusals()) {
    assert.equal(reason, 'TLS: it asks for none of the hosts that have a certificate');
  }
  assert.deepEqual(core.trouble, []);
});

describe('files that change', () => {
  const loads = (core: Core) => certificateLog(core).filter(({ level }) => level === 'info').length;

  test('a renewed certificate is shown to the next client, and those who are there stay', async () => {
    const paths = writeCertificate(dir, certificateFor('old'));
    await using core = await Core.start({ adaptor: secure(paths) });
    const before = await RtmpPeer.over(await dial(core));
    await before.connect('live');
    writeCertificate(dir, certificateFor('new'));
    await looking(core, 'the new certificate', () => loads(core) === 2);
    assert.equal(await nameShownTo(core), 'new');
    assert.equal((await before.call('createStream')).name, '_result');
    before.socket.destroy();
    assert.deepEqual(core.trouble, []);
  });

  test('a symbolic link that is turned round counts, as renewal programs do it', async () => {
    for (const name of ['old', 'new']) writeCertificate(dir, certificateFor(name), name);
    const paths = {
      certFile: join(dir, 'live-cert.pem'),
      keyFile: join(dir, 'live-key.pem'),
      passphrase: undefined,
    };
    const turn = (name: string) => {
      for (const [kind, link] of [
        ['cert', paths.certFile],
        ['key', paths.keyFile],
      ] as const) {
        symlinkSync(`${name}-${kind}.pem`, `${link}.next`);
        renameSync(`${link}.next`, link);
      }
    };
    turn('old');
    await using core = await Core.start({ adaptor: secure(paths) });
    assert.equal(await nameShownTo(core), 'old');
    turn('new');
    await looking(core, 'the new certificate', () => loads(core) === 2);
    assert.equal(await nameShownTo(core), 'new');
  });

  test('a broken file leaves the last good certificate in its place, is reported once, and can be put right', async () => {
    const paths = writeCertificate(dir, certificateFor('old'));
    await using core = await Core.start({ adaptor: secure(paths) });
    writeFileSync(paths.certFile, 'no certificate');
    await looking(core, 'the report', () => core.trouble.length > 0);
    for (let i = 0; i < 20; i += 1) {
      core.clock.advance(2_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(await nameShownTo(core), 'old');
    assert.deepEqual(
      core.trouble.map(({ code, msg }) => [code, msg]),
      [['ERR_CONFIG_CERTIFICATE', `${paths.certFile} holds no certificate; the last good certificate stays`]],
    );
    writeCertificate(dir, certificateFor('new'));
    await looking(core, 'the new certificate', () => loads(core) === 2);
    assert.equal(await nameShownTo(core), 'new');
  });

  test("a host's own certificate is renewed as well", async () => {
    const host = writeCertificate(dir, certificateFor('old-host'), 'host');
    const adaptor = secure(writeCertificate(dir, certificateFor('default')), {
      hosts: new Map([['h', host]]),
    });
    await using core = await Core.start({ adaptor });
    writeCertificate(dir, certificateFor('new-host'), 'host');
    await looking(core, 'the new certificate', () => loads(core) === 3);
    assert.equal(await nameShownTo(core, 'h'), 'new-host');
    assert.equal(await nameShownTo(core), 'default');
  });
});

describe('forms of files', () => {
  const { certificate, key } = certificateFor('forms');
  const privateKey = createPrivateKey(key);
  const pkcs8 = { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'opensesame' } as const;
  const FORMS: [name: string, key: string | Buffer, passphrase: string | undefined][] = [
    ['a PEM key', key, undefined],
    ['an encrypted PEM key', privateKey.export({ ...pkcs8, format: 'pem' }), 'opensesame'],
    ['a DER key, PKCS #8', privateKey.export({ type: 'pkcs8', format: 'der' }), undefined],
    ['a DER key, SEC 1', privateKey.export({ type: 'sec1', format: 'der' }), undefined],
    ['an encrypted DER key', privateKey.export({ ...pkcs8, format: 'der' }), 'opensesame'],
  ];
  for (const [name, text, passphrase] of FORMS) {
    test(`${name} is read`, async () => {
      const [certFile, keyFile] = [join(dir, 'cert'), join(dir, 'key')];
      writeFileSync(certFile, certificate);
      writeFileSync(keyFile, text);
      await using core = await Core.start({ adaptor: secure({ certFile, keyFile, passphrase }) });
      assert.equal(await nameShownTo(core), 'forms');
    });
  }

  test('a DER certificate is read; key and certificate may be one file', async () => {
    const der = { certFile: join(dir, 'cert.der'), keyFile: join(dir, 'key.pem'), passphrase: undefined };
    writeFileSync(der.certFile, new X509Certificate(certificate).raw);
    writeFileSync(der.keyFile, key);
    await using one = await Core.start({ adaptor: secure(der) });
    assert.equal(await nameShownTo(one), 'forms');
    const both = { certFile: join(dir, 'both.pem'), keyFile: undefined, passphrase: undefined };
    writeFileSync(both.certFile, `${key}${certificate}`);
    await using two = await Core.start({ adaptor: secure(both) });
    assert.equal(await nameShownTo(two), 'forms');
  });
});

describe('S-13: a secure port without a certificate that can be used', () => {
  const { certificate, key } = certificateFor('a');
  const encrypted = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'opensesame',
  });
  const WRONG: [
    name: string,
    cert: string | undefined,
    key: string,
    passphrase: string | undefined,
    why: RegExp,
  ][] = [
    ['the certificate is missing', undefined, key, undefined, /cert does not exist$/],
    ['the certificate is something else', key, key, undefined, /cert holds no certificate$/],
    [
      'the key is something else',
      certificate,
      certificate,
      undefined,
      /key holds no private key that can be read$/,
    ],
    [
      'the key belongs to another',
      certificate,
      certificateFor('b').key,
      undefined,
      /the key in .*key does not belong to .*cert$/,
    ],
    ['the passphrase is missing', certificate, String(encrypted), undefined, /key needs its passphrase$/],
    [
      'the passphrase is wrong',
      certificate,
      String(encrypted),
      'swordfish',
      /the passphrase does not open the key in .*key$/,
    ],
  ];
  for (const [name, cert, keyText, passphrase, why] of WRONG) {
    test(`${name}: it stays closed, says so, and the others serve`, async () => {
      const files = { certFile: join(dir, 'cert'), keyFile: join(dir, 'key'), passphrase };
      if (cert !== undefined) writeFileSync(files.certFile, cert);
      writeFileSync(files.keyFile, keyText);
      const plain = { host: '127.0.0.1', port: 0, secure: false };
      const listen = [plain, { host: '127.0.0.1', port: 44_300, secure: true }];
      await using core = await Core.start({ adaptor: { ...secure(files), listen } });
      assert.deepEqual(
        core.adaptor.listeners.map(({ address }) => address.secure),
        [false],
      );
      const [closed, ...more] = core.trouble;
      assert.deepEqual([closed?.event, closed?.code, more], ['port-closed', 'ERR_CONFIG_CERTIFICATE', []]);
      assert.match(String(closed?.msg), /^port 44300 with TLS stays closed: /);
      assert.match(String(closed?.msg), why);
      assert.ok(!JSON.stringify(core.log).includes('swordfish'));
      assert.equal((await (await core.peer()).connect('live')).name, '_result');
    });
  }

  test('it is opened as soon as there is one, whoever has it: the adaptor or a virtual host', async () => {
    const files = {
      certFile: join(dir, 'tls-cert.pem'),
      keyFile: join(dir, 'tls-key.pem'),
      passphrase: undefined,
    };
    const plain = { host: '127.0.0.1', port: 0, secure: false };
    const listen = [plain, { host: '127.0.0.1', port: 0, secure: true }];
    for (const options of [secure(files), secure(undefined, { hosts: new Map([['late', files]]) })]) {
      for (const file of [files.certFile, files.keyFile]) rmSync(file, { force: true });
      const late: string[] = [];
      const onLate: AdaptorOptions['onLate'] = ({ listeners, problems }) =>
        late.push(`${listeners.length} and ${problems.length}`);
      await using core = await Core.start({ adaptor: { ...options, listen, onLate } });
      assert.match(
        String(core.trouble[0]?.msg),
        /^port 0 with TLS stays closed: .*tls-cert.pem does not exist$/,
      );
      writeFileSync(files.certFile, 'half of a'); // the last word is not spoken
      await looking(core, 'a look at it', () => core.trouble.length === 2);
      writeCertificate(dir, certificateFor('late'));
      await looking(core, 'the port', () => core.adaptor.listeners.length === 2);
      const port = core.adaptor.listeners[1]!.address.port;
      const socket = connect({ host: '127.0.0.1', port, servername: 'late', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      assert.equal((await (await RtmpPeer.over(socket)).connect('live')).name, '_result');
      socket.destroy();
      assert.deepEqual(late, ['1 and 0']);
      const said = core.log.filter(({ event }) => event === 'listening').map(({ msg }) => msg);
      assert.deepEqual(said.slice(1), [`listening on 127.0.0.1:${port} with TLS`]);
    }
  });

  test('a port that is taken when its certificate comes says so', async () => {
    const files = {
      certFile: join(dir, 'tls-cert.pem'),
      keyFile: join(dir, 'tls-key.pem'),
      passphrase: undefined,
    };
    await using other = await Core.start();
    const plain = { host: '127.0.0.1', port: 0, secure: false };
    const listen = [plain, { host: '127.0.0.1', port: other.port, secure: true }];
    await using core = await Core.start({ adaptor: { ...secure(files), listen } });
    writeCertificate(dir, certificateFor('late'));
    await looking(core, 'the report', () => core.trouble.length === 2);
    const { code, msg } = core.trouble[1]!;
    assert.equal(code, 'ERR_CONFIG_BIND');
    assert.match(
      String(msg),
      new RegExp(`port 127.0.0.1:${other.port} is in use by node \\(process ${process.pid}\\)`),
    );
  });

  test('nothing is said about certificates where no port is secure', async () => {
    await using core = await Core.start();
    assert.deepEqual(certificateLog(core), []);
    assert.deepEqual(core.trouble, []);
  });

  test('when it was the only one, the server does not start', async () => {
    await assert.rejects(
      Core.start({ adaptor: { listen: [{ host: '127.0.0.1', port: 0, secure: true }] } }),
      (error: unknown) => error instanceof ConfigError && /no certificate is configured$/.test(error.message),
    );
  });
});
