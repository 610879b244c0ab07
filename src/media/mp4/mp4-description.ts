// What an MP4 says about how its samples are coded, and what they look like as RTMP messages. ISO/IEC 14496-12 §8.5.2,
// 14496-14, 14496-15; FLV 10.1 §E.4; Enhanced RTMP v2.
import { ByteReader, ByteWriter } from '../../protocol/bytes.ts';
import { decodeAacConfiguration } from '../codecs/aac.ts';
import { decodeAvcConfiguration } from '../codecs/avc.ts';
import { boxesIn } from './mp4-box.ts';

export interface Description {
  /** `avc1`, `mp4a`: as the file has it. */
  readonly sampleType: string;
  /** Undefined: RTMP has no way of saying it. */
  readonly packing: Packing | undefined;
  readonly width?: number;
  readonly height?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly avcProfile?: number;
  readonly avcLevel?: number;
  readonly aacObjectType?: number;
}

/** How a sample becomes the payload of a message. */
export interface Packing {
  /** Decoder configuration as a message of its own, before everything else. */
  readonly header: Uint8Array | undefined;
  /** What stands before the sample's own bytes. */
  frameHead(isKey: boolean, compositionMs: number): Uint8Array;
}

const MAX_DESCRIPTIONS = 64;

const Packet = { SequenceStart: 0, CodedFrames: 1 } as const;
const KEY = 0x10;
const INTER = 0x20;
const AVC = 7;
const AAC = 0xaf;
/** MP3, 44 kHz, 16 bits, stereo: what it really is the frames say. */
const MP3 = 0x2f;
const EX_VIDEO = 0x80;
const EX_AUDIO = 0x90;

// stsd: | version, flags | count u32 | entries, each a box |
export function readDescriptions(stsd: Uint8Array, kind: 'video' | 'audio'): Description[] {
  const all: Description[] = [];
  for (const { type, body } of boxesIn(stsd.subarray(8))) {
    if (all.length === MAX_DESCRIPTIONS) break;
    all.push(kind === 'video' ? readVideo(type, body) : readAudio(type, body));
  }
  return all;
}

/** Where the boxes inside a picture's description begin. */
const VIDEO_HEAD_BYTES = 78;

// | 6 reserved | reference u16 | 16 | width u16 | height u16 | … | boxes |
function readVideo(sampleType: string, body: Uint8Array): Description {
  if (body.length < VIDEO_HEAD_BYTES) return { sampleType, packing: undefined };
  const from = new ByteReader(body.subarray(24));
  const [width, height] = [from.u16(), from.u16()];
  const inner = new Map([...boxesIn(body.subarray(VIDEO_HEAD_BYTES))].map((box) => [box.type, box.body]));
  const avcC = inner.get('avcC');
  if (avcC && (sampleType === 'avc1' || sampleType === 'avc3')) {
    const { profile, level } = decodeAvcConfiguration(avcC);
    return { sampleType, width, height, avcProfile: profile, avcLevel: level, packing: avcPacking(avcC) };
  }
  const enhanced = ENHANCED_VIDEO[sampleType];
  const config = enhanced && inner.get(enhanced.config);
  return { sampleType, width, height, packing: config && exVideoPacking(enhanced.fourCc, config) };
}

const ENHANCED_VIDEO: Readonly<Record<string, { fourCc: string; config: string }>> = {
  hvc1: { fourCc: 'hvc1', config: 'hvcC' },
  hev1: { fourCc: 'hvc1', config: 'hvcC' },
  vvc1: { fourCc: 'vvc1', config: 'vvcC' },
  av01: { fourCc: 'av01', config: 'av1C' },
  vp09: { fourCc: 'vp09', config: 'vpcC' },
  vp08: { fourCc: 'vp08', config: 'vpcC' },
};
const WITH_COMPOSITION: ReadonlySet<string> = new Set(['hvc1', 'vvc1']);

function avcPacking(avcC: Uint8Array): Packing {
  return {
    header: new ByteWriter()
      .u8(KEY | AVC)
      .u8(Packet.SequenceStart)
      .u24(0)
      .bytes(avcC)
      .done(),
    frameHead: (isKey, compositionMs) =>
      new ByteWriter(5)
        .u8((isKey ? KEY : INTER) | AVC)
        .u8(Packet.CodedFrames)
        .u24(compositionMs & 0xff_ffff)
        .done(),
  };
}

function exVideoPacking(fourCc: string, config: Uint8Array): Packing {
  const head = (frame: number, packet: number) => new ByteWriter().u8(EX_VIDEO | frame | packet).utf8(fourCc);
  return {
    header: head(KEY, Packet.SequenceStart).bytes(config).done(),
    frameHead(isKey, compositionMs) {
      const out = head(isKey ? KEY : INTER, Packet.CodedFrames);
      return (WITH_COMPOSITION.has(fourCc) ? out.u24(compositionMs & 0xff_ffff) : out).done();
    },
  };
}

const AUDIO_HEAD_BYTES = 28;
/** QuickTime's versions of the description are longer. */
const QUICKTIME_MORE_BYTES: Readonly<Record<number, number>> = { 1: 16, 2: 36 };

