// An application's folder → what the runner is given, or what is wrong with it, by file, line and column.
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { SHARED_FOLDER } from '../storage/names.ts';
import type { BuildFault } from './build-fault.ts';
import { BundleError, bundle, type SharedFolder } from './bundle.ts';
import {
  decodeText,
  findModuleSyntax,
  MAX_CLASSIC_BYTES,
  readClassicFiles,
  TooLargeError,
} from './classic.ts';
import { findMainScript, type MainScript, unusedMainScripts } from './main-script.ts';
import type { ScriptText } from './wire.ts';

/** One version of an application's script. */
export interface ScriptBuild {
  application: string;
  /** From the application's folder: `scripts/main.ts`. */
  mainScript: string;
  script: ScriptText;
  /** Others that look like it, and do nothing beside it. */
  unused: readonly string[];
  /** Source map of a module's bundle; classic scripts run as they are. */
  sourceMap: string | undefined;
  /** It is made of code that applications share as well. */
  usesShared?: boolean;
  /** Same text, same hash. */
  hash: string;
}

export const BuildResult = {
  Built: 'built',
  Broken: 'broken',
  NoScript: 'no script',
  NoFolder: 'no folder',
} as const;
export type BuildOutcome =
  | { result: typeof BuildResult.Built; build: ScriptBuild }
  | { result: typeof BuildResult.Broken; faults: BuildFault[] }
  /** The folder is there and holds no main script. */
  | { result: typeof BuildResult.NoScript }
  | { result: typeof BuildResult.NoFolder };

/** Beside its files: a bundle beyond this is no server script, and must fit a frame when written as JSON. */
const MAX_CODE_BYTES = 4 << 20;

/** `libraries`: folders in which classic scripts find what is not in their own. Never rejects for anything that an author can do. */
export async function buildScript(
  folder: string,
  application: string,
  libraries: readonly string[] = [],
): Promise<BuildOutcome> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined || !(await isFolder(real))) return { result: BuildResult.NoFolder };
  const main = findMainScript(real, application);
  if (!main) return { result: BuildResult.NoScript };
  const path = join(dirname(resolve(folder)), SHARED_FOLDER);
  const shared = { path, real: await realpath(path).catch(() => undefined) };
  try {
    const {
      code,
      sourceMap,
      files,
      exported = [],
      usesShared,
    } = await buildMain(real, main, {
      libraries,
      shared,
    });
    if (Buffer.byteLength(code) > MAX_CODE_BYTES) {
      throw new Unbuildable({
        file: main.path,
        message: `the script is larger than ${MAX_CODE_BYTES >> 20} MB`,
      });
    }
    const script: ScriptText = {
      kind: main.kind === 'module' ? 'module' : 'classic',
      code,
      filename: `app:///${application}/${main.path}${main.kind === 'module' ? '.bundle.js' : ''}`,
      files,
      ...(exported.length > 0 && { exported }),
    };
    const build = {
      ...{ application, mainScript: main.path, unused: unusedMainScripts(real, application, main) },
      ...{ script, sourceMap, usesShared, hash: hashOf(script, sourceMap) },
    };
    return { result: BuildResult.Built, build };
  } catch (error) {
    if (error instanceof BundleError) return { result: BuildResult.Broken, faults: error.faults };
    if (error instanceof Unbuildable) return { result: BuildResult.Broken, faults: [error.fault] };
    throw error;
  }
}

class Unbuildable extends Error {
  readonly fault: BuildFault;
  constructor(fault: BuildFault) {
    super(fault.message);
    this.fault = fault;
  }
}

interface BuiltMain {
  code: string;
  sourceMap: string | undefined;
  files: Record<string, string>;
  exported?: readonly string[];
  usesShared: boolean;
}

/** Where scripts find what is not in their own folder. */
interface Elsewhere {
  libraries: readonly string[];
  shared: SharedFolder;
}

async function buildMain(folder: string, main: MainScript, elsewhere: Elsewhere): Promise<BuiltMain> {
  const file = main.path;
  const real = await realpath(join(folder, file)).catch((error: Error) => unreadable(file, error));
  if (!real.startsWith(folder + sep)) {
    throw new Unbuildable({
      file,
      message: 'the main script is a link that leaves the application’s folder',
    });
  }
  switch (main.kind) {
    case 'module': {
      const { code, map, exported, usesShared } = await bundle(folder, file, elsewhere.shared);
      return { code, sourceMap: map, files: {}, exported, usesShared };
    }
    case 'classic':
      return { ...(await buildClassic(folder, file, elsewhere)), sourceMap: undefined };
    case 'compiled':
      throw new Unbuildable({
        file,
        message: `compiled ActionScript (${extname(file)}) cannot be run: put its source, main.asc, beside it`,
      });
  }
}

async function buildClassic(
  folder: string,
  file: string,
  { libraries, shared }: Elsewhere,
): Promise<Pick<BuiltMain, 'code' | 'files' | 'usesShared'>> {
  const bytes = await readFile(join(folder, file)).catch((error: Error) => unreadable(file, error));
  const code = decodeText(bytes);
  const moduleSyntax = await findModuleSyntax(code);
  if (moduleSyntax) {
    throw new Unbuildable({
      file,
      ...moduleSyntax,
      message: `import and export are for modules, this file is a classic script: rename it to main.ts or main.mjs`,
    });
  }
  try {
    return { code, ...(await readClassicFiles(folder, file, { code, libraries, shared: shared.real })) };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    const message = `the .asc and .js files of this folder hold more than ${MAX_CLASSIC_BYTES >> 20} MB, those of ScriptLibPath and ${SHARED_FOLDER} included; only the server's belong here`;
    throw new Unbuildable({ file, message });
  }
}

function unreadable(file: string, error: Error): never {
  throw new Unbuildable({
    file,
    message: `the main script cannot be read: ${(error as NodeJS.ErrnoException).code}`,
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** With the source map: a comment more moves every line below it, and errors must name the right one. */
function hashOf(script: ScriptText, sourceMap: string | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([script, sourceMap]))
    .digest('hex');
}
