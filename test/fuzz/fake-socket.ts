// A connection without a network: the session's side is a Duplex, the other side pushes bytes in, takes those that came
// out, and reads as slowly as it likes. Nothing in it depends on time, so a conversation is the same each time.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export class FakeSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  #out: Uint8Array[] = [];
  #isStalled = false;
  #resumeWrite: (() => void) | undefined;
  /** Our FIN is out. */
  hasHungUp = false;

  constructor() {
    super({ allowHalfOpen: false });
    this.on('error', () => {}); // a reset is an error, and the session's own listener is enough
  }

  /** What a session takes: it uses no more of a Socket than a Duplex has. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#out.push(chunk);
    if (this.#isStalled) this.#resumeWrite = done;
    else done();
  }

  // ── the other side ─────────────────────────────────────────────────────────────────────────────────────────────

  /** What came out since it was last asked. */
  takeOutput(): Uint8Array {
    const bytes = Buffer.concat(this.#out);
    this.#out = [];
    return bytes;
  }

  feed(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.hasHungUp && !this.destroyed) this.push(bytes);
  }

  hangUp(): void {
    if (this.hasHungUp || this.destroyed) return;
    this.hasHungUp = true;
    this.push(null);
  }

  reset(): void {
    this.destroy(new Error('ECONNRESET'));
  }

  /** Reads nothing any more: at most one write is on its way, the others queue up in the session's process. */
  stall(): void {
    this.#isStalled = true;
  }

  unstall(): void {
    this.#isStalled = false;
    const resume = this.#resumeWrite;
    this.#resumeWrite = undefined;
    resume?.();
  }
}
