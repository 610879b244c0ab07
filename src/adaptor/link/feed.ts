// What leaves encrypted (TLS, RTMPE) is bytes of one connection alone, and takes time to make. So a burst waits as the bytes that all
// players share, and is encrypted piece by piece, as fast as its connection takes them: one that reads nothing costs a piece.
import type { Duplex } from 'node:stream';

export class Feed {
  /** Bytes that wait. */
  waitingBytes = 0;
  readonly #socket: Duplex;
  readonly #encrypt: (piece: Uint8Array) => Uint8Array;
  #waiting: Uint8Array[] = [];
  #isEnding = false;
  readonly #onRoom = new Set<() => void>();

  /** `encrypt` is called for each piece in their order. */
  constructor(socket: Duplex, encrypt: (piece: Uint8Array) => Uint8Array) {
    this.#socket = socket;
    this.#encrypt = encrypt;
    socket.on('drain', () => this.#goOn());
    socket.once('close', () => this.#forget());
  }

  /** Whether what is written now leaves behind what waits. */
  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  /** `end` was called. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  take(piece: Uint8Array): void {
    if (this.#isEnding || this.#socket.destroyed) return;
    this.#waiting.push(piece);
    this.waitingBytes += piece.length;
    this.#goOn();
  }

  #goOn(): void {
    const socket = this.#socket;
    let at = 0;
    for (; at < this.#waiting.length && !socket.writableNeedDrain; at += 1) {
      const piece = this.#waiting[at]!;
      this.waitingBytes -= piece.length;
      socket.write(this.#encrypt(piece));
    }
    if (at > 0) this.#waiting.splice(0, at);
    if (this.isBusy || socket.writableNeedDrain) return;
    const calls = [...this.#onRoom];
    this.#onRoom.clear();
    for (const call of calls) call();
    if (this.#isEnding && !this.isBusy) socket.end();
  }

  /** Calls once when nothing waits and the socket can take more. Returns its undo. */
  onRoom(call: () => void): () => void {
    this.#onRoom.add(call);
    return () => this.#onRoom.delete(call);
  }

  /** Behind what waits the socket ends. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (!this.isBusy) this.#socket.end();
  }

  #forget(): void {
    this.#waiting = [];
    this.waitingBytes = 0;
    this.#onRoom.clear();
  }
}
