// run/admin.json: where the running server of a root folder is administered, and a token for it. Whoever may read it (its
// owner: mode 0600) may administer the server; the commands of the terminal do.
import { readFileSync, rmSync } from 'node:fs';
import { writePrivately } from './users-file.ts';

export interface RunFile {
  pid: number;
  /** `http://127.0.0.1:1111` */
  url: string;
  token: string;
}

/** Throws what the file system says. */
export function writeRunFile(path: string, content: RunFile): void {
  writePrivately(path, `${JSON.stringify(content)}\n`);
}

/** Undefined: none, or not one that could be used. */
export function readRunFile(path: string): RunFile | undefined {
  try {
    const { pid, url, token } = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunFile>;
    if (typeof pid !== 'number' || typeof url !== 'string' || typeof token !== 'string') return undefined;
    return { pid, url, token };
  } catch {
    return undefined;
  }
}

/** Unless another server has put its own in its place. */
export function removeRunFile(path: string, token: string): void {
  if (readRunFile(path)?.token === token) rmSync(path, { force: true });
}
