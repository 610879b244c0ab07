// The message streams of a session, by their ids.
import type { AccessStatus } from '../../log/access-status.ts';
import type { NetStream } from './net-stream.ts';

export class NetStreams {
  readonly #max: number;
  readonly #make: (id: number) => NetStream;
  readonly #streams = new Map<number, NetStream>();

  constructor(max: number, make: (id: number) => NetStream) {
    this.#max = max;
    this.#make = make;
  }

  get(id: number): NetStream | undefined {
    return this.#streams.get(id);
  }

  /** With the lowest id that is free. Undefined: there are too many. */
  create(): NetStream | undefined {
    let id = 1;
    while (this.#streams.has(id)) id += 1;
    return this.open(id);
  }

  /** Undefined: there are too many. */
  open(id: number): NetStream | undefined {
    if (this.#streams.size >= this.#max) return undefined;
    const stream = this.#make(id);
    this.#streams.set(id, stream);
    return stream;
  }

  delete(id: number): void {
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
  }

  close(status: AccessStatus): void {
    for (const stream of this.#streams.values()) stream.close(status);
    this.#streams.clear();
  }
}
