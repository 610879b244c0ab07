// A payload on its way into the buffer where it stays. It is copied once: bare, or with the chunk headers of the way out
// already between its parts.
import { Buffer } from 'node:buffer';

/** Message streams and timestamps of a message that leaves in one piece, on a chunk stream of its own kind. */
export interface ChunkedHead {
  /** 2 … 63, so that basic headers take one byte. */
  readonly csid: number;
  readonly typeId: number;
  readonly streamId: number;
  readonly timestampMs: number;
  /** Payload bytes. */
  readonly length: number;
  readonly chunkBytes: number;
}

/** Timestamps from here on move to four bytes of their own behind the header. RTMP 1.0 §5.3.1.3. */
export const EXTENDED_FROM = 0xff_ffff;

/** "No chunk boundary": longer than any message. */
const UNCHUNKED = 0x7fff_ffff;

/** Type-0 header with a one-byte csid: 12 bytes, 16 with an extended timestamp. RTMP 1.0 §5.3.1. */
export function firstHeaderBytes(timestampMs: number): number {
  return timestampMs >= EXTENDED_FROM ? 16 : 12;
}

/** Type-3 header: 1 byte, 5 with an extended timestamp. */
export function nextHeaderBytes(timestampMs: number): number {
  return timestampMs >= EXTENDED_FROM ? 5 : 1;
}

// | 00 csid | timestamp u24 | length u24 | type u8 | stream id u32 LE | [timestamp u32] |
/** Returns where it ends. */
export function writeFirstHeader(buffer: Buffer, at: number, head: Omit<ChunkedHead, 'chunkBytes'>): number {
  const { csid, typeId, streamId, timestampMs, length } = head;
  const field = Math.min(timestampMs, EXTENDED_FROM);
  buffer[at] = csid;
  buffer[at + 1] = field >>> 16;
  buffer[at + 2] = field >>> 8;
  buffer[at + 3] = field;
  buffer[at + 4] = length >>> 16;
  buffer[at + 5] = length >>> 8;
  buffer[at + 6] = length;
  buffer[at + 7] = typeId;
  const end = buffer.writeUInt32LE(streamId, at + 8);
  return field === EXTENDED_FROM ? buffer.writeUInt32BE(timestampMs, end) : end;
}

/** How many chunks carry `length` bytes; an empty message takes one too. */
function chunkCount(length: number, chunkBytes: number): number {
  return length === 0 ? 1 : Math.ceil(length / chunkBytes);
}

export class Assembly {
  /** Bytes of the finished buffer. */
  readonly size: number;
  #buffer: Buffer;
  /** Where the next byte goes. */
  #at = 0;
  readonly #chunkBytes: number;
  /** Payload bytes that still fit before a type-3 header is due. */
  #untilHeader: number;
  readonly #csid: number;
  readonly #timestampMs: number;

  /** `capacity`: begins with so many bytes at most, in memory of its own, and grows as payload arrives. Undefined: has all. */
  private constructor(
    size: number,
    capacity: number | undefined,
    chunkBytes: number,
    csid: number,
    timestampMs: number,
  ) {
    this.size = size;
    // Small ones share Node's pool: an allocation of its own for each audio message is dearer than its copy. While one stays
    // unfinished, it keeps all 64 kB of its slab from being freed.
    this.#buffer =
      capacity === undefined ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(Math.min(size, capacity));
    this.#chunkBytes = chunkBytes;
    this.#untilHeader = chunkBytes;
    this.#csid = csid;
    this.#timestampMs = timestampMs;
  }

  /** The payload and nothing else. */
  static bare(length: number, capacity?: number): Assembly {
    return new Assembly(length, capacity, UNCHUNKED, 0, 0);
  }

  // | first header | payload | 11 csid | [timestamp u32] | payload |  …
  /** The payload cut into chunks under one type-0 header. */
  static chunked(head: ChunkedHead, capacity?: number): Assembly {
    const { csid, timestampMs, length, chunkBytes } = head;
    const first = firstHeaderBytes(timestampMs);
    const more = chunkCount(length, chunkBytes) - 1;
    const size = first + length + more * nextHeaderBytes(timestampMs);
    const assembly = new Assembly(size, capacity && Math.max(capacity, first), chunkBytes, csid, timestampMs);
    assembly.#at = writeFirstHeader(assembly.#buffer, 0, head);
    return assembly;
  }

  /** Bytes that it holds in memory now. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Takes the payload's next bytes, `input[from … to)`. */
  append(input: Uint8Array, from: number, to: number): void {
    if (this.#buffer.length < this.size) this.#makeRoom(to - from);
    let at = from;
    while (at < to) {
      if (this.#untilHeader === 0) this.#putNextHeader();
      const part = Math.min(to - at, this.#untilHeader);
      this.#buffer.set(input.subarray(at, at + part), this.#at);
      this.#at += part;
      this.#untilHeader -= part;
      at += part;
    }
  }

  /** The finished buffer, once the whole payload has been appended. */
  done(): Buffer {
    return this.#buffer;
  }

  #putNextHeader(): void {
    this.#buffer[this.#at++] = 0xc0 | this.#csid;
    if (this.#timestampMs >= EXTENDED_FROM)
      this.#at = this.#buffer.writeUInt32BE(this.#timestampMs, this.#at);
    this.#untilHeader = this.#chunkBytes;
  }

  /** Doubles, so that a long message costs two copies of each byte at most and never claims twice what has arrived. */
  #makeRoom(payloadBytes: number): void {
    const headers = (Math.ceil(payloadBytes / this.#chunkBytes) + 1) * nextHeaderBytes(this.#timestampMs);
    const needed = Math.min(this.size, this.#at + payloadBytes + headers);
    if (needed <= this.#buffer.length) return;
    const bigger = Buffer.allocUnsafeSlow(Math.min(this.size, Math.max(needed, this.#buffer.length * 2)));
    bigger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = bigger;
  }
}
