// Opening what is recorded to: its folder, the file, and what the system says when it does not want that.
import { closeSync, constants, fstatSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { assertRegular, assertRegularAt, WAIT_FOR_NONE } from '../../disk/regular-file.ts';
import { FileError, RecordingError } from '../../errors.ts';

/**
 * A file to write to, with its folder. What is recorded anew takes the place of what was there, and who plays that still may
 * go on doing so.
 */
export function openForRecording(path: string, append: boolean): number {
  mkdirSync(dirname(path), { recursive: true });
  if (append) {
    try {
      return openToChange(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  } else rmSync(path, { force: true });
  return openSync(path, 'wx+');
}

/** A file that is there, to read and to write. A RecordingError: it is a pipe, a device or a folder. */
export function openToChange(path: string): number {
  let fd: number | undefined;
  try {
    assertRegularAt(path);
    fd = openSync(path, constants.O_RDWR | WAIT_FOR_NONE);
    assertRegular(fstatSync(fd));
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (!(error instanceof FileError)) throw error;
    const text = `What has the name of the recording is no file: ${error.message}.`;
    throw new RecordingError('NetStream.Record.NoAccess', text, { cause: error });
  }
}

const DENIED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS']);

/** What to tell of an error of the system. */
export function recordingError(error: unknown, what: string): RecordingError {
  if (error instanceof RecordingError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new RecordingError(
    DENIED.has(code) ? 'NetStream.Record.NoAccess' : 'NetStream.Record.Failed',
    `${what} (${code ?? message}).`,
    { cause: error },
  );
}
