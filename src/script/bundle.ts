// A TypeScript or JavaScript main script and what it imports → one classic script, by esbuild. Imports stay inside the
// application's folder: what an author bundles there, everybody who plays a stream may get to see.
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join, relative, sep } from 'node:path';
import type * as esbuild from 'esbuild';
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
}

/** `folder` is a real path; `entry` a path in it. Rejects with BundleError when it does not bundle. */
export async function bundle(folder: string, entry: string): Promise<Bundle> {
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
      tsconfigRaw: TSCONFIG,
      nodePaths: [],
      plugins: [confine(folder)],
      logLevel: 'silent',
    });
    const text = (suffix: string) => result.outputFiles.find((file) => file.path.endsWith(suffix))!.text;
    const exported = await exportedHandlers(join(folder, entry));
    return { code: text('bundle.js'), map: text('.map'), exported };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new BundleError(error.errors.map(toFault));
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

function toFault({ text, location, notes }: esbuild.Message): BuildFault {
  const message = [text, ...notes.map((note) => note.text)].filter(Boolean).join(' ');
  if (!location) return { message };
  const { file, line, column, lineText } = location;
  // esbuild counts bytes from 0, editors characters from 1.
  const before = Buffer.from(lineText).subarray(0, column).toString();
  return { file, line, column: before.length + 1, message, lineText };
}

/** Refuses every import whose real path lies outside `folder`, wherever the way there leads. */
function confine(folder: string): esbuild.Plugin {
  const isInside = (path: string) => path.startsWith(folder + sep);
  return {
    name: 'confine',
    setup(build) {
      build.onResolve(
        { filter: /.*/ },
        async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
          if (pluginData === RESOLVING) return undefined; // our own question below: esbuild's answer is wanted
          if (isBuiltin(path))
            return refusal(`"${path}" is a Node module, which application scripts do not have`);
          const found = await build.resolve(path, {
            kind,
            importer,
            resolveDir,
            with: attributes,
            pluginData: RESOLVING,
          });
          const isLacking = found.errors.length > 0 || !isInside(found.path);
          const lacking = isLacking ? packageOf(path) : undefined;
          if (lacking !== undefined && OURS.includes(lacking)) {
            return refusal(
              `"${path}" is for tests, *.test.ts: a script has application, Client and Stream without an import`,
            );
          }
          if (lacking !== undefined && !existsSync(join(folder, 'node_modules', lacking))) {
            return refusal(
              `"${lacking}" is not installed: npm install --prefix ${placeOf(folder)} ${lacking}`,
            );
          }
          if (found.errors.length > 0) return { errors: found.errors };
          if (found.external || found.namespace !== 'file') {
            return refusal(`"${path}" is no file of the application's folder`);
          }
          const real = await realpath(found.path).catch(() => undefined);
          if (real === undefined || !isInside(real))
            return refusal(`"${path}" leaves the application's folder`);
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
