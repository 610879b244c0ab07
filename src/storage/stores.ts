// Key-value stores of applications, asked for from the thread of the media: a worker has the files.
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isScarcity } from '../errors.ts';
import type { StoreAnswer, StoreRequest } from './key-values.ts';
import type { FromStores, ToStores } from './store-worker.ts';

/** In the folder of an application. A name that no script has a say in. */
export const STORE_FILE = join('store', 'store.sqlite');

export class StoreFailure extends Error {
  /** The file is the trouble, not the request. */
  readonly isTrouble: boolean;
  constructor(name: string, message: string, isTrouble: boolean) {
    super(message);
    this.name = name;
    this.isTrouble = isTrouble;
  }
}

interface Waiting {
  resolve(answer: StoreAnswer): void;
  reject(error: StoreFailure): void;
}

export class Stores {
  readonly #onBug: (error: unknown) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(onBug: (error: unknown) => void) {
    this.#onBug = onBug;
  }

  /** `folder`: of the application. `trial`: see `decide`. Answers come when they are on the disk; rejects with a StoreFailure. */
  ask(folder: string, trial: number | undefined, request: StoreRequest): Promise<StoreAnswer> {
    return this.#send((id) => ({ op: 'ask', id, file: join(folder, STORE_FILE), trial, request }));
  }

  /**
   * What was asked for with that trial's number is done for good, or as if it had not been. Resolves with the keys for which it
   * could not be done any more.
   */
  async decide(folder: string, trial: number, serves: boolean): Promise<string[]> {
    const file = join(folder, STORE_FILE);
    return (await this.#send((id) => ({ op: 'decide', id, file, trial, serves }))) as string[];
  }

  /** Writes all of it into a new file. */
  async copy(folder: string, to: string): Promise<void> {
    await this.#send((id) => ({ op: 'copy', id, file: join(folder, STORE_FILE), to }));
  }

  #send(message: (id: number) => ToStores): Promise<StoreAnswer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker ??= this.#startWorker();
      this.#worker.postMessage(message(id));
    });
  }

  #startWorker(): Worker {
    // The same file beside this one in src/ (TypeScript) and in dist/ (JavaScript).
    const file = join(import.meta.dirname, `store-worker${extname(import.meta.filename)}`);
    const worker = new Worker(file, { env: {}, execArgv: ['--disable-warning=ExperimentalWarning'] });
    worker.unref();
    worker.on('message', (message: FromStores) => this.#answer(message));
    let why = 'the store was closed';
    worker.on('error', (error) => {
      if (isScarcity(error)) why = `the thread of the stores cannot be started: ${error.message}`;
      else this.#onBug(error);
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(new StoreFailure('OperationError', why, false));
      this.#waiting.clear();
    });
    return worker;
  }

  #answer(message: FromStores): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.ok) waiting?.resolve(message.answer);
    else waiting?.reject(new StoreFailure(message.name, message.message, message.isTrouble));
  }

  /** After what has been asked for so far. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const exit = once(worker, 'exit');
    worker.ref();
    worker.postMessage('close');
    await exit;
  }
}
