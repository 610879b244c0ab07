import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stream } from '../../../src/application/live/stream.ts';
import type { Clock } from '../../../src/clock.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { audio, video } from '../../support/media.ts';

/** Time passes where work is done, and nowhere else; turns follow when they are told to. */
class WorkClock implements Clock {
  ms = 0;
  #soon: (() => void)[] = [];

  now(): number {
    return this.ms;
  }
  after(): () => void {
    return () => {};
  }
  soon(call: () => void): () => void {
    this.#soon.push(call);
    return () => {};
  }

  /** What is due, and how long it took in one go. */
  turn(): number {
    const before = this.ms;
    for (const call of this.#soon.splice(0)) call();
    return this.ms - before;
  }
  get isIdle(): boolean {
    return this.#soon.length === 0;
  }
}

/** What it is given takes the server a millisecond. */
class CostlyPlayer extends FakePlayer {
  readonly #clock: WorkClock;

  constructor(clock: WorkClock, streamId: number) {
    super(streamId);
    this.#clock = clock;
  }

  override write(bytes: Uint8Array, messages: number): void {
    this.#clock.ms += 1;
    super.write(bytes, messages);
  }
}

const SHARED = 1;
const OWN = 2;

function setUp({ costly = 0, shared = 0 }) {
  const clock = new WorkClock();
  const stream = new Stream('cam', { ...STREAM_OPTIONS, clock });
  const join = (streamId: number) => {
    const player = new CostlyPlayer(clock, streamId);
    return { player, viewer: stream.addPlayer(player) };
  };
  const players = Array.from({ length: costly }, () => join(OWN));
  const others = Array.from({ length: shared }, () => join(SHARED));
  let sent = 0;
  /** Returns how long it took in one go. */
  const picture = (payload: Uint8Array = video.frame(sent)): number => {
    const before = clock.ms;
    stream.publish(wireMessage(MessageType.Video, 40 * sent++, payload));
    return clock.ms - before;
  };
  return { clock, stream, join, players, others, picture };
}

const marks = (player: FakePlayer) => player.messages().map(({ payload }) => payload.at(-1));

test('players with bytes of their own are given a flush for 5 ms at once and then in turns, each of them all of it and in order', () => {
  const { clock, players, picture } = setUp({ costly: 100 });
  const inOneGo = [picture(video.keyframe(0)), picture(video.frame(1)), picture(video.frame(2))];
  while (!clock.isIdle) inOneGo.push(clock.turn());
  assert.ok(Math.max(...inOneGo) <= 12, `${inOneGo} ms in one go`);
  for (const { player } of players) assert.deepEqual(marks(player), [0, 1, 2]);
});

test('players that take the stream’s own bytes are given theirs at once, however many there are of the others', () => {
  const { players, others, picture } = setUp({ costly: 100, shared: 20 });
  picture(video.keyframe(0));
  picture(video.frame(1));
  for (const { player } of others) assert.deepEqual(marks(player), [0, 1]);
  assert.ok(
    players.some(({ player }) => player.writes.length === 0),
    'nobody waits',
  );
});

test('a picture of many pieces is given in turns to everybody', () => {
  const { clock, others, picture } = setUp({ shared: 100 });
  const large = Buffer.concat([video.keyframe(0), Buffer.alloc(100_000, 7)]);
  const inOneGo = [picture(large)];
  while (!clock.isIdle) inOneGo.push(clock.turn());
  assert.ok(Math.max(...inOneGo) <= 12, `${inOneGo} ms in one go`);
  for (const { player } of others) assert.deepEqual(marks(player), [7]);
});

test('players for whom there is no time miss frames as slow players do, and come back at a keyframe', () => {
  const { clock, players, picture } = setUp({ costly: 100 });
  picture(video.keyframe(0));
  for (let i = 1; i < 200; i += 1) picture(video.frame(i));
  const late = players.filter(({ player }) => player.told.includes('insufficient'));
  assert.ok(late.length > 0, 'all of it waits');
  while (!clock.isIdle) clock.turn();
  for (const { player } of players) player.writes.length = 0;
  picture(video.keyframe(250));
  while (!clock.isIdle) clock.turn();
  for (const { player } of players) assert.deepEqual(marks(player), [250]);
});

test('one that leaves or changes while something waits for it is given nothing twice and nothing late', () => {
  const { clock, stream, players, picture } = setUp({ costly: 30 });
  picture(video.keyframe(0));
  picture(video.frame(1));
  const last = players.at(-1)!;
  const before = players.at(-2)!;
  stream.removePlayer(last.viewer);
  before.viewer.receiveAudio(false);
  while (!clock.isIdle) clock.turn();
  assert.deepEqual(marks(last.player), []);
  assert.deepEqual(marks(before.player), [0, 1]);
});

test('what waits when the publisher goes is given for 5 ms more, and what follows comes from the next publisher alone', () => {
  const { clock, stream, players, picture } = setUp({ costly: 30 });
  picture(video.keyframe(0));
  const before = clock.ms;
  stream.unpublish();
  assert.ok(clock.ms - before <= 6, `${clock.ms - before} ms`);
  picture(video.keyframe(9));
  while (!clock.isIdle) clock.turn();
  for (const { player } of players) {
    const got = marks(player);
    assert.ok(got.length === 1 || got.length === 2, `${got}`);
    assert.equal(got.at(-1), 9);
  }
});

test('one that plays again and reads nothing is sent no other group of pictures until it reads', () => {
  const clock = new WorkClock();
  const timers: (() => void)[] = [];
  clock.after = ((_ms: number, call: () => void) => {
    timers.push(call);
    return () => {};
  }) as typeof clock.after;
  const stream = new Stream('cam', { ...STREAM_OPTIONS, clock });
  stream.publish(wireMessage(MessageType.Video, 0, video.keyframe()));
  const player = new FakePlayer();
  player.queuedBytes = STREAM_OPTIONS.backlog.softSizeBytes + 1;
  stream.addPlayer(player);
  for (const call of timers.splice(0)) call();
  assert.equal(player.writes.length, 0);
  player.queuedBytes = 0;
  stream.publish(wireMessage(MessageType.Audio, 1, audio.frame()));
  for (const call of timers.splice(0)) call();
  assert.equal(player.messages().length, 2);
});
