// Promises that something outside the isolate settles.
import type { Json } from '../../wire/wire.ts';
import { errorFromHere, namedError } from './errors.ts';
import { MapConstructor, mapDelete, mapGet, mapSet, mapSize, PromiseConstructor } from './primordials.ts';

export type Answer =
  | { id: number; ok: true; value: Json }
  | { id: number; ok: false; name: string; message: string };

interface Asker {
  resolve(value: Json): void;
  reject(error: unknown): void;
  makeError(name: string, message: string): Error;
}

export class Questions {
  readonly #open = new MapConstructor<number, Asker>();
  readonly #max: number;
  readonly #what: string;
  #lastId = 0;

  /** At most `max` at a time, of `what`: the word for the error. */
  constructor(max: number, what: string) {
    this.#max = max;
    this.#what = what;
  }

  /** `send` makes the command; what it throws, or that there are too many, is thrown here. */
  ask(send: (id: number) => void): Promise<Json> {
    if (mapSize(this.#open) >= this.#max) {
      throw namedError('OperationError', `more than ${this.#max} ${this.#what} at a time`);
    }
    this.#lastId += 1;
    const id = this.#lastId;
    send(id);
    const makeError = errorFromHere();
    return new PromiseConstructor((resolve, reject) =>
      mapSet(this.#open, id, { resolve, reject, makeError }),
    );
  }

  /** The question that was asked last. */
  get lastId(): number {
    return this.#lastId;
  }

  answer(answer: Answer): void {
    const asker = this.#take(answer.id);
    if (asker === undefined) return;
    if (answer.ok) asker.resolve(answer.value);
    else asker.reject(asker.makeError(answer.name, answer.message));
  }

  /** Nobody waits for the answer any more; false if it has come. */
  giveUp(id: number, error: unknown): boolean {
    const asker = this.#take(id);
    asker?.reject(error);
    return asker !== undefined;
  }

  #take(id: number): Asker | undefined {
    const asker = mapGet(this.#open, id);
    mapDelete(this.#open, id);
    return asker;
  }
}
