// The one way to read what an author of scripts, a tenant or an upload can write. Such a path may be a pipe that nobody writes to,
// a device without an end, a file of a terabyte, or a link to somebody else's secret, and may become so between two looks.
import type { Dirent, Stats } from 'node:fs';
import { type FileHandle, open, opendir, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { FileError } from '../errors.ts';
import { withPatience } from './patience.ts';
import { assertRegular, assertSize, fileError, isAbsent, OPEN_FLAGS } from './regular-file.ts';

export interface AuthorFile {
  /** The whole file. */
  readonly bytes: Buffer;
  /** Of the file that was read, not of what has its name by now. */
  readonly stats: Stats;
}

export interface OpenRules {
  /** Real paths of the folders that the file must lie in, after all links. Undefined: links may lead anywhere. */
  readonly within?: readonly string[];
}

export interface ReadRules extends OpenRules {
  readonly maxBytes: number;
}

/**
 * Undefined: there is no such file (ENOENT, ENOTDIR; a link that leads nowhere counts as none). A FileError: it cannot be opened,
 * is no regular file, lies outside `within`, or has more than `maxBytes`; its message names no path, so that the caller can.
 *
 * Never waits for a pipe and never opens a device. For want of descriptors it tries again for some seconds (patience.ts). Every call
 * of the file system is made on a thread of the pool; what the caller computes on the result is the caller's: `maxBytes` bounds it.
 * A file that grows meanwhile is read up to the size it had.
 */
export async function readAuthorFile(
  path: string,
  { maxBytes, within }: ReadRules,
): Promise<AuthorFile | undefined> {
  const opened = await openAuthorFile(path, { within });
  if (!opened) return undefined;
  const { file, stats } = opened;
  try {
    assertSize(stats.size, maxBytes);
    const bytes = Buffer.allocUnsafeSlow(stats.size);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
    }
    return { bytes: bytes.subarray(0, length), stats };
  } catch (error) {
    throw fileError(error);
  } finally {
    await file.close();
  }
}

export interface OpenedFile {
  /** The caller closes it. */
  readonly file: FileHandle;
  readonly stats: Stats;
}

/** The same for a file that is read in parts: opened, and known to be a regular one. */
export async function openAuthorFile(
  path: string,
  { within }: OpenRules = {},
): Promise<OpenedFile | undefined> {
  let file: FileHandle;
  try {
    // before it is opened: opening wakes the writer of a pipe, and some devices do something
    assertRegular(await stat(path));
    file = await withPatience(() => open(path, OPEN_FLAGS)); // it may have become a pipe since
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(error);
  }
  try {
    const stats = await file.stat();
    assertRegular(stats);
    if (within) await assertWithin(file, path, stats, within);
    return { file, stats };
  } catch (error) {
    await file.close();
    throw fileError(error);
  }
}

/** Differs when the file has been changed or replaced. Undefined: there is none, or it cannot be looked at. */
export async function versionOfFile(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && versionOf(stats);
}

export function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
}

/**
 * The entries of a folder, in no order; undefined: there is no such folder. A FileError: it cannot be listed, or it has more than
 * `maxEntries`, and then no more of them have been read.
 */
export async function listAuthorFolder(path: string, maxEntries: number): Promise<Dirent[] | undefined> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await withPatience(() => opendir(path))) {
      if (entries.length >= maxEntries) {
        throw new FileError('ERR_FILE_SIZE', `more than ${maxEntries} entries in the folder`);
      }
      entries.push(entry);
    }
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(error);
  }
  return entries;
}

/** True for `path` and what lies below one of the folders; all are real paths. */
export function liesWithin(path: string, folders: readonly string[]): boolean {
  return folders.some(
    (folder) => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep),
  );
}

/** Where the open file is, not where a link leads by now: Linux tells; elsewhere the path must still lead to the same file. */
async function assertWithin(
  file: FileHandle,
  path: string,
  { dev, ino }: Stats,
  folders: readonly string[],
): Promise<void> {
  const own = await realpath(`/proc/self/fd/${file.fd}`).catch(() => undefined);
  const real = own ?? (await realpath(path));
  const isSame = own !== undefined || isSameFile(await stat(real), { dev, ino });
  if (!isSame || !liesWithin(real, folders)) {
    throw new FileError('ERR_FILE_OUTSIDE', 'it leads out of the folder of the application');
  }
}

function isSameFile(stats: Stats, { dev, ino }: { dev: number; ino: number }): boolean {
  return stats.dev === dev && stats.ino === ino;
}
