// A connection whose bytes come to their reader in slices, in turn with those of other connections and for so long at a time. A
// parser of HTTP works off whatever one read has brought: 64 kB are 2,500 requests, and a hundred such connections would keep
// media waiting for seconds.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** 160 of the shortest requests. */
const SLICE_BYTES = 4 << 10;
/** After so long sockets, timers and media have their turn. A slice that has begun is finished. */
const TURN_MS = 5;

/** Whatever takes turns: a connection with bytes to read, or one with a handshake to begin. */
export interface Paced {
  /** Does one piece of its work: now, or in `process.nextTick`. */
  serve(): void;
}

/** Whose turn it is. One for all connections that shall wait for each other. */
export class Pace {
  readonly #nowMs: () => number;
  /** First come, first served. */
  readonly #waiting = new Set<Paced>();
  #isPending = false;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** `paced.serve()` is called once, later. */
  join(paced: Paced): void {
    this.#waiting.add(paced);
    if (this.#isPending) return;
    this.#isPending = true;
    setImmediate(() => this.#serveUntil(this.#nowMs() + TURN_MS));
  }

  #serveUntil(endMs: number): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next.serve(); // joins again, at the end, if it has more
    }
    process.nextTick(() => this.#goOn(endMs)); // behind what it has left for there
  }

  #goOn(endMs: number): void {
    this.#isPending = this.#waiting.size > 0;
    if (!this.#isPending) return;
    if (this.#nowMs() < endMs) this.#serveUntil(endMs);
    else setImmediate(() => this.#serveUntil(this.#nowMs() + TURN_MS));
  }
}

/** Takes the place of `raw` for whoever reads and writes it. What `raw` has buffered comes first. */
export class PacedStream extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly localPort: number | undefined;
  /** That its reader has been given. */
  bytesRead = 0;
  #bytesWritten = 0;
  readonly #raw: Socket;
  readonly #pace: Pace;
  #rest: Buffer | undefined;
  #hasEnded = false;
  #isRead = false;

  constructor(raw: Socket, pace: Pace) {
    super();
    this.remoteAddress = raw.remoteAddress;
    this.localPort = raw.localPort;
    this.#raw = raw;
    this.#pace = pace;
    raw.allowHalfOpen = true; // an answer may leave after the client's end has come: the reader ends it
    raw.on('data', (bytes: Buffer) => {
      raw.pause();
      this.#rest = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
      pace.join(this);
    });
    raw.on('end', () => {
      this.#hasEnded = true;
      pace.join(this);
    });
    raw.on('timeout', () => this.emit('timeout'));
    raw.on('error', () => {}); // 'close' follows
    raw.on('close', () => {
      if (!this.#hasEnded || this.#isRead) this.destroy();
    });
  }

  /** Of what was written: that the system has taken, to some hundred bytes under TLS. */
  get bytesTaken(): number {
    const { _handle } = this.#raw as Socket & { _handle?: { writeQueueSize?: number } | null };
    return this.#bytesWritten - (_handle?.writeQueueSize ?? 0);
  }

  /** Called by its pace alone. */
  serve(): void {
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
    if (this.#rest || this.#hasEnded) this.#pace.join(this);
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
