// One connection from its first byte to its last: handshake, connect, then messages in both directions.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { typedId } from '../../application/accounts/typed-id.ts';
import type { ClientStats } from '../../application/contract/script.ts';
import type { ClientSettings } from '../../application/instance/instance-settings.ts';
import { CodedError, DecodeError, isUnreadable } from '../../errors.ts';
import { AccessStatus } from '../../log/access-status.ts';
import { limitOfCode } from '../../log/limits.ts';
import { type Log, logBug } from '../../log/log.ts';
import { visible } from '../../log/visible.ts';
import { decodeAggregate } from '../../protocol/rtmp/aggregate.ts';
import { ChunkReader } from '../../protocol/rtmp/chunk-reader.ts';
import {
  type Command,
  commandHead,
  decodeCommand,
  isCommandType,
  isDataType,
} from '../../protocol/rtmp/command.ts';
import {
  type ControlMessage,
  decodeControl,
  isControlType,
  UserControlEvent,
} from '../../protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../protocol/rtmp/message.ts';
import { describeMessage, wordsOf } from '../../protocol/rtmp/odd-message.ts';
import { endOf } from '../link/end-of.ts';
import { OddMessages } from '../link/odd-messages.ts';
import { Outbox } from '../link/outbox.ts';
import { type PacedReader, Pacer } from '../link/pacer.ts';
import { Reception } from '../link/reception.ts';
import { WireDump } from '../link/wire-dump.ts';
import { ClientCalls } from './client-calls.ts';
import { CommandRate } from './command-rate.ts';
import { type CommandHost, costOf, OpenCalls, runCommand, unreadableCommand } from './commands.ts';
import { type ConnectRequest, parseConnect } from './connect.ts';
import { Heartbeat } from './heartbeat.ts';
import { NetStream } from './net-stream.ts';
import { NetStreams } from './net-streams.ts';
import { ScriptPause } from './script-pause.ts';
import { type EntrySession, SessionEntry } from './session-entry.ts';
import { SessionInput } from './session-input.ts';
import type { SessionOptions } from './session-options.ts';
import type { SessionPeer } from './session-peer.ts';
import { SessionState as State } from './session-state.ts';
import { SignOfLife } from './sign-of-life.ts';

/** In TLS nothing is gained by RTMPE, and nothing is called by it. */
const ENCRYPTED_PROTOCOLS: Readonly<Record<string, string>> = { rtmp: 'rtmpe', rtmpt: 'rtmpte' };

const NOTHING = new Uint8Array(0);

export class RtmpSession {
  readonly id = typedId(randomBytes(6));
  readonly outbox: Outbox;
  /** Resolves when its socket has gone, and all that it had begun has ended. */
  readonly closed: Promise<void>;
  log: Log;
  readonly input: SessionInput;
  /** A connection, or a tunnel that looks like one. */
  readonly #socket: Duplex;
  readonly #dump: WireDump | undefined;
  readonly #options: SessionOptions;
  /** Of the application, once it is known. */
  #settings: ClientSettings;
  readonly #peer: SessionPeer;
  /** What scripts and logs say. */
  #protocol: string;
  readonly #startedAt: number;
  readonly #reception: Reception;
  readonly #reader: ChunkReader;
  readonly #pacer: Pacer;
  readonly #commandRate: CommandRate;
  /** What comes before the bytes at hand, the last first: parts of an aggregate, messages that were held. */
  readonly #before: Iterator<RtmpMessage>[] = [];
  readonly #streams: NetStreams;
  readonly #pausers = new Set<unknown>();
  readonly #openCalls: OpenCalls;
  readonly #scriptPause: ScriptPause;
  readonly #heartbeat: Heartbeat;
  readonly #signOfLife: SignOfLife;
  readonly #odd: OddMessages;
  readonly #calls: ClientCalls;
  #state: State = State.Handshaking;
  #closeReason = 'the client closed';
  #closeStatus: AccessStatus = AccessStatus.Ok;
  #ending: Promise<void> | undefined;
  /** From its connect command on. */
  #entry: SessionEntry | undefined;
  #messagesIn = 0;
  #ackWindowBytes: number;
  #ackedBytes = 0;

