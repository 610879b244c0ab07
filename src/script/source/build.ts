// An application's folder → what the runner is given, or what is wrong with it, by file, line and column.
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { SHARED_FOLDER } from '../../storage/names.ts';
import type { ScriptText } from '../wire/wire.ts';
import { type BuildFault, Unbuildable } from './build-fault.ts';
import {
  type BuildOutcome,
  type BuildRequest,
  BuildResult,
  encodeScript,
  type ScriptBuild,
} from './build-outcome.ts';
import { BundleError, bundle, type SharedFolder } from './bundle.ts';
import { decodeText, findModuleSyntax, readClassicFiles, TooLargeError } from './classic.ts';
import { type BuildLimits, Inputs } from './inputs.ts';
import { findMainScript, type MainScript, unusedMainScripts } from './main-script.ts';
import { findDeepNesting } from './nesting.ts';
import { type BundleMap, inlineMap, stackMap } from './output-map.ts';

/** In this process. Never rejects for anything that an author can do, but for taking all memory or time: see Builder. */
export async function buildScript(
  { folder, application, libraries }: BuildRequest,
  limits: BuildLimits,
): Promise<BuildOutcome> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined || !(await isFolder(real))) return { result: BuildResult.NoFolder };
  const main = findMainScript(real, application);
  if (!main) return { result: BuildResult.NoScript };
  const path = join(dirname(resolve(folder)), SHARED_FOLDER);
  const shared = { path, real: await realpath(path).catch(() => undefined) };
  try {
    const { map, usesShared, ...built } = await buildMain(real, main, { libraries, shared, limits });
    const { code, files, exported = [] } = built;
    if (Buffer.byteLength(code) > limits.maxBundleBytes) throw tooLarge(main.path, limits);
    const text: ScriptText = {
      kind: main.kind === 'module' ? 'module' : 'classic',
      code,
      filename: `app:///${application}/${main.path}${main.kind === 'module' ? '.bundle.js' : ''}`,
      files,
      ...(exported.length > 0 && { exported }),
    };
    const script = encodeScript(text);
    const sourceMap = map && stackMap(map);
    const build: ScriptBuild = {
      ...{ application, mainScript: main.path, unused: unusedMainScripts(real, application, main) },
      ...{ script, sourceMap, inlineMap: map && inlineMap(map, resolve(folder)), usesShared },
      hash: hashOf(script, map),
    };
    return { result: BuildResult.Built, build };
  } catch (error) {
    if (error instanceof BundleError) return broken(error.faults);
    if (error instanceof Unbuildable) return broken([error.fault]);
    throw error;
  }
}

const MAX_FAULTS = 20;
const MAX_TEXT = 1000;

/** What is said of a script is no longer than a log can bear: a line of a file, and the name of an import, may be all of it. */
function broken(faults: readonly BuildFault[]): BuildOutcome {
  const bounded = faults.slice(0, MAX_FAULTS).map(({ lineText, ...fault }) => ({
    ...fault,
    message: cut(fault.message),
    ...(fault.file !== undefined && { file: cut(fault.file) }),
    ...(lineText !== undefined && lineText.length <= MAX_TEXT && { lineText }),
  }));
  return { result: BuildResult.Broken, faults: bounded };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

function tooLarge(file: string, { maxBundleBytes }: BuildLimits): Unbuildable {
  const message = `the script is larger than ${megabytes(maxBundleBytes)} MB (MaxBundleSize in Server.xml)`;
  return new Unbuildable({ file, message, limit: 'MaxBundleSize' });
}

function megabytes(bytes: number): number {
  return Math.round((bytes / 2 ** 20) * 10) / 10;
}

interface BuiltMain {
  code: string;
  map: BundleMap | undefined;
  files: Record<string, string>;
  exported?: readonly string[];
  usesShared: boolean;
}

/** Where scripts find what is not in their own folder. */
interface Elsewhere {
  libraries: readonly string[];
  shared: SharedFolder;
  limits: BuildLimits;
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
      const { shared, limits } = elsewhere;
      const folders = shared.real === undefined ? [folder] : [folder, shared.real];
      return { ...(await bundle(folder, file, shared, new Inputs(folders, limits))), files: {} };
    }
    case 'classic':
      return { ...(await buildClassic(folder, file, elsewhere)), map: undefined };
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
  { libraries, shared, limits }: Elsewhere,
): Promise<Pick<BuiltMain, 'code' | 'files' | 'usesShared'>> {
  const bytes = await new Inputs([folder], limits).read(join(folder, file), file);
  const code = decodeText(bytes ?? Buffer.alloc(0));
  const deep = findDeepNesting(code);
  if (deep) throw new Unbuildable({ file, ...deep });
  const moduleSyntax = await findModuleSyntax(code);
  if (moduleSyntax) {
    throw new Unbuildable({
      file,
      ...moduleSyntax,
      message: `import and export are for modules, this file is a classic script: rename it to main.ts or main.mjs`,
    });
  }
  try {
    const rest = { code, libraries, shared: shared.real, maxBytes: limits.maxBundleBytes };
    return { code, ...(await readClassicFiles(folder, file, rest)) };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    const message = `the .asc and .js files of this folder hold more than ${megabytes(limits.maxBundleBytes)} MB (MaxBundleSize in Server.xml), those of ScriptLibPath and ${SHARED_FOLDER} included; only the server's belong here`;
    throw new Unbuildable({ file, message, limit: 'MaxBundleSize' });
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
function hashOf(script: Buffer, map: BundleMap | undefined): string {
  return createHash('sha256')
    .update(script)
    .update('\n')
    .update(JSON.stringify(map) ?? '')
    .digest('hex');
}
