// An FLV file that grows. Whatever happens to the process, what was flushed can be played: tags stand one behind the other,
// and the duration is written over at each flush. The index of keyframes is put into its place at the end.
import { closeSync, writeSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import {
  DURATION_OFFSET,
  emptyIndexBytes,
  encodeDuration,
  encodeFlvHeader,
  encodeFlvTag,
  encodeIndexedMetaData,
  encodeOnMetaData,
  FLV_TAG_HEAD_BYTES,
  type FlvKeyframe,
} from '../../media/flv.ts';
import { GroupStarts } from '../../media/group-starts.ts';
import { inspectAudio, inspectVideo } from '../../media/tag.ts';
import type { AmfObject } from '../../protocol/amf/amf.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import {
  FLV_BEGIN_BYTES,
  FLV_FLAGS_OFFSET,
  type FoundFlv,
  type OwnMetaData,
  readFoundFlv,
} from '../finish/flv-scan.ts';
import type { FoundEnd } from '../finish/found-end.ts';
import { openForRecording, recordingError } from '../finish/open-file.ts';
import { Growth, RecordedContainer } from '../read/growing.ts';
import type { ContainerFile, FileBegin, Item } from './container-file.ts';
import { type Disk, DiskWriter } from './disk-writer.ts';
import { FlushTimer } from './flush-timer.ts';

/** For some three thousand keyframes: at one every two seconds all of them for 100 minutes, then every second one. */
const INDEX_BYTES = 56 << 10;

/** Times are signed: 24 days. FLV 10.1 §E.4.1. */
const MAX_TIMESTAMP_MS = 0x7fff_ffff;
const FULL = 'an FLV has no times beyond 24 days';

export interface FlvFileOptions {
  readonly path: string;
  /** Goes on behind the last tag of an existing file. */
  readonly append: boolean;
  /** Of a file whose end had to be looked for. */
  readonly known?: FoundEnd | undefined;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly maxFlushMs: number;
  /** As soon as that much waits, it is flushed. */
  readonly maxFlushBytes: number;
  onError(error: Error): void;
}

export class FlvFile implements ContainerFile {
  readonly growing: Growth;
  readonly lastTimestampMs: number | undefined;
  readonly #writer: DiskWriter;
  readonly #keyframes: FlvKeyframe[];
  readonly #groups = new GroupStarts();
  readonly #codecs = new Set<string>();
  #metaData: OwnMetaData | undefined;
  #flags: number;
  #durationMs: number;
  readonly #timer: FlushTimer;
  readonly #maxFlushBytes: number;
  #unflushedBytes = 0;

  private constructor(options: FlvFileOptions, found: FoundFlv, writer: DiskWriter) {
    const { path, clock, maxFlushMs, maxFlushBytes } = options;
    this.#maxFlushBytes = maxFlushBytes;
    this.#timer = new FlushTimer(clock, maxFlushMs, () => void this.flush());
    this.#writer = writer;
    this.#flags = found.flags;
    this.#metaData = found.metaData;
    this.#keyframes = [...found.keyframes];
    this.lastTimestampMs = found.lastTimestampMs;
    this.#durationMs = found.lastTimestampMs ?? 0;
    this.growing = new Growth(path, RecordedContainer.Flv);
    this.growing.flushedBytes = found.end;
    this.growing.flushedMs = this.#durationMs;
    for (const { timeMs, at } of found.keyframes) this.growing.keyframes.add(timeMs, at);
  }

  static open(options: FlvFileOptions): FlvFile {
    const { path, append, known, disk, onError } = options;
    let fd: number | undefined;
    try {
      fd = openForRecording(path, append);
      const found = append ? (readFoundFlv(fd, known) ?? writeBegin(fd)) : writeBegin(fd);
      return new FlvFile(options, found, new DiskWriter({ fd, end: found.end, disk, onError }));
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw recordingError(error, 'The recording cannot be opened');
    }
  }

