// The applications that a command is about.
import { existsSync, globSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isApplicationName } from '../application/instance/registry.ts';
import { SHARED_FOLDER } from '../storage/names.ts';
import { CommandError } from './args.ts';
import { here } from './here.ts';

export function applicationsIn(applicationsDir: string): string[] {
  if (!existsSync(applicationsDir)) return [];
  return readdirSync(applicationsDir)
    .filter((name) => isApplication(applicationsDir, name))
    .sort();
}

/** The name of the folder that they share, if there is one: what is checked and tested besides them. */
export function sharedIn(applicationsDir: string): string[] {
  const stats = statSync(join(applicationsDir, SHARED_FOLDER), { throwIfNoEntry: false });
  return stats?.isDirectory() ? [SHARED_FOLDER] : [];
}

/** The same, where what they share will do as well. */
export function requireCode(applicationsDir: string, name: string): void {
  if (!sharedIn(applicationsDir).includes(name)) requireApplication(applicationsDir, name);
}

/** Throws a CommandError when there is none of that name. */
export function requireApplication(applicationsDir: string, name: string): void {
  if (isApplication(applicationsDir, name)) return;
  const where = join(here(applicationsDir), name);
  throw new CommandError('ERR_CLI_NO_APPLICATION', `there is no application ${where}`);
}

function isApplication(applicationsDir: string, name: string): boolean {
  if (!isApplicationName(name)) return false;
  return statSync(join(applicationsDir, name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** `*.test.ts`, but for those of packages and in folders of the server's own. */
export function testsIn(folder: string): string[] {
  const exclude = ['**/node_modules/**', 'streams/**', 'store/**'];
  return globSync('**/*.test.ts', { cwd: folder, exclude })
    .sort()
    .map((file) => join(folder, file))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile()); // Node would wait for a pipe
}
