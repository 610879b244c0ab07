// Configurations that ffmpeg wrote (libx264, libx265, libaom, libvpx, libopus, its own aac and flac) for media of known size and
// kind. HEVC's are without x265's SEI, which has its settings in words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DecodeError } from '../../src/errors.ts';
import { av1Size, decodeAv1Configuration } from '../../src/media/codecs/av1.ts';
import { decodeHevcConfiguration } from '../../src/media/codecs/hevc.ts';
import { decodeVpConfiguration } from '../../src/media/codecs/vpx.ts';
import { audioDetails, soundDetails, videoDetails } from '../../src/media/details.ts';
import { FlvReader } from '../../src/media/flv.ts';
import { inspectVideo } from '../../src/media/tag.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { hex } from '../support/hex.ts';

const HEVC_1080 =
  '01016000000090000000000078f000fcfdf8f800000f03 200001001840010c01ffff016000000300900000030000030078959409' +
  '210001002c420101016000000300900000030000030078a003c0801107cb965654a4c2f01010000003001000000301908022000100064401c073c189';
const HEVC_10_BITS =
  '0102200000009000000000003cf000fcfdfafa00000f03 200001001840010c01ffff02200000030090000003000003003c959409' +
  '210001002c42010102200000030090000003000003003ca00a880c1c44cd965654a4c2f01010000003001000000301908022000100064401c073c189';
const HEVC_444 =
  '0104080000009e08000000003cf000fcfff8f800000f03 200001001740010c01ffff0408000003009e0800000300003c9594092' +
  '10001002b4201010408000003009e0800000300003c90015101838f8bcb2b2a5261780808000003000800000300c84022000100084401c073183018 90';
const AV1_720 = '81050c000a0b0000002d4cffb3dfbf9804';
const VP9 = '01000000000b820202020000';
const OPUS = '4f707573486561640102380180bb0000000000';
const FLAC = '664c61430000002212001200 0004a3000508 0ac442f0000022745d105ceb212ad5d36e4f5608def3d8b7';

const pictures: { name: string; codec: string; wire: string; says: object }[] = [
  {
    name: 'H.264 High',
    codec: 'avc',
    wire: '01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0',
    says: { profile: 'High', level: '4.0', width: 1920, height: 1080 },
  },
  {
    name: 'H.264 Constrained Baseline',
    codec: 'avc',
    wire: '0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20',
    says: { profile: 'Constrained Baseline', level: '3.0', width: 640, height: 360 },
  },
  {
    name: 'HEVC Main, 1080 lines cropped from 1088',
    codec: 'hevc',
    wire: HEVC_1080,
    says: { profile: 'Main', level: '4.0', width: 1920, height: 1080 },
  },
  {
    name: 'HEVC Main 10, cropped in both directions',
    codec: 'hevc',
    wire: HEVC_10_BITS,
    says: { profile: 'Main 10', level: '2.0', width: 322, height: 182 },
  },
  {
    name: 'HEVC 4:4:4',
    codec: 'hevc',
    wire: HEVC_444,
    says: { profile: 'Range Extensions', level: '2.0', width: 322, height: 182 },
  },
  {
    name: 'AV1 Main',
    codec: 'av1',
    wire: AV1_720,
    says: { profile: 'Main', level: '3.1', width: 1280, height: 720 },
  },
  {
    name: 'AV1 without a sequence header inside',
    codec: 'av1',
    wire: AV1_720.slice(0, 8),
    says: { profile: 'Main', level: '3.1' },
  },
  { name: 'VP9, which says no size', codec: 'vp9', wire: VP9, says: { profile: 'Profile 0', level: '1.1' } },
  {
    name: 'VP9 without the head of the box',
    codec: 'vp9',
    wire: VP9.slice(8),
    says: { profile: 'Profile 0', level: '1.1' },
  },
];

for (const { name, codec, wire, says } of pictures) {
  test(`a configuration says what the pictures are: ${name}`, () => {
    assert.deepEqual(videoDetails(codec, hex(wire)), says);
  });
}

