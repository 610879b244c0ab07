// In which folders the files of an application's streams lie: its own, and those that the configuration, or a script, maps to
// the beginnings of names.
import { join, relative } from 'node:path';
import { nameProblem, pathInside } from '../storage/names.ts';

export interface VirtualFolder {
  /** Elements of a stream's name, `a/b`; empty: every name. */
  readonly prefix: string;
  readonly folder: string;
}

export interface FolderConfig {
  /** In which the instances have theirs; undefined: `streams` in the application's. FMS: StorageDir. */
  readonly storageDir: string | undefined;
  /** Of several with one prefix all are looked into, in their order; the first is written to. FMS: VirtualDirectory. */
  readonly virtual: readonly VirtualFolder[];
}

/** What a script may map in one instance. */
const MAX_MAPPED = 100;

export class StreamFolders {
  readonly #applicationsDir: string;
  readonly #configOf: (application: string) => FolderConfig;
  /** Application and instance → what scripts have mapped there. */
  readonly #mapped = new Map<string, Map<string, string>>();

  constructor(applicationsDir: string, configOf?: (application: string) => FolderConfig) {
    this.#applicationsDir = applicationsDir;
    this.#configOf = configOf ?? (() => ({ storageDir: undefined, virtual: [] }));
  }

  /** Where a file may lie, the likeliest place first; there it is written. `file` has been found to be a name of a file. */
  places(application: string, instance: string, file: string): string[] {
    const { virtual } = this.#configOf(application);
    const mapped = this.#mapped.get(`${application}/${instance}`) ?? new Map<string, string>();
    const all = [...[...mapped].map(([prefix, folder]) => ({ prefix, folder })), ...virtual];
    const fitting = all
      .filter(({ prefix }) => prefix === '' || file.startsWith(`${prefix}/`))
      .sort((a, b) => b.prefix.length - a.prefix.length)
      .map(({ prefix, folder }) => pathInside(folder, prefix === '' ? file : file.slice(prefix.length + 1)));
    return [...fitting, pathInside(pathInside(this.#root(application), instance), file)];
  }

  /** All folders in which files of its streams may lie, and what their names begin with there. */
  roots(application: string, instance: string): VirtualFolder[] {
    const { virtual } = this.#configOf(application);
    const mapped = [...(this.#mapped.get(`${application}/${instance}`) ?? [])];
    const own = { prefix: '', folder: pathInside(this.#root(application), instance) };
    return [...mapped.map(([prefix, folder]) => ({ prefix, folder })), ...virtual, own];
  }

  #root(application: string): string {
    const { storageDir } = this.#configOf(application);
    return storageDir ?? join(this.#applicationsDir, application, 'streams');
  }

  /** Within the application's folder, or the whole path. */
  placeOf(application: string, path: string): string {
    const within = relative(join(this.#applicationsDir, application), path);
    return within.startsWith('..') ? path : within;
  }

  /**
   * By a script: names that begin so lie in that folder, which is below the folder of its application's streams. An empty one
   * takes the mapping back. False: neither can be.
   */
  map(application: string, instance: string, prefix: string, directory: string): boolean {
    const key = `${application}/${instance}`;
    const name = prefix.replace(/^\/+|\/+$/g, '');
    const folder = directory.replace(/^\/+|\/+$/g, '');
    if (name !== '' && nameProblem(name) !== undefined) return false;
    const mapped = this.#mapped.get(key) ?? new Map<string, string>();
    if (folder === '') return mapped.delete(name);
    if (nameProblem(folder) !== undefined || (mapped.size >= MAX_MAPPED && !mapped.has(name))) return false;
    mapped.set(name, pathInside(this.#root(application), folder));
    this.#mapped.set(key, mapped);
    return true;
  }
}
