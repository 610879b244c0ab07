// A client's side of a conversation: handshake, connect, and message streams that publish or play. Bytes come in by `push`;
// what is said goes to `out`, which makes chunks of it. RTMP 1.0 §7.2.
import { DecodeLimitError, isUnreadable } from '../../errors.ts';
import { type AmfObject, type AmfValue, emptyObject, membersOf } from '../amf/amf.ts';
import type { AmfLimits } from '../amf/amf-budget.ts';
import { ClientHandshake } from '../handshake/handshake.ts';
import { ChunkReader, type ChunkReaderOptions } from './chunk-reader.ts';
import { type Command, commandHead, decodeCommand, isCommandType } from './command.ts';
import { type ControlMessage, decodeControl, isControlType, LimitType, UserControlEvent } from './control.ts';
import { MessageType, type RtmpMessage } from './message.ts';
import type { OddListener } from './odd-message.ts';
import type { RtmpUri } from './rtmp-uri.ts';
import { type StatusCode, statusInfo } from './status.ts';

export interface ClientOut {
  write(bytes: Uint8Array): void;
  command(name: string, transactionId: number, args: AmfValue[], streamId?: number, object?: AmfValue): void;
  control(message: ControlMessage): void;
}

export interface ClientOptions {
  readonly uri: RtmpUri;
  /** Behind the connect object: what onConnect gets. */
  readonly args: AmfValue[];
  /** `flashVer` */
  readonly agent: string;
  /** HANDSHAKE_RANDOM_BYTES of them. */
  readonly random: Uint8Array;
  readonly chunks: ChunkReaderOptions;
  readonly amf: AmfLimits;
  /** Chunk size of everything that we send. */
  readonly chunkBytes: number;
  readonly out: ClientOut;
  /** The answer to connect, and what the server says of the connection later. */
  onStatus(info: AmfObject, isAnswer: boolean): void;
  readonly odd: OddListener;
}

/** What a message stream is for; times in ms, as they are on the wire. */
export type StreamUse =
  | { readonly kind: 'publish'; readonly name: string; readonly type: string }
  | {
      readonly kind: 'play';
      readonly name: string;
      readonly startMs: number;
      readonly lengthMs: number;
      readonly bufferMs: number;
    };

export interface StreamListener {
  status(info: AmfObject, streamId: number): void;
  /** Audio, video, data and aggregates of a stream that plays. */
  media(message: RtmpMessage): void;
  /** The server has no more of it. */
  ended(): void;
}

export interface OpenStream {
  /** Of one that plays: how far ahead the server may send. */
  setBufferMs(ms: number): void;
  close(): void;
}

interface RemoteStream {
  readonly use: StreamUse;
  readonly listener: StreamListener;
  /** Of createStream, then of what it is for; undefined: not asked for yet. */
  transaction: number | undefined;
  id: number | undefined;
  isClosed: boolean;
}

const State = {
  Handshaking: 'handshaking',
  /** Its answer is awaited. */
  Connecting: 'connecting',
  Open: 'open',
  Refused: 'refused',
} as const;
type State = (typeof State)[keyof typeof State];

const CONNECT_TRANSACTION = 1;
/** Of both directions, until the server names another. */
const ACK_WINDOW_BYTES = 2_500_000;
/** Commands are answers and statuses; nobody says in good faith so much in one. */
const MAX_COMMAND_BYTES = 64 << 10;

// RTMP 1.0 §7.2.1.1: SUPPORT_SND_ALL, SUPPORT_VID_ALL, SUPPORT_VID_CLIENT_SEEK.
const AUDIO_CODECS = 0x0fff;
const VIDEO_CODECS = 0x00ff;
const VIDEO_FUNCTION = 1;

