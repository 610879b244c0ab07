// A file that is read: opened once, read at any place by all who play it.
import type { FileHandle } from 'node:fs/promises';
import { type OpenedFile, openAuthorFile } from '../../disk/author-file.ts';
import { FileError, StatusError } from '../../errors.ts';
import type { ReadableFile } from './media.ts';

export class DiskFile implements ReadableFile {
  readonly path: string;
  readonly #handle: FileHandle;
  /** Of what was read when, so that a file that was replaced is not taken for itself. */
  readonly id: string;
  readonly sizeBytes: number;

  private constructor(path: string, handle: FileHandle, id: string, sizeBytes: number) {
    this.path = path;
    this.#handle = handle;
    this.id = id;
    this.sizeBytes = sizeBytes;
  }

  /** Undefined: there is none. */
  static async open(path: string): Promise<DiskFile | undefined> {
    let opened: OpenedFile | undefined;
    try {
      opened = await openAuthorFile(path);
    } catch (error) {
      if (isNone(error)) return undefined;
      throw unreadable(error instanceof FileError ? error.cause : error);
    }
    return opened && new DiskFile(path, opened.file, fileId(opened.stats), opened.stats.size);
  }

  /** Fewer bytes than that only where the file ends. */
  async read(at: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.max(0, length));
    let done = 0;
    try {
      while (done < bytes.length) {
        const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, at + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (error) {
      throw unreadable(error);
    }
    return bytes.subarray(0, done);
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => {}); // it was only read
  }
}

/** No file can have that name. */
const IMPOSSIBLE: ReadonlySet<string | undefined> = new Set(['ENXIO', 'ENAMETOOLONG', 'ELOOP']);

/** What has the name of a file is a folder, a pipe or a device, or nothing can have it. */
function isNone(error: unknown): boolean {
  if (!(error instanceof FileError)) return false;
  return error.code === 'ERR_FILE_KIND' || IMPOSSIBLE.has((error.cause as NodeJS.ErrnoException)?.code);
}

/** Another one as soon as a file has been written or replaced. */
export function fileId(stats: { ino: number; mtimeMs: number; size: number }): string {
  return `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}

function unreadable(error: unknown): StatusError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new StatusError('NetStream.Play.Failed', `The file cannot be read (${code ?? message}).`, {
    cause: error,
  });
}
