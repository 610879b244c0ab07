// A file that is read: opened once, read at any place by all who play it.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StatusError } from '../errors.ts';
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
    let handle: FileHandle | undefined;
    try {
      // a pipe of that name must not make us wait for its other end
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const stats = await handle.stat();
      if (stats.isFile()) return new DiskFile(path, handle, fileId(stats), stats.size);
      await handle.close();
      return undefined;
    } catch (error) {
      await handle?.close().catch(() => {});
      const { code = '' } = error as NodeJS.ErrnoException;
      if (ABSENT.has(code)) return undefined;
      throw unreadable(error);
    }
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

const ABSENT: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ENXIO',
  'ENAMETOOLONG',
  'ELOOP',
]);

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