export class RtmpClient {
  readonly #options: ClientOptions;
  readonly #handshake: ClientHandshake;
  readonly #reader: ChunkReader;
  readonly #streams = new Set<RemoteStream>();
  #state: State = State.Handshaking;
  #transaction = CONNECT_TRANSACTION;
  #ackWindowBytes = ACK_WINDOW_BYTES;
  #ackedBytes = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#handshake = new ClientHandshake({ random: options.random, timeMs: 0 });
    this.#reader = new ChunkReader({ ...options.chunks, wireChunkBytes: options.chunkBytes });
  }

  get isOpen(): boolean {
    return this.#state === State.Open;
  }

  /** The socket is there. */
  start(): void {
    this.#options.out.write(this.#handshake.start());
  }

  /**
   * A DecodeError ends the conversation: chunks make no sense, or exceed a limit. Reads for as long as `mayGoOn()` after each message,
   * and returns what it has not read, which may be a part of `bytes`; these may be reused after that.
   */
  push(bytes: Uint8Array, mayGoOn: () => boolean = () => true): Uint8Array | undefined {
    let chunks: Uint8Array = bytes;
    if (this.#state === State.Handshaking) {
      const { send, rest } = this.#handshake.push(bytes);
      if (send.length > 0) this.#options.out.write(send);
      if (rest === undefined) return undefined;
      this.#connect();
      chunks = rest;
    }
    for (const message of this.#reader.push(chunks)) {
      this.#take(message);
      if (!mayGoOn()) return this.#reader.takeUnread();
    }
    const received = this.#reader.bytesReceived;
    if (received - this.#ackedBytes >= this.#ackWindowBytes) {
      this.#ackedBytes = received;
      this.#options.out.control({ typeId: MessageType.Acknowledgement, receivedBytes: received >>> 0 });
    }
    return undefined;
  }

  #connect(): void {
    const { uri, agent, args, out } = this.#options;
    this.#state = State.Connecting;
    out.command('connect', CONNECT_TRANSACTION, args, 0, {
      app: uri.app,
      type: 'nonprivate', // COMPAT: encoders say it, in the words of Flash Media Live Encoder
      flashVer: agent,
      tcUrl: uri.tcUrl,
      fpad: false,
      capabilities: 15,
      audioCodecs: AUDIO_CODECS,
      videoCodecs: VIDEO_CODECS,
      videoFunction: VIDEO_FUNCTION,
      // Enhanced RTMP v2, "Enhancing NetConnection connect Command": whatever codec the stream has is relayed.
      fourCcList: ['*'],
      objectEncoding: 0,
    });
  }

  // ── message streams ────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins once the connection is open. */
  open(use: StreamUse, listener: StreamListener): OpenStream {
    const stream: RemoteStream = { use, listener, transaction: undefined, id: undefined, isClosed: false };
    this.#streams.add(stream);
    if (this.isOpen) this.#create(stream);
    return {
      close: () => this.#close(stream),
      setBufferMs: (ms) => {
        if (stream.id !== undefined && !stream.isClosed) this.#setBuffer(stream.id, ms);
      },
    };
  }

  #setBuffer(streamId: number, bufferMs: number): void {
    const event = UserControlEvent.SetBufferLength;
    this.#options.out.control({ typeId: MessageType.UserControl, event, streamId, bufferMs });
  }

  #create(stream: RemoteStream): void {
    const { out } = this.#options;
    if (stream.use.kind === 'publish') {
      // What Flash Media Live Encoder says first, and some services wait for.
      out.command('releaseStream', this.#nextTransaction(), [stream.use.name]);
      out.command('FCPublish', this.#nextTransaction(), [stream.use.name]);
    }
    stream.transaction = this.#nextTransaction();
    out.command('createStream', stream.transaction, []);
  }

  #nextTransaction(): number {
    this.#transaction += 1;
    return this.#transaction;
  }

  #created(stream: RemoteStream, { name, args: [id] }: Command): void {
    const { out } = this.#options;
    if (name === '_error' || typeof id !== 'number' || !(id > 0 && id <= 0xffff_ffff)) {
      this.#streams.delete(stream);
      if (!stream.isClosed) stream.listener.status(refusal(id, 'The server gives no stream.'), 0);
      return;
    }
    stream.id = id;
    if (stream.isClosed) {
      this.#delete(stream);
      return;
    }
    const { use } = stream;
    stream.transaction = this.#nextTransaction();
    if (use.kind === 'publish') out.command('publish', stream.transaction, [use.name, use.type], id);
    else {
      out.command('play', stream.transaction, [use.name, use.startMs, use.lengthMs, true], id);
      this.#setBuffer(id, use.bufferMs);
    }
  }

  #close(stream: RemoteStream): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    if (stream.id !== undefined) this.#delete(stream);
    else if (stream.transaction === undefined) this.#streams.delete(stream); // it has not been asked for
  }

  #delete(stream: RemoteStream): void {
    const { out } = this.#options;
    this.#streams.delete(stream);
    if (stream.use.kind === 'publish') out.command('FCUnpublish', this.#nextTransaction(), [stream.use.name]);
    out.command('deleteStream', this.#nextTransaction(), [stream.id!]);
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #take(message: RtmpMessage): void {
    const { typeId, streamId, payload } = message;
    try {
      if (isControlType(typeId)) this.#onControl(decodeControl(typeId, payload));
      else if (isCommandType(typeId)) {
        const command = this.#readCommand(message);
        if (command) this.#onCommand(command, streamId);
      } else this.#streamOf(streamId)?.listener.media(message);
    } catch (error) {
      this.#options.odd.passOver(message, error);
    }
  }

  /** Undefined: it cannot be read. */
  #readCommand(message: RtmpMessage): Command | undefined {
    const { typeId, payload } = message;
    if (payload.length > MAX_COMMAND_BYTES) {
      throw new DecodeLimitError('ERR_RTMP_COMMAND', `a command of ${payload.length} bytes from a server`);
    }
    try {
      const command = decodeCommand(typeId, payload, this.#options.amf);
      this.#options.odd.read(message, command.oddity);
      return command;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#options.odd.passOver(message, error);
      const { name, transactionId } = commandHead(typeId, payload);
      // an answer is one, whatever it says, and a call wants one
      const isOfUse = name !== undefined && name !== 'onStatus' && transactionId > 0;
      return isOfUse ? { name, transactionId, object: null, args: [] } : undefined;
    }
  }

  #streamOf(id: number): RemoteStream | undefined {
    for (const stream of this.#streams) if (stream.id === id && !stream.isClosed) return stream;
    return undefined;
  }

  #onControl(message: ControlMessage | undefined): void {
    const { out } = this.#options;
    if (message === undefined) return;
    if (message.typeId === MessageType.WindowAckSize && message.ackWindowBytes > 0) {
      this.#ackWindowBytes = message.ackWindowBytes;
    } else if (message.typeId === MessageType.SetPeerBandwidth && message.limitType !== LimitType.Soft) {
      out.control({ typeId: MessageType.WindowAckSize, ackWindowBytes: message.ackWindowBytes });
    } else if (message.typeId === MessageType.UserControl) {
      if (message.event === UserControlEvent.PingRequest) {
        out.control({ ...message, event: UserControlEvent.PingResponse });
      } else if (message.event === UserControlEvent.StreamEof)
        this.#streamOf(message.streamId)?.listener.ended();
    }
  }

  #onCommand(command: Command, streamId: number): void {
    const { name, transactionId, args } = command;
    if (name === '_result' || name === '_error') this.#onAnswer(command);
    else if (name === 'onStatus') this.#onStatus(infoOf(args[0]), streamId);
    // Nobody has given it methods.
    else if (transactionId > 0) {
      const info = statusInfo('NetConnection.Call.Failed', `Method not found (${name.slice(0, 100)}).`);
      this.#options.out.command('_error', transactionId, [info]);
    }
  }

  #onAnswer(command: Command): void {
    if (command.transactionId === CONNECT_TRANSACTION) {
      if (this.#state === State.Connecting) this.#connected(command);
      return;
    }
    for (const stream of this.#streams) {
      if (stream.transaction !== command.transactionId) continue;
      if (stream.id === undefined) this.#created(stream, command);
      // COMPAT: some servers refuse a publish by an answer, which others never give
      else if (command.name === '_error' && !stream.isClosed) {
        stream.listener.status(refusal(command.args[0], 'The server refuses it.'), stream.id);
      }
      return;
    }
  }

  #connected({ name, args }: Command): void {
    const { out, chunkBytes, onStatus } = this.#options;
    // COMPAT: some servers answer a connect with nothing but _result.
    const own = name === '_result' ? 'NetConnection.Connect.Success' : 'NetConnection.Connect.Rejected';
    const said = infoOf(args[0]);
    const info = typeof said.code === 'string' ? said : { ...statusInfo(own, ''), ...said, code: own };
    this.#state = name === '_result' ? State.Open : State.Refused;
    if (this.#state === State.Open) {
      out.control({ typeId: MessageType.WindowAckSize, ackWindowBytes: ACK_WINDOW_BYTES });
      out.control({ typeId: MessageType.SetChunkSize, chunkBytes });
      for (const stream of this.#streams) this.#create(stream);
    }
    onStatus(info, true);
  }

  #onStatus(info: AmfObject, streamId: number): void {
    // COMPAT: some say on stream 0 what they mean for the only one that there is.
    const isOfStream = typeof info.code === 'string' && info.code.startsWith('NetStream.');
    const [only] = this.#streams;
    const stream =
      this.#streamOf(streamId) ?? (isOfStream && this.#streams.size === 1 && only?.id ? only : undefined);
    if (stream === undefined) this.#options.onStatus(info, false);
    else if (!stream.isClosed) stream.listener.status(info, stream.id!);
  }
}

function infoOf(value: AmfValue): AmfObject {
  return membersOf(value) ?? emptyObject();
}

/** What an `_error` says; one without a code says nothing. */
function refusal(said: AmfValue, description: string): AmfObject {
  const info = infoOf(said);
  const isStatus = typeof info.code === 'string';
  return isStatus
    ? { ...info, level: 'error' }
    : statusInfo('NetStream.Failed' satisfies StatusCode, description);
}
