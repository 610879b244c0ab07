// What many peers prepare, so that the server has to do it in one go.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ClientHandshake,
  HANDSHAKE_RANDOM_BYTES,
  type RtmpeVersion,
} from '../../../src/protocol/handshake/handshake.ts';
import { DigestScheme } from '../../../src/protocol/handshake/handshake-digest.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { encodeCommand, encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { flood } from '../flood.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

const MB = 1 << 20;
/** Longer than it takes to send all that is held. */
const GATE_MS = 1_500;
/** Each holds as much as it may: a share of its address, so they come from several. */
const PUBLISHERS = 24;
const ADDRESSES = 6;

/** So many connections begin an encrypted session in the same moment. */
function handshakes(version: RtmpeVersion, count: number): OutsideAttack {
  return {
    name: `${count} handshakes of RTMPE ${version} at once`,
    async run({ server }) {
      const first = new ClientHandshake({
        ...{ random: randomBytes(HANDSHAKE_RANDOM_BYTES), timeMs: 0 },
        ...{ rtmpe: version, scheme: DigestScheme.First },
      }).start();
      const sockets: Socket[] = [];
      try {
        for (let i = 0; i < count; i += 1) {
          const socket = connect({ host: '127.0.0.1', port: server.port });
          sockets.push(socket.on('error', () => {}));
          await once(socket, 'connect');
          socket.write(first.subarray(0, 1));
        }
        await sleep(300);
        const answers = sockets.map((socket) => once(socket, 'data'));
        for (const socket of sockets) socket.write(first.subarray(1));
        await Promise.all(answers);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  };
}

/** Publishers that send while the gate decides; it opens for all of them together. */
function heldBack(name: string, message: (streamId: number) => RtmpMessage): OutsideAttack {
  return {
    name,
    async run({ server }) {
      const peers: RtmpPeer[] = [];
      try {
        for (let i = 0; i < PUBLISHERS; i += 1) {
          const peer = await RtmpPeer.openFrom(`127.0.0.${2 + (i % ADDRESSES)}`, server.port);
          peers.push(peer);
          assert.equal((await peer.connect('gated')).name, '_result');
        }
        await Promise.all(peers.map((peer, i) => holdAndWait(peer, `held${i}`, message)));
      } finally {
        for (const peer of peers) peer.socket.destroy();
      }
    },
  };
}

async function holdAndWait(
  peer: RtmpPeer,
  name: string,
  message: (streamId: number) => RtmpMessage,
): Promise<void> {
  const id = await peer.createStream();
  peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: 8 * MB });
  peer.command('publish', 0, [name, 'live'], id);
  const bytes = new ChunkWriter();
  bytes.chunkBytes = 8 * MB;
  const one = bytes.encode(message(id), 6);
  const times = Math.max(1, Math.floor((64 << 10) / one.length));
  const piece = Buffer.concat(Array.from({ length: times }, () => one));
  for (let sent = 0; sent < 2 * MB; sent += piece.length) peer.socket.write(piece);
  await peer.expectStatus('NetStream.Publish.Start');
  await peer.settle();
}

function data(values: number, kind: 'null' | 'object'): (streamId: number) => RtmpMessage {
  const { typeId, payload } = encodeData(
    { name: 'x', values: Array.from({ length: values }, () => (kind === 'null' ? null : {})) },
    0,
  );
  return (streamId) => ({ typeId, streamId, timestampMs: 0, payload });
}

/** A call whose argument is cut off. */
const UNREADABLE = (() => {
  const { typeId, payload } = encodeCommand({ name: 'x', transactionId: 7, object: null, args: ['abc'] }, 0);
  const message = { typeId, streamId: 0, timestampMs: 0, payload: payload.subarray(0, payload.length - 1) };
  return new ChunkWriter().encode(message, 3);
})();

async function floodOf(stage: Stage, bytes: Uint8Array): Promise<void> {
  const peers = await Promise.all(Array.from({ length: 8 }, () => RtmpPeer.open(stage.server.port)));
  try {
    for (const peer of peers) assert.equal((await peer.connect('live')).name, '_result');
    await Promise.all(peers.map((peer) => flood(peer.socket, bytes)));
  } finally {
    for (const peer of peers) peer.socket.destroy();
  }
}

export const SIEGE: Siege = {
  title: 'what is to be done at once',
  server: {
    applications: {
      'gated/main.ts': `
        const all = new Promise((open) => {
          application.onPublish = async () => { setTimeout(open, ${GATE_MS}); await all; return true; };
        });
      `,
    },
  },
  attacks: [
    handshakes(6, 1_000),
    handshakes(9, 1_000),
    heldBack('data messages of many values that a gate held back', data(50_000, 'null')),
    heldBack('data messages of many objects that a gate held back', data(16_000, 'object')),
    heldBack('sounds of a byte that a gate held back', (streamId) => ({
      ...{ typeId: MessageType.Audio, streamId, timestampMs: 0, payload: Uint8Array.of(0xaf) },
    })),
    {
      name: 'calls that cannot be read, without end',
      run: (stage) => floodOf(stage, UNREADABLE),
    },
  ],
};
