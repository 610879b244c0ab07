// Publishers that make many recordings, and recordings of many files.
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { HEVC_CONFIGURATION, video } from '../../support/media.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

const PEERS = 20;

async function peers({ server }: Stage, use: (peers: RtmpPeer[]) => Promise<void>): Promise<void> {
  const all: RtmpPeer[] = [];
  for (let i = 0; i < PEERS; i += 1) {
    const peer = await RtmpPeer.open(server.port);
    all.push(peer);
    await peer.connect('live');
  }
  try {
    await use(all);
  } finally {
    for (const { socket } of all) socket.destroy();
  }
}

function recordPicture(peer: RtmpPeer, name: string, id: number): void {
  peer.command('publish', 0, [name, 'record'], id);
  peer.video(id, 0, video.header());
  peer.video(id, 0, video.keyframe());
}

/** An MP4 has one codec. */
function picturesOfOtherCodecs(count: number): Uint8Array {
  const writer = new ChunkWriter();
  const message = (timestampMs: number, payload: Uint8Array): RtmpMessage => ({
    ...{ typeId: MessageType.Video, streamId: 1, timestampMs, payload },
  });
  const parts = Array.from({ length: count }, (_, i) => {
    const [header, keyframe] =
      i % 2 === 0
        ? [video.header(), video.keyframe()]
        : [Buffer.of(0x1c, 0, 0, 0, 0, ...HEVC_CONFIGURATION), Buffer.of(0x1c, 1, 0, 0, 0, 1)];
    return [writer.encode(message(40 * i, header), 6), writer.encode(message(40 * i, keyframe), 6)];
  });
  return Buffer.concat(parts.flat());
}

function switching(name: string, stream: string, type: string): OutsideAttack {
  return {
    name,
    async run({ server }) {
      for (let round = 0; round < 4; round += 1) {
        await using peer = await RtmpPeer.open(server.port);
        await peer.publish('live', stream, type);
        peer.socket.write(picturesOfOtherCodecs(1_000));
        await peer.settle();
      }
    },
  };
}

export const SIEGE: Siege = {
  title: 'recordings without end',
  attacks: [
    {
      name: 'sixty recordings on each of 20 connections, which end at once',
      run: (stage) =>
        peers(stage, async (all) => {
          for (let id = 1; id <= 60; id += 1)
            for (const [i, peer] of all.entries()) recordPicture(peer, `many/${i}-${id}`, id);
          await Promise.all(all.map((peer) => peer.settle()));
        }),
    },
    {
      name: 'twelve hundred names, recorded one after the other by 20 connections',
      run: (stage) =>
        peers(stage, async (all) => {
          for (let n = 0; n < 60; n += 1)
            for (const [i, peer] of all.entries()) recordPicture(peer, `mp4:one/${i}-${n}`, 1);
          await Promise.all(all.map((peer) => peer.settle()));
        }),
    },
    switching('an MP4 whose codec changes a thousand times, again and again', 'mp4:switched', 'record'),
    switching('the same, appended, where there are hundreds of its files', 'mp4:appended', 'append'),
  ],
};
