// Input that is begun and not finished: what a peer can make the server keep for it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import { HANDSHAKE_PACKET_BYTES } from '../../../src/protocol/handshake/handshake-digest.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { openTunnel } from '../../support/tunnel-client.ts';
import type { Siege, Stage } from '../stage.ts';

const MB = 1 << 20;
/** How long the server is left with it. */
const STAY_MS = 3_000;
const CLAIMED = 8 * MB;
/** Shared by all, so that the attacker itself needs no memory. */
const HALF = Buffer.alloc(7 * MB);
const SMALL = Buffer.alloc(128);
const HANDSHAKE = Buffer.concat([Uint8Array.of(3), Buffer.alloc(2 * HANDSHAKE_PACKET_BYTES)]);
const CHUNK_SIZE = Buffer.from([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x00, 0xff, 0xff, 0xff]);

/** fmt 0. */
function header(csid: number, typeId: number, length: number): Buffer {
  return Buffer.from([csid, 0, 0, 0, length >> 16, length >> 8, length, typeId, 1, 0, 0, 0]);
}

/** Opens so many peers, attacks with each, and lets the server be with them for a while. */
async function crowd(
  { server }: Stage,
  size: number,
  attack: (peer: RtmpPeer) => unknown,
  stayMs = STAY_MS,
): Promise<void> {
  const peers: RtmpPeer[] = [];
  try {
    for (let i = 0; i < size; i += 1) peers.push(await RtmpPeer.open(server.port));
    for (const peer of peers) {
      peer.socket.on('error', () => {}); // the server closes it
      await attack(peer);
      await breathe(); // this process films and watches the show besides
    }
    await sleep(stayMs);
  } finally {
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
  }
}

async function raw(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

/** A tunnel each, and a request of it that claims `length` bytes and does not have them. */
async function tunnels(
  port: number,
  size: number,
  length: number,
  write: (socket: Socket) => void,
): Promise<void> {
  const sockets: Socket[] = [];
  try {
    for (let i = 0; i < size; i += 1) {
      const id = await openTunnel(port);
      const socket = await raw(port);
      sockets.push(socket);
      socket.write(`POST /send/${id}/0 HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
      write(socket);
      await breathe();
    }
    await sleep(STAY_MS);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function assertLimit({ server }: Stage, limit: string): Promise<void> {
  assert.ok(
    server.log.some((record) => record.limit === limit),
    `no line says ${limit}`,
  );
}

export const SIEGE: Siege = {
  title: 'input that is not finished',
  server: {
    applications: { 'pending/main.asc': 'application.onConnect = function () {};' },
    // the tunnels of one attack are not over when the next begins
    conf: {
      '_defaultRoot_/Adaptor.xml':
        '<Adaptor><HTTPTunnel><MaxTunnelsPerAddress>2000</MaxTunnelsPerAddress></HTTPTunnel></Adaptor>',
    },
  },
  attacks: [
    {
      name: 'half messages on 200 connections',
      maxMb: 128,
      async run(stage) {
        await crowd(stage, 200, async (peer) => {
          await peer.connect('live');
          peer.socket.write(CHUNK_SIZE);
          peer.socket.write(header(6, MessageType.Video, CLAIMED));
          peer.socket.write(HALF);
        });
        await assertLimit(stage, 'MaxInputSizePerAddress');
      },
    },
    {
      name: 'half messages on 60 connections that have not said connect',
      maxMb: 64,
      async run(stage) {
        await crowd(stage, 60, (peer) => {
          peer.socket.write(CHUNK_SIZE);
          for (let csid = 4; csid < 6; csid += 1) {
            peer.socket.write(header(csid, MessageType.Video, CLAIMED));
            peer.socket.write(HALF);
          }
        });
        await assertLimit(stage, 'MaxInputBeforeConnect');
      },
    },
    {
      name: 'sixty lengths of 8 MB that are only claimed, on each of 200 connections',
      maxMb: 96,
      async run(stage) {
        await crowd(stage, 200, async (peer) => {
          await peer.connect('live');
          for (let csid = 4; csid < 64; csid += 1) {
            peer.socket.write(header(csid, MessageType.Video, CLAIMED));
            peer.socket.write(SMALL);
          }
        });
      },
    },
    {
      name: 'half messages that grow by a few bytes a second on 200 connections',
      maxMb: 128,
      async run(stage) {
        await crowd(stage, 200, async (peer) => {
          await peer.connect('live');
          peer.socket.write(CHUNK_SIZE);
          peer.socket.write(header(6, MessageType.Video, CLAIMED));
          peer.socket.write(HALF.subarray(0, MB));
          const more = setInterval(() => peer.socket.write(SMALL), 100);
          peer.socket.once('close', () => clearInterval(more));
        });
      },
    },
    {
      name: 'half requests of 256 tunnels of one address, with half a connect in each',
      maxMb: 96,
      async run({ server }) {
        await tunnels(server.port, 256, 4 * MB, (socket) => {
          socket.write(HANDSHAKE);
          socket.write(CHUNK_SIZE);
          socket.write(header(3, MessageType.CommandAmf0, 60_000));
          socket.write(HALF.subarray(0, 59_000));
        });
      },
    },
    {
      name: 'half requests of 256 tunnels of one address, with a flood of messages that mean nothing',
      maxMb: 256, // most of it is garbage of reads that has not been collected
      async run({ server }) {
        await tunnels(server.port, 256, 4 * MB, (socket) => {
          socket.write(HANDSHAKE);
          socket.write(HALF.subarray(0, 4 * MB - 200_000));
        });
      },
    },
    {
      name: 'requests of 100 tunnels that have overtaken one that does not come, five of each',
      maxMb: 128,
      async run({ server }) {
        const sockets: Socket[] = [];
        try {
          for (let i = 0; i < 100; i += 1) {
            const id = await openTunnel(server.port);
            for (const number of [0, 2, 3, 4, 5, 6]) {
              const socket = await raw(server.port);
              sockets.push(socket);
              socket.write(
                `POST /send/${id}/${number} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n`,
              );
              socket.write(number === 0 ? HANDSHAKE : HALF.subarray(0, 199_999));
            }
          }
          await sleep(STAY_MS);
        } finally {
          for (const socket of sockets) socket.destroy();
        }
      },
    },
    {
      name: 'media of 200 clients whose connect is not decided',
      maxMb: 96,
      async run(stage) {
        await crowd(stage, 200, (peer) => {
          peer.command('connect', 1, [], 0, { app: 'pending', tcUrl: 'rtmp://127.0.0.1/pending' });
          peer.socket.write(CHUNK_SIZE);
          for (let i = 0; i < 20; i += 1) {
            peer.socket.write(header(6, MessageType.Video, 100_000));
            peer.socket.write(HALF.subarray(0, 100_000));
          }
        });
      },
    },
    {
      name: 'answers that 50 clients do not read',
      maxMb: 128,
      async run(stage) {
        const ping = Buffer.from([2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 0, 0, 0, 1]);
        const pings = Buffer.alloc(ping.length * 50_000, ping);
        await crowd(stage, 50, async (peer) => {
          await peer.connect('live');
          peer.socket.pause();
          for (let i = 0; i < 10; i += 1) peer.socket.write(pings);
        });
      },
    },
  ],
};
