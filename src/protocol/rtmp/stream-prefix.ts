// The names of streams. `prefix:path`: the prefix is the kind of file that a recording under that name has, and no part of its path.
// `show` is `flv:show`. Any other colon belongs to the name: `studio:cam` is a stream as `cam` is, and no file is called so.
// The library inside isolates has this file too, next to code that may have changed every method of a string: `canonicalStreamName`
// calls none.
export const STREAM_PREFIXES = ['flv', 'mp4', 'mp3', 'id3'] as const;
export type StreamPrefix = (typeof STREAM_PREFIXES)[number];

/** Extensions of files that are MP4s, whatever they are called. */
export const MP4_EXTENSIONS = ['.mp4', '.f4v', '.m4v', '.mov', '.m4a', '.f4a', '.3gp', '.3g2'] as const;

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

/**
 * The one name of a stream, for every spelling that clients and scripts use: the key of what is live, the name that gates are asked
 * about, and that of a recording. An FLV has no prefix and no extension, an MP3 `mp3:` and no extension, an MP4 `mp4:` and its
 * extension (FMS: it may be left out if it is `.mp4`). Pure, and its own result for what it returns.
 *
 *     flv:show, FLV:show, show.flv → show      mp4:film, MP4:film.mp4 → mp4:film.mp4      mp3:song.mp3 → mp3:song
 */
export function canonicalStreamName(streamName: string): string {
  for (let i = 0; i < STREAM_PREFIXES.length; i += 1) {
    const prefix = STREAM_PREFIXES[i]!;
    if (!beginsLike(streamName, prefix)) continue;
    const path = between(streamName, prefix.length + 1, streamName.length);
    switch (prefix) {
      case 'mp4':
        return `mp4:${withMp4Extension(path)}`;
      case 'mp3':
      case 'id3':
        return `${prefix}:${withoutExtension(path, '.mp3')}`;
      case 'flv':
        // `flv:mp4:film` is no MP4
        return hasPrefix(path) ? `flv:${path}` : withoutExtension(path, '.flv');
    }
  }
  return withoutExtension(streamName, '.flv');
}

function hasPrefix(name: string): boolean {
  for (let i = 0; i < STREAM_PREFIXES.length; i += 1) if (beginsLike(name, STREAM_PREFIXES[i]!)) return true;
  return false;
}

function beginsLike(name: string, prefix: string): boolean {
  return name[prefix.length] === ':' && isLike(name, 0, prefix);
}

/** `show.flv.flv` was the file of a stream that was published as `show.flv`: it is `show` as well. */
function withoutExtension(path: string, extension: string): string {
  let end = path.length;
  while (hasExtension(path, end, extension)) end -= extension.length;
  return end === path.length ? path : between(path, 0, end);
}

/** In lower case only: on most disks `show.FLV` is another file. An element that is nothing but the extension has none. */
function hasExtension(path: string, end: number, extension: string): boolean {
  const begin = end - extension.length;
  if (begin <= 0 || path[begin - 1] === '/') return false;
  for (let i = 0; i < extension.length; i += 1) if (path[begin + i] !== extension[i]) return false;
  return true;
}

function withMp4Extension(path: string): string {
  const last = path[path.length - 1];
  if (last === undefined || last === '/') return path; // no name of a file
  for (let i = 0; i < MP4_EXTENSIONS.length; i += 1) {
    const extension = MP4_EXTENSIONS[i]!;
    const begin = path.length - extension.length;
    if (begin > 0 && isLike(path, begin, extension)) return path;
  }
  return `${path}.mp4`;
}

/** In either case; `expected` is in lower case. */
function isLike(text: string, at: number, expected: string): boolean {
  for (let i = 0; i < expected.length; i += 1) {
    const have = text[at + i];
    const want = expected[i]!;
    if (have !== want && have !== UPPER[want]) return false;
  }
  return true;
}

const UPPER: Readonly<Record<string, string>> = {
  __proto__: null as never,
  ...{ a: 'A', d: 'D', f: 'F', g: 'G', i: 'I', l: 'L', m: 'M', o: 'O', p: 'P', v: 'V' },
};

function between(text: string, begin: number, end: number): string {
  let part = '';
  for (let i = begin; i < end; i += 1) part += text[i];
  return part;
}
