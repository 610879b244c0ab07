import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { type AacConfiguration, decodeAacConfiguration } from '../../../src/media/codecs/aac.ts';
import { hex } from '../../support/hex.ts';

const cases: { name: string; wire: string; configuration: AacConfiguration }[] = [
  {
    name: 'LC, 44.1 kHz, stereo, two bytes as most encoders send them',
    wire: '1210',
    configuration: { objectType: 2, sampleRate: 44_100, channels: 2, outputSampleRate: 44_100 },
  },
  {
    name: 'LC, 48 kHz, mono, with ffmpeg’s extension that says "no SBR"',
    wire: '118856e500',
    configuration: { objectType: 2, sampleRate: 48_000, channels: 1, outputSampleRate: 48_000 },
  },
  {
    name: 'LC, 22.05 kHz, mono',
    wire: '138856e500',
    configuration: { objectType: 2, sampleRate: 22_050, channels: 1, outputSampleRate: 22_050 },
  },
  {
    name: 'HE-AAC announced behind the core configuration',
    wire: '1390 56e5a0', // 00010 0111 0010 000 | 2b7 | 00101 1 0100 0
    configuration: { objectType: 2, sampleRate: 22_050, channels: 2, outputSampleRate: 44_100 },
  },
  {
    name: 'HE-AAC announced up front',
    wire: '2b 92 08 00', // 00101 0111 0010 0100 00010 …
    configuration: { objectType: 2, sampleRate: 22_050, channels: 2, outputSampleRate: 44_100 },
  },
  {
    name: 'HE-AAC v2 announced up front: mono below, stereo heard',
    wire: 'eb 8a 08 00', // 11101 0111 0001 0100 00010 …
    configuration: { objectType: 2, sampleRate: 22_050, channels: 2, outputSampleRate: 44_100 },
  },
  {
    name: '7.1 is configuration 7',
    wire: '11b8',
    configuration: { objectType: 2, sampleRate: 48_000, channels: 8, outputSampleRate: 48_000 },
  },
  {
    name: 'channels said elsewhere',
    wire: '1180',
    configuration: { objectType: 2, sampleRate: 48_000, channels: undefined, outputSampleRate: 48_000 },
  },
  {
    name: 'a sample rate in Hz, an object type above 30 (xHE-AAC)',
    wire: 'f9 5e 01 77 00 20', // 11111 001010 1111 000000001011101110000000 0001 …
    configuration: { objectType: 42, sampleRate: 48_000, channels: 1, outputSampleRate: 48_000 },
  },
];

for (const { name, wire, configuration } of cases) {
  test(`AAC configuration: ${name}`, () => {
    assert.deepEqual(decodeAacConfiguration(hex(wire)), configuration);
  });
}

test('a configuration that is cut off or has a reserved rate is refused', () => {
  for (const wire of ['', '12', '2b 92', 'f9 5e 01 77']) {
    assert.throws(() => decodeAacConfiguration(hex(wire)), DecodeError, wire);
  }
  assert.throws(() => decodeAacConfiguration(hex('1690')), { code: 'ERR_AAC_RATE' });
});