const sounds: { name: string; codec: string; wire: string; says: object }[] = [
  { name: 'AAC LC', codec: 'aac', wire: '1210', says: { profile: 'LC', sampleRate: 44_100, channels: 2 } },
  {
    name: 'HE-AAC',
    codec: 'aac',
    wire: '2b920800',
    says: { profile: 'HE', sampleRate: 44_100, channels: 2 },
  },
  {
    name: 'AAC whose channels are said elsewhere',
    codec: 'aac',
    wire: '1180',
    says: { profile: 'LC', sampleRate: 48_000 },
  },
  { name: 'Opus', codec: 'opus', wire: OPUS, says: { sampleRate: 48_000, channels: 2 } },
  { name: 'FLAC', codec: 'flac', wire: FLAC, says: { sampleRate: 44_100, channels: 2 } },
  {
    name: 'FLAC without its mark',
    codec: 'flac',
    wire: FLAC.slice(8),
    says: { sampleRate: 44_100, channels: 2 },
  },
];

for (const { name, codec, wire, says } of sounds) {
  test(`a configuration says what the sound is: ${name}`, () => {
    assert.deepEqual(audioDetails(codec, hex(wire)), says);
  });
}

test('the headers in messages of ffmpeg say the size where they have it', () => {
  const found = ['hevc-aac', 'av1-aac', 'vp9-aac'].map((name) => {
    const bytes = readFileSync(join(import.meta.dirname, '..', 'captures', `${name}.flv`));
    const headers = [...new FlvReader().push(bytes)].flatMap(({ typeId, payload }) => {
      const tag = typeId === MessageType.Video ? inspectVideo(payload) : undefined;
      const details = tag?.isSequenceHeader && videoDetails(tag.codec, payload.subarray(tag.dataOffset));
      return details ? [details] : [];
    });
    return headers.at(-1);
  });
  assert.deepEqual(found, [
    { profile: 'Main', level: '1.0', width: 64, height: 64 },
    { profile: 'Main', level: '2.0', width: 64, height: 64 },
    { profile: 'Profile 0', level: '1.0' },
  ]);
});

test('a configuration that is cut off is a DecodeError, and details of it are none', () => {
  const decoders = [
    { decode: decodeHevcConfiguration, codec: 'hevc', wire: HEVC_1080, lengths: range(0, 110) },
    {
      decode: decodeAv1Configuration,
      codec: 'av1',
      wire: AV1_720,
      lengths: range(0, 4),
    },
    { decode: decodeVpConfiguration, codec: 'vp9', wire: VP9, lengths: range(0, 12) },
  ];
  for (const { decode, codec, wire, lengths } of decoders) {
    for (const length of lengths) {
      const cut = hex(wire).subarray(0, length);
      assert.throws(() => decode(cut), DecodeError, `${codec}: ${length} bytes`);
      assert.equal(videoDetails(codec, cut), undefined);
    }
  }
});

test('a sequence header of AV1 that is cut off says no size', () => {
  for (const length of range(5, 14))
    assert.throws(() => av1Size(hex(AV1_720).subarray(0, length)), DecodeError, `${length} bytes`);
});

test('AV1 as in MPEG-2 TS has a descriptor before its configuration', () => {
  assert.equal(videoDetails('av1', hex(`8004 ${AV1_720}`))?.width, 1280);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

test('sound without a configuration is described by its tag, MP3 by its first frame', () => {
  const said = (codec: string, wire: string) => soundDetails(codec, hex(wire), 1);
  assert.deepEqual(said('mp3', '2f fffb9064'), { sampleRate: 44_100, channels: 2 });
  assert.deepEqual(said('mp3', '2f fff354c4'), { sampleRate: 24_000, channels: 1 });
  assert.deepEqual(said('mp3', '2f 0000'), {});
  assert.deepEqual(said('pcm', '3f'), { sampleRate: 44_100, channels: 2 });
  assert.deepEqual(said('pcm', '36'), { sampleRate: 11_025, channels: 1 });
  assert.deepEqual(said('speex', 'b6'), { sampleRate: 16_000, channels: 1 });
  assert.deepEqual(said('nellymoser', '5a'), { sampleRate: 8_000, channels: 1 });
  assert.deepEqual(said('nellymoser', '6a'), { sampleRate: 22_050, channels: 1 });
  assert.deepEqual(said('g711u', '82'), { sampleRate: 8_000, channels: 1 });
});
