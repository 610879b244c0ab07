// Recordings made whole in a thread of their own, asked for from the thread of the media.
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** A recording has ended, or the process before it had. */
export interface ToFinisher {
  readonly id: number;
  readonly path: string;
  /** `mp4Fragments`: an MP4 that stays as it was recorded. */
  readonly what: 'flv' | 'mp4' | 'mp4Fragments';
}

/** What the file is now. */
export interface FinishedFile {
  readonly sizeBytes: number;
  readonly lengthMs: number;
}

export type FromFinisher =
  /** `undefined`: there was nothing to do, or it is no file of ours. */
  | { readonly id: number; readonly ok: true; readonly finished: FinishedFile | undefined }
  | { readonly id: number; readonly ok: false; readonly message: string };

interface Waiting {
  resolve(finished: FinishedFile | undefined): void;
  reject(error: Error): void;
}

export class Finisher {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** Rejects with what the file system says. */
  finish(path: string, what: ToFinisher['what']): Promise<FinishedFile | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker ??= this.#startWorker();
      this.#worker.ref(); // the process does not end before it has answered
      this.#worker.postMessage({ id, path, what } satisfies ToFinisher);
    });
  }

  #startWorker(): Worker {
    // The same file beside this one in src/ (TypeScript) and in dist/ (JavaScript).
    const file = join(import.meta.dirname, `finish-worker${extname(import.meta.filename)}`);
    const worker = new Worker(file, { env: {}, execArgv: ['--disable-warning=ExperimentalWarning'] });
    worker.on('message', (message: FromFinisher) => this.#answer(message));
    worker.on('error', (error) => this.#gone(worker, error as Error));
    worker.on('exit', () => this.#gone(worker, new Error('the thread that finishes recordings has ended')));
    return worker;
  }

  #answer(message: FromFinisher): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (message.ok) waiting?.resolve(message.finished);
    else waiting?.reject(new Error(message.message));
  }

  #gone(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  /** What was asked for is done. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const exited = once(worker, 'exit');
    this.#worker = undefined;
    await worker.terminate();
    await exited;
  }
}
