// A captured client in conversation with a server of today: its bytes as they were, waiting only where it had to wait.
import { once } from 'node:events';
import { connect as openSocket } from 'node:net';
import {
  ClientHandshake,
  HANDSHAKE_RANDOM_BYTES,
  type HandshakePeer,
  ServerHandshake,
} from '../../src/protocol/handshake/handshake.ts';
import { HANDSHAKE_PACKET_BYTES } from '../../src/protocol/handshake/handshake-digest.ts';
import { ChunkReader } from '../../src/protocol/rtmp/chunk-reader.ts';
import { type Command, decodeCommand, isCommandType } from '../../src/protocol/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../src/protocol/rtmp/message.ts';
import { statusOf } from './rtmp-peer.ts';

const NO_RANDOM = new Uint8Array(HANDSHAKE_RANDOM_BYTES);
const PATIENCE_MS = 10_000;

/** What one side said: bytes in, messages out. */
export class Overheard {
  readonly messages: RtmpMessage[] = [];
  readonly #handshake: ServerHandshake | ClientHandshake;
  readonly #reader = new ChunkReader();
  #isShaking = true;

  constructor(speaker: 'client' | 'server') {
    const options = { random: NO_RANDOM, timeMs: 0 };
    this.#handshake = speaker === 'client' ? new ServerHandshake(options) : new ClientHandshake(options);
  }

  get peer(): HandshakePeer | undefined {
    return this.#handshake.peer;
  }

  /** Returns what these bytes completed. */
  push(bytes: Uint8Array): RtmpMessage[] {
    let rest: Uint8Array | undefined = bytes;
    if (this.#isShaking) {
      rest = this.#handshake.push(bytes).rest;
      if (rest === undefined) return [];
      this.#isShaking = false;
    }
    const heard = [...this.#reader.push(rest)];
    this.messages.push(...heard);
    return heard;
  }

  get commands(): Command[] {
    return commandsIn(this.messages);
  }
  get media(): RtmpMessage[] {
    return this.messages.filter(isMedia);
  }
}

export function listenTo(speaker: 'client' | 'server', pieces: readonly Uint8Array[]): Overheard {
  const overheard = new Overheard(speaker);
  for (const piece of pieces) overheard.push(piece);
  return overheard;
}

export function commandsIn(messages: readonly RtmpMessage[]): Command[] {
  return messages
    .filter(({ typeId }) => isCommandType(typeId))
    .map(({ typeId, payload }) => decodeCommand(typeId, payload));
}

export function isMedia({ typeId }: RtmpMessage): boolean {
  return typeId === MessageType.Audio || typeId === MessageType.Video;
}

// | version u8 | first packet | second packet |    both sides' handshake

export function firstPacket(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces).subarray(1, 1 + HANDSHAKE_PACKET_BYTES);
}

export function secondPacket(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces).subarray(1 + HANDSHAKE_PACKET_BYTES, 1 + 2 * HANDSHAKE_PACKET_BYTES);
}

const STARTS: Record<string, string> = { publish: 'NetStream.Publish.Start', play: 'NetStream.Play.Start' };

/**
 * Says all of it, hangs up, and resolves to what the server said. Waits where a client waits: for the handshake, and for
 * the start of what it publishes or plays.
 */
export async function replay(port: number, pieces: readonly Uint8Array[]): Promise<Overheard> {
  const socket = openSocket({ host: '127.0.0.1', port, noDelay: true });
  const server = new Overheard('server');
  const client = new Overheard('client');
  socket.on('data', (bytes) => void server.push(bytes));
  const closed = once(socket, 'close');
  const patience = setTimeout(() => socket.destroy(new Error(`${PATIENCE_MS} ms and no end`)), PATIENCE_MS);
  const started = async (code: string) => {
    while (!server.commands.some((command) => statusOf(command)?.code === code)) {
      await Promise.race([once(socket, 'data'), closed]);
      if (socket.destroyed) throw new Error(`closed before ${code}`);
    }
  };
  try {
    await once(socket, 'connect');
    for (const piece of pieces) {
      const said = client.push(piece);
      socket.write(piece);
      for (const { name } of commandsIn(said)) {
        const code = STARTS[name];
        if (code !== undefined) await started(code);
      }
    }
    socket.end();
    await closed;
    return server;
  } finally {
    clearTimeout(patience);
    socket.destroy();
  }
}
