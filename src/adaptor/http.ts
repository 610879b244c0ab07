// HTTP on the ports of RTMP: a connection whose first bytes are HTTP comes here, and a table of routes answers its requests.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../application/clock.ts';
import { type Log, logBug } from '../log/log.ts';
import { HttpProxy, type ProxyOptions } from './http-proxy.ts';
import { passOn } from './http-redirect.ts';
import { reply } from './http-reply.ts';
import { normalize } from './http-request.ts';
import { type Pace, PacedStream } from './paced-stream.ts';
import type { Peer } from './peer.ts';
import { type PassingOn, targetOf, type WebServer, type WebServerLog } from './web-server.ts';

export interface HttpRoute {
  methods: readonly string[];
  /** What is asked for, without its query; one that ends in a slash stands for all below it, / for itself. */
  path: string;
  /** Answers, now or later. A body that it does not read is dropped. */
  handle(request: IncomingMessage, response: ServerResponse, peer: Peer): void | Promise<void>;
}

export interface HttpOptions {
  /** How long a connection may wait for its first or next request, and how long the head of one may take to arrive. */
  waitMs: number;
  /** Cookies of other servers on the same host included. */
  maxHeaderBytes: number;
  /** Undefined: what no route covers is not found. The redirect comes first: it takes whole connections. */
  redirect: PassingOn | undefined;
  proxy: ProxyOptions | undefined;
}

/** A request with more is refused. No setting: their bytes have one, this bounds the work for them. */
const MAX_HEADERS = 100;
/**
 * Requests of one connection that have no answer yet; one more closes it. Each may be work for another server, and Node reads on
 * while nothing is answered. No setting: browsers send one after the other, and tunnels number theirs.
 */
const MAX_UNANSWERED = 16;
const CHECK_MS = 1_000;

export class HttpDoor {
  readonly #server: Server;
  readonly #routes: readonly HttpRoute[];
  readonly #options: HttpOptions;
  readonly #proxy: HttpProxy | undefined;
  readonly #log: Log;
  readonly #webServerLog: WebServerLog;
  readonly #clock: Clock;
  readonly #connections = new Map<Duplex, Connection>();
  readonly #pace: Pace;
  #stopChecking: () => void;

