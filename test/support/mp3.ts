// MP3 files as small as they can be: frames whose sound is nothing, with the headers and tags that programs put around them.
import { u32 } from './mp4.ts';

/** The second to fourth byte of a frame's header, and the bytes of the frame. */
const KINDS = {
  /** 44,100 Hz; 1152 samples a frame. */
  stereo: { head: 'fb9000', bytes: 417, side: 32 },
  loud: { head: 'fbe000', bytes: 1044, side: 32 },
  quiet: { head: 'fb1000', bytes: 104, side: 32 },
  checked: { head: 'fa9000', bytes: 417, side: 32 },
  mono: { head: 'fb90c0', bytes: 417, side: 17 },
  /** MPEG-2, 22,050 Hz; 576 samples a frame. */
  half: { head: 'f38000', bytes: 208, side: 17 },
  halfMono: { head: 'f380c0', bytes: 208, side: 9 },
  /** MPEG-2.5, 11,025 Hz. */
  quarter: { head: 'e38000', bytes: 417, side: 17 },
} as const;
export type Mp3Kind = keyof typeof KINDS;

export function mp3Frame(kind: Mp3Kind, mark = 1): Buffer {
  const { head, bytes } = KINDS[kind];
  return Buffer.concat([Buffer.from(`ff${head}`, 'hex'), Buffer.alloc(bytes - 4, mark)]);
}

/** `frames`, `bytes`: as it claims. */
export function mp3Header(
  kind: Mp3Kind,
  name: 'Xing' | 'Info' | 'VBRI',
  claims: { frames?: number; bytes?: number },
): Buffer {
  const { side } = KINDS[kind];
  const frame = mp3Frame(kind, 0);
  const { frames, bytes } = claims;
  const flags = (frames === undefined ? 0 : 1) | (bytes === undefined ? 0 : 2);
  const xing = [Buffer.from(name), u32(flags, ...[frames, bytes].filter((one) => one !== undefined))];
  const vbri = [Buffer.from(name), Buffer.alloc(6), u32(bytes ?? 0, frames ?? 0)];
  const crc = kind === 'checked' ? 2 : 0;
  Buffer.concat(name === 'VBRI' ? vbri : xing).copy(frame, name === 'VBRI' ? 36 : 4 + crc + side);
  return frame;
}

/** An ID3 tag, version 2.4, of so many bytes behind its head. */
export function id3(bytes: number): Buffer {
  const size = [21, 14, 7, 0].map((shift) => (bytes >>> shift) & 0x7f);
  return Buffer.concat([Buffer.from('ID3'), Buffer.from([4, 0, 0, ...size]), Buffer.alloc(bytes)]);
}

export const ID3_BEHIND = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125, 0x20)]);

/** A tag of APE version 2 with its header, of so many bytes in between. */
export function apeTag(bytes: number): Buffer {
  const end = (flags: number) => {
    const half = Buffer.alloc(32);
    half.write('APETAGEX');
    half.writeUInt32LE(2_000, 8);
    half.writeUInt32LE(bytes + 32, 12);
    half.writeUInt32LE(flags, 20);
    return half;
  };
  // what is in it looks like frames: a cover may
  return Buffer.concat([end(0xa000_0000), Buffer.alloc(bytes, mp3Frame('quiet')), end(0x8000_0000)]);
}
