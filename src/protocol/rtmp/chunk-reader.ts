// Bytes → messages. RTMP 1.0 §5.3. Media messages come out in the shape in which they leave (wire-message.ts); their
// payload is copied once, from the read buffer to there.
import { Buffer } from 'node:buffer';
import { DecodeError, DecodeLimitError } from '../../errors.ts';
import { ByteReader } from '../bytes.ts';
import { Assembly, EXTENDED_FROM } from './assembly.ts';
import { isMediaType, MessageType, type RtmpMessage } from './message.ts';
import { isWireType, WIRE_CHUNK_BYTES, WireMessage, type WireType, wireHead } from './wire-message.ts';

/** Both directions begin with it. RTMP 1.0 §5.4.1. */
export const DEFAULT_CHUNK_BYTES = 128;

/** The largest keyframes of live encoders stay below 4 MiB; the header's own limit is 16 MiB. */
export const MAX_MESSAGE_BYTES = 8 << 20;

/** Encoders interleave two or three; each costs memory until it is finished. */
export const MAX_HALF_RECEIVED = 64;

/** Memory that unfinished messages of one connection may hold. */
export const MAX_HALF_RECEIVED_BYTES = 16 << 20;

/** Chunk streams that a connection may use in its life, for we remember the last header of each. */
export const MAX_CHUNK_STREAMS = 1024;

/** Chunk streams beyond these count as held memory: encoders use a handful of them. */
const FREE_CHUNK_STREAMS = 32;
/** A chunk stream's objects, roughly. */
const CHUNK_STREAM_BYTES = 200;

/**
 * Memory for lengths that were only claimed: as much as the peer has sent in whole messages, up to this much for all of its
 * unfinished messages together. A message beyond that has a buffer that grows as its bytes arrive, at the price of copying
 * them once more; so a header costs nothing, and a publisher pays with its first picture only.
 */
const MAX_CLAIMED_BYTES = 1 << 20;
const GROW_FROM_BYTES = 1 << 10;

/** Message header bytes by fmt. RTMP 1.0 §5.3.1.2. */
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const;

const NOTHING = new Uint8Array(0);

/** The longest header: 3-byte basic header, type-0 message header, extended timestamp. */
const MAX_HEADER_BYTES = 18;

export interface ChunkReaderOptions {
  /** Types to build as WireMessage; audio and video unless told otherwise. */
  readonly wireTypes?: readonly WireType[];
  readonly wireChunkBytes?: number;
  readonly maxMessageBytes?: number;
  /** Of a message that is not audio, video or an aggregate of them. */
  readonly maxValueBytes?: number;
  readonly maxHalfReceived?: number;
  readonly maxHalfReceivedBytes?: number;
  /** As `ChunkReader.earlyBytes`. */
  readonly earlyBytes?: number;
}

/** What is remembered of a chunk stream: its last header, and the message that it is in the middle of. */
class ChunkStream {
  readonly csid: number;
  /** As sent last, extended or not: a time after fmt 0, a difference after fmt 1 and 2. */
  timestampField = 0;
  timestampMs = 0;
  length = 0;
  typeId = 0;
  streamId = 0;
  /** Undefined between messages. */
  assembly: Assembly | undefined;
  received = 0;
  /** Chunk size of the wire shape that the message is built in; 0 for a bare payload. */
  wireChunkBytes = 0;
  /** Counted as half-received: at least one of its chunks is in, and not the last. */
  isHalfReceived = false;

  constructor(csid: number) {
    this.csid = csid;
  }
}

/**
 * Push what a socket delivers and drain the generator: it yields each message that the bytes complete, those of the
 * chunk layer itself (Set Chunk Size, Abort) after it has obeyed them. `bytes` may be reused after that. A DecodeError
 * ends the reader's life as well as the connection's.
 */
