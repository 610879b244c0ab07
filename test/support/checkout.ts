// A checkout of its own, to be used and packed, and what npm makes of it.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const REPOSITORY = join(import.meta.dirname, '..', '..');
const PARTS = [
  'applications',
  'bin',
  'conf',
  'packaging',
  'src',
  'LICENSE',
  'README.md',
  'package.json',
  'tsconfig.json',
];
export const run = promisify(execFile);

export const { name: PACKAGE, version: VERSION } = JSON.parse(
  readFileSync(join(REPOSITORY, 'package.json'), 'utf8'),
) as { name: string; version: string };

/** A checkout as a clone has it, but for what is changed here, with the packages that are installed here. */
export async function copyCheckout(folder: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', 'applications', 'conf'], { cwd: REPOSITORY });
  for (const part of [...PARTS, ...stdout.trim().split('\n')]) {
    cpSync(join(REPOSITORY, part), join(folder, part), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
}

/** `npm pack` there. Resolves to the tarball's path. */
export async function pack(checkout: string, destination: string): Promise<string> {
  await run('npm', ['pack', '--pack-destination', destination], { cwd: checkout });
  return join(destination, `${PACKAGE}-${VERSION}.tgz`);
}

/** In the order of the tarball: `bin/understudy.js`. */
export async function filesIn(tarball: string): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace('package/', ''));
}

/** `npm install` of a tarball in a folder. What `npm ci` has fetched for this checkout need not be fetched again. */
export async function install(tarball: string, folder: string): Promise<void> {
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
}

/** The command as npx finds it from a folder, and never by the registry. */
export function npxUnderstudy(cwd: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' };
  return run('npx', ['understudy', ...args], { cwd, env });
}
