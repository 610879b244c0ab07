// The way out of a session: commands, statuses and control messages become chunks; media come as chunks already.
import type { Duplex } from 'node:stream';
import { CodedError } from '../../errors.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { RtmpeCipher } from '../../protocol/handshake/rtmpe.ts';
import { ChunkWriter } from '../../protocol/rtmp/chunk-writer.ts';
import { encodeCommand, encodeData } from '../../protocol/rtmp/command.ts';
import { type ControlMessage, encodeControl } from '../../protocol/rtmp/control.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { type StatusCode, type StatusExtra, statusInfo } from '../../protocol/rtmp/status.ts';
import type { FanOut, Receiver } from './fan-out.ts';
import { Feed } from './feed.ts';
import { descriptorOf, systemQueueBytes } from './node-socket.ts';
import { WireDirection, type WireDump } from './wire-dump.ts';

const CONTROL_CSID = 2;
const COMMAND_CSID = 3;
const DATA_CSID = 5;

/** What a message that waits to leave costs besides its payload, roughly. */
const WAITING_BYTES = 200;

/** A burst goes out in pieces of this size, so that a slow peer's progress can be seen. */
const PIECE_BYTES = 64 << 10;

const NO_DESCRIPTOR = -1;

export interface OutboxOptions {
  /** Bytes of answers and calls that a peer may leave unread. Media has limits of its own (backlog.ts). */
  maxUnreadBytes: number;
  /** The peer makes us talk and does not read. */
  onUnread: () => void;
  dump?: WireDump | undefined;
  /** What leaves for many players at once; undefined: every write is one of its socket. */
  fanOut?: FanOut | undefined;
}

export class Outbox implements Receiver {
  readonly #socket: Duplex;
  readonly #isTls: boolean;
  /** Of what leaves encrypted. */
  #feed: Feed | undefined;
  readonly descriptor: number;
  readonly #fanOut: FanOut | undefined;
  /** In which batch of the fan-out it has been given something last: while that is the current one, it has not left. */
  #batch = -1;
  readonly #writer = new ChunkWriter();
  /** 3 once the client has asked for it in its connect command. */
  objectEncoding: 0 | 3 = 0;
  /** Of RTMPE: from now on. */
  cipher: RtmpeCipher | undefined;
  bytesSent = 0;
  messagesSent = 0;
  /** Messages of streams that were left out because the peer is slow. */
  messagesDropped = 0;
  readonly #maxUnreadBytes: number;
  readonly #onUnread: () => void;
  readonly #dump: WireDump | undefined;
  /** Messages other than media since the socket's queue was last empty. */
  #unreadBytes = 0;

  constructor(socket: Duplex, { maxUnreadBytes, onUnread, dump, fanOut }: OutboxOptions) {
    this.#socket = socket;
    this.#isTls = 'encrypted' in socket;
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#onUnread = onUnread;
    this.#dump = dump;
    this.descriptor = (fanOut && descriptorOf(socket)) ?? NO_DESCRIPTOR;
    this.#fanOut = this.descriptor === NO_DESCRIPTOR ? undefined : fanOut;
    this.#fanOut?.admit(this.descriptor);
  }

  command(
    name: string,
    transactionId: number,
    args: AmfValue[],
    streamId = 0,
    object: AmfValue = null,
  ): void {
    const { typeId, payload } = encodeCommand({ name, transactionId, object, args }, this.objectEncoding);
    this.#message(typeId, payload, streamId, COMMAND_CSID);
  }

  /**
   * The same with values that a script chose: some have no form on the wire (too large, too deep). Then nothing is sent, and
   * the text says why.
   */
  scriptCommand(
    name: string,
    transactionId: number,
    args: AmfValue[],
    object: AmfValue = null,
  ): string | undefined {
    try {
      this.command(name, transactionId, args, 0, object);
      return undefined;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return error.message;
    }
  }

  status(streamId: number, code: StatusCode, description: string, extra: StatusExtra = {}): void {
    this.command('onStatus', 0, [statusInfo(code, description, extra)], streamId);
  }

  data(name: string, values: AmfValue[], streamId: number): void {
    const { typeId, payload } = encodeData({ name, values }, 0);
    this.#message(typeId, payload, streamId, DATA_CSID);
  }

  control(message: ControlMessage): void {
    this.#message(message.typeId, encodeControl(message), 0, CONTROL_CSID);
    if (message.typeId === MessageType.SetChunkSize) this.#writer.chunkBytes = message.chunkBytes;
  }

  #message(typeId: number, payload: Uint8Array, streamId: number, csid: number): void {
    this.messagesSent += 1;
    if (this.unreadBytes > this.#maxUnreadBytes) this.#onUnread();
    this.#unreadBytes += payload.length + WAITING_BYTES;
    this.write(this.#writer.encode({ typeId, streamId, timestampMs: 0, payload }, csid));
  }

  /** Answers, calls and the like that the peer has not read. */
  get unreadBytes(): number {
    if (this.#unreadBytes > 0 && this.queuedBytes === 0) this.#unreadBytes = 0;
    return this.#unreadBytes;
  }

  /** Whole chunks, from the media path. Dropped when the socket is gone. */
  write(bytes: Uint8Array): void {
    this.#hand(bytes, this.#fanOut);
  }

  /** `fanOut`: by which it may leave together with what others get. */
  #hand(bytes: Uint8Array, fanOut?: FanOut): void {
    const socket = this.#socket;
    if (!socket.writable || this.#feed?.isEnding) return;
    this.bytesSent += bytes.length;
    this.#dump?.add(WireDirection.FromServer, bytes);
    if (this.#fanOut?.batch === this.#batch) this.#fanOut.flush(); // what was written before comes before
    if (this.cipher || this.#isTls) {
      this.#feed ??= new Feed(socket, (piece) => this.cipher?.encrypt(piece) ?? piece);
      for (const piece of piecesOf(bytes)) this.#feed.take(piece);
      return;
    }
    if (bytes.length > PIECE_BYTES) for (const piece of piecesOf(bytes)) socket.write(piece);
    else if (fanOut && socket.writableLength === 0 && fanOut.take(this, bytes)) this.#batch = fanOut.batch;
    else socket.write(bytes);
  }

  /** The socket ends behind what has been written. */
  end(): void {
    if (this.#feed) this.#feed.end();
    else this.#socket.end();
  }

  /** The same of pieces that follow each other, in one go. */
  writeAll(pieces: readonly Uint8Array[]): void {
    const [first] = pieces;
    if (pieces.length === 1 && first) this.write(first);
    else if (pieces.length > 1) {
      this.together(() => {
        for (const piece of pieces) this.#hand(piece);
      });
    }
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  takeRest(rest: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(rest);
  }

  /** Puts what `run` writes into one segment. */
  together(run: () => void): void {
    this.#socket.cork();
    run();
    this.#socket.uncork();
  }

  /** Calls once when there is room again. Returns its undo. */
  onDrained(call: () => void): () => void {
    if (this.#feed?.isBusy) return this.#feed.onRoom(call);
    const socket = this.#socket;
    socket.once('drain', call);
    return () => socket.off('drain', call);
  }

  get queuedBytes(): number {
    return this.#socket.writableLength + (this.#feed?.waitingBytes ?? 0);
  }

  /** Another value whenever bytes have left. The system's own queue shows partial writes, where Node lets us see it. */
  get progress(): number {
    return this.bytesSent - this.queuedBytes - systemQueueBytes(this.#socket);
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
