// RTMP's own container: its tags are RTMP messages with another head. FLV 10.1 annex E.
import { Buffer } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import { type AmfObject, type AmfValue, EcmaArray, membersOf } from '../protocol/amf/amf.ts';
import { Amf0Reader, Amf0Writer } from '../protocol/amf/amf0.ts';
import { ByteReader, ByteWriter } from '../protocol/bytes.ts';
import { Assembly } from '../protocol/rtmp/assembly.ts';

export interface FlvHeader {
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

export interface FlvTag {
  /** 8, 9, 18 or 15: the MessageType of the same bytes. */
  readonly typeId: number;
  /** Unsigned 32 bits. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

const SIGNATURE = 0x46_4c_56; // FLV
const VERSION = 1;
const HEADER_BYTES = 9;
const HAS_AUDIO = 0x04;
const HAS_VIDEO = 0x01;

const TAG_HEAD_BYTES = 11;
const BACK_POINTER_BYTES = 4;
/** The tag head's size field has 24 bits. */
const MAX_TAG_BYTES = 0xff_ffff;
/** Beyond it a tag's buffer grows as its bytes arrive, so that a broken file cannot claim 16 MiB with 11 bytes. */
const CLAIMED_BYTES = 1 << 20;

const FILTERED = 0x20;
const TYPE_BITS = 0x1f;

// | "FLV" | 1 | flags u8 | header bytes u32 | then what stands in front of every tag: | size of the tag before u32: 0 |
export function encodeFlvHeader(header: FlvHeader): Uint8Array {
  const flags = (header.hasAudio ? HAS_AUDIO : 0) | (header.hasVideo ? HAS_VIDEO : 0);
  return new ByteWriter().u24(SIGNATURE).u8(VERSION).u8(flags).u32(HEADER_BYTES).u32(0).done();
}

// | type u8 | size u24 | timestamp u24 | its bits 31–24 u8 | stream id u24: 0 | payload | 11 + size u32 |
export function encodeFlvTag(tag: FlvTag): Buffer {
  const { typeId, timestampMs, payload } = tag;
  if (payload.length > MAX_TAG_BYTES) throw new RangeError(`an FLV tag of ${payload.length} bytes`);
  const bytes = Buffer.allocUnsafe(TAG_HEAD_BYTES + payload.length + BACK_POINTER_BYTES);
  bytes[0] = typeId;
  bytes.writeUIntBE(payload.length, 1, 3);
  bytes.writeUIntBE(timestampMs & 0xff_ffff, 4, 3);
  bytes[7] = timestampMs >>> 24;
  bytes.writeUIntBE(0, 8, 3);
  bytes.set(payload, TAG_HEAD_BYTES);
  bytes.writeUInt32BE(TAG_HEAD_BYTES + payload.length, TAG_HEAD_BYTES + payload.length);
  return bytes;
}

/** What a tag's first bytes say; its payload follows them. */
export interface FlvTagHead {
  readonly typeId: number;
  readonly isEncrypted: boolean;
  /** Payload bytes. */
  readonly length: number;
  readonly timestampMs: number;
}

/** Bytes in front of the payload, and behind it. */
export const FLV_TAG_HEAD_BYTES = TAG_HEAD_BYTES;
export const FLV_BACK_POINTER_BYTES = BACK_POINTER_BYTES;

/** For those who go through a file in their own steps: the tag that begins at `at`, of which the head is there. */
export function readFlvTagHead(bytes: Uint8Array, at: number): FlvTagHead {
  const from = new ByteReader(bytes.subarray(at, at + TAG_HEAD_BYTES));
  const type = from.u8();
  const length = from.u24();
  const timestampLow = from.u24();
  const timestampMs = from.u8() * 0x100_0000 + timestampLow;
  return { typeId: type & TYPE_BITS, isEncrypted: (type & FILTERED) !== 0, length, timestampMs };
}

/** A file with so much before its begin, or more than 37 days behind it, is beyond us. */
const BEFORE_MS = 2 ** 30;

/**
 * A time of the file, from its begin on: that of its first picture or sound. Timestamps are numbers of 32 bits, in the end signed
 * ones (FLV 10.1 §E.4.1): files begin below 0, at any other number, and go over the largest.
 */
export function flvTime(timestampMs: number, beginMs: number): number {
  return ((timestampMs - beginMs + BEFORE_MS) >>> 0) - BEFORE_MS;
}

/** How many bytes stand in front of the first tag, from the first nine of a file. A DecodeError: it is no FLV. */
export function readFlvHeader(bytes: Uint8Array): FlvHeader & { firstTagAt: number } {
  const r = new ByteReader(bytes);
  const signature = r.u24();
  const version = r.u8();
  if (signature !== SIGNATURE || version !== VERSION) {
    throw new DecodeError('ERR_FLV_SIGNATURE', 'the file does not begin with FLV version 1');
  }
  const flags = r.u8();
  const headerBytes = r.u32();
  if (headerBytes < HEADER_BYTES) {
    throw new DecodeError('ERR_FLV_HEADER_BYTES', `an FLV header of ${headerBytes} bytes`);
  }
  return {
    hasAudio: (flags & HAS_AUDIO) !== 0,
    hasVideo: (flags & HAS_VIDEO) !== 0,
    firstTagAt: headerBytes + BACK_POINTER_BYTES,
  };
}

/** Push a file's bytes as they are read and drain the generator; `bytes` may be reused after that. */
export class FlvReader {
  #header: FlvHeader | undefined;
  /** What is being collected: the file's header, or a back pointer and the tag head behind it. */
  readonly #scratch = new Uint8Array(BACK_POINTER_BYTES + TAG_HEAD_BYTES);
  #scratchBytes = 0;
  /** Bytes of a header longer than ours knows how to read. */
  #skipBytes = 0;
  /** The tag whose payload is being collected. */
  #assembly: Assembly | undefined;
  #payloadBytesLeft = 0;
  #typeId = 0;
  #timestampMs = 0;

