import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadGovernor } from '../../../src/application/live/flush.ts';
import { type Sink, Stream, type StreamOptions } from '../../../src/application/live/stream.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import type { WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, track, video } from '../../support/media.ts';
import { Random } from '../../support/random.ts';

function setUp(options: Partial<StreamOptions> = {}) {
  const clock = new ManualClock();
  const stream = new Stream('cam', { clock, ...STREAM_OPTIONS, ...options });
  const join = (streamId?: number) => {
    const player = new FakePlayer(streamId);
    return { player, viewer: stream.addPlayer(player) };
  };
  const sendVideo = (timestampMs: number, payload: Uint8Array) => {
    const message = wireMessage(MessageType.Video, timestampMs, payload);
    stream.publish(message);
    return message;
  };
  const sendAudio = (timestampMs: number, payload: Uint8Array) => {
    const message = wireMessage(MessageType.Audio, timestampMs, payload);
    stream.publish(message);
    return message;
  };
  const setData = (name: string, payload = Uint8Array.of(2, 0, 1, 0x61)) =>
    stream.setDataFrame(name, wireMessage(MessageType.DataAmf0, 0, payload));
  return { clock, stream, join, sendVideo, sendAudio, setData };
}

/** `v0`, `a7`…: kind and last byte. */
function marks(messages: readonly (RtmpMessage | WireMessage)[]): string[] {
  return messages.map(({ typeId, payload }) => {
    const kind = typeId === MessageType.Video ? 'v' : typeId === MessageType.Audio ? 'a' : 'd';
    return `${kind}${payload.at(-1)}`;
  });
}

// ── flushes ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('a video message leaves at once, in the very bytes in which it came, the same for everybody', () => {
  const { stream, join, sendVideo } = setUp();
  const players = [join().player, join().player, join().player];
  const message = sendVideo(0, video.keyframe());
  for (const { writes } of players) {
    assert.equal(writes.length, 1);
    assert.equal(writes[0], message.wire);
  }
  assert.deepEqual({ flushes: stream.stats.flushes, writes: stream.stats.writes }, { flushes: 1, writes: 3 });
});

test('audio rides along with the next video message, in one write', () => {
  const { clock, stream, join, sendVideo, sendAudio } = setUp();
  const players = [join().player, join().player];
  sendVideo(0, video.keyframe(0));
  sendAudio(5, audio.frame(1));
  sendAudio(28, audio.frame(2));
  clock.advance(39);
  assert.equal(players[0]!.writes.length, 1);
  sendVideo(40, video.frame(3));
  assert.equal(players[0]!.writes.length, 2);
  assert.equal(players[0]!.writes[1], players[1]!.writes[1], 'one buffer for all');
  assert.deepEqual(marks(players[0]!.messages()), ['v0', 'a1', 'a2', 'v3']);
  clock.advance(1_000);
  assert.deepEqual(stream.stats, { ...stream.stats, flushes: 2, writes: 4, skipped: 0, messagesIn: 4 });
  assert.equal(clock.pending, 0);
});

test('audio without video leaves 40 ms after the first of it', () => {
  const { clock, join, sendAudio } = setUp();
  const { player } = join();
  sendAudio(0, audio.frame(1));
  clock.advance(30);
  sendAudio(30, audio.frame(2));
  clock.advance(9);
  assert.equal(player.writes.length, 0);
  clock.advance(1);
  assert.deepEqual(marks(player.messages()), ['a1', 'a2']);
  assert.equal(player.writes.length, 1);
});

test('a keyframe begins a write: what waited goes before it', () => {
  const { join, sendVideo, sendAudio } = setUp();
  const { player } = join();
  sendVideo(0, video.keyframe(0));
  sendAudio(10, audio.frame(1));
  const keyframe = sendVideo(20, video.keyframe(2));
  assert.deepEqual(marks(player.messages()), ['v0', 'a1', 'v2']);
  assert.equal(player.writes.length, 3);
  assert.equal(player.writes[2], keyframe.wire);
});

