// Peers whose bytes make much work: chunks of one byte, messages without end, commands without end.
import assert from 'node:assert/strict';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { flood } from '../flood.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

const PEERS = 8;

/** Several peers do the same at once, for a while. */
async function together(
  stage: Stage,
  attack: (peer: RtmpPeer, number: number) => Promise<void>,
  count = PEERS,
): Promise<void> {
  const peers = await Promise.all(Array.from({ length: count }, () => RtmpPeer.open(stage.server.port)));
  try {
    for (const peer of peers) assert.equal((await peer.connect('live')).name, '_result');
    await Promise.all(peers.map(attack));
  } finally {
    for (const peer of peers) peer.socket.destroy();
  }
}

/** One-byte chunks of a message of that many bytes. */
function oneByteChunks(message: RtmpMessage): Uint8Array {
  const writer = new ChunkWriter();
  writer.chunkBytes = 1;
  return writer.encode(message, 7);
}

function setChunkSize(chunkBytes: number): Uint8Array {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(chunkBytes);
  return new ChunkWriter().encode(
    { typeId: MessageType.SetChunkSize, streamId: 0, timestampMs: 0, payload },
    2,
  );
}

function command(name: string, ...args: Parameters<typeof encodeCommand>[0]['args']): RtmpMessage {
  const { typeId, payload } = encodeCommand({ name, transactionId: 0, object: null, args }, 0);
  return { typeId, streamId: 1, timestampMs: 0, payload };
}

/** The same commands, or other messages, again and again. */
function repeated(...messages: RtmpMessage[]): Uint8Array {
  const writer = new ChunkWriter();
  return Buffer.concat(messages.map((message) => writer.encode(message, 8)));
}

function ofFlood(name: string, bytes: () => Uint8Array, more: Partial<OutsideAttack> = {}): OutsideAttack {
  return {
    name,
    run: (stage) =>
      together(stage, async (peer) => {
        await peer.createStream();
        await flood(peer.socket, bytes());
      }),
    ...more,
  };
}

const EMPTY = new Uint8Array(0);
const userControl = (event: number): RtmpMessage => ({
  typeId: MessageType.UserControl,
  streamId: 0,
  timestampMs: 0,
  payload: Uint8Array.of(0, event, 0, 0, 0, 1, 0, 0, 0, 1),
});

/** 11 bytes of head, no payload, 4 of back pointer. */
function aggregateOf(typeId: number, parts: number): RtmpMessage {
  const part = Uint8Array.of(typeId, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11);
  const payload = Buffer.alloc(parts * part.length, part);
  return { typeId: MessageType.Aggregate, streamId: 1, timestampMs: 0, payload };
}

async function publishing(peer: RtmpPeer, name: string): Promise<number> {
  const id = await peer.createStream();
  peer.command('publish', 0, [name, 'live'], id);
  await peer.expectStatus('NetStream.Publish.Start');
  return id;
}

export const SIEGE: Siege = {
  title: 'peers that make much work',
  attacks: [
    ofFlood('chunks of one byte on eight connections', () =>
      Buffer.concat([
        setChunkSize(1),
        oneByteChunks({ typeId: 9, streamId: 9, timestampMs: 0, payload: Buffer.alloc(60_000) }),
      ]),
    ),
    ofFlood('messages without any payload, a byte each', () =>
      Buffer.concat([
        repeated({ typeId: MessageType.Audio, streamId: 1, timestampMs: 0, payload: EMPTY }),
        Buffer.alloc(32 << 10, 0xc8),
      ]),
    ),
    ofFlood('pings without end', () => repeated(userControl(6))),
    ofFlood('buffer lengths without end', () => repeated(userControl(3))),
    ofFlood('acknowledgements without end', () =>
      repeated({
        typeId: MessageType.Acknowledgement,
        streamId: 0,
        timestampMs: 0,
        payload: Uint8Array.of(0, 0, 0, 1),
      }),
    ),
    ofFlood('another chunk size with each chunk', () => setChunkSize(128)),
    ofFlood('publish and unpublish without end', () =>
      repeated(command('publish', 'mine', 'live'), command('publish', false)),
    ),
    ofFlood('play and closeStream without end', () =>
      repeated(command('play', 'show', -2000), command('closeStream')),
    ),
    ofFlood('createStream and deleteStream without end', () =>
      repeated(command('createStream'), command('deleteStream', 2)),
    ),
    ofFlood('pause, receiveAudio and receiveVideo without end', () =>
      repeated(
        command('pause', true, 0),
        command('pause', false, 0),
        command('receiveAudio', true),
        command('receiveVideo', false),
      ),
    ),
    ofFlood('calls of methods that there are not, without end', () =>
      repeated(command('releaseStream', 'a'), command('FCSubscribe', 'show'), command('nothing')),
    ),
    {
      name: 'aggregates of 200,000 parts',
      run: (stage) =>
        together(stage, async (peer, i) => {
          await publishing(peer, `aggregate${i}`);
          peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: 8 << 20 });
          peer.send(aggregateOf(MessageType.Video, 200_000));
          await peer.settle();
        }),
    },
    {
      name: 'tiny pictures and sounds for fifty players',
      async run(stage) {
        const players: RtmpPeer[] = [];
        try {
          await using peer = await RtmpPeer.open(stage.server.port);
          await peer.publish('live', 'tiny');
          for (let i = 0; i < 50; i += 1) {
            const player = await RtmpPeer.open(stage.server.port);
            players.push(player);
            await player.play('live', 'tiny');
            player.socket.removeAllListeners('data').resume();
          }
          const tiny = (typeId: number, ...payload: number[]): RtmpMessage => ({
            ...{ typeId, streamId: 1, timestampMs: 0, payload: Uint8Array.from(payload) },
          });
          const bytes = repeated(
            tiny(MessageType.Video, 0x27, 1, 0, 0, 0, 0),
            tiny(MessageType.Audio, 0xaf, 1, 0),
          );
          await flood(peer.socket, bytes, 2 << 20);
        } finally {
          for (const player of players) player.socket.destroy();
        }
      },
    },
    {
      name: 'metadata again and again for fifty players',
      async run(stage) {
        const players: RtmpPeer[] = [];
        try {
          await using peer = await RtmpPeer.open(stage.server.port);
          const id = await peer.publish('live', 'described');
          for (let i = 0; i < 50; i += 1) {
            const player = await RtmpPeer.open(stage.server.port);
            players.push(player);
            await player.play('live', 'described');
            player.socket.removeAllListeners('data').resume();
          }
          const before: Uint8Array[] = [];
          const write = peer.socket.write.bind(peer.socket);
          peer.socket.write = ((bytes: Uint8Array) => before.push(bytes) > 0) as typeof write;
          peer.data('@setDataFrame', ['onMetaData', { width: 1, height: 1, note: 'x'.repeat(100) }], id);
          peer.socket.write = write;
          await flood(peer.socket, Buffer.concat(before), 4 << 20);
        } finally {
          for (const player of players) player.socket.destroy();
        }
      },
    },
  ],
};
