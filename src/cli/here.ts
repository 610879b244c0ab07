import { relative } from 'node:path';

/** A path as one would type it in the current folder. */
export function here(path: string): string {
  return relative(process.cwd(), path) || '.';
}
