// Which application's files have changed: one call per application when its folder has been quiet for a moment. Its script
// and its settings are told apart. The watching is done by a thread of its own: watch-worker.ts.
import { extname, join } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { Clock } from '../../clock.ts';
import { Debounce } from './debounce.ts';
import type { FromWatcher, ToWatcher, WatchWorkerData } from './watch-worker.ts';

/** What the watching thread may have of memory: it holds nothing that grows with the number of files. */
const MAX_WORKER_MB = 64;
/** After the thread has ended. What an author did to end it may be there still. */
const START_AGAIN_MS = 5_000;
const CHECK_MS = 5_000;

export type WatchLimit = Extract<FromWatcher, { op: 'limit' }>['limit'];

export interface WatchOptions {
  applicationsDir: string;
  /** Files and folders of each application; of one with more, changes go unseen. */
  maxEntries: number;
  clock: Clock;
  /** That application's files have changed, or its folder has come or gone. */
  onChange(application: string): void;
  /** Its Application.xml has, or another file of its settings, or its folder has come or gone. */
  onSettings(application: string): void;
  /** It has more files than are watched, or writes them faster than they are looked at. */
  onLimit(application: string, limit: WatchLimit): void;
  onError(error: Error): void;
  /** How often the thread looks whether `applicationsDir` is the folder that it watches still. */
  checkMs?: number;
  /** Tests hand in a thread of their own. */
  startWorker?: (file: string, options: WorkerOptions) => Worker;
}

export class ScriptWatcher {
  readonly #options: WatchOptions;
  readonly #ready = Promise.withResolvers<void>();
  readonly #changes: Debounce;
  readonly #settings: Debounce;
  #worker: Worker;
  #cancelStart = () => {};
  #isClosed = false;

  constructor(options: WatchOptions) {
    const { clock, onChange, onSettings } = options;
    this.#options = options;
    this.#changes = new Debounce(clock, onChange);
    this.#settings = new Debounce(clock, onSettings);
    this.#worker = this.#start(false);
  }

  /** `isAgain`: what has changed since the one before has ended went unseen. */
  #start(isAgain: boolean): Worker {
    const { applicationsDir, maxEntries, checkMs = CHECK_MS, clock, onError } = this.#options;
    const { startWorker = (file, options) => new Worker(file, options) } = this.#options;
    // The same file beside this one in src/ (TypeScript) and in dist/ (JavaScript).
    const file = join(import.meta.dirname, `watch-worker${extname(import.meta.filename)}`);
    const workerData: WatchWorkerData = { applicationsDir, maxEntries, checkMs, isAgain };
    const worker = startWorker(file, {
      workerData,
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: MAX_WORKER_MB },
    });
    worker.on('message', (message: FromWatcher) => this.#receive(message));
    worker.on('error', (error) => onError(error as Error));
    worker.on('exit', () => {
      this.#ready.resolve();
      if (this.#isClosed) return;
      onError(new Error('the thread that watches applications has ended, and is started again'));
      this.#cancelStart = clock.after(START_AGAIN_MS, () => {
        this.#worker = this.#start(true);
      });
    });
    return worker;
  }

  #receive(message: FromWatcher): void {
    const { onLimit, onError } = this.#options;
    switch (message.op) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'changed':
        if (message.what !== 'settings') this.#changes.changed(message.application);
        if (message.what !== 'script') this.#settings.changed(message.application);
        return;
      case 'limit':
        onLimit(message.application, message.limit);
        return;
      case 'error':
        onError(new Error([message.application, message.message].filter(Boolean).join(': ')));
    }
  }

  /** Resolves when all that is there is being watched; none of it is reported as a change. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Its files have been read by command: if it had too many to be watched, they are counted again. */
  retry(application: string): void {
    const message: ToWatcher = { retry: application };
    this.#worker.postMessage(message);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelStart();
    this.#changes.forget();
    this.#settings.forget();
    await this.#worker.terminate();
    this.#changes.forget();
    this.#settings.forget();
  }
}