test('headers and data frames wait for company, and not longer than 40 ms', () => {
  const { clock, join, sendVideo, setData } = setUp();
  const { player } = join();
  setData('onMetaData');
  sendVideo(0, video.header());
  assert.equal(player.writes.length, 0);
  clock.advance(40);
  assert.deepEqual(marks(player.messages()), ['d97', 'v0']);
});

test('more than a few megabytes do not wait for company', () => {
  const { stream, join, sendAudio } = setUp();
  const { player } = join();
  for (let i = 0; i < 100_000; i += 1) sendAudio(0, new Uint8Array(0)); // 200 bytes of memory each
  assert.ok(stream.stats.flushes >= 4, `${stream.stats.flushes}`);
  stream.flush();
  assert.equal(player.messages().length, 100_000);
});

test('without players and sinks nothing is put together', () => {
  const { stream, sendVideo } = setUp();
  sendVideo(0, video.keyframe());
  assert.deepEqual([stream.stats.writes, stream.stats.flushes], [0, 0]);
});

test('a player on a message stream of its own gets the same messages under its id', () => {
  const { join, sendVideo, sendAudio, setData } = setUp();
  setData('onMetaData');
  sendVideo(0, video.header());
  sendAudio(0, audio.header());
  sendVideo(0, video.keyframe(1));
  const [shared, own] = [join().player, join(3).player];
  sendAudio(0x1_00_00_00, audio.frame(2)); // with an extended timestamp
  const long = Buffer.alloc(150_000, 0x27);
  long[1] = 1;
  sendVideo(0x1_00_00_05, long);
  const strip = ({ typeId, timestampMs, payload }: RtmpMessage) => [
    typeId,
    timestampMs,
    Buffer.from(payload).toString('hex'),
  ];
  assert.deepEqual(own.messages().map(strip), shared.messages().map(strip));
  assert.deepEqual(new Set(own.messages().map(({ streamId }) => streamId)), new Set([3]));
  assert.deepEqual(new Set(shared.messages().map(({ streamId }) => streamId)), new Set([1]));
});

test('the bitrate is that of the last second', () => {
  const { clock, stream, sendVideo } = setUp();
  for (let i = 0; i < 40; i += 1) {
    sendVideo(i * 50, new Uint8Array(988).fill(0x27)); // 1000 bytes on the wire
    clock.advance(50);
  }
  sendVideo(2_000, video.frame());
  assert.ok(Math.abs(stream.info.bytesPerSecond - 20_000) < 1_100, `${stream.info.bytesPerSecond}`);
  stream.unpublish();
  assert.equal(stream.info.bytesPerSecond, 0);
});

// ── joiners ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('a joiner gets data frames, headers, the last group of pictures, and then the live edge, each once', () => {
  const { join, sendVideo, sendAudio, setData } = setUp();
  setData('onMetaData');
  sendVideo(0, video.header(100));
  sendAudio(0, audio.header(101));
  sendVideo(0, video.keyframe(1));
  sendVideo(40, video.frame(2));
  sendVideo(80, video.keyframe(3));
  sendAudio(90, audio.frame(4));
  sendVideo(120, video.frame(5));
  sendAudio(130, audio.frame(6)); // still waiting
  const { player } = join();
  assert.equal(player.writes.length, 1);
  sendVideo(160, video.frame(7));
  assert.deepEqual(marks(player.messages()), ['d97', 'v100', 'a101', 'v3', 'a4', 'v5', 'a6', 'v7']);
});

test('joiners share one buffer until the stream goes on', () => {
  const { join, sendVideo } = setUp();
  sendVideo(0, video.header());
  sendVideo(0, video.keyframe());
  const [a, b] = [join().player, join().player];
  assert.equal(a.writes[0], b.writes[0]);
  sendVideo(40, video.frame());
  assert.notEqual(join().player.writes[0], a.writes[0]);
});

