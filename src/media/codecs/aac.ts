// AAC's decoder configuration: what an AAC sequence header carries. ISO/IEC 14496-3 §1.6.2.1.
import { DecodeError } from '../../errors.ts';
import { BitReader } from './bit-reader.ts';

export interface AacConfiguration {
  /** Of the core codec: 2 is AAC LC, also below SBR and PS. */
  objectType: number;
  sampleRate: number;
  /** As heard: parametric stereo makes two of one. Undefined when a program configuration element inside the stream says it. */
  channels: number | undefined;
  /** The rate of what is heard: with spectral band replication (HE-AAC) twice the core's. */
  outputSampleRate: number;
}

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
const RATE_FOLLOWS = 15;

/** By channel configuration. ISO/IEC 14496-3 table 1.19. */
const CHANNELS: readonly (number | undefined)[] = [
  undefined,
  ...[1, 2, 3, 4, 5, 6, 8],
  ...[undefined, undefined, undefined, 7, 8, 24, 8],
];

const OBJECT_TYPE_NULL = 0;
const OBJECT_TYPE_SBR = 5;
const OBJECT_TYPE_PS = 29;
const OBJECT_TYPE_ESCAPE = 31;

/** Announces SBR behind the core configuration, where decoders without SBR do not look. §1.6.5.2. */
const SYNC_EXTENSION = 0x2b7;

const OBJECT_TYPE_LC = 2;

// | object type u5, 31: then u6 more | rate index u4, 15: then u24 Hz | channel configuration u4 |
// SBR and PS: | output rate, as above | core object type, as above |
// then | short frames u1 | core coder u1, 1: then delay u14 | extension u1 | and maybe | 2b7 u11 | 5 u5 | SBR u1 | output rate |
export function decodeAacConfiguration(bytes: Uint8Array): AacConfiguration {
  const r = new BitReader(bytes);
  let objectType = readObjectType(r);
  if (objectType === OBJECT_TYPE_NULL)
    throw new DecodeError('ERR_AAC_OBJECT_TYPE', 'an AAC object type of 0');
  const sampleRate = readSampleRate(r);
  const channelConfiguration = r.bits(4);
  let channels = CHANNELS[channelConfiguration];
  let outputSampleRate = sampleRate;
  if (objectType === OBJECT_TYPE_SBR || objectType === OBJECT_TYPE_PS) {
    if (objectType === OBJECT_TYPE_PS && channels === 1) channels = 2;
    outputSampleRate = readSampleRate(r);
    objectType = readObjectType(r);
  } else if (objectType === OBJECT_TYPE_LC && channelConfiguration !== 0) {
    outputSampleRate = readTrailingSbr(r) ?? sampleRate;
  }
  return { objectType, sampleRate, channels, outputSampleRate };
}

function readTrailingSbr(r: BitReader): number | undefined {
  if (r.remaining < 3) return undefined;
  r.skip(1);
  const hasCoreCoder = r.flag();
  r.skip(1);
  if (hasCoreCoder && r.remaining >= 14) r.skip(14);
  if (r.remaining < 17 || r.bits(11) !== SYNC_EXTENSION) return undefined;
  return readObjectType(r) === OBJECT_TYPE_SBR && r.flag() ? readSampleRate(r) : undefined;
}

function readObjectType(r: BitReader): number {
  const objectType = r.bits(5);
  return objectType === OBJECT_TYPE_ESCAPE ? 32 + r.bits(6) : objectType;
}

function readSampleRate(r: BitReader): number {
  const index = r.bits(4);
  if (index === RATE_FOLLOWS) return r.bits(24);
  const rate = SAMPLE_RATES[index];
  if (rate === undefined) throw new DecodeError('ERR_AAC_RATE', `AAC sample rate index ${index} is reserved`);
  return rate;
}
