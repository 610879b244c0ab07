// Media that cost much: decoder configurations that take long to read, and players for whom the server makes bytes of their own.

import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { DigestScheme } from '../../../src/protocol/handshake/handshake-digest.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { AVC_CONFIGURATION, HEVC_CONFIGURATION, video } from '../../support/media.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { flood } from '../flood.ts';
import { SECURE_PORT } from '../secure-port.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

const LARGE = 7_900_000;

// ── configurations ───────────────────────────────────────────────────────────────────────────────────────────────

const u24 = (n: number) => [n >>> 16, (n >>> 8) & 0xff, n & 0xff];

/** H.264 §7.3.2.1.1: pic_order_cnt_type 1 with a cycle of that many offsets, a bit each. */
function spsOfOffsets(count: number): Buffer {
  const binary = (count + 1).toString(2);
  const offsets = `${'0'.repeat(binary.length - 1)}${binary}${'1'.repeat(count)}`;
  const bits = `1101001${'1'}${offsets}10000101000010101101`;
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  const bytes = Buffer.from(padded.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
  return Buffer.concat([Buffer.of(0x67, 66, 0, 10), bytes]);
}

function avcOf(sps: Buffer): Buffer {
  return Buffer.concat([
    Buffer.of(1, 66, 0, 10, 0xff, 0xe1, sps.length >>> 8, sps.length & 0xff),
    sps,
    Buffer.of(1, 0, 4, 0x68, 0xce, 0x38, 0x80),
  ]);
}

/** Enhanced RTMP, one codec for so many tracks. */
function headerOfTracks(fourCc: string, configuration: Uint8Array, count: number): Buffer {
  const tracks = Array.from({ length: count }, (_, id) =>
    Buffer.concat([Buffer.of(id, ...u24(configuration.length)), configuration]),
  );
  return Buffer.concat([Buffer.of(0x96, 0x10), Buffer.from(fourCc), ...tracks]);
}

/** NAL units of no bytes, and no SPS among them before the end. */
function hevcOfEmptyUnits(arrays: number): Buffer {
  const array = Buffer.concat([Buffer.of(0x20, 0xff, 0xff), Buffer.alloc(2 * 0xffff)]);
  const head = HEVC_CONFIGURATION.subarray(0, 22);
  const sps = HEVC_CONFIGURATION.subarray(23);
  return Buffer.concat([head, Buffer.of(arrays + 1), ...Array.from({ length: arrays }, () => array), sps]);
}

function configuring(name: string, headers: () => Buffer[]): OutsideAttack {
  return {
    name,
    async run({ server }: Stage) {
      await using peer = await RtmpPeer.open(server.port);
      const id = await peer.publish('live', 'configured');
      peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: LARGE });
      for (const header of headers()) peer.video(id, 0, header);
      await peer.settle();
    },
  };
}

// ── players with bytes of their own ──────────────────────────────────────────────────────────────────────────────

const tiny = (typeId: number, ...payload: number[]): RtmpMessage => ({
  ...{ typeId, streamId: 1, timestampMs: 0, payload: Uint8Array.from(payload) },
});
const PICTURE = tiny(MessageType.Video, 0x27, 1, 0, 0, 0, 0);
const SOUND = tiny(MessageType.Audio, 0xaf, 1, 0);

interface Audience {
  players: number;
  /** Each of them plays it on so many message streams, of which all but the first have bytes of their own. */
  streams?: number;
  /** Says what else it wants of a stream. */
  wants?(peer: RtmpPeer, streamId: number): void;
  reads?: boolean;
  /** How each comes in; by itself without encryption. */
  open?(stage: Stage): Promise<RtmpPeer>;
}

const inClear = ({ server }: Stage) => RtmpPeer.open(server.port);
const byRtmpe = ({ server }: Stage) => RtmpPeer.open(server.port, { rtmpe: 6, scheme: DigestScheme.First });
async function byTls({ server }: Stage): Promise<RtmpPeer> {
  const { port } = server.listener('rtmp', true);
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return await RtmpPeer.over(socket);
}

async function audience(
  stage: Stage,
  name: string,
  { players, streams = 1, wants, reads = true, open = inClear }: Audience,
): Promise<RtmpPeer[]> {
  const peers: RtmpPeer[] = [];
  for (let i = 0; i < players; i += 1) {
    const peer = await open(stage);
    peers.push(peer);
    await peer.connect('live');
    if (!reads) peer.socket.removeAllListeners('data').pause();
    for (let id = 1; id <= streams; id += 1) {
      peer.command('play', 0, [name, -2000], id);
      wants?.(peer, id);
    }
    if (!reads) continue;
    await peer.settle();
    peer.socket.removeAllListeners('data').resume();
  }
  return peers;
}

