// Configurations made by x265 (ffmpeg's libx265, MP4 muxer) for pictures of known size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { decodeHevcConfiguration } from '../../../src/media/codecs/hevc.ts';
import { hex } from '../../support/hex.ts';
import { HEVC_CONFIGURATION } from '../../support/media.ts';

for (const [name, wire, width, height, profile, level] of [
  [
    'Main, 1080 lines cropped from 1088',
    `01016000000090000000000078f000fcfdf8f800000f03 200001 0018 40010c01ffff016000000300900000030000030078959809
     210001 002b 420101016000000300900000030000030078a003c08010e596566924caf010100000030010000003019080
     220001 0007 4401c172b46240`,
    1920,
    1080,
    1,
    120,
  ],
  [
    '4:4:4: cropping counts single pixels',
    `0104080000009e08000000003cf000fcfff8f800000f03 200001 0017 40010c01ffff0408000003009e0800000300003c959809
     210001 002a 4201010408000003009e0800000300003c90014901739ef2cacd24995e02020000030002000003003210
     220001 0008 4401c172860c4624`,
    322,
    182,
    4,
    60,
  ],
  [
    '4:2:2 of ten bits, cropped in width',
    `0104080000009d08000000003cf000fcfefafa00000f03 200001 0017 40010c01ffff0408000003009d0800000300003c959809
     210001 002a 4201010408000003009d0800000300003cb00d880f1c9b65959a4932bc04040000030004000003006420
     220001 0007 4401c172b46240`,
    426,
    240,
    4,
    60,
  ],
] as [string, string, number, number, number, number][]) {
  test(name, () => {
    assert.deepEqual(decodeHevcConfiguration(hex(wire)), { width, height, profile, level });
  });
  test(`${name}: every truncation is a DecodeError`, () => {
    const whole = hex(wire);
    for (let length = 0; length < whole.length; length += 1) {
      assert.throws(() => decodeHevcConfiguration(whole.subarray(0, length)), DecodeError, `${length} bytes`);
    }
  });
}

test('a configuration without an SPS, or with one of no size, is refused', () => {
  const refused = (wire: Uint8Array, code: string) =>
    assert.throws(() => decodeHevcConfiguration(wire), { name: 'DecodeError', code });
  refused(Buffer.concat([HEVC_CONFIGURATION.subarray(0, 22), hex('00')]), 'ERR_HEVC_NO_SPS');
  const sps = hex('4201 01 01 60000000 000000000000 1e ac00'); // 0 × 0
  const head = Buffer.concat([
    HEVC_CONFIGURATION.subarray(0, 22),
    hex('01 a1 0001 00'),
    Buffer.of(sps.length),
  ]);
  refused(Buffer.concat([head, sps]), 'ERR_HEVC_DIMENSIONS');
});
