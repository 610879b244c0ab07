// The media path's one buffer: a message in the bytes in which it leaves to every player of its stream, built once
// where it came in (no work per player).
import { Buffer } from 'node:buffer';
import { Assembly, type ChunkedHead, firstHeaderBytes, nextHeaderBytes } from './assembly.ts';
import { MessageType, type RtmpMessage } from './message.ts';

/** The kinds of message that a stream consists of. */
export type WireType =
  | typeof MessageType.Audio
  | typeof MessageType.Video
  | typeof MessageType.DataAmf0
  | typeof MessageType.DataAmf3
  | typeof MessageType.Aggregate;

/**
 * Chunk size announced to players. Larger: fewer type-3 headers and payloads that are whole more often; smaller: commands
 * need not wait behind so long a chunk. Almost every message of a few Mbit/s fits one chunk.
 */
export const WIRE_CHUNK_BYTES = 60_000;

/** The message stream id that players get with their first createStream. */
export const WIRE_STREAM_ID = 1;

/** Chunk streams on the way out: 2 is protocol control, 3 are commands. */
export function wireCsid(typeId: WireType): number {
  if (typeId === MessageType.Audio) return 4;
  if (typeId === MessageType.DataAmf0 || typeId === MessageType.DataAmf3) return 5;
  return 6;
}

export function isWireType(typeId: number): typeId is WireType {
  return (
    typeId === MessageType.Audio ||
    typeId === MessageType.Video ||
    typeId === MessageType.DataAmf0 ||
    typeId === MessageType.DataAmf3 ||
    typeId === MessageType.Aggregate
  );
}

export interface WireMessageInit {
  readonly typeId: WireType;
  /** Message stream id on which it arrived; says nothing about the one inside `wire`. */
  readonly streamId: number;
  readonly timestampMs: number;
  /** Payload bytes. */
  readonly length: number;
  readonly chunkBytes: number;
  readonly wire: Buffer;
}

/** Immutable, and shared by everybody who holds it: nobody writes into its bytes. */
export class WireMessage implements RtmpMessage {
  readonly typeId: WireType;
  readonly streamId: number;
  readonly timestampMs: number;
  readonly length: number;
  readonly chunkBytes: number;
  readonly wire: Buffer;
  #payload: Uint8Array | undefined;

  constructor(init: WireMessageInit) {
    this.typeId = init.typeId;
    this.streamId = init.streamId;
    this.timestampMs = init.timestampMs;
    this.length = init.length;
    this.chunkBytes = init.chunkBytes;
    this.wire = init.wire;
  }

  /** The payload in one piece: a view when it fits one chunk, else copied together once and remembered. */
  get payload(): Uint8Array {
    this.#payload ??= this.length <= this.chunkBytes ? this.head : this.#joinChunks();
    return this.#payload;
  }

  /** A view on the payload's first chunk; enough to look at codec headers. */
  get head(): Uint8Array {
    const start = firstHeaderBytes(this.timestampMs);
    return this.wire.subarray(start, start + Math.min(this.length, this.chunkBytes));
  }

  #joinChunks(): Uint8Array {
    const payload = new Uint8Array(this.length);
    const between = nextHeaderBytes(this.timestampMs);
    let from = firstHeaderBytes(this.timestampMs);
    for (let at = 0; at < this.length; at += this.chunkBytes) {
      const part = Math.min(this.chunkBytes, this.length - at);
      payload.set(this.wire.subarray(from, from + part), at);
      from += part + between;
    }
    return payload;
  }
}

/** What the wire bytes of such a message say. */
export function wireHead(
  message: { typeId: WireType; timestampMs: number; length: number },
  chunkBytes: number,
): ChunkedHead {
  const { typeId, timestampMs, length } = message;
  return { csid: wireCsid(typeId), typeId, streamId: WIRE_STREAM_ID, timestampMs, length, chunkBytes };
}

/** For messages that did not come out of a ChunkReader in this shape: rewritten ones, a script's, a file's. */
export function buildWireMessage(source: {
  typeId: WireType;
  timestampMs: number;
  payload: Uint8Array;
  chunkBytes?: number;
}): WireMessage {
  const { typeId, timestampMs, payload, chunkBytes = WIRE_CHUNK_BYTES } = source;
  const length = payload.length;
  const assembly = Assembly.chunked(wireHead({ typeId, timestampMs, length }, chunkBytes));
  assembly.append(payload, 0, length);
  return new WireMessage({
    typeId,
    streamId: WIRE_STREAM_ID,
    timestampMs,
    length,
    chunkBytes,
    wire: assembly.done(),
  });
}

/** The same message at another time. */
export function retimed(message: WireMessage, timestampMs: number): WireMessage {
  if (message.timestampMs === timestampMs) return message;
  const { typeId, payload, chunkBytes } = message;
  return buildWireMessage({ typeId, timestampMs, payload, chunkBytes });
}

/** A message's own objects, roughly. */
const OBJECT_BYTES = 200;

/** What it costs to keep a message; a peer sends an empty one with a single byte. */
export function memoryBytes(message: RtmpMessage): number {
  const { length } = message instanceof WireMessage ? message.wire : message.payload;
  return length + OBJECT_BYTES;
}

/** For one that is kept by itself: in Node's pool the smallest keeps 64 kB from being freed. */
export function withOwnMemory(message: RtmpMessage): RtmpMessage {
  const bytes = message instanceof WireMessage ? message.wire : message.payload;
  if (bytes.buffer.byteLength <= 2 * bytes.length) return message;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  if (!(message instanceof WireMessage)) return { ...message, payload: own };
  const { typeId, streamId, timestampMs, length, chunkBytes } = message;
  return new WireMessage({ typeId, streamId, timestampMs, length, chunkBytes, wire: own });
}

/** The slow path: private bytes for a player that needs another message stream id, time or chunk size. */
export function rewire(
  message: WireMessage,
  to: { streamId: number; timestampMs?: number; chunkBytes?: number },
): Buffer {
  const { chunkBytes = message.chunkBytes, timestampMs = message.timestampMs } = to;
  const { typeId, length } = message;
  const assembly = Assembly.chunked({
    csid: wireCsid(typeId),
    typeId,
    streamId: to.streamId,
    timestampMs,
    length,
    chunkBytes,
  });
  assembly.append(message.payload, 0, length);
  return assembly.done();
}
