// What the server knows of a stream: its tracks and its rates.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stream } from '../../../src/application/live/stream.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { hex } from '../../support/hex.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, track, video } from '../../support/media.ts';

const AVC_1080 = hex(
  '1700000000 01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0',
);
const AVC_360 = hex(
  '1700000000 0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20',
);
const HEVC_64 =
  '0101600000009000000000001ef000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003001e959009210001002842010101600000030090000003000003001ea020810596564924caf016808000000300800000050422000100074401c172b42240';

function setUp() {
  const clock = new ManualClock();
  const stream = new Stream('cam', { clock, ...STREAM_OPTIONS });
  let ms = 0;
  return {
    clock,
    stream,
    picture: (payload: Uint8Array, timestampMs = ms) =>
      stream.publish(wireMessage(MessageType.Video, timestampMs, payload)),
    sound: (payload: Uint8Array, timestampMs = ms) =>
      stream.publish(wireMessage(MessageType.Audio, timestampMs, payload)),
    metaData: (members: { [name: string]: AmfValue }) => {
      const { payload } = encodeData({ name: 'onMetaData', values: [members] }, 0);
      stream.setDataFrame('onMetaData', wireMessage(MessageType.DataAmf0, 0, payload));
    },
    wait(passed: number) {
      ms += passed;
      clock.advance(passed);
    },
    video: () =>
      stream.info.video(clock.now()).map(({ frameRate: _, keyframeIntervalMs: __, ...rest }) => rest),
    audio: () => stream.info.audio(),
  };
}

test('the tracks of a stream are described by their configurations, before any frame has come', () => {
  const { picture, sound, video: pictures, audio: sounds } = setUp();
  picture(AVC_1080);
  sound(audio.header());
  assert.deepEqual(pictures(), [
    { id: 0, codec: 'avc', profile: 'High', level: '4.0', width: 1920, height: 1080 },
  ]);
  assert.deepEqual(sounds(), [{ id: 0, codec: 'aac', profile: 'LC', sampleRate: 44_100, channels: 2 }]);
});

test('another configuration takes the place of the one before it, one that cannot be read does not', () => {
  const { picture, video: pictures } = setUp();
  picture(AVC_1080);
  picture(hex('1700000000 01'));
  assert.equal(pictures()[0]!.width, 1920);
  picture(AVC_360);
  assert.deepEqual(pictures(), [
    { id: 0, codec: 'avc', profile: 'Constrained Baseline', level: '3.0', width: 640, height: 360 },
  ]);
});

test('onMetaData says what configurations do not, and goes behind them', () => {
  const { picture, sound, metaData, stream, video: pictures, audio: sounds } = setUp();
  metaData({ width: 640, height: 480, audiosamplerate: 48_000, audiochannels: 6, stereo: true });
  picture(hex('90 76703039 01000000000b820202020000')); // VP9
  sound(hex('2f 0000')); // MP3 without a frame
  assert.deepEqual(pictures(), [
    { id: 0, codec: 'vp9', profile: 'Profile 0', level: '1.1', width: 640, height: 480 },
  ]);
  assert.deepEqual(sounds(), [{ id: 0, codec: 'mp3', sampleRate: 48_000, channels: 6 }]);
  picture(AVC_1080);
  assert.equal(pictures()[0]!.width, 1920);
  metaData({ width: -1, height: 'a lot', stereo: true });
  picture(hex('90 76703039 01000000000b820202020000'));
  assert.deepEqual(pictures(), [{ id: 0, codec: 'vp9', profile: 'Profile 0', level: '1.1' }]);
  assert.deepEqual(sounds(), [{ id: 0, codec: 'mp3', channels: 2 }]);
  stream.clearDataFrame('onMetaData');
  assert.deepEqual(sounds(), [{ id: 0, codec: 'mp3' }]);
});

test('codecs without a configuration are known by their frames', () => {
  const { picture, sound, video: pictures, audio: sounds } = setUp();
  picture(hex('14 00'));
  sound(hex('b6 00'));
  assert.deepEqual(pictures(), [{ id: 0, codec: 'vp6' }]);
  assert.deepEqual(sounds(), [{ id: 0, codec: 'speex', sampleRate: 16_000, channels: 1 }]);
  picture(hex('93 78787878 00')); // FourCC xxxx
  assert.deepEqual(pictures(), [{ id: 0, codec: 'xxxx' }]);
  picture(hex('93 1b5b326a 00')); // no text at all
  assert.deepEqual(pictures(), [{ id: 0, codec: 'unknown' }]);
});

