// Other servers as a test has them: none that a script could connect to.
import type { Outgoing } from '../application/outgoing.ts';

export class Servers implements Outgoing {
  readonly #onUnknown: (error: Error) => void;

  /** `onUnknown`: a script wants to connect to one that the test does not have. */
  constructor(onUnknown: (error: Error) => void) {
    this.#onUnknown = onUnknown;
  }

  maxConnections(): number {
    return 100;
  }

  connect(
    { uri }: Parameters<Outgoing['connect']>[0],
    _chunkBytes: number,
    events: Parameters<Outgoing['connect']>[2],
  ): ReturnType<Outgoing['connect']> {
    const description = `${uri}: a test has no other servers`;
    this.#onUnknown(new Error(description));
    let isClosed = false;
    queueMicrotask(() => {
      if (!isClosed) events.ended({ code: 'NetConnection.Connect.Failed', level: 'error', description });
    });
    return {
      isOpen: false,
      publish: () => () => {},
      play: () => ({ setBufferMs: () => {}, close: () => {} }),
      close: () => {
        isClosed = true;
      },
    };
  }
}
