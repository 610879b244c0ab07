// Where application.store of the scripts of a virtual host is kept, and the one such place there is: a file in each application's folder.
import { join } from 'node:path';
import type { StoreAnswer, StoreRequest } from './key-values.ts';
import { Stores } from './stores.ts';

/** Requests and answers are plain data, so that the place may be another process or machine. */
export interface StoreBackend {
  /** `trial`: see `decide`. The answer comes when it is durable. Rejects with a StoreFailure. */
  ask(application: string, trial: number | undefined, request: StoreRequest): Promise<StoreAnswer>;
  /**
   * What was asked for with that trial's number is done for good, or as if it had not been. Resolves with the keys for which it
   * could not be done any more.
   */
  decide(application: string, trial: number, serves: boolean): Promise<string[]>;
  /** After what has been asked for so far. */
  close(): Promise<void>;
}

/** `store/store.sqlite` in the folder of each application. */
export class FileStores implements StoreBackend {
  readonly #applicationsDir: string;
  readonly #stores: Stores;

  constructor(applicationsDir: string, onBug: (error: unknown) => void) {
    this.#applicationsDir = applicationsDir;
    this.#stores = new Stores(onBug);
  }

  ask(application: string, trial: number | undefined, request: StoreRequest): Promise<StoreAnswer> {
    return this.#stores.ask(join(this.#applicationsDir, application), trial, request);
  }

  decide(application: string, trial: number, serves: boolean): Promise<string[]> {
    return this.#stores.decide(join(this.#applicationsDir, application), trial, serves);
  }

  close(): Promise<void> {
    return this.#stores.close();
  }
}
