// An FLV file of ours on the disk: where its tags end as far as they make sense, its metadata, and its keyframes. Synchronous:
// short looks from the thread of the media, long ones from a worker's.
import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { DecodeError, RecordingError } from '../errors.ts';
import {
  decodeOnMetaData,
  FLV_BACK_POINTER_BYTES,
  FLV_TAG_HEAD_BYTES,
  type FlvKeyframe,
  type FlvTagHead,
  ownIndex,
  readFlvTagHead,
} from '../media/flv.ts';
import type { AmfObject } from '../protocol/amf.ts';
import { MessageType } from '../protocol/message.ts';
import { isTagType } from './flv-index.ts';

/** With the 0 in front of the first tag. */
export const FLV_BEGIN_BYTES = 13;
export const FLV_FLAGS_OFFSET = 4;
/** Larger is no metadata of ours. */
const MAX_METADATA_BYTES = 1 << 20;
const BLOCK_BYTES = 1 << 20;
/** At the end of a file, behind its last picture or sound. */
const MAX_DATA_TAGS = 64;
/** Of a payload what shows what it is. */
const PEEK_BYTES = 32;

/** onMetaData of our making at the file's beginning. */
export interface OwnMetaData {
  /** Of its payload. */
  readonly at: number;
  readonly bytes: number;
  readonly entries: AmfObject;
  /** There is room for the index of keyframes. */
  readonly isIndexed: boolean;
}

export interface FoundFlv {
  /** Where whole tags end. */
  readonly end: number;
  readonly flags: number;
  readonly metaData: OwnMetaData | undefined;
  /** As the metadata has them. */
  readonly keyframes: readonly FlvKeyframe[];
  readonly lastTimestampMs: number | undefined;
}

