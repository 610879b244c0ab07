// Bytes of one connection, read in turns (turns.ts): what there is no time for, or what its reader cannot take yet, waits here, and
// nothing more is read from the socket meanwhile.
import type { Turns, Worker } from '../../application/pace/turns.ts';

/** Chunks of one byte that complete no message have no end of a step between them: so many bytes at most. */
const STEP_BYTES = 16 << 10;

export interface PacedReader {
  /**
   * Reads for as long as `mayGoOn()` after each message, and returns what it has not read; undefined: nothing is left. Behind a message
   * that has closed the pacer nothing is read. What it keeps of the bytes, and what it returns, may be a part of them: they are
   * overwritten when it has returned. Must not throw.
   */
  read(bytes: Uint8Array, mayGoOn: () => boolean): Uint8Array | undefined;
  /** `isStopped` has become true: nothing is to be read from the socket. */
  stopped(): void;
  /** It has become false. */
  started(): void;
}

const NOTHING = new Uint8Array(0);

export class Pacer {
  readonly #reader: PacedReader;
  readonly #worker: Worker;
  readonly #mayGoOn: () => boolean;
  /** Not read yet, in memory of its own; undefined: nothing waits. */
  #rest: Uint8Array | undefined;
  /** The reader can take nothing, for reasons of its own. */
  #isHeld = false;
  /** Something waits, or goes on after it has waited. */
  isStopped = false;
  #isClosed = false;

  /** `address`: of the peer. */
  constructor(turns: Turns, address: string, reader: PacedReader) {
    this.#reader = reader;
    this.#worker = turns.worker(address, () => this.#goOn());
    this.#mayGoOn = () => !this.#isHeld && !this.#isClosed && this.#worker.mayGoOn();
  }

  /** Bytes that wait here. */
  get waitingBytes(): number {
    return this.#rest?.length ?? 0;
  }

  /** What the socket has. The bytes may be overwritten afterwards. */
  push(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#rest) this.#rest = Buffer.concat([this.#rest, bytes]);
    else if (this.#isHeld || !this.#worker.begin()) this.#keep(Buffer.from(bytes));
    else this.#work(bytes);
  }

  /** The reader can take no more until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** What waits is read: never in here, but soon. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#rest) this.#worker.call();
  }

  /** Reads what the reader itself has, without any bytes: now, if there is time. */
  prompt(): void {
    if (!this.#rest) this.push(NOTHING);
  }

  close(): void {
    this.#isClosed = true;
    this.#rest = undefined;
    this.#worker.close();
  }

  #goOn(): void {
    const rest = this.#rest;
    if (!rest || this.#isHeld || !this.#worker.begin()) return;
    this.#rest = undefined;
    this.#work(rest, true);
    if (this.#rest || this.#isClosed) return;
    this.isStopped = false;
    this.#reader.started();
  }

  /** `isOwn`: nobody else writes to these bytes. */
  #work(bytes: Uint8Array, isOwn = false): void {
    let at = 0;
    let unread: Uint8Array | undefined;
    do {
      const end = Math.min(at + STEP_BYTES, bytes.length);
      unread = this.#reader.read(bytes.subarray(at, end), this.#mayGoOn);
      at = end;
    } while (unread === undefined && at < bytes.length && this.#mayGoOn());
    const behind = bytes.subarray(at);
    const isAllRead = unread === undefined && behind.length === 0;
    this.#worker.end(!isAllRead, this.#isHeld);
    if (isAllRead) return;
    const isOneOfBoth = unread === undefined || behind.length === 0;
    const rest = unread === undefined ? behind : isOneOfBoth ? unread : Buffer.concat([unread, behind]);
    this.#keep(isOwn || !isOneOfBoth ? rest : Buffer.from(rest));
  }

  #keep(rest: Uint8Array): void {
    if (this.#isClosed) return;
    this.#rest = rest;
    if (this.isStopped) return;
    this.isStopped = true;
    this.#reader.stopped();
  }
}
