// A player of a stream without a socket: it keeps what is written, and its queue is what the test says.
import { RtmpShape } from '../../src/application/live/rtmp-shape.ts';
import type { ViewerShape } from '../../src/application/live/shape.ts';
import type { Player } from '../../src/application/live/viewer.ts';
import { ChunkReader } from '../../src/protocol/rtmp/chunk-reader.ts';
import { ChunkWriter } from '../../src/protocol/rtmp/chunk-writer.ts';
import { encodeControl } from '../../src/protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../src/protocol/rtmp/message.ts';
import {
  buildWireMessage,
  WIRE_CHUNK_BYTES,
  WIRE_STREAM_ID,
  type WireMessage,
  type WireType,
} from '../../src/protocol/rtmp/wire-message.ts';

export class FakePlayer implements Player {
  readonly streamId: number;
  readonly shape: ViewerShape;
  queuedBytes = 0;
  progress = 0;
  /** What was written, buffer by buffer. */
  readonly writes: Uint8Array[] = [];
  /** Messages, as the counters are told. */
  sent = 0;
  lost = 0;
  /** What it was told, in order. */
  readonly told: string[] = [];

  constructor(streamId = WIRE_STREAM_ID, shape: ViewerShape = new RtmpShape(streamId)) {
    this.streamId = streamId;
    this.shape = shape;
  }

  write(bytes: Uint8Array, messages: number): void {
    this.writes.push(bytes);
    this.sent += messages;
  }
  writeAll(pieces: readonly Uint8Array[], messages: number): void {
    this.write(Buffer.concat(pieces), messages);
  }
  dropped(messages: number): void {
    this.lost += messages;
  }
  publishNotify(): void {
    this.told.push('publish');
  }
  unpublishNotify(): void {
    this.told.push('unpublish');
  }
  insufficientBandwidth(): void {
    this.told.push('insufficient');
  }
  waitsForKeyframe(isOver: boolean): void {
    this.told.push(isOver ? 'pictures without a keyframe' : 'waits for a keyframe');
  }
  tooSlow(): void {
    this.told.push('too slow');
  }

  /** All messages written, from write number `from` on. */
  messages(from = 0): RtmpMessage[] {
    const reader = new ChunkReader({ wireTypes: [] });
    const payload = encodeControl({ typeId: MessageType.SetChunkSize, chunkBytes: WIRE_CHUNK_BYTES });
    const setChunkSize = new ChunkWriter().encode(
      { typeId: MessageType.SetChunkSize, streamId: 0, timestampMs: 0, payload },
      2,
    );
    for (const _ of reader.push(setChunkSize)) {
      // it is obeyed, and that is all
    }
    return this.writes.slice(from).flatMap((bytes) => [...reader.push(bytes)]);
  }
}

export function wireMessage(typeId: WireType, timestampMs: number, payload: Uint8Array): WireMessage {
  return buildWireMessage({ typeId, timestampMs, payload });
}
