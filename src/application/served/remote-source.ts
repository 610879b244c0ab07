// A stream of another server as the source of one of this instance.
import { StatusError } from '../../errors.ts';
import type { OutgoingConnection, OutgoingPull, PullRequest } from '../contract/outgoing.ts';
import type { Source, SourceEvents } from '../contract/source.ts';

export class RemoteSource implements Source {
  /** The other server sends it in its own time, recorded or not. */
  readonly isLive = true;
  #pull: OutgoingPull | undefined;
  #events: SourceEvents | undefined;
  /** What happened between the moment in which it was found and the one in which it began. */
  readonly #early: ((events: SourceEvents) => void)[] = [];

  private constructor() {}

  /** Resolves when the other server begins. Undefined: it has none of that name. Rejects with a StatusError. */
  static open(connection: OutgoingConnection, request: PullRequest): Promise<RemoteSource | undefined> {
    const source = new RemoteSource();
    const { promise, resolve, reject } = Promise.withResolvers<RemoteSource | undefined>();
    source.#pull = connection.play(request, {
      started: () => resolve(source),
      take: (message) => source.#tell((events) => events.take(message)),
      lost: () => source.#tell((events) => events.lost()),
      ended: () => source.#tell((events) => events.ended()),
      failed: (code, description) => {
        if (code === 'NetStream.Play.StreamNotFound') resolve(undefined);
        else reject(new StatusError(code, description)); // which is nothing once it has begun
        source.#tell((events) => events.failed(code, description));
      },
    });
    return promise;
  }

  #tell(tell: (events: SourceEvents) => void): void {
    if (this.#events) tell(this.#events);
    else this.#early.push(tell);
  }

  begin(events: SourceEvents): void {
    this.#events = events;
    for (const tell of this.#early.splice(0)) tell(events);
  }

  setBufferMs(ms: number): void {
    this.#pull?.setBufferMs(ms);
  }

  close(): void {
    this.#early.length = 0;
    this.#pull?.close();
  }
}