  constructor(
    routes: readonly HttpRoute[],
    options: HttpOptions,
    clock: Clock,
    webServerLog: WebServerLog,
    pace: Pace,
  ) {
    this.#routes = routes;
    this.#options = options;
    this.#proxy = options.proxy && new HttpProxy(options.proxy, clock, webServerLog);
    this.#clock = clock;
    this.#log = webServerLog.log;
    this.#webServerLog = webServerLog;
    this.#pace = pace;
    this.#server = createServer({ maxHeaderSize: options.maxHeaderBytes }, (request, response) => {
      this.#answer(request, response);
    });
    this.#server.maxHeadersCount = MAX_HEADERS;
    // a client that has said all may close its side: what it has asked of us is answered first
    (this.#server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    this.#stopChecking = () => {};
    this.#checkNowAndThen();
  }

  /** A connection that has shown to be HTTP; what was read of it has been put back. */
  take(socket: Socket, peer: Peer): void {
    this.#connections.set(socket, {
      ...{ peer, unanswered: 0, isClosing: false, waitingSince: this.#clock.now(), passedOn: new Set() },
    });
    socket.once('close', () => this.#connections.delete(socket));
    const { redirect } = this.#options;
    const target = redirect && targetOf(redirect, socket);
    if (target) this.#seeWhatFor(socket, target, redirect.quietMs);
    else this.#serve(socket);
  }

  #serve(socket: Socket): void {
    const connection = this.#connections.get(socket)!;
    const paced = new PacedStream(socket, this.#pace);
    this.#connections.delete(socket);
    this.#connections.set(paced, connection);
    paced.once('close', () => this.#connections.delete(paced));
    // a web server may take its time: a client that closes its side has gone
    paced.once('end', () => {
      for (const response of connection.passedOn) response.destroy();
    });
    this.#server.emit('connection', paced); // Node's own way to hand over a connection from elsewhere
  }

  /** Its first request says for whom all of it is: for us, or for the server that it is passed on to. */
  #seeWhatFor(socket: Socket, target: WebServer, quietMs: number): void {
    let head: Buffer = Buffer.alloc(0);
    const read = (bytes: Buffer) => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\n');
      if (end < 0 && head.length <= this.#options.maxHeaderBytes) return;
      socket.off('data', read);
      socket.pause();
      socket.unshift(head);
      const [, url = ''] = head.toString('latin1', 0, Math.max(0, end)).split(' ');
      if (end < 0 || this.#routes.some((route) => covers(route, pathOf(url)))) {
        this.#serve(socket);
        socket.resume();
      } else {
        this.#connections.get(socket)!.waitingSince = undefined;
        passOn(socket, target, quietMs, this.#clock, this.#webServerLog);
      }
    };
    socket.on('data', read);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (!connection || connection.isClosing) return; // closed, or about to be, with this request in its last bytes
    if (connection.unanswered >= MAX_UNANSWERED) {
      this.#tooMany(request.socket, connection.peer);
      return;
    }
    connection.unanswered += 1;
    connection.waitingSince = undefined;
    response.once('close', () => {
      connection.unanswered -= 1;
      if (connection.unanswered === 0) connection.waitingSince = this.#clock.now();
    });
    const problem = normalize(request);
    if (problem || request.headers.upgrade !== undefined) {
      // Node drops what it has read behind a request for an upgrade: what follows may begin anywhere
      connection.isClosing = true;
      response.shouldKeepAlive = false;
    }
    if (problem) reply(response, problem.status, {}, `${problem.text}\n`);
    else this.#route(request, response, connection.peer);
  }

  #passOn(request: IncomingMessage, response: ServerResponse, target: WebServer): void {
    const { passedOn, peer } = this.#connections.get(request.socket)!;
    passedOn.add(response);
    response.once('close', () => passedOn.delete(response));
    this.#proxy?.pass(request, response, target, peer);
  }

  #tooMany(socket: Duplex, { ip }: Peer): void {
    const { log, lines } = this.#webServerLog;
    this.#connections.delete(socket);
    socket.destroy();
    lines.limit(
      'MaxUnansweredRequests',
      ip,
      { log, ip },
      'a connection sends HTTP requests faster than they are answered',
    );
  }

  #route(request: IncomingMessage, response: ServerResponse, peer: Peer): void {
    const { method = '', url = '' } = request;
    const path = pathOf(url);
    const routes = this.#routes.filter((route) => covers(route, path));
    const route = routes.find(({ methods }) => methods.includes(method));
    this.#log.debug(
      // not all of a path that is found: below a route stand secrets, such as the id of a tunnel
      {
        event: 'http',
        ip: peer.ip,
        method,
        path: route?.path ?? path,
        found: route !== undefined,
      },
      'http request',
    );
    if (route) {
      Promise.resolve()
        .then(() => route.handle(request, response, peer))
        .catch((error) => {
          logBug(this.#log, error, `http ${route.path}`);
          response.destroy();
        });
    } else if (routes.length > 0) {
      const allow = routes.flatMap(({ methods }) => methods).join(', ');
      reply(response, 405, { Allow: allow }, 'Method Not Allowed\n');
    } else {
      const { proxy } = this.#options;
      const target = proxy && url !== '*' ? targetOf(proxy, request.socket) : undefined;
      if (target) this.#passOn(request, response, target);
      else reply(response, 404, {}, 'Not Found\n');
    }
  }

  /** Node looks after the time-outs of servers that listen; this one does not. */
  #checkNowAndThen(): void {
    this.#stopChecking = this.#clock.after(CHECK_MS, () => {
      const now = this.#clock.now();
      for (const [socket, { waitingSince = now }] of this.#connections) {
        if (now - waitingSince >= this.#options.waitMs) socket.destroy();
      }
      this.#checkNowAndThen();
    });
  }

  /** Ends every connection, in the middle of an answer too. */
  close(): void {
    this.#stopChecking();
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#proxy?.close();
  }
}

interface Connection {
  readonly peer: Peer;
  /** Requests without a whole answer. */
  unanswered: number;
  /** The answer under way is its last. */
  isClosing: boolean;
  /** Undefined while a request is being answered. */
  waitingSince: number | undefined;
  /** Answers of a web server that are under way. */
  readonly passedOn: Set<ServerResponse>;
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function covers(route: HttpRoute, path: string): boolean {
  return /.\/$/.test(route.path) ? path.startsWith(route.path) : path === route.path;
}
