// A connection whose bytes come to their reader in slices, in turn with the work of all others (turns.ts). A parser of HTTP works off
// whatever one read has brought: 64 kB are 2,500 requests, and a hundred such connections would keep media waiting for seconds.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { plainAddress } from '../../application/pace/occupancy.ts';
import type { Turns, Worker } from '../../application/pace/turns.ts';
import { systemQueueBytes } from './node-socket.ts';

/** 160 of the shortest requests. A slice that has begun is finished. */
const SLICE_BYTES = 4 << 10;

/** Takes the place of `raw` for whoever reads and writes it. What `raw` has buffered comes first. */
export class PacedStream extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly localPort: number | undefined;
  /** That its reader has been given. */
  bytesRead = 0;
  #bytesWritten = 0;
  readonly #raw: Socket;
  readonly #worker: Worker;
  #rest: Buffer | undefined;
  #hasEnded = false;
  #isRead = false;
  #hasMore = false;

  /** `address`: of the peer. */
  constructor(raw: Socket, turns: Turns, address: string) {
    super();
    this.remoteAddress = raw.remoteAddress;
    this.localPort = raw.localPort;
    this.#raw = raw;
    this.#worker = turns.worker(address, () => this.#serve());
    raw.allowHalfOpen = true; // an answer may leave after the client's end has come: the reader ends it
    raw.on('data', (bytes: Buffer) => {
      raw.pause();
      this.#rest = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
      this.#ask();
    });
    raw.on('end', () => {
      this.#hasEnded = true;
      this.#ask();
    });
    raw.on('timeout', () => this.emit('timeout'));
    raw.on('error', () => {}); // 'close' follows
    raw.on('close', () => {
      if (!this.#hasEnded || this.#isRead) this.destroy();
    });
  }

  /** Of what was written: that the system has taken, to some hundred bytes under TLS. */
  get bytesTaken(): number {
    return this.#bytesWritten - systemQueueBytes(this.#raw);
  }

  /** There is a slice to serve, and somebody to read it. */
  #ask(): void {
    this.#hasMore = true;
    if (!this.#worker.isAtWork) this.#worker.call();
  }

  #serve(): void {
    if (this.#worker.begin()) this.#serveSlice();
  }

  /** What the reader leaves for the next tick is a part of its work. */
  #serveSlice(): void {
    this.#hasMore = false;
    this.#push();
    process.nextTick(() => {
      if (this.#hasMore && this.#worker.mayGoOn()) this.#serveSlice();
      else this.#worker.end(this.#hasMore);
    });
  }

  #push(): void {
    if (this.destroyed || this.#isRead) return;
    if (this.#rest) {
      const slice = this.#rest.subarray(0, SLICE_BYTES);
      this.#rest = this.#rest.length > SLICE_BYTES ? this.#rest.subarray(SLICE_BYTES) : undefined;
      this.bytesRead += slice.length;
      if (this.push(slice)) this._read();
    } else if (this.#hasEnded) {
      this.#isRead = true;
      this.push(null);
      if (this.#raw.destroyed) this.destroy();
    }
  }

  override _read(): void {
    if (this.#rest || this.#hasEnded) this.#ask();
    else this.#raw.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#bytesWritten += chunk.length;
    this.#raw.write(chunk, done);
  }

  override _writev(
    chunks: { chunk: Uint8Array; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const raw = this.#raw;
    raw.cork();
    for (const [i, { chunk }] of chunks.entries()) {
      this.#bytesWritten += chunk.length;
      raw.write(chunk, i === chunks.length - 1 ? done : undefined);
    }
    raw.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#raw.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#rest = undefined;
    this.#worker.close();
    this.#raw.destroy();
    done(error);
  }

  // ── what Node's server for HTTP asks of a socket besides ───────────────────────────────────────────────────────

  setTimeout(ms: number): this {
    this.#raw.setTimeout(ms);
    return this;
  }

  /** Closes it once all that was written has left. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }
}

/** For ports of their own: of the administration, of debuggers. */
export function pacedBy(turns: Turns): (raw: Socket) => PacedStream {
  return (raw) => new PacedStream(raw, turns, plainAddress(raw.remoteAddress ?? ''));
}
