// In which folders the files of an application's streams lie: its own, and those that the configuration, or a script, maps to
// the beginnings of names. A file has one pair of instance and name: folders of instances do not lie in each other, and what lies in a
// mapped folder has the names of that mapping only.
import { join, relative, sep } from 'node:path';
import { folderName, nameProblem, pathInside } from '../../storage/names.ts';

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

/** Where a file may lie. */
export interface StreamPlace {
  readonly path: string;
  /** As the configuration, or a script, has it. */
  readonly folder: string;
  /** From there to the file, with slashes: what a peer has a say in. */
  readonly below: string;
}

interface Root extends VirtualFolder {
  /** Around it, and as the configuration has it. */
  readonly outer: string;
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

  /**
   * Where a file may lie, the likeliest place first; there it is written. `file` has been found to be a name of a file. None: the
   * folder in which it would lie is mapped to other names.
   */
  places(application: string, instance: string, file: string): StreamPlace[] {
    const roots = this.#roots(application, instance);
    return roots
      .filter(({ prefix }) => prefix === '' || file.startsWith(`${prefix}/`))
      .map((root) => ({ root, path: pathInside(root.folder, withoutPrefix(file, root)) }))
      .filter(
        ({ root, path }) => !roots.some((other) => isInside(other, root) && path.startsWith(inside(other))),
      )
      .map(({ root: { outer }, path }) => {
        return { path, folder: outer, below: relative(outer, path).replaceAll(sep, '/') };
      });
  }

  /** All folders in which files of its streams may lie, and what their names begin with there. */
  roots(application: string, instance: string): VirtualFolder[] {
    return this.#roots(application, instance);
  }

  /** The longest beginning of a name first, its own folder last. */
  #roots(application: string, instance: string): Root[] {
    const { virtual } = this.#configOf(application);
    const mapped = [...(this.#mapped.get(`${application}/${instance}`) ?? [])];
    const outer = this.#storageOf(application);
    const own = { prefix: '', folder: pathInside(outer, folderName(instance)), outer };
    const others = [...mapped.map(([prefix, folder]) => ({ prefix, folder })), ...virtual];
    return [
      ...others
        .map((root) => ({ ...root, outer: root.folder }))
        .sort((a, b) => b.prefix.length - a.prefix.length),
      own,
    ];
  }

  /**
   * Before 0.2 an instance with a slash in its name had a folder in that of another one, where the same file was found by two names.
   * Undefined: its folder is the same as then.
   */
  formerPlace(application: string, instance: string, file: string): string | undefined {
    if (!instance.includes('/')) return undefined;
    return pathInside(pathInside(this.#storageOf(application), instance), file);
  }

  #storageOf(application: string): string {
    const { storageDir } = this.#configOf(application);
    return storageDir ?? join(this.#applicationsDir, application, 'streams');
  }

  /** Within the application's folder, or the whole path. */
  placeOf(application: string, path: string): string {
    const within = relative(join(this.#applicationsDir, application), path);
    return within.startsWith('..') ? path : within;
  }

  /** What the script of an instance has mapped ends with it: names of instances are the clients' to choose. */
  forget(application: string, instance: string): void {
    this.#mapped.delete(`${application}/${instance}`);
  }

  /** Instances whose scripts have mapped something. */
  get mappedInstances(): number {
    return this.#mapped.size;
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
    mapped.set(name, pathInside(this.#storageOf(application), folder));
    this.#mapped.set(key, mapped);
    return true;
  }
}

function withoutPrefix(file: string, { prefix }: VirtualFolder): string {
  return prefix === '' ? file : file.slice(prefix.length + 1);
}

function isInside({ folder }: VirtualFolder, other: VirtualFolder): boolean {
  return folder.startsWith(inside(other));
}

function inside({ folder }: VirtualFolder): string {
  return folder.endsWith(sep) ? folder : folder + sep;
}
