// Which file of an application's folder is its main script.
import { lstatSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';

/**
 * `module`: bundled TypeScript or JavaScript. `classic`: run as it is, sloppy. `compiled`: ActionScript bytecode, which
 * nothing but FMS can run: such an application has a script all the same and must not be served as if it had none.
 */
export type MainScriptKind = 'module' | 'classic' | 'compiled';

export interface MainScript {
  /** From the application's folder, with slashes: `scripts/main.ts`. */
  path: string;
  kind: MainScriptKind;
}

/** Ours first, then the eight names of FMS in its order: `main` before the application's name, .asc before .js, scripts/ before the top. */
function candidates(application: string): string[] {
  return [
    'scripts/main.ts',
    'main.ts',
    'main.mjs',
    ...[
      'main.asc',
      'main.js',
      `${application}.asc`,
      `${application}.js`,
      'main.ase',
      `${application}.ase`,
    ].flatMap((name) => [`scripts/${name}`, name]),
  ];
}

const KINDS: Record<string, MainScriptKind> = {
  '.ts': 'module',
  '.mjs': 'module',
  '.asc': 'classic',
  '.js': 'classic',
  '.ase': 'compiled',
};

/** The first that is there. A file that is there and cannot be read is found: it is the main script all the same. */
export function findMainScript(folder: string, application: string): MainScript | undefined {
  const path = candidates(application).find((name) => exists(join(folder, name)));
  return path === undefined ? undefined : { path, kind: KINDS[extname(path)]! };
}

/** A dangling link counts: somebody meant a script to be there. A folder of that name does not. */
function exists(path: string): boolean {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats) return !stats.isDirectory();
  } catch {
    return true; // a loop of links, a folder that may not be entered
  }
  return isDanglingLink(path);
}

function isDanglingLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
