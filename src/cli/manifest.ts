// This package, as its package.json has it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Above src/cli/, and above dist/cli/ of the published package. */
export const PACKAGE_FOLDER = join(import.meta.dirname, '..', '..');

interface Manifest {
  name: string;
  version: string;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  /** Whether npm may run the install script of a package. */
  allowScripts: Record<string, boolean>;
}

export function manifest(): Manifest {
  return JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as Manifest;
}

export function version(): string {
  return manifest().version;
}
