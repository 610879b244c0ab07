// Many connections of one address that flood, beside a show whose publisher and players have that address as well.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import type { Flood } from '../flooder.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const FLOOD_MS = 4_000;

function ofMany(
  name: string,
  count: number,
  flood: Partial<Record<'bytes' | 'before', Uint8Array>>,
): OutsideAttack {
  return {
    name: `${count} connections: ${name}`,
    maxMb: 512,
    async run({ server }) {
      const text = (bytes: Uint8Array = new Uint8Array(0)) => Buffer.from(bytes).toString('base64');
      const order: Flood = {
        ...{ port: server.port, count, floodMs: FLOOD_MS, application: 'live' },
        ...{ bytes: text(flood.bytes), before: text(flood.before) },
      };
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, '..', 'flooder.ts'), JSON.stringify(order)],
        {
          stdio: ['ignore', 'ignore', 'inherit'],
        },
      );
      await once(child, 'exit');
    },
  };
}

function chunks(...messages: RtmpMessage[]): Buffer {
  const writer = new ChunkWriter();
  return Buffer.concat(messages.map((message) => writer.encode(message, 8)));
}

function command(
  name: string,
  streamId: number,
  ...args: Parameters<typeof encodeCommand>[0]['args']
): RtmpMessage {
  const { typeId, payload } = encodeCommand({ name, transactionId: 1, object: null, args }, 0);
  return { typeId, streamId, timestampMs: 0, payload };
}

const CREATE_STREAM = chunks(command('createStream', 0));
const PING: RtmpMessage = {
  ...{ typeId: MessageType.UserControl, streamId: 0, timestampMs: 0 },
  payload: Uint8Array.of(0, 6, 0, 0, 0, 1),
};
const oneByte = () => {
  const writer = new ChunkWriter();
  writer.chunkBytes = 1;
  return writer.encode({ typeId: 9, streamId: 9, timestampMs: 0, payload: Buffer.alloc(30_000) }, 7);
};
const setChunkSize = chunks({
  ...{ typeId: MessageType.SetChunkSize, streamId: 0, timestampMs: 0, payload: Uint8Array.of(0, 0, 0, 1) },
});

const FLOODS: readonly [string, Partial<Record<'bytes' | 'before', Uint8Array>>][] = [
  ['chunks of one byte', { before: Buffer.concat([CREATE_STREAM, setChunkSize]), bytes: oneByte() }],
  ['pings', { before: CREATE_STREAM, bytes: chunks(PING) }],
  [
    'sounds of a byte for a stream that they do not publish',
    {
      before: CREATE_STREAM,
      bytes: chunks({ typeId: MessageType.Audio, streamId: 1, timestampMs: 0, payload: Uint8Array.of(0xaf) }),
    },
  ],
  ['calls of a method that there is not', { before: CREATE_STREAM, bytes: chunks(command('nothing', 0)) }],
];

export const SIEGE: Siege = {
  title: 'many connections that flood',
  attacks: [200, 1_000].flatMap((count) => FLOODS.map(([name, flood]) => ofMany(name, count, flood))),
};
