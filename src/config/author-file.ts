// Files that authors of applications write, read on the thread of the media: nothing that waits, is endless or is large.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { ConfigError } from '../errors.ts';

export interface AuthorFile {
  readonly text: string;
  readonly stats: Stats;
}

/**
 * Undefined: it is not there. A ConfigError: it cannot be read, is no regular file, or has more than `maxBytes`. `name` is what
 * errors call the file.
 */
export function readAuthorFile(path: string, name: string, maxBytes: number): AuthorFile | undefined {
  const refuse = (why: string, cause?: unknown) =>
    new ConfigError('ERR_CONFIG_READ', why, { cause, place: { file: name } });
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe without a writer would be waited for
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw refuse(message, error);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw refuse('expected a regular file');
    if (stats.size > maxBytes) throw refuse(`${stats.size} bytes: expected at most ${maxBytes}`);
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, length);
    }
    return { text: bytes.toString('utf8', 0, length), stats };
  } finally {
    closeSync(file);
  }
}
