// A TypeScript or JavaScript main script and what it imports → one classic script, by esbuild. Imports stay inside the
// application's folder, and the one that applications share: what an author bundles there, everybody who plays a stream may
// get to see.
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, parse, posix, relative, resolve, sep } from 'node:path';
import type * as esbuild from 'esbuild';
import { HANDLERS } from '../../application/contract/script-table.ts';
import { SHARED_FOLDER } from '../../storage/names.ts';
import { type BuildFault, Unbuildable } from './build-fault.ts';
import { build, isBuildFailure } from './esbuild.ts';
import { findImportHole } from './import-holes.ts';
import { withOwnMap } from './input-map.ts';
import type { Inputs } from './inputs.ts';
import { findDeepNesting } from './nesting.ts';
import type { BundleMap } from './output-map.ts';
import { ImportResolver } from './resolve.ts';

/** JSON is data beside the script; everything else that esbuild could load (text, CSS, JSX, binaries) is not for servers. */
const LOADERS: Record<string, esbuild.Loader> = {
  ...{ ts: 'ts', mts: 'ts', cts: 'ts' },
  ...{ js: 'js', mjs: 'js', cjs: 'js' },
  json: 'json',
};

/** The same for all applications: what a folder's own tsconfig says must not change what its script does. */
const TSCONFIG = JSON.stringify({ compilerOptions: { useDefineForClassFields: true } });

/** Of our files, for esbuild: it opens none whose namespace is not its own. */
const NAMESPACE = 'app';
const NOTHING = 'nothing';

/** Where esbuild thinks that it works: it lists the folder of the entry point. */
const NOWHERE = parse(process.cwd()).root;

export interface Bundle {
  code: string;
  /** What the entry itself exports under the name of a handler. */
  exported: string[];
  /** `sources` relative to the application's folder. */
  map: BundleMap;
  /** It imports something of the shared folder. */
  usesShared: boolean;
}

/** The folder that applications share, as authors know it, and its real path; undefined: there is none. */
export interface SharedFolder {
  readonly path: string;
  readonly real: string | undefined;
}

/** `folder` is a real path; `entry` a path in it. Rejects with BundleError when it does not bundle. */
export async function bundle(
  folder: string,
  entry: string,
  shared: SharedFolder,
  inputs: Inputs,
): Promise<Bundle> {
  const files = new BundledFiles(folder, entry, shared, inputs);
  try {
    const result = await build({
      entryPoints: [entry],
      absWorkingDir: NOWHERE,
      outfile: join(NOWHERE, 'bundle.js'),
      write: false,
      bundle: true,
      format: 'iife',
      platform: 'neutral',
      target: 'es2023',
      define: { 'process.env.NODE_ENV': '"production"' },
      keepNames: true,
      charset: 'utf8',
      sourcemap: 'external',
      tsconfigRaw: TSCONFIG,
      nodePaths: [],
      plugins: [{ name: 'files', setup: (its) => files.serve(its) }],
      logLevel: 'silent',
    });
    const output = (suffix: string) => result.outputFiles.find((file) => file.path.endsWith(suffix))!;
    const map = JSON.parse(output('.map').text) as BundleMap;
    const sources = map.sources.map(withoutNamespace);
    return {
      code: output('bundle.js').text,
      map: { ...map, sources },
      exported: await exportedHandlers(files.entryText),
      usesShared: files.usesShared,
    };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new BundleError(error.errors.map(toFault));
  }
}

/** The bundle is a script of its own, and esbuild forgets what its entry exports. */
async function exportedHandlers(contents: string): Promise<string[]> {
  if (!/\bexport\b/.test(contents)) return [];
  const { metafile } = await build({
    ...{ stdin: { contents, loader: 'ts' }, write: false, metafile: true, format: 'esm' },
    ...{ absWorkingDir: NOWHERE, outfile: 'entry.js', tsconfigRaw: TSCONFIG, logLevel: 'silent' },
  });
  const names = Object.values(metafile.outputs).flatMap(({ exports }) => exports);
  return names.filter((name) => HANDLERS.includes(name));
}

