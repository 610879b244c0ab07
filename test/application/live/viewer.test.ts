import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backlog, type BacklogLimits, type BacklogVerdict } from '../../../src/application/live/backlog.ts';
import { LoadGovernor } from '../../../src/application/live/flush.ts';
import { Stream, type StreamOptions } from '../../../src/application/live/stream.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, video } from '../../support/media.ts';

const LIMITS: BacklogLimits = {
  softSizeBytes: 1_000,
  softTimeMs: 2_000,
  hardSizeBytes: 10_000,
  stallTimeMs: 5_000,
};

// ── one slow player, judged ──────────────────────────────────────────────────────────────────────────────────────

interface Judged {
  queued: number;
  progress?: number;
  burst?: number;
  /** Bytes per second. */
  bitrate?: number;
  atMs?: number;
  verdict: BacklogVerdict;
}

for (const [what, steps] of [
  ['an empty queue is written to', [{ queued: 0, verdict: 'write' }]],
  ['up to the soft limit it is written to', [{ queued: 1_000, verdict: 'write' }]],
  ['beyond the soft limit it is left out', [{ queued: 1_001, verdict: 'skip' }]],
  [
    'two seconds of a stream of much bitrate are more than the soft limit',
    [
      { queued: 6_000, bitrate: 3_000, verdict: 'write' },
      { queued: 6_001, bitrate: 3_000, verdict: 'skip' },
    ],
  ],
  [
    'what a joiner was given at once does not count',
    [
      { queued: 9_000, burst: 8_000, verdict: 'write' },
      { queued: 9_001, burst: 8_000, verdict: 'skip' },
    ],
  ],
  [
    'beyond the hard limit it is closed',
    [
      { queued: 10_000, verdict: 'skip' },
      { queued: 10_001, verdict: 'close' },
    ],
  ],
  [
    'a soft limit near the hard one moves that away',
    [
      { queued: 16_000, burst: 7_000, verdict: 'skip' },
      { queued: 16_001, burst: 7_000, verdict: 'close' },
    ],
  ],
  [
    'one that takes nothing for five seconds is closed',
    [
      { queued: 2_000, atMs: 0, verdict: 'skip' },
      { queued: 2_000, atMs: 4_999, verdict: 'skip' },
      { queued: 2_000, atMs: 5_000, verdict: 'close' },
    ],
  ],
  [
    'any byte that it takes begins the five seconds anew',
    [
      { queued: 2_000, progress: 1, atMs: 0, verdict: 'skip' },
      { queued: 2_000, progress: 2, atMs: 4_999, verdict: 'skip' },
      { queued: 2_000, progress: 2, atMs: 9_998, verdict: 'skip' },
      { queued: 2_000, progress: 2, atMs: 9_999, verdict: 'close' },
    ],
  ],
  [
    'one that has moved and is within the limit again may stand still there',
    [
      { queued: 2_000, atMs: 0, verdict: 'skip' },
      { queued: 900, progress: 1_100, atMs: 4_000, verdict: 'write' },
      { queued: 900, progress: 1_100, atMs: 60_000, verdict: 'write' },
      { queued: 2_000, progress: 1_100, atMs: 61_000, verdict: 'skip' },
      { queued: 2_000, progress: 1_100, atMs: 65_999, verdict: 'skip' },
    ],
  ],
  [
    'a limit that goes up and down with the bitrate lets no stalled one stay',
    [
      { queued: 2_000, atMs: 0, verdict: 'skip' },
      { queued: 2_000, atMs: 2_000, bitrate: 1_000_000, verdict: 'write' },
      { queued: 2_000, atMs: 4_000, verdict: 'skip' },
      { queued: 2_000, atMs: 5_000, bitrate: 1_000_000, verdict: 'close' },
    ],
  ],
] as [string, Judged[]][]) {
  test(`backlog: ${what}`, () => {
    const backlog = new Backlog(LIMITS);
    for (const { queued, progress = 0, burst = 0, bitrate = 0, atMs = 0, verdict } of steps) {
      assert.equal(
        backlog.judge({ queuedBytes: queued, progress }, burst, { bitrate, now: atMs, isTight: false }),
        verdict,
      );
    }
  });
}

test('backlog: when slow players hold too much memory all together, beyond the soft limit is too far', () => {
  const judge = (queuedBytes: number, isTight: boolean) =>
    new Backlog(LIMITS).judge({ queuedBytes, progress: 0 }, 0, { bitrate: 0, now: 0, isTight });
  assert.equal(judge(1_000, true), 'write');
  assert.equal(judge(1_001, false), 'skip');
  assert.equal(judge(1_001, true), 'close');
});

