// Media as small as they can be.
import { MessageType } from '../protocol/message.ts';
import { buildWireMessage, type WireMessage } from '../protocol/wire-message.ts';

/** H.264 in FLV's clothes (FLV 10.1 §E.4.3): frame type and codec, packet type, composition time, and something. */
const KEYFRAME = Uint8Array.of(0x17, 1, 0, 0, 0, 0);
const FRAME = Uint8Array.of(0x27, 1, 0, 0, 0, 0);
/** AAC (§E.4.2). */
const AUDIO = Uint8Array.of(0xaf, 1, 0);

/** Whoever sends a stream; `ms`: time of the stream. */
export abstract class MediaSender {
  /** A picture that players can begin with. */
  keyframe(ms: number): void {
    this.send(buildWireMessage({ typeId: MessageType.Video, timestampMs: ms, payload: KEYFRAME }));
  }
  /** A picture that depends on those before. */
  frame(ms: number): void {
    this.send(buildWireMessage({ typeId: MessageType.Video, timestampMs: ms, payload: FRAME }));
  }
  audio(ms: number): void {
    this.send(buildWireMessage({ typeId: MessageType.Audio, timestampMs: ms, payload: AUDIO }));
  }

  protected abstract send(message: WireMessage): void;
}
