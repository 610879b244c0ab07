// The folder of a virtual host's applications: which there are, and what administrators add and remove.
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isApplicationName } from '../application/instance/registry.ts';
import { hasOtherSpelling } from '../storage/spelling.ts';

/** In the folder of applications; no application can have this name. */
const REMOVED_FOLDER = '.removed';

export class ApplicationsFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Applications that can be started, sorted. */
  names(): string[] {
    if (!isFolder(this.path)) return [];
    return readdirSync(this.path, { withFileTypes: true })
      .filter(({ name }) => isApplicationName(name))
      .filter(
        (entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(this.path, entry.name))),
      )
      .map(({ name }) => name)
      .sort();
  }

  /** Whether the folder of that application exists, in that very spelling. */
  has(application: string): boolean {
    return isFolder(join(this.path, application)) && !hasOtherSpelling(this.path, application);
  }

  /** Folders inside applications that the server writes to. */
  ownFolders(): string[] {
    const folders = this.names().map((name) => join(this.path, name));
    return folders.flatMap((folder) => [join(folder, 'streams'), join(folder, 'store')]);
  }

  /** Makes the folder of a new application. Throws the error of the file system. */
  add(application: string): void {
    mkdirSync(join(this.path, application), { recursive: true });
  }

  /**
   * Moves an application away and returns its new folder. Nothing is deleted, because its recordings are in it. Throws the error of
   * the file system.
   */
  remove(application: string): string {
    const folder = join(this.path, REMOVED_FOLDER);
    mkdirSync(folder, { recursive: true });
    const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const target = join(folder, `${application}-${stamp}`);
    renameSync(join(this.path, application), target);
    return target;
  }

  /** The path of a file from the application's folder if it lies in it, else the path as it is. */
  placeIn(application: string, file: string): string {
    const path = relative(join(this.path, application), file);
    return path.startsWith('..') ? file : path;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
