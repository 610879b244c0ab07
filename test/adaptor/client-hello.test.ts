// When the first message of a TLS handshake is whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { before, test } from 'node:test';
import { connect } from 'node:tls';
import { hasWholeHello } from '../../src/adaptor/client-hello.ts';

/** As Node's own client says it. */
let hello: Buffer;
before(async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const parts: Buffer[] = [];
  do parts.push(((await once(socket, 'data')) as [Buffer])[0]);
  while (Buffer.concat(parts).length < 5 + Buffer.concat(parts).readUInt16BE(3));
  hello = Buffer.concat(parts);
  client.destroy();
  server.close();
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