for (const [what, gop] of [
  ['the group', STREAM_OPTIONS.accumulatedIFrames],
  ['the live edge, without a cache of pictures,', { maxSizeBytes: 0, maxTimeMs: 0 }],
] as const) {
  test(`metadata comes to a joiner with the time 0, then headers with the time at which ${what} begins`, () => {
    const { clock, join, sendVideo, sendAudio, setData } = setUp({ accumulatedIFrames: gop });
    setData('onMetaData');
    sendVideo(0, video.header());
    sendAudio(0, audio.header());
    sendVideo(3_600_000, video.keyframe());
    const { player } = join();
    sendVideo(3_600_040, video.frame());
    sendVideo(3_600_080, video.keyframe());
    clock.advance(40);
    const [metaData, ...media] = player.messages();
    assert.deepEqual([metaData?.typeId, metaData?.timestampMs], [MessageType.DataAmf0, 0]);
    const times = media.map(({ timestampMs }) => timestampMs);
    assert.ok(Math.min(...times) >= 3_600_000, times.join());
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.equal(times.length, gop.maxSizeBytes > 0 ? 5 : 3, 'and they come once');
  });
}

test('the joiner of a stream without video gets its headers at the live edge', () => {
  const { clock, join, sendAudio } = setUp();
  sendAudio(0, audio.header());
  sendAudio(3_600_000, audio.frame(1));
  const { player } = join();
  sendAudio(3_600_020, audio.frame(2));
  clock.advance(40);
  assert.deepEqual(
    player.messages().map(({ timestampMs, payload }) => [timestampMs, payload.at(-1)]),
    [
      [3_600_000, 0],
      [3_600_020, 2],
    ],
  );
});

test('a joiner in the middle of a group that is not cached has sound at once, and pictures from the next on', () => {
  const { join, sendVideo, sendAudio } = setUp({
    accumulatedIFrames: { maxSizeBytes: 600, maxTimeMs: 1_000 },
  });
  sendVideo(0, video.header(9));
  sendVideo(0, video.keyframe(0));
  sendVideo(2_000, video.frame(1)); // too long a group
  const { player } = join();
  sendAudio(2_010, audio.frame(2));
  sendVideo(2_040, video.frame(3));
  assert.deepEqual(marks(player.messages()), ['v9', 'a2']);
  sendVideo(2_080, video.keyframe(4));
  sendVideo(2_120, video.frame(5));
  assert.deepEqual(marks(player.messages()), ['v9', 'a2', 'v4', 'v5']);
});

test('whoever joins at whatever moment gets an unbroken run from a keyframe on, and all sound, each message once and in order', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = new Random(seed);
    const { clock, join, sendVideo, sendAudio } = setUp();
    const sent: { seq: number; isKeyframe: boolean; isVideo: boolean }[] = [];
    const joined: { player: FakePlayer; at: number }[] = [];
    const number = (payload: Uint8Array, seq: number) => Uint8Array.of(...payload, seq >>> 8, seq & 0xff);
    let startMs = random.pick([0, 0xff_ff_00, 0xffff_ff00]); // across both of the timestamp's steps
    sendVideo(startMs, video.header());
    sendAudio(startMs, audio.header());
    for (let step = 0; step < 150; step += 1) {
      const seq = sent.length;
      startMs = (startMs + random.below(30)) >>> 0;
      const isKeyframe = random.oneIn(12);
      switch (random.below(5)) {
        case 0:
          joined.push({ player: join(random.pick([1, 1, 2])).player, at: seq });
          break;
        case 1:
          clock.advance(random.below(50));
          break;
        case 2:
          sendAudio(startMs, number(audio.frame(), seq));
          sent.push({ seq, isKeyframe: false, isVideo: false });
          break;
        default:
          sendVideo(startMs, number(isKeyframe ? video.keyframe() : video.frame(), seq));
          sent.push({ seq, isKeyframe, isVideo: true });
      }
    }
    clock.advance(40);
    for (const { player, at } of joined) {
      // the headers' last bytes are no numbers
      const got = player
        .messages()
        .filter(({ payload }) => payload.length === 5 || payload.length === 8)
        .filter(({ typeId, payload }) => typeId !== MessageType.Audio || payload[1] === 1)
        .map(({ payload }) => payload.at(-2)! * 256 + payload.at(-1)!);
      const before = sent.slice(0, at).findLastIndex(({ isKeyframe }) => isKeyframe);
      const next = sent.findIndex(({ isKeyframe, seq }) => isKeyframe && seq >= at);
      const picturesFrom = before >= 0 ? before : next >= 0 ? next : sent.length;
      const soundFrom = before >= 0 ? before : at;
      const wanted = sent
        .filter(({ seq, isVideo }) => seq >= (isVideo ? picturesFrom : soundFrom))
        .map(({ seq }) => seq);
      assert.deepEqual(got, wanted, `seed ${seed}, joined at ${at}`);
    }
  }
});

// ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────────

test('of repeated headers the last counts, for each kind and track', () => {
  const { join, sendVideo, sendAudio } = setUp();
  sendVideo(0, video.header(1));
  sendVideo(0, video.header(2));
  sendVideo(0, track.header(1, 3));
  sendVideo(0, track.header(2, 4));
  sendVideo(0, track.header(1, 5));
  sendAudio(0, audio.header(6));
  sendVideo(0, video.keyframe(7));
  const { player } = join();
  assert.deepEqual(marks(player.messages()), ['v2', 'v4', 'v5', 'a6', 'v7']);
});

test('another video header ends the group of pictures; the same one again does not', () => {
  const { join, sendVideo } = setUp();
  sendVideo(0, video.header(1));
  sendVideo(0, video.keyframe(2));
  sendVideo(40, video.header(1));
  assert.deepEqual(marks(join().player.messages()), ['v1', 'v2']);
  sendVideo(80, video.header(3));
  assert.deepEqual(marks(join().player.messages()), ['v3']);
});

test('a data frame is replaced by its next, and forgotten when it is cleared', () => {
  const { stream, join, setData } = setUp();
  setData('onMetaData', Uint8Array.of(1));
  setData('other', Uint8Array.of(2));
  setData('onMetaData', Uint8Array.of(3));
  assert.deepEqual(marks(join().player.messages()), ['d3', 'd2']);
  stream.clearDataFrame('onMetaData');
  assert.deepEqual(marks(join().player.messages()), ['d2']);
});

test('a stream remembers so many data frames and headers and no more', () => {
  const { join, setData, sendVideo } = setUp();
  for (let i = 0; i < 10_000; i += 1) setData(`frame ${i}`, new Uint8Array(1_000));
  for (let i = 0; i < 256; i += 1) {
    sendVideo(
      0,
      Buffer.concat([
        Uint8Array.of(0x96, 0x00),
        Buffer.from('hvc1'),
        Uint8Array.of(i),
        new Uint8Array(100_000),
      ]),
    );
  }
  sendVideo(0, video.keyframe());
  const { player } = join();
  const bytes = player.writes.reduce((sum, { length }) => sum + length, 0);
  assert.ok(bytes <= 2 << 20, `${bytes} bytes for each joiner`);
  assert.ok(player.messages().length <= 100);
  setData('frame 3', Uint8Array.of(7)); // one that is known may change
  assert.ok(marks(join().player.messages()).includes('d7'));
});

test('empty messages cost a group of pictures what they cost the machine', () => {
  const { join, sendVideo, sendAudio } = setUp({
    accumulatedIFrames: { maxSizeBytes: 100_000, maxTimeMs: 20_000 },
  });
  sendVideo(0, video.keyframe());
  for (let i = 0; i < 1_000; i += 1) sendAudio(0, new Uint8Array(0));
  assert.equal(
    join().player.writes.length,
    0,
    'a thousand messages are kept in the room of twelve thousand bytes',
  );
});

// ── the publisher goes and comes ─────────────────────────────────────────────────────────────────────────────────

test('after a change of the publisher nothing of the old one reaches anybody', () => {
  const { clock, stream, join, sendVideo, sendAudio, setData } = setUp();
  const { player } = join();
  setData('onMetaData');
  sendVideo(5_000, video.header(1));
  sendVideo(5_000, video.keyframe(2));
  sendAudio(5_010, audio.frame(3));
  stream.unpublish();
  assert.deepEqual(marks(player.messages()), ['d97', 'v1', 'v2', 'a3']);
  const { player: between } = join();
  assert.deepEqual(between.writes, []);
  const from = player.writes.length;
  sendAudio(0, audio.frame(4));
  sendVideo(0, video.header(5));
  sendVideo(0, video.keyframe(6));
  for (const one of [player.messages(from), between.messages()])
    assert.deepEqual(marks(one), ['a4', 'v5', 'v6']);
  clock.advance(1_000);
});

