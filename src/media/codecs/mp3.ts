// MPEG audio, layers I to III: where frames are, and what an ID3 tag says. ISO/IEC 11172-3 §2.4.1, 13818-3; id3.org.
import type { AmfObject } from '../../protocol/amf/amf.ts';

export interface Mp3Frame {
  /** Header and all. */
  readonly bytes: number;
  readonly samples: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitrate: number;
  /** Of the side information that stands behind the header, and behind the CRC if there is one. */
  readonly sideBytes: number;
}

export const MP3_HEAD_BYTES = 4;

const RATES: Readonly<Record<number, readonly number[]>> = {
  3: [44_100, 48_000, 32_000], // MPEG-1
  2: [22_050, 24_000, 16_000], // MPEG-2
  0: [11_025, 12_000, 8_000], // MPEG-2.5
};
/** kbit/s of layer III, by index; MPEG-1, and the others. */
const KBITS_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBITS_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const MPEG_1 = 3;
const SAMPLES_1 = 1152;
const LAYER_3 = 1;

// | sync u11 | version u2 | layer u2 | no CRC u1 | bitrate u4 | rate u2 | padding u1 | private u1 | mode u2 | … |
/** Undefined: no frame of layer III begins there. */
export function readMp3Frame(bytes: Uint8Array, at: number): Mp3Frame | undefined {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if (a !== 0xff || b === undefined || c === undefined || d === undefined) return undefined;
  if ((b & 0xe0) !== 0xe0 || ((b >>> 1) & 3) !== LAYER_3) return undefined;
  const version = (b >>> 3) & 3;
  const sampleRate = RATES[version]?.[(c >>> 2) & 3];
  const kbits = (version === MPEG_1 ? KBITS_1 : KBITS_2)[c >>> 4];
  if (!sampleRate || !kbits) return undefined;
  const samples = version === MPEG_1 ? SAMPLES_1 : 576;
  const bitrate = kbits * 1000;
  const padding = (c >>> 1) & 1;
  const channels = d >>> 6 === 3 ? 1 : 2;
  const [mono, stereo] = version === MPEG_1 ? [17, 32] : [9, 17];
  return {
    bytes: frameBytes(samples, kbits, sampleRate) + padding,
    samples,
    sampleRate,
    channels,
    bitrate,
    sideBytes: channels === 1 ? mono : stereo,
  };
}

function frameBytes(samples: number, kbits: number, sampleRate: number): number {
  return Math.floor(((samples / 8) * kbits * 1000) / sampleRate);
}

/** Of the frames of a file with such ones. */
export function shortestMp3Frame({ samples, sampleRate }: Mp3Frame): number {
  return frameBytes(samples, (samples === SAMPLES_1 ? KBITS_1 : KBITS_2)[1]!, sampleRate);
}
export function longestMp3Frame({ samples, sampleRate }: Mp3Frame): number {
  return frameBytes(samples, (samples === SAMPLES_1 ? KBITS_1 : KBITS_2).at(-1)!, sampleRate) + 1;
}

/**
 * Whether the frame is one, and not bytes that look so: another one of its kind follows it. Undefined: what follows is not there.
 */
export function isFollowed(bytes: Uint8Array, at: number, frame: Mp3Frame): boolean | undefined {
  const next = at + frame.bytes;
  if (next + MP3_HEAD_BYTES > bytes.length) return undefined;
  return readMp3Frame(bytes, next)?.sampleRate === frame.sampleRate;
}

/** How many bytes an ID3 version 2 tag at the beginning takes; 0: there is none. Of the file, ten bytes. */
export function id3Bytes(bytes: Uint8Array): number {
  if (bytes.length < 10 || bytes[0] !== 0x49 || bytes[1] !== 0x44 || bytes[2] !== 0x33) return 0;
  const hasFooter = (bytes[5]! & 0x10) !== 0;
  return 10 + syncSafe(bytes, 6) + (hasFooter ? 10 : 0);
}

/** Seven bits a byte. */
function syncSafe(bytes: Uint8Array, at: number): number {
  return [0, 1, 2, 3].reduce((sum, i) => sum * 128 + (bytes[at + i]! & 0x7f), 0);
}

const MAX_TEXTS = 256;

// | "ID3" | version u8, revision u8 | flags u8 | size, seven bits a byte | frames |
// frame: | id 4 | size u32, in version 4 seven bits a byte | flags u16 | encoding u8 | text |
/** Texts of a tag of version 3 or 4, by the names of their frames: TIT2, TPE1, TALB … */
export function readId3(tag: Uint8Array): AmfObject {
  const texts: AmfObject = {};
  const version = tag[3]!;
  if (id3Bytes(tag) === 0 || (version !== 3 && version !== 4)) return texts;
  let at = 10;
  for (let i = 0; i < MAX_TEXTS && at + 10 <= tag.length; i += 1) {
    const id = String.fromCharCode(...tag.subarray(at, at + 4));
    const size =
      version === 4
        ? syncSafe(tag, at + 4)
        : tag[at + 4]! * 0x100_0000 + (tag[at + 5]! << 16) + (tag[at + 6]! << 8) + tag[at + 7]!;
    const body = tag.subarray(at + 10, at + 10 + size);
    if (!/^[A-Z][A-Z0-9]{3}$/.test(id) || body.length < size) break;
    if (id.startsWith('T') && body.length > 1) texts[id] = decodeText(body);
    at += 10 + size;
  }
  return texts;
}

const ENCODINGS = ['latin1', 'utf-16', 'utf-16be', 'utf-8'] as const;

function decodeText(body: Uint8Array): string {
  const text = new TextDecoder(ENCODINGS[body[0]!] ?? 'latin1').decode(body.subarray(1));
  return text.replace(/\0+$/, '');
}
