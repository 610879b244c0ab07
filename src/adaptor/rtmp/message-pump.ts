// From the bytes of one connection to its messages: handshake, chunks, acknowledgements; and what has to wait on the way, in the order
// in which it came.
import type { Duplex } from 'node:stream';
import type { AccessStatus } from '../../log/access-status.ts';
import type { Log } from '../../log/log.ts';
import { decodeAggregate } from '../../protocol/rtmp/aggregate.ts';
import { ChunkReader } from '../../protocol/rtmp/chunk-reader.ts';
import { MessageType, type RtmpMessage } from '../../protocol/rtmp/message.ts';
import type { OddMessages } from '../link/odd-messages.ts';
import type { Outbox } from '../link/outbox.ts';
import { Pacer } from '../link/pacer.ts';
import { Reception } from '../link/reception.ts';
import type { WireDump } from '../link/wire-dump.ts';
import { SessionInput } from './session-input.ts';
import type { SessionOptions } from './session-options.ts';

export interface MessagePumpHost {
  /** A connection, or a tunnel that looks like one. */
  readonly socket: Duplex;
  readonly outbox: Outbox;
  readonly dump: WireDump | undefined;
  readonly odd: OddMessages;
  /** Of the peer. */
  readonly address: string;
  readonly options: SessionOptions;
  /** It is closing or closed: nothing more is read. */
  readonly isOver: boolean;
  /** Its connect command is being decided. */
  readonly isPending: boolean;
  /** A message that came before has to be served first. */
  readonly isWaiting: boolean;
  log(): Log;
  /** The first chunks follow. */
  handshaken(): void;
  /** What comes of it may be `hold`, `putFirst`, `pauseReading`. */
  arrived(message: RtmpMessage): void;
  /** Nothing is read from the socket, for some time. */
  stopped(): void;
  started(): void;
  close(reason: string, status: AccessStatus): void;
  fail(error: unknown): void;
}

const NOTHING = new Uint8Array(0);

export class MessagePump {
  /** Whole messages that were read, those inside aggregates not counted. */
  messagesIn = 0;
  /** After so many bytes the peer is told what has come. */
  ackWindowBytes: number;
  readonly input: SessionInput;
  readonly #host: MessagePumpHost;
  readonly #reception: Reception;
  readonly #reader: ChunkReader;
  readonly #pacer: Pacer;
  /** What comes before the bytes at hand, the last first: parts of an aggregate, messages that were held. */
  readonly #before: Iterator<RtmpMessage>[] = [];
  readonly #pausers = new Set<unknown>();
  #ackedBytes = 0;

