// MP4 files as small as they can be: one H.264 track whose samples tell by their last byte which they are.
const AVCC = Buffer.from(
  '0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20',
  'hex',
);

export interface Mp4Options {
  samples: number;
  /** One keyframe in so many. */
  gop?: number;
  isFragmented?: boolean;
  /** Of the track's clock of 1000. */
  frameMs?: number;
  /** What the time table claims of its first run. */
  claimedCount?: number;
  /** Duration by the film's clock of 1000, media time, rate (1 unless it is said). */
  edits?: readonly (readonly [duration: number, mediaTime: number, rate?: number])[];
  /** What the edit list claims to have. */
  claimedEdits?: number;
  /** Of each sample, over and over. */
  compositions?: readonly number[];
}

export function box(type: string, ...parts: (Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

export function u32(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number >>> 0, i * 4);
  return bytes;
}

export function mp4File(options: Mp4Options): Buffer {
  const { edits, compositions = [0] } = options;
  const { samples, gop = 10, isFragmented = false, frameMs = 40, claimedCount = samples } = options;
  const data = Array.from({ length: samples }, (_, i) => Buffer.from([0, 0, 0, 2, 0x65, i]));
  const ftyp = box('ftyp', Buffer.from('isom'), u32(0), Buffer.from('isom'));
  const moovOf = (mdatAt: number, tables: Buffer) =>
    box(
      'moov',
      box('mvhd', u32(0, 0, 0, 1000, samples * frameMs), Buffer.alloc(80)),
      box(
        'trak',
        box('tkhd', u32(0, 0, 0, 1, 0, samples * frameMs), Buffer.alloc(60)),
        ...(edits ? [editList(edits, options.claimedEdits ?? edits.length)] : []),
        box(
          'mdia',
          box('mdhd', u32(0, 0, 0, 1000, samples * frameMs), [0x55, 0xc4, 0, 0]),
          box('hdlr', u32(0, 0), Buffer.from('vide'), Buffer.alloc(13)),
          box(
            'minf',
            box(
              'stbl',
              sampleDescription(),
              tables,
              box('stco', u32(0, mdatAt === 0 ? 0 : 1, ...(mdatAt === 0 ? [] : [mdatAt]))),
            ),
          ),
        ),
      ),
      ...(isFragmented ? [box('mvex', box('trex', u32(0, 1, 1, frameMs, 6, 0x1_0000)))] : []),
    );
  if (isFragmented) return Buffer.concat([ftyp, moovOf(0, emptyTables()), ...fragments(data, gop, frameMs)]);
  const keys = Array.from({ length: Math.ceil(samples / gop) }, (_, i) => i * gop + 1);
  const tables = Buffer.concat([
    box('stts', u32(0, 1, claimedCount, frameMs)),
    box('ctts', u32(0, samples, ...data.flatMap((_, i) => [1, compositions[i % compositions.length]!]))),
    box('stss', u32(0, keys.length, ...keys)),
    box('stsc', u32(0, 1, 1, samples, 1)),
    box('stsz', u32(0, 0, samples, ...data.map(({ length }) => length))),
  ]);
  const mdatAt = ftyp.length + moovOf(1, tables).length + 8;
  return Buffer.concat([ftyp, moovOf(mdatAt, tables), box('mdat', ...data)]);
}

function editList(edits: NonNullable<Mp4Options['edits']>, count: number): Buffer {
  const entries = edits.map(([duration, mediaTime, rate = 1]) => u32(duration, mediaTime, rate << 16));
  return box('edts', box('elst', u32(0, count), ...entries));
}

function emptyTables(): Buffer {
  return Buffer.concat(
    ['stts', 'stsc'].map((type) => box(type, u32(0, 0))).concat(box('stsz', u32(0, 0, 0))),
  );
}

function sampleDescription(): Buffer {
  const head = Buffer.alloc(78);
  head.writeUInt16BE(320, 24);
  head.writeUInt16BE(180, 26);
  return box('stsd', u32(0, 1), box('avc1', head, box('avcC', AVCC)));
}

function fragments(data: readonly Buffer[], gop: number, frameMs: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += gop) {
    const some = data.slice(at, at + gop);
    const moofOf = (offset: number) =>
      box(
        'moof',
        box('mfhd', u32(0, at / gop + 1)),
        box(
          'traf',
          box('tfhd', u32(0x2_0000, 1)),
          box('tfdt', u32(0, at * frameMs)),
          // data offset, flags of the first
          box('trun', u32(0x5, some.length, offset, 0)),
        ),
      );
    parts.push(moofOf(moofOf(0).length + 8), box('mdat', ...some));
  }
  return parts;
}
