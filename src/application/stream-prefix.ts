// What may stand before a stream's name and is no part of it: the kind of file that it means. `show` is `flv:show`. Any other
// colon belongs to the name: `studio:cam` is a stream as `cam` is, and no file is called so.
export const STREAM_PREFIXES = ['flv', 'mp4', 'mp3', 'id3'] as const;
export type StreamPrefix = (typeof STREAM_PREFIXES)[number];

export interface PrefixedName {
  /** Undefined: it has none, which means FLV. */
  readonly prefix: StreamPrefix | undefined;
  /** Behind the prefix. */
  readonly name: string;
}

/** Prefixes are the same in upper case. */
export function splitPrefix(streamName: string): PrefixedName {
  const colon = streamName.indexOf(':');
  const wanted = streamName.slice(0, Math.max(0, colon)).toLowerCase();
  const prefix = STREAM_PREFIXES.find((one) => one === wanted);
  return { prefix, name: prefix === undefined ? streamName : streamName.slice(colon + 1) };
}

/** Access is about folders and names, not about the kind of file. */
export function withoutPrefix(streamName: string): string {
  return splitPrefix(streamName).name;
}
