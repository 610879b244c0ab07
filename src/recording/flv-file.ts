// An FLV file that grows. Whatever happens to the process, what was flushed can be played: tags stand one behind the other,
// and the duration is written over at each flush. The index of keyframes is put into its place at the end.
import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { DecodeError, RecordingError } from '../errors.ts';
import {
  DURATION_OFFSET,
  decodeOnMetaData,
  emptyIndexBytes,
  encodeFlvHeader,
  encodeFlvTag,
  encodeIndexedMetaData,
  encodeOnMetaData,
  FLV_BACK_POINTER_BYTES,
  FLV_TAG_HEAD_BYTES,
  type FlvKeyframe,
  ownIndex,
  readFlvTagHead,
} from '../media/flv.ts';
import { inspectAudio, inspectVideo } from '../media/tag.ts';
import type { AmfObject } from '../protocol/amf.ts';
import { MessageType } from '../protocol/message.ts';
import type { ContainerFile, FileBegin, Item } from './container-file.ts';
import { type Disk, DiskWriter } from './disk-writer.ts';
import { isTagType } from './flv-index.ts';
import { Growth, RecordedContainer } from './growing.ts';
import { openForRecording, recordingError } from './open-file.ts';

const HEADER_BYTES = 13; // with the 0 in front of the first tag
const FLAGS_OFFSET = 4;
/** For some three thousand keyframes: at one every two seconds all of them for 100 minutes, then every second one. */
const INDEX_BYTES = 56 << 10;
/** Larger is no metadata of ours. */
const MAX_METADATA_BYTES = 1 << 20;

export interface FlvFileOptions {
  readonly path: string;
  /** Goes on behind the last whole tag of an existing file; what a crash left of a tag is cut off. */
  readonly append: boolean;
  readonly disk: Disk;
  /** As soon as that much waits, it is flushed. */
  readonly maxFlushBytes: number;
  onError(error: Error): void;
}

/** onMetaData of our making at the file's beginning. */
interface MetaData {
  /** Of its payload. */
  readonly at: number;
  readonly bytes: number;
  readonly entries: AmfObject;
  /** There is room for the index of keyframes. */
  readonly isIndexed: boolean;
}

interface Found {
  end: number;
  flags: number;
  metaData: MetaData | undefined;
  /** Of sessions before, as the metadata has them. */
  keyframes: readonly FlvKeyframe[];
  lastTimestampMs: number | undefined;
}

export class FlvFile implements ContainerFile {
  readonly growing: Growth;
  readonly lastTimestampMs: number | undefined;
  readonly #writer: DiskWriter;
  readonly #keyframes: FlvKeyframe[];
  readonly #codecs = new Set<string>();
  #metaData: MetaData | undefined;
  #flags: number;
  #durationMs: number;
  readonly #maxFlushBytes: number;
  #unflushedBytes = 0;

