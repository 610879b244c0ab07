// Which application's files have changed: one call per application when its folder has been quiet for a moment. Its script
// and its settings are told apart.
//
// Every application has a watcher of its own on the real path of its folder: the folder may be a link that a deployment
// turns to the next release, and links inside it are not followed to wherever they lead.
import { realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { Clock } from '../application/clock.ts';
import { nameProblem } from '../storage/names.ts';
import { Debounce } from './debounce.ts';

const MAX_DEPTH = 16;

/** Written by the server, or far too many files; nothing there changes what a running script is. */
const IGNORED_FOLDERS = new Set(['node_modules', 'streams', 'sharedobjects', 'store']);
/** Read by config/application.ts. */
const SETTINGS = new Set(['Application.xml', '.env']);
/** What a script can be made of. Editors' own files beside it do not count. */
const RELEVANT = /\.(ts|mts|cts|js|mjs|cjs|json|asc|ase)$/i;

export interface WatchOptions {
  applicationsDir: string;
  clock: Clock;
  /** That application's files have changed, or its folder has come or gone. */
  onChange(application: string): void;
  /** Its Application.xml has, or its folder has come or gone. */
  onSettings(application: string): void;
  onError(error: Error): void;
}

export class ScriptWatcher {
  readonly #options: WatchOptions;
  readonly #top: FSWatcher;
  readonly #topReady: Promise<void>;
  readonly #folders = new Map<string, WatchedFolder>();
  readonly #opening = new Set<Promise<void>>();
  readonly #changes: Debounce;
  readonly #settings: Debounce;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#changes = new Debounce(options.clock, options.onChange);
    this.#settings = new Debounce(options.clock, options.onSettings);
    this.#top = watch(options.applicationsDir, { depth: 0, followSymlinks: false, atomic: false });
    this.#top.on('all', (event, path) => this.#topChanged(event, path));
    this.#top.on('error', (error) => options.onError(asError(error)));
    this.#topReady = new Promise((resolve) => this.#top.once('ready', () => resolve()));
  }

  /** Resolves when all that is there is being watched; none of it is reported as a change. */
  async ready(): Promise<void> {
    await this.#topReady;
    await Promise.all(this.#opening);
    this.#changes.forget();
    this.#settings.forget();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#top.close(), ...[...this.#folders.values()].map((folder) => folder.close())]);
    this.#changes.forget();
    this.#settings.forget();
  }

  #allChanged(application: string): void {
    this.#changes.changed(application);
    this.#settings.changed(application);
  }

  /** Something directly under applications/ has come, gone, or become something else. */
  #topChanged(event: string, path: string): void {
    const application = basename(path);
    if (relative(this.#options.applicationsDir, path) !== application || nameProblem(application)) return;
    // The next folder of that name is another one, even if it comes before we look.
    if (event === 'unlinkDir' && this.#forgetFolder(application)) this.#allChanged(application);
    const opening = this.#watchFolder(application).catch((error) => this.#options.onError(asError(error)));
    this.#opening.add(opening);
    void opening.finally(() => this.#opening.delete(opening));
  }

  async #watchFolder(application: string): Promise<void> {
    const real = await realFolder(join(this.#options.applicationsDir, application));
    const known = this.#folders.get(application);
    if (this.#closed || real === known?.path) return;
    this.#allChanged(application);
    this.#forgetFolder(application);
    if (real === undefined) return;
    const folder = new WatchedFolder(real, {
      onChange: () => this.#changes.changed(application),
      onSettings: () => this.#settings.changed(application),
      onError: this.#options.onError,
    });
    this.#folders.set(application, folder);
    await folder.ready;
    if (!this.#closed) this.#allChanged(application); // what came while it was being opened went unseen
  }

  /** False: it was not known. */
  #forgetFolder(application: string): boolean {
    void this.#folders.get(application)?.close();
    return this.#folders.delete(application);
  }
}

class WatchedFolder {
  readonly path: string;
  readonly ready: Promise<void>;
  readonly #watcher: FSWatcher;

  constructor(path: string, events: { onChange(): void; onSettings(): void; onError(error: Error): void }) {
    this.path = path;
    this.#watcher = watch(path, {
      depth: MAX_DEPTH,
      followSymlinks: false,
      atomic: false,
      ignoreInitial: true,
      ignored: (file) => isIgnored(relative(path, file)),
    });
    this.#watcher.on('all', (event, file) => {
      if (event === 'unlinkDir' || RELEVANT.test(file)) events.onChange();
      else if (SETTINGS.has(relative(path, file))) events.onSettings();
    });
    this.#watcher.on('error', (error) => events.onError(asError(error)));
    this.ready = new Promise((resolve) => this.#watcher.once('ready', () => resolve()));
  }

  close(): Promise<void> {
    return this.#watcher.close();
  }
}

/** Its real path, if it is a folder, or a link to one. */
async function realFolder(path: string): Promise<string | undefined> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return undefined;
  const stats = await stat(real).catch(() => undefined);
  return stats?.isDirectory() ? real : undefined;
}

function isIgnored(path: string): boolean {
  if (SETTINGS.has(path)) return false;
  return path.split(sep).some((part) => IGNORED_FOLDERS.has(part) || (part.startsWith('.') && part !== '..'));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
