// What is known of all films that are open: where their keyframes and samples are. A film says how much that is, and anybody may put
// one there that says so: each takes its memory before it needs it.
import { StatusError } from '../../errors.ts';

/** Of all of it what one application may have: another one finds room, whatever that has open. */
const APPLICATION_SHARE = 0.75;

/** So many bytes more, or less. Throws a StatusError when there is no room for them. */
export type Reserve = (bytes: number) => void;

export const UNBOUNDED: Reserve = () => {};

export interface IndexLease {
  readonly reserve: Reserve;
  /** All of it. May be called twice. */
  release(): void;
}

export class IndexMemory {
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #byApplication = new Map<string, number>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For one film. `onRefused`: there is no room for more of it. */
  lease(application: string, onRefused: () => void): IndexLease {
    let held = 0;
    let isOver = false;
    return {
      reserve: (bytes) => {
        if (isOver) return;
        if (bytes > 0 && !this.#hasRoom(application, bytes)) {
          onRefused();
          throw new StatusError(
            'NetStream.Play.Failed',
            'The indexes of open recordings use all the memory they may have (MaxIndexSize).',
          );
        }
        held += bytes;
        this.#add(application, bytes);
      },
      release: () => {
        if (isOver) return;
        isOver = true;
        this.#add(application, -held);
      },
    };
  }

  #hasRoom(application: string, bytes: number): boolean {
    const own = this.#byApplication.get(application) ?? 0;
    return this.#bytes + bytes <= this.#maxBytes && own + bytes <= this.#maxBytes * APPLICATION_SHARE;
  }

  #add(application: string, bytes: number): void {
    this.#bytes += bytes;
    const own = (this.#byApplication.get(application) ?? 0) + bytes;
    if (own > 0) this.#byApplication.set(application, own);
    else this.#byApplication.delete(application);
  }
}
