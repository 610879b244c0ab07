// Connections that scripts make to other servers: sockets, TLS, what is granted, and what the other end may cost.
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import {
  connect as connectPlain,
  isIP,
  type LookupFunction,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type {
  Outgoing,
  OutgoingConnection,
  OutgoingEvents,
  OutgoingPull,
  OutgoingRequest,
  OutgoingStatus,
  OutgoingTraffic,
  PublishEvents,
  PullEvents,
  PullRequest,
} from '../../application/contract/outgoing.ts';
import { RtmpShape } from '../../application/live/rtmp-shape.ts';
import type { Player } from '../../application/live/viewer.ts';
import { Turns } from '../../application/pace/turns.ts';
import type { Clock } from '../../clock.ts';
import { HostRules } from '../../config/host-rules.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';
import { CodedError, DecodeError } from '../../errors.ts';
import type { LogEvent } from '../../log/events.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import type { AmfObject } from '../../protocol/amf/amf.ts';
import type { AmfLimits } from '../../protocol/amf/amf-budget.ts';
import { HANDSHAKE_RANDOM_BYTES } from '../../protocol/handshake/handshake.ts';
import type { ChunkReaderOptions } from '../../protocol/rtmp/chunk-reader.ts';
import { RtmpClient } from '../../protocol/rtmp/rtmp-client.ts';
import { parseRtmpUri, type RtmpUri } from '../../protocol/rtmp/rtmp-uri.ts';
import { OddMessages } from '../link/odd-messages.ts';
import { Outbox } from '../link/outbox.ts';
import { Pacer } from '../link/pacer.ts';
import { SAMPLE_ACCESS } from '../link/player-port.ts';
import { Pull } from './pull.ts';
import { readStatus, statusOf } from './said-status.ts';

/** NetConnection of Application.xml: where scripts may connect. */
export type DialGrant = ApplicationRows['jsEngine']['netConnection'];

/** In place of the network: it is asked for what is granted. */
export type DialStandIn = (request: OutgoingRequest, events: OutgoingEvents) => OutgoingConnection;

export interface DialerOptions {
  grantFor(application: string): DialGrant;
  /** `authorities`: in PEM, in place of those that Node knows; undefined: those. */
  readonly tls: { readonly verifies: boolean; readonly authorities: string | undefined };
  /** What the other server is told that it talks to. */
  readonly agent: string;
  readonly clock: Clock;
  /** Of all work that peers cause. Undefined: of each connection alone. */
  readonly turns?: Turns | undefined;
  readonly log: Log;
  readonly lines: LineLimit;
  /** Whether a socket may be opened that a script has asked for. */
  hasRoom(): boolean;
  readonly chunks: ChunkReaderOptions;
  readonly amf: AmfLimits;
  /** Answers that the other server makes us give and does not read. */
  readonly maxUnreadBytes: number;
  /** How long it may take to read the last words. */
  readonly closeGraceMs: number;
  /** Undefined: the system's sockets. */
  readonly openSocket?: (secure: boolean, options: TcpNetConnectOpts & ConnectionOptions) => Socket;
  /**
   * The unix socket that leads to the server of an address, for links between processes of one machine; undefined: TCP. There is no
   * TLS on it, whatever the scheme. What is granted is checked as ever.
   */
  readonly unixPathOf?: ((uri: RtmpUri) => string | undefined) | undefined;
  readonly standIn?: DialStandIn | undefined;
}

/** What a server may have to say within ten seconds; each word of it is a message to the script. */
const MAX_STATUSES = 200;
const STATUS_WINDOW_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

/** What waits at the other end for us is of no use to anybody. */
const PULL_BUFFER_MS = 1000;
const MAX_PULLS = 16;
/** Data messages in which a server speaks to the player. */
const OF_PLAYERS = ['onStatus', 'onPlayStatus', SAMPLE_ACCESS];

export class Dialer implements Outgoing {
  readonly #options: DialerOptions;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  maxConnections(application: string): number {
    return this.#options.grantFor(application).maxConnections;
  }

  connect(request: OutgoingRequest, chunkBytes: number, events: OutgoingEvents): OutgoingConnection {
    const grant = this.#options.grantFor(request.application);
    const uri = parseRtmpUri(request.uri);
    const rules = new HostRules(grant, 'NetConnection');
    const problem = uri
      ? rules.problemWith(uri)
      : 'Not an address of an application: expected rtmp://host/application';
    const { standIn, hasRoom, lines, log } = this.#options;
    const { application } = request;
    if (uri && problem === undefined && !hasRoom()) {
      lines.limit(
        'OpenFiles',
        application,
        { log, application },
        'a connection to another server was not made',
      );
      return failedConnection(this.#options.clock, 'Too many files and sockets are open.', events);
    }
    if (uri && problem === undefined) {
      if (standIn) return standIn(request, events);
      return new DialedConnection({ ...this.#options, request, grant, uri, rules, chunkBytes, events });
    }
    lines.line('outgoing-refused', application, (repeats) =>
      log.warn(
        { event: 'outgoing-refused', application, ...(repeats > 0 && { repeats }) },
        `${application}: a connection to another server was not made: ${problem}`,
      ),
    );
    const { clock } = this.#options;
    return failedConnection(clock, `${problem}`, events);
  }
}

/** The answer comes later, as all do. */
function failedConnection(clock: Clock, description: string, events: OutgoingEvents): OutgoingConnection {
  const cancel = clock.soon(() => events.ended(statusOf('NetConnection.Connect.Failed', description)));
  return {
    isOpen: false,
    traffic: { bytesIn: 0, bytesOut: 0 },
    publish: () => () => {},
    play: () => ({ setBufferMs: () => {}, close: () => {} }),
    close: cancel,
  };
}

interface DialedOptions extends DialerOptions {
  readonly request: OutgoingRequest;
  readonly grant: DialGrant;
  readonly uri: RtmpUri;
  readonly rules: HostRules;
  readonly chunkBytes: number;
  readonly events: OutgoingEvents;
}

class DialedConnection implements OutgoingConnection {
  readonly #options: DialedOptions;
  readonly #log: Log;
  readonly #unixPath: string | undefined;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #client: RtmpClient;
  readonly #pacer: Pacer;
  readonly #cancelTimeout: () => void;
  /** The answer was no; it says more than the end of the connection. */
  #refusal: OutgoingStatus | undefined;
  #isOver = false;
  readonly #odd: OddMessages;
  readonly #pulls = new Set<Pull>();
  #statuses = 0;
  #windowBegan = 0;

  constructor(options: DialedOptions) {
    const { clock, grant, uri, request } = options;
    this.#options = options;
    const place = placeOf(uri);
    this.#log = options.log.child({ application: request.application, server: place });
    this.#odd = new OddMessages({ log: () => this.#log, lines: options.lines, address: place });
    this.#unixPath = options.unixPathOf?.(uri);
    this.#socket = this.#dial();
    this.#outbox = new Outbox(this.#socket, {
      maxUnreadBytes: options.maxUnreadBytes,
      onUnread: () => this.#end('The other server does not read the data it requested.'),
    });
    this.#client = new RtmpClient({
      ...{ uri, args: request.args, agent: options.agent, random: randomBytes(HANDSHAKE_RANDOM_BYTES) },
      ...{ chunks: options.chunks, amf: options.amf, chunkBytes: options.chunkBytes, out: this.#outbox },
      odd: this.#odd,
      onStatus: (info, isAnswer) => this.#onStatus(info, isAnswer),
    });
    this.#pacer = new Pacer(options.turns ?? new Turns(clock), place, {
      read: (bytes, mayGoOn) => this.#read(bytes, mayGoOn),
      stopped: () => this.#socket.pause(),
      started: () => this.#socket.resume(),
    });
    this.#cancelTimeout = clock.after(grant.timeOutMs, () =>
      this.#end(`The other server has not answered within ${grant.timeOutMs / 1000} s.`),
    );
    this.#listen();
  }

  get #isSecure(): boolean {
    return this.#options.uri.scheme === 'rtmps' && this.#unixPath === undefined;
  }

  #dial(): Socket {
    const { uri, rules, tls, openSocket = openSystemSocket } = this.#options;
    if (this.#unixPath !== undefined) return connectPlain({ path: this.#unixPath });
    const secure = this.#isSecure;
    const host = uri.host.replace(/^\[(.*)\]$/, '$1');
    const target = { host, port: uri.port, noDelay: true, lookup: checkedLookup(rules) };
    return openSocket(secure, {
      ...target,
      ...(secure && {
        minVersion: 'TLSv1.2',
        rejectUnauthorized: tls.verifies,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(tls.authorities === undefined ? {} : { ca: tls.authorities }),
      }),
    });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.once(this.#isSecure ? 'secureConnect' : 'connect', () => {
      if (!this.#isOver) this.#client.start();
    });
    socket.on('data', (bytes) => this.#pacer.push(bytes));
    socket.on('error', (error) => this.#end(`The connection failed: ${error.message}`));
    socket.on('close', () => this.#end('The other server has closed the connection.'));
  }

  /** See PacedReader. */
  #read(bytes: Uint8Array, mayGoOn: () => boolean): Uint8Array | undefined {
    if (this.#isOver) return undefined;
    try {
      return this.#client.push(bytes, mayGoOn);
    } catch (error) {
      if (error instanceof DecodeError)
        this.#end(`The other server sent data that cannot be read: ${error.message}`);
      // what the script has for the other onConnect is too large, or too deep
      else if (error instanceof CodedError) this.#end(`That cannot be sent: ${error.message}`);
      else {
        logBug(this.#log, error, 'a connection to another server');
        this.#end('An internal error of this server.');
      }
    }
    return undefined;
  }

  get traffic(): OutgoingTraffic {
    const { bytesRead: bytesIn, bytesWritten: bytesOut } = this.#socket;
    return { bytesIn, bytesOut };
  }

  get isOpen(): boolean {
    return this.#client.isOpen && !this.#isOver;
  }

  // ── what the other server says ─────────────────────────────────────────────────────────────────────────────────

  #onStatus(said: AmfObject, isAnswer: boolean): void {
    const info = readStatus(said, 'NetConnection.Connect.Failed');
    if (this.#isOver) return;
    // COMPAT: some servers say where to go instead, and leave it at that
    const isRefusal = !this.#client.isOpen && info.code === 'NetConnection.Connect.Rejected';
    if (!isAnswer && !isRefusal) {
      this.#pass(() => this.#options.events.status(info));
      return;
    }
    this.#cancelTimeout();
    if (this.#client.isOpen) {
      this.#say({ event: 'outgoing' }, 'connected to another server');
      this.#options.events.status(info);
    } else {
      this.#refusal = info;
      this.#end('');
    }
  }

  /** Words are not for nothing: a server that goes on and on is left. */
  #pass(tell: () => void): void {
    if (this.#isOver) return;
    const now = this.#options.clock.now();
    if (now - this.#windowBegan >= STATUS_WINDOW_MS) {
      this.#windowBegan = now;
      this.#statuses = 0;
    }
    this.#statuses += 1;
    if (this.#statuses > MAX_STATUSES) this.#end('The other server sends too much.');
    else tell();
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

  publish({ name, type }: { name: string; type: string }, events: PublishEvents): () => void {
    let hasStarted = false;
    const stream = this.#client.open(
      { kind: 'publish', name, type },
      {
        status: (said, streamId) =>
          this.#pass(() => {
            const info = readStatus(said, 'NetStream.Failed');
            events.status(info);
            if (info.code !== 'NetStream.Publish.Start' || hasStarted) return;
            hasStarted = true;
            events.started(this.#playerOf(streamId, events));
          }),
        media: () => {},
        ended: () => {},
      },
    );
    return () => {
      if (!this.#isOver) stream.close();
    };
  }

  play(request: PullRequest, events: PullEvents): OutgoingPull {
    const { amf, chunkBytes, clock } = this.#options;
    if (this.#isOver || this.#pulls.size >= MAX_PULLS) {
      const why = this.#isOver
        ? 'The connection has ended.'
        : `A connection plays ${MAX_PULLS} streams at most.`;
      const cancel = clock.soon(() => events.failed('NetStream.Play.Failed', why));
      return { setBufferMs: () => {}, close: cancel };
    }
    const pull = new Pull(request, { amf, chunkBytes, odd: this.#odd, ignores: OF_PLAYERS }, events, () => {
      this.#pulls.delete(pull);
      if (!this.#isOver) stream.close();
    });
    this.#pulls.add(pull);
    const use = {
      ...{ kind: 'play' as const, name: request.name, bufferMs: PULL_BUFFER_MS },
      ...{ startMs: Math.round(request.start * 1000), lengthMs: -1000 },
    };
    const stream = this.#client.open(use, {
      status: (said) => this.#pass(() => pull.status(readStatus(said, 'NetStream.Failed'))),
      media: (message) => pull.media(message),
      ended: () => pull.eof(),
    });
    return { setBufferMs: (ms) => stream.setBufferMs(ms), close: () => pull.close() };
  }

  #playerOf(streamId: number, events: PublishEvents): Player {
    const outbox = this.#outbox;
    return {
      shape: new RtmpShape(streamId),
      get queuedBytes() {
        return outbox.queuedBytes;
      },
      get progress() {
        return outbox.progress;
      },
      write(bytes, messages) {
        outbox.messagesSent += messages;
        outbox.write(bytes);
      },
      writeAll(pieces, messages) {
        outbox.messagesSent += messages;
        outbox.writeAll(pieces);
      },
      dropped(messages) {
        outbox.messagesDropped += messages;
      },
      publishNotify: () => {},
      unpublishNotify: () => {},
      insufficientBandwidth: () =>
        this.#pass(() => {
          const why = 'The other server reads more slowly than the stream; frames are dropped.';
          events.status(statusOf('NetStream.Play.InsufficientBW', why));
        }),
      waitsForKeyframe: () => {}, // the other server has sound, and its own players wait as ours do
      tooSlow: () => this.#end('The other server does not read the stream.'),
    };
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  #end(why: string): void {
    if (this.#isOver) return;
    const wasOpen = this.#client.isOpen;
    this.#leave();
    this.#socket.destroy();
    this.#sayEnd(why || this.#refusal?.code, placeElsewhere(this.#refusal));
    const code = wasOpen ? 'NetConnection.Connect.Closed' : 'NetConnection.Connect.Failed';
    // Behind whoever made the call that ended it, a flush for example.
    this.#options.clock.soon(() => this.#options.events.ended(this.#refusal ?? statusOf(code, why)));
  }

  close(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#sayEnd('closed');
    const socket = this.#socket;
    if (!this.#client.isOpen) {
      socket.destroy();
      return;
    }
    socket.resume(); // so that its end is seen
    this.#outbox.end();
    const cancel = this.#options.clock.after(this.#options.closeGraceMs, () => socket.destroy());
    socket.once('close', cancel);
  }

  #sayEnd(reason: string | undefined, more: object = {}): void {
    const { unreadable } = this.#odd;
    const facts = { event: 'outgoing-end' as const, reason, ...(unreadable > 0 && { unreadable }), ...more };
    this.#say(facts, 'the connection has ended');
  }

  /** Of connections of one application to one server one line a second: a script may connect again and again. */
  #say(facts: { readonly event: LogEvent }, text: string): void {
    const { lines, request, uri } = this.#options;
    lines.line(facts.event, `${request.application} ${placeOf(uri)}`, (repeats) =>
      this.#log.info({ ...facts, ...(repeats > 0 && { repeats }) }, text),
    );
  }

  #leave(): void {
    this.#isOver = true;
    this.#pacer.close();
    this.#cancelTimeout();
    for (const pull of [...this.#pulls]) pull.disconnected();
  }
}

/** Without what may be secret in an address. */
function placeOf({ scheme, host, port }: RtmpUri): string {
  return `${scheme}://${host}:${port}`;
}

/** Where a refusal says to connect instead. */
function placeElsewhere(refusal: OutgoingStatus | undefined): { redirect?: string } {
  const redirect = refusal?.ex?.redirect;
  const uri = typeof redirect === 'string' ? parseRtmpUri(redirect) : undefined;
  return uri ? { redirect: placeOf(uri) } : {};
}

function openSystemSocket(secure: boolean, options: TcpNetConnectOpts & ConnectionOptions): Socket {
  return secure ? connectTls(options) : connectPlain(options);
}

/** A name that leads to several addresses is tried at those alone that are granted. */
function checkedLookup(rules: HostRules): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const permitted = error ? error.message : rules.permitted(addresses);
      if (typeof permitted === 'string') callback(error ?? new Error(`${hostname}: ${permitted}`), '', 0);
      else if (options.all) callback(null, permitted);
      else callback(null, permitted[0].address, permitted[0].family);
    });
  };
}
