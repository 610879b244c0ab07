// The marks around pictures that are for the decoder only: what is in front of the time that a player seeks. FLV 10.1 §E.4.3:
// video of frame type 5 holds one byte, which says that a seek begins or ends.
import { inspectAudio, inspectVideo } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../protocol/rtmp/wire-message.ts';

const COMMAND_FRAME = 0x50;
const AVC = 7;

export const SeekMark = { Begins: 0, Ends: 1 } as const;
export type SeekMark = (typeof SeekMark)[keyof typeof SeekMark];

/** One seek: its first picture that is not to be shown is preceded by the mark of the begin, the first shown one by that of the end. */
export class SeekMarks {
  /** What it looks like; undefined: none is sent yet. */
  #begin: WireMessage | undefined;

  /** A message of video that is not to be shown. What is in the file of such marks says nothing here. */
  hidden(message: WireMessage): WireMessage[] {
    if (isSeekMark(message)) return [];
    if (this.#begin !== undefined || !isPicture(message)) return [message];
    this.#begin = message;
    return [seekMark(message, SeekMark.Begins), message];
  }

  /** In front of the first message that is shown, or heard. */
  end(message: WireMessage): WireMessage[] {
    const begin = this.#begin;
    this.#begin = undefined;
    return begin === undefined ? [] : [seekMark(begin, SeekMark.Ends, message.timestampMs)];
  }
}

/** Of the codec of that picture. What Enhanced RTMP signals has no classic number; players look at the type of frame. */
export function seekMark(
  picture: WireMessage,
  what: SeekMark,
  timestampMs = picture.timestampMs,
): WireMessage {
  const first = picture.head[0] ?? 0;
  const payload = Uint8Array.of(COMMAND_FRAME | (first & 0x80 ? AVC : first & 0x0f), what);
  return buildWireMessage({
    typeId: MessageType.Video,
    timestampMs,
    payload,
    chunkBytes: picture.chunkBytes,
  });
}

export function isSeekMark({ typeId, head }: WireMessage): boolean {
  return typeId === MessageType.Video && inspectVideo(head)?.isCommandFrame === true;
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
