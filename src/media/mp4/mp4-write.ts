// MP4 files of ours: fragmented while they grow, with one table of all samples when they are whole. Nothing moves in between:
//
//   growing:  | ftyp | free, 16 bytes | moov without samples | moof | mdat | moof | mdat | …
//   whole:    | ftyp | mdat ————————————————————————————————————————————————————————— | moov with all samples |
//
// The sixteen bytes of `free` become the head of an `mdat` that has all the rest inside. ISO/IEC 14496-12 §8.8 (fragments).
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';
import { boxesIn } from './mp4-box.ts';
import {
  ascii,
  box,
  concat,
  fullBox,
  LARGE_BOX_HEAD_BYTES,
  u16,
  u32,
  u32Table,
  u64,
  zeros,
} from './mp4-build.ts';
import type { TrackEntry } from './mp4-entry.ts';

/** What a track is, whoever made its entry. */
export interface Mp4Track {
  /** From 1 on. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly width: number;
  readonly height: number;
  /** The sample entry box. */
  readonly entry: Uint8Array;
}

/** A sample in its track's units of time. */
export interface Mp4Sample {
  readonly data: Uint8Array;
  readonly durationUnits: number;
  /** Presentation minus decoding time. */
  readonly offsetUnits: number;
  readonly isKeyframe: boolean;
}

export interface Mp4Run {
  readonly trackId: number;
  /** Decoding time of the first. */
  readonly startUnits: number;
  readonly samples: readonly Mp4Sample[];
}

