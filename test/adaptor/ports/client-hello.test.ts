// When the first message of a TLS handshake is whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { hasWholeHello, isAnsweredAtOnce } from '../../../src/adaptor/ports/client-hello.ts';

/** What Node's own client says first. */
async function helloOf(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port, ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const parts: Buffer[] = [];
  do parts.push(((await once(socket, 'data')) as [Buffer])[0]);
  while (Buffer.concat(parts).length < 5 + Buffer.concat(parts).readUInt16BE(3));
  client.destroy();
  server.close();
  return Buffer.concat(parts);
}

let hello: Buffer;
before(async () => {
  hello = await helloOf();
});

/** The same message in records of so many bytes. */
function inRecords(bytes: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += bytes) {
    const fragment = message.subarray(at, at + bytes);
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment);
  }
  return Buffer.concat(records);
}

test('a hello is whole with its last byte, in one record or in many', () => {
  for (const bytes of [hello, inRecords(1), inRecords(3), inRecords(200)]) {
    for (let length = 0; length < bytes.length; length += 1)
      assert.equal(hasWholeHello(bytes.subarray(0, length)), false, `${length} of ${bytes.length}`);
    assert.equal(hasWholeHello(bytes), true);
  }
});

test('what is no hello needs no more bytes', () => {
  for (const hex of ['15', '4745542f', '1603010000', '16030100040100ffff']) {
    const bytes = Buffer.from(hex, 'hex');
    const whole = Buffer.concat([bytes, Buffer.from('15030100020100', 'hex')]);
    assert.equal(hasWholeHello(whole), true, hex);
  }
  assert.equal(
    hasWholeHello(Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from('1603010000', 'hex')))),
    true,
  );
});

for (const [what, options, expected] of [
  ['a client of today', {}, true],
  ['one of TLS 1.2 with an ephemeral key', { maxVersion: 'TLSv1.2' }, true],
  ['one that knows X25519 alone', { ecdhCurve: 'X25519' }, true],
  ['one that has no share of what we like best', { ecdhCurve: 'P-256:X25519MLKEM768' }, false],
  ['one whose only share is of a group that few have', { ecdhCurve: 'P-521:X25519' }, false],
  ['one that sends the secret by RSA', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }, false],
  [
    'one without an RSA cipher that is ephemeral',
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    false,
  ],
] as const) {
  test(`${what} is ${expected ? '' : 'not '}answered at once`, async () => {
    assert.equal(isAnsweredAtOnce(await helloOf(options)), expected);
  });
}

test('a hello that is cut short, or has any byte changed, is read without a fault', () => {
  for (let length = 0; length < hello.length; length += 1)
    assert.equal(typeof isAnsweredAtOnce(hello.subarray(0, length)), 'boolean');
  for (let at = 0; at < hello.length; at += 1) {
    const changed = Buffer.from(hello);
    for (const value of [0, 1, 0x7f, 0xff]) {
      changed[at] = value;
      assert.equal(typeof isAnsweredAtOnce(changed), 'boolean');
    }
  }
  for (const bytes of [inRecords(1), inRecords(200)]) assert.equal(isAnsweredAtOnce(bytes), true);
});
