// FLV files as small as they can be: every message tells by its last byte which it is.
import { encodeFlvHeader, encodeFlvTag, encodeOnMetaData } from '../../src/media/flv.ts';
import type { AmfObject } from '../../src/protocol/amf/amf.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { audio, video } from './media.ts';

export interface FlvOptions {
  ms: number;
  /** From keyframe to keyframe. */
  gopMs?: number;
  frameMs?: number;
  /** As the metadata has it; undefined: it says nothing. */
  durationS?: number | undefined;
  hasVideo?: boolean;
  /** The metadata says where the keyframes are. */
  isIndexed?: boolean;
  /** Added to every picture. */
  padBytes?: number;
  metaData?: AmfObject;
  /** The timestamp of what is at 0. */
  beginMs?: number;
  /** The index counts from there, not from 0. */
  isIndexFromBegin?: boolean;
}

export interface FlvFrame {
  kind: 'key' | 'inter' | 'sound';
  timestampMs: number;
  at: number;
}

/** Never that of a header, 0xee. */
export function markAt(frame: number): number {
  return frame % 200;
}

/** A picture every 40 ms and a sound beside each, from 0 to `ms`. */
export function flvFile(options: FlvOptions): { bytes: Buffer; frames: FlvFrame[] } {
  const { isIndexed = false, isIndexFromBegin = false, beginMs = 0 } = options;
  const plain = build(options, undefined);
  if (!isIndexed) return plain;
  const keys = plain.frames.filter(({ kind }) => kind === 'key');
  const index = (shift: number) => ({
    times: keys.map(({ timestampMs }) => (timestampMs + (isIndexFromBegin ? 0 : beginMs)) / 1000),
    filepositions: keys.map(({ at }) => at + shift),
  });
  const first = build(options, index(0));
  return build(options, index(first.bytes.length - plain.bytes.length));
}

function build(options: FlvOptions, keyframes: AmfObject | undefined) {
  const {
    ms,
    gopMs = 1000,
    frameMs = 40,
    durationS,
    hasVideo = true,
    padBytes = 0,
    metaData = {},
    beginMs = 0,
  } = options;
  const parts: Uint8Array[] = [];
  const frames: FlvFrame[] = [];
  let at = 0;
  const put = (bytes: Uint8Array) => {
    parts.push(bytes);
    at += bytes.length;
  };
  const tag = (typeId: number, timestampMs: number, payload: Uint8Array) =>
    put(encodeFlvTag({ typeId, timestampMs: (timestampMs + beginMs) >>> 0, payload }));
  put(encodeFlvHeader({ hasAudio: true, hasVideo }));
  const entries = { ...metaData, ...(keyframes ? { keyframes } : {}) };
  tag(MessageType.DataAmf0, 0, encodeOnMetaData(entries, durationS ?? 0));
  if (hasVideo) tag(MessageType.Video, 0, video.header(0xee));
  tag(MessageType.Audio, 0, audio.header(0xee));
  for (let timeMs = 0; timeMs < ms; timeMs += frameMs) {
    const mark = markAt(timeMs / frameMs);
    if (hasVideo) {
      const isKey = timeMs % gopMs === 0;
      frames.push({ kind: isKey ? 'key' : 'inter', timestampMs: timeMs, at });
      const [head, end] = [isKey ? video.keyframe() : video.frame(), Uint8Array.of(mark)];
      tag(MessageType.Video, timeMs, Buffer.concat([head.subarray(0, 5), Buffer.alloc(padBytes), end]));
    }
    frames.push({ kind: 'sound', timestampMs: timeMs, at });
    tag(MessageType.Audio, timeMs, audio.frame(mark));
  }
  return { bytes: Buffer.concat(parts), frames };
}
