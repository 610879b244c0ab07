// The port for debuggers: what Node's own inspector serves, for every instance whose script may be debugged. Chrome, VS Code
// and `node inspect` find the instances at /json/list and speak the DevTools protocol with each through a WebSocket.
//
// Who is let in may do to the script whatever he likes. So it is on loopback only, and what leads to an instance is an id that
// cannot be guessed. No page but a debugger's own is let in, a sandboxed one (`Origin: null`) neither; and a name that an
// attacker's DNS makes point here is not ours.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { type Place, Places } from '../../application/admission/places.ts';
import type { ConfigError } from '../../errors.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';

/** Texts of the DevTools protocol, unread, from the script; and its end. */
export interface Debugger {
  said(message: string): void;
  ended(why: string): void;
}

/** The same to the script. Nothing is heard of it after `detach`. */
export interface DebuggerLine {
  send(message: string): void;
  detach(): void;
}

/** An instance whose script may be debugged. */
export interface DebugTarget {
  /** `live/_definst_` */
  readonly name: string;
  /** Of the main script, as an editor knows it. */
  readonly url: string;
  /** Undefined: another one is attached, or nothing runs just now. */
  attach(debug: Debugger): DebuggerLine | undefined;
}

export interface InspectorAddress {
  kind: 'inspector';
  host: string;
  port: number;
  secure: false;
}

const HOST = '127.0.0.1';
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 16 << 10;
const REQUEST_MS = 10_000;
/** A debugger sends breakpoints and expressions. */
const MAX_MESSAGE_BYTES = 4 << 20;
/** A debugger that does not read what it asked for (a heap snapshot, say) must not cost more than this. */
const MAX_UNREAD_BYTES = 128 << 20;
/** WebSocket, RFC 6455 §7.4.1: "going away"; its reason has 123 bytes at most (§5.5). */
const GOING_AWAY = 1001;
const MAX_REASON_CHARACTERS = 100;

export interface InspectorOptions {
  /** 0 for any. */
  port: number;
  /** `Understudy/1.0.0` */
  software: string;
  log: Log;
  lines: LineLimit;
  /** Its bytes come in slices: see adaptor/link/paced-stream.ts. */
  paced(socket: Socket): PacedSocket;
  /** Says why a port cannot be opened. */
  bindError(error: Error, host: string, port: number): ConfigError;
}

/** What the port needs of a connection besides a stream. */
export interface PacedSocket extends Duplex {
  readonly remoteAddress: string | undefined;
}

export class Inspector {
  readonly #port: number;
  readonly #software: string;
  readonly #log: Log;
  readonly #lines: LineLimit;
  readonly #places = new Places(MAX_CONNECTIONS);
  readonly #placeOf = new WeakMap<Duplex, Place>();
  readonly #paced: InspectorOptions['paced'];
  readonly #bindError: InspectorOptions['bindError'];
  /** By their ids. */
  readonly #targets = new Map<string, DebugTarget>();
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  #server: Server | undefined;
  #opening: Promise<InspectorAddress | undefined> | undefined;
  #isClosed = false;

  constructor({ port, software, log, lines, paced, bindError }: InspectorOptions) {
    this.#port = port;
    this.#software = software;
    this.#log = log;
    this.#lines = lines;
    this.#paced = paced;
    this.#bindError = bindError;
  }