export class ChunkReader {
  /** For messages that begin from now on: the application that decides it is known after `connect` only. */
  wireChunkBytes: number;
  /** Every byte that was pushed, without those that were given back. */
  bytesReceived = 0;
  /** Payload bytes of the messages that were finished. */
  bytesFinished = 0;
  /** Limit of a message, and of all unfinished ones together, until `connect` has come. Undefined: it has. */
  earlyBytes: number | undefined;

  readonly #wireTypes: readonly number[];
  readonly #maxMessageBytes: number;
  readonly #maxValueBytes: number;
  readonly #maxHalfReceived: number;
  readonly #maxHalfReceivedBytes: number;

  #chunkBytes = DEFAULT_CHUNK_BYTES;
  readonly #streams = new Map<number, ChunkStream>();
  /** The stream whose chunk is being received; undefined when a header is next. */
  #current: ChunkStream | undefined;
  #chunkBytesLeft = 0;
  #halfReceived = 0;
  #heldBytes = 0;
  /** A header of which only the beginning has arrived. */
  readonly #scratch = Buffer.alloc(MAX_HEADER_BYTES);
  #scratchBytes = 0;
  /** Of a push, behind the message that was yielded last. */
  #input: Uint8Array = NOTHING;
  #inputAt = 0;

  constructor(options: ChunkReaderOptions = {}) {
    this.#wireTypes = options.wireTypes ?? [MessageType.Audio, MessageType.Video];
    this.wireChunkBytes = options.wireChunkBytes ?? WIRE_CHUNK_BYTES;
    this.#maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    this.#maxValueBytes = options.maxValueBytes ?? this.#maxMessageBytes;
    this.#maxHalfReceived = options.maxHalfReceived ?? MAX_HALF_RECEIVED;
    this.#maxHalfReceivedBytes = options.maxHalfReceivedBytes ?? MAX_HALF_RECEIVED_BYTES;
    this.earlyBytes = options.earlyBytes;
  }

  /** The peer's chunk size. */
  get chunkBytes(): number {
    return this.#chunkBytes;
  }

  /** Memory of all unfinished messages. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Memory that they will have taken in addition when they are whole. */
  get missingBytes(): number {
    let missing = 0;
    for (const { assembly } of this.#streams.values()) {
      if (assembly !== undefined) missing += assembly.size - assembly.capacity;
    }
    return missing;
  }

  /** Frees the memory of unfinished messages. What is pushed afterwards makes no sense. */
  discard(): void {
    this.#streams.clear();
    this.#current = undefined;
    this.#heldBytes = 0;
    this.#input = NOTHING;
  }