/** Undefined: it is empty. What a crash left of a tag is cut off. */
export function readFoundFlv(fd: number): FoundFlv | undefined {
  const { size } = fstatSync(fd);
  if (size === 0) return undefined;
  const head = readAt(fd, 0, FLV_BEGIN_BYTES);
  if (
    head.length < FLV_BEGIN_BYTES ||
    head.toString('latin1', 0, 3) !== 'FLV' ||
    head.readUInt32BE(5) !== FLV_BEGIN_BYTES - FLV_BACK_POINTER_BYTES
  ) {
    throw new RecordingError(
      'NetStream.Record.NoAccess',
      'The file of that name is not an FLV that can be appended to.',
    );
  }
  const { end, lastTimestampMs } = lastTagBehind(fd, size) ?? lastWholeTag(fd, size);
  if (end < size) ftruncateSync(fd, end);
  return { end, flags: head[FLV_FLAGS_OFFSET]!, lastTimestampMs, ...findMetaData(fd, end) };
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

/** Where whole tags end, and the time of the last picture or sound. */
interface TagsEnd {
  end: number;
  lastTimestampMs: number | undefined;
}

/** The file ends with a tag, to which its last four bytes lead: so it is with all that were closed. */
function lastTagBehind(fd: number, size: number): TagsEnd | undefined {
  const last = tagBefore(fd, size);
  if (!last) return undefined;
  let media: FoundHead | undefined = last;
  for (let back = 0; media && !isMedia(media.head) && back < MAX_DATA_TAGS; back += 1) {
    media = tagBefore(fd, media.at);
  }
  return { end: size, lastTimestampMs: signedMs((media ?? last).head) };
}

interface FoundHead {
  readonly at: number;
  readonly head: FlvTagHead;
}

function tagBefore(fd: number, end: number): FoundHead | undefined {
  if (end < FLV_BEGIN_BYTES + FLV_TAG_HEAD_BYTES + FLV_BACK_POINTER_BYTES) return undefined;
  const pointer = readAt(fd, end - FLV_BACK_POINTER_BYTES, FLV_BACK_POINTER_BYTES);
  const at = end - FLV_BACK_POINTER_BYTES - pointer.readUInt32BE(0);
  if (at < FLV_BEGIN_BYTES) return undefined;
  const head = headIn(readAt(fd, at, FLV_TAG_HEAD_BYTES), 0);
  return head && nextOf(at, head) === end ? { at, head } : undefined;
}

/** After a crash: from the first tag on, which takes its time. */
function lastWholeTag(fd: number, size: number): TagsEnd {
  let end = FLV_BEGIN_BYTES;
  let lastTimestampMs: number | undefined;
  for (const { next, head } of tagsFrom(fd, FLV_BEGIN_BYTES, size)) {
    end = next;
    if (lastTimestampMs === undefined || isMedia(head)) lastTimestampMs = signedMs(head);
  }
  return { end, lastTimestampMs };
}

/** The time of data may be anything: only sound and pictures say where a file is. */
function isMedia({ typeId }: FlvTagHead): boolean {
  return typeId === MessageType.Audio || typeId === MessageType.Video;
}

/** A file may begin below 0. FLV 10.1 §E.4.1: 24 bits and 8 more make a signed number. */
export function signedMs({ timestampMs }: FlvTagHead): number {
  return timestampMs | 0;
}

export interface FoundTag {
  readonly at: number;
  readonly head: FlvTagHead;
  readonly peek: Uint8Array;
  /** Reads all of it. */
  payload(): Uint8Array;
  readonly next: number;
}

/** One behind the other, as long as they are whole and make sense. `peek` holds until the next is asked for. */
export function* tagsFrom(fd: number, from: number, end: number): Generator<FoundTag, void, undefined> {
  let block: Buffer = Buffer.alloc(0);
  let blockAt = from;
  let next = from;
  for (let at = from; at + FLV_TAG_HEAD_BYTES + FLV_BACK_POINTER_BYTES <= end; at = next) {
    if (at + FLV_TAG_HEAD_BYTES + PEEK_BYTES > blockAt + block.length) {
      blockAt = at;
      block = readAt(fd, at, Math.min(BLOCK_BYTES, end - at));
    }
    const head = headIn(block, at - blockAt);
    if (!head) return;
    next = nextOf(at, head);
    if (next > end) return;
    const begin = at - blockAt + FLV_TAG_HEAD_BYTES;
    const peek = block.subarray(begin, begin + Math.min(head.length, PEEK_BYTES));
    const payload = () => readAt(fd, at + FLV_TAG_HEAD_BYTES, head.length);
    yield { at, head, peek, payload, next };
  }
}

/** `undefined`: those bytes are none. Some file systems leave zeros behind the last that was written. */
function headIn(bytes: Buffer, at: number): FlvTagHead | undefined {
  if (at + FLV_TAG_HEAD_BYTES > bytes.length || bytes.readUIntBE(at + 8, 3) !== 0) return undefined;
  const head = readFlvTagHead(bytes, at);
  return isTagType(head.typeId) && !head.isEncrypted ? head : undefined;
}

function nextOf(at: number, { length }: FlvTagHead): number {
  return at + FLV_TAG_HEAD_BYTES + length + FLV_BACK_POINTER_BYTES;
}

/** In a file of ours the first tag is onMetaData, and its first entry the duration. */
function findMetaData(fd: number, end: number): Pick<FoundFlv, 'metaData' | 'keyframes'> {
  const none = { metaData: undefined, keyframes: [] };
  const at = FLV_BEGIN_BYTES + FLV_TAG_HEAD_BYTES;
  const head = headIn(readAt(fd, FLV_BEGIN_BYTES, FLV_TAG_HEAD_BYTES), 0);
  if (head?.typeId !== MessageType.DataAmf0 || head.length > MAX_METADATA_BYTES || at + head.length > end) {
    return none;
  }
  const entries = metaDataOf(readAt(fd, at, head.length));
  if (!entries || Object.keys(entries)[0] !== 'duration') return none;
  const { duration: _, keyframes, ...others } = entries;
  const index = ownIndex(keyframes);
  return {
    metaData: { at, bytes: head.length, entries: others, isIndexed: index !== undefined },
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
