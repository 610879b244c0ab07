// Recordings made whole, or looked through, in a thread of their own, asked for from the thread of the media.
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RecordingError } from '../../errors.ts';
import type { RecordedContainer } from '../read/growing.ts';
import type { FoundEnd } from './found-end.ts';

export type ToFinisher =
  /** A recording has ended, or the process before it had. `mp4Fragments`: an MP4 that stays as it was recorded. */
  | { readonly id: number; readonly path: string; readonly what: 'flv' | 'mp4' | 'mp4Fragments' }
  /** It will be appended to. */
  | {
      readonly id: number;
      readonly path: string;
      readonly what: 'findEnd';
      readonly container: RecordedContainer;
    };

/** What the file is now. */
export interface FinishedFile {
  readonly sizeBytes: number;
  readonly lengthMs: number;
}

export type FromFinisher =
  /** `undefined`: there was nothing to do, or it is no file of ours. */
  | { readonly id: number; readonly ok: true; readonly found: FinishedFile | FoundEnd | undefined }
  /** `code`: of a RecordingError. */
  | { readonly id: number; readonly ok: false; readonly message: string; readonly code: string | undefined };

interface Waiting {
  resolve(found: FinishedFile | FoundEnd | undefined): void;
  reject(error: Error): void;
}

export class Finisher {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** Rejects with what the file system says. */
  finish(path: string, what: 'flv' | 'mp4' | 'mp4Fragments'): Promise<FinishedFile | undefined> {
    return this.#ask((id) => ({ id, path, what })) as Promise<FinishedFile | undefined>;
  }

  /** Where it ends, once what is no whole tag or fragment has been cut off. Rejects with why it cannot be appended to. */
  findEnd(path: string, container: RecordedContainer): Promise<FoundEnd | undefined> {
    return this.#ask((id) => ({ id, path, what: 'findEnd', container })) as Promise<FoundEnd | undefined>;
  }

  #ask(message: (id: number) => ToFinisher): Promise<FinishedFile | FoundEnd | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker ??= this.#startWorker();
      this.#worker.ref(); // the process does not end before it has answered
      this.#worker.postMessage(message(id));
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
    if (message.ok) waiting?.resolve(message.found);
    else waiting?.reject(errorOf(message));
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

function errorOf({ message, code }: { message: string; code: string | undefined }): Error {
  return code === undefined ? new Error(message) : new RecordingError(code, message);
}
