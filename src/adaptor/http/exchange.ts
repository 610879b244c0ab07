// One request that the reverse proxy passes on, and its answer; or the connection that an upgrade makes of them.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Duplex, PassThrough } from 'node:stream';
import type { Dispatcher } from 'undici';
import { hostKey } from '../../application/pace/occupancy.ts';
import { PacedStream } from '../link/paced-stream.ts';
import type { Peer } from '../link/peer.ts';
import { Patience } from './exchange-rate.ts';
import { answerFields, answerProblem, requestFields } from './http-fields.ts';
import { reply } from './http-reply.ts';
import type { UpgradeWish } from './http-route.ts';
import { upgradeHead, upgradeProblem } from './http-upgrade.ts';
import { Quiet } from './quiet.ts';
import { relay } from './relay.ts';
import { type HttpHost, hasRoomFor, type WebServer, warnOf } from './web-server.ts';

/** An answer whose body has been too slow for so long makes room: events that a web server sends as they happen, perhaps. */
const STREAM_MS = 8_000;

export interface ExchangeOptions {
  readonly to: WebServer;
  readonly quietMs: number;
  readonly minBytesPerS: number;
  readonly host: HttpHost;
  /** There are as many as there may be. */
  readonly mustWait: boolean;
  /** Undefined: the request is one like any other. */
  readonly upgrade: UpgradeWish | undefined;
}