test('a stream holds what its slowest player has queued, and nothing once it is gone', () => {
  const governor = new LoadGovernor(new ManualClock(), undefined, 5_000);
  const on = (name: string) => {
    const stream = new Stream(name, {
      clock: new ManualClock(),
      ...STREAM_OPTIONS,
      backlog: LIMITS,
      governor,
    });
    const slow = new FakePlayer();
    const quick = new FakePlayer();
    stream.addPlayer(slow);
    stream.addPlayer(quick);
    const picture = (ms: number) => stream.publish(wireMessage(MessageType.Video, ms, video.keyframe()));
    return { stream, slow, quick, picture };
  };
  const [a, b] = [on('a'), on('b')];
  a.slow.queuedBytes = 3_000;
  a.quick.queuedBytes = 200;
  b.slow.queuedBytes = 2_500;
  a.picture(0);
  assert.equal(governor.state.heldBytes, 3_000);
  assert.ok(!governor.isTight);
  b.picture(0);
  assert.equal(governor.state.heldBytes, 5_500);
  assert.ok(governor.isTight);
  a.picture(40);
  assert.deepEqual(a.slow.told, ['insufficient', 'too slow']);
  assert.deepEqual(a.quick.told, []);
  b.stream.unpublish();
  assert.equal(governor.state.heldBytes, 3_000);
});

// ── and what becomes of it ───────────────────────────────────────────────────────────────────────────────────────

function onAir(options: Partial<StreamOptions> = {}) {
  const clock = new ManualClock();
  const stream = new Stream('cam', { clock, ...STREAM_OPTIONS, backlog: LIMITS, ...options });
  const send = (timestampMs: number, payload: Uint8Array) =>
    stream.publish(wireMessage(MessageType.Video, timestampMs, payload));
  const say = (timestampMs: number, payload: Uint8Array) =>
    stream.publish(wireMessage(MessageType.Audio, timestampMs, payload));
  const join = (streamId?: number) => {
    const player = new FakePlayer(streamId);
    return { player, viewer: stream.addPlayer(player) };
  };
  return { clock, stream, send, say, join };
}

/** Kind and last byte. */
function marks(player: FakePlayer, from = 0): string[] {
  return player
    .messages(from)
    .map(({ typeId, payload }) => `${typeId === MessageType.Video ? 'v' : 'a'}${payload.at(-1)}`);
}

for (const streamId of [1, 2]) {
  test(`a slow player on message stream ${streamId} comes back with headers and sound, and at a keyframe with pictures, and is told once`, () => {
    const { stream, send, say, join } = onAir();
    const { player } = join(streamId);
    const { player: neighbour } = join();
    send(0, video.header(100));
    say(0, audio.header(101));
    send(0, video.keyframe(0));
    player.queuedBytes = 2_000;
    send(40, video.frame(1));
    send(80, video.frame(2));
    send(120, video.keyframe(3)); // still too much queued
    player.queuedBytes = 100;
    send(160, video.frame(4)); // of a group whose beginning it has not got
    say(170, audio.frame(5));
    send(7_200_000, video.keyframe(6));
    send(7_200_040, video.frame(7));
    assert.deepEqual(marks(player), ['v100', 'a101', 'v0', 'v100', 'a101', 'a5', 'v6', 'v7']);
    assert.equal(player.messages()[3]?.timestampMs, 160, 'headers have the time of what comes with them');
    assert.deepEqual(player.told, ['insufficient']);
    assert.deepEqual(marks(neighbour), ['v100', 'a101', 'v0', 'v1', 'v2', 'v3', 'v4', 'a5', 'v6', 'v7']);
    assert.deepEqual(neighbour.told, []);
    player.queuedBytes = 2_000;
    send(7_200_080, video.frame(8));
    assert.deepEqual(player.told, ['insufficient', 'insufficient'], 'a new shortage is told anew');
    assert.ok(stream.stats.skipped > 0);
  });
}

test('without video a slow player comes back as soon as there is room', () => {
  const { clock, say, join } = onAir();
  const { player } = join();
  player.queuedBytes = 2_000;
  say(0, audio.frame(1));
  clock.advance(40);
  player.queuedBytes = 0;
  say(40, audio.frame(2));
  clock.advance(40);
  assert.deepEqual(marks(player), ['a2']);
});