  /** Once its nine bytes have been pushed. */
  get header(): FlvHeader | undefined {
    return this.#header;
  }

  *push(bytes: Uint8Array): Generator<FlvTag, void, undefined> {
    let at = 0;
    for (;;) {
      if (this.#assembly !== undefined) {
        const taken = Math.min(this.#payloadBytesLeft, bytes.length - at);
        this.#assembly.append(bytes, at, at + taken);
        at += taken;
        this.#payloadBytesLeft -= taken;
        if (this.#payloadBytesLeft > 0) return;
        const payload = this.#assembly.done();
        this.#assembly = undefined;
        yield { typeId: this.#typeId, timestampMs: this.#timestampMs, payload };
      }
      const skipped = Math.min(this.#skipBytes, bytes.length - at);
      this.#skipBytes -= skipped;
      at += skipped;
      if (at === bytes.length) return;

      const wanted = this.#header === undefined ? HEADER_BYTES : this.#scratch.length;
      const taken = bytes.subarray(at, at + wanted - this.#scratchBytes);
      this.#scratch.set(taken, this.#scratchBytes);
      this.#scratchBytes += taken.length;
      at += taken.length;
      if (this.#scratchBytes < wanted) return;
      this.#scratchBytes = 0;
      if (this.#header === undefined) this.#readHeader();
      else this.#readTagHead();
    }
  }

  #readHeader(): void {
    const { hasAudio, hasVideo, firstTagAt } = readFlvHeader(this.#scratch);
    this.#skipBytes = firstTagAt - BACK_POINTER_BYTES - HEADER_BYTES;
    this.#header = { hasAudio, hasVideo };
  }

  #readTagHead(): void {
    // COMPAT: the size of the tag before is wrong in many files, nobody needs it on the way forwards.
    const { typeId, isEncrypted, length, timestampMs } = readFlvTagHead(this.#scratch, BACK_POINTER_BYTES);
    if (isEncrypted) throw new DecodeError('ERR_FLV_ENCRYPTED', `an encrypted FLV tag (type ${typeId})`);
    this.#typeId = typeId;
    this.#timestampMs = timestampMs;
    this.#assembly = Assembly.bare(length, CLAIMED_BYTES);
    this.#payloadBytesLeft = length;
  }
}

const ON_META_DATA = 'onMetaData';

/** In the payload that encodeOnMetaData makes: where the eight bytes of `duration` stand, to be patched at the end. */
export const DURATION_OFFSET = 29;

/** The eight bytes. */
export function encodeDuration(ms: number): Uint8Array {
  return new ByteWriter().f64(ms / 1000).done();
}

// | 02 "onMetaData" | 08 entry count u32 | "duration" 00 f64 | other entries | 00 00 09 |
/** `duration` in seconds comes first; it is known when the recording ends, so it is written as 0 until then. */
export function encodeOnMetaData(entries: AmfObject, durationSeconds = 0): Uint8Array {
  const out = new ByteWriter(256);
  const amf = new Amf0Writer(out);
  amf.write(ON_META_DATA);
  const others = Object.entries(entries).filter(([name]) => name !== 'duration' && !isIndex(name));
  amf.write(new EcmaArray({ duration: durationSeconds, ...Object.fromEntries(others) }));
  return out.done();
}

/** JavaScript enumerates such names before all others, so one would take the place of `duration`; no metadata has them. */
function isIndex(name: string): boolean {
  return /^\d+$/.test(name);
}

/** The entries of a script data payload that is onMetaData; of any other, undefined. */
export function decodeOnMetaData(payload: Uint8Array): AmfObject | undefined {
  const amf = new Amf0Reader(new ByteReader(payload));
  return amf.read() === ON_META_DATA ? membersOf(amf.read()) : undefined;
}

/** Where decoding of a file can begin: the tag of a keyframe. */
export interface FlvKeyframe {
  timeMs: number;
  at: number;
}

const NUMBER_BYTES = 9;
const KEYFRAME_BYTES = 2 * NUMBER_BYTES;

/**
 * onMetaData of a file, with an index of its keyframes in the form that players know. It has `totalBytes`, whatever is in
 * it, so that it can be written over as the file grows: what the index does not need is filled up. Undefined: not even an
 * empty index fits.
 */
export function encodeIndexedMetaData(
  entries: AmfObject,
  durationSeconds: number,
  keyframes: readonly FlvKeyframe[],
  totalBytes: number,
): Uint8Array | undefined {
  const free = totalBytes - emptyIndexBytes(entries);
  if (free < 0) return undefined;
  let kept = thinned(keyframes, Math.floor(free / KEYFRAME_BYTES));
  let filler = fillerOf(free - kept.length * KEYFRAME_BYTES);
  if (!filler) {
    kept = kept.slice(0, -1);
    filler = fillerOf(free - kept.length * KEYFRAME_BYTES);
  }
  return filler && withIndex(entries, durationSeconds, kept, filler);
}

/** What such metadata has at least. */
export function emptyIndexBytes(entries: AmfObject): number {
  return withIndex(entries, 0, [], []).length;
}

const STRING_HEAD_BYTES = 3;
/** COMPAT: ffmpeg gives up metadata with a string of 1024 bytes or more. */
const MAX_PIECE_BYTES = STRING_HEAD_BYTES + 1000;

/** Texts of so many bytes together. Undefined: a text has more than that by itself. */
function fillerOf(bytes: number): string[] | undefined {
  if (bytes > 0 && bytes < STRING_HEAD_BYTES) return undefined;
  const count = Math.ceil(bytes / MAX_PIECE_BYTES);
  // of much the same length each, so that none is too short to be one
  return Array.from({ length: count }, (_, i) => {
    const end = Math.floor((bytes * (i + 1)) / count);
    const begin = Math.floor((bytes * i) / count);
    return ' '.repeat(end - begin - STRING_HEAD_BYTES);
  });
}

function withIndex(
  entries: AmfObject,
  durationSeconds: number,
  kept: readonly FlvKeyframe[],
  filler: string[],
): Uint8Array {
  const times = kept.map(({ timeMs }) => timeMs / 1000);
  const filepositions = kept.map(({ at }) => at);
  return encodeOnMetaData({ ...entries, keyframes: { times, filepositions, filler } }, durationSeconds);
}

/** Every second one, or every third …: who seeks must not find them in one half of the file only. */
function thinned(keyframes: readonly FlvKeyframe[], most: number): readonly FlvKeyframe[] {
  if (keyframes.length <= most) return keyframes;
  if (most === 0) return [];
  const step = Math.ceil(keyframes.length / most);
  return keyframes.filter((_, i) => i % step === 0);
}

/** An index that encodeIndexedMetaData has made, and so has room for more; undefined: it is somebody else's, or none. */
export function ownIndex(value: AmfValue | undefined): FlvKeyframe[] | undefined {
  const { times, filepositions, filler } = membersOf(value) ?? {};
  // it was one long text once
  const isOurs = typeof filler === 'string' || Array.isArray(filler);
  if (!isOurs || !Array.isArray(times) || !Array.isArray(filepositions)) return undefined;
  return times.flatMap((time, i) => {
    const at = filepositions[i];
    return typeof time === 'number' && typeof at === 'number'
      ? [{ timeMs: Math.round(time * 1000), at }]
      : [];
  });
}
