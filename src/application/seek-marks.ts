// The marks around pictures that are for the decoder only: what is in front of the time that a player seeks. FLV 10.1 §E.4.3:
// video of frame type 5 holds one byte, which says that a seek begins or ends.
import { inspectAudio, inspectVideo } from '../media/tag.ts';
import { MessageType } from '../protocol/message.ts';
import { buildWireMessage, type WireMessage } from '../protocol/wire-message.ts';

const COMMAND_FRAME = 0x50;
const SEEK_BEGINS = 0;
const SEEK_ENDS = 1;
const AVC = 7;

/** One seek: its first picture that is not to be shown is preceded by the mark of the begin, the first shown one by that of the end. */
export class SeekMarks {
  /** Of the mark at the begin, once it is sent. */
  #codec: number | undefined;

  /** A message of video that is not to be shown. */
  hidden(message: WireMessage): WireMessage[] {
    if (this.#codec !== undefined || !isPicture(message)) return [message];
    const first = message.head[0] ?? 0;
    // what Enhanced RTMP signals has no classic number; players look at the type of frame
    this.#codec = first & 0x80 ? AVC : first & 0x0f;
    return [seekMark(message, this.#codec, SEEK_BEGINS), message];
  }

  /** In front of the first message that is shown, or heard. */
  end(message: WireMessage): WireMessage[] {
    const codec = this.#codec;
    this.#codec = undefined;
    return codec === undefined ? [] : [seekMark(message, codec, SEEK_ENDS)];
  }
}

function seekMark({ timestampMs, chunkBytes }: WireMessage, codec: number, what: number): WireMessage {
  const payload = Uint8Array.of(COMMAND_FRAME | codec, what);
  return buildWireMessage({ typeId: MessageType.Video, timestampMs, payload, chunkBytes });
}

/** A message of video with a picture in it. */
export function isPicture({ typeId, head }: WireMessage): boolean {
  if (typeId !== MessageType.Video) return false;
  const tag = inspectVideo(head);
  return tag === undefined || !(tag.isSequenceHeader || tag.isMetadata || tag.isCommandFrame);
}

/** A configuration of sound: it is needed, however long ago it was said. */
export function isSoundHeader({ typeId, head }: WireMessage): boolean {
  const tag = typeId === MessageType.Audio ? inspectAudio(head) : undefined;
  return tag?.isSequenceHeader === true || tag?.isMultichannelConfig === true;
}
