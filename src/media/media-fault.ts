// Audio and video messages that are of no use to anybody: heads that are cut off, and decoder configurations that configure
// nothing. They reach no player, cache, recording or other server: a configuration that is put in force replaces a good one.
import { DecodeError } from '../errors.ts';
import { MessageType } from '../protocol/rtmp/message.ts';
import { audioEntry, hasConfiguration, isMp4Codec, videoEntry } from './mp4/mp4-entry.ts';
import { inspectAudio, inspectVideo, type MediaTag, trackData } from './tag.ts';

export interface MediaFault {
  /** One of a few; a stream may have each of them again and again. */
  readonly kind: string;
  /** `the AVC configuration of 0 bytes configures nothing: it is empty` */
  readonly text: string;
}

export interface MediaBytes {
  /** Of all of the message. */
  readonly length: number;
  /** Of a sequence header all of it. */
  readonly payload: Uint8Array;
}

const NO_SIZE = { width: 0, height: 0 };

/**
 * The longest message of decoder configurations, those of all its tracks together. One has some hundred bytes, some thousand with
 * what encoders write about themselves into it. Reading it takes time for each of its bytes, and each of its bits perhaps.
 */
const MAX_CONFIGURATION_BYTES = 64 << 10;

/** `what`: `audio` or `video`. Costs nothing but for sequence headers. An empty message is silence, and nothing is wrong with it. */
export function mediaFault(
  what: 'audio' | 'video',
  tag: MediaTag | undefined,
  message: MediaBytes,
): MediaFault | undefined {
  const { length } = message;
  if (tag?.isSequenceHeader) {
    if (length > MAX_CONFIGURATION_BYTES) return tooLong(what, length);
    return configurationFault(what, tag, message.payload);
  }
  const isCut = tag === undefined ? length > 0 : length < tag.dataOffset && !tag.isSequenceEnd;
  if (!isCut) return undefined;
  return {
    kind: `${what} head`,
    text: `${what} of ${bytes(length)} cannot be read: its head is cut off or unknown`,
  };
}

/** The same of a whole message, of a file for example. */
export function messageFault(typeId: number, payload: Uint8Array): MediaFault | undefined {
  const message = { length: payload.length, payload };
  if (typeId === MessageType.Video) return mediaFault('video', inspectVideo(payload), message);
  if (typeId === MessageType.Audio) return mediaFault('audio', inspectAudio(payload), message);
  return undefined;
}

/** What passes can be an entry of an MP4; codecs that those do not have are not looked into. */
function configurationFault(
  what: 'audio' | 'video',
  tag: MediaTag,
  payload: Uint8Array,
): MediaFault | undefined {
  for (const { codec, data } of trackData(payload, tag)) {
    if (codec === undefined || !isMp4Codec(what, codec) || !hasConfiguration(codec)) continue;
    const problem = data.length === 0 ? 'it is empty' : problemOf(what, codec, data);
    if (problem === undefined) continue;
    const text = `the ${codec.toUpperCase()} configuration of ${bytes(data.length)} configures nothing: ${problem}`;
    return { kind: `${codec} configuration`, text };
  }
  return undefined;
}

function tooLong(what: 'audio' | 'video', length: number): MediaFault {
  return {
    kind: `${what} configuration`,
    text: `the ${what} configuration of ${bytes(length)} is too long: ${MAX_CONFIGURATION_BYTES} are the limit`,
  };
}

function problemOf(what: 'audio' | 'video', codec: string, data: Uint8Array): string | undefined {
  try {
    if (what === 'video') videoEntry(codec, data, NO_SIZE);
    else audioEntry(codec, data);
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}
