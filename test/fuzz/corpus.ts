// test/corpus: inputs that broke something once, one a file, named for their target. They are tried first in every run,
// and by fuzz-corpus.test.ts.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hex, toHex } from '../support/hex.ts';
import type { Target } from './target.ts';

export const CORPUS = join(import.meta.dirname, '..', 'corpus');

export interface CorpusEntry {
  file: string;
  input: Uint8Array;
}

export function readCorpus(target: Target, folder = CORPUS): CorpusEntry[] {
  return readdirSync(folder)
    .filter((file) => new RegExp(`^${target.name}-[0-9a-f]{12}\\.hex$`).test(file))
    .sort()
    .map((file) => ({ file, input: hex(readFileSync(join(folder, file), 'utf8')) }));
}

/** Returns the file's path. */
export function writeCorpus(target: Target, input: Uint8Array, what: string, folder = CORPUS): string {
  const digest = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const path = join(folder, `${target.name}-${digest}.hex`);
  const lines = toHex(input).match(/.{1,96}/g) ?? [];
  const comment = what.replace(/\s+/g, ' ').slice(0, 200);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `# ${comment}\n${lines.join('\n')}\n`);
  return path;
}
