// What a decoder configuration, or the first frame of a codec that has none, says of the media in words that people know.
import { DecodeError } from '../errors.ts';
import { decodeAacConfiguration } from './codecs/aac.ts';
import { av1Size, decodeAv1Configuration, withoutDescriptor } from './codecs/av1.ts';
import { decodeAvcConfiguration } from './codecs/avc.ts';
import { decodeFlacConfiguration } from './codecs/flac.ts';
import { decodeHevcConfiguration } from './codecs/hevc.ts';
import { readMp3Frame } from './codecs/mp3.ts';
import { decodeOpusConfiguration, OPUS_RATE } from './codecs/opus.ts';
import { decodeVpConfiguration } from './codecs/vpx.ts';

/** As far as it is said. */
export interface VideoDetails {
  /** `High`, `Main 10`. */
  readonly profile?: string;
  /** `3.1` */
  readonly level?: string;
  readonly width?: number;
  readonly height?: number;
}
export interface AudioDetails {
  /** `LC`, `HE`. */
  readonly profile?: string;
  /** Of what is heard. */
  readonly sampleRate?: number;
  readonly channels?: number;
}

/** H.264 §A.2. */
const AVC_PROFILES: Readonly<Record<number, string>> = {
  44: 'CAVLC 4:4:4 Intra',
  66: 'Baseline',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High 10',
  122: 'High 4:2:2',
  244: 'High 4:4:4 Predictive',
};
const AVC_BASELINE = 66;
const CONSTRAINT_SET_1 = 0x40;

/** H.265 §A.3. */
const HEVC_PROFILES: Readonly<Record<number, string>> = {
  1: 'Main',
  2: 'Main 10',
  3: 'Main Still Picture',
  4: 'Range Extensions',
  5: 'High Throughput',
  9: 'Screen Content Coding',
};
const AV1_PROFILES: Readonly<Record<number, string>> = { 0: 'Main', 1: 'High', 2: 'Professional' };
const AV1_NO_LEVEL = 31;

/** ISO/IEC 14496-3 table 1.17. */
const AAC_PROFILES: Readonly<Record<number, string>> = {
  1: 'Main',
  2: 'LC',
  3: 'SSR',
  4: 'LTP',
  23: 'LD',
  39: 'ELD',
  42: 'xHE',
};

type Reader<T> = (configuration: Uint8Array) => T;

const VIDEO: Readonly<Record<string, Reader<VideoDetails>>> = {
  avc(configuration) {
    const { profile, compatibility, level, width, height } = decodeAvcConfiguration(configuration);
    const isConstrained = profile === AVC_BASELINE && (compatibility & CONSTRAINT_SET_1) !== 0;
    const name = AVC_PROFILES[profile];
    return {
      ...named(isConstrained ? `Constrained ${name}` : name),
      level: tenths(level / 10),
      width,
      height,
    };
  },
  hevc(configuration) {
    const { profile, level, width, height } = decodeHevcConfiguration(configuration);
    return { ...named(HEVC_PROFILES[profile]), level: tenths(level / 30), width, height };
  },
  av1(carried) {
    const configuration = withoutDescriptor(carried);
    const { profile, level } = decodeAv1Configuration(configuration);
    const said = level === AV1_NO_LEVEL ? {} : { level: `${2 + (level >>> 2)}.${level & 3}` };
    return { ...named(AV1_PROFILES[profile]), ...said, ...av1Size(configuration) };
  },
  vp8: () => ({}),
  vp9(configuration) {
    const { profile, level } = decodeVpConfiguration(configuration);
    return { profile: `Profile ${profile}`, ...(level === 0 ? {} : { level: tenths(level / 10) }) };
  },
};

const AUDIO: Readonly<Record<string, Reader<AudioDetails>>> = {
  aac(configuration) {
    const { objectType, sampleRate, outputSampleRate, channels } = decodeAacConfiguration(configuration);
    const profile = outputSampleRate > sampleRate ? 'HE' : AAC_PROFILES[objectType];
    return {
      ...named(profile),
      sampleRate: outputSampleRate,
      ...(channels === undefined ? {} : { channels }),
    };
  },
  opus: (configuration) => ({
    sampleRate: OPUS_RATE,
    channels: decodeOpusConfiguration(configuration).channels,
  }),
  flac(configuration) {
    const { sampleRate, channels } = decodeFlacConfiguration(configuration);
    return { sampleRate, channels };
  },
};

/** Of a sequence header's data. Undefined: it cannot be read; codecs that are not known here say nothing. */
export function videoDetails(codec: string | undefined, configuration: Uint8Array): VideoDetails | undefined {
  return read(VIDEO, codec, configuration);
}
export function audioDetails(codec: string | undefined, configuration: Uint8Array): AudioDetails | undefined {
  return read(AUDIO, codec, configuration);
}

function read<T extends object>(
  readers: Readonly<Record<string, Reader<T>>>,
  codec: string | undefined,
  configuration: Uint8Array,
): T | undefined {
  const reader = codec !== undefined && Object.hasOwn(readers, codec) ? readers[codec] : undefined;
  try {
    return reader ? reader(configuration) : ({} as T);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** By the rate bits of a classic audio tag. FLV 10.1 §E.4.2.1. */
const TAG_RATES = [5_512, 11_025, 22_050, 44_100];

/** Of a classic audio message whose codec has no configuration: its tag says it, or its first frame. */
export function soundDetails(codec: string | undefined, head: Uint8Array, dataOffset: number): AudioDetails {
  const first = head[0] ?? 0;
  const tagged = { sampleRate: TAG_RATES[(first >>> 2) & 3]!, channels: (first & 1) + 1 };
  switch (codec) {
    case 'mp3': {
      const frame = readMp3Frame(head, dataOffset);
      return frame ? { sampleRate: frame.sampleRate, channels: frame.channels } : {};
    }
    case 'pcm':
    case 'adpcm':
      return tagged;
    case 'nellymoser': // in formats of 16 and 8 kHz, always mono
      return { sampleRate: { 4: 16_000, 5: 8_000 }[first >>> 4] ?? tagged.sampleRate, channels: 1 };
    case 'speex':
      return { sampleRate: 16_000, channels: 1 };
    case 'g711a':
    case 'g711u':
      return { sampleRate: 8_000, channels: tagged.channels };
    default:
      return {};
  }
}

function named(profile: string | undefined): { profile?: string } {
  return profile === undefined ? {} : { profile };
}

function tenths(level: number): string {
  return level.toFixed(1);
}
