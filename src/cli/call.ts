// How a person calls this command again: for the hints that it prints.
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { here, userFolder } from './here.ts';
import { manifest, PACKAGE_FOLDER } from './manifest.ts';
import { findRoot, upward } from './root.ts';

const COMMAND = 'understudy';
const BY_NPX = join('node_modules', '.bin');

/** `npx understudy new NAME --root ../tv`: with --root where the command would take another folder for the root. */
export function callOf(args: string, root: string): string {
  const isFound = findRoot(userFolder()) === resolve(root);
  return `${program(userFolder())} ${args}${isFound ? '' : ` --root ${quoted(here(resolve(root)))}`}`;
}

/** What starts this package from a folder: by the PATH, by npx, or by its path. Elsewhere `npx` would ask the registry. */
export function program(folder: string, path = process.env.PATH ?? ''): string {
  const onPath = path
    .split(delimiter)
    .filter((one) => one !== '' && !one.endsWith(BY_NPX)) // only the shell of `npx` and of npm's scripts has those
    .map((one) => join(one, COMMAND))
    .find(existsSync);
  if (onPath !== undefined && isOurs(onPath)) return COMMAND;
  if (isFoundByNpx(folder)) return `npx ${COMMAND}`;
  const installed = join(PACKAGE_FOLDER, '..', '.bin', COMMAND);
  return quoted(isOurs(installed) ? installed : ownFile());
}

export function isFoundByNpx(folder: string): boolean {
  for (const one of upward(folder)) {
    const linked = join(one, BY_NPX, COMMAND);
    if (existsSync(linked)) return isOurs(linked);
    if (one === PACKAGE_FOLDER) return true;
  }
  return false;
}

function isOurs(file: string): boolean {
  try {
    return realpathSync(file) === realpathSync(ownFile());
  } catch {
    return false;
  }
}

function ownFile(): string {
  return join(PACKAGE_FOLDER, manifest().bin[COMMAND]!);
}

/** For a shell. */
export function quoted(text: string): string {
  return /^[\w./~@:+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