  *push(bytes: Uint8Array): Generator<RtmpMessage | WireMessage, void, undefined> {
    this.bytesReceived += bytes.length;
    let input = bytes;
    let at = 0;
    if (this.#scratchBytes > 0) {
      const before = this.#scratchBytes;
      const held = before + this.#keep(bytes, 0);
      const headerBytes = this.#readHeader(this.#scratch, 0, held);
      if (headerBytes === 0) return;
      this.#scratchBytes = 0;
      // A byte that was kept may turn out to be payload after all: where an extended timestamp was missing.
      if (headerBytes < before) input = Buffer.concat([this.#scratch.subarray(headerBytes, before), bytes]);
      else at = headerBytes - before;
    }
    for (;;) {
      const stream = this.#current;
      if (stream !== undefined) {
        at = this.#readPayload(stream, input, at);
        if (this.#chunkBytesLeft > 0) return;
        this.#current = undefined;
        if (stream.received < stream.length) this.#countHalfReceived(stream);
        else {
          this.#input = input;
          this.#inputAt = at;
          yield this.#finish(stream);
          this.#input = NOTHING; // whoever reads on has no use for it, and it may be all that a socket has read
        }
      }
      if (at === input.length) return;
      const headerBytes = this.#readHeader(input, at, input.length);
      if (headerBytes === 0) {
        this.#keep(input, at);
        return;
      }
      at += headerBytes;
    }
  }

  /**
   * Gives back what follows the message that was yielded last, when the generator was left there: the next push begins with it.
   * A part of what was pushed, or a copy; undefined: nothing follows.
   */
  takeUnread(): Uint8Array | undefined {
    const unread = this.#input.subarray(this.#inputAt);
    this.#input = NOTHING;
    this.#inputAt = 0;
    this.bytesReceived -= unread.length;
    return unread.length > 0 ? unread : undefined;
  }

  /** Appends to the scratch what fits there; returns how much. */
  #keep(bytes: Uint8Array, from: number): number {
    const kept = bytes.subarray(from, from + MAX_HEADER_BYTES - this.#scratchBytes);
    this.#scratch.set(kept, this.#scratchBytes);
    this.#scratchBytes += kept.length;
    return kept.length;
  }

  /**
   * Reads the chunk header at `start` and makes its stream the current one. Returns the header's length, or 0 and no
   * change when it does not end before `end`.
   */
  #readHeader(bytes: Uint8Array, start: number, end: number): number {
    const first = bytes[start]!;
    const fmt = (first >>> 6) as 0 | 1 | 2 | 3;
    let at = start + 1;
    let csid = first & 0x3f;
    if (csid < 2) {
      // 0: one more byte, csid 64 … 319; 1: two more, little-endian, csid 64 … 65599. RTMP 1.0 §5.3.1.1.
      const more = csid + 1;
      if (end - at < more) return 0;
      csid = 64 + bytes[at]! + (more === 2 ? bytes[at + 1]! * 256 : 0);
      at += more;
    }
    const body = at + MESSAGE_HEADER_BYTES[fmt];
    if (body > end) return 0;

    const stream = this.#streams.get(csid);
    if (fmt === 3) {
      if (stream === undefined) throw this.#headless(csid, fmt);
      const extendedBytes = this.#repeatedTimestampBytes(stream, bytes, body, end);
      if (extendedBytes < 0) return 0;
      if (stream.assembly === undefined) {
        // After fmt 0 the difference is its absolute time. RTMP 1.0 §5.3.1.2.4.
        const timestampMs = (stream.timestampMs + stream.timestampField) >>> 0;
        this.#begin(stream, timestampMs, end - body - extendedBytes);
      }
      this.#beginChunk(stream);
      return body + extendedBytes - start;
    }

    const field = u24(bytes, at);
    const extendedBytes = field === EXTENDED_FROM ? 4 : 0;
    if (body + extendedBytes > end) return 0;
    const used = body + extendedBytes - start;
    const timestampField = extendedBytes === 0 ? field : u32(bytes, body);
    const target = stream ?? this.#open(csid, fmt);
    if (target.assembly !== undefined) {
      // COMPAT: librtmp, nginx-rtmp and ffmpeg take a whole header in the middle of a message for that of the next
      // chunk of the same message; only when it announces something else has the message been given up.
      const isNext = fmt === 2 || (u24(bytes, at + 3) === target.length && bytes[at + 6] === target.typeId);
      if (isNext) {
        this.#beginChunk(target);
        return used;
      }
      this.#discard(target);
    }
    if (fmt < 2) {
      target.length = u24(bytes, at + 3);
      target.typeId = bytes[at + 6]!;
    }
    if (fmt === 0) target.streamId = u32le(bytes, at + 7);
    target.timestampField = timestampField;
    const timestampMs = fmt === 0 ? timestampField : (target.timestampMs + timestampField) >>> 0;
    this.#begin(target, timestampMs, end - start - used);
    this.#beginChunk(target);
    return used;
  }

  /**
   * How many bytes at `at` repeat an extended timestamp in front of a type-3 chunk's payload: 4, or 0; -1 when that
   * takes more bytes to tell. RTMP 1.0 §5.3.1.3 has it repeated.
   * COMPAT: some encoders leave it out; then the bytes are payload, which does not equal it but by accident.
   */
  #repeatedTimestampBytes(stream: ChunkStream, bytes: Uint8Array, at: number, end: number): number {
    const expected = stream.timestampField;
    if (expected < EXTENDED_FROM) return 0;
    for (let i = 0; i < 4; i += 1) {
      if (at + i >= end) return -1;
      if (bytes[at + i] !== ((expected >>> (24 - 8 * i)) & 0xff)) return 0;
    }
    return 4;
  }

  /** A chunk stream's first header, which has to say everything. */
  #open(csid: number, fmt: number): ChunkStream {
    // COMPAT(librtmp): its first message on csid 2 may come with fmt 1; without a stream id that is stream 0.
    if (fmt > 1) throw this.#headless(csid, fmt);
    if (this.#streams.size >= MAX_CHUNK_STREAMS) {
      throw new DecodeError(
        'ERR_CHUNK_STREAMS',
        `more than ${MAX_CHUNK_STREAMS} chunk streams (csid ${csid})`,
      );
    }
    const stream = new ChunkStream(csid);
    this.#streams.set(csid, stream);
    if (this.#streams.size > FREE_CHUNK_STREAMS) this.#hold(CHUNK_STREAM_BYTES);
    return stream;
  }

  #headless(csid: number, fmt: number): DecodeError {
    return new DecodeError('ERR_CHUNK_HEADLESS', `chunk stream ${csid} begins with fmt ${fmt}`);
  }

