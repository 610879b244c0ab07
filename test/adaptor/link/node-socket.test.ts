import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { descriptorOf, moveToBuffer, systemQueueBytes } from '../../../src/adaptor/link/node-socket.ts';

async function connected() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [socket] = await accepted;
  return {
    socket,
    peer,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      for (const end of [socket, peer]) end.destroy();
      server.close();
      await closed;
    },
  };
}

test('an open TCP connection has a descriptor, a closed one and a tunnel have none', async () => {
  await using pair = await connected();
  assert.ok(descriptorOf(pair.socket)! > 2);
  const closed = once(pair.socket, 'close');
  pair.socket.destroy();
  await closed;
  assert.equal(descriptorOf(pair.socket), undefined);
  assert.equal(descriptorOf(new Duplex()), undefined);
});

test('what the system does not take of a write is in its queue', async () => {
  await using pair = await connected();
  assert.equal(systemQueueBytes(pair.socket), 0);
  pair.peer.pause();
  const bytes = Buffer.alloc(64 << 20); // more than its buffers hold
  pair.socket.write(bytes);
  const queued = systemQueueBytes(pair.socket);
  assert.ok(queued > 0 && queued <= bytes.length, `${queued}`);
  assert.equal(systemQueueBytes(new Duplex()), 0);
});

test('a socket that is moved to a buffer reads into it, and the first one lets go of it', async () => {
  await using pair = await connected();
  const buffer = Buffer.alloc(1024);
  const moved = moveToBuffer(pair.socket, buffer);
  assert.ok(moved, 'this Node cannot do that');
  assert.equal(descriptorOf(pair.socket), undefined);
  assert.ok(descriptorOf(moved)! > 2);
  const said = once(moved, 'data') as Promise<[Uint8Array]>;
  moved.resume();
  pair.peer.write('hello');
  const [bytes] = await said;
  assert.equal(Buffer.from(bytes).toString(), 'hello');
  assert.equal(bytes.buffer, buffer.buffer);
  const closed = once(moved, 'close');
  moved.destroy();
  await closed;
});
