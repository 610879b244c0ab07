// Which file a stream's name means: `show` is show.flv, `mp4:film.f4v` film.f4v, `mp3:song` and `id3:song` song.mp3. A file has one
// name (canonicalStreamName), whatever it is asked by.
import { canonicalStreamName, MP4_EXTENSIONS, splitPrefix } from '../../protocol/rtmp/stream-prefix.ts';
import { nameProblem } from '../../storage/names.ts';

export const Container = { Flv: 'flv', Mp4: 'mp4', Mp3: 'mp3' } as const;
export type Container = (typeof Container)[keyof typeof Container];

export interface MediaName {
  readonly container: Container;
  /** Below the folder of recordings, the first that is there. */
  readonly files: readonly string[];
  /** What is said about the sound, and not the sound. */
  readonly wantsTags: boolean;
}

/** Of a recorded file, with what stands before it. */
const EXTENSION = /\.[a-z0-9]+$/i;

/** Undefined: no name of a file that could be played. */
export function mediaName(streamName: string): MediaName | undefined {
  const { prefix = 'flv', name } = splitPrefix(canonicalStreamName(streamName));
  if (nameProblem(name)) return undefined;
  switch (prefix) {
    case 'flv':
      return { container: Container.Flv, files: filesOf(name, '.flv'), wantsTags: false };
    case 'mp4':
      return { container: Container.Mp4, files: mp4Files(name), wantsTags: false };
    case 'mp3':
      return { container: Container.Mp3, files: filesOf(name, '.mp3'), wantsTags: false };
    case 'id3':
      return { container: Container.Mp3, files: filesOf(name, '.mp3'), wantsTags: true };
  }
}

/** COMPAT(understudy 0.1): a stream that was published as show.flv was recorded to show.flv.flv. */
function filesOf(name: string, extension: string): string[] {
  const isUpperCase = name.toLowerCase().endsWith(extension);
  return [`${name}${extension}`, isUpperCase ? name : `${name}${extension}${extension}`];
}

/** The second is a file without an extension, `film`, unless it has the name of another container's. */
function mp4Files(name: string): string[] {
  const plain = name.endsWith('.mp4') ? name.slice(0, -'.mp4'.length) : undefined;
  return plain === undefined || streamName(plain) !== undefined ? [name] : [name, plain];
}

/** What players ask for to get that file, a path below a folder of recordings. Undefined: it is no file of a stream. */
export function streamName(file: string): string | undefined {
  if (nameProblem(file)) return undefined;
  const extension = EXTENSION.exec(file)?.[0] ?? '';
  const kind = extension.toLowerCase();
  if (kind === '.flv') return canonicalStreamName(file);
  if (kind === '.mp3') return canonicalStreamName(`mp3:${file}`);
  if (MP4_EXTENSIONS.some((one) => one === kind)) return `mp4:${file}`;
  return undefined;
}