  constructor(host: MessagePumpHost) {
    this.#host = host;
    const { options, outbox, dump, address } = host;
    const { turns, rtmpe, wireChunkBytes, maxEarlyBytes: earlyBytes } = options;
    this.ackWindowBytes = options.clientToServerBytes;
    const reading = { stopped: () => this.#stopReading(), started: () => this.#readOn() };
    this.#pacer = new Pacer(turns, address, {
      ...reading,
      read: (bytes, mayGoOn) => this.#read(bytes, mayGoOn),
    });
    this.#reception = new Reception(outbox, dump, {
      ...{ nowMs: options.clock.now(), rtmpe, turns, address, ...reading },
      chunks: (bytes) => this.#takeIn(bytes),
      failed: (error) => host.fail(error),
    });
    this.#reader = new ChunkReader({ ...options.chunks, wireChunkBytes, earlyBytes });
    this.input = this.#countInput();
  }

  #countInput(): SessionInput {
    const { options, address, outbox, log, close } = this.#host;
    return new SessionInput({
      ...{ budget: options.input, lines: options.lines, address, outbox, log, close },
      reader: this.#reader,
      pacers: [this.#reception.pacer, this.#pacer],
      isHeldByServer: () => {
        const isWaiting = this.#pausers.has(this.input);
        return this.#pausers.size > (isWaiting ? 1 : 0) || (!isWaiting && this.#isStopped);
      },
      pauseReading: () => this.pauseReading(this.input),
      resumeReading: () => this.resumeReading(this.input),
    });
  }

  // ── facts of what has come ─────────────────────────────────────────────────────────────────────────────────────

  get isEncrypted(): boolean {
    return this.#reception.isEncrypted;
  }
  /** Of RTMPE; undefined: it is none. */
  get rtmpeVersion(): number | undefined {
    return this.#reception.rtmpeVersion;
  }
  /** Of our first handshake packet: what a client signs the hash of its SWF with. */
  get s1Tail(): Uint8Array {
    return this.#reception.s1Tail;
  }
  /** Handshake and chunks. */
  get bytesIn(): number {
    return this.#reception.handshakeBytes + this.#reader.bytesReceived;
  }
  /** What acknowledgements count. */
  get chunkBytesIn(): number {
    return this.#reader.bytesReceived;
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What the socket has. The bytes may be changed, and overwritten afterwards. */
  push(bytes: Uint8Array): void {
    this.#reception.push(bytes);
    this.input.received();
  }

  #takeIn(chunks: Uint8Array): void {
    this.#host.handshaken();
    this.#pacer.push(chunks);
  }

  /** See PacedReader. */
  #read(bytes: Uint8Array, mayGoOn: () => boolean): Uint8Array | undefined {
    const host = this.#host;
    try {
      if (!this.#takeBefore(mayGoOn)) return bytes;
      for (const message of this.#reader.push(bytes)) {
        this.messagesIn += 1;
        host.arrived(message);
        if ((this.#before.length > 0 && !this.#takeBefore(mayGoOn)) || !mayGoOn()) {
          return this.#reader.takeUnread() ?? (this.#before.length > 0 ? NOTHING : undefined);
        }
      }
      this.#acknowledge();
    } catch (error) {
      host.fail(error);
    } finally {
      this.input.received();
      if (host.isPending) this.#restIfFull();
    }
    return undefined;
  }

  /** False: there is no time for all of it. */
  #takeBefore(mayGoOn: () => boolean): boolean {
    const host = this.#host;
    for (let source = this.#before.at(-1); source && !host.isOver; source = this.#before.at(-1)) {
      if (host.isWaiting) return false;
      const { done, value } = source.next();
      if (done) this.#before.pop();
      else {
        host.arrived(value);
        if (!mayGoOn()) return false;
      }
    }
    return true;
  }

  #acknowledge(): void {
    const received = this.#reader.bytesReceived;
    if (received - this.#ackedBytes < this.ackWindowBytes) return;
    this.#ackedBytes = received;
    this.#host.outbox.control({ typeId: MessageType.Acknowledgement, receivedBytes: received >>> 0 });
  }

  // ── what waits ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Comes before everything that has not been served; not in here. */
  putFirst(messages: Iterator<RtmpMessage>): void {
    this.#before.push(messages);
  }

  /** The same, in turns, when nothing else may come to prompt it: now, if there is time. */
  takeFirst(messages: Iterator<RtmpMessage>): void {
    this.putFirst(messages);
    this.#pacer.prompt();
  }

  /** Of one that is cut off, the parts before that are as good as any. */
  putParts(aggregate: RtmpMessage): void {
    this.putFirst(partsOf(aggregate, this.#host.odd));
  }

  /** Until `releaseHeld`: the connect is being decided. */
  hold(message: RtmpMessage): void {
    this.input.hold(message);
    if (this.input.heldBytes > this.#host.options.maxHeldBytes) this.pauseReading(this);
  }

  #restIfFull(): void {
    const { heldBytes } = this.input;
    if (heldBytes + this.#reader.heldBytes > this.#host.options.maxEarlyBytes) this.pauseReading(this);
  }

  /** More may be held than before the connect was accepted. */
  holdMore(): void {
    if (this.input.heldBytes <= this.#host.options.maxHeldBytes) this.resumeReading(this);
  }

  releaseHeld(): void {
    this.resumeReading(this);
    this.takeFirst(this.input.takeHeld());
  }

  /** Its connect command has come: messages may be as long as any. */
  connecting(): void {
    this.#reader.earlyBytes = undefined;
  }

  /** What the media that come in are cut into for those that they go to. */
  set wireChunkBytes(bytes: number) {
    this.#reader.wireChunkBytes = bytes;
  }

  // ── reading and not reading ────────────────────────────────────────────────────────────────────────────────────

  /** Whoever waits for a verdict and has enough held; the socket rests until all of them are served. */
  pauseReading(who: unknown): void {
    this.#pausers.add(who);
    this.#pacer.hold();
    this.#stopReading();
  }
  resumeReading(who: unknown): void {
    if (!this.#pausers.delete(who) || this.#pausers.size > 0) return;
    this.#pacer.release();
    this.#readOn();
  }

  get isPaused(): boolean {
    return this.#pausers.size > 0;
  }

  #stopReading(): void {
    this.#host.socket.pause();
    this.#host.stopped();
  }
  #readOn(): void {
    if (this.#pausers.size > 0 || this.#isStopped) return;
    this.#host.socket.resume();
    this.#host.started();
  }

  /** Something that was read from the socket has to wait. */
  get #isStopped(): boolean {
    return this.#reception.pacer.isStopped || this.#pacer.isStopped;
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing more arrives. */
  stop(): void {
    this.#before.length = 0;
    this.#reception.pacer.close();
    this.#pacer.close();
  }

  /** The socket's end is to be seen, whoever has paused it. What it reads until then is dropped. */
  drain(): void {
    this.#pausers.clear();
    this.#host.socket.resume();
  }

  /** Frees what is not finished. */
  close(): void {
    this.stop();
    this.input.close();
  }
}

function* partsOf(aggregate: RtmpMessage, odd: OddMessages): Generator<RtmpMessage> {
  try {
    yield* decodeAggregate(aggregate);
  } catch (error) {
    odd.passOver(aggregate, error);
  }
}
