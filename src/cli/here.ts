import { dirname, relative } from 'node:path';

/** Where the person stands who gave the command. npm runs a script of a package in its folder, wherever that person is. */
export function userFolder(): string {
  const cwd = process.cwd();
  const { INIT_CWD, npm_package_json } = process.env;
  const isScript = npm_package_json !== undefined && dirname(npm_package_json) === cwd;
  return (isScript && INIT_CWD) || cwd;
}

/** A path as one would type it there. */
export function here(path: string): string {
  return relative(userFolder(), path) || '.';
}
