// Reading MP4, MOV and F4V: what moov and moof say about where the samples are. ISO/IEC 14496-12; QuickTime File Format.
// Why not the library that writes them: it keeps an object for every sample, hides decoding times, and believes whatever
// count a file claims; here are bounds, and a file that is still being written.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';
import { boxesIn } from './mp4-box.ts';
import { type Description, readDescriptions } from './mp4-description.ts';
import { type Edit, readEdits } from './mp4-edits.ts';
import { Samples } from './mp4-samples.ts';

export interface Mp4Track {
  readonly id: number;
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly language: string;
  /** By the track's clock; 0 in a file of fragments. */
  readonly duration: number;
  readonly descriptions: readonly Description[];
  /** Those of the film's own table are there when `readSamples` has come to its end. */
  readonly samples: Samples;
  /** The box `stbl`; undefined: its samples have been read. */
  table: Uint8Array | undefined;
  /** Undefined: all of it is shown, from 0 on. */
  readonly edits: readonly Edit[] | undefined;
  /** Its samples are those of the film's own table: there are no fragments. */
  readonly isWhole: boolean;
  /** Of fragments. */
  readonly defaults: { duration: number; size: number; flags: number };
}

export interface Movie {
  readonly lengthMs: number;
  readonly tracks: readonly Mp4Track[];
}

/** Samples between two steps of what may take long. */
const STEP_SAMPLES = 20_000;
/** A file that claims more is not a film. */
const MAX_SAMPLES = 4_000_000;
const MAX_TRACKS = 64;
const NOT_A_KEYFRAME = 0x1_0000;

function find(body: Uint8Array, ...path: string[]): Uint8Array | undefined {
  let inner: Uint8Array | undefined = body;
  for (const type of path) {
    if (!inner) return undefined;
    inner = child(inner, type);
  }
  return inner;
}

function child(body: Uint8Array, wanted: string): Uint8Array | undefined {
  for (const { type, body: inner } of boxesIn(body)) if (type === wanted) return inner;
  return undefined;
}

/** Of the tracks those that can be played: pictures and sound. `reserve`: see Samples. */
export function readMovie(moov: Uint8Array, reserve?: (bytes: number) => void): Movie {
  const mvhd = find(moov, 'mvhd');
  if (!mvhd) throw new DecodeError('ERR_MP4_BOX', 'a film without a header (mvhd)');
  const { timescale, duration } = readTimes(mvhd);
  const defaults = readFragmentDefaults(find(moov, 'mvex'));
  const tracks: Mp4Track[] = [];
  let seen = 0;
  for (const { type, body } of boxesIn(moov)) {
    if (type !== 'trak' || seen === MAX_TRACKS) continue;
    seen += 1;
    const track = readTrack(body, timescale, defaults, reserve);
    if (track) tracks.push(track);
  }
  return { lengthMs: (duration * 1000) / timescale, tracks };
}

// mvhd, mdhd: | version u8 | flags u24 | created, modified u32/u64 | timescale u32 | duration u32/u64 |
function readTimes(body: Uint8Array): { timescale: number; duration: number; rest: ByteReader } {
  const from = new ByteReader(body);
  const isLong = readVersion(from) === 1;
  from.take(isLong ? 16 : 8);
  const timescale = from.u32();
  if (timescale === 0) throw new DecodeError('ERR_MP4_BOX', 'a clock that does not tick (timescale 0)');
  const duration = isLong ? readU64(from) : from.u32();
  const isKnown = duration !== 0xffff_ffff && duration < Number.MAX_SAFE_INTEGER;
  return { timescale, duration: isKnown ? duration : 0, rest: from };
}

function readVersion(from: ByteReader): number {
  const version = from.u8();
  from.u24();
  return version;
}

function readU64(from: ByteReader): number {
  return from.u32() * 0x1_0000_0000 + from.u32();
}

type Defaults = Mp4Track['defaults'];

