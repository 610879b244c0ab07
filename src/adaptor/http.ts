// HTTP on the ports of RTMP: a connection whose first bytes are HTTP comes here, and a table of routes answers its requests.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../application/clock.ts';
import { type Log, logBug } from '../log/log.ts';
import type { Peer } from './peer.ts';

export interface HttpRoute {
  methods: readonly string[];
  /** What is asked for, without its query; one that ends in a slash stands for all below it. */
  path: string;
  /** Answers, now or later. A body that it does not read is dropped. */
  handle(request: IncomingMessage, response: ServerResponse, peer: Peer): void | Promise<void>;
}

/** Cookies of other servers on the same host included. */
const MAX_HEADER_BYTES = 16 << 10;
const MAX_HEADERS = 100;
/** How long a connection may wait for its first or next request, and how long the head of one may take to arrive. */
const WAIT_MS = 15_000;
const CHECK_MS = 1_000;

export class HttpDoor {
  readonly #server: Server;
  readonly #routes: readonly HttpRoute[];
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #connections = new Map<Socket, Connection>();
  #stopChecking: () => void;

  constructor(routes: readonly HttpRoute[], clock: Clock, log: Log) {
    this.#routes = routes;
    this.#clock = clock;
    this.#log = log;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      this.#answer(request, response);
    });
    this.#server.maxHeadersCount = MAX_HEADERS;
    this.#stopChecking = () => {};
    this.#checkNowAndThen();
  }

  /** A connection that has shown to be HTTP; what was read of it has been put back. */
  take(socket: Socket, peer: Peer): void {
    this.#connections.set(socket, { peer, waitingSince: this.#clock.now() });
    socket.once('close', () => this.#connections.delete(socket));
    this.#server.emit('connection', socket); // Node's own way to hand over a connection from elsewhere
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (!connection) return; // closed with this request in its last bytes
    connection.waitingSince = undefined;
    response.once('close', () => {
      connection.waitingSince = this.#clock.now();
    });
    const { method = '', url = '' } = request;
    const path = url.replace(/[?#].*$/s, '');
    const routes = this.#routes.filter((route) => covers(route, path));
    const route = routes.find(({ methods }) => methods.includes(method));
    this.#log.debug(
      // not all of a path that is found: below a route stand secrets, such as the id of a tunnel
      {
        event: 'http',
        ip: connection.peer.ip,
        method,
        path: route?.path ?? path,
        found: route !== undefined,
      },
      'http request',
    );
    if (route) {
      Promise.resolve()
        .then(() => route.handle(request, response, connection.peer))
        .catch((error) => {
          logBug(this.#log, error, `http ${route.path}`);
          response.destroy();
        });
    } else if (routes.length > 0) {
      const allow = routes.flatMap(({ methods }) => methods).join(', ');
      reply(response, 405, { Allow: allow }, 'Method Not Allowed\n');
    } else reply(response, 404, {}, 'Not Found\n');
  }

  /** Node looks after the time-outs of servers that listen; this one does not. */
  #checkNowAndThen(): void {
    this.#stopChecking = this.#clock.after(CHECK_MS, () => {
      const now = this.#clock.now();
      for (const [socket, { waitingSince = now }] of this.#connections) {
        if (now - waitingSince >= WAIT_MS) socket.destroy();
      }
      this.#checkNowAndThen();
    });
  }

  /** Ends every connection, in the middle of an answer too. */
  close(): void {
    this.#stopChecking();
    for (const socket of this.#connections.keys()) socket.destroy();
  }
}

interface Connection {
  readonly peer: Peer;
  /** Undefined while a request is being answered. */
  waitingSince: number | undefined;
}

function covers(route: HttpRoute, path: string): boolean {
  return route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path;
}

/** A short text and what goes with it. COMPAT: librtmp knows no other than these capitals. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-cache',
    ...headers,
  });
  response.end(body);
}
