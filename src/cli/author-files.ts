// What editors and `tsc` need to know about the script API, kept beside the applications: understudy.d.ts, for their
// tests understudy-test.d.ts, and the compiler settings that every application's tsconfig.json extends.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readOperatorFile } from '../disk/operator-file.ts';
import { sharedIn } from './applications.ts';
import { CommandError } from './args.ts';
import { here } from './here.ts';

/** Where this package has its own: `src/script/types`, or `dist/script/types` as published. */
export const TYPES_DIR = join(import.meta.dirname, '..', 'script', 'types');

const AUTHOR_FILES = ['understudy.d.ts', 'understudy-test.d.ts', 'tsconfig.base.json'];

/** Of an application, and of what applications share. */
export const TSCONFIG = `{
  "extends": "../tsconfig.base.json",
  "include": ["**/*.ts", "**/*.mjs"]
}
`;

/**
 * Brings the files in `applicationsDir` up to this version; leaves them alone where they are. Throws a CommandError
 * when it cannot write there.
 */
export function refreshAuthorFiles(applicationsDir: string): void {
  for (const name of AUTHOR_FILES) {
    const file = join(applicationsDir, name);
    const wanted = readFileSync(join(TYPES_DIR, name), 'utf8');
    try {
      if (readOperatorFile(file) !== wanted) replace(file, wanted);
    } catch (error) {
      throw unwritable(file, error as Error);
    }
  }
  for (const shared of sharedIn(applicationsDir))
    writeSettings(join(applicationsDir, shared, 'tsconfig.json'));
}

/** Its author's own stay. */
function writeSettings(file: string): void {
  try {
    if (readOperatorFile(file) === undefined) replace(file, TSCONFIG);
  } catch (error) {
    throw unwritable(file, error as Error);
  }
}

function unwritable(file: string, cause: Error): CommandError {
  return new CommandError('ERR_CLI_AUTHOR_FILES', `${here(file)}: ${cause.message}`, { cause });
}

/**
 * In one step: an editor must not read half a file. Others may write to the folder: a name that nobody can guess, and a file that was
 * not there, so that no link of theirs leads elsewhere.
 */
function replace(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
