// Which file of an application's folder is its main script.
import { type Dir, lstatSync, opendirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';

/**
 * `module`: bundled TypeScript or JavaScript. `classic`: run as it is, sloppy. `compiled`: ActionScript bytecode, or an archive
 * of it, which nothing but FMS can run: such an application has a script all the same and must not be served as if it had none.
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
      'main.far',
      `${application}.far`,
    ].flatMap((name) => [`scripts/${name}`, name]),
  ];
}

const KINDS: Record<string, MainScriptKind> = {
  '.ts': 'module',
  '.mjs': 'module',
  '.asc': 'classic',
  '.js': 'classic',
  '.ase': 'compiled',
  '.far': 'compiled',
};

/**
 * The first that is there. A file that is there and cannot be read is found: it is the main script all the same. So is one
 * called `Main.asc`: FMS ran on Windows, where that is the same name. For such a name no more than `maxNames` of the folder are
 * listed.
 */
export function findMainScript(
  folder: string,
  application: string,
  maxNames = Infinity,
): MainScript | undefined {
  const wanted = candidates(application);
  const path = wanted.find((name) => exists(join(folder, name))) ?? findInAnyCase(folder, wanted, maxNames);
  return path === undefined ? undefined : { path, kind: KINDS[extname(path).toLowerCase()]! };
}

/** Others that would be it if it were not there: whoever edits one of them edits in vain. Bytecode beside its source is none. */
export function unusedMainScripts(folder: string, application: string, main: MainScript): string[] {
  const others = candidates(application).filter((name) => KINDS[extname(name)] !== 'compiled');
  return others.filter((name) => name !== main.path && exists(join(folder, name)));
}

function findInAnyCase(folder: string, wanted: readonly string[], maxNames: number): string | undefined {
  let room = maxNames;
  const list = (path: string) => {
    const names = namesIn(path, room);
    room -= names.length;
    return names;
  };
  const top = list(folder);
  const scripts = top.filter((name) => name.toLowerCase() === 'scripts');
  const below = scripts.flatMap((name) => list(join(folder, name)).map((file) => `${name}/${file}`));
  const byLowerCase = new Map([...below, ...top].map((path) => [path.toLowerCase(), path]));
  return wanted
    .flatMap((name) => byLowerCase.get(name.toLowerCase()) ?? [])
    .find((path) => exists(join(folder, path)));
}

/** None of what is no folder, or cannot be read. */
function namesIn(folder: string, maxNames: number): string[] {
  const names: string[] = [];
  let opened: Dir | undefined;
  try {
    opened = opendirSync(folder);
    while (names.length < maxNames) {
      const entry = opened.readSync();
      if (!entry) break;
      names.push(entry.name);
    }
  } catch {
    return [];
  } finally {
    opened?.closeSync();
  }
  return names.sort();
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