  constructor(socket: Duplex, peer: SessionPeer, options: SessionOptions) {
    this.#socket = socket;
    this.#peer = peer;
    this.#options = options;
    this.#settings = options;
    this.#protocol = peer.protocol;
    this.log = this.#newLog();
    const { wireDumpFolder: folder, clock } = options;
    if (folder) this.#dump = new WireDump({ folder, sessionId: this.id, clock, log: this.log });
    this.outbox = new Outbox(socket, {
      maxUnreadBytes: options.maxUnreadBytes,
      onUnread: () => this.close('it does not read what it is told', AccessStatus.Unread),
      dump: this.#dump,
      fanOut: options.fanOut,
    });
    this.#calls = new ClientCalls({
      outbox: this.outbox,
      log: () => this.log,
      result: (responder, ok, value) => this.#entry?.instance?.callResult(responder, ok, value),
    });
    this.#streams = new NetStreams(options.maxNetStreams, (id) => this.#newStream(id));
    this.#odd = new OddMessages({ log: () => this.log, lines: options.lines, address: peer.ip });
    this.#startedAt = options.clock.now();
    this.#heartbeat = new Heartbeat(options.clock, this.outbox);
    this.#signOfLife = new SignOfLife({
      clock,
      ping: () => this.#heartbeat.ping(),
      transportBytes: peer.transportBytes,
    });
    this.#ackWindowBytes = options.clientToServerBytes;
    const reading = { stopped: () => this.#stopReading(), started: () => this.#readOn() };
    const read: PacedReader['read'] = (bytes, mayGoOn) => this.#read(bytes, mayGoOn);
    this.#pacer = new Pacer(options.turns, peer.ip, { ...reading, read });
    this.#commandRate = new CommandRate(options, clock, {
      wait: () => this.pauseReading(this.#commandRate),
      goOn: () => this.resumeReading(this.#commandRate),
      exceeded: () => this.#tooManyCommands(),
    });
    this.#reception = new Reception(this.outbox, this.#dump, {
      ...{ nowMs: this.#startedAt, rtmpe: options.rtmpe, ...reading },
      ...{ turns: options.turns, address: peer.ip },
      chunks: (bytes) => this.#takeIn(bytes),
      failed: (error) => this.#fail(error),
    });
    const { wireChunkBytes, maxEarlyBytes: earlyBytes } = options;
    this.#reader = new ChunkReader({ ...options.chunks, wireChunkBytes, earlyBytes });
    this.input = this.#countInput();
    this.#openCalls = new OpenCalls(options.maxOpenCalls, options.maxOpenCallBytes, (bytes) =>
      this.input.keep(bytes),
    );
    this.#scriptPause = new ScriptPause({
      ...{ openCalls: this.#openCalls, lines: options.lines, address: peer.ip, log: () => this.log },
      entry: () => (this.#state === State.Open ? this.#entry : undefined),
      keep: (bytes) => this.input.keep(bytes),
      pauseReading: () => this.pauseReading(this.#scriptPause),
      resumeReading: () => this.resumeReading(this.#scriptPause),
    });
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.input.sent());
    socket.on('heard', () => this.#signOfLife.heard()); // of a tunnel: its requests carry few bytes of the session
    socket.on('error', (error) => this.#gone(endOf(error)));
    socket.on('end', () => this.outbox.end());
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('close', () => {
      void this.#gone(this.#closeReason).then(() => {
        this.#dump?.close();
        resolve();
      });
    });
  }

  #countInput(): SessionInput {
    return new SessionInput({
      budget: this.#options.input,
      address: this.#peer.ip,
      reader: this.#reader,
      pacers: [this.#reception.pacer, this.#pacer],
      outbox: this.outbox,
      lines: this.#options.lines,
      log: () => this.log,
      isHeldByServer: () => {
        const isWaiting = this.#pausers.has(this.input);
        return this.#pausers.size > (isWaiting ? 1 : 0) || (!isWaiting && this.#isStopped);
      },
      pauseReading: () => this.pauseReading(this.input),
      resumeReading: () => this.resumeReading(this.input),
      close: (reason, status) => this.close(reason, status),
    });
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #newLog(): Log {
    return this.#options.log.child({ client: this.id, ip: this.#peer.ip, protocol: this.#protocol });
  }

  #receive(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#heartbeat.seen();
    this.#reception.push(bytes);
    this.input.received();
    this.#signOfLife.heard(); // behind what they say: a publisher may have given its name up with them
  }

  #takeIn(chunks: Uint8Array): void {
    if (this.#state === State.Handshaking) this.#handshaken();
    this.#pacer.push(chunks);
  }

  #handshaken(): void {
    this.#state = State.Connecting;
    const encrypted = this.#reception.isEncrypted ? ENCRYPTED_PROTOCOLS[this.#protocol] : undefined;
    if (encrypted === undefined) return;
    this.#protocol = encrypted;
    this.log = this.#newLog();
  }

  /** See PacedReader. */
  #read(bytes: Uint8Array, mayGoOn: () => boolean): Uint8Array | undefined {
    try {
      if (!this.#takeBefore(mayGoOn)) return bytes;
      for (const message of this.#reader.push(bytes)) {
        this.#messagesIn += 1;
        this.#arrived(message);
        if ((this.#before.length > 0 && !this.#takeBefore(mayGoOn)) || !mayGoOn()) {
          return this.#reader.takeUnread() ?? (this.#before.length > 0 ? NOTHING : undefined);
        }
      }
      this.#acknowledge();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.input.received();
      if (this.#state === State.Pending) this.#restIfFull();
    }
    return undefined;
  }

  /** False: there is no time for all of it. */
  #takeBefore(mayGoOn: () => boolean): boolean {
    for (let source = this.#before.at(-1); source && !this.#isOver; source = this.#before.at(-1)) {
      if (this.#scriptPause.isWaiting) return false;
      const { done, value } = source.next();
      if (done) this.#before.pop();
      else {
        this.#arrived(value);
        if (!mayGoOn()) return false;
      }
    }
    return true;
  }

  #arrived(message: RtmpMessage): void {
    const isUndecided = this.#state === State.Pending || this.#state === State.Verifying;
    if (isUndecided && !isControlType(message.typeId)) this.#hold(message);
    else if (message.typeId === MessageType.Aggregate) this.#before.push(this.#partsOf(message));
    else {
      const held = this.#scriptPause.hold(message);
      if (held) this.#before.push(held);
      else this.#take(message);
    }
  }

  /** Of one that is cut off, the parts before that are as good as any. */
  *#partsOf(aggregate: RtmpMessage): Generator<RtmpMessage> {
    try {
      yield* decodeAggregate(aggregate);
    } catch (error) {
      this.#odd.passOver(aggregate, error);
    }
  }

  #acknowledge(): void {
    const received = this.#reader.bytesReceived;
    if (received - this.#ackedBytes < this.#ackWindowBytes) return;
    this.#ackedBytes = received;
    this.outbox.control({ typeId: MessageType.Acknowledgement, receivedBytes: received >>> 0 });
  }

  /** One that cannot be read is passed over: the chunk layer is whole, and so is what comes behind it. */
  #take(message: RtmpMessage): void {
    try {
      if (isControlType(message.typeId)) this.#onControl(decodeControl(message.typeId, message.payload));
      else this.#onMessage(message);
    } catch (error) {
      this.#odd.passOver(message, error);
    }
  }

  #hold(message: RtmpMessage): void {
    this.input.hold(message);
    if (this.input.heldBytes > this.#options.maxHeldBytes) this.pauseReading(this);
  }

  /** While the connect is being decided. */
  #restIfFull(): void {
    const { heldBytes } = this.input;
    if (heldBytes + this.#reader.heldBytes > this.#options.maxEarlyBytes) this.pauseReading(this);
  }

  #onMessage(message: RtmpMessage): void {
    const { typeId, streamId } = message;
    if (typeId === MessageType.Video || typeId === MessageType.Audio) {
      this.#streams.get(streamId)?.media(message);
    } else if (isCommandType(typeId)) {
      this.#onCommand(message);
    } else if (isDataType(typeId)) this.#streams.get(streamId)?.media(message);
    else this.log.debug({ event: 'ignored-message', typeId }, 'message of a type that means nothing here');
  }

  #onControl(message: ControlMessage | undefined): void {
    if (message === undefined) return;
    if (message.typeId === MessageType.WindowAckSize && message.ackWindowBytes > 0) {
      this.#ackWindowBytes = message.ackWindowBytes;
    } else if (message.typeId === MessageType.UserControl) {
      this.#commandRate.spent(1);
      if (message.event === UserControlEvent.PingRequest) {
        this.outbox.control({ ...message, event: UserControlEvent.PingResponse });
      } else if (message.event === UserControlEvent.PingResponse) this.#onPong(message.timestampMs);
      else if (message.event === UserControlEvent.SetBufferLength) {
        this.#streams.get(message.streamId)?.setBuffer(message.bufferMs);
      } else if (message.event === UserControlEvent.SwfVerifyResponse)
        this.#entry?.swfAnswered(message.proof);
    }
  }

  #onPong(sentMs: number): void {
    if (!this.#heartbeat.pong(sentMs)) return; // each one would be a message to the script
    this.#signOfLife.pong();
    const { instance, client } = this.#entry ?? {};
    if (instance && client) instance.pong(client);
  }

  // ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

  #onCommand(message: RtmpMessage): void {
    const command = this.#readCommand(message);
    if (!command) return;
    const { name } = command;
    const isFirst = this.#state === State.Connecting;
    if (isFirst !== (name === 'connect')) {
      const what = isFirst ? `"${name.slice(0, 100)}" before connect` : 'a second connect';
      this.#fail(new DecodeError('ERR_RTMP_ORDER', what));
    } else if (isFirst) {
      this.#enter(parseConnect(command, this.#options.maxConnectText, this.#options.altVhost));
    } else {
      runCommand(this.#commandHost(), command, message.streamId, message.payload.length);
      this.#commandRate.spent(costOf(name));
    }
  }

  #tooManyCommands(): void {
    const { lines, maxCommandRate, maxCommandWaitMs } = this.#options;
    const what = `more than ${maxCommandRate} commands a second for ${maxCommandWaitMs / 1000} s`;
    lines.limit('MaxCommandRate', this.#peer.ip, { log: this.log }, `connection closed: ${what}`);
    this.close(what, AccessStatus.BadRequest);
  }

  /** Undefined: it cannot be read, and has its answer. An unreadable first command closes the connection. */
  #readCommand(message: RtmpMessage): Command | undefined {
    const { typeId, payload } = message;
    try {
      const command = decodeCommand(typeId, payload, this.#options.amf);
      this.#odd.read(message, command.oddity);
      return command;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (this.#state === State.Connecting) {
        const text = `${describeMessage(wordsOf(message), message)} cannot be read: ${error.message}`;
        this.#fail(new DecodeError(error.code, visible(text)));
      } else {
        const head = commandHead(typeId, payload);
        unreadableCommand(this.#commandHost(), head, message.streamId, error.message);
        this.#odd.passOver(message, error);
        this.#commandRate.spent(1);
      }
      return undefined;
    }
  }

  #commandHost(): CommandHost {
    return {
      outbox: this.outbox,
      instance: this.#entry!.instance!,
      client: this.#entry!.client!,
      createStream: () => this.#streams.create(),
      deleteStream: (id) => this.#streams.delete(id),
      stream: (id) => this.#streams.get(id),
      openStream: (id) => this.#streams.open(id),
      strayStream: (id) => this.#newStream(id),
      refusals: { log: this.log, lines: this.#options.lines, address: this.#peer.ip },
      openCalls: this.#openCalls,
      callAnswered: (responder, ok, value) => this.#calls.answered(responder, ok, value),
      close: (reason) => this.close(reason),
      fail: (error) => this.#fail(error),
    };
  }

  #enter(request: ConnectRequest): void {
    this.#state = State.Pending;
    this.#reader.earlyBytes = undefined;
    this.#entry = new SessionEntry(request, this.#entrySession(), this.#options);
    this.#entry.start();
  }

  #entrySession(): EntrySession {
    const session = this;
    return {
      id: this.id,
      peer: this.#peer,
      outbox: this.outbox,
      get log() {
        return session.log;
      },
      set log(log) {
        session.log = log;
      },
      protocol: this.#protocol,
      rtmpeVersion: this.#reception.rtmpeVersion,
      s1Tail: this.#reception.s1Tail,
      get isOver() {
        return session.#isOver;
      },
      entering: (settings) => {
        this.#settings = settings;
        this.#reader.wireChunkBytes = settings.wireChunkBytes;
      },
      verifying: () => {
        this.#state = State.Verifying;
        if (this.input.heldBytes <= this.#options.maxHeldBytes) this.resumeReading(this); // its proof may be behind
      },
      opened: () => this.#open(),
      call: (name, args, responder) => this.#calls.call(name, args, responder),
      ping: () => void this.#heartbeat.ping(),
      probe: (waitMs, answer) => this.#signOfLife.ask(waitMs, answer),
      lastSeenMs: () => this.#heartbeat.lastSeenAt,
      stats: () => this.stats(),
      close: (reason, status) => this.close(reason, status),
      fail: (error) => this.#fail(error),
    };
  }

  #open(): void {
    this.#state = State.Open;
    // behind what the script calls on the client in the same breath
    queueMicrotask(() => this.#releaseHeld());
  }

  #releaseHeld(): void {
    if (this.#state !== State.Open || !this.#entry?.client) return;
    this.resumeReading(this);
    this.#takeFirst(this.input.takeHeld());
  }

  /** Messages that were held come before what has not been read, and in turns like that. */
  #takeFirst(messages: Iterator<RtmpMessage>): void {
    this.#before.push(messages);
    this.#pacer.prompt();
  }

  #newStream(id: number): NetStream {
    return new NetStream(id, {
      outbox: this.outbox,
      log: this.log,
      lines: this.#options.lines,
      instance: this.#entry!.instance!,
      client: this.#entry!.client!,
      wireChunkBytes: this.#settings.wireChunkBytes,
      amf: this.#options.amf,
      odd: this.#odd,
      maxHeldBytes: this.#options.maxHeldBytes,
      keep: (bytes) => this.input.keep(bytes),
      takeFirst: (messages) => this.#takeFirst(messages),
      pauseReading: (who) => this.pauseReading(who),
      resumeReading: (who) => this.resumeReading(who),
      close: (reason, status) => this.close(reason, status),
      fail: (error) => this.#fail(error),
    });
  }

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

  #stopReading(): void {
    this.#socket.pause();
    this.#signOfLife.paused();
  }
  #readOn(): void {
    if (this.#pausers.size > 0 || this.#isStopped) return;
    this.#socket.resume();
    this.#signOfLife.resumed();
  }

  /** Something that was read from the socket has to wait. */
  get #isStopped(): boolean {
    return this.#reception.pacer.isStopped || this.#pacer.isStopped;
  }

  stats(): ClientStats {
    return {
      bytes_in: this.#reception.handshakeBytes + this.#reader.bytesReceived,
      bytes_out: this.outbox.bytesSent,
      msg_in: this.#messagesIn,
      msg_out: this.outbox.messagesSent,
      msg_dropped: this.outbox.messagesDropped,
      ping_rtt: this.#heartbeat.rttMs,
    };
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Called now and then by the listener: half-done handshakes and dead connections end here. */
  check(now: number): void {
    if (this.#isOver) return;
    const { handshakeTimeoutMs } = this.#options;
    const { idleTimeoutMs } = this.#settings;
    if (this.#state === State.Handshaking || this.#state === State.Connecting) {
      if (now - this.#startedAt >= handshakeTimeoutMs)
        this.close(`no connect command after ${handshakeTimeoutMs} ms`);
      return;
    }
    this.input.sent();
    if (this.#pausers.size > 0) this.#heartbeat.knock(this.#reader.bytesReceived);
    if (!this.#heartbeat.check(now, idleTimeoutMs)) {
      this.close(`no sign of life for ${idleTimeoutMs} ms`, AccessStatus.ClientGone);
    }
  }

  get #isOver(): boolean {
    return this.#state === State.Closing || this.#state === State.Closed;
  }

  #fail(error: unknown): void {
    // a value that was read but cannot be written again (CodedError) is the peer's doing as well
    if (error instanceof CodedError) {
      const { code, message } = error;
      const { lines } = this.#options;
      const limit = limitOfCode(code);
      if (limit) lines.countLimit(limit);
      const facts = { event: 'bad-input' as const, code, ...(limit && { limit }) };
      lines.line(`bad-input ${code}`, this.#peer.ip, (repeats) => {
        this.log.warn({ ...facts, ...(repeats > 0 && { repeats }) }, `connection closed: ${message}`);
      });
      this.close(`bad input: ${error.message}`, AccessStatus.BadRequest);
    } else {
      logBug(this.log, error, 'rtmp session');
      this.close('an error of the server', AccessStatus.Failed);
    }
  }

  /** Sends what is queued, then closes. May be called twice. */
  close(reason: string, status: AccessStatus = AccessStatus.Ok): void {
    if (this.#isOver) return;
    this.#closeReason = reason;
    this.#closeStatus = status;
    this.#state = State.Closing;
    this.#leave();
    this.#pausers.clear();
    this.#socket.resume(); // so that its end is seen
    this.outbox.end();
    const cancel = this.#options.clock.after(this.#options.closeGraceMs, () => this.#socket.destroy());
    this.#socket.once('close', cancel);
  }

  /** The socket has gone. To end all that a client has begun is work, and hundreds may go at once. */
  #gone(reason: string): Promise<void> {
    this.#reception.pacer.close();
    this.#pacer.close();
    this.#ending ??= this.#options.turns.run(this.#peer.ip, () => this.#ended(reason));
    return this.#ending;
  }

  #ended(reason: string): void {
    if (this.#state === State.Closed) return;
    this.#closeReason = reason;
    this.#leave();
    this.#state = State.Closed;
    const { unreadable } = this.#odd;
    const facts = { reason, ...this.stats(), ...(unreadable > 0 && { unreadable }) };
    this.log.info({ event: 'disconnect', ...facts }, 'client disconnected');
  }

  #leave(): void {
    this.#before.length = 0;
    this.#reception.pacer.close();
    this.#pacer.close();
    this.#commandRate.close();
    this.#scriptPause.close();
    this.#streams.close(AccessStatus.ClientGone);
    this.#entry?.leave(this.#closeReason, this.#closeStatus);
    this.#signOfLife.close();
    this.input.close();
  }
}
