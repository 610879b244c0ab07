// Sample entries of MP4 files, which say how to decode a track: made of the decoder configurations of RTMP, whose bytes are
// mostly the same. ISO/IEC 14496-12 §8.5.2, -14 §5.6 (AAC, MP3), -15 §5.4 (AVC) and §8.4 (HEVC); "AV1 Codec ISO Media File
// Format Binding" §2.3; "VP Codec ISO Media File Format Binding"; "Encapsulation of Opus in ISO Base Media File Format" §4.3;
// "Encapsulation of FLAC in ISO Base Media File Format" §3.3.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';
import { decodeAacConfiguration } from '../codecs/aac.ts';
import { decodeAv1Configuration, withoutDescriptor } from '../codecs/av1.ts';
import { decodeAvcConfiguration } from '../codecs/avc.ts';
import { decodeFlacConfiguration } from '../codecs/flac.ts';
import { decodeHevcConfiguration } from '../codecs/hevc.ts';
import { decodeOpusConfiguration, OPUS_RATE } from '../codecs/opus.ts';
import { decodeVpConfiguration } from '../codecs/vpx.ts';
import { box, concat, fullBox, u8, u16, u32, zeros } from './mp4-build.ts';

export interface TrackEntry {
  readonly kind: 'video' | 'audio';
  readonly codec: string;
  /** Units of time in a second. */
  readonly timescale: number;
  readonly width: number;
  readonly height: number;
  /** Units of time that a frame of sound has, where all have the same. */
  readonly frameUnits: number | undefined;
  /** The sample entry box. */
  readonly bytes: Uint8Array;
}

/** RTMP's timestamps are milliseconds. */
const VIDEO_TIMESCALE = 1000;