test('one that stalls is closed, and hears nothing more', () => {
  const { clock, send, join } = onAir();
  const { player } = join();
  player.queuedBytes = 2_000;
  for (let i = 0; i <= 6; i += 1) {
    send(i * 1_000, video.keyframe(i));
    clock.advance(1_000);
  }
  assert.deepEqual(player.told, ['insufficient', 'too slow']);
  assert.deepEqual(player.writes, []);
});

test('one beyond the hard limit is closed at once', () => {
  const { send, join } = onAir();
  const { player } = join();
  player.queuedBytes = 20_000;
  send(0, video.keyframe());
  send(40, video.keyframe());
  assert.deepEqual(player.told, ['too slow']);
});

test('a joiner is not slow while its first bytes are on the way', () => {
  const { clock, send, join } = onAir();
  send(0, Buffer.concat([video.keyframe(), Buffer.alloc(8_000)]));
  clock.advance(10_000); // so that the bitrate is none
  const { player } = join();
  player.queuedBytes = player.writes[0]!.length;
  send(40, video.frame(1));
  assert.equal(player.writes.length, 2);
  player.queuedBytes = 0;
  send(80, video.frame(2));
  player.queuedBytes = 8_000; // it had taken them all: this is a shortage
  send(120, video.frame(3));
  assert.deepEqual(player.told, ['insufficient']);
});

test('a change of the publisher ends a shortage', () => {
  const { stream, send, join } = onAir();
  const { player } = join();
  send(0, video.keyframe(0));
  player.queuedBytes = 2_000;
  send(40, video.frame(1));
  stream.unpublish();
  player.queuedBytes = 0;
  send(0, video.keyframe(2));
  assert.deepEqual(marks(player), ['v0', 'v2']);
  player.queuedBytes = 2_000;
  send(40, video.frame(3));
  assert.deepEqual(player.told, ['insufficient', 'insufficient']);
});

// ── pause, sound and picture ─────────────────────────────────────────────────────────────────────────────────────

test('a player that has paused gets nothing, comes back with headers and sound, and at a keyframe with pictures', () => {
  const { send, say, join } = onAir();
  send(0, video.header(100));
  const { player, viewer } = join();
  send(0, video.keyframe(0));
  viewer.pause(true);
  viewer.pause(true);
  send(40, video.keyframe(1));
  viewer.pause(false);
  send(80, video.frame(2));
  say(90, audio.frame(3));
  send(120, video.keyframe(4));
  assert.deepEqual(marks(player), ['v100', 'v0', 'v100', 'a3', 'v4']);
  viewer.pause(false); // it has not paused
  send(160, video.frame(5));
  assert.equal(marks(player).at(-1), 'v5');
});

test('a pause outlasts a change of the publisher', () => {
  const { stream, send, join } = onAir();
  const { player, viewer } = join();
  viewer.pause(true);
  stream.unpublish();
  send(0, video.keyframe());
  assert.deepEqual(player.writes, []);
});

test('who wants no sound, or no pictures, gets the rest', () => {
  const { send, say, join } = onAir();
  const [deaf, blind] = [join(), join()];
  deaf.viewer.receiveAudio(false);
  blind.viewer.receiveVideo(false);
  send(0, video.keyframe(0));
  say(10, audio.frame(1));
  send(40, video.frame(2));
  say(50, audio.frame(3));
  send(80, video.frame(4));
  assert.deepEqual(marks(deaf.player), ['v0', 'v2', 'v4']);
  assert.deepEqual(marks(blind.player), ['a1', 'a3']);
  deaf.viewer.receiveAudio(true);
  blind.viewer.receiveVideo(true);
  say(90, audio.frame(5));
  send(120, video.frame(6));
  send(160, video.keyframe(7));
  assert.deepEqual(marks(deaf.player), ['v0', 'v2', 'v4', 'a5', 'v6', 'v7']);
  assert.deepEqual(marks(blind.player).at(-1), 'v7', 'pictures begin with a keyframe');
  assert.equal(marks(blind.player).includes('v6'), false);
});

test('an own write of nothing is none', () => {
  const { send, join } = onAir();
  const { player, viewer } = join();
  viewer.receiveVideo(false);
  send(0, video.keyframe());
  assert.deepEqual(player.writes, []);
});