  /** A message begins; the stream's header fields are those of it. `available`: bytes that have come behind its header. */
  #begin(stream: ChunkStream, timestampMs: number, available: number): void {
    const { typeId, length } = stream;
    if (length > this.#longest(typeId)) throw this.#tooLong(stream);
    stream.timestampMs = timestampMs;
    stream.received = 0;
    const capacity = length <= available ? undefined : this.#capacityOf(length, available);
    if (isWireType(typeId) && this.#wireTypes.includes(typeId)) {
      stream.wireChunkBytes = this.wireChunkBytes;
      const head = wireHead({ typeId, timestampMs, length }, stream.wireChunkBytes);
      stream.assembly = Assembly.chunked(head, capacity);
    } else {
      stream.wireChunkBytes = 0;
      stream.assembly = Assembly.bare(length, capacity);
    }
    this.#hold(stream.assembly.capacity);
  }

  /** With how much a message begins that stays unfinished for a while; as in `Assembly`. */
  #capacityOf(length: number, available: number): number | undefined {
    const held = this.#heldBytes;
    if (held + length > Math.min(this.bytesFinished, MAX_CLAIMED_BYTES)) {
      return Math.max(GROW_FROM_BYTES, available);
    }
    // one message in Node's pool keeps no more than a slab of it, and most connections have but one
    return held === 0 ? undefined : Number.POSITIVE_INFINITY;
  }

  #longest(typeId: number): number {
    const kind = isMediaType(typeId)
      ? this.#maxMessageBytes
      : Math.min(this.#maxMessageBytes, this.#maxValueBytes);
    return this.earlyBytes === undefined ? kind : Math.min(kind, this.earlyBytes);
  }

  #tooLong({ csid, typeId, length }: ChunkStream): DecodeError {
    const message = `message of ${length} bytes (type ${typeId}, csid ${csid})`;
    if (length > this.#maxMessageBytes) {
      const text = `${message}, the limit is ${this.#maxMessageBytes}`;
      return new DecodeError('ERR_CHUNK_MESSAGE_BYTES', text);
    }
    if (length > this.#maxValueBytes && !isMediaType(typeId)) {
      const text = `message of ${length} bytes (type ${typeId}), the limit for values is ${this.#maxValueBytes}`;
      return new DecodeLimitError('ERR_AMF_BYTES', text);
    }
    const text = `${message} before connect, the limit is ${this.earlyBytes}`;
    return new DecodeError('ERR_CHUNK_EARLY_BYTES', text);
  }

  #beginChunk(stream: ChunkStream): void {
    this.#current = stream;
    this.#chunkBytesLeft = Math.min(this.#chunkBytes, stream.length - stream.received);
  }

  /** Takes what has arrived of the current chunk; returns where it ends in `input`. */
  #readPayload(stream: ChunkStream, input: Uint8Array, at: number): number {
    const taken = Math.min(this.#chunkBytesLeft, input.length - at);
    const assembly = stream.assembly!;
    const before = assembly.capacity;
    assembly.append(input, at, at + taken);
    if (assembly.capacity !== before) this.#hold(assembly.capacity - before);
    stream.received += taken;
    this.#chunkBytesLeft -= taken;
    return at + taken;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#heldBytes > Math.min(this.#maxHalfReceivedBytes, this.earlyBytes ?? this.#heldBytes)) {
      throw this.#holdsTooMuch();
    }
  }

  #holdsTooMuch(): DecodeError {
    const message = `unfinished messages hold ${this.#heldBytes} bytes`;
    if (this.#heldBytes > this.#maxHalfReceivedBytes) {
      const text = `${message}, the limit is ${this.#maxHalfReceivedBytes}`;
      return new DecodeError('ERR_CHUNK_HALF_RECEIVED_BYTES', text);
    }
    const text = `${message} before connect, the limit is ${this.earlyBytes}`;
    return new DecodeError('ERR_CHUNK_EARLY_BYTES', text);
  }

  #countHalfReceived(stream: ChunkStream): void {
    if (stream.isHalfReceived) return;
    stream.isHalfReceived = true;
    this.#halfReceived += 1;
    if (this.#halfReceived > this.#maxHalfReceived) {
      throw new DecodeError(
        'ERR_CHUNK_HALF_RECEIVED',
        `${this.#halfReceived} half-received messages, the limit is ${this.#maxHalfReceived}`,
      );
    }
  }

  /** Forgets the message that the stream is in the middle of, if any. */
  #discard(stream: ChunkStream): void {
    if (stream.assembly === undefined) return;
    this.#heldBytes -= stream.assembly.capacity;
    stream.assembly = undefined;
    if (!stream.isHalfReceived) return;
    stream.isHalfReceived = false;
    this.#halfReceived -= 1;
  }

  #finish(stream: ChunkStream): RtmpMessage | WireMessage {
    const { typeId, streamId, timestampMs, length, wireChunkBytes: chunkBytes } = stream;
    const bytes = stream.assembly!.done();
    this.#discard(stream);
    this.bytesFinished += length;
    if (chunkBytes > 0 && isWireType(typeId)) {
      return new WireMessage({ typeId, streamId, timestampMs, length, chunkBytes, wire: bytes });
    }
    if (typeId === MessageType.SetChunkSize) this.#setChunkSize(readChunkSize(bytes));
    // one that is too short says nothing: chunks are where they were
    else if (typeId === MessageType.Abort && bytes.length >= 4) this.#abort(new ByteReader(bytes).u32());
    return { typeId, streamId, timestampMs, payload: bytes };
  }

  /** | 0 | chunk size u31 |   RTMP 1.0 §5.4.1. */
  #setChunkSize(chunkBytes: number): void {
    if (chunkBytes < 1 || chunkBytes > 0x7fff_ffff) {
      throw new DecodeError('ERR_CHUNK_SIZE', `chunk size ${chunkBytes} is not in 1 … ${0x7fff_ffff}`);
    }
    this.#chunkBytes = chunkBytes;
  }

  /** | csid u32 |   RTMP 1.0 §5.4.2. */
  #abort(csid: number): void {
    const stream = this.#streams.get(csid);
    if (stream !== undefined) this.#discard(stream);
  }
}

function u24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | u24(bytes, at + 1)) >>> 0;
}

function u32le(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!) >>> 0;
}

function readChunkSize(bytes: Uint8Array): number {
  if (bytes.length >= 4) return new ByteReader(bytes).u32();
  throw new DecodeError(
    'ERR_BYTES_SHORT',
    `a Set Chunk Size message of ${bytes.length} bytes has no chunk size`,
  );
}