const MOVIE_TIMESCALE = 1000;
/** Unity. ISO/IEC 14496-12 §8.2.2.3. */
const MATRIX = u32Table([0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
const UNDETERMINED_LANGUAGE = 0x55c4;

/** `sample_flags`, ISO/IEC 14496-12 §8.8.3.1: what it depends on, and whether it is no place to begin. */
const SampleFlags = { Key: 0x0200_0000, Inter: 0x0101_0000 } as const;
const IS_NO_SYNC = 0x1_0000;

export function trackOf(id: number, { kind, timescale, width, height, bytes }: TrackEntry): Mp4Track {
  return { id, kind, timescale, width, height, entry: bytes };
}

// ── the beginning ────────────────────────────────────────────────────────────────────────────────────────────────

const FILE_TYPE = box('ftyp', ascii('isom'), u32(0x200), ascii('isomiso6mp41'));
/** Where the head of the file's one `mdat` stands, when it is whole. */
export const FLIP_OFFSET = FILE_TYPE.length;

/** The head of a file that may be appended to. */
export function growingHead(): Uint8Array {
  return concat(u32(LARGE_BOX_HEAD_BYTES), ascii('free'), zeros(8));
}

/** The head of a file whose samples' table begins at `moovAt`. */
export function wholeHead(moovAt: number): Uint8Array {
  return concat(u32(1), ascii('mdat'), u64(moovAt - FLIP_OFFSET));
}

export function encodeMp4Begin(tracks: readonly Mp4Track[]): Uint8Array {
  const trex = tracks.map(({ id }) => fullBox('trex', 0, 0, u32(id), u32(1), zeros(12)));
  const empty = { durationUnits: 0, startUnits: 0, tables: sampleTables(NO_SAMPLES) };
  const moov = box(
    'moov',
    movieHead(0, tracks),
    ...tracks.map((track) => trackBox(track, empty)),
    box('mvex', ...trex),
  );
  return concat(FILE_TYPE, growingHead(), moov);
}

// ── fragments ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The boxes around the samples; the samples' own bytes follow, run by run. */
export function encodeFragmentHead(number: number, runs: readonly Mp4Run[]): Uint8Array {
  const dataBytes = runs.reduce((sum, run) => sum + bytesOf(run), 0);
  const build = (moofBytes: number) => {
    let at = moofBytes + 8; // behind the head of mdat
    const trafs = runs.map((run) => {
      const traf = trackFragment(run, at);
      at += bytesOf(run);
      return traf;
    });
    return box('moof', fullBox('mfhd', 0, 0, u32(number)), ...trafs);
  };
  const moof = build(build(0).length);
  return concat(moof, u32(8 + dataBytes), ascii('mdat'));
}

function bytesOf({ samples }: Mp4Run): number {
  return samples.reduce((sum, { data }) => sum + data.length, 0);
}

const BASE_IS_MOOF = 0x02_0000;
const RunFlags = { DataOffset: 0x1, Duration: 0x100, Size: 0x200, Flags: 0x400, Offset: 0x800 } as const;
const ALL_RUN_FLAGS =
  RunFlags.DataOffset | RunFlags.Duration | RunFlags.Size | RunFlags.Flags | RunFlags.Offset;
/** With those flags: duration, size, flags and offset of each sample. */
const RUN_ENTRY_BYTES = 16;

function trackFragment({ trackId, startUnits, samples }: Mp4Run, dataOffset: number): Uint8Array {
  const table = new Uint8Array(samples.length * RUN_ENTRY_BYTES);
  const view = new DataView(table.buffer);
  samples.forEach(({ data, durationUnits, offsetUnits, isKeyframe }, i) => {
    const at = i * RUN_ENTRY_BYTES;
    view.setUint32(at, durationUnits);
    view.setUint32(at + 4, data.length);
    view.setUint32(at + 8, isKeyframe ? SampleFlags.Key : SampleFlags.Inter);
    view.setInt32(at + 12, offsetUnits);
  });
  return box(
    'traf',
    fullBox('tfhd', 0, BASE_IS_MOOF, u32(trackId)),
    fullBox('tfdt', 1, 0, u64(startUnits)),
    fullBox('trun', 1, ALL_RUN_FLAGS, u32(samples.length), u32(dataOffset), table),
  );
}

export interface FoundSample {
  readonly bytes: number;
  readonly durationUnits: number;
  readonly offsetUnits: number;
  readonly isKeyframe: boolean;
}

export interface FoundRun {
  readonly trackId: number;
  readonly startUnits: number;
  /** Of the first sample's bytes, behind the beginning of `moof`. */
  readonly dataOffset: number;
  readonly samples: readonly FoundSample[];
}

/** The content of a `moof` of ours. */
export function decodeFragment(content: Uint8Array): FoundRun[] {
  return [...boxesIn(content)]
    .filter(({ type }) => type === 'traf')
    .map(({ body: traf }) => {
      const trackId = new ByteReader(bodyAt(traf, 'tfhd').subarray(4)).u32();
      const start = new ByteReader(bodyAt(traf, 'tfdt').subarray(4));
      const startUnits = start.u32() * 2 ** 32 + start.u32();
      const run = new ByteReader(bodyAt(traf, 'trun'));
      if ((run.u32() & 0xff_ffff) !== ALL_RUN_FLAGS) {
        throw new DecodeError('ERR_MP4_BOX', 'a fragment that is none of ours');
      }
      const count = run.u32();
      const dataOffset = run.u32();
      if (run.remaining !== count * RUN_ENTRY_BYTES) {
        throw new DecodeError('ERR_MP4_BOX', `a run of ${count} samples in ${run.remaining} bytes`);
      }
      const samples = Array.from({ length: count }, () => ({
        durationUnits: run.u32(),
        bytes: run.u32(),
        isKeyframe: (run.u32() & IS_NO_SYNC) === 0,
        offsetUnits: run.i32(),
      }));
      return { trackId, startUnits, dataOffset, samples };
    });
}

// ── a whole file ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Repetitions and their number, alternately: | count | value | as in stts and ctts. */
export class RunLengths {
  readonly table: number[] = [];

  add(value: number): void {
    const last = this.table.length - 2;
    if (last >= 0 && this.table[last + 1] === value) this.table[last]! += 1;
    else this.table.push(1, value);
  }
}

/** Everything that is to be said about the samples of one track. */
export interface SampleList {
  readonly durations: RunLengths;
  readonly offsets: RunLengths;
  /** Of each sample. */
  readonly sizes: ArrayLike<number>;
  /** Numbers of samples, from 1 on. */
  readonly keyframes: readonly number[];
  /** Of each run of samples the place in the file … */
  readonly chunks: readonly number[];
  /** … and how many there are. */
  readonly chunkSamples: readonly number[];
}

const NO_SAMPLES: SampleList = {
  durations: new RunLengths(),
  offsets: new RunLengths(),
  sizes: [],
  keyframes: [],
  chunks: [],
  chunkSamples: [],
};

export interface WholeTrack {
  readonly track: Mp4Track;
  readonly startUnits: number;
  readonly durationUnits: number;
  readonly samples: SampleList;
}

export function encodeMovie(tracks: readonly WholeTrack[]): Uint8Array {
  const ends = tracks.map(({ track, startUnits, durationUnits }) =>
    inMovieTime(startUnits + durationUnits, track),
  );
  return box(
    'moov',
    movieHead(
      Math.max(0, ...ends),
      tracks.map(({ track }) => track),
    ),
    ...tracks.map(({ track, startUnits, durationUnits, samples }) =>
      trackBox(track, { startUnits, durationUnits, tables: sampleTables(samples, track.kind) }),
    ),
  );
}

function sampleTables(samples: SampleList, kind: 'video' | 'audio' = 'audio'): Uint8Array {
  const { durations, offsets, sizes, keyframes, chunks, chunkSamples } = samples;
  const count = (table: ArrayLike<number>, width: number) => u32(table.length / width);
  const perChunk: number[] = []; // | first chunk | samples in each from there on | description |
  chunkSamples.forEach((samplesInChunk, i) => {
    if (perChunk.at(-2) !== samplesInChunk) perChunk.push(i + 1, samplesInChunk, 1);
  });
  const isFar = (chunks.at(-1) ?? 0) > 0xffff_ffff;
  return concat(
    fullBox('stts', 0, 0, count(durations.table, 2), u32Table(durations.table)),
    ...(offsets.table.length > 2 || (offsets.table[1] ?? 0) !== 0
      ? [fullBox('ctts', 1, 0, count(offsets.table, 2), u32Table(offsets.table))]
      : []),
    ...(kind === 'video' ? [fullBox('stss', 0, 0, count(keyframes, 1), u32Table(keyframes))] : []),
    fullBox('stsc', 0, 0, count(perChunk, 3), u32Table(perChunk)),
    fullBox('stsz', 0, 0, u32(0), count(sizes, 1), u32Table(sizes)),
    isFar
      ? fullBox(
          'co64',
          0,
          0,
          count(chunks, 1),
          u32Table(chunks.flatMap((at) => [Math.floor(at / 2 ** 32), at % 2 ** 32])),
        )
      : fullBox('stco', 0, 0, count(chunks, 1), u32Table(chunks)),
  );
}

function inMovieTime(units: number, { timescale }: Mp4Track): number {
  return Math.round((units * MOVIE_TIMESCALE) / timescale);
}

function movieHead(duration: number, tracks: readonly Mp4Track[]): Uint8Array {
  const nextId = Math.max(0, ...tracks.map(({ id }) => id)) + 1;
  return fullBox(
    'mvhd',
    1,
    0,
    ...[zeros(16), u32(MOVIE_TIMESCALE), u64(duration)],
    ...[u32(0x1_0000), u16(0x100), zeros(10)], // rate, volume
    ...[MATRIX, zeros(24), u32(nextId)],
  );
}

interface TrackContent {
  readonly startUnits: number;
  readonly durationUnits: number;
  readonly tables: Uint8Array;
}

const IS_ENABLED_IN_MOVIE = 3;

function trackBox(track: Mp4Track, { startUnits, durationUnits, tables }: TrackContent): Uint8Array {
  const { id, kind, timescale, width, height, entry } = track;
  const isVideo = kind === 'video';
  const length = inMovieTime(durationUnits, track);
  const delay = inMovieTime(startUnits, track);
  return box(
    'trak',
    fullBox(
      'tkhd',
      1,
      IS_ENABLED_IN_MOVIE,
      ...[zeros(16), u32(id), zeros(4), u64(delay + length), zeros(8)],
      ...[u16(0), u16(0), u16(isVideo ? 0 : 0x100), u16(0)], // layer, group, volume
      ...[MATRIX, u32(width * 0x1_0000), u32(height * 0x1_0000)],
    ),
    ...(delay > 0 ? [editList(delay, length)] : []),
    box(
      'mdia',
      fullBox(
        'mdhd',
        1,
        0,
        zeros(16),
        u32(timescale),
        u64(durationUnits),
        u16(UNDETERMINED_LANGUAGE),
        u16(0),
      ),
      fullBox(
        'hdlr',
        0,
        0,
        ...[u32(0), ascii(isVideo ? 'vide' : 'soun'), zeros(12)],
        ascii(isVideo ? 'Video\0' : 'Sound\0'),
      ),
      box(
        'minf',
        isVideo ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4)),
        box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
        box('stbl', fullBox('stsd', 0, 0, u32(1), entry), tables),
      ),
    ),
  );
}

