// Requests that no route here covers, passed on to a web server one by one (FMS: HttpProxy), so that RTMP and a web site share a
// port.
//
// The client side is undici's, the rules are ours. undici's parser refuses bytes that belong to no request, which Node's own agent
// may hand to whoever uses the connection next, and it uses a connection again only after a whole request and a whole answer.
// http-proxy-3 and httpxy end the process on a reason phrase with a control character, and never answer after an unasked 101;
// @fastify/reply-from brings a web framework.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { isIPv6 } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { FairTurns } from '../../application/pace/fair-turns.ts';
import { hostKey } from '../../application/pace/occupancy.ts';
import { PacedStream } from '../link/paced-stream.ts';
import type { Peer } from '../link/peer.ts';
import { Patience } from './exchange-rate.ts';
import { answerFields, answerProblem, requestFields } from './http-fields.ts';
import { reply } from './http-reply.ts';
import type { HttpRoute } from './http-route.ts';
import { Quiet } from './quiet.ts';
import { type HttpHost, hasRoomFor, type PassingOn, targetOf, type WebServer, warnOf } from './web-server.ts';

export interface ProxyOptions extends PassingOn {
  /** To each web server. */
  readonly limits: ProxyLimits;
}

export interface ProxyLimits {
  readonly maxRequests: number;
  readonly maxRequestsPerAddress: number;
  /** Bodies that are slower make room for requests that wait; 0: none do. */
  readonly minBytesPerS: number;
}

/** How often exchanges are looked at. */
const LOOK_MS = 500;
/** An answer whose body has been too slow for so long makes room: events that a web server sends as they happen, perhaps. */
const STREAM_MS = 8_000;

type Undici = typeof import('undici');

interface Upstream {
  readonly to: WebServer;
  readonly turns: FairTurns;
  /** That have a turn. */
  readonly exchanges: Set<Exchange>;
  /** Undefined: nothing has been asked of it. */
  pool: Pool | undefined;
}

export class HttpProxy {
  readonly #options: ProxyOptions;
  readonly #host: HttpHost;
  readonly #upstreams = new Map<WebServer, Upstream>();
  /** Loaded where there is a proxy: it takes some 30 MB. */
  readonly #undici: Promise<Undici> = import('undici');
  #isClosed = false;
  #stopLooking: (() => void) | undefined;

