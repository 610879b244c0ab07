// What the first frame of an MP3 says of all of them, and the tags behind the last one. The header of Xing and LAME (`Xing`, or
// `Info` where the bitrate is constant) and that of Fraunhofer (`VBRI`) stand in a frame without sound; id3.org; APEv2.
import { ByteReader } from '../../protocol/bytes.ts';
import { longestMp3Frame, type Mp3Frame, shortestMp3Frame } from './mp3.ts';

/** As it is claimed; undefined: it says nothing of that. */
export interface Mp3Header {
  /** The header's own is not among them. */
  readonly frames: number | undefined;
  readonly bytes: number | undefined;
}

const FRAME_HEAD_BYTES = 4;
const CRC_BYTES = 2;
const VBRI_AT = FRAME_HEAD_BYTES + 32;
const HAS_FRAMES = 1;
const HAS_BYTES = 2;

// | frame head | [CRC u16] | side information | "Xing" or "Info" | flags u32 | [frames u32] | [bytes u32] | …
// | frame head | 32 bytes | "VBRI" | version, delay, quality u16 | bytes u32 | frames u32 | …
/** Undefined: the frame is sound like any other. `bytes`: it, from its first byte on. */
export function readMp3Header(bytes: Uint8Array, frame: Mp3Frame): Mp3Header | undefined {
  const side = FRAME_HEAD_BYTES + frame.sideBytes;
  for (const at of [side, side + CRC_BYTES]) {
    const name = nameAt(bytes, at);
    if (name === 'Xing' || name === 'Info') return readXing(bytes.subarray(at + 4));
  }
  return nameAt(bytes, VBRI_AT) === 'VBRI' ? readVbri(bytes.subarray(VBRI_AT + 4)) : undefined;
}

function readXing(body: Uint8Array): Mp3Header {
  const none = { frames: undefined, bytes: undefined };
  if (body.length < 12) return none;
  const from = new ByteReader(body);
  const flags = from.u32();
  const frames = flags & HAS_FRAMES ? from.u32() : undefined;
  const bytes = flags & HAS_BYTES ? from.u32() : undefined;
  return { frames, bytes };
}

function readVbri(body: Uint8Array): Mp3Header {
  if (body.length < 14) return { frames: undefined, bytes: undefined };
  const from = new ByteReader(body.subarray(6));
  const bytes = from.u32();
  return { bytes, frames: from.u32() };
}

function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** The file has so much more or less than the header says: it was cut off, or joined to another. */
const MAX_BYTES_OFF = 1 / 16;
/** The frames are so much larger or smaller than those that were looked at. */
const MAX_MEAN_OFF = 1.5;

/**
 * How many frames there are, if that can be. `bytes`: of all frames, the header's among them; `meanBytes`: of some of them,
 * undefined: they say nothing.
 */
export function believedFrames(
  header: Mp3Header,
  frame: Mp3Frame,
  bytes: number,
  meanBytes: number | undefined,
): number | undefined {
  const { frames } = header;
  if (!frames) return undefined;
  const mean = (bytes - frame.bytes) / frames;
  if (mean < shortestMp3Frame(frame) || mean > longestMp3Frame(frame)) return undefined;
  if (meanBytes !== undefined && Math.max(mean / meanBytes, meanBytes / mean) > MAX_MEAN_OFF)
    return undefined;
  const off = header.bytes ? Math.abs(header.bytes - bytes) / Math.min(header.bytes, bytes) : 0;
  return off > MAX_BYTES_OFF ? undefined : frames;
}

/** Of the end of a file so much must be known to see what tags it has. */
export const MP3_TAIL_BYTES = 160;
const ID3V1_BYTES = 128;
const APE_FOOTER_BYTES = 32;
const APE_HAS_HEADER = 0x8000_0000;

// ID3 version 1: | "TAG" | 125 bytes |    APE: | [header] | items | "APETAGEX" | version | bytes | items | flags, all u32 LE | 8 bytes |
/** How many bytes the tags at the end take. `tail`: the last MP3_TAIL_BYTES of the file, or all of it. */
export function mp3TagsBehind(tail: Uint8Array): number {
  const id3At = tail.length - ID3V1_BYTES;
  const id3 = id3At >= 0 && nameAt(tail, id3At).startsWith('TAG') ? ID3V1_BYTES : 0;
  const footerAt = tail.length - id3 - APE_FOOTER_BYTES;
  if (footerAt < 0 || nameAt(tail, footerAt) + nameAt(tail, footerAt + 4) !== 'APETAGEX') return id3;
  const view = new DataView(tail.buffer, tail.byteOffset + footerAt, APE_FOOTER_BYTES);
  const hasHeader = (view.getUint32(20, true) & APE_HAS_HEADER) !== 0;
  return id3 + view.getUint32(12, true) + (hasHeader ? APE_FOOTER_BYTES : 0);
}
