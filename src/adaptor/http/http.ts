// HTTP on the ports of RTMP: a connection whose first bytes are HTTP comes here, and a table of routes answers its requests.
import { createServer, type IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { MAX_UNANSWERED } from '../../application/admission/places.ts';
import type { Turns } from '../../application/pace/turns.ts';
import type { LimitName } from '../../log/limits.ts';
import { logBug } from '../../log/log.ts';
import { PacedStream } from '../link/paced-stream.ts';
import type { Peer } from '../link/peer.ts';
import { HttpProxy, type ProxyOptions } from './http-proxy.ts';
import { passOn } from './http-redirect.ts';
import { reply } from './http-reply.ts';
import { normalize } from './http-request.ts';
import { askedBy, askedIn, type HttpRoute, routeFor, type UpgradeWish } from './http-route.ts';
import { wantedProtocol } from './http-upgrade.ts';
import { type HttpHost, type PassingOn, targetOf, type WebServer } from './web-server.ts';

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
const CHECK_MS = 1_000;

export class HttpDoor {
  readonly #server: Server;
  /** The server's own. The proxy's comes after them. */
  readonly #own: readonly HttpRoute[];
  readonly #routes: readonly HttpRoute[];
  readonly #options: HttpOptions;
  readonly #proxy: HttpProxy | undefined;
  readonly #host: HttpHost;
  readonly #connections = new Map<Duplex & { readonly bytesRead: number }, Connection>();
  readonly #turns: Turns;
  #stopChecking: () => void;

  constructor(routes: readonly HttpRoute[], options: HttpOptions, host: HttpHost, turns: Turns) {
    this.#options = options;
    this.#proxy = options.proxy && new HttpProxy(options.proxy, host);
    this.#own = routes;
    this.#routes = this.#proxy ? [...routes, this.#proxy.route] : routes;
    this.#host = host;
    this.#turns = turns;
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response);
    // what is no request is refused here, in one place: normalize
    const parser = { maxHeaderSize: options.maxHeaderBytes, requireHostHeader: false };
    const shouldUpgradeCallback = (request: IncomingMessage) => this.#mayUpgrade(request);
    this.#server = createServer({ ...parser, shouldUpgradeCallback }, answer);
    this.#server.on('checkExpectation', answer);
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.maxHeadersCount = MAX_HEADERS;
    // a client that has said all may close its side: what it has asked of us is answered first
    (this.#server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#unreadable(error, socket));
    this.#server.on('connect', (_request, socket) =>
      this.#refuse(socket, 501, 'HttpSyntax', 'it is a CONNECT'),
    );
    this.#stopChecking = () => {};
    this.#checkNowAndThen();
  }

  /** A connection that has shown to be HTTP; what was read of it has been put back. */
  take(socket: Socket, peer: Peer): void {
    this.#connections.set(socket, {
      ...{ peer, unanswered: new Set(), isClosing: false, endsWithClient: new Set() },
      ...{ waitingSince: this.#host.clock.now(), readBefore: 0 },
    });
    socket.once('close', () => this.#connections.delete(socket));
    const { redirect } = this.#options;
    const target = redirect && targetOf(redirect, socket);
    if (target) this.#seeWhatFor(socket, target, redirect.quietMs);
    else this.#serve(socket);
  }

  #serve(socket: Socket): void {
    const connection = this.#connections.get(socket)!;
    const paced = new PacedStream(socket, this.#turns, connection.peer.ip);
    this.#connections.delete(socket);
    this.#connections.set(paced, connection);
    paced.once('close', () => {
      this.#connections.delete(paced);
      // not every Node 24 tells answers that wait behind another one
      for (const response of connection.unanswered) response.destroy();
    });
    paced.once('end', () => {
      for (const response of connection.endsWithClient) response.destroy();
    });
    this.#server.emit('connection', paced); // Node's own way to hand over a connection from elsewhere
  }

  /** Its first request says for whom all of it is: for us, or for the server that it is passed on to. */
  #seeWhatFor(socket: Socket, target: WebServer, quietMs: number): void {
    let head: Buffer = Buffer.alloc(0);
    const read = (bytes: Buffer) => {
      head = Buffer.concat([head, bytes]);
      const asked = askedIn(head.toString('latin1'), this.#own, socket.localPort);
      if (!asked && head.length <= this.#options.maxHeaderBytes) return;
      socket.off('data', read);
      socket.pause();
      socket.unshift(head);
      if (!asked || routeFor(this.#own, asked)) {
        this.#serve(socket);
        socket.resume();
      } else {
        const connection = this.#connections.get(socket)!;
        connection.waitingSince = undefined;
        passOn(socket, connection.peer.ip, target, quietMs, this.#host);
      }
    };
    socket.on('data', read);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Whether its connection is handed to the route if that takes it; else it is answered as if it had no Upgrade field. */
  #mayUpgrade(request: IncomingMessage): boolean {
    const connection = this.#connections.get(request.socket);
    // an answer under way would end up in the middle of the other protocol
    if (!connection || connection.isClosing || connection.unanswered.size > 0) return false;
    if (wantedProtocol(request) === undefined || normalize(request)) return false;
    return routeFor(this.#routes, askedBy(request))?.upgrade !== undefined;
  }

  /** Node has let go of the connection. `head`: what was read of it behind the request. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (head.length > 0) socket.unshift(head);
    const protocol = wantedProtocol(request);
    // Node 24.0 to 24.8 hands over every request with an Upgrade field
    const wish = protocol === undefined ? undefined : { protocol, socket };
    this.#answer(request, responseOn(request, socket), wish);
  }

  #answer(request: IncomingMessage, response: ServerResponse, wish?: UpgradeWish): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    if (!connection || connection.isClosing) return; // closed, or about to be, with this request in its last bytes
    const { unanswered, peer } = connection;
    if (unanswered.size >= MAX_UNANSWERED) {
      this.#tooMany(socket, peer);
      return;
    }
    unanswered.add(response);
    connection.waitingSince = undefined;
    response.once('close', () => {
      unanswered.delete(response);
      if (unanswered.size > 0) return;
      connection.waitingSince = this.#host.clock.now();
      connection.readBefore = socket.bytesRead;
    });
    const problem = normalize(request);
    if (problem || request.headers.upgrade !== undefined) {
      // Node drops what it has read behind a request for an upgrade: what follows may begin anywhere
      connection.isClosing = true;
      response.shouldKeepAlive = false;
    }
    if (problem) {
      this.#sayRefused(peer.ip, 'HttpSyntax', problem.text);
      reply(response, problem.status, {}, `${problem.text}\n`);
    } else this.#route(request, response, peer, wish);
  }

  #tooMany(socket: Duplex, { ip }: Peer): void {
    const { log, lines } = this.#host;
    this.#connections.get(socket as PacedStream)!.isClosing = true;
    socket.destroy();
    lines.limit(
      'MaxUnansweredRequests',
      ip,
      { log, ip },
      'a connection sends HTTP requests faster than they are answered',
    );
  }

  /** Node's parser has refused what came. */
  #unreadable({ code = '', message }: NodeJS.ErrnoException, socket: Duplex): void {
    const why = message.replace(/^Parse Error: /, '');
    if (code === 'HPE_HEADER_OVERFLOW')
      this.#refuse(socket, 431, 'MaxHttpHeaderSize', 'its head is too long');
    else if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') this.#refuse(socket, 413, 'HttpSyntax', why);
    else if (code === 'HPE_INVALID_EOF_STATE' && this.#isAnswering(socket))
      socket.destroy(); // it has gone
    else this.#refuse(socket, 400, 'HttpSyntax', why);
  }

  #isAnswering(socket: Duplex): boolean {
    return (this.#connections.get(socket as PacedStream)?.unanswered.size ?? 0) > 0;
  }

  /** What came is no request, or not yet. An answer that has begun cannot be followed by another one. */
  #refuse(socket: Duplex, status: number, limit: LimitName, why: string): void {
    const connection = this.#connections.get(socket as PacedStream);
    if (!connection || connection.isClosing) {
      socket.destroy();
      return;
    }
    connection.isClosing = true;
    this.#sayRefused(connection.peer.ip, limit, why);
    const [current] = connection.unanswered;
    if (socket.writable && !current?.headersSent) {
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroy();
  }

  #sayRefused(ip: string, limit: LimitName, why: string): void {
    const { log, lines } = this.#host;
    lines.limit(limit, ip, { log, ip }, `an HTTP request was refused: ${why}`);
  }

  #route(request: IncomingMessage, response: ServerResponse, peer: Peer, wish?: UpgradeWish): void {
    const { method = '' } = request;
    const asked = askedBy(request);
    const route = routeFor(this.#routes, asked);
    const takesMethod = route?.methods?.includes(method) ?? true;
    const isKnown = route !== undefined && takesMethod;
    const shown = isKnown && typeof route.pattern === 'string' ? route.pattern : asked.path;
    this.#host.log.debug(
      // not all of a path that is found: below a route stand secrets, such as the id of a tunnel
      { event: 'http', ip: peer.ip, method, path: shown, found: isKnown && this.#own.includes(route) },
      'http request',
    );
    if (!route) reply(response, 404, {}, 'Not Found\n');
    else if (route.methods && !takesMethod) {
      reply(response, 405, { Allow: route.methods.join(', ') }, 'Method Not Allowed\n');
    } else {
      if (route.endsWithClient && !wish) this.#endWithClient(request, response);
      // at once: a response that is closed before its route has seen it would never end for the route
      const handle = async () =>
        wish && route.upgrade
          ? route.upgrade(request, response, peer, wish)
          : route.handle(request, response, peer);
      handle().catch((error) => {
        logBug(this.#host.log, error, `http ${shown}`);
        response.destroy();
      });
    }
  }

  #endWithClient({ socket }: IncomingMessage, response: ServerResponse): void {
    const { endsWithClient } = this.#connections.get(socket)!;
    endsWithClient.add(response);
    response.once('close', () => endsWithClient.delete(response));
  }

  /** Node looks after the time-outs of servers that listen; this one does not. */
  #checkNowAndThen(): void {
    const { clock } = this.#host;
    this.#stopChecking = clock.after(CHECK_MS, () => {
      const now = clock.now();
      for (const [socket, { waitingSince = now, readBefore }] of this.#connections) {
        if (now - waitingSince < this.#options.waitMs) continue;
        if (socket.bytesRead > readBefore)
          this.#refuse(socket, 408, 'HttpWaitTimeout', 'it has not come whole in time');
        else socket.destroy();
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
  /** Of requests without a whole answer, in their order. */
  readonly unanswered: Set<ServerResponse>;
  /** The answer under way is its last. */
  isClosing: boolean;
  /** Undefined while a request is being answered. */
  waitingSince: number | undefined;
  /** Bytes that had been read of it then. */
  readBefore: number;
  /** Those under way that end when the client closes its side. */
  readonly endsWithClient: Set<ServerResponse>;
}

/** The response to a request that Node has handed over as an upgrade: the last of its connection. It is under way until that is closed. */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  socket.on('error', () => {}); // 'close' follows
  socket.on('drain', () => response.emit('drain'));
  response.once('finish', () => (socket as PacedStream).destroySoon());
  return response;
}
