// What a message of a stream is to a file.
import { DecodeError } from '../../errors.ts';
import { decodeOnMetaData } from '../../media/flv.ts';
import { audioHeaderKey, inspectAudio, inspectVideo, videoHeaderKey } from '../../media/tag.ts';
import type { AmfObject } from '../../protocol/amf/amf.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { Item } from './container-file.ts';

/** `startsGroup`: a group of pictures begins with it. `timeOf`: its time in the file; `isFrame`: it is a picture or a sound, which moves the time of a file forward. */
export function itemOf(
  message: WireMessage,
  startsGroup: boolean,
  timeOf: (isFrame: boolean) => number,
): Item {
  const { typeId, head } = message;
  const plain = (kind: Exclude<Item['kind'], 'metadata'>, isFrame = false): Item => ({
    kind,
    typeId,
    timestampMs: timeOf(isFrame),
    payload: message.payload,
  });
  if (typeId === MessageType.Video) {
    const tag = inspectVideo(head);
    if (tag?.isSequenceHeader || tag?.isMetadata) return plain('header');
    return plain(startsGroup ? 'keyframe' : 'frame', !tag?.isSequenceEnd && !tag?.isCommandFrame);
  }
  if (typeId === MessageType.Audio) {
    const tag = inspectAudio(head);
    if (tag?.isSequenceHeader || tag?.isMultichannelConfig) return plain('header');
    return plain('sound', !tag?.isSequenceEnd);
  }
  const entries = metaDataOf(message);
  return entries ? { kind: 'metadata', timestampMs: timeOf(false), entries } : plain('data');
}

/** `duration` and an index of keyframes are for us to say. */
function metaDataOf({ typeId, payload }: WireMessage): AmfObject | undefined {
  if (typeId !== MessageType.DataAmf0) return undefined;
  try {
    const found = decodeOnMetaData(payload);
    if (!found) return undefined;
    const { duration: _, keyframes: __, ...entries } = found;
    return entries;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Of those with one key the last is in force: which stream of the message it configures, and what of it. */
export function headerKey(item: Item): string | undefined {
  if (item.kind !== 'header') return undefined;
  const { typeId, payload } = item;
  return typeId === MessageType.Video
    ? videoHeaderKey(inspectVideo(payload), payload)
    : audioHeaderKey(inspectAudio(payload), payload);
}

export function isVideo(item: Item): boolean {
  return item.kind !== 'metadata' && item.typeId === MessageType.Video;
}
