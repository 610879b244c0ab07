// Players that seek, pause and ask without end in recorded streams.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import { flvFile } from '../../support/flv.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { emptyTags } from '../films.ts';
import { flood } from '../flood.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

/** A minute, with a keyframe each second. */
const MINUTE = flvFile({ ms: 60_000, durationS: 60 }).bytes;

/** Places a file that clients of `live` can play. */
function putFilm({ server }: Stage, name: string, bytes: Uint8Array): void {
  const path = join(server.root, 'applications', 'live', 'streams', '_definst_', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

type Commands = readonly (readonly [name: string, ...args: Parameters<typeof encodeCommand>[0]['args']])[];

function written(commands: Commands): Buffer {
  const writer = new ChunkWriter();
  return Buffer.concat(
    commands.map(([name, ...args]) => {
      const { typeId, payload } = encodeCommand({ name, transactionId: 0, object: null, args }, 0);
      return writer.encode({ typeId, streamId: 1, timestampMs: 0, payload }, 8);
    }),
  );
}

function ofPlayers(name: string, count: number, film: Uint8Array, commands: Commands): OutsideAttack {
  return {
    name,
    async run(stage) {
      putFilm(stage, 'film.flv', film);
      const peers: RtmpPeer[] = [];
      try {
        for (let i = 0; i < count; i += 1) {
          const peer = await RtmpPeer.open(stage.server.port);
          peers.push(peer);
          await peer.play('live', 'film');
          peer.socket.removeAllListeners('data').resume();
        }
        const bytes = written(commands);
        await Promise.all(peers.map((peer) => flood(peer.socket, bytes, (4 << 20) / count)));
      } finally {
        for (const peer of peers) peer.socket.destroy();
      }
    },
  };
}

const SEEKS: Commands = Array.from({ length: 500 }, (_, i) => ['seek', (i * 7919) % 60_000]);

export const SIEGE: Siege = {
  title: 'players that seek without end',
  attacks: [
    ofPlayers('100,000 seeks of one player', 1, MINUTE, SEEKS),
    ofPlayers('seeks of forty players at once', 40, MINUTE, SEEKS),
    ofPlayers('pauses and receiveAudio of forty players, each of them a seek', 40, MINUTE, [
      ['pause', true, 1_000],
      ['pause', false, 1_000],
      ['receiveAudio', true],
      ['receiveVideo', true],
    ]),
    ofPlayers('the lengths of recorded streams, asked for by forty clients without end', 40, MINUTE, [
      ['getStreamLength', 'film'],
    ]),
    ofPlayers(
      'a film of a million tags without content, played by forty who seek',
      40,
      emptyTags(1_000_000),
      SEEKS,
    ),
    ofPlayers('play2 and play of forty players without end', 40, MINUTE, [
      ['play', 'film', 0, -1, true],
      ['play', 'film', 5_000, -1, false],
      ['closeStream'],
    ]),
  ],
};
