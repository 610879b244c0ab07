// One connection from its first byte to its last: handshake, connect, then messages in both directions. Bytes become messages in
// message-pump.ts, message-table.ts says who serves which, and session-entry.ts decides about the connect command.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { typedId } from '../../application/accounts/typed-id.ts';
import type { ClientStats } from '../../application/contract/script.ts';
import type { ClientSettings } from '../../application/instance/instance-settings.ts';
import { CodedError } from '../../errors.ts';
import { AccessStatus } from '../../log/access-status.ts';
import { limitOfCode } from '../../log/limits.ts';
import { type Log, logBug } from '../../log/log.ts';
import type { RtmpMessage } from '../../protocol/rtmp/message.ts';
import { endOf } from '../link/end-of.ts';
import { OddMessages } from '../link/odd-messages.ts';
import { Outbox } from '../link/outbox.ts';
import type { SessionPeer } from '../link/session-peer.ts';
import type { Session } from '../link/sessions.ts';
import { WireDump } from '../link/wire-dump.ts';
import type { ConnectRequest } from './connect.ts';
import { Heartbeat } from './heartbeat.ts';
import { MessagePump } from './message-pump.ts';
import { type MessageHost, rowOf } from './message-table.ts';
import { NetStream } from './net-stream.ts';
import { NetStreams } from './net-streams.ts';
import { SessionCommands } from './session-commands.ts';
import { type EntrySession, SessionEntry } from './session-entry.ts';
import type { SessionInput } from './session-input.ts';
import type { SessionOptions } from './session-options.ts';
import { SessionState as State } from './session-state.ts';
import { SignOfLife } from './sign-of-life.ts';

/** In TLS nothing is gained by RTMPE, and nothing is called by it. */
const ENCRYPTED_PROTOCOLS: Readonly<Record<string, string>> = { rtmp: 'rtmpe', rtmpt: 'rtmpte' };

/** 72 bits: no two clients of many servers are called the same, in years of their logs. */
const ID_BYTES = 9;