  get sizeBytes(): number {
    return this.#writer.sizeBytes;
  }
  get durationMs(): number {
    return this.#durationMs;
  }
  get codecs(): readonly string[] {
    return [...this.#codecs];
  }

  begin({ startMs, metaData, headers, hasVideo }: FileBegin): string | undefined {
    if (startMs > MAX_TIMESTAMP_MS) return FULL;
    if (this.lastTimestampMs === undefined) this.#beginMetaData(metaData, hasVideo);
    else this.#append(MessageType.DataAmf0, startMs, encodeOnMetaData(metaData));
    for (const header of headers) this.take(header);
    return undefined;
  }

  /** In sound alone every frame is a place to begin. */
  #beginMetaData(entries: AmfObject, hasVideo: boolean): void {
    const bytes = emptyIndexBytes(entries) + INDEX_BYTES;
    const indexed = hasVideo ? encodeIndexedMetaData(entries, 0, [], bytes) : undefined;
    const payload = indexed ?? encodeOnMetaData(entries);
    const at = this.sizeBytes + FLV_TAG_HEAD_BYTES;
    this.#metaData = { at, bytes: payload.length, entries, isIndexed: indexed !== undefined };
    this.#append(MessageType.DataAmf0, 0, payload);
  }

  /** It holds whatever RTMP carries, as long as it has times for it. */
  refuses({ timestampMs }: Item): string | undefined {
    return timestampMs > MAX_TIMESTAMP_MS ? FULL : undefined;
  }

  take(item: Item): void {
    if (item.kind === 'metadata') {
      this.#append(MessageType.DataAmf0, item.timestampMs, encodeOnMetaData(item.entries));
      return;
    }
    const { kind, typeId, timestampMs, payload } = item;
    if (typeId === MessageType.Video) this.#noteVideo(payload, timestampMs);
    else if (typeId === MessageType.Audio) this.#note(typeId, inspectAudio(payload)?.codec);
    if (kind !== 'data') this.#durationMs = Math.max(this.#durationMs, timestampMs);
    this.#append(typeId, timestampMs, payload);
    if (this.#unflushedBytes >= this.#maxFlushBytes) void this.flush();
  }

  #noteVideo(payload: Uint8Array, timeMs: number): void {
    const tag = inspectVideo(payload);
    this.#note(MessageType.Video, tag?.codec);
    const at = tag && this.#groups.take(tag, payload, timeMs, this.sizeBytes);
    if (at === undefined) return;
    this.#keyframes.push({ timeMs, at });
    this.growing.keyframes.add(timeMs, at);
  }

  #note(typeId: number, codec: string | undefined): void {
    if (codec) this.#codecs.add(codec);
    const isVideo = typeId === MessageType.Video;
    const flag = encodeFlvHeader({ hasAudio: !isVideo, hasVideo: isVideo })[FLV_FLAGS_OFFSET]!;
    if ((this.#flags & flag) !== 0) return;
    this.#flags |= flag;
    this.#writer.patch(FLV_FLAGS_OFFSET, Uint8Array.of(this.#flags));
  }

  #append(typeId: number, timestampMs: number, payload: Uint8Array): void {
    const tag = encodeFlvTag({ typeId, timestampMs, payload });
    this.#unflushedBytes += tag.length;
    this.#writer.append(tag);
    this.#timer.arm();
  }

  async flush(): Promise<void> {
    this.#unflushedBytes = 0;
    this.#timer.clear();
    const durationMs = this.#durationMs;
    if (this.sizeBytes > this.growing.flushedBytes) this.#patchDuration();
    await this.#writer.flush();
    if (this.#writer.hasFailed) return;
    // what came while it was being written may be there as well: the time says too little then, never too much
    this.growing.flushed(this.#writer.flushedBytes, durationMs);
  }

  #patchDuration(): void {
    if (!this.#metaData) return;
    this.#writer.patch(this.#metaData.at + DURATION_OFFSET, encodeDuration(this.#durationMs));
  }

  async close(): Promise<void> {
    await this.flush();
    await this.flush(); // what came while the first was under way
    this.#timer.clear();
    this.#patchIndex();
    await this.#writer.close();
    this.growing.ended();
  }

  /** Of a file that found no more room: what is there of it. */
  #patchIndex(): void {
    const { flushedBytes, flushedMs } = this.growing;
    if (this.#writer.hasFailed) this.#durationMs = flushedMs;
    this.#patchDuration();
    if (!this.#metaData?.isIndexed) return;
    const { at, bytes, entries } = this.#metaData;
    const keyframes = this.#keyframes.filter((keyframe) => keyframe.at < flushedBytes);
    const payload = encodeIndexedMetaData(entries, this.#durationMs / 1000, keyframes, bytes);
    if (payload) this.#writer.patch(at, payload);
  }
}

function writeBegin(fd: number): FoundFlv {
  writeSync(fd, encodeFlvHeader({ hasAudio: false, hasVideo: false }));
  return { end: FLV_BEGIN_BYTES, flags: 0, metaData: undefined, keyframes: [], lastTimestampMs: undefined };
}
