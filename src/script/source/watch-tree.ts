// One folder and what is below it, watched by its folders: one watch of the system each, however many files lie in them. What an
// author does there costs a bounded amount: so many entries, so many folders, so many events a second.
import { type FSWatcher, watch } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { listAuthorFolder } from '../../disk/author-file.ts';
import { FileError } from '../../errors.ts';

const MAX_DEPTH = 16;
/** A folder in which something came or went is listed again when it has been quiet for so long. */
const RELIST_MS = 20;
/** Whoever writes more often is not listened to for a while; a checkout of 10,000 files takes some seconds. */
const MAX_EVENTS_PER_SECOND = 5_000;
const DEAF_MS = 2_000;

export interface TreeOptions {
  /** A real path. */
  path: string;
  /** Files and folders; of them a tenth may be folders. */
  maxEntries: number;
  /** Nothing below it is looked at. `path`: from the tree's folder. */
  isIgnored(path: string): boolean;
  /** Something has changed at `path`, from the tree's folder; undefined: anything may have. */
  onChange(path: string | undefined): void;
  /** It has more entries than it may have, and is not watched any more. */
  onTooMany(): void;
  /** More happens than it may be heard of: for `DEAF_MS` it is not watched, and then anew. */
  onFlood(): void;
  /** It cannot be watched. */
  onError(error: Error): void;
}

interface WatchedFolder {
  readonly watcher: FSWatcher;
  entries: number;
  relist: NodeJS.Timeout | undefined;
}

class TooMany extends Error {}

export class WatchedTree {
  readonly #options: TreeOptions;
  /** By path from the tree's folder; `` is that itself. */
  readonly #folders = new Map<string, WatchedFolder>();
  #entries = 0;
  #isOpen = true;
  #second = 0;
  #eventsInSecond = 0;
  #deaf: NodeJS.Timeout | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** Resolves when all of it is watched, or when it cannot be. */
  async open(): Promise<void> {
    await this.#attempt(() => this.#add('', 0));
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#deaf);
    this.#forgetAll();
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#isOpen) return;
      this.close();
      if (error instanceof TooMany) this.#options.onTooMany();
      else this.#options.onError(error as Error);
    }
  }

  async #add(path: string, depth: number): Promise<void> {
    if (!this.#isOpen || this.#deaf || this.#folders.has(path) || depth > MAX_DEPTH) return;
    if (this.#folders.size >= this.#options.maxEntries / 10) throw new TooMany();
    const watcher = this.#watch(path, depth);
    if (!watcher) return;
    this.#folders.set(path, { watcher, entries: 0, relist: undefined });
    await this.#list(path, depth); // after it is watched: what comes meanwhile is an event
  }

  /** Undefined: it has gone in the meantime. */
  #watch(path: string, depth: number): FSWatcher | undefined {
    const whole = join(this.#options.path, path);
    let watcher: FSWatcher;
    try {
      watcher = watch(whole, { persistent: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined;
      throw error;
    }
    watcher.on('change', (event, name) => this.#happened(path, depth, event, name as string | null));
    watcher.on('error', () => this.#forget(path)); // where the system tells of a folder that has gone in this way
    return watcher;
  }

  #happened(path: string, depth: number, event: string, name: string | null): void {
    if (!this.#isOpen || this.#deaf) return;
    const now = Math.floor(performance.now() / 1000);
    if (now !== this.#second) this.#eventsInSecond = 0;
    this.#second = now;
    this.#eventsInSecond += 1;
    if (this.#eventsInSecond > MAX_EVENTS_PER_SECOND) {
      this.#turnAway();
      return;
    }
    const changed = name === null ? undefined : below(path, name);
    if (changed !== undefined && this.#options.isIgnored(changed)) return;
    this.#options.onChange(changed);
    if (event === 'rename') this.#relistSoon(path, depth);
  }

  #turnAway(): void {
    this.#forgetAll();
    this.#options.onFlood();
    this.#deaf = setTimeout(() => {
      this.#deaf = undefined;
      void this.open().then(() => this.#isOpen && this.#options.onChange(undefined));
    }, DEAF_MS);
  }

  #relistSoon(path: string, depth: number): void {
    const folder = this.#folders.get(path);
    if (!folder) return;
    clearTimeout(folder.relist);
    folder.relist = setTimeout(() => void this.#attempt(() => this.#relist(path, depth)), RELIST_MS);
  }

  async #relist(path: string, depth: number): Promise<void> {
    const before = new Set(this.#folders.keys());
    await this.#list(path, depth);
    const hasMore = [...this.#folders.keys()].some((one) => !before.has(one));
    if (hasMore && this.#isOpen) this.#options.onChange(undefined); // what was written there before it was watched
  }

  async #list(path: string, depth: number): Promise<void> {
    const { maxEntries, isIgnored } = this.#options;
    const room = maxEntries - this.#entries + (this.#folders.get(path)?.entries ?? 0);
    const found = await listAuthorFolder(join(this.#options.path, path), room).catch((error: unknown) => {
      if (error instanceof FileError && error.code === 'ERR_FILE_SIZE') throw new TooMany();
      return undefined; // it may not be read, or has become something else
    });
    const folder = this.#folders.get(path);
    if (!folder || !this.#isOpen) return;
    if (!found) {
      if (path !== '') this.#forget(path);
      return;
    }
    this.#entries += found.length - folder.entries;
    folder.entries = found.length;
    const folders = found.filter((entry) => entry.isDirectory()).map(({ name }) => below(path, name));
    const wanted = new Set(folders.filter((one) => !isIgnored(one)));
    for (const known of [...this.#folders.keys()]) {
      if (isChild(known, path) && !wanted.has(known)) this.#forget(known);
    }
    for (const one of wanted) await this.#add(one, depth + 1);
  }

  /** And what is below it. */
  #forget(path: string): void {
    for (const [known, { watcher, entries, relist }] of [...this.#folders]) {
      if (known !== path && !known.startsWith(path === '' ? '' : path + sep)) continue;
      watcher.close();
      clearTimeout(relist);
      this.#entries -= entries;
      this.#folders.delete(known);
    }
  }

  #forgetAll(): void {
    this.#forget('');
  }
}

function below(path: string, name: string): string {
  return path === '' ? name : join(path, name);
}

function isChild(path: string, parent: string): boolean {
  return path !== '' && dirname(path) === (parent === '' ? '.' : parent);
}
