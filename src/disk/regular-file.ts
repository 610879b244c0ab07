// What holds for every file that somebody else may have put there, however it is read.
import { constants, type Stats, statSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { FileError } from '../errors.ts';

/** Without waiting for the writer of a pipe, without becoming the process of a terminal. */
export const WAIT_FOR_NONE = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
export const OPEN_FLAGS = constants.O_RDONLY | WAIT_FOR_NONE;

/** A FileError unless it is a regular file. */
export function assertRegular(stats: Stats): void {
  if (!stats.isFile())
    throw new FileError('ERR_FILE_KIND', `expected a regular file, found ${kindOf(stats)}`);
}

/** Before it is opened: opening wakes the writer of a pipe, and some devices do something. Throws what the system says as well. */
export function assertRegularAt(path: string): void {
  assertRegular(statSync(path));
}

export function assertSize(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new FileError('ERR_FILE_SIZE', `${bytes} bytes: expected at most ${maxBytes}`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'something else';
}

export function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** An error of the file system without the path that Node puts into its message. */
export function fileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  const { code, errno, message } = error as NodeJS.ErrnoException;
  const what = errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
  return new FileError('ERR_FILE_READ', what, { cause: error });
}
