// What kind of file a stream's name means: `show`, `flv:show`, `mp4:show.f4v`, `mp3:song`, `id3:song`.
import { splitPrefix } from '../application/stream-prefix.ts';
import { nameProblem } from '../storage/names.ts';

export const Container = { Flv: 'flv', Mp4: 'mp4', Mp3: 'mp3' } as const;
export type Container = (typeof Container)[keyof typeof Container];

export interface MediaName {
  readonly container: Container;
  /** Below the folder of recordings, the first that is there. */
  readonly files: readonly string[];
  /** What is said about the sound, and not the sound. */
  readonly wantsTags: boolean;
}

/** Undefined: no name of a file that could be played. */
export function mediaName(streamName: string): MediaName | undefined {
  const { prefix = 'flv', name } = splitPrefix(streamName);
  if (nameProblem(name)) return undefined;
  switch (prefix) {
    case 'flv':
      return { container: Container.Flv, files: [`${name}.flv`, ...ifNamed(name, '.flv')], wantsTags: false };
    case 'mp4':
      return { container: Container.Mp4, files: [name, `${name}.mp4`], wantsTags: false };
    case 'mp3':
      return { container: Container.Mp3, files: mp3Files(name), wantsTags: false };
    case 'id3':
      return { container: Container.Mp3, files: mp3Files(name), wantsTags: true };
  }
}

function mp3Files(name: string): string[] {
  return [`${name}.mp3`, ...ifNamed(name, '.mp3')];
}

/** COMPAT: players that take any URL hand on the extension as well. */
function ifNamed(name: string, extension: string): string[] {
  return name.toLowerCase().endsWith(extension) ? [name] : [];
}

/** What players ask for to get that file, a path below a folder of recordings. Undefined: it is no file of a stream. */
export function streamName(file: string): string | undefined {
  if (nameProblem(file)) return undefined;
  const [, stem = '', extension = ''] = /^(.*)\.([a-z0-9]+)$/is.exec(file) ?? [];
  switch (extension.toLowerCase()) {
    case 'flv':
      return stem;
    case 'mp3':
      return `mp3:${stem}`;
    case 'mp4':
    case 'f4v':
    case 'm4v':
    case 'm4a':
    case 'mov':
      return `mp4:${file}`;
    default:
      return undefined;
  }
}