export class BundleError extends Error {
  readonly faults: BuildFault[];
  constructor(faults: BuildFault[]) {
    super(faults[0]?.message ?? 'it does not bundle');
    this.faults = faults;
  }
}

function toFault({ text, location, notes, detail }: esbuild.Message): BuildFault {
  if (detail instanceof Unbuildable) return detail.fault;
  // of what the plugin says, esbuild notes which plugin
  const own = notes.filter((note) => !note.text.startsWith('The plugin '));
  const message = [text, ...own.map((note) => note.text)].filter(Boolean).join(' ');
  if (!location) return { message };
  const { file, line, column, lineText } = location;
  // esbuild counts bytes from 0, editors characters from 1.
  const before = Buffer.from(lineText).subarray(0, column).toString();
  return { file: withoutNamespace(file), line, column: before.length + 1, message, lineText };
}

function withoutNamespace(path: string): string {
  return path.startsWith(`${NAMESPACE}:`) ? path.slice(NAMESPACE.length + 1) : path;
}

/**
 * The files of one bundle: esbuild asks for each and opens none itself. Refuses every import whose real path lies outside `folder`
 * and the shared one, wherever the way there leads. `../_lib/x.ts` is meant as it is read, also where the application's folder is
 * a link to somewhere else.
 */
class BundledFiles {
  readonly #folder: string;
  readonly #entry: string;
  readonly #shared: SharedFolder;
  readonly #inputs: Inputs;
  readonly #resolver: ImportResolver;
  /** By the names that esbuild knows. */
  readonly #paths = new Map<string, string>();
  entryText = '';
  usesShared = false;

  constructor(folder: string, entry: string, shared: SharedFolder, inputs: Inputs) {
    this.#folder = folder;
    this.#entry = entry;
    this.#shared = shared;
    this.#inputs = inputs;
    this.#resolver = new ImportResolver(inputs, (path) => this.#nameOf(path));
  }

  serve(its: esbuild.PluginBuild): void {
    its.onResolve({ filter: /.*/ }, (args) => orFault(() => this.#resolve(args)));
    its.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => orFault(() => this.#load(path)));
    its.onLoad({ filter: /.*/, namespace: NOTHING }, () => ({ contents: '', loader: 'empty' }));
  }

  async #resolve({ path, kind, importer }: esbuild.OnResolveArgs): Promise<esbuild.OnResolveResult> {
    if (kind === 'entry-point') return this.#known(await realpath(join(this.#folder, this.#entry)), true);
    if (isBuiltin(path)) return refusal(`"${path}" is a Node module, which application scripts do not have`);
    if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(path)) {
      return refusal(`"${path}" is no file of the application's folder`);
    }
    const from = this.#paths.get(importer)!;
    const isFromShared = this.#isShared(from);
    const ofShared = this.#sharedPath(path, dirname(from));
    const home = ofShared === undefined ? dirname(from) : this.#shared.real!;
    const isRequire = kind === 'require-call' || kind === 'require-resolve';
    const found = await this.#resolver.resolve(ofShared ?? path, home, isRequire);
    if (found?.path === false) return { path, namespace: NOTHING };
    // What is shared knows nothing of those that share it.
    const mayReach = (target: string) =>
      isFromShared ? this.#isShared(target) : this.#inputs.isInside(target);
    if (found && mayReach(found.path)) {
      if (LOADERS[extensionOf(found.path)] === undefined) {
        return refusal(`"${path}" is neither TypeScript nor JavaScript nor JSON`);
      }
      return this.#known(found.path, found.hasSideEffects);
    }
    return this.#missing(path, dirname(from), isFromShared, found !== undefined);
  }

  #missing(path: string, from: string, isFromShared: boolean, isElsewhere: boolean): esbuild.OnResolveResult {
    const lacking = packageOf(path);
    const home = isFromShared ? this.#shared.path : this.#folder;
    if (lacking !== undefined && OURS.includes(lacking)) {
      return refusal(
        `"${path}" is for tests, *.test.ts: a script has application, Client and Stream without an import`,
      );
    }
    if (lacking !== undefined && !existsSync(join(home, 'node_modules', lacking))) {
      return refusal(`"${lacking}" is not installed: npm install --prefix ${placeOf(home)} ${lacking}`);
    }
    const isAbove = path.startsWith('.') && !this.#inputs.isInside(resolve(from, path));
    if (!isElsewhere && !isAbove) return refusal(`Could not resolve "${path}"`);
    const place = isFromShared ? `the folder ${SHARED_FOLDER}` : "the application's folder";
    return refusal(`"${path}" leaves ${place}`);
  }

