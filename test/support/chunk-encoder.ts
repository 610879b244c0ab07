// What encoders send and our own ChunkWriter does not: compressed headers, any csid, extended timestamps left out, chunks
// one by one so that a test can interleave them. RTMP 1.0 §5.3.1.
import type { RtmpMessage } from '../../src/protocol/rtmp/message.ts';

export type Fmt = 0 | 1 | 2 | 3;

export interface ChunkChoices {
  /** Of the first chunk; the smallest possible unless told otherwise. */
  fmt?: Fmt;
  /** As encoders do that do not repeat the extended timestamp on fmt 3. */
  omitRepeatedTimestamp?: boolean;
}

interface Sent {
  message: RtmpMessage;
  /** The timestamp field as it went out last: a time or a difference. */
  field: number;
}

export class ChunkEncoder {
  chunkBytes = 128;
  readonly #last = new Map<number, Sent>();

  encode(message: RtmpMessage, csid: number, choices: ChunkChoices = {}): Uint8Array {
    return Buffer.concat(this.chunks(message, csid, choices));
  }

  chunks(message: RtmpMessage, csid: number, choices: ChunkChoices = {}): Uint8Array[] {
    const fmt = choices.fmt ?? this.#smallestFmt(message, csid);
    const last = this.#last.get(csid);
    if (last === undefined && fmt !== 0) throw new Error(`csid ${csid} begins with fmt ${fmt}`);
    const field = fmt === 0 ? message.timestampMs : (message.timestampMs - last!.message.timestampMs) >>> 0;
    const extended = field >= 0xff_ffff ? u32(field) : [];
    const header = [
      ...(fmt < 3 ? u24(Math.min(field, 0xff_ffff)) : []),
      ...(fmt < 2 ? [...u24(message.payload.length), message.typeId] : []),
      ...(fmt < 1 ? u32(message.streamId).reverse() : []),
    ];
    const repeated = choices.omitRepeatedTimestamp ? [] : extended;
    const out: Uint8Array[] = [];
    let at = 0;
    do {
      const part = message.payload.subarray(at, at + this.chunkBytes);
      const head =
        at === 0
          ? [...basicHeader(fmt, csid), ...header, ...(fmt === 3 ? repeated : extended)]
          : [...basicHeader(3, csid), ...repeated];
      out.push(Buffer.concat([Uint8Array.from(head), part]));
      at += part.length;
    } while (at < message.payload.length);
    this.#last.set(csid, { message, field });
    return out;
  }

  #smallestFmt(message: RtmpMessage, csid: number): Fmt {
    const last = this.#last.get(csid);
    if (last === undefined || last.message.streamId !== message.streamId) return 0;
    if (last.message.typeId !== message.typeId || last.message.payload.length !== message.payload.length)
      return 1;
    return last.field === (message.timestampMs - last.message.timestampMs) >>> 0 ? 3 : 2;
  }
}

/** In the shortest of its three forms. */
export function basicHeader(fmt: Fmt, csid: number): number[] {
  const high = fmt << 6;
  if (csid < 64) return [high | csid];
  if (csid < 320) return [high, csid - 64];
  return [high | 1, (csid - 64) & 0xff, (csid - 64) >> 8];
}

function u24(value: number): number[] {
  return [value >>> 16, (value >>> 8) & 0xff, value & 0xff];
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}