/** The track is silent, or dark, until it begins. */
function editList(delay: number, length: number): Uint8Array {
  const edit = (duration: number, mediaTime: Uint8Array) => concat(u64(duration), mediaTime, u16(1), u16(0));
  const none = new Uint8Array(8).fill(0xff); // media time −1
  return box('edts', fullBox('elst', 1, 0, u32(2), edit(delay, none), edit(length, u64(0))));
}

/** How long a movie is, from the first box of a `moov` of ours. */
export function decodeMovieDuration(mvhd: Uint8Array): number {
  const content = new ByteReader(mvhd.subarray(4 + 16 + 4));
  return content.u32() * 2 ** 32 + content.u32();
}

/** The tracks of a `moov` of ours. */
export function decodeMovie(content: Uint8Array): Mp4Track[] {
  const tracks = [...boxesIn(content)]
    .filter(({ type }) => type === 'trak')
    .map(({ body: trak }): Mp4Track => {
      const tkhd = bodyAt(trak, 'tkhd');
      const id = new ByteReader(tkhd.subarray(4 + 16)).u32();
      const size = new ByteReader(tkhd.subarray(tkhd.length - 8));
      const width = size.u32() >>> 16;
      const height = size.u32() >>> 16;
      const timescale = new ByteReader(bodyAt(trak, 'mdia', 'mdhd').subarray(4 + 16)).u32();
      const handler = bodyAt(trak, 'mdia', 'hdlr').subarray(8, 12);
      const kind = String.fromCharCode(...handler) === 'vide' ? 'video' : 'audio';
      const stsd = bodyAt(trak, 'mdia', 'minf', 'stbl', 'stsd');
      return { id, kind, timescale, width, height, entry: stsd.subarray(8) };
    });
  if (tracks.some(({ timescale }) => timescale === 0)) {
    throw new DecodeError('ERR_MP4_BOX', 'a track without a timescale');
  }
  return tracks;
}

/** The first box at that path; its absence is a DecodeError. */
function bodyAt(within: Uint8Array, ...path: readonly string[]): Uint8Array {
  const [type, ...rest] = path;
  if (type === undefined) return within;
  for (const box of boxesIn(within)) if (box.type === type) return bodyAt(box.body, ...rest);
  throw new DecodeError('ERR_MP4_BOX', `there is no box ${type}`);
}
