// What an import names: a file of the application's folder, or of a package in it, as bundlers find it. esbuild would look for
// itself, in every folder above, and read each package.json and tsconfig.json whatever it is; here every look goes through Inputs.
import { realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { matchesGlob, relative } from 'node:path';
import type { ResolveRequest, Resolver } from 'enhanced-resolve';
import { Unbuildable } from './build-fault.ts';
import type { Inputs } from './inputs.ts';

// Not the package's front door: that loads a file system of its own, which patches Node's.
const { createResolver } = createRequire(import.meta.url)(
  'enhanced-resolve/lib/ResolverFactory.js',
) as typeof import('enhanced-resolve').ResolverFactory;

/** Packages that come in two make-ups: the one for browsers does without Node's modules. */
const CONDITIONS = ['browser'];

type Callback<T> = (error: NodeJS.ErrnoException | null, result?: T) => void;

export type Resolved =
  /** Its real path, and whether it must stay in the bundle where nothing of it is used. */
  | { path: string; hasSideEffects: boolean }
  /** The package has it replaced by nothing. */
  | { path: false };

export class ImportResolver {
  readonly #files: ResolverFiles;
  readonly #byImport: Resolver;
  readonly #byRequire: Resolver;

  constructor(inputs: Inputs, nameOf: (path: string) => string) {
    this.#files = new ResolverFiles(inputs, nameOf);
    this.#byImport = this.#resolver('import');
    this.#byRequire = this.#resolver('require');
  }

  /** `from`: the folder of the file that imports. Undefined: there is no such file. Unbuildable: a package.json on the way. */
  async resolve(request: string, from: string, isRequire: boolean): Promise<Resolved | undefined> {
    const resolver = isRequire ? this.#byRequire : this.#byImport;
    const found = await new Promise<ResolveRequest | false | undefined>((resolve, reject) => {
      resolver.resolve({}, from, request, {}, (error, path, details) => {
        if (error instanceof Unbuildable) reject(error);
        else resolve(error ? undefined : path === false ? false : details);
      });
    });
    if (found === undefined) return undefined;
    if (found === false || found.path === false || found.path === undefined) return { path: false };
    const path = await realpath(found.path).catch(() => undefined);
    return path === undefined ? undefined : { path, hasSideEffects: hasSideEffects(found, found.path) };
  }

  #resolver(condition: 'import' | 'require'): Resolver {
    return createResolver({
      fileSystem: this.#files as never, // with callbacks alone: what it may have besides is for calls that wait
      extensions: ['.ts', '.mts', '.mjs', '.js', '.cjs', '.json'],
      extensionAlias: { '.js': ['.js', '.ts'], '.mjs': ['.mjs', '.mts'], '.cjs': ['.cjs', '.cts'] },
      mainFields: ['browser', 'module', 'main'],
      aliasFields: ['browser'],
      conditionNames: [...CONDITIONS, condition],
      symlinks: false, // the caller has to know where links lead
      unsafeCache: false,
    });
  }
}

/** What a package.json says of its files: `false`, or which of them have any. */
function hasSideEffects({ descriptionFileRoot, descriptionFileData }: ResolveRequest, path: string): boolean {
  const said = (descriptionFileData as { sideEffects?: unknown } | undefined)?.sideEffects;
  if (said === false) return false;
  if (!Array.isArray(said) || descriptionFileRoot === undefined) return true;
  const name = relative(descriptionFileRoot, path);
  return said.some((pattern) => {
    if (typeof pattern !== 'string') return true;
    const plain = pattern.replace(/^\.\//, '');
    return matchesGlob(name, plain.includes('/') ? plain : `**/${plain}`);
  });
}

/** The file system that the resolver sees: nothing is outside. */
class ResolverFiles {
  readonly #inputs: Inputs;
  readonly #nameOf: (path: string) => string;
  /** For one build: many imports ask for the same. */
  readonly #stats = new Map<string, Promise<unknown>>();
  readonly #json = new Map<string, Promise<unknown>>();

  constructor(inputs: Inputs, nameOf: (path: string) => string) {
    this.#inputs = inputs;
    this.#nameOf = nameOf;
  }

  stat(path: string, ...rest: unknown[]): void {
    this.#answer(this.#stats, path, rest, async () => {
      const found = await stat(path);
      // a pipe or a device is found: the one who reads says what it is
      return { isDirectory: () => found.isDirectory(), isFile: () => !found.isDirectory() };
    });
  }

  /** Unbuildable has no code, and so is no package.json that is not there. */
  readJson(path: string, ...rest: unknown[]): void {
    this.#answer(this.#json, path, rest, async () => {
      const bytes = await this.#inputs.read(path, this.#nameOf(path));
      if (bytes === undefined) throw absent();
      try {
        return JSON.parse(bytes.toString('utf8')) as unknown;
      } catch {
        throw new Unbuildable({ file: this.#nameOf(path), message: 'expected JSON' });
      }
    });
  }

  readFile(path: string, ...rest: unknown[]): void {
    this.readJson(path, ...rest);
  }

  readdir(_path: string, ...rest: unknown[]): void {
    (rest.at(-1) as Callback<never>)(absent());
  }

  readlink(_path: string, ...rest: unknown[]): void {
    (rest.at(-1) as Callback<never>)(absent());
  }

  #answer(
    known: Map<string, Promise<unknown>>,
    path: string,
    rest: unknown[],
    look: () => Promise<unknown>,
  ): void {
    const callback = rest.at(-1) as Callback<unknown>;
    if (!this.#inputs.isInside(path) || path.includes('\0')) {
      callback(absent());
      return;
    }
    let answer = known.get(path);
    if (!answer) {
      answer = look();
      known.set(path, answer);
    }
    answer.then(
      (result) => callback(null, result),
      (error) => callback(error),
    );
  }
}

function absent(): NodeJS.ErrnoException {
  return Object.assign(new Error('no such file'), { code: 'ENOENT' });
}