  /** Binds, once. Undefined: the port cannot be opened; the log says why, and scripts run without debuggers. */
  open(): Promise<InspectorAddress | undefined> {
    this.#opening ??= this.#bind().catch((error: Error) => {
      this.#log.error(
        { event: 'port-closed', kind: 'inspector' },
        `scripts cannot be debugged: ${error.message}`,
      );
      return undefined;
    });
    return this.#opening;
  }

  /** The port opens with the first one. The returned function takes it back. */
  add(target: DebugTarget): () => void {
    const id = randomUUID();
    this.#targets.set(id, target);
    void this.open();
    return () => void this.#targets.delete(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets.clients) socket.terminate();
    await this.#opening;
    const server = this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #bind(): Promise<InspectorAddress> {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(this.#bindError(error, HOST, this.#port)));
      server.listen(this.#port, HOST, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => logBug(this.#log, error, 'the port for debuggers'));
    const [serve] = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (raw) => {
      const socket = this.#paced(raw);
      if (this.#admit(socket)) serve?.call(server, socket);
    });
    server.on('request', (request, response) => this.#answer(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.#log.info({ event: 'inspector', host: HOST, port }, `debuggers can attach at ${HOST}:${port}`);
    return { kind: 'inspector', host: HOST, port, secure: false };
  }

  /** False: it is closed. */
  #admit(socket: PacedSocket): boolean {
    const ip = socket.remoteAddress ?? '';
    const place = this.#places.enter(
      ip,
      () => socket.destroy(),
      () => this.#limit(ip, 'an idle connection was closed to make room for another'),
    );
    if (!place) {
      this.#limit(ip, 'every connection is a debugger at work');
      socket.destroy();
      return false;
    }
    this.#placeOf.set(socket, place);
    socket.once('close', () => place.leave());
    return true;
  }

  #limit(ip: string, text: string): void {
    this.#lines.limit('MaxInspectorConnections', ip, { log: this.#log, ip }, `debuggers: ${text}`);
  }

  /** False: the connection sends requests faster than it reads the answers, and is closed. */
  #isInTime(socket: Duplex & { remoteAddress?: string | undefined }, response: ServerResponse): boolean {
    const place = this.#placeOf.get(socket);
    if (!place) return false; // closed with this request in its last bytes
    const answered = place.ask();
    if (!answered) {
      this.#placeOf.delete(socket);
      socket.destroy();
      this.#limit(socket.remoteAddress ?? '', 'requests arrive faster than the server answers them');
      return false;
    }
    response.once('close', answered);
    return true;
  }

  #answer({ url = '', headers, socket }: IncomingMessage, response: ServerResponse): void {
    if (!this.#isInTime(socket, response)) return;
    const { host = '' } = headers;
    const refusal = refusalOf(headers);
    if (refusal !== undefined) {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(`${refusal}\n`);
      return;
    }
    const body = this.#document(url.replace(/\/$/, ''), host);
    if (body === undefined) response.writeHead(404).end();
    else {
      const type = 'application/json; charset=utf-8';
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(JSON.stringify(body));
    }
  }

  #document(path: string, host: string): unknown {
    if (path === '/json/version') return { Browser: this.#software, 'Protocol-Version': '1.3' };
    if (path !== '/json' && path !== '/json/list') return undefined;
    return [...this.#targets].map(([id, { name, url }]) => ({
      id,
      type: 'node',
      title: name,
      description: 'the script of an application',
      url,
      webSocketDebuggerUrl: `ws://${host}/${id}`,
      devtoolsFrontendUrl: `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${host}/${id}`,
    }));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url = '', headers } = request;
    socket.on('error', () => {}); // its end says enough
    const target = this.#targets.get(url.slice(1));
    if (refusalOf(headers) !== undefined) {
      refuse(socket, '403 Forbidden');
      return;
    }
    if (!target || this.#isClosed) {
      refuse(socket, '404 Not Found');
      return;
    }
    this.#placeOf.get(socket)?.hold(true);
    this.#sockets.handleUpgrade(request, socket, head, (connection) => this.#attach(target, connection));
  }

  #attach(target: DebugTarget, connection: WebSocket): void {
    const { name } = target;
    const leave = (why: string) => connection.close(GOING_AWAY, why.slice(0, MAX_REASON_CHARACTERS));
    connection.on('error', () => {}); // it closes then
    const line = target.attach({
      said(message) {
        if (connection.bufferedAmount > MAX_UNREAD_BYTES) connection.terminate();
        else connection.send(message);
      },
      ended: leave,
    });
    if (!line) {
      leave('another debugger is attached, or the script does not run');
      return;
    }
    this.#log.warn(
      { event: 'debugger', instance: name },
      `a debugger is attached to ${name}: its time limits rest`,
    );
    connection.on('message', (data: RawData) => line.send(data.toString()));
    connection.on('close', () => {
      line.detach();
      this.#log.info({ event: 'debugger', instance: name }, `the debugger has left ${name}`);
    });
  }
}

/** A name that only this machine can mean, with or without a port. */
const OURS = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;
/** DevTools of Chrome and of Edge are pages of their browser's own. VS Code and `node inspect` are no pages: they have no origin. */
const DEBUGGERS: ReadonlySet<string> = new Set(['devtools://devtools', 'chrome-devtools://devtools']);

function refusalOf(headers: IncomingMessage['headers']): string | undefined {
  const { host = '', origin } = headers;
  const site = headers['sec-fetch-site'];
  if (!OURS.test(host)) return 'ask for localhost or 127.0.0.1';
  const isForeign = origin !== undefined && !DEBUGGERS.has(origin);
  const isOfAPage = site === 'cross-site' || site === 'same-site';
  return isForeign || (isOfAPage && origin === undefined) ? 'a page that is no debugger asks' : undefined;
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