  private constructor({ path, maxFlushBytes }: FlvFileOptions, found: Found, writer: DiskWriter) {
    this.#maxFlushBytes = maxFlushBytes;
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
    const { path, append, disk, onError } = options;
    let fd: number | undefined;
    try {
      fd = openForRecording(path, append);
      const found = append ? readFound(fd) : writeBegin(fd);
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

  begin({ startMs, metaData, headers, hasVideo }: FileBegin): void {
    if (this.lastTimestampMs === undefined) this.#beginMetaData(metaData, hasVideo);
    else this.#append(MessageType.DataAmf0, startMs, encodeOnMetaData(metaData));
    for (const header of headers) this.take(header);
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

  refuses(): undefined {
    return undefined; // whatever RTMP carries
  }

  take(item: Item): void {
    if (item.kind === 'metadata') {
      this.#append(MessageType.DataAmf0, item.timestampMs, encodeOnMetaData(item.entries));
      return;
    }
    const { kind, typeId, timestampMs, payload } = item;
    if (kind === 'keyframe') {
      this.#keyframes.push({ timeMs: timestampMs, at: this.sizeBytes });
      this.growing.keyframes.add(timestampMs, this.sizeBytes);
    }
    if (typeId === MessageType.Audio || typeId === MessageType.Video) this.#note(typeId, payload);
    if (kind !== 'data') this.#durationMs = Math.max(this.#durationMs, timestampMs);
    this.#append(typeId, timestampMs, payload);
    if (this.#unflushedBytes >= this.#maxFlushBytes) void this.flush();
  }

  #note(typeId: number, payload: Uint8Array): void {
    const isVideo = typeId === MessageType.Video;
    const codec = (isVideo ? inspectVideo(payload) : inspectAudio(payload))?.codec;
    if (codec) this.#codecs.add(codec);
    const flag = encodeFlvHeader({ hasAudio: !isVideo, hasVideo: isVideo })[FLAGS_OFFSET]!;
    if ((this.#flags & flag) !== 0) return;
    this.#flags |= flag;
    this.#writer.patch(FLAGS_OFFSET, Uint8Array.of(this.#flags));
  }

  #append(typeId: number, timestampMs: number, payload: Uint8Array): void {
    const tag = encodeFlvTag({ typeId, timestampMs, payload });
    this.#unflushedBytes += tag.length;
    this.#writer.append(tag);
  }

  async flush(): Promise<void> {
    this.#unflushedBytes = 0;
    const durationMs = this.#durationMs;
    if (this.sizeBytes > this.growing.flushedBytes) this.#patchDuration();
    await this.#writer.flush();
    if (this.#writer.hasFailed) return;
    // what came while it was being written may be there as well: the time says too little then, never too much
    this.growing.flushed(this.#writer.flushedBytes, durationMs);
  }

  #patchDuration(): void {
    if (!this.#metaData) return;
    const duration = Buffer.alloc(8);
    duration.writeDoubleBE(this.#durationMs / 1000);
    this.#writer.patch(this.#metaData.at + DURATION_OFFSET, duration);
  }

  async close(): Promise<void> {
    await this.flush();
    await this.flush(); // what came while the first was under way
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

function writeBegin(fd: number): Found {
  writeSync(fd, encodeFlvHeader({ hasAudio: false, hasVideo: false }));
  return { end: HEADER_BYTES, flags: 0, metaData: undefined, keyframes: [], lastTimestampMs: undefined };
}

function readFound(fd: number): Found {
  const size = fstatSync(fd).size;
  if (size === 0) return writeBegin(fd);
  const head = readAt(fd, 0, HEADER_BYTES);
  if (head.toString('latin1', 0, 3) !== 'FLV' || head.readUInt32BE(5) !== HEADER_BYTES - 4) {
    throw new RecordingError(
      'NetStream.Record.NoAccess',
      'The file of that name is not an FLV that can be appended to.',
    );
  }
  const { end, lastTimestampMs } = lastTagBehind(fd, size) ?? walkOverTags(fd, size);
  if (end < size) ftruncateSync(fd, end);
  return { end, flags: head[FLAGS_OFFSET]!, lastTimestampMs, ...findMetaData(fd, end) };
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

/** Where whole tags end, and the time of the last of them. */
interface TagsEnd {
  end: number;
  lastTimestampMs: number | undefined;
}

/** The file ends with a tag, to which its last four bytes lead: so it is with all that were closed. */
function lastTagBehind(fd: number, size: number): TagsEnd | undefined {
  if (size < HEADER_BYTES + FLV_TAG_HEAD_BYTES + FLV_BACK_POINTER_BYTES) return undefined;
  const pointer = readAt(fd, size - FLV_BACK_POINTER_BYTES, FLV_BACK_POINTER_BYTES);
  const at = size - FLV_BACK_POINTER_BYTES - pointer.readUInt32BE(0);
  if (at < HEADER_BYTES) return undefined;
  const tag = tagAt(fd, at);
  return tag && tag.next === size ? { end: size, lastTimestampMs: tag.timestampMs } : undefined;
}

/** After a crash: from the first tag on, which takes its time, as long as they are whole and make sense. */
function walkOverTags(fd: number, size: number): TagsEnd {
  let end = HEADER_BYTES;
  let lastTimestampMs: number | undefined;
  while (end + FLV_TAG_HEAD_BYTES + FLV_BACK_POINTER_BYTES <= size) {
    const tag = tagAt(fd, end);
    if (!tag || tag.next > size) break;
    lastTimestampMs = tag.timestampMs;
    end = tag.next;
  }
  return { end, lastTimestampMs };
}

/** `undefined`: those bytes are none. Some file systems leave zeros behind the last that was written. */
function tagAt(fd: number, at: number): { next: number; timestampMs: number } | undefined {
  const bytes = readAt(fd, at, FLV_TAG_HEAD_BYTES);
  if (bytes.length < FLV_TAG_HEAD_BYTES || bytes.readUIntBE(8, 3) !== 0) return undefined;
  const { typeId, isEncrypted, length, timestampMs } = readFlvTagHead(bytes, 0);
  if (!isTagType(typeId) || isEncrypted) return undefined;
  return { next: at + FLV_TAG_HEAD_BYTES + length + FLV_BACK_POINTER_BYTES, timestampMs };
}

/** In a file of ours the first tag is onMetaData, and its first entry the duration. */
function findMetaData(fd: number, end: number): Pick<Found, 'metaData' | 'keyframes'> {
  const none = { metaData: undefined, keyframes: [] };
  const at = HEADER_BYTES + FLV_TAG_HEAD_BYTES;
  if (at > end) return none;
  const { typeId, length } = readFlvTagHead(readAt(fd, HEADER_BYTES, FLV_TAG_HEAD_BYTES), 0);
  if (typeId !== MessageType.DataAmf0 || length > MAX_METADATA_BYTES || at + length > end) return none;
  const payload = readAt(fd, at, length);
  const entries = metaDataOf(payload);
  if (!entries || Object.keys(entries)[0] !== 'duration') return none;
  const { duration: _, keyframes, ...others } = entries;
  const index = ownIndex(keyframes);
  return {
    metaData: { at, bytes: length, entries: others, isIndexed: index !== undefined },
    keyframes: index ?? [],
  };
}

function metaDataOf(payload: Uint8Array): AmfObject | undefined {
  try {
    return decodeOnMetaData(payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
