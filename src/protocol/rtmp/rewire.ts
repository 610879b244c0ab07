// Many messages for one player that needs another message stream id or other times than the stream's own bytes have. Short ones are
// copied together; of long ones the heads of chunks are new and the payload is everybody's, so that a picture of megabytes costs a
// player of this kind no more memory and time than any other.
import { Buffer } from 'node:buffer';
import { EXTENDED_FROM, firstHeaderBytes, nextHeaderBytes, writeFirstHeader } from './assembly.ts';
import { rewire, type WireMessage, wireCsid } from './wire-message.ts';

/** A copy of less is cheaper than another piece. */
const SHARED_FROM_BYTES = 4 << 10;

export interface Rewiring {
  readonly streamId: number;
  timeOf(message: WireMessage): number;
}

/** In pieces, which follow each other. */
export function rewireAll(messages: readonly WireMessage[], to: Rewiring): Buffer[] {
  const times = messages.map((message) => to.timeOf(message));
  const pieces: Buffer[] = [];
  let from = 0;
  for (let i = 0; i < messages.length; i += 1) {
    if (isShort(messages[i]!)) continue;
    copyShort(messages, times, { from, to: i, streamId: to.streamId }, pieces);
    from = i + 1;
    rewireLong(messages[i]!, times[i]!, to.streamId, pieces);
  }
  copyShort(messages, times, { from, to: messages.length, streamId: to.streamId }, pieces);
  return pieces;
}

function isShort({ length, chunkBytes }: WireMessage): boolean {
  return length < SHARED_FROM_BYTES && length <= chunkBytes;
}

/** Those in a row have one chunk each. */
function copyShort(
  messages: readonly WireMessage[],
  times: readonly number[],
  { from, to, streamId }: { from: number; to: number; streamId: number },
  pieces: Buffer[],
): void {
  let size = 0;
  for (let i = from; i < to; i += 1) size += firstHeaderBytes(times[i]!) + messages[i]!.length;
  if (size === 0) return;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (let i = from; i < to; i += 1) {
    const message = messages[i]!;
    at = writeHead(bytes, at, message, streamId, times[i]!);
    at += message.wire.copy(bytes, at, firstHeaderBytes(message.timestampMs));
  }
  pieces.push(bytes);
}

function rewireLong(message: WireMessage, timestampMs: number, streamId: number, pieces: Buffer[]): void {
  const { wire, chunkBytes } = message;
  if (chunkBytes < SHARED_FROM_BYTES) {
    pieces.push(rewire(message, { streamId, timestampMs }));
    return;
  }
  const head = Buffer.allocUnsafe(firstHeaderBytes(timestampMs));
  writeHead(head, 0, message, streamId, timestampMs);
  pieces.push(head);
  const begin = firstHeaderBytes(message.timestampMs);
  if (laterHeaderTime(timestampMs) === laterHeaderTime(message.timestampMs)) {
    pieces.push(wire.subarray(begin));
    return;
  }
  const between = laterHeader(message, timestampMs);
  const step = chunkBytes + nextHeaderBytes(message.timestampMs);
  for (let at = begin; at < wire.length; at += step) {
    if (at > begin) pieces.push(between);
    pieces.push(wire.subarray(at, Math.min(at + chunkBytes, wire.length)));
  }
}

/** What the headers behind a message's first one say of its time; undefined: nothing. RTMP 1.0 §5.3.1.3. */
function laterHeaderTime(timestampMs: number): number | undefined {
  return timestampMs >= EXTENDED_FROM ? timestampMs : undefined;
}

function laterHeader({ typeId }: WireMessage, timestampMs: number): Buffer {
  const header = Buffer.allocUnsafe(nextHeaderBytes(timestampMs));
  header[0] = 0xc0 | wireCsid(typeId);
  if (header.length > 1) header.writeUInt32BE(timestampMs, 1);
  return header;
}

function writeHead(
  to: Buffer,
  at: number,
  { typeId, length }: WireMessage,
  streamId: number,
  timestampMs: number,
): number {
  return writeFirstHeader(to, at, { csid: wireCsid(typeId), typeId, streamId, timestampMs, length });
}
