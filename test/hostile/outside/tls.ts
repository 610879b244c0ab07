// A port with TLS: handshakes without end, half of them, many at once, and records that are none.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { SECURE_PORT } from '../secure-port.ts';
import type { Siege, Stage } from '../stage.ts';

async function dial({ server }: Stage, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { port } = server.listener('rtmp', true);
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
}

/** The first bytes of a handshake, as a client of Node sends them. */
async function clientHello(): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return hello;
}

/** Somebody honest comes in through TLS. */
async function comeIn(stage: Stage): Promise<void> {
  const socket = await dial(stage);
  const peer = await RtmpPeer.over(socket);
  assert.equal((await peer.connect('live')).name, '_result');
  socket.destroy();
}

async function withSockets(
  { server }: Stage,
  count: number,
  use: (sockets: Socket[]) => Promise<void>,
): Promise<void> {
  const { port } = server.listener('rtmp', true);
  const sockets = Array.from({ length: count }, () => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.on('error', () => {}).resume();
    return socket;
  });
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    await use(sockets);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

export const SIEGE: Siege = {
  title: 'a port with TLS',
  server: SECURE_PORT,
  attacks: [
    {
      name: 'forty clients of TLS 1.2 that renegotiate without end',
      async run(stage) {
        const counts = Array.from({ length: 40 }, async () => {
          const socket = await dial(stage, { maxVersion: 'TLSv1.2' });
          let count = 0;
          const again = () =>
            socket.renegotiate({ rejectUnauthorized: false }, (error) => {
              if (error || count >= 12) return;
              count += 1;
              again();
            });
          again();
          await gone(socket.resume());
          return count;
        });
        assert.deepEqual(new Set(await Promise.all(counts)), new Set([0]));
        await comeIn(stage);
      },
    },
    {
      name: 'three hundred handshakes that stop at every byte of their first record',
      async run(stage) {
        const hello = await clientHello();
        await withSockets(stage, 300, async (sockets) => {
          for (const [i, socket] of sockets.entries())
            socket.write(hello.subarray(0, 1 + (i % hello.length)));
          await comeIn(stage);
        });
      },
    },
    {
      name: 'six hundred handshakes in the same moment',
      async run(stage) {
        const hello = await clientHello();
        await withSockets(stage, 600, async (sockets) => {
          for (const socket of sockets) socket.write(hello);
          await comeIn(stage);
        });
      },
    },
    {
      name: 'records that are none, of a length that is none, and alerts without end',
      async run(stage) {
        const records = [
          Buffer.from('1603010000', 'hex'),
          Buffer.from('160301ffff', 'hex'),
          Buffer.from('16030100040100ffff', 'hex'),
          Buffer.alloc(65_536, 0x16),
          Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from('15030100020100', 'hex'))),
          Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from('1603010000', 'hex'))),
        ];
        await withSockets(stage, 60, async (sockets) => {
          for (const [i, socket] of sockets.entries()) socket.write(records[i % records.length]!);
          await comeIn(stage);
        });
      },
    },
  ],
};