test('each track of a multitrack stream has its own size and frame rate, in the order of ids', () => {
  const { clock, stream, picture, wait, video: pictures } = setUp();
  const { length } = hex(HEVC_64);
  const both = Buffer.concat([
    ...[hex('96 10 68766331 01'), Buffer.of(0, 0, length), hex(HEVC_64)],
    ...[Buffer.of(2, 0, 0, length), hex(HEVC_64)],
  ]);
  picture(both);
  picture(AVC_360);
  for (let i = 0; i < 50; i += 1) {
    picture(video.frame());
    if (i % 2 === 0) picture(track.frame(1));
    wait(40);
  }
  picture(video.frame());
  const hevc = { codec: 'hevc', profile: 'Main', level: '1.0', width: 64, height: 64 };
  assert.deepEqual(pictures(), [
    { id: 0, codec: 'avc', profile: 'Constrained Baseline', level: '3.0', width: 640, height: 360 },
    { id: 1, ...hevc },
    { id: 2, ...hevc },
  ]);
  const rates = stream.info.video(clock.now()).map(({ frameRate }) => frameRate.tenSeconds);
  assert.deepEqual(rates, [25, 12.5, 0]);
});

test('rates are those of the last second and of the last ten, for each kind', () => {
  const { clock, stream, picture, sound, wait } = setUp();
  const rates = () => stream.info.rates(clock.now());
  for (let second = 0; second < 12; second += 1) {
    const frames = second < 7 ? 10 : 20;
    for (let i = 0; i < frames; i += 1) {
      picture(new Uint8Array(988).fill(0x27)); // 1000 bytes on the wire
      wait(1000 / frames);
    }
    sound(new Uint8Array(88).fill(0x2f)); // 100 bytes, in the second that begins
  }
  assert.deepEqual(rates().video, { oneSecond: 20_000, tenSeconds: 15_000 });
  assert.deepEqual(rates().audio, { oneSecond: 100, tenSeconds: 100 });
  assert.deepEqual(rates().in, { oneSecond: 20_100, tenSeconds: 15_100 });
  assert.equal(stream.info.video(clock.now())[0]!.frameRate.oneSecond, 20);
  wait(1_000);
  assert.equal(rates().in.oneSecond, 100, 'a publisher that has fallen silent sends nothing');
  wait(4_000);
  assert.deepEqual(rates().video, { oneSecond: 0, tenSeconds: 10_000 });
  wait(60_000);
  assert.deepEqual(rates().in, { oneSecond: 0, tenSeconds: 0 });
  picture(video.keyframe());
  stream.unpublish();
  assert.deepEqual(stream.info.video(clock.now()), []);
});

test('what goes out is counted for all players together', () => {
  const { clock, stream, picture, wait } = setUp();
  stream.addPlayer(new FakePlayer());
  stream.addPlayer(new FakePlayer());
  for (let i = 0; i < 20; i += 1) {
    picture(i === 0 ? video.keyframe() : new Uint8Array(988).fill(0x27));
    wait(100);
  }
  const { in: came, out } = stream.info.rates(clock.now());
  assert.equal(came.oneSecond, 10_000);
  assert.equal(out.oneSecond, 20_000);
});

test('the keyframe interval is that of timestamps, and a jump of them is none', () => {
  const { clock, stream, picture } = setUp();
  const interval = () => stream.info.video(clock.now())[0]!.keyframeIntervalMs;
  picture(video.keyframe(), 0xffff_fc18);
  assert.equal(interval(), undefined);
  picture(video.frame(), 0xffff_fc40);
  picture(video.keyframe(), 1_000);
  assert.equal(interval(), 2_000, 'across the end of 32 bits');
  picture(video.keyframe(), 54_000_000);
  assert.equal(interval(), undefined);
});

test('a publisher of a thousand tracks is remembered by some of them', () => {
  const { picture, video: pictures } = setUp();
  for (let id = 0; id < 256; id += 1) picture(track.keyframe(id));
  assert.equal(pictures().length, 32);
});
