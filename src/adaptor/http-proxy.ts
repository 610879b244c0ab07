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
import { answerFields, answerProblem, requestFields } from './http-fields.ts';
import { reply } from './http-reply.ts';
import { HttpTurns, type TurnLimits } from './http-turns.ts';
import type { Peer } from './peer.ts';
import { Quiet } from './quiet.ts';
import { type HttpHost, hasRoomFor, type PassingOn, type WebServer, warnOf } from './web-server.ts';

export interface ProxyOptions extends PassingOn {
  /** To each web server. */
  readonly limits: TurnLimits;
}

type Undici = typeof import('undici');

interface Upstream {
  readonly to: WebServer;
  readonly turns: HttpTurns;
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

  constructor(options: ProxyOptions, host: HttpHost) {
    this.#options = options;
    this.#host = host;
  }

  pass(request: IncomingMessage, response: ServerResponse, to: WebServer, peer: Peer): void {
    const upstream = this.#upstreamOf(to);
    const { quietMs } = this.#options;
    const exchange = new Exchange(request, response, peer, {
      to,
      quietMs,
      host: this.#host,
      mustWait: upstream.turns.isFull(peer.ip),
    });
    const leave = upstream.turns.take(peer.ip, () => void this.#begin(upstream, exchange));
    void exchange.over.then(leave);
  }

  #upstreamOf(to: WebServer): Upstream {
    const known = this.#upstreams.get(to);
    if (known) return known;
    const upstream: Upstream = { to, turns: new HttpTurns(this.#options.limits), pool: undefined };
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
    for (const { pool } of this.#upstreams.values()) void pool?.destroy();
  }
}

interface ExchangeOptions {
  readonly to: WebServer;
  readonly quietMs: number;
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

  constructor(request: IncomingMessage, response: ServerResponse, peer: Peer, options: ExchangeOptions) {
    this.#request = request;
    this.#response = response;
    this.#peer = peer;
    this.#options = options;
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
    this.#quiet.listen(request);
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
    else reply(response, status, {}, `${text}\n`);
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