// trex: | version, flags | track u32 | description u32 | duration u32 | size u32 | flags u32 |
function readFragmentDefaults(mvex: Uint8Array | undefined): Map<number, Defaults> {
  const all = new Map<number, Defaults>();
  for (const { type, body } of mvex ? boxesIn(mvex) : []) {
    if (type !== 'trex') continue;
    const from = new ByteReader(body);
    from.u32();
    const id = from.u32();
    from.u32();
    all.set(id, { duration: from.u32(), size: from.u32(), flags: from.u32() });
  }
  return all;
}

function readTrack(
  trak: Uint8Array,
  movieScale: number,
  defaults: Map<number, Defaults>,
  reserve: ((bytes: number) => void) | undefined,
): Mp4Track | undefined {
  const handler = find(trak, 'mdia', 'hdlr');
  const [tkhd, mdhd, stbl] = [
    find(trak, 'tkhd'),
    find(trak, 'mdia', 'mdhd'),
    find(trak, 'mdia', 'minf', 'stbl'),
  ];
  if (!handler || !tkhd || !mdhd || !stbl) return undefined;
  const type = String.fromCharCode(...handler.subarray(8, 12));
  const kind = type === 'vide' ? 'video' : type === 'soun' ? 'audio' : undefined;
  const stsd = find(stbl, 'stsd');
  if (!kind || !stsd) return undefined;
  const { timescale, duration, rest } = readTimes(mdhd);
  const language = readLanguage(rest);
  return {
    id: readTrackId(tkhd),
    ...{ kind, timescale, duration, language },
    descriptions: readDescriptions(stsd, kind),
    samples: new Samples(reserve),
    table: stbl,
    edits: readEdits(find(trak, 'edts', 'elst'), movieScale, timescale),
    isWhole: !defaults.has(readTrackId(tkhd)),
    defaults: defaults.get(readTrackId(tkhd)) ?? { duration: 0, size: 0, flags: 0 },
  };
}

// tkhd: | version, flags | created, modified u32/u64 | track u32 | …
function readTrackId(tkhd: Uint8Array): number {
  const from = new ByteReader(tkhd);
  from.take(readVersion(from) === 1 ? 16 : 8);
  return from.u32();
}

/** Three letters of five bits each. */
function readLanguage(from: ByteReader): string {
  if (from.remaining < 2) return 'und';
  const bits = from.u16();
  return String.fromCharCode(...[10, 5, 0].map((shift) => ((bits >>> shift) & 0x1f) + 0x60));
}

/** A table of `entryBytes` long entries behind version, flags and count; no longer than the box says that it is. */
class Table {
  readonly count: number;
  readonly #view: DataView;
  readonly #at: number;
  readonly #entryBytes: number;

