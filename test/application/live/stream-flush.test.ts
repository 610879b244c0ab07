// When messages leave: the policies, and joiners between two flushes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FlushPolicy, LoadGovernor } from '../../../src/application/live/flush.ts';
import { Stream } from '../../../src/application/live/stream.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, video } from '../../support/media.ts';

function onAir(flush: FlushPolicy) {
  const clock = new ManualClock();
  const governor = new LoadGovernor(clock);
  const stream = new Stream('cam', { ...STREAM_OPTIONS, clock, governor, flush });
  const send = (typeId: 8 | 9, timestampMs: number, payload: Uint8Array) =>
    stream.publish(wireMessage(typeId, timestampMs, payload));
  const join = () => {
    const player = new FakePlayer();
    stream.addPlayer(player);
    return player;
  };
  return {
    clock,
    governor,
    stream,
    join,
    picture: (ms: number, payload = video.frame()) => send(MessageType.Video, ms, payload),
    sound: (ms: number) => send(MessageType.Audio, ms, audio.frame()),
  };
}

test('merge: one write for what came within its time, and a keyframe begins a write of its own', () => {
  const { clock, stream, join, picture, sound } = onAir({
    mode: 'merge',
    audioDelayMs: 40,
    mergeDelayMs: 100,
  });
  join();
  picture(0, video.keyframe());
  for (let ms = 10; ms < 90; ms += 10) {
    clock.advance(10);
    picture(ms);
    sound(ms);
  }
  assert.equal(stream.stats.flushes, 0);
  clock.advance(20);
  assert.equal(stream.stats.flushes, 1);
  picture(100);
  picture(110, video.keyframe());
  assert.equal(stream.stats.flushes, 2);
  clock.advance(100);
  assert.equal(stream.stats.flushes, 3);
  assert.equal(stream.stats.writes, 3);
});

test('instant: at the end of the turn, whatever has come', () => {
  const { clock, stream, join, sound } = onAir({ mode: 'instant', audioDelayMs: 40, mergeDelayMs: 100 });
  join();
  sound(0);
  sound(23);
  assert.equal(stream.stats.flushes, 0);
  clock.advance(0);
  assert.equal(stream.stats.flushes, 1);
});

test('under load a stream that sent each picture at once gathers them', () => {
  const { clock, governor, stream, join, picture } = onAir({
    mode: 'frame',
    audioDelayMs: 40,
    mergeDelayMs: 100,
  });
  join();
  picture(0, video.keyframe());
  assert.equal(stream.stats.flushes, 1);
  clock.advance(300);
  governor.swept(clock.now() - 290, clock.now());
  clock.advance(300);
  governor.swept(clock.now() - 290, clock.now());
  for (let ms = 300; ms < 340; ms += 10) {
    picture(ms);
    clock.advance(10);
  }
  assert.equal(stream.stats.flushes, 1);
  clock.advance(10);
  assert.equal(stream.stats.flushes, 2);
});

test('a joiner between two flushes costs the others nothing, and gets each message once and in order', () => {
  const { clock, stream, join, picture, sound } = onAir({
    mode: 'merge',
    audioDelayMs: 40,
    mergeDelayMs: 100,
  });
  const early = join();
  picture(0, video.keyframe(1));
  picture(40, video.frame(2));
  const between = join();
  assert.equal(stream.stats.flushes, 0);
  assert.equal(early.writes.length, 0);
  sound(50);
  picture(80, video.frame(3));
  const later = join();
  clock.advance(100);
  picture(120, video.frame(4));
  clock.advance(100);
  assert.equal(early.writes.length, 2);
  for (const player of [between, later]) {
    assert.deepEqual(player.messages(), early.messages());
  }
});