// | 6 reserved | reference u16 | version u16 | 6 | channels u16 | bits u16 | 4 | rate u16.16 | [QuickTime's own] | boxes |
function readAudio(sampleType: string, body: Uint8Array): Description {
  if (body.length < AUDIO_HEAD_BYTES) return { sampleType, packing: undefined };
  const from = new ByteReader(body.subarray(8));
  const version = from.u16();
  from.take(6);
  const channels = from.u16();
  from.take(6);
  const sampleRate = from.u16();
  const boxes = boxesDeep(body.subarray(AUDIO_HEAD_BYTES + (QUICKTIME_MORE_BYTES[version] ?? 0)));
  return { sampleType, channels, sampleRate, packing: undefined, ...audioCoding(sampleType, boxes) };
}

/** QuickTime wraps what describes AAC in a box `wave`. */
function boxesDeep(body: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const { type, body: inner } of boxesIn(body)) {
    found.set(type, inner);
    if (type === 'wave') for (const box of boxesIn(inner)) found.set(box.type, box.body);
  }
  return found;
}

function audioCoding(sampleType: string, boxes: Map<string, Uint8Array>): Partial<Description> {
  const [esds, dOps, dfLa] = [boxes.get('esds'), boxes.get('dOps'), boxes.get('dfLa')];
  if (sampleType === 'mp4a' && esds) return mpegAudio(esds);
  if (sampleType === '.mp3') return { packing: mp3Packing() };
  if (sampleType === 'Opus' && dOps) return { packing: exAudioPacking('Opus', opusHead(dOps)) };
  if (sampleType === 'fLaC' && dfLa) {
    const config = new ByteWriter().utf8('fLaC').bytes(dfLa.subarray(4)).done();
    return { packing: exAudioPacking('fLaC', config) };
  }
  if (sampleType === 'ac-3' || sampleType === 'ec-3')
    return { packing: exAudioPacking(sampleType, undefined) };
  return {};
}

/** Types of objects that are MP3: MPEG-2 and MPEG-1 audio. ISO/IEC 14496-1 §7.2.6.6.2. */
const MP3_OBJECTS: ReadonlySet<number> = new Set([0x69, 0x6b]);

function mpegAudio(esds: Uint8Array): Partial<Description> {
  const { objectType, config } = readDecoderConfig(new ByteReader(esds.subarray(4)));
  if (MP3_OBJECTS.has(objectType)) return { packing: mp3Packing() };
  if (!config || config.length === 0) return {};
  const { objectType: aacObjectType, sampleRate, channels } = decodeAacConfiguration(config);
  const packing: Packing = {
    header: new ByteWriter().u8(AAC).u8(Packet.SequenceStart).bytes(config).done(),
    frameHead: () => Uint8Array.of(AAC, Packet.CodedFrames),
  };
  return { aacObjectType, sampleRate, ...(channels ? { channels } : {}), packing };
}

export function mp3Packing(): Packing {
  return { header: undefined, frameHead: () => Uint8Array.of(MP3) };
}

const Tag = { EsDescriptor: 3, DecoderConfig: 4, DecoderSpecific: 5 } as const;

// | tag u8 | length, seven bits a byte | … |, one in the other. ISO/IEC 14496-1 §7.2.6
function readDecoderConfig(from: ByteReader): { objectType: number; config: Uint8Array | undefined } {
  let objectType = 0;
  while (from.remaining > 2) {
    const tag = from.u8();
    const length = readLength(from);
    if (tag === Tag.EsDescriptor) {
      from.u16();
      const flags = from.u8();
      if (flags & 0x80) from.u16();
      if (flags & 0x40) from.take(from.u8());
      if (flags & 0x20) from.u16();
    } else if (tag === Tag.DecoderConfig) {
      objectType = from.u8();
      from.take(12);
    } else if (tag === Tag.DecoderSpecific) return { objectType, config: from.take(length) };
    else from.take(Math.min(length, from.remaining));
  }
  return { objectType, config: undefined };
}

function readLength(from: ByteReader): number {
  let length = 0;
  for (let i = 0; i < 4; i += 1) {
    const byte = from.u8();
    length = length * 128 + (byte & 0x7f);
    if ((byte & 0x80) === 0) break;
  }
  return length;
}

function exAudioPacking(fourCc: string, config: Uint8Array | undefined): Packing {
  const head = (packet: number) => new ByteWriter().u8(EX_AUDIO | packet).utf8(fourCc);
  const frame = head(Packet.CodedFrames).done();
  return {
    header: config && head(Packet.SequenceStart).bytes(config).done(),
    frameHead: () => frame,
  };
}

// dOps: | 0 | channels u8 | pre-skip u16 | rate u32 | gain i16 | family u8 | … |, big-endian
// OpusHead: "OpusHead" | 1 | channels u8 | pre-skip u16 | rate u32 | gain i16 | family u8 | … |, little-endian. RFC 7845 §5.1
function opusHead(dOps: Uint8Array): Uint8Array {
  const from = new ByteReader(dOps);
  from.u8();
  const channels = from.u8();
  const [skip, rate, gain] = [from.u16(), from.u32(), from.u16()];
  const swapped = ((skip & 0xff) << 8) | (skip >>> 8);
  const out = new ByteWriter().utf8('OpusHead').u8(1).u8(channels).u16(swapped).u32le(rate);
  return out
    .u16(((gain & 0xff) << 8) | (gain >>> 8))
    .bytes(from.take(from.remaining))
    .done();
}
