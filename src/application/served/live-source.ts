// A live stream of the same instance as the source of a server-side one: everything that it has, from its last keyframe on.
import type { Source, SourceEvents } from '../contract/source.ts';
import type { StreamTable } from '../publish/stream-table.ts';

export class LiveSource implements Source {
  readonly isLive = true;
  readonly #streams: StreamTable;
  readonly #name: string;
  #isClosed = false;
  #remove: (() => void) | undefined;

  /** Nobody need publish it yet. */
  constructor(streams: StreamTable, name: string) {
    this.#streams = streams;
    this.#name = name;
  }

  begin(events: SourceEvents): void {
    const { stream } = this.#streams.open(this.#name);
    const remove = stream.addSink({
      take: (batch) => {
        for (const message of batch) if (!this.#isClosed) events.take(message);
      },
      unpublished: () => {
        if (!this.#isClosed) events.lost();
      },
    });
    this.#remove = () => {
      remove();
      this.#streams.release(this.#name);
    };
    if (this.#isClosed) this.#remove(); // what it was given to begin with was enough
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#remove?.();
  }
}