test('who waited for a keyframe of the old publisher does not wait with the new one', () => {
  const { stream, join, sendVideo, sendAudio, clock } = setUp({
    accumulatedIFrames: { maxSizeBytes: 0, maxTimeMs: 0 },
  });
  sendVideo(0, video.keyframe());
  const { player } = join();
  stream.unpublish();
  sendAudio(0, audio.frame(1)); // a publisher without video
  clock.advance(40);
  assert.deepEqual(marks(player.messages()), ['a1']);
});

test('a stream that nobody uses any more has no timer', () => {
  const { clock, stream, sendAudio } = setUp();
  sendAudio(0, audio.frame());
  stream.close();
  assert.equal(clock.pending, 0);
});

// ── sinks ────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a sink gets what a joiner would, then every batch, and at its end what still waited', () => {
  const { stream, sendVideo, sendAudio } = setUp();
  sendVideo(0, video.header(1));
  sendVideo(0, video.keyframe(2));
  const batches: string[][] = [];
  const sink: Sink = {
    take: (batch) => batches.push(marks(batch)),
    unpublished: () => batches.push(['unpublished']),
  };
  const remove = stream.addSink(sink);
  sendAudio(5, audio.frame(3));
  sendVideo(40, video.frame(4));
  sendAudio(45, audio.frame(5));
  stream.unpublish();
  sendAudio(50, audio.frame(6));
  remove();
  sendVideo(80, video.keyframe(7));
  assert.deepEqual(batches, [['v1', 'v2'], ['a3', 'v4'], ['a5'], ['unpublished'], ['a6']]);
  assert.equal(stream.sinkCount, 0);
});

// ── many joiners ─────────────────────────────────────────────────────────────────────────────────────────────────

const LARGE_GROUPS = { maxSizeBytes: 16 << 20, maxTimeMs: 20_000 };

test('joiners take turns: what goes out at once is bounded, nobody is forgotten, and each gets everything once', () => {
  const clock = new ManualClock();
  const { stream, join, sendVideo } = setUp({
    clock,
    governor: new LoadGovernor(clock),
    accumulatedIFrames: LARGE_GROUPS,
  });
  const early = join().player;
  const keyframe = Buffer.concat([video.keyframe(), Buffer.alloc(2 << 20, 1)]);
  sendVideo(0, keyframe);
  sendVideo(40, video.frame(2));
  const joiners = Array.from({ length: 11 }, () => join());
  const served = () => joiners.filter(({ player }) => player.writes.length > 0).length;
  assert.equal(served(), 3);
  assert.equal(stream.stats.deferred, 8);
  assert.equal(stream.viewers.size, 12);
  sendVideo(80, video.frame(3)); // those who wait get it with their first bytes
  assert.equal(served(), 3);
  const [, , , gone, paused] = joiners;
  stream.removePlayer(gone!.viewer);
  paused!.viewer.pause(true);
  clock.advance(10);
  assert.equal(served(), 6);
  clock.advance(10);
  assert.equal(served(), 9);
  sendVideo(120, video.frame(4));
  clock.advance(100);
  const expected = ['v1', 'v2', 'v3', 'v4'];
  for (const { player } of joiners) {
    if (player === gone!.player || player === paused!.player) assert.deepEqual(player.messages(), []);
    else assert.deepEqual(marks(player.messages()), expected);
  }
  assert.deepEqual(marks(early.messages()), expected);
});

test('joiners that wait when their publisher leaves are there for the next one', () => {
  const clock = new ManualClock();
  const { stream, join, sendVideo } = setUp({
    clock,
    governor: new LoadGovernor(clock),
    accumulatedIFrames: LARGE_GROUPS,
  });
  sendVideo(0, Buffer.concat([video.keyframe(), Buffer.alloc(6 << 20, 1)]));
  const joiners = [join(), join(), join()];
  stream.unpublish();
  clock.advance(50);
  sendVideo(0, video.keyframe(7));
  for (const { player } of joiners) assert.equal(marks(player.messages()).at(-1), 'v7');
  stream.close();
});
