// Frames of the pipe between the media process and the script runner: bytes ⇄ type, unit, body.
import { DecodeError } from '../../errors.ts';
import {
  type BeatBody,
  type DeadBody,
  type DetachedBody,
  type FailedBody,
  FrameType,
  type HelloBody,
  type InitBody,
  type LoadBody,
  type LoadedBody,
  MAX_FRAME_BYTES,
  type RecycleBody,
  type ScriptCommand,
  type TickBody,
  type TickedBody,
  type UsageBody,
} from './wire.ts';

export const FRAME_HEADER_BYTES = 9;
/** type and unit: counted by the length field, as is the body. */
const COUNTED_HEADER_BYTES = 5;

export interface FrameBodies {
  [FrameType.Init]: InitBody;
  [FrameType.Unload]: undefined;
  [FrameType.Hello]: HelloBody;
  [FrameType.Loaded]: LoadedBody;
  [FrameType.Failed]: FailedBody;
  [FrameType.Commands]: ScriptCommand[];
  [FrameType.Dead]: DeadBody;
  [FrameType.Beat]: BeatBody;
  [FrameType.Turn]: undefined;
  [FrameType.Recycle]: RecycleBody;
  [FrameType.TurnEnd]: undefined;
  [FrameType.Attach]: undefined;
  [FrameType.Detach]: undefined;
  [FrameType.Detached]: DetachedBody;
  [FrameType.Usage]: UsageBody;
  [FrameType.Tick]: TickBody;
  [FrameType.Ticked]: TickedBody;
}

/** A frame as it came. `type` may be one we do not know; `body` may share memory with the bytes that were pushed. */
export interface Frame {
  type: number;
  unit: number;
  body: Buffer;
}

// | length u32 BE | type u8 | unit u32 BE | body |
export function encodeFrame<T extends keyof FrameBodies>(
  type: T,
  unit: number,
  ...[body]: FrameBodies[T] extends undefined ? [] : [body: FrameBodies[T]]
): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body);
  const bodyBytes = Buffer.byteLength(text);
  const frame = startFrame(type, unit, bodyBytes);
  frame.write(text, FRAME_HEADER_BYTES, bodyBytes, 'utf8');
  return frame;
}

/** Of a body that is there already: a JSON text as bytes. */
export function encodeBytes(type: number, unit: number, body: Buffer): Buffer {
  const frame = startFrame(type, unit, body.length);
  body.copy(frame, FRAME_HEADER_BYTES);
  return frame;
}

/** A Load frame. `script`: the JSON of `LoadBody.script`, which may have megabytes, as it is. */
export function encodeLoad(unit: number, body: Omit<LoadBody, 'script'>, script: Buffer): Buffer {
  const head = Buffer.from(`${JSON.stringify(body).slice(0, -1)},"script":`);
  return encodeBytes(FrameType.Load, unit, Buffer.concat([head, script, Buffer.from('}')]));
}

// Taken, EventsTaken: | …header | bytes u32 BE |
export function encodeTaken(
  type: typeof FrameType.Taken | typeof FrameType.EventsTaken,
  unit: number,
  bytes: number,
): Buffer {
  const frame = startFrame(type, unit, 4);
  frame.writeUInt32BE(bytes, FRAME_HEADER_BYTES);
  return frame;
}

export function decodeTaken(body: Buffer): number {
  if (body.length !== 4) throw new DecodeError('ERR_SCRIPT_FRAME', 'a Taken frame without a number');
  return body.readUInt32BE(0);
}

/** Its body is still to be written, from FRAME_FRAME_HEADER_BYTES on. */
export function startFrame(type: number, unit: number, bodyBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bodyBytes);
  frame.writeUInt32BE(COUNTED_HEADER_BYTES + bodyBytes, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt32BE(unit, 5);
  return frame;
}

/** Of the body that event-frames.ts makes. */
export function decodeEvents(body: Buffer): { count: number; text: string } {
  if (body.length < 2) throw new DecodeError('ERR_SCRIPT_FRAME', 'an Events frame without a count');
  return { count: body.readUInt16BE(0), text: body.toString('utf8', 2) };
}

/** The JSON of a body: `undefined` where it is empty. What it holds is for the reader to check. */
export function decodeBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new DecodeError('ERR_SCRIPT_FRAME', 'a frame whose body is not JSON', { cause });
  }
}

/** Bytes of the pipe → frames. A length over the cap is a DecodeError: there is no way to find the next frame. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The body under way, and how much of it is there. */
  #body: Buffer | undefined;
  #bodyBytes = 0;

  constructor(maxFrameBytes: number = MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  *push(bytes: Buffer): Generator<Frame, void, void> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#headerBytes < FRAME_HEADER_BYTES) {
        const taken = bytes.copy(
          this.#header,
          this.#headerBytes,
          at,
          at + FRAME_HEADER_BYTES - this.#headerBytes,
        );
        this.#headerBytes += taken;
        at += taken;
        if (this.#headerBytes < FRAME_HEADER_BYTES) return;
      }
      const bodyBytes = this.#checkedBodyBytes();
      if (this.#body === undefined && bytes.length - at >= bodyBytes) {
        const body = bytes.subarray(at, at + bodyBytes);
        at += bodyBytes;
        yield this.#finish(body);
        continue;
      }
      this.#body ??= Buffer.allocUnsafe(bodyBytes);
      const taken = bytes.copy(this.#body, this.#bodyBytes, at, at + bodyBytes - this.#bodyBytes);
      this.#bodyBytes += taken;
      at += taken;
      if (this.#bodyBytes === bodyBytes) yield this.#finish(this.#body);
    }
  }

  #checkedBodyBytes(): number {
    const length = this.#header.readUInt32BE(0);
    if (length < COUNTED_HEADER_BYTES || length > this.#maxFrameBytes) {
      throw new DecodeError('ERR_SCRIPT_FRAME', `a frame of ${length} bytes`);
    }
    return length - COUNTED_HEADER_BYTES;
  }

  #finish(body: Buffer): Frame {
    this.#headerBytes = 0;
    this.#body = undefined;
    this.#bodyBytes = 0;
    return { type: this.#header.readUInt8(4), unit: this.#header.readUInt32BE(5), body };
  }
}
