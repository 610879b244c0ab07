// Streams of several video tracks (Enhanced RTMP v2): what a joiner, and one who comes back, get of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stream, type StreamOptions } from '../../../src/application/live/stream.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { AVC_CONFIGURATION, audio, OPUS_CONFIGURATION, track, tracks, video } from '../../support/media.ts';

function onAir(options: Partial<StreamOptions> = {}) {
  const clock = new ManualClock();
  const stream = new Stream('cam', { clock, ...STREAM_OPTIONS, ...options });
  const send = (timestampMs: number, ...payloads: Uint8Array[]) => {
    for (const payload of payloads) stream.publish(wireMessage(MessageType.Video, timestampMs, payload));
  };
  const say = (timestampMs: number, payload: Uint8Array) =>
    stream.publish(wireMessage(MessageType.Audio, timestampMs, payload));
  const join = () => {
    const player = new FakePlayer();
    stream.addPlayer(player);
    return player;
  };
  return { clock, stream, send, say, join };
}

/** Last byte of each message. */
function marks(player: FakePlayer, from = 0): number[] {
  return player.messages(from).map(({ payload }) => payload.at(-1)!);
}

test('a joiner of OBS’s tracks gets the whole group of all of them, whichever comes first in it', () => {
  for (const [key, ids] of [
    ['plain first', [0, 1, 2]],
    ['plain last', [2, 1, 0]],
    ['plain in the middle', [1, 0, 2]],
  ] as [string, number[]][]) {
    const { send, join } = onAir();
    const picture = (id: number, isKey: boolean, mark: number) => {
      if (id === 0) return isKey ? video.keyframe(mark) : video.frame(mark);
      return isKey ? track.keyframe(id, mark) : track.frame(id, mark);
    };
    for (const second of [0, 1]) {
      for (const [i, ms] of [0, 40, 80].entries())
        send(second * 1000 + ms, ...ids.map((id) => picture(id, i === 0, second * 100 + i * 10 + id)));
    }
    const group = [0, 10, 20].flatMap((step) => ids.map((id) => 100 + step + id));
    assert.deepEqual(marks(join()), group, key);
  }
});

test('a keyframe of another track ends no group, whatever the timestamps of the tracks are', () => {
  const { send, join } = onAir();
  send(0, video.keyframe(1), track.keyframe(1, 2));
  send(40, video.frame(3));
  send(47, track.keyframe(1, 4));
  send(80, video.frame(5), track.frame(1, 6));
  assert.deepEqual(marks(join()), [1, 2, 3, 4, 5, 6]);
});

test('without a track 0 the lowest one leads, and one that is lower still takes its place', () => {
  const { send, join } = onAir();
  send(0, track.keyframe(7, 1), track.keyframe(5, 2), track.keyframe(6, 3));
  assert.deepEqual(marks(join()), [1, 2, 3], 'they show one by one');
  send(40, track.keyframe(6, 4), track.frame(5, 5));
  assert.deepEqual(marks(join()), [1, 2, 3, 4, 5]);
  send(1_000, track.keyframe(6, 6), track.keyframe(5, 7), track.keyframe(7, 8));
  assert.deepEqual(marks(join()), [6, 7, 8]);
  send(1_500, track.keyframe(0, 9));
  assert.deepEqual(marks(join()), [9]);
});

test('when the lead track has ended, or sends nothing for ten seconds, another one leads', () => {
  const { send, join } = onAir();
  send(0, video.keyframe(1), track.keyframe(1, 2));
  send(40, Uint8Array.of(0x17, 2, 0, 0, 0), track.frame(1, 3));
  send(1_000, track.keyframe(1, 4));
  assert.deepEqual(marks(join()), [4]);
  send(1_040, track.keyframe(0, 5));
  send(11_041, track.keyframe(1, 6));
  assert.deepEqual(marks(join()), [6]);
});

