// An MP4 file that grows, fragment by fragment: one for each group of pictures, or when what waits has waited long enough. What
// is in a fragment can be played whatever happens to the process. At the end a worker makes the file whole (mp4-finish.ts).
import { closeSync, fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Clock } from '../../clock.ts';
import { DecodeError, RecordingError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import {
  audioEntry,
  hasConfiguration,
  isMp4Codec,
  type TrackEntry,
  videoEntry,
} from '../../media/mp4/mp4-entry.ts';
import {
  encodeFragmentHead,
  encodeMp4Begin,
  FLIP_OFFSET,
  growingHead,
  type Mp4Track,
  trackOf,
} from '../../media/mp4/mp4-write.ts';
import { inspectAudio, inspectVideo, type MediaTag, type VideoTag } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { FinishedFile } from '../finish/finisher.ts';
import { changedMeanwhile, type FoundEnd } from '../finish/found-end.ts';
import { readMp4Begin, wholeDurationMs } from '../finish/mp4-scan.ts';
import { openForRecording, recordingError } from '../finish/open-file.ts';
import { Growth, RecordedContainer } from '../read/growing.ts';
import type { ContainerFile, FileBegin, Item } from './container-file.ts';
import { type Disk, DiskWriter } from './disk-writer.ts';
import { FlushTimer } from './flush-timer.ts';
import { cannotHold, Mp4Lane } from './mp4-lane.ts';

/** Keyframes that come sooner do not begin a fragment of their own. */
const MIN_FRAGMENT_MS = 500;
/** What may wait for the end of a group of pictures. */
const MAX_WAITING_BYTES = 16 << 20;
/** Pictures are shown so far from when they are decoded at most: sixteen of them at one every two seconds. More is an error. */
const MAX_COMPOSITION_MS = 32_000;
/** `mfhd` numbers need only grow: the place in the file does, by more than this each time. */
const PLACE_STEP = 64;

export interface Mp4FileOptions {
  readonly path: string;
  readonly append: boolean;
  /** Of a file whose end had to be looked for. */
  readonly known?: FoundEnd | undefined;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly maxFlushMs: number;
  readonly log: Log;
  onError(error: Error): void;
  /** Makes the file whole, or leaves it as it was recorded. Undefined: neither is known. */
  finish(path: string): Promise<FinishedFile | undefined>;
}

interface Found {
  readonly tracks: readonly Mp4Track[];
  readonly end: number;
  readonly lastTimestampMs: number | undefined;
}

type MediaItem = Exclude<Item, { kind: 'metadata' }>;
type Kind = Mp4Track['kind'];

export class Mp4File implements ContainerFile {
  readonly growing: Growth;
  readonly lastTimestampMs: number | undefined;
  readonly #options: Mp4FileOptions;
  readonly #writer: DiskWriter;
  readonly #timer: FlushTimer;
  /** Of what was there; the tracks cannot be others any more. */
  readonly #found: readonly Mp4Track[];
  readonly #lanes = new Map<Kind, Mp4Lane>();
  readonly #codecs = new Set<string>();
  readonly #leftOut = new Set<string>();
  /** As the metadata says. */
  #picture = { width: 0, height: 0 };
  #hasBegin: boolean;
  #waitingBytes = 0;
  #durationMs: number;
  #sizeBytes: number | undefined;

  private constructor(options: Mp4FileOptions, fd: number, found: Found) {
    const { path, disk, clock, maxFlushMs, onError } = options;
    this.#options = options;
    this.#found = found.tracks;
    this.#hasBegin = found.tracks.length > 0;
    this.lastTimestampMs = found.lastTimestampMs;
    this.#durationMs = found.lastTimestampMs ?? 0;
    this.#writer = new DiskWriter({ fd, end: found.end, disk, onError });
    this.#timer = new FlushTimer(clock, maxFlushMs, () => void this.flush());
    this.growing = new Growth(path, RecordedContainer.Mp4);
    this.growing.flushedBytes = found.end;
    this.growing.flushedMs = this.#durationMs;
  }

  static open(options: Mp4FileOptions): Mp4File {
    let fd: number | undefined;
    try {
      fd = openForRecording(options.path, options.append);
      return new Mp4File(options, fd, options.append ? readFound(fd, options.known) : EMPTY);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw error instanceof DecodeError
        ? notOurs(error)
        : recordingError(error, 'The recording cannot be opened');
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes ?? this.#writer.sizeBytes + this.#waitingBytes;
  }
  get durationMs(): number {
    return this.#durationMs;
  }
  get codecs(): readonly string[] {
    return [...this.#codecs];
  }

  begin({ metaData, headers }: FileBegin): string | undefined {
    const { width, height } = metaData;
    if (isSize(width) && isSize(height)) this.#picture = { width, height };
    for (const header of headers) {
      const refusal = this.refuses(header);
      if (refusal !== undefined) return refusal;
      this.take(header);
    }
    return undefined;
  }

  refuses(item: Item): string | undefined {
    const tag = mediaTag(item);
    if (tag && !tag.codec && tag.fourCc !== undefined) throw cannotHold(tag.fourCc);
    if (!tag?.codec || item.kind === 'metadata' || tag.trackId !== undefined) return undefined;
    const kind = kindOf(item);
    const lane = this.#lanes.get(kind);
    const entry = this.#entryOf(item, tag);
    if (!entry) return lane && lane.entry.codec !== tag.codec ? `the ${kind} is ${tag.codec} now` : undefined;
    if (lane) {
      const isSame = sameBytes(lane.entry.bytes, entry.bytes);
      return isSame || this.#mayReplace(lane) ? undefined : `the ${kind} is configured otherwise now`;
    }
    if (!this.#hasBegin) return undefined;
    const found = this.#found.find((track) => track.kind === kind);
    if (!found) return `there is ${kind} now`;
    return sameBytes(found.entry, entry.bytes)
      ? undefined
      : `the ${kind} is configured otherwise than before`;
  }

  #mayReplace(lane: Mp4Lane): boolean {
    return !this.#hasBegin && lane.count === 0;
  }

  /** What the item says of its track: a header of it, or a frame of a codec that has none. */
  #entryOf(item: MediaItem, tag: MediaTag): TrackEntry | undefined {
    const codec = tag.codec!;
    if (!isMp4Codec(kindOf(item), codec)) throw cannotHold(codec);
    if (tag.isSequenceHeader ? item.kind !== 'header' : hasConfiguration(codec) || this.#lanes.has('audio')) {
      return undefined;
    }
    const configuration = item.payload.slice(tag.dataOffset);
    try {
      return kindOf(item) === 'video'
        ? videoEntry(codec, configuration, this.#picture)
        : audioEntry(codec, configuration);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      // the next one may be whole: what is in force stays so, and the live stream has said what is wrong
      return undefined;
    }
  }

  take(item: Item): void {
    const tag = mediaTag(item);
    if (!tag?.codec || item.kind === 'metadata') {
      if (item.kind === 'data') this.#leaveOut('data messages');
      return;
    }
    if (tag.trackId !== undefined) {
      this.#leaveOut('further tracks');
      return;
    }
    const entry = this.#entryOf(item, tag);
    if (entry) this.#enter(kindOf(item), entry);
    if (item.kind === 'keyframe' || item.kind === 'frame' || item.kind === 'sound') this.#add(item, tag);
  }

  #enter(kind: Kind, entry: TrackEntry): void {
    if (this.#lanes.has(kind) && !this.#mayReplace(this.#lanes.get(kind)!)) return;
    const found = this.#found.find((track) => track.kind === kind);
    this.#lanes.set(kind, new Mp4Lane(found ?? trackOf(kind === 'video' ? 1 : 2, entry), entry));
  }

  #leaveOut(what: string): void {
    if (this.#leftOut.has(what)) return;
    this.#leftOut.add(what);
    const { log, path } = this.#options;
    log.warn({ event: 'record-left-out', path }, `${what} are left out of an MP4; FLV keeps them`);
  }

  #add(item: MediaItem, tag: NonNullable<ReturnType<typeof mediaTag>>): void {
    const { timestampMs, payload } = item;
    const { isKeyframe, compositionMs = 0 } = tag; // isKeyframe undefined: it is sound
    const lane = this.#lanes.get(kindOf(item));
    if (!lane || tag.isSequenceEnd) return; // without a configuration nobody could decode it
    if (isKeyframe && this.#isFragmentDue(timestampMs)) this.#cut(timestampMs);
    const data = payload.subarray(tag.dataOffset);
    if (data.length === 0) return;
    this.#codecs.add(lane.entry.codec);
    const offsetMs = Math.abs(compositionMs) > MAX_COMPOSITION_MS ? 0 : compositionMs;
    lane.add({ data, timestampMs, offsetMs, isKeyframe: isKeyframe !== false });
    this.#durationMs = Math.max(this.#durationMs, timestampMs);
    this.#waitingBytes += data.length;
    this.#timer.arm();
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#cut(undefined);
  }

  #isFragmentDue(nowMs: number): boolean {
    const since = this.#lanes.get('video')?.waitingMs;
    return since !== undefined && nowMs - since >= MIN_FRAGMENT_MS;
  }

  /** What waits becomes a fragment. `nextPictureMs`: of the keyframe that ends it. */
  #cut(nextPictureMs: number | undefined): void {
    this.#timer.clear();
    const video = this.#lanes.get('video');
    const startMs = video?.waitingMs;
    const lanes = [this.#lanes.get('video'), this.#lanes.get('audio')].filter((lane) => lane !== undefined);
    const runs = lanes.flatMap((lane) => lane.cut(lane === video ? nextPictureMs : undefined) ?? []);
    this.#waitingBytes = 0;
    if (runs.length === 0) return;
    if (!this.#hasBegin) {
      this.#hasBegin = true;
      this.#writer.append(encodeMp4Begin(lanes.map(({ track }) => track)));
    }
    const at = this.#writer.sizeBytes;
    this.#writer.append(encodeFragmentHead(Math.floor(at / PLACE_STEP) % 2 ** 32, runs));
    for (const { samples } of runs) for (const { data } of samples) this.#writer.append(data);
    const isFromKeyframe = video && runs[0]?.trackId === video.track.id && runs[0].samples[0]?.isKeyframe;
    if (isFromKeyframe && startMs !== undefined) this.growing.keyframes.add(startMs, at);
    void this.#flushed(this.#durationMs);
  }

  async #flushed(durationMs: number): Promise<void> {
    await this.#writer.flush();
    if (!this.#writer.hasFailed) this.growing.flushed(this.#writer.flushedBytes, durationMs);
  }

  async flush(): Promise<void> {
    this.#cut(undefined);
    await this.#flushed(this.#durationMs);
  }

  async close(): Promise<void> {
    await this.flush();
    this.#timer.clear();
    await this.#writer.close();
    const { path, finish } = this.#options;
    if (this.#hasBegin) {
      const finished = await finish(path);
      this.#sizeBytes = finished?.sizeBytes ?? this.#writer.flushedBytes;
      if (finished) this.#durationMs = finished.lengthMs;
    } else await rm(path, { force: true }).catch(() => {}); // there was never anything to keep
    this.growing.ended();
  }
}

function kindOf(item: MediaItem): Kind {
  return item.typeId === MessageType.Video ? 'video' : 'audio';
}

function mediaTag(
  item: Item,
): (MediaTag & Partial<Pick<VideoTag, 'compositionMs' | 'isKeyframe'>>) | undefined {
  if (item.kind === 'metadata') return undefined;
  if (item.typeId === MessageType.Video) {
    const tag = inspectVideo(item.payload);
    return tag?.isCommandFrame || tag?.isMetadata ? undefined : tag;
  }
  if (item.typeId !== MessageType.Audio) return undefined;
  const tag = inspectAudio(item.payload);
  return tag?.isMultichannelConfig ? undefined : tag;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function notOurs(cause?: unknown): RecordingError {
  return new RecordingError(
    'NetStream.Record.NoAccess',
    'The file of that name is not an MP4 that can be appended to.',
    { cause },
  );
}

const EMPTY: Found = { tracks: [], end: 0, lastTimestampMs: undefined };

/** A file that was whole grows again: first its head says so, then the table of samples goes. */
function readFound(fd: number, known: FoundEnd | undefined): Found {
  if (fstatSync(fd).size === 0) return EMPTY;
  const begin = readMp4Begin(fd);
  if (!begin) throw notOurs();
  const { tracks, fragmentsAt, moovAt, sizeBytes } = begin;
  if (moovAt !== undefined) {
    const lastTimestampMs = wholeDurationMs(fd, moovAt);
    writeSync(fd, growingHead(), 0, undefined, FLIP_OFFSET);
    ftruncateSync(fd, moovAt);
    return { tracks, end: moovAt, lastTimestampMs };
  }
  if (fragmentsAt === sizeBytes) return { tracks, end: sizeBytes, lastTimestampMs: 0 };
  if (known?.sizeBytes !== sizeBytes) throw changedMeanwhile();
  return { tracks, end: sizeBytes, lastTimestampMs: known.lastTimestampMs };
}