function leave(peers: readonly RtmpPeer[]): void {
  for (const { socket } of peers) socket.destroy();
}

function flooded(name: string, who: Audience, ...messages: RtmpMessage[]): OutsideAttack {
  return {
    name,
    async run(stage) {
      await using publisher = await RtmpPeer.open(stage.server.port);
      await publisher.publish('live', 'tiny');
      const peers = await audience(stage, 'tiny', who);
      const writer = new ChunkWriter();
      const bytes = Buffer.concat(messages.map((message) => writer.encode(message, 8)));
      await flood(publisher.socket, bytes, 1 << 20);
      leave(peers);
    },
  };
}

const withoutPictures = (peer: RtmpPeer, id: number) => peer.command('receiveVideo', 0, [false], id);

/** A publisher of pictures of megabytes; `attend` is told of each. */
async function filming(
  { server }: Stage,
  pictures: number,
  attend: (name: string, number: number) => Promise<void>,
): Promise<void> {
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('live', 'large');
  publisher.control({ typeId: MessageType.SetChunkSize, chunkBytes: LARGE });
  publisher.video(id, 0, video.header());
  for (let i = 0; i < pictures; i += 1) {
    publisher.video(id, 40 * i, Buffer.concat([video.keyframe(), Buffer.alloc(LARGE)]));
    await publisher.settle();
    await attend('large', i);
  }
}

export const SIEGE: Siege = {
  title: 'media that cost much',
  server: SECURE_PORT,
  attacks: [
    configuring('AVC configurations of a hundred tracks, half a million numbers of one bit in each', () => [
      headerOfTracks('avc1', avcOf(spsOfOffsets(480_000)), 100),
    ]),
    configuring('HEVC configurations of four million units of nothing', () => [
      Buffer.concat([Buffer.of(0x1c, 0, 0, 0, 0), hevcOfEmptyUnits(60)]),
      headerOfTracks('hvc1', hevcOfEmptyUnits(20), 3),
    ]),
    configuring('AV1 configurations of four million units of nothing', () => [
      Buffer.concat([
        Buffer.of(0x90),
        Buffer.from('av01'),
        Buffer.of(0x81, 0, 0, 0),
        Buffer.alloc(LARGE, '1200', 'hex'),
      ]),
      headerOfTracks(
        'av01',
        Buffer.concat([Buffer.of(0x81, 0, 0, 0), Buffer.alloc(31_000, '1200', 'hex')]),
        255,
      ),
    ]),
    configuring('configurations of 8 MB, another one each time', () =>
      Array.from({ length: 10 }, (_, i) =>
        Buffer.concat([Buffer.of(0x17, 0, 0, 0, 0), AVC_CONFIGURATION, Buffer.alloc(LARGE, i)]),
      ),
    ),
    flooded('tiny sounds for 100 players without pictures', { players: 100, wants: withoutPictures }, SOUND),
    flooded(
      'empty sounds for 100 players without pictures',
      { players: 100, wants: withoutPictures },
      tiny(MessageType.Audio),
    ),
    flooded(
      'tiny pictures and sounds for 20 players, on 60 streams each',
      { players: 20, streams: 60 },
      PICTURE,
      SOUND,
    ),
    ...(
      [
        ['150 players', { players: 150, streams: 2 }],
        ['100 players of RTMPE', { players: 100, open: byRtmpe }],
        ['100 players of TLS', { players: 100, open: byTls }],
      ] as const
    ).map(
      ([whom, who]): OutsideAttack => ({
        name: `pictures of 8 MB for ${whom} that read nothing`,
        async run(stage) {
          let peers: RtmpPeer[] = [];
          await filming(stage, 6, async (name, i) => {
            if (i === 0) peers = await audience(stage, name, { ...who, reads: false });
          });
          leave(peers);
        },
      }),
    ),
    {
      name: 'one group of pictures of 8 MB, played again and again by 20 players that read nothing',
      async run(stage) {
        await filming(stage, 1, async (name) => {
          const peers = await audience(stage, name, { players: 20, streams: 50, reads: false });
          for (let i = 0; i < 100; i += 1)
            for (const peer of peers) peer.command('play', 0, [name, -2000], 1 + (i % 50));
          await using witness = await RtmpPeer.open(stage.server.port);
          await witness.play('live', name);
          leave(peers);
        });
      },
    },
  ],
};