  #known(real: string, sideEffects: boolean): esbuild.OnResolveResult {
    const name = this.#nameOf(real);
    this.#paths.set(name, real);
    return { path: name, namespace: NAMESPACE, sideEffects };
  }

  async #load(name: string): Promise<esbuild.OnLoadResult> {
    const path = this.#paths.get(name)!;
    const bytes = await this.#inputs.read(path, name);
    if (bytes === undefined) throw new Unbuildable({ file: name, message: 'the file is not there any more' });
    const loader = LOADERS[extensionOf(path)]!;
    const text = bytes.toString('utf8');
    const deep = findDeepNesting(text);
    if (deep) throw new Unbuildable({ file: name, ...deep });
    this.usesShared ||= this.#isShared(path);
    if (loader === 'json') return { contents: bytes, loader };
    const hole = await findImportHole(text, loader, name);
    if (hole) throw new Unbuildable(hole);
    if (path === (await realpath(join(this.#folder, this.#entry)))) this.entryText = text;
    const readMap = async (map: string) => {
      const place = posix.join(posix.dirname(name), map);
      return (await this.#inputs.read(join(dirname(path), map), place).catch(unlessUnbuildable))?.toString(
        'utf8',
      );
    };
    return { contents: await withOwnMap(text, posix.dirname(name), readMap), loader };
  }

  /** From the application's folder, wherever links lead. */
  #nameOf(path: string): string {
    if (!this.#isShared(path)) return relative(this.#folder, path).split(sep).join('/');
    return ['..', SHARED_FOLDER, ...relative(this.#shared.real!, path).split(sep)].join('/');
  }

  #isShared(path: string): boolean {
    return this.#shared.real !== undefined && path.startsWith(this.#shared.real + sep);
  }

  /** What of the shared folder is meant; undefined: nothing. */
  #sharedPath(path: string, from: string): string | undefined {
    const besides = join(dirname(this.#folder), SHARED_FOLDER) + sep;
    const whole = path.startsWith('.') ? resolve(from, path) : '';
    return this.#shared.real !== undefined && whole.startsWith(besides)
      ? `./${whole.slice(besides.length)}`
      : undefined;
  }
}

/** A map that is lacking, or may not be read, changes nothing but where errors are shown. */
function unlessUnbuildable(error: unknown): undefined {
  if (!(error instanceof Unbuildable)) throw error;
}

async function orFault<Result extends object>(
  call: () => Promise<Result>,
): Promise<Result | { errors: esbuild.PartialMessage[] }> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Unbuildable)) throw error;
    return { errors: [{ text: error.message, detail: error }] };
  }
}

function extensionOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** The name under which tests import this package, and the package's own. On npm the first is another project's package. */
const OURS = ['understudy', 'understudy-rtmp'];

function isBuiltin(path: string): boolean {
  return path.startsWith('node:') || builtinModules.includes(path);
}

/** `jose` of `jose/jwt`; undefined: it is the path of a file, or an address. */
function packageOf(path: string): string | undefined {
  return /^(@[\w.~-]+\/)?[\w~-][\w.~-]*(?=\/|$)/.exec(path)?.[0];
}

/** For a command line. */
function placeOf(folder: string): string {
  const path = relative(process.cwd(), folder);
  return path === '' || path.startsWith('..') ? folder : path;
}

function refusal(text: string): { errors: { text: string }[] } {
  return { errors: [{ text }] };
}
