// Recorded files that claim, or make, much more work than they have bytes.
import { encodeFlvHeader, encodeFlvTag } from '../../src/media/flv.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { video } from '../support/media.ts';
import { box, u32 } from '../support/mp4.ts';

/** An FLV of a keyframe, and so many tags of sound with a byte each. */
export function emptyTags(count: number): Buffer {
  const tag = encodeFlvTag({ typeId: MessageType.Audio, timestampMs: 0, payload: Uint8Array.of(0x2f) });
  const all = Buffer.alloc(count * tag.length, tag);
  for (let i = 0; i < count; i += 1) all.writeUIntBE(Math.floor(i / 20), i * tag.length + 4, 3);
  const picture = (payload: Uint8Array) =>
    encodeFlvTag({ typeId: MessageType.Video, timestampMs: 0, payload });
  const begin = encodeFlvHeader({ hasAudio: true, hasVideo: true });
  return Buffer.concat([begin, picture(video.header()), picture(video.keyframe()), all]);
}

const FTYP = box('ftyp', Buffer.from('isom'), u32(0), Buffer.from('isom'));
const AVCC = Buffer.from(
  '0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20',
  'hex',
);
const AVC1 = box('avc1', Buffer.alloc(24), [0, 64, 0, 64], Buffer.alloc(50), box('avcC', AVCC));

/** A film with tracks of pictures, whose sample tables are these; `rest`: those of all but the first; `more`: other boxes of the film. */
export function moov(
  tables: Buffer,
  { tracks = 1, rest = tables, more = [], edits }: MoovOptions = {},
): Buffer {
  const trak = (id: number) =>
    box(
      'trak',
      box('tkhd', u32(0, 0, 0, id, 0, 0), Buffer.alloc(60)),
      ...(edits ? [box('edts', edits)] : []),
      box(
        'mdia',
        box('mdhd', u32(0, 0, 0, 1000, 0), [0x55, 0xc4, 0, 0]),
        box('hdlr', u32(0, 0), Buffer.from('vide'), Buffer.alloc(13)),
        box('minf', box('stbl', box('stsd', u32(0, 1), AVC1), id === 1 ? tables : rest)),
      ),
    );
  const traks = Array.from({ length: tracks }, (_, i) => trak(i + 1));
  return box('moov', box('mvhd', u32(0, 0, 0, 1000, 0), Buffer.alloc(80)), ...traks, ...more);
}

export interface MoovOptions {
  tracks?: number;
  rest?: Buffer;
  more?: Buffer[];
  edits?: Buffer;
}

export function film(...parts: Buffer[]): Buffer {
  return Buffer.concat([FTYP, ...parts]);
}

/** So many boxes of 8 bytes. */
export function emptyBoxes(count: number): Buffer {
  return Buffer.alloc(count * 8, box('free'));
}

/** `count` samples of one size, all in one chunk: what a table of a few bytes can claim. */
export function claimedSamples(count: number, size = 1): Buffer {
  return Buffer.concat([
    box('stsz', u32(0, size, count)),
    box('stsc', u32(0, 1, 1, count, 1)),
    box('stco', u32(0, 1, 8)),
    box('stts', u32(0, 1, count, 1)),
    box('stss', u32(0, 1, 1)),
  ]);
}

/** `count` samples of no size in a table of their own, each in the same chunk. */
export function emptySamples(count: number): Buffer {
  return Buffer.concat([
    box('stsz', u32(0, 0, count), Buffer.alloc(count * 4)),
    box('stsc', u32(0, 1, 1, count, 1)),
    box('stco', u32(0, 1, 8)),
    box('stts', u32(0, 1, count, 1)),
    box('stss', u32(0, 1, 1)),
  ]);
}

export const FRAGMENTED = box('mvex', box('trex', u32(0, 1, 1, 1, 1, 0)));

/** So many fragments of a sample each. */
export function fragments(count: number, samples = 1): Buffer {
  const trun = box('trun', u32(0, samples));
  const fragment = Buffer.concat([box('moof', box('traf', box('tfhd', u32(0, 1)), trun)), box('mdat', [0])]);
  return Buffer.alloc(count * fragment.length, fragment);
}

/** An edit list of so many parts, each near the end of the track. */
export function editsAt(count: number, fromMs: number): Buffer {
  const edits = Array.from({ length: count }, (_, i) => u32(10, fromMs - i * 20, 0x1_0000));
  return box('elst', u32(0, count), ...edits);
}
