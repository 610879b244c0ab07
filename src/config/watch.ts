// Changes of conf/ while the server runs. Symbols count at once for applications; what else has changed is said to wait for the
// next start, and mistakes are said when they are made, not then.
import { relative, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type FSWatcher, watch } from 'chokidar';
import { ConfigError } from '../errors.ts';
import { changedSettings, type SettingChange } from './changes.ts';
import type { Config } from './config.ts';

/** The root folder, conf/, adaptors, virtual hosts. */
const MAX_DEPTH = 4;
/** Editors and scripts write several files, or one in several steps. */
const QUIET_MS = 200;
/** The server's own, the login file and the virtual host's Application.xml have readers of their own. */
const READ_ELSEWHERE = /(^|[\\/])(Users\.local\.xml|Application\.xml|users)$/;
const RELEVANT = /\.(xml|ini)$/i;

export interface ConfigWatchOptions {
  /** As the server was started with it. */
  config: Config;
  /** Reads conf/ anew, in the same way. Throws a ConfigError. */
  load(): Config;
  clock: { after(ms: number, call: () => void): () => void };
  /** Applications may refer to other symbols, or the same ones mean something else. */
  onSymbols(config: Config): void;
  /** What differs from the running server's settings; empty: nothing any more. Also when a mistake is mended. */
  onPending(changes: readonly SettingChange[]): void;
  onMistake(error: ConfigError): void;
  /** conf/ cannot be watched. */
  onError(error: Error): void;
}

export class ConfigWatch {
  readonly ready: Promise<void>;
  readonly #options: ConfigWatchOptions;
  readonly #watcher: FSWatcher;
  #symbols: Config['symbols'];
  /** As last said; undefined: a mistake was said after that. */
  #pending: readonly SettingChange[] | undefined = [];
  #cancel = () => {};

  constructor(options: ConfigWatchOptions) {
    const { config, onError } = options;
    const { root, confDir, symbolFiles } = config;
    this.#options = options;
    this.#symbols = config.symbols;
    // conf/ itself may come later, so its parent is watched, and in it nothing else
    this.#watcher = watch([root, ...symbolFiles], {
      depth: MAX_DEPTH,
      ignoreInitial: true,
      atomic: false,
      ignored: (path) => path !== root && !symbolFiles.includes(path) && !isOfConf(relative(confDir, path)),
    });
    this.#watcher.on('all', (_event, path) => {
      if (RELEVANT.test(path) || symbolFiles.includes(path)) this.#changed();
    });
    this.#watcher.on('error', (error) => onError(error as Error));
    this.ready = new Promise((resolve) => this.#watcher.once('ready', () => resolve()));
  }

  #changed(): void {
    this.#cancel();
    this.#cancel = this.#options.clock.after(QUIET_MS, () => this.#reread());
  }

  #reread(): void {
    const { config, load, onSymbols, onPending, onMistake } = this.#options;
    let next: Config;
    try {
      next = load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#pending = undefined;
      onMistake(error);
      return;
    }
    if (!isDeepStrictEqual(next.symbols, this.#symbols)) {
      this.#symbols = next.symbols;
      onSymbols(next);
    }
    const pending = changedSettings(config, next);
    if (isDeepStrictEqual(pending, this.#pending)) return;
    this.#pending = pending;
    onPending(pending);
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#watcher.close();
  }
}

/** `path`: from conf/. */
function isOfConf(path: string): boolean {
  return !READ_ELSEWHERE.test(path) && !path.split(sep).some((part) => part.startsWith('.'));
}
