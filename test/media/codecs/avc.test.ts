// Configurations made by x264 (ffmpeg's libx264, FLV muxer) for pictures of known size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { decodeAvcConfiguration } from '../../../src/media/codecs/avc.ts';
import { hex, toHex } from '../../support/hex.ts';

const cases: { name: string; wire: string; profile: number; level: number; width: number; height: number }[] =
  [
    {
      name: 'High, 1080 lines cropped from 1088, with emulation prevention bytes',
      wire: '01640028ffe1001b 67640028acd940780227e5c044000003000400000300c83c60c658 01000668ebe3cb22c0',
      ...{ profile: 100, level: 40, width: 1920, height: 1080 },
    },
    {
      name: 'Constrained Baseline',
      wire: '0142c01effe10019 6742c01ed900a02ff97011000003000100000300320f162e48 01000568cb83cb20',
      ...{ profile: 66, level: 30, width: 640, height: 360 },
    },
    {
      name: 'interlaced: heights count fields',
      wire: '01640028ffe1001a 67640028acd94078044fde0220000003002000000643e2c5b2c0 01000668fba3cb22c0',
      ...{ profile: 100, level: 40, width: 1920, height: 1080 },
    },
    {
      name: '4:2:2, cropped in width',
      wire: '017a0015ffe1001a 677a0015bcd941b1fe4f011000000300100000030320f162d960 01000668ebe3cb22c0',
      ...{ profile: 122, level: 21, width: 426, height: 240 },
    },
    {
      name: '4:4:4 with scaling matrices: cropping counts single pixels',
      wire: '01f4000dffe1001b 67f4000d919b282a33c7c5e022000003000200000300641e28532c 01000768ebe3c4440110',
      ...{ profile: 244, level: 13, width: 322, height: 182 },
    },
    {
      name: '4:2:0 with scaling matrices',
      wire: '01640020ffe1001b 67640020acd9405005df88c044000003000400000300c83c60c658 01000768ebe3cb3002c0',
      ...{ profile: 100, level: 32, width: 1280, height: 722 },
    },
    {
      name: 'monochrome, an odd height',
      wire: '0164000bffe1001a 6764000bf3650d3f898cc044000003000400000300c83c50a658 01000668ebe3cb22c0',
      ...{ profile: 100, level: 11, width: 200, height: 101 },
    },
  ];

for (const { name, wire, ...expected } of cases) {
  test(`AVC configuration: ${name}`, () => {
    const { profile, level, width, height, nalLengthBytes, sps, pps } = decodeAvcConfiguration(hex(wire));
    assert.deepEqual({ profile, level, width, height }, expected);
    assert.equal(nalLengthBytes, 4);
    assert.equal(sps.length, 1);
    assert.equal(sps[0]![0], 0x67);
    assert.equal(pps.length, 1);
    assert.equal(pps[0]![0], 0x68);
  });
}

test('the parameter sets are the bytes between the lengths', () => {
  const { sps, pps, compatibility } = decodeAvcConfiguration(hex(cases[1]!.wire));
  assert.equal(toHex(sps[0]!), '6742c01ed900a02ff97011000003000100000300320f162e48');
  assert.equal(toHex(pps[0]!), '68cb83cb20');
  assert.equal(compatibility, 0xc0);
});

test('every truncation of a configuration is a DecodeError', () => {
  const wire = hex(cases[0]!.wire);
  for (let length = 0; length < wire.length; length += 1) {
    assert.throws(() => decodeAvcConfiguration(wire.subarray(0, length)), DecodeError, `${length} bytes`);
  }
});

test('what is no configuration is refused with its reason', () => {
  const refused = (wire: string, code: string) =>
    assert.throws(() => decodeAvcConfiguration(hex(wire)), { code });
  refused('00640028ffe100', 'ERR_AVC_VERSION');
  refused('01640028fee100', 'ERR_AVC_LENGTH_BYTES');
  refused('01640028ffe000', 'ERR_AVC_NO_SPS');
  refused('01640028ffe10001 68 00', 'ERR_AVC_NOT_SPS');
  refused('01640028ffe10002 6742 00', 'ERR_BITS_SHORT');
  refused('01640028ffe1000a 6742000a 0000000000000000 00', 'ERR_BITS_EXP_GOLOMB');
  // 1 × 1 macroblocks, of which 18 columns are cropped.
  refused('01640028ffe10007 6742000a ddd15d 00', 'ERR_AVC_DIMENSIONS');
});
