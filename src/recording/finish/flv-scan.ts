// An FLV file of ours on the disk: where its tags end as far as they make sense, its metadata, and its keyframes. Synchronous:
// the thread of the media looks at the two ends of a file, only a worker's goes from tag to tag (cutFlv, tagsFrom).
import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { DecodeError, RecordingError } from '../../errors.ts';
import {
  decodeOnMetaData,
  FLV_BACK_POINTER_BYTES,
  FLV_TAG_HEAD_BYTES,
  type FlvKeyframe,
  type FlvTagHead,
  ownIndex,
  readFlvTagHead,
} from '../../media/flv.ts';
import type { AmfObject } from '../../protocol/amf/amf.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { isTagType } from '../read/flv-index.ts';
import { changedMeanwhile, type FoundEnd } from './found-end.ts';

/** With the 0 in front of the first tag. */
export const FLV_BEGIN_BYTES = 13;
export const FLV_FLAGS_OFFSET = 4;
/** Larger is no metadata of ours. */
const MAX_METADATA_BYTES = 256 << 10;
const BLOCK_BYTES = 64 << 10;
/** Looked through for where its tags end: 17 hours of 8 Mbit/s, or a minute of the worker's time in a file of holes. */
const MAX_SCAN_BYTES = 64 * 2 ** 30;
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

/**
 * Undefined: it is empty. `known`: where it ends, of a file whose last bytes do not say so; a RecordingError: it has changed since, or
 * is no FLV that can be appended to.
 */
export function readFoundFlv(fd: number, known?: FoundEnd): FoundFlv | undefined {
  const begin = readBegin(fd);
  if (!begin) return undefined;
  const { sizeBytes, flags } = begin;
  const found = lastTagBehind(fd, sizeBytes) ?? (known?.sizeBytes === sizeBytes ? known : undefined);
  if (!found) throw changedMeanwhile();
  return { end: sizeBytes, flags, lastTimestampMs: found.lastTimestampMs, ...findMetaData(fd, sizeBytes) };
}

/** Whether the bytes at its end say where its tags end, as they do in all that were closed. True as well for what is no FLV of ours. */
export function endsWithTag(fd: number): boolean {
  try {
    const begin = readBegin(fd);
    return !begin || lastTagBehind(fd, begin.sizeBytes) !== undefined;
  } catch (error) {
    if (error instanceof RecordingError) return true;
    throw error;
  }
}

/** For a worker: cuts off what a crash, or anybody, has left behind the last whole tag. Undefined: it is empty. */
export function cutFlv(fd: number): FoundEnd | undefined {
  const begin = readBegin(fd);
  if (!begin) return undefined;
  const { sizeBytes } = begin;
  const known = lastTagBehind(fd, sizeBytes);
  if (known) return known;
  if (sizeBytes > MAX_SCAN_BYTES) {
    throw new RecordingError(
      'NetStream.Record.NoAccess',
      `The file of that name does not end with a tag, and has more than ${MAX_SCAN_BYTES} bytes to look through.`,
    );
  }
  let end = FLV_BEGIN_BYTES;
  let lastTimestampMs: number | undefined;
  for (const { next, head } of tagsFrom(fd, FLV_BEGIN_BYTES, sizeBytes)) {
    end = next;
    if (lastTimestampMs === undefined || isMedia(head)) lastTimestampMs = signedMs(head);
  }
  if (end < sizeBytes) ftruncateSync(fd, end);
  return { sizeBytes: end, lastTimestampMs };
}

/** Undefined: it is empty. */
function readBegin(fd: number): { sizeBytes: number; flags: number } | undefined {
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
  return { sizeBytes: size, flags: head[FLV_FLAGS_OFFSET]! };
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

/** Undefined: the last four bytes do not lead to a tag. */
function lastTagBehind(fd: number, sizeBytes: number): FoundEnd | undefined {
  if (sizeBytes === FLV_BEGIN_BYTES) return { sizeBytes, lastTimestampMs: undefined };
  const last = tagBefore(fd, sizeBytes);
  if (!last) return undefined;
  let media: FoundHead | undefined = last;
  for (let back = 0; media && !isMedia(media.head) && back < MAX_DATA_TAGS; back += 1) {
    media = tagBefore(fd, media.at);
  }
  return { sizeBytes, lastTimestampMs: signedMs((media ?? last).head) };
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