  constructor(options: ProxyOptions, host: HttpHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Of everything that no route before it covers, on the ports that are passed on. */
  get route(): HttpRoute {
    return {
      pattern: ({ path, localPort }) => path !== '*' && targetOf(this.#options, { localPort }) !== undefined,
      methods: undefined,
      endsWithClient: true,
      handle: (request, response, peer) => this.#pass(request, response, peer),
    };
  }

  #pass(request: IncomingMessage, response: ServerResponse, peer: Peer): void {
    const to = targetOf(this.#options, request.socket)!;
    const upstream = this.#upstreamOf(to);
    const { turns, exchanges } = upstream;
    const { quietMs, limits } = this.#options;
    const key = hostKey(peer.ip);
    const exchange = new Exchange(request, response, peer, {
      ...{ to, quietMs, minBytesPerS: limits.minBytesPerS },
      host: this.#host,
      mustWait: turns.isFull(key),
    });
    const leave = turns.take(key, () => {
      exchanges.add(exchange);
      void this.#begin(upstream, exchange);
    });
    void exchange.over.then(() => {
      exchanges.delete(exchange);
      leave();
    });
    this.#look();
  }

  /** Now and then, while there are any. */
  #look(): void {
    this.#stopLooking ??= this.#host.clock.after(LOOK_MS, () => {
      this.#stopLooking = undefined;
      for (const { turns, exchanges } of this.#upstreams.values()) {
        for (const exchange of exchanges) exchange.look(LOOK_MS);
        makeRoom(turns, exchanges);
        if (exchanges.size > 0) this.#look();
      }
    });
  }

  #upstreamOf(to: WebServer): Upstream {
    const known = this.#upstreams.get(to);
    if (known) return known;
    const { maxRequests: max, maxRequestsPerAddress: maxOfOne } = this.#options.limits;
    const turns = new FairTurns({ max, maxOfOne });
    const upstream: Upstream = { to, turns, exchanges: new Set(), pool: undefined };
    this.#upstreams.set(to, upstream);
    return upstream;
  }

  async #begin(upstream: Upstream, exchange: Exchange): Promise<void> {
    try {
      const { Pool } = await this.#undici;
      if (this.#isClosed) {
        exchange.fail(503, 'Service Unavailable');
        return;
      }
      upstream.pool ??= this.#open(Pool, upstream.to);
      exchange.begin(upstream.pool);
    } catch (error) {
      exchange.broke(error as Error);
    }
  }

  #open(Pool: Undici['Pool'], { host, port }: WebServer): Pool {
    return new Pool(`http://${isIPv6(host) ? `[${host}]` : host}:${port}`, {
      connections: this.#options.limits.maxRequests,
      pipelining: 1,
      // the idle timeout of the exchange looks after both sides
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Connections that wait for another request as well. */
  close(): void {
    this.#isClosed = true;
    this.#stopLooking?.();
    for (const { pool } of this.#upstreams.values()) void pool?.destroy();
  }
}

/** For requests that wait: of the addresses that have the most turns the slowest exchanges end. */
function makeRoom(turns: FairTurns, exchanges: ReadonlySet<Exchange>): void {
  let wanted = turns.waitingCount;
  if (wanted === 0) return;
  const slow = [...exchanges]
    .filter(({ slowMs }) => slowMs > 0)
    .map((exchange) => ({ exchange, turns: turns.underWay(exchange.key) }))
    .sort((a, b) => b.turns - a.turns || b.exchange.slowMs - a.exchange.slowMs);
  for (const { exchange } of slow) {
    if (wanted === 0) return;
    if (!turns.isWantedFrom(exchange.key)) continue;
    wanted -= 1;
    exchange.giveWay();
  }
}

interface ExchangeOptions {
  readonly to: WebServer;
  readonly quietMs: number;
  readonly minBytesPerS: number;
  readonly host: HttpHost;
  /** There are as many requests as there may be. */
  readonly mustWait: boolean;
}

/** One request and its answer. Whatever the web server says or leaves unsaid ends in `fail`, or in an answer. */
class Exchange implements Dispatcher.DispatchHandler {
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
    const isUnread = this.#response.writableLength > 0;
    const isUnsent = this.#body !== undefined && this.#hasBegun && !request.complete && !request.isPaused();
    this.#client.look(this.#requestBytes + takenBytes(request), isUnread || isUnsent, ms);
    this.#server.look(this.#answerBytes, this.#response.headersSent && !isUnread && !isUnsent, ms);
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
    this.#sayTooSlow('a request was too slow while others waited for their turn at the web server');
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

  begin(pool: Pool): void {
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
    pool.dispatch({ method: method as Dispatcher.HttpMethod, path: url, headers, body: body ?? null }, this);
  }

  #sendBody(body: PassThrough): void {
    const request = this.#request;
    request.on('data', (bytes: Buffer) => {
      this.#quiet.heard();
      this.#requestBytes += bytes.length;
    });
    request.once('close', () => {
      if (!request.complete) body.destroy(new Error('the client has broken off its request'));
    });
    request.pipe(body);
  }

  // ── undici's side ──────────────────────────────────────────────────────────────────────────────────────────────

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#response.closed || this.#quiet.isOver)
      controller.abort(new Error('nobody waits for the answer'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason = '',
  ): void {
    if (status >= 100 && status < 200) return; // undici refuses 100 and 101; the others are hints
    const fields = ((controller.rawHeaders ?? []) as (Buffer | string)[]).map(latin1);
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
    const { host, to, mustWait } = this.#options;
    const { ip } = this.#peer;
    if (mustWait) {
      host.lines.limit(
        'MaxProxyRequests',
        ip,
        { log: host.log, ip, host: to.host, port: to.port },
        'a request waited too long for its turn at the web server',
      );
    }
    this.fail(503, 'Service Unavailable');
  }

  /** The web server cannot be reached, or its answer cannot be passed on. */
  broke(error: Error): void {
    if (this.#response.closed || this.#quiet.isOver) return;
    const what = this.#controller ? 'gave no answer that can be passed on' : 'cannot be reached';
    warnOf(this.#options.host, this.#options.to, what, error);
    this.fail(502, 'Bad Gateway');
  }

  fail(status: number, text: string): void {
    const response = this.#response;
    this.#stop();
    if (response.headersSent)
      response.destroy(); // the client sees that the rest is missing
    else reply(response, status, status === 408 ? { Connection: 'close' } : {}, `${text}\n`);
    this.#dropBody();
  }

  #stop(): void {
    this.#quiet.stop();
    this.#controller?.abort(new Error('the exchange is over'));
    this.#body?.destroy();
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

function latin1(text: Buffer | string): string {
  return typeof text === 'string' ? text : text.toString('latin1');
}