/** One request and its answer. Whatever the web server says or leaves unsaid ends in `fail`, or in an answer. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Resolves when the client has its answer, or has gone. */
  readonly over: Promise<void>;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #peer: Peer;
  readonly #options: ExchangeOptions;
  readonly #quiet: Quiet;
  readonly #body: PassThrough | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #hasBegun = false;
  /** After an upgrade: bytes go both ways. */
  #upstream: Duplex | undefined;
  /** Of the client to send and to read, and of the web server to send its answer. */
  readonly #client: Patience;
  readonly #server: Patience;
  #requestBytes = 0;
  #answerBytes = 0;

  constructor(request: IncomingMessage, response: ServerResponse, peer: Peer, options: ExchangeOptions) {
    this.#request = request;
    this.#response = response;
    this.#peer = peer;
    this.#options = options;
    this.#client = new Patience(options.minBytesPerS);
    this.#server = new Patience(options.minBytesPerS);
    this.#quiet = new Quiet(options.quietMs, options.host.clock, () => this.#tooQuiet());
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    response.once('close', () => {
      this.#stop();
      resolve();
    });
    // undici destroys what it sends: not the request itself, whose connection has an answer to carry
    if (hasBody(request)) this.#body = new PassThrough().on('error', () => {});
  }

  /** Of its client: for turns. */
  get key(): string {
    return hostKey(this.#peer.ip);
  }

  // ── how fast it is ─────────────────────────────────────────────────────────────────────────────────────────────

  /** `ms`: since the last time. */
  look(ms: number): void {
    const request = this.#request;
    const isUnread = this.#response.writableLength > 0; // bytes on its connection count as well
    const isUnsent = this.#body !== undefined && this.#hasBegun && !request.complete && !request.isPaused();
    this.#client.look(this.#requestBytes + takenBytes(request), isUnread || isUnsent, ms);
    const hasBegun = this.#response.headersSent || this.#upstream !== undefined;
    this.#server.look(this.#answerBytes, hasBegun && !isUnread && !isUnsent, ms);
    if (this.#client.leftMs < -this.#options.quietMs) {
      this.#sayTooSlow('a client was too slow with its request, or with reading the answer');
      this.#cut();
    }
  }

  /** How much longer it has been too slow than it may while others wait. */
  get slowMs(): number {
    return Math.max(-this.#client.leftMs, -this.#server.leftMs - STREAM_MS);
  }

  /** To requests that wait. */
  giveWay(): void {
    this.#sayTooSlow('a request was too slow while others waited in the queue for the web server');
    this.#cut();
  }

  #sayTooSlow(text: string): void {
    const { host, to } = this.#options;
    const { ip } = this.#peer;
    host.lines.limit('MinProxyRate', ip, { log: host.log, ip, host: to.host, port: to.port }, text);
  }

  /** An answer that waits behind another one of its connection would keep its turn until that one is read. */
  #cut(): void {
    const { headersSent, socket } = this.#response;
    if (headersSent || !socket) this.#request.socket.destroy();
    else this.fail(408, 'Request Timeout');
  }

  begin(dispatcher: Dispatcher): void {
    if (this.#response.closed) return;
    const { host: server, to } = this.#options;
    if (!hasRoomFor(server, to, this.#peer.ip)) {
      this.fail(503, 'Service Unavailable');
      return;
    }
    const { method, url = '', rawHeaders } = this.#request;
    const { host, 'content-length': length } = this.#request.headers;
    const headers = requestFields(rawHeaders, this.#peer);
    if (host !== undefined) headers.push('Host', host);
    const body = this.#body;
    if (body) {
      if (length !== undefined) headers.push('Content-Length', length);
      this.#sendBody(body);
    }
    this.#hasBegun = true;
    const upgrade = this.#options.upgrade?.protocol ?? null;
    const asked = {
      method: method as Dispatcher.HttpMethod,
      path: url,
      headers,
      upgrade,
      body: body ?? null,
    };
    dispatcher.dispatch(asked, this);
  }

  #sendBody(body: PassThrough): void {
    const request = this.#request;
    request.on('data', (bytes: Buffer) => {
      this.#quiet.heard();
      this.#requestBytes += bytes.length;
    });
    request.once('close', () => {
      if (!request.complete) body.destroy(new Error('the client aborted its request'));
    });
    request.pipe(body);
  }

  // ── undici's side ──────────────────────────────────────────────────────────────────────────────────────────────

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#response.closed || this.#quiet.isOver)
      controller.abort(new Error('nobody waits for the answer'));
  }

  /** The web server has agreed. What it has said behind its head comes first. */
  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    upstream: Duplex,
  ): void {
    upstream.on('error', () => {}); // 'close' follows
    const { protocol, socket } = this.#options.upgrade!;
    const fields = rawFields(controller);
    const problem = upgradeProblem(protocol, status, fields);
    if (problem !== undefined || this.#response.closed || this.#quiet.isOver) {
      upstream.destroy();
      if (problem !== undefined) this.broke(new Error(problem));
      return;
    }
    this.#upstream = upstream;
    this.#quiet.heard();
    socket.write(upgradeHead(protocol, fields), 'latin1');
    relay(socket, upstream, (bytes) => {
      this.#quiet.heard();
      this.#answerBytes += bytes;
    });
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason = '',
  ): void {
    if (status >= 100 && status < 200) return; // undici refuses 100 and 101; the others are hints
    const fields = rawFields(controller);
    const problem = answerProblem(status, reason, fields);
    if (problem !== undefined) {
      this.broke(new Error(problem));
      return;
    }
    this.#quiet.heard();
    const response = this.#response;
    response.on('drain', () => controller.resume());
    response.writeHead(status, shownReason(status, reason), answerFields(fields, status !== 204));
    // undici takes the Content-Length of a 304 for that of a body, and fails when none comes: this answer is whole here
    if (status === 204 || status === 304) this.onResponseEnd();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#quiet.heard();
    this.#answerBytes += chunk.length;
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#quiet.stop();
    this.#response.end();
    this.#dropBody();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.broke(error);
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #tooQuiet(): void {
    if (this.#hasBegun) {
      this.fail(504, 'Gateway Timeout');
      return;
    }
    const { host, to, mustWait, upgrade } = this.#options;
    const { ip } = this.#peer;
    if (mustWait) {
      host.lines.limit(
        upgrade ? 'MaxProxyUpgrades' : 'MaxProxyRequests',
        ip,
        { log: host.log, ip, host: to.host, port: to.port },
        'a request waited too long in the queue for the web server',
      );
    }
    this.fail(503, 'Service Unavailable');
  }

  /** The web server cannot be reached, or its answer cannot be passed on. */
  broke(error: Error): void {
    if (this.#response.closed || this.#quiet.isOver) return;
    const what = this.#controller ? 'gave an invalid response' : 'cannot be reached';
    warnOf(this.#options.host, this.#options.to, what, error);
    this.fail(502, 'Bad Gateway');
  }

  fail(status: number, text: string): void {
    const response = this.#response;
    this.#stop();
    if (response.headersSent || this.#upstream)
      response.destroy(); // the client sees that the rest is missing
    else reply(response, status, status === 408 ? { Connection: 'close' } : {}, `${text}\n`);
    this.#dropBody();
  }

  #stop(): void {
    this.#quiet.stop();
    this.#controller?.abort(new Error('the exchange is over'));
    this.#body?.destroy();
    this.#upstream?.destroy();
  }

  /** What the client still sends is part of its request. The connection's own timeout ends a body that goes on. */
  #dropBody(): void {
    if (this.#body) this.#request.unpipe(this.#body);
    this.#request.resume();
  }
}

/** Of answers on its connection, that the system has taken for the client. */
function takenBytes({ socket }: IncomingMessage): number {
  return socket instanceof PacedStream ? socket.bytesTaken : 0;
}

/** A body that nothing announces is none: sent on it would be taken for another request. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** undici has read it as UTF-8. What is not ASCII is replaced: clients ignore the phrase (RFC 9112 §4). */
function shownReason(status: number, reason: string): string {
  return /^[\t -~]*$/.test(reason) ? reason : (STATUS_CODES[status] ?? '');
}

function rawFields({ rawHeaders }: Dispatcher.DispatchController): string[] {
  return ((rawHeaders ?? []) as (Buffer | string)[]).map(latin1);
}

function latin1(text: Buffer | string): string {
  return typeof text === 'string' ? text : text.toString('latin1');
}