test('metadata with time 0 in front of an hour-old stream does not move the times that another server is sent', () => {
  const { stream, send, say } = onAir();
  const metaData = wireMessage(
    MessageType.DataAmf0,
    0,
    encodeData({ name: 'onMetaData', values: [] }, 0).payload,
  );
  const player = new FakePlayer();
  let sentMs = 0;
  const viewer = stream.addPlayer(player, {
    relays: true,
    begins: (timestampMs) => (sentMs ? sentMs + 1 : 0) - timestampMs,
  });
  for (const beginMs of [3_600_000, 7_200_000]) {
    stream.setDataFrame('onMetaData', metaData);
    say(beginMs, audio.frame(1));
    send(beginMs, video.keyframe(2));
    send(beginMs + 40, video.frame(3));
    stream.setDataFrame('onMetaData', metaData);
    stream.flush();
    sentMs = viewer.sentMs;
    stream.unpublish();
  }
  const times = player.messages().map(({ timestampMs }) => timestampMs);
  assert.deepEqual(times, [0, 0, 0, 40, 40, 41, 41, 41, 81, 81]);
});

// ── no keyframe comes ────────────────────────────────────────────────────────────────────────────────────────────

for (const streamId of [1, 2]) {
  test(`who joins in the midst of a group that is not kept has sound at once, and after the wait pictures as well (message stream ${streamId})`, () => {
    const { clock, send, say, join } = onAir({
      accumulatedIFrames: { maxSizeBytes: 1 << 20, maxTimeMs: 1_000 },
    });
    send(0, video.header(100));
    say(0, audio.header(101));
    send(0, video.keyframe(0));
    send(2_000, video.frame(1)); // more than is kept
    const { player } = join(streamId);
    say(2_010, audio.frame(2));
    send(2_040, video.frame(3));
    send(2_050, video.header(102)); // another configuration for the pictures to come
    assert.deepEqual(marks(player), ['v100', 'a101', 'a2']);
    clock.advance(1_000);
    say(3_050, audio.frame(4));
    send(3_060, video.frame(5));
    assert.deepEqual(player.told, ['waits for a keyframe']);
    clock.advance(9_000);
    say(12_050, audio.frame(6));
    send(12_060, video.frame(7));
    send(12_100, video.frame(8));
    assert.deepEqual(marks(player), ['v100', 'a101', 'a2', 'v102', 'a4', 'a6', 'v7', 'v8']);
    assert.deepEqual(player.told, ['waits for a keyframe', 'pictures without a keyframe']);
    assert.equal(player.lost, 0, 'it is not slow');
  });
}

test('a wait of nothing gives pictures at once, and many who wait share one buffer of sound', () => {
  const none = { maxSizeBytes: 0, maxTimeMs: 0 };
  const at = onAir({ accumulatedIFrames: none, keyframeWaitMs: 0 });
  at.send(0, video.frame(0));
  const { player } = at.join();
  at.send(40, video.frame(1));
  assert.deepEqual(marks(player), ['v1']);
  const { send, say, join } = onAir({ accumulatedIFrames: none });
  send(0, video.frame(0));
  const [a, b] = [join().player, join().player];
  say(10, audio.frame(1));
  say(20, audio.frame(2));
  send(40, video.frame(3));
  assert.deepEqual(
    [marks(a), marks(b)],
    [
      ['a1', 'a2'],
      ['a1', 'a2'],
    ],
  );
  assert.equal(a.writes[0], b.writes[0]);
});

test('a slow player for whom no keyframe comes has sound when there is room, and after the wait pictures', () => {
  const { clock, send, say, join } = onAir();
  send(0, video.keyframe(0));
  const { player } = join();
  player.queuedBytes = 2_000;
  send(40, video.frame(1));
  player.queuedBytes = 0;
  say(80, audio.frame(2));
  send(90, video.frame(3));
  clock.advance(10_000);
  send(10_090, video.frame(4));
  assert.deepEqual(marks(player), ['v0', 'a2', 'v4']);
  player.queuedBytes = 2_000;
  send(10_130, video.frame(5));
  assert.deepEqual(player.told.filter((one) => one === 'insufficient').length, 2);
});

test('pictures that are wanted again begin with a keyframe, and sound goes on', () => {
  const { send, say, join } = onAir();
  const { player, viewer } = join();
  send(0, video.keyframe(0));
  viewer.receiveVideo(false);
  send(40, video.frame(1));
  viewer.receiveVideo(true);
  say(50, audio.frame(2));
  send(80, video.frame(3));
  send(120, video.keyframe(4));
  assert.deepEqual(marks(player), ['v0', 'a2', 'v4']);
});
