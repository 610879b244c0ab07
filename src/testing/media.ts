// Media as small as they can be, and real: a recorder of MP4 looks into them.
import { MessageType } from '../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage, type WireType } from '../protocol/rtmp/wire-message.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** FLV 10.1 §E.4.3: frame type and codec, packet type, composition time; then an AVCDecoderConfigurationRecord, or units. */
const VIDEO_HEADER = bytes(
  '17 00 000000  01 42c00a ff e1 0016 6742c00ad91ec044000003000400000300c83c489920 01 0005 68cb83cb20',
);
/** Black, 16 × 16 pixels; and the same again. */
const KEYFRAME = bytes('17 01 000000  0000000a 6588840bf2628000abce');
const FRAME = bytes('27 01 000000  00000005 419a3815ea');

/** §E.4.2: codec, packet type; then an AudioSpecificConfig (AAC-LC, 44.1 kHz, mono), or silence. */
const AUDIO_HEADER = bytes('af 00 1208 56e500');
const AUDIO = bytes('af 01 01182007');

/** Whoever sends a stream; `ms`: time of the stream. */
export abstract class MediaSender {
  /** What decoders need, once it was sent. */
  protected readonly headers: WireMessage[] = [];
  readonly #announced = new Set<WireType>();

  /** A picture that players can begin with. */
  keyframe(ms: number): void {
    this.#send(MessageType.Video, ms, VIDEO_HEADER, KEYFRAME);
  }
  /** A picture that depends on those before. */
  frame(ms: number): void {
    this.#send(MessageType.Video, ms, VIDEO_HEADER, FRAME);
  }
  audio(ms: number): void {
    this.#send(MessageType.Audio, ms, AUDIO_HEADER, AUDIO);
  }

  #send(typeId: WireType, timestampMs: number, header: Uint8Array, payload: Uint8Array): void {
    const message = buildWireMessage({ typeId, timestampMs, payload });
    if (!this.#announced.has(typeId)) {
      const first = buildWireMessage({ typeId, timestampMs, payload: header });
      this.send(first);
      this.#announced.add(typeId);
      this.headers.push(first);
    }
    this.send(message);
  }

  protected abstract send(message: WireMessage): void;
}

/** Of `messages` in their wire bytes, those that a test has sent: not what goes before them for decoders. */
export function countSent(wire: Uint8Array, messages: number): number {
  const within = Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
  return messages - occurrences(within, VIDEO_HEADER) - occurrences(within, AUDIO_HEADER);
}

function occurrences(within: Buffer, what: Buffer): number {
  let count = 0;
  for (let at = within.indexOf(what); at >= 0; at = within.indexOf(what, at + what.length)) count += 1;
  return count;
}
