// What other people's programs said to this server (test/captures/README.md), understood again.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { WireDirection } from '../src/adaptor/link/wire-dump.ts';
import { DigestScheme, packetSignature } from '../src/protocol/handshake/handshake-digest.ts';
import { decodeData, isDataType } from '../src/protocol/rtmp/command.ts';
import { decodeControl, isControlType } from '../src/protocol/rtmp/control.ts';
import type { RtmpMessage } from '../src/protocol/rtmp/message.ts';
import { Core } from './support/core.ts';
import { toHex } from './support/hex.ts';
import { firstPacket, isMedia, listenTo, replay, secondPacket } from './support/replay.ts';
import { statusOf } from './support/rtmp-peer.ts';
import { bytesOf, readWireDump } from './support/wire-dump.ts';

const FOLDER = join(import.meta.dirname, 'captures');

interface Capture {
  file: string;
  /** Absent: the plain handshake. */
  scheme?: DigestScheme;
  /** All that the client called, in order. */
  commands: string[];
  /** The name that it published or played. */
  stream: string;
}

const FMLE = ['connect', 'releaseStream', 'FCPublish', 'createStream', '_checkbw', 'publish'];
const GONE = ['FCUnpublish', 'deleteStream'];
const LIBAVFORMAT_PLAY = ['connect', 'createStream', '_checkbw', 'getStreamLength', 'play'];
const LIBRTMP_PLAY = ['connect', 'createStream', 'FCSubscribe', '_checkbw', 'play', 'deleteStream'];

const PUBLISHED: Capture[] = [
  { file: 'obs-29.0.2-publish', commands: FMLE, stream: 'obs' },
  {
    file: 'ffmpeg-5.1.9-publish',
    scheme: DigestScheme.First,
    commands: [...FMLE, ...GONE],
    stream: 'ff5',
  },
  {
    file: 'ffmpeg-7.0.2-hevc-publish',
    scheme: DigestScheme.First,
    commands: [...FMLE, ...GONE],
    stream: 'hevc',
  },
  { file: 'gstreamer-1.22.0-rtmpsink-publish', commands: [...FMLE, 'FCUnpublish'], stream: 'gst1' },
  {
    file: 'gstreamer-1.22.0-rtmp2sink-publish',
    commands: [...FMLE.filter((name) => name !== '_checkbw'), ...GONE],
    stream: 'gst2',
  },
];

const PLAYED: Capture[] = [
  { file: 'obs-29.0.2-play', scheme: DigestScheme.First, commands: LIBAVFORMAT_PLAY, stream: 'base' },
  {
    file: 'ffmpeg-5.1.9-play',
    scheme: DigestScheme.First,
    commands: [...LIBAVFORMAT_PLAY, 'deleteStream'],
    stream: 'base',
  },
  { file: 'gstreamer-1.22.0-rtmpsrc-play', commands: LIBRTMP_PLAY, stream: 'base' },
  {
    file: 'gstreamer-1.22.0-rtmp2src-play',
    commands: ['connect', 'createStream', 'play'],
    stream: 'base',
  },
  { file: 'rtmpdump-2.4-live-play', commands: LIBRTMP_PLAY, stream: 'base' },
  {
    file: 'rtmpdump-2.4-swfvfy-play',
    scheme: DigestScheme.First,
    commands: LIBRTMP_PLAY,
    stream: 'base',
  },
];

function load({ file }: Capture): { client: Uint8Array[]; server: Uint8Array[] } {
  const records = readWireDump(join(FOLDER, `${file}.dump.gz`));
  return {
    client: bytesOf(records, WireDirection.FromClient),
    server: bytesOf(records, WireDirection.FromServer),
  };
}

/** One message in one line. */
const line = ({ typeId, timestampMs, payload }: RtmpMessage) => `${typeId} ${timestampMs} ${toHex(payload)}`;

test('every capture is replayed', () => {
  const kept = readdirSync(FOLDER).filter((name) => name.endsWith('.dump.gz'));
  const replayed = [...PUBLISHED, ...PLAYED].map(({ file }) => `${file}.dump.gz`);
  assert.deepEqual(replayed.sort(), kept.sort());
});

describe('S-02: the protocol understands', () => {
  for (const capture of [...PUBLISHED, ...PLAYED]) {
    test(capture.file, () => {
      const { client, server } = load(capture);
      const heard = listenTo('client', client);
      assert.equal(heard.peer?.scheme, capture.scheme);
      const commands = heard.commands.map(({ name }) => name);
      assert.deepEqual(commands, capture.commands);
      const start = heard.commands.find(({ name }) => name === 'publish' || name === 'play');
      assert.equal(String(start?.args[0]).replace(/\?.*/, ''), capture.stream);
      for (const { typeId, payload } of heard.messages) {
        if (isDataType(typeId)) assert.notEqual(decodeData(typeId, payload).name, '');
        if (isControlType(typeId)) assert.ok(decodeControl(typeId, payload));
      }
      assert.equal(heard.media.length > 30, PUBLISHED.includes(capture));

      const bytewise = listenTo(
        'client',
        [...Buffer.concat(client)].map((byte) => Uint8Array.of(byte)),
      );
      assert.deepEqual(bytewise.messages.map(line), heard.messages.map(line));

      if (capture.scheme === undefined) return;
      const c2 = secondPacket(client);
      if (PUBLISHED.includes(capture)) {
        // libavformat proves nothing where it publishes
        assert.equal(toHex(c2), toHex(firstPacket(server)));
        return;
      }
      const digest = listenTo('server', server).peer?.digest;
      assert.ok(digest, 'the server of that day sent a digest');
      assert.equal(toHex(packetSignature(c2, digest, 'client')), toHex(c2.subarray(-32)));
    });
  }
});

describe('S-02: today’s server puts on air', () => {
  for (const capture of PUBLISHED) {
    test(capture.file, async () => {
      await using core = await Core.start();
      const { peer: player } = await core.player(capture.stream);
      const { client } = load(capture);
      const answers = await replay(core.port, client);
      assert.ok(answers.commands.some((command) => statusOf(command)?.code === 'NetStream.Publish.Start'));

      const sent = listenTo('client', client).media.map(line);
      const received: string[] = [];
      while (received.length < sent.length) {
        const { typeId, timestampMs, media } = await player.expectMedia();
        received.push(line({ typeId, timestampMs, streamId: 1, payload: media! }));
      }
      assert.deepEqual(received, sent);
      assert.deepEqual(core.trouble, []);
    });
  }
});

describe('S-02: today’s server plays to', () => {
  for (const capture of PLAYED) {
    test(capture.file, async () => {
      await using core = await Core.start();
      const { peer, id } = await core.publisher(capture.stream);
      const keyframe = Uint8Array.of(0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65);
      peer.video(id, 40, keyframe);
      await peer.settle();
      const answers = await replay(core.port, load(capture).client);
      assert.ok(answers.commands.some((command) => statusOf(command)?.code === 'NetStream.Play.Start'));
      assert.deepEqual(answers.messages.filter(isMedia).map(line), [`9 40 ${toHex(keyframe)}`]);
      assert.deepEqual(core.trouble, []);
    });
  }
});
