// What a session's peer has sent and nobody has dealt with, as the budget of all connections (input-budget.ts) counts it.
import { AccessStatus } from '../../log/access-status.ts';
import type { LimitName } from '../../log/limits.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import type { ChunkReader } from '../../protocol/rtmp/chunk-reader.ts';
import type { RtmpMessage } from '../../protocol/rtmp/message.ts';
import { memoryBytes, withOwnMemory } from '../../protocol/rtmp/wire-message.ts';
import type { Outbox } from '../link/outbox.ts';
import type { Pacer } from '../link/pacer.ts';
import type { InputAccount, InputBudget } from './input-budget.ts';

export interface SessionInputOptions {
  readonly budget: InputBudget;
  /** Of the peer. */
  readonly address: string;
  readonly reader: ChunkReader;
  /** In which bytes wait. */
  readonly pacers: readonly Pacer[];
  readonly outbox: Outbox;
  readonly lines: LineLimit;
  log(): Log;
  /** The socket rests, and not for the budget: a script decides, or the connection has had its turn. */
  isHeldByServer(): boolean;
  pauseReading(): void;
  resumeReading(): void;
  close(reason: string, status: AccessStatus): void;
}

export class SessionInput {
  readonly #options: SessionInputOptions;
  readonly #account: InputAccount;
  /** Messages that came while the connect was being decided. */
  #held: RtmpMessage[] = [];
  heldBytes = 0;
  /** Of a tunnel: what its client has not read, or may ask for again. */
  #answerBytes = 0;

  constructor(options: SessionInputOptions) {
    const { budget, address, reader, outbox, pauseReading, resumeReading } = options;
    this.#options = options;
    this.#account = budget.open(address, {
      get missingBytes() {
        return reader.missingBytes;
      },
      get progress() {
        return reader.bytesReceived + outbox.progress;
      },
      get isHeldByServer() {
        return options.isHeldByServer();
      },
      wait: (limit) => {
        pauseReading();
        this.#say(limit, 'unfinished input: the server stops reading the connection until there is room');
      },
      proceed: resumeReading,
      evict: (limit, heldBytes) => {
        const heldKb = Math.round(heldBytes / 1024);
        this.#say(limit, `connection closed: its unfinished input takes ${heldKb} kB while others wait`);
        options.close('its input was not finished while others waited', AccessStatus.Conflict);
      },
    });
  }

  #say(limit: LimitName, text: string): void {
    const { lines, address, log } = this.#options;
    lines.limit(limit, address, { log: log(), ip: address }, text);
  }

  /** After each read. */
  received(): void {
    const { reader, pacers } = this.#options;
    let heldBytes = reader.heldBytes;
    for (const pacer of pacers) heldBytes += pacer.waitingBytes;
    this.#account.received(heldBytes, reader.bytesFinished);
    this.sent();
  }

  /** The peer has read something, perhaps. */
  sent(): void {
    this.#account.unread(this.#options.outbox.unreadBytes + this.#answerBytes);
  }

  /** Of a tunnel: its answers hold so many bytes now. */
  answered(bytes: number): void {
    this.#answerBytes = bytes;
    this.sent();
  }

  /** A message that waits until the connect has been decided. */
  hold(message: RtmpMessage): void {
    const held = withOwnMemory(message);
    const bytes = memoryBytes(held);
    this.#held.push(held);
    this.heldBytes += bytes;
    this.keep(bytes);
  }

  takeHeld(): Iterator<RtmpMessage> {
    const held = this.#held;
    this.#held = [];
    this.keep(-this.heldBytes);
    this.heldBytes = 0;
    return held[Symbol.iterator]();
  }

  /** Whether so much more may wait. */
  hasRoomFor(bytes: number): boolean {
    return this.#account.hasRoomFor(bytes);
  }

  /** Whole messages that wait for a verdict, calls that wait for an answer: so many bytes more; negative: fewer. */
  keep(bytes: number): void {
    this.#account.keep(bytes);
  }

  /** Frees what is unfinished. */
  close(): void {
    this.#held = [];
    this.#options.reader.discard();
    this.#account.close();
  }
}
