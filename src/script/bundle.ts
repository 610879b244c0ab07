// A TypeScript or JavaScript main script and what it imports → one classic script, by esbuild. Imports stay inside the
// application's folder, and the one that applications share: what an author bundles there, everybody who plays a stream may
// get to see.
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type * as esbuild from 'esbuild';
import { SHARED_FOLDER } from '../storage/names.ts';
import type { BuildFault } from './build-fault.ts';
import { build } from './esbuild.ts';
import { HANDLERS } from './wire.ts';

/** JSON is data beside the script; everything else that esbuild could load (text, CSS, JSX, binaries) is not for servers. */
const MAY_LOAD = /\.(ts|mts|cts|js|mjs|cjs|json)$/;

/** The same for all applications: what a folder's own tsconfig says must not change what its script does. */
const TSCONFIG = JSON.stringify({ compilerOptions: { useDefineForClassFields: true } });

export interface Bundle {
  code: string;
  /** What the entry itself exports under the name of a handler. */
  exported: string[];
  /** Source map v3, `sources` relative to the application's folder, their texts with it. */
  map: string;
  /** It imports something of the shared folder. */
  usesShared: boolean;
}

/** The folder that applications share, as authors know it, and its real path; undefined: there is none. */
export interface SharedFolder {
  readonly path: string;
  readonly real: string | undefined;
}

/** `folder` is a real path; `entry` a path in it. Rejects with BundleError when it does not bundle. */
export async function bundle(folder: string, entry: string, shared: SharedFolder): Promise<Bundle> {
  /** From the application's folder, wherever links lead. */
  const nameOf = (path: string) => {
    const whole = resolve(folder, path);
    const { real } = shared;
    if (real === undefined || !whole.startsWith(real + sep)) return path;
    return ['..', SHARED_FOLDER, ...relative(real, whole).split(sep)].join('/');
  };
  const isOfShared = (path: string) => nameOf(path).startsWith(`../${SHARED_FOLDER}/`);
  try {
    const result = await build({
      entryPoints: [join(folder, entry)],
      absWorkingDir: folder,
      outfile: join(folder, 'bundle.js'),
      write: false,
      bundle: true,
      format: 'iife',
      platform: 'neutral',
      target: 'es2023',
      // Packages that come in two make-ups: the one for browsers does without Node's modules.
      mainFields: ['browser', 'module', 'main'],
      conditions: ['browser'],
      resolveExtensions: ['.ts', '.mts', '.mjs', '.js', '.cjs', '.json'],
      define: { 'process.env.NODE_ENV': '"production"' },
      keepNames: true,
      charset: 'utf8',
      sourcemap: 'external',
      metafile: true,
      tsconfigRaw: TSCONFIG,
      nodePaths: [],
      plugins: [confine(folder, shared)],
      logLevel: 'silent',
    });
    const text = (suffix: string) => result.outputFiles.find((file) => file.path.endsWith(suffix))!.text;
    const exported = await exportedHandlers(join(folder, entry));
    const map = JSON.parse(text('.map')) as { sources: string[] };
    const usesShared = Object.keys(result.metafile!.inputs).some(isOfShared);
    const sources = map.sources.map(nameOf);
    return { code: text('bundle.js'), map: JSON.stringify({ ...map, sources }), exported, usesShared };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new BundleError(error.errors.map((message) => toFault(message, nameOf)));
  }
}

/** The bundle is a script of its own, and esbuild forgets what its entry exports. */
async function exportedHandlers(path: string): Promise<string[]> {
  if (!/\bexport\b/.test(await readFile(path, 'utf8'))) return [];
  const { metafile } = await build({
    ...{ entryPoints: [path], write: false, metafile: true, format: 'esm', outfile: 'entry.js' },
    ...{ tsconfigRaw: TSCONFIG, logLevel: 'silent' },
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

function isBuildFailure(error: unknown): error is esbuild.BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

function toFault({ text, location, notes }: esbuild.Message, nameOf: (path: string) => string): BuildFault {
  const message = [text, ...notes.map((note) => note.text)].filter(Boolean).join(' ');
  if (!location) return { message };
  const { file, line, column, lineText } = location;
  // esbuild counts bytes from 0, editors characters from 1.
  const before = Buffer.from(lineText).subarray(0, column).toString();
  return { file: nameOf(file), line, column: before.length + 1, message, lineText };
}

/**
 * Refuses every import whose real path lies outside `folder` and the shared one, wherever the way there leads. `../_lib/x.ts`
 * is meant as it is read, also where the application's folder is a link to somewhere else.
 */
function confine(folder: string, shared: SharedFolder): esbuild.Plugin {
  const isShared = (path: string) => shared.real !== undefined && path.startsWith(shared.real + sep);
  const isInside = (path: string) => path.startsWith(folder + sep) || isShared(path);
  const besides = join(dirname(folder), SHARED_FOLDER) + sep;
  /** What of the shared folder is meant; undefined: nothing. */
  const sharedPath = (path: string, resolveDir: string) => {
    const whole = path.startsWith('.') ? resolve(resolveDir, path) : '';
    return shared.real !== undefined && whole.startsWith(besides)
      ? `./${whole.slice(besides.length)}`
      : undefined;
  };
  return {
    name: 'confine',
    setup(build) {
      build.onResolve(
        { filter: /.*/ },
        async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
          if (pluginData === RESOLVING) return undefined; // our own question below: esbuild's answer is wanted
          if (isBuiltin(path))
            return refusal(`"${path}" is a Node module, which application scripts do not have`);
          const ofShared = sharedPath(path, resolveDir);
          const found = await build.resolve(ofShared ?? path, {
            kind,
            importer,
            resolveDir: ofShared === undefined ? resolveDir : shared.real!,
            with: attributes,
            pluginData: RESOLVING,
          });
          const isFromShared = isShared(importer);
          // What is shared knows nothing of those that share it.
          const mayReach = (target: string) => (isFromShared ? isShared(target) : isInside(target));
          const home = isFromShared ? shared.path : folder;
          const isLacking = found.errors.length > 0 || !mayReach(found.path);
          const lacking = isLacking ? packageOf(path) : undefined;
          if (lacking !== undefined && OURS.includes(lacking)) {
            return refusal(
              `"${path}" is for tests, *.test.ts: a script has application, Client and Stream without an import`,
            );
          }
          if (lacking !== undefined && !existsSync(join(home, 'node_modules', lacking))) {
            return refusal(`"${lacking}" is not installed: npm install --prefix ${placeOf(home)} ${lacking}`);
          }
          if (found.errors.length > 0) return { errors: found.errors };
          if (found.external || found.namespace !== 'file') {
            return refusal(`"${path}" is no file of the application's folder`);
          }
          const real = await realpath(found.path).catch(() => undefined);
          if (real === undefined || !mayReach(real)) {
            const place = isFromShared ? `the folder ${SHARED_FOLDER}` : "the application's folder";
            return refusal(`"${path}" leaves ${place}`);
          }
          if (!MAY_LOAD.test(real)) return refusal(`"${path}" is neither TypeScript nor JavaScript nor JSON`);
          return { path: real, sideEffects: found.sideEffects };
        },
      );
      // Again at the door of the file system: esbuild expands `import("./" + name)` without asking onResolve.
      build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
        const real = await realpath(path).catch(() => undefined);
        if (real !== undefined && isInside(real) && MAY_LOAD.test(real)) return undefined;
        return refusal(`"${path}" must not be loaded here`);
      });
    },
  };
}

const RESOLVING = Symbol('resolving');

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