export class RtmpSession implements Session {
  readonly id = typedId(randomBytes(ID_BYTES));
  readonly outbox: Outbox;
  /** Resolves when its socket has gone, and all that it had begun has ended. */
  readonly closed: Promise<void>;
  log: Log;
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
  readonly #streams: NetStreams;
  readonly #heartbeat: Heartbeat;
  readonly #signOfLife: SignOfLife;
  readonly #odd: OddMessages;
  readonly #pump: MessagePump;
  readonly #commands: SessionCommands;
  readonly #messages: MessageHost;
  #state: State = State.Handshaking;
  #closeReason = 'the client closed';
  #closeStatus: AccessStatus = AccessStatus.Ok;
  #ending: Promise<void> | undefined;
  /** From its connect command on. */
  #entry: SessionEntry | undefined;

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
      onUnread: () => this.close("the client does not read the server's responses", AccessStatus.Unread),
      dump: this.#dump,
      fanOut: options.fanOut,
    });
    this.#streams = new NetStreams(options.maxNetStreams, (id) => this.#newStream(id));
    this.#odd = new OddMessages({ log: () => this.log, lines: options.lines, address: peer.ip });
    this.#startedAt = clock.now();
    this.#heartbeat = new Heartbeat(clock, this.outbox);
    this.#signOfLife = new SignOfLife({
      clock,
      ping: () => this.#heartbeat.ping(),
      transportBytes: peer.transportBytes,
    });
    this.#pump = this.#newPump();
    this.#commands = this.#newCommands();
    this.#messages = this.#messageHost();
    this.closed = this.#listen();
  }

  // ── its parts ──────────────────────────────────────────────────────────────────────────────────────────────────

  #newLog(): Log {
    return this.#options.log.child({ client: this.id, ip: this.#peer.ip, protocol: this.#protocol });
  }

  #newPump(): MessagePump {
    const session = this;
    return new MessagePump({
      ...{ socket: this.#socket, outbox: this.outbox, dump: this.#dump, odd: this.#odd },
      ...{ address: this.#peer.ip, options: this.#options },
      get isOver() {
        return session.#isOver;
      },
      get isPending() {
        return session.#state === State.Pending;
      },
      get isWaiting() {
        return session.#commands.isWaiting;
      },
      log: () => this.log,
      handshaken: () => {
        if (this.#state === State.Handshaking) this.#handshaken();
      },
      arrived: (message) => this.#arrived(message),
      stopped: () => this.#signOfLife.paused(),
      started: () => this.#signOfLife.resumed(),
      close: (reason, status) => this.close(reason, status),
      fail: (error) => this.#fail(error),
    });
  }

  #newCommands(): SessionCommands {
    const session = this;
    return new SessionCommands({
      ...{ outbox: this.outbox, odd: this.#odd, pump: this.#pump, streams: this.#streams },
      ...{ address: this.#peer.ip, options: this.#options },
      get isConnecting() {
        return session.#state === State.Connecting;
      },
      get isOpen() {
        return session.#state === State.Open;
      },
      get instance() {
        return session.#entry?.instance;
      },
      get client() {
        return session.#entry?.client;
      },
      log: () => this.log,
      newStream: (id) => this.#newStream(id),
      enter: (request) => this.#enter(request),
      close: (reason, status) => this.close(reason, status),
      fail: (error) => this.#fail(error),
    });
  }

  #messageHost(): MessageHost {
    const session = this;
    return {
      outbox: this.outbox,
      get log() {
        return session.log;
      },
      stream: (id) => this.#streams.get(id),
      command: (message) => this.#commands.take(message),
      spent: (cost) => this.#commands.spent(cost),
      putParts: (aggregate) => this.#pump.putParts(aggregate),
      pong: (sentMs) => this.#onPong(sentMs),
      swfAnswered: (proof) => this.#entry?.swfAnswered(proof),
      setAckWindow: (bytes) => {
        this.#pump.ackWindowBytes = bytes;
      },
    };
  }

  #listen(): Promise<void> {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.input.sent());
    socket.on('heard', () => this.#signOfLife.heard()); // of a tunnel: its requests carry few bytes of the session
    socket.on('error', (error) => this.#gone(endOf(error)));
    socket.on('end', () => this.outbox.end());
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('close', () => {
      void this.#gone(this.#closeReason).then(() => {
        this.#dump?.close();
        resolve();
      });
    });
    return promise;
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #receive(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#heartbeat.seen();
    this.#pump.push(bytes);
    this.#signOfLife.heard(); // behind what they say: a publisher may have given its name up with them
  }

  #handshaken(): void {
    this.#state = State.Connecting;
    const encrypted = this.#pump.isEncrypted ? ENCRYPTED_PROTOCOLS[this.#protocol] : undefined;
    if (encrypted === undefined) return;
    this.#protocol = encrypted;
    this.log = this.#newLog();
  }

  /** One that cannot be read is passed over: the chunk layer is whole, and so is what comes behind it. */
  #arrived(message: RtmpMessage): void {
    const row = rowOf(message.typeId);
    const state = this.#state;
    if (state === State.Pending || state === State.Verifying) {
      if (row.untilAccepted === 'hold') {
        this.#pump.hold(message);
        return;
      }
    } else if (state === State.Connecting && row.beforeConnect === 'ignore') return;
    const held = row.waitsForScript && this.#commands.hold(message);
    if (held) {
      this.#pump.putFirst(held);
      return;
    }
    try {
      row.serve(this.#messages, message);
    } catch (error) {
      this.#odd.passOver(message, error);
    }
  }

  #onPong(sentMs: number): void {
    if (!this.#heartbeat.pong(sentMs)) return; // each one would be a message to the script
    this.#signOfLife.pong();
    const { instance, client } = this.#entry ?? {};
    if (instance && client) instance.pong(client);
  }

  // ── its client ─────────────────────────────────────────────────────────────────────────────────────────────────

  #enter(request: ConnectRequest): void {
    this.#state = State.Pending;
    this.#pump.connecting();
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
      rtmpeVersion: this.#pump.rtmpeVersion,
      s1Tail: this.#pump.s1Tail,
      get isOver() {
        return session.#isOver;
      },
      entering: (settings) => {
        this.#settings = settings;
        this.#pump.wireChunkBytes = settings.wireChunkBytes;
      },
      verifying: () => {
        this.#state = State.Verifying;
        this.#pump.holdMore(); // its proof may be behind
      },
      opened: () => this.#open(),
      call: (name, args, responder) => this.#commands.call(name, args, responder),
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
    this.#pump.releaseHeld();
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
      takeFirst: (messages) => this.#pump.takeFirst(messages),
      pauseReading: (who) => this.#pump.pauseReading(who),
      resumeReading: (who) => this.#pump.resumeReading(who),
      close: (reason, status) => this.close(reason, status),
      fail: (error) => this.#fail(error),
    });
  }

  /** What of it waits, as memory counts it. */
  get input(): SessionInput {
    return this.#pump.input;
  }

  stats(): ClientStats {
    return {
      bytes_in: this.#pump.bytesIn,
      bytes_out: this.outbox.bytesSent,
      msg_in: this.#pump.messagesIn,
      msg_out: this.outbox.messagesSent,
      msg_dropped: this.outbox.messagesDropped,
      ping_rtt: this.#heartbeat.rttMs,
    };
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Called now and then: half-done handshakes and dead connections end here. */
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
    if (this.#pump.isPaused) this.#heartbeat.knock(this.#pump.chunkBytesIn);
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
      this.close('an internal error of the server', AccessStatus.Failed);
    }
  }

  /** Sends what is queued, then closes. May be called twice. */
  close(reason: string, status: AccessStatus = AccessStatus.Ok): void {
    if (this.#isOver) return;
    this.#closeReason = reason;
    this.#closeStatus = status;
    this.#state = State.Closing;
    this.#leave();
    this.#pump.drain();
    this.outbox.end();
    const cancel = this.#options.clock.after(this.#options.closeGraceMs, () => this.#socket.destroy());
    this.#socket.once('close', cancel);
  }

  /** The socket has gone. To end all that a client has begun is work, and hundreds may go at once. */
  #gone(reason: string): Promise<void> {
    this.#pump.stop();
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
    this.#pump.stop();
    this.#commands.close();
    this.#streams.close(AccessStatus.ClientGone);
    this.#entry?.leave(this.#closeReason, this.#closeStatus);
    this.#signOfLife.close();
    this.#pump.close();
  }
}
