// Attacks from outside: each file of outside/ exports a SIEGE, a server and what is tried against it.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Siege } from './stage.ts';

const FOLDER = join(import.meta.dirname, 'outside');

export async function sieges(): Promise<Siege[]> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.ts'))
    .sort();
  const all = await Promise.all(files.map((name) => import(join(FOLDER, name)) as Promise<{ SIEGE: Siege }>));
  return all.map(({ SIEGE }) => SIEGE);
}
