// What the compiler, or Node, would take for a file and wait for without end: a named pipe, a device, a socket.
import { type Dir, opendirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assertRegular } from '../disk/regular-file.ts';
import { FileError } from '../errors.ts';
import type { Fault } from './fault.ts';

/** What a compiler looks into by itself, or by an import. */
const CODE = /\.(?:[cm]?[jt]sx?|json)$/;
/** Of one folder and those below; behind that the compiler's time limit says that something is wrong. */
const MAX_ENTRIES = 50_000;

/** Those below a folder, links followed, but for packages, which are read only if they are imported. */
export function oddFilesIn(folder: string): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  const folders = [folder];
  let left = MAX_ENTRIES;
  for (let next = folders.pop(); next !== undefined && left > 0; next = folders.pop()) {
    for (const name of namesIn(next, seen)) {
      left -= 1;
      if (left === 0) break;
      if (name === 'node_modules') continue;
      const path = join(next, name);
      const problem = problemOf(path);
      if (problem === 'folder') folders.push(path);
      else if (problem && CODE.test(name)) faults.push({ file: path, message: problem });
    }
  }
  return faults;
}

/** None of what cannot be read, or has been seen under another name. */
function* namesIn(folder: string, seen: Set<string>): Generator<string> {
  let opened: Dir | undefined;
  try {
    const real = realpathSync(folder);
    if (seen.has(real)) return;
    seen.add(real);
    opened = opendirSync(real);
    for (let entry = opened.readSync(); entry; entry = opened.readSync()) yield entry.name;
  } catch {
    // the compiler says it
  } finally {
    opened?.closeSync();
  }
}

/** Undefined: it is a file, or nothing is there. */
function problemOf(path: string): string | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return 'folder';
    if (stats) assertRegular(stats);
    return undefined;
  } catch (error) {
    return error instanceof FileError ? error.message : undefined; // a loop of links is none
  }
}