for (const ownCodecs of [false, true]) {
  for (const trackBytes of [1, 70_000]) {
    test(`many tracks of ${trackBytes} bytes in one message: their keyframe begins a group where one of them is the lead track (${ownCodecs ? 'many codecs' : 'one codec'})`, () => {
      const { send, join } = onAir();
      const many = (kind: 'keyframe' | 'frame', ids: number[], mark: number) =>
        tracks(kind, ids, mark, { ownCodecs, trackBytes });
      send(0, many('keyframe', [2, 0, 1], 1));
      send(40, many('frame', [2, 0, 1], 2));
      send(80, many('keyframe', [2, 1], 3));
      assert.deepEqual(marks(join()), [1, 2, 3]);
      send(120, many('keyframe', [2, 1, 0], 4));
      assert.deepEqual(marks(join()), [4]);
    });
  }
}

test('headers, colour and channel layouts of each track are kept, of many in one message as well', () => {
  const { send, say, join } = onAir();
  const channels = (id: number, mark: number) => Buffer.of(0x95, 0x04, ...Buffer.from('Opus'), id, mark);
  const opus = (id: number, mark: number) =>
    Buffer.of(0x95, 0x00, ...Buffer.from('Opus'), id, ...OPUS_CONFIGURATION, mark);
  send(0, tracks('header', [0, 1], 1), track.header(0, 2));
  send(0, track.colour(0, 3), track.colour(1, 4), track.colour(0, 5));
  for (const id of [0, 1]) {
    say(0, opus(id, 6 + id));
    say(0, channels(id, 8 + id));
  }
  send(0, track.keyframe(0, 10));
  assert.deepEqual(marks(join()), [1, 2, 4, 5, 6, 8, 7, 9, 10]);
  send(10, tracks('header', [0, 1], 1)); // the latest that says something of a track comes last
  assert.deepEqual(marks(join()), [2, 4, 5, 6, 8, 7, 9, 1, 10]);
});

test('another header of the lead track ends the group, one of a further track does not', () => {
  const { send, join } = onAir();
  send(0, video.header(1), track.header(1, 2), track.keyframe(1, 3), video.keyframe(4));
  send(40, track.header(1, 5));
  assert.deepEqual(marks(join()), [1, 5, 3, 4]);
  send(80, Buffer.of(0x96, 0x00, ...Buffer.from('avc1'), 0, ...AVC_CONFIGURATION, 6)); // track 0 is the one that names none
  assert.deepEqual(marks(join()).includes(4), false);
});

test('a slow player comes back at the lead track’s keyframe, with what has left of the same picture', () => {
  const { send, join } = onAir({
    backlog: { softSizeBytes: 100, softTimeMs: 1, hardSizeBytes: 10_000, stallTimeMs: 5_000 },
  });
  const player = join();
  send(0, track.keyframe(1, 1), video.keyframe(2));
  player.queuedBytes = 1_000;
  send(40, track.frame(1, 3), video.frame(4));
  player.queuedBytes = 0;
  send(80, track.keyframe(1, 5)); // of a further track alone
  send(80, video.frame(6));
  assert.deepEqual(marks(player), [1, 2], 'not at a further track’s');
  const from = player.writes.length;
  send(120, track.keyframe(2, 7), track.keyframe(1, 8), video.keyframe(9));
  send(160, track.frame(1, 10), video.frame(11));
  assert.deepEqual(marks(player, from), [7, 8, 9, 10, 11]);
});

test('sound between the tracks of one picture belongs to the group', () => {
  const { send, say, join } = onAir();
  send(0, track.keyframe(1, 1), video.keyframe(2));
  send(1_000, track.keyframe(1, 3));
  say(995, audio.frame(4));
  send(1_000, video.keyframe(5));
  assert.deepEqual(marks(join()), [3, 4, 5]);
});

test('timestamps that are all the same make no endless group', () => {
  const { send, join } = onAir();
  for (let i = 0; i < 50; i += 1) send(0, i % 10 === 0 ? video.keyframe(i) : video.frame(i));
  assert.deepEqual(marks(join()), [40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
});
