// Sends what many players get to all of them at once. While a stream goes through its players, what is for a connection whose
// way is free is put together; then one call hands it to the system for all of them, which costs less than half of as many
// `socket.write`. What the system does not take at once goes through the socket after all, so slow players are the same to
// everybody else.
import type { Sender } from '../native/sender.ts';

/** A connection that bytes can be sent to past its socket. */
export interface Receiver {
  /** Of its socket. Never used once the socket has been closed: it may be another connection's by then. */
  readonly descriptor: number;
  /** Whether it can still be sent to. */
  readonly isOpen: boolean;
  /** The system did not take these of its bytes: its socket will see to them. */
  takeRest(rest: Uint8Array): void;
}

const EMPTY = new Uint8Array(0);

/**
 * What the system may hold unsent for a connection. Without a bound it is 4 MB, fifteen seconds of a stream: all that time a
 * player that has stalled looks like one that reads, and a slow one falls behind before a picture is left out for it. More than
 * leaves within a tick of the event loop, so fast ones are never kept waiting.
 */
const UNSENT_BYTES = 256 << 10;

export class FanOut {
  /** For tests and statistics: calls of the system’s door, receivers that got all by it, receivers that did not take all. */
  readonly stats = { calls: 0, sent: 0, unsent: 0 };
  /** What is taken on now leaves with that number. */
  batch = 0;
  readonly #sender: Sender;
  readonly #receivers: Receiver[] = [];
  /** For all that are in `#receivers`. */
  #bytes: Uint8Array = EMPTY;
  #sockets = new Int32Array(256);
  #results = new Int32Array(256);
  #isSweeping = false;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** A connection that will be sent to: whether it reads is to be seen here, and not after the system has taken 4 MB. */
  admit(descriptor: number): void {
    this.#sender.limitUnsent(descriptor, UNSENT_BYTES); // an error: it is no TCP
  }

  /** What `run` gives to players leaves when it returns, if not before. */
  readonly sweep = (run: () => void): void => {
    this.#isSweeping = true;
    try {
      run();
    } finally {
      this.#isSweeping = false;
      this.flush();
    }
  };

  /** Whether it takes `bytes` on; only within a sweep, and each receiver once: who has more to send calls `flush` before. */
  take(receiver: Receiver, bytes: Uint8Array): boolean {
    if (!this.#isSweeping) return false;
    if (bytes !== this.#bytes) {
      this.flush();
      this.#bytes = bytes;
    }
    this.#receivers.push(receiver);
    return true;
  }

  flush(): void {
    const receivers = this.#receivers;
    const count = receivers.length;
    if (count === 0) return;
    const bytes = this.#bytes;
    if (count > this.#sockets.length) {
      this.#sockets = new Int32Array(2 * count);
      this.#results = new Int32Array(2 * count);
    }
    const sockets = this.#sockets;
    const results = this.#results;
    // nothing that could close one happens between here and the call
    for (let i = 0; i < count; i++) sockets[i] = receivers[i]!.isOpen ? receivers[i]!.descriptor : -1;
    const unsent = this.#sender.send(bytes, sockets, count, results);
    this.stats.calls += 1;
    this.stats.sent += count - unsent;
    this.stats.unsent += unsent;
    this.#bytes = EMPTY;
    this.batch += 1;
    const late = receivers.splice(0);
    if (unsent === 0) return;
    // before anybody is given the rest of it, for what that starts may come back here
    const taken = results.slice(0, count);
    late.forEach((receiver, i) => {
      if (taken[i] !== bytes.length) receiver.takeRest(bytes.subarray(Math.max(0, taken[i]!)));
    });
  }
}
