// Opening what is recorded to: its folder, the file, and what the system says when it does not want that.
import { closeSync, fstatSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { RecordingError } from '../errors.ts';

/**
 * A file to write to, with its folder. What is recorded anew takes the place of what was there, and who plays that still may
 * go on doing so.
 */
export function openForRecording(path: string, append: boolean): number {
  mkdirSync(dirname(path), { recursive: true });
  if (append) {
    try {
      return regular(openSync(path, 'r+'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  } else rmSync(path, { force: true });
  return openSync(path, 'wx+');
}

function regular(fd: number): number {
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new RecordingError('NetStream.Record.NoAccess', 'What has the name of the recording is no file.');
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
