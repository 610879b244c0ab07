// Payloads of audio and video messages, as small as they can be.
import { hex } from './hex.ts';

/** Configurations of 16 × 16 pixels: as small as a decoder takes them. */
export const AVC_CONFIGURATION = hex('01 42000a ff e1 0006 6742000addc4 01 0004 68ce3880');
export const HEVC_CONFIGURATION = hex(`01 01 60000000 000000000000 1e f000 fc fd f8 f8 0000 0f
  01 a1 0001 0012 4201 01 01 60000000 000000000000 1e a08845`);

/** OpusHead of two channels. RFC 7845 §5.1. */
export const OPUS_CONFIGURATION = hex('4f70757348656164 01 02 3801 80bb0000 0000 00');

/** AVC, FLV 10.1 §E.4.3: frame type and codec, packet type, composition time, then one byte that tells them apart. */
export const video = {
  header: (mark = 0) => Buffer.of(0x17, 0, 0, 0, 0, ...AVC_CONFIGURATION, mark),
  keyframe: (mark = 0) => Uint8Array.of(0x17, 1, 0, 0, 0, mark),
  frame: (mark = 0) => Uint8Array.of(0x27, 1, 0, 0, 0, mark),
};

/** AAC, FLV 10.1 §E.4.2. */
export const audio = {
  header: (mark = 0) => Uint8Array.of(0xaf, 0, 0x12, 0x10, mark),
  frame: (mark = 0) => Uint8Array.of(0xaf, 1, mark),
};

const HVC1 = Buffer.from('hvc1');
const u24 = (n: number) => [n >>> 16, (n >>> 8) & 0xff, n & 0xff];

/** Enhanced RTMP v2, "Multitrack": one HEVC track in a message, its last byte a mark. */
export const track = {
  header: (id: number, mark = 0) => Buffer.of(0x96, 0x00, ...HVC1, id, ...HEVC_CONFIGURATION, mark),
  keyframe: (id: number, mark = 0) => Buffer.of(0x96, 0x03, ...HVC1, id, mark),
  frame: (id: number, mark = 0) => Buffer.of(0xa6, 0x03, ...HVC1, id, mark),
  colour: (id: number, mark = 0) => Buffer.of(0x96, 0x04, ...HVC1, id, mark),
  end: (id: number) => Buffer.of(0x96, 0x02, ...HVC1, id),
};

/** The same with several tracks in one message, all of one codec or each with its own; every track's last byte is the mark. */
export function tracks(
  kind: 'header' | 'keyframe' | 'frame',
  ids: readonly number[],
  mark = 0,
  { ownCodecs = false, trackBytes = 1 } = {},
): Buffer {
  const frameType = kind === 'frame' ? 0xa6 : 0x96;
  const packetType = kind === 'header' ? 0x00 : 0x03;
  const configuration = kind === 'header' ? HEVC_CONFIGURATION : Buffer.of();
  const data = Buffer.concat([configuration, Buffer.alloc(trackBytes, mark)]);
  const parts = ids.map((id) =>
    Buffer.concat([ownCodecs ? HVC1 : Buffer.of(), Buffer.of(id, ...u24(data.length)), data]),
  );
  const head = ownCodecs
    ? Buffer.of(frameType, 0x20 | packetType)
    : Buffer.of(frameType, 0x10 | packetType, ...HVC1);
  return Buffer.concat([head, ...parts]);
}
