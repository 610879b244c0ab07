// Files of the operator (conf/), read when the server starts and when they have been saved: at once, but no pipe is waited for.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  assertRegular,
  assertRegularAt,
  assertSize,
  fileError,
  isAbsent,
  OPEN_FLAGS,
} from './regular-file.ts';

/** Some hundred times the longest file that Flash Media Server shipped. */
const MAX_BYTES = 4 << 20;

/** Undefined: there is no such file. A FileError, without a path: it cannot be read. */
export function readOperatorFile(path: string): string | undefined {
  let file: number;
  try {
    assertRegularAt(path);
    file = openSync(path, OPEN_FLAGS);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(error);
  }
  try {
    const stats = fstatSync(file);
    assertRegular(stats);
    assertSize(stats.size, MAX_BYTES);
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, length);
    }
    return bytes.toString('utf8', 0, length);
  } catch (error) {
    throw fileError(error);
  } finally {
    closeSync(file);
  }
}