  constructor(body: Uint8Array | undefined, entryBytes: number, headBytes = 8) {
    const bytes = body ?? new Uint8Array(headBytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const claimed = bytes.length < headBytes ? 0 : this.#view.getUint32(headBytes - 4);
    this.count = Math.min(claimed, Math.floor((bytes.length - headBytes) / entryBytes));
    this.#at = headBytes;
    this.#entryBytes = entryBytes;
  }

  u32(entry: number, field = 0): number {
    return this.#view.getUint32(this.#at + entry * this.#entryBytes + field * 4);
  }
  i32(entry: number, field: number): number {
    return this.#view.getInt32(this.#at + entry * this.#entryBytes + field * 4);
  }
}

/** Goes through a table of runs, `count` samples each. */
class Runs {
  readonly #table: Table;
  #entry = -1;
  #left = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** The entry that the next sample belongs to; behind the last one that one again, -1 if there is none. */
  next(): number {
    while (this.#left === 0 && this.#entry + 1 < this.#table.count) {
      this.#entry += 1;
      this.#left = this.#table.u32(this.#entry);
    }
    if (this.#left > 0) this.#left -= 1;
    return this.#entry;
  }
}

/** Reads the film's own table of a track, in steps: whoever runs it may do something else in between. `fileBytes`: of all the file. */
export function* readSamples(track: Mp4Track, fileBytes: number): Generator<void, void> {
  const { table } = track;
  track.table = undefined;
  if (table) yield* addSamples(track, table, fileBytes);
}

function* addSamples(
  { samples, descriptions }: Mp4Track,
  stbl: Uint8Array,
  fileBytes: number,
): Generator<void, void> {
  const stsz = find(stbl, 'stsz');
  if (!stsz || stsz.length < 12) return;
  const oneSize = new ByteReader(stsz.subarray(4)).u32();
  const sizes = new Table(stsz, 4, 12);
  const claimed = new ByteReader(stsz.subarray(8)).u32();
  const [stco, co64] = [new Table(find(stbl, 'stco'), 4), new Table(find(stbl, 'co64'), 8)];
  const chunks = Math.max(stco.count, co64.count);
  const chunkAt = (i: number) =>
    i < stco.count ? stco.u32(i) : co64.u32(i, 0) * 0x1_0000_0000 + co64.u32(i, 1);
  const perChunk = new Table(find(stbl, 'stsc'), 12);
  const times = new Table(find(stbl, 'stts'), 8);
  const compositions = new Table(find(stbl, 'ctts'), 8);
  const stss = find(stbl, 'stss');
  const keys = new Table(stss, 4);
  const known = oneSize === 0 ? sizes.count : claimed;
  if (known > MAX_SAMPLES) throw new DecodeError('ERR_MP4_SAMPLES', `a track of ${known} samples`);
  // what is only claimed takes no memory: a size for all of them stands for any number
  const count = oneSize === 0 ? known : Math.min(known, Math.ceil(fileBytes / oneSize));
  const [timeRuns, compositionRuns] = [new Runs(times), new Runs(compositions)];
  let dts = 0;
  let key = 0;
  let run = 0;
  for (let chunk = 0; chunk < chunks && samples.count < count; chunk += 1) {
    while (run + 1 < perChunk.count && perChunk.u32(run + 1) <= chunk + 1) run += 1;
    const inChunk = perChunk.count === 0 ? 0 : perChunk.u32(run, 1);
    const description = Math.min(
      perChunk.count === 0 ? 0 : perChunk.u32(run, 2) - 1,
      descriptions.length - 1,
    );
    let at = chunkAt(chunk);
    for (let i = 0; i < inChunk && samples.count < count; i += 1) {
      const index = samples.count;
      const size = oneSize || sizes.u32(index);
      const compositionRun = compositionRuns.next();
      while (key < keys.count && keys.u32(key) < index + 1) key += 1;
      samples.add({
        ...{ dts, at, size },
        composition: compositionRun < 0 ? 0 : compositions.i32(compositionRun, 1),
        isKey: !stss || (key < keys.count && keys.u32(key) === index + 1),
        description: Math.max(0, description),
      });
      at += size;
      const timeRun = timeRuns.next();
      dts += timeRun < 0 ? 0 : times.u32(timeRun, 1);
      if (samples.count % STEP_SAMPLES === 0) yield;
    }
    if (chunk % STEP_SAMPLES === STEP_SAMPLES - 1) yield;
  }
}

const TfhdFlag = { BaseOffset: 1, Description: 2, Duration: 8, Size: 16, Flags: 32 } as const;
const TrunFlag = {
  DataOffset: 1,
  FirstFlags: 4,
  Duration: 0x100,
  Size: 0x200,
  Flags: 0x400,
  Composition: 0x800,
} as const;

/**
 * Adds the samples of a fragment to the tracks of its film, in steps: there may be many of them.
 */
export function* addFragment(movie: Movie, moof: Uint8Array, place: FragmentPlace): Generator<void, void> {
  for (const { type, body } of boxesIn(moof)) {
    if (type === 'traf') yield* addTrackFragment(movie, body, place);
  }
}

export interface FragmentPlace {
  /** Where the moof box begins in the file. */
  readonly moofAt: number;
  /** Of all the file. */
  readonly fileBytes: number;
}

// tfhd: | version, flags | track u32 | [base u64] | [description u32] | [duration u32] | [size u32] | [flags u32] |
function* addTrackFragment(
  movie: Movie,
  traf: Uint8Array,
  { moofAt, fileBytes }: FragmentPlace,
): Generator<void, void> {
  const tfhd = find(traf, 'tfhd');
  if (!tfhd) return;
  const head = new ByteReader(tfhd);
  head.u8();
  const flags = head.u24();
  const id = head.u32();
  const track = movie.tracks.find((one) => one.id === id);
  if (!track) return;
  const base = flags & TfhdFlag.BaseOffset ? readU64(head) : moofAt;
  const description = flags & TfhdFlag.Description ? head.u32() - 1 : 0;
  const defaults = {
    duration: flags & TfhdFlag.Duration ? head.u32() : track.defaults.duration,
    size: flags & TfhdFlag.Size ? head.u32() : track.defaults.size,
    flags: flags & TfhdFlag.Flags ? head.u32() : track.defaults.flags,
  };
  let dts = readDecodeTime(find(traf, 'tfdt')) ?? endOf(track);
  let at = base;
  for (const { type, body } of boxesIn(traf)) {
    if (type === 'trun')
      ({ dts, at } = yield* addRun(track, body, { dts, at, base, description, defaults, fileBytes }));
  }
}

interface RunPlace {
  dts: number;
  at: number;
}

// trun: | version u8 | flags u24 | count u32 | [offset i32] | [flags of the first u32] |
//       | count × ( [duration u32] | [size u32] | [flags u32] | [composition i32] ) |
function* addRun(
  { samples, descriptions, kind }: Mp4Track,
  trun: Uint8Array,
  place: RunPlace & { base: number; description: number; defaults: Defaults; fileBytes: number },
): Generator<void, RunPlace> {
  const { base, defaults, fileBytes } = place;
  const from = new ByteReader(trun);
  from.u8();
  const flags = from.u24();
  const count = from.u32();
  const has = (flag: number) => (flags & flag) !== 0;
  let { dts, at } = place;
  if (has(TrunFlag.DataOffset)) at = base + (from.u32() | 0);
  const firstFlags = has(TrunFlag.FirstFlags) ? from.u32() : undefined;
  const leastBytes = has(TrunFlag.Size) ? 0 : Math.max(1, defaults.size) * count;
  if (samples.count + count > MAX_SAMPLES || leastBytes > fileBytes) {
    throw new DecodeError('ERR_MP4_SAMPLES', `a fragment of ${count} samples`);
  }
  for (let i = 0; i < count; i += 1) {
    const duration = has(TrunFlag.Duration) ? from.u32() : defaults.duration;
    const size = has(TrunFlag.Size) ? from.u32() : defaults.size;
    const own = has(TrunFlag.Flags) ? from.u32() : defaults.flags;
    const sampleFlags = i === 0 ? (firstFlags ?? own) : own;
    const composition = has(TrunFlag.Composition) ? from.u32() | 0 : 0;
    const isKey = kind === 'audio' || (sampleFlags & NOT_A_KEYFRAME) === 0;
    const description = Math.max(0, Math.min(place.description, descriptions.length - 1));
    samples.add({ dts, composition, at, size, isKey, description });
    dts += duration;
    at += size;
    if (samples.count % STEP_SAMPLES === 0) yield;
  }
  return { dts, at };
}

// tfdt: | version, flags | decode time u32/u64 |
function readDecodeTime(tfdt: Uint8Array | undefined): number | undefined {
  if (!tfdt) return undefined;
  const from = new ByteReader(tfdt);
  return readVersion(from) === 1 ? readU64(from) : from.u32();
}

/** Without a time of its own a fragment follows the one before. */
function endOf({ samples, defaults }: Mp4Track): number {
  return samples.count === 0 ? 0 : samples.dtsOf(samples.count - 1) + defaults.duration;
}
