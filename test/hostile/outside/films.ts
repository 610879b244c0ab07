// Files among the recordings that make much work of few bytes.
import assert from 'node:assert/strict';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';
import {
  claimedSamples,
  editsAt,
  emptyBoxes,
  emptySamples,
  emptyTags,
  FRAGMENTED,
  film,
  fragments,
  moov,
} from '../films.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const PLAYERS = 4;
const EMPTY_TABLE = claimedSamples(0);

/** Several players want it at once, and every one of them is answered. */
function ofFilm(name: string, file: string, bytes: () => Buffer): OutsideAttack {
  return {
    name,
    async run({ server }) {
      const path = join(server.root, 'applications', 'live', 'streams', '_definst_', file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes());
      const stream = file.endsWith('.flv') ? file.slice(0, -4) : `${file.slice(-3)}:${file.slice(0, -4)}`;
      const peers = await Promise.all(Array.from({ length: PLAYERS }, () => RtmpPeer.open(server.port)));
      try {
        for (const peer of peers) assert.equal((await peer.connect('live')).name, '_result');
        await Promise.all(
          peers.map(async (peer) => {
            const id = await peer.createStream();
            peer.command('play', 0, [stream, 0], id);
            await peer.expect('an answer', ({ command }) =>
              /^NetStream\.Play\.(Start|Failed|StreamNotFound|FileStructureInvalid|NoSupportedTrackFound)$/.test(
                String(statusOf(command)?.code),
              ),
            );
            peer.command('seek', 0, [3_600_000], id);
            await peer.call('getStreamLength', stream);
          }),
        );
      } finally {
        for (const peer of peers) peer.socket.destroy();
      }
    },
  };
}

export const SIEGE: Siege = {
  title: 'films that make much work of few bytes',
  attacks: [
    ofFilm('an MP4 of a million boxes', 'boxes.mp4', () =>
      film(moov(EMPTY_TABLE, { more: [emptyBoxes(1_000_000)] })),
    ),
    ofFilm('an MP4 of a million boxes around its film', 'around.mp4', () =>
      film(emptyBoxes(1_000_000), moov(EMPTY_TABLE)),
    ),
    ofFilm('an MP4 of 600,000 fragments', 'fragments.mp4', () =>
      film(moov(EMPTY_TABLE, { more: [FRAGMENTED] }), fragments(600_000)),
    ),
    ofFilm('an MP4 whose fragments claim a million samples each', 'claims.mp4', () =>
      film(moov(EMPTY_TABLE, { more: [FRAGMENTED] }), fragments(100, 1_000_000)),
    ),
    ofFilm('an MP4 that claims four million samples in each of 64 tracks', 'tracks.mp4', () =>
      film(moov(claimedSamples(4_000_000), { tracks: 64 })),
    ),
    ofFilm(
      'an MP4 of two million samples with an edit list of a thousand parts at its end',
      'edits.mp4',
      () => film(moov(emptySamples(2_000_000), { edits: editsAt(1_000, 1_900_000) })),
    ),
    ofFilm('an FLV of two million tags', 'tags.flv', () => emptyTags(2_000_000)),
    ofFilm('an FLV whose last tag leads nowhere', 'nowhere.flv', () =>
      Buffer.concat([emptyTags(500_000), Buffer.alloc(1 << 20, 0xff)]),
    ),
    ofFilm('an MP3 of a megabyte of junk', 'junk.mp3', () => Buffer.alloc(1 << 20, 0x55)),
    ofFilm('an MP3 of what almost is one', 'almost.mp3', () =>
      Buffer.alloc(16 << 20, Uint8Array.of(0xff, 0xfb, 0x10, 0x00)),
    ),
    {
      name: 'an FLV of six million tags that does not end with one is appended to',
      async run({ server }) {
        const path = join(server.root, 'applications', 'live', 'streams', '_definst_', 'hidden.flv');
        await mkdir(dirname(path), { recursive: true });
        const tags = emptyTags(100_000); // little by little: this process films the show
        const begin = tags.length - 100_000 * 16;
        await writeFile(path, tags);
        for (let i = 1; i < 60; i += 1) await appendFile(path, tags.subarray(begin));
        await appendFile(path, Buffer.alloc(300));
        const since = server.log.length;
        await using peer = await RtmpPeer.open(server.port);
        assert.equal((await peer.connect('live')).name, '_result');
        const id = await peer.createStream();
        peer.command('publish', 0, ['hidden', 'append'], id);
        await server.waitForLog(({ event }) => event === 'record-start', undefined, since);
      },
    },
  ],
};