interface VideoBox {
  readonly entry: string;
  readonly box: string;
  readonly prefix: Uint8Array;
  /** The size of its pictures, where the configuration says that. A DecodeError: it configures nothing. */
  sizeIn(configuration: Uint8Array): Size | undefined;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const NO_VERSION = zeros(0);
const VPCC_VERSION = Uint8Array.of(1, 0, 0, 0);
const VIDEO_BOXES: Readonly<Record<string, VideoBox>> = {
  avc: { entry: 'avc1', box: 'avcC', prefix: NO_VERSION, sizeIn: decodeAvcConfiguration },
  hevc: { entry: 'hvc1', box: 'hvcC', prefix: NO_VERSION, sizeIn: decodeHevcConfiguration },
  av1: { entry: 'av01', box: 'av1C', prefix: NO_VERSION, sizeIn: checkAv1 },
  vp8: { entry: 'vp08', box: 'vpcC', prefix: VPCC_VERSION, sizeIn: checkVp },
  vp9: { entry: 'vp09', box: 'vpcC', prefix: VPCC_VERSION, sizeIn: checkVp },
  vvc: { entry: 'vvc1', box: 'vvcC', prefix: zeros(4), sizeIn: () => undefined },
};

function checkAv1(configuration: Uint8Array): undefined {
  decodeAv1Configuration(configuration);
}

function checkVp(configuration: Uint8Array): undefined {
  decodeVpConfiguration(configuration);
}

/** What RTMP carries and this can put into an MP4. */
export function isMp4Codec(kind: TrackEntry['kind'], codec: string): boolean {
  return Object.hasOwn(kind === 'video' ? VIDEO_BOXES : AUDIO_ENTRIES, codec);
}

/** `size`: as the metadata has it, for codecs whose configuration does not say. A DecodeError: it configures nothing. */
export function videoEntry(codec: string, carried: Uint8Array, size: Size): TrackEntry {
  const kind = VIDEO_BOXES[codec]!;
  const configuration = codec === 'av1' ? withoutDescriptor(carried) : carried;
  const { width, height } = kind.sizeIn(configuration) ?? size;
  const isPrefixed = kind.prefix.length > 0 && startsWith(configuration, kind.prefix);
  const bytes = box(
    kind.entry,
    ...[zeros(6), u16(1)], // reserved, data reference
    zeros(16),
    ...[u16(width), u16(height)],
    ...[u32(0x48_0000), u32(0x48_0000), u32(0), u16(1)], // 72 dpi, one frame in a sample
    zeros(32), // compressor name
    ...[u16(24), u16(0xffff)], // depth, no colour table
    box(kind.box, isPrefixed ? NO_VERSION : kind.prefix, configuration),
  );
  return { kind: 'video', codec, timescale: VIDEO_TIMESCALE, width, height, frameUnits: undefined, bytes };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

interface Sound {
  readonly type: string;
  readonly channels: number;
  readonly sampleRate: number;
  readonly frameUnits: number | undefined;
  readonly box: Uint8Array;
}

/** `configuration`: the sequence header's data, or what codecs without one say at the beginning of each frame. */
const AUDIO_ENTRIES: Readonly<Record<string, (configuration: Uint8Array) => Sound>> = {
  aac(configuration) {
    const { sampleRate, channels = 2 } = decodeAacConfiguration(configuration);
    return { type: 'mp4a', channels, sampleRate, frameUnits: 1024, box: esds(0x40, configuration) };
  },
  mp3(frame) {
    const { sampleRate, channels, samples } = readMp3Head(frame);
    return { type: 'mp4a', channels, sampleRate, frameUnits: samples, box: esds(0x6b, undefined) };
  },
  opus(configuration) {
    const { channels, preSkip, inputRate, gain, mapping } = decodeOpusConfiguration(configuration);
    const dops = [u8(0), u8(channels), u16(preSkip), u32(inputRate), u16(gain), mapping];
    return {
      type: 'Opus',
      channels,
      sampleRate: OPUS_RATE,
      frameUnits: undefined,
      box: box('dOps', ...dops),
    };
  },
  flac(configuration) {
    const { channels, sampleRate, blocks } = decodeFlacConfiguration(configuration);
    return {
      type: 'fLaC',
      channels,
      sampleRate,
      frameUnits: undefined,
      box: fullBox('dfLa', 0, 0, blocks),
    };
  },
};

export function audioEntry(codec: string, configuration: Uint8Array): TrackEntry {
  const sound = AUDIO_ENTRIES[codec]!(configuration);
  const { type, channels, sampleRate, frameUnits } = sound;
  if (sampleRate === 0) throw new DecodeError('ERR_MP4_CONFIGURATION', `${codec} of 0 samples a second`);
  const bytes = box(
    type,
    ...[zeros(6), u16(1)], // reserved, data reference
    zeros(8),
    ...[u16(channels), u16(16), zeros(4)],
    u32(sampleRate > 0xffff ? 0 : sampleRate * 0x1_0000),
    sound.box,
  );
  return { kind: 'audio', codec, timescale: sampleRate, width: 0, height: 0, frameUnits, bytes };
}

/** Codecs of sound that say in a message of its own how they are decoded. */
export function hasConfiguration(codec: string): boolean {
  return codec !== 'mp3';
}

// ES_Descriptor { DecoderConfigDescriptor { DecoderSpecificInfo } SLConfigDescriptor }   ISO/IEC 14496-1 §7.2.6
function esds(objectType: number, specific: Uint8Array | undefined): Uint8Array {
  const info = specific ? descriptor(5, specific) : zeros(0);
  const audioStream = 0x15;
  const decoder = descriptor(4, u8(objectType), u8(audioStream), zeros(3 + 4 + 4), info);
  return fullBox('esds', 0, 0, descriptor(3, u16(0), u8(0), decoder, descriptor(6, u8(2))));
}

/** Lengths of four bytes of seven bits each, as everybody writes them. */
function descriptor(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  const { length } = body;
  const size = [length >>> 21, length >>> 14, length >>> 7].map((part) => (part & 0x7f) | 0x80);
  return concat(Uint8Array.of(tag, ...size, length & 0x7f), body);
}

const MP3_RATES: readonly (readonly number[] | undefined)[] = [
  [11_025, 12_000, 8_000], // MPEG 2.5
  undefined,
  [22_050, 24_000, 16_000], // MPEG 2
  [44_100, 48_000, 32_000], // MPEG 1
];

// | sync u11 | version u2 | layer u2 | … | bitrate u4 | rate u2 | … | mode u2 |    ISO/IEC 11172-3 §2.4.1.3
function readMp3Head(frame: Uint8Array): { sampleRate: number; channels: number; samples: number } {
  const word = new ByteReader(frame).u32();
  const version = (word >>> 19) & 3;
  const sampleRate = MP3_RATES[version]?.[(word >>> 10) & 3];
  if (word >>> 21 !== 0x7ff || sampleRate === undefined) {
    throw new DecodeError('ERR_MP4_CONFIGURATION', 'MP3 that does not begin with a frame');
  }
  const isMono = ((word >>> 6) & 3) === 3;
  return { sampleRate, channels: isMono ? 1 : 2, samples: version === 3 ? 1152 : 576 };
}

/** Samples at 48 kHz in an Opus packet. RFC 6716 §3.1. */
export function opusSamples(packet: Uint8Array): number {
  const toc = packet[0] ?? 0;
  const config = toc >>> 3;
  const perFrame =
    config < 12
      ? [480, 960, 1920, 2880][config & 3]!
      : config < 16
        ? [480, 960][config & 1]!
        : [120, 240, 480, 960][config & 3]!;
  const count = [1, 2, 2, (packet[1] ?? 0) & 0x3f][toc & 3]!;
  return perFrame * Math.max(1, count);
}
