// A port of the administration: HTTP, no TLS, from those addresses that may and in no page of somebody else's.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Place, Places } from '../application/admission/places.ts';
import type { ConfigError } from '../errors.ts';
import type { LineLimit } from '../log/line-limit.ts';
import { type Log, logBug } from '../log/log.ts';

export interface AdminAddress {
  kind: 'admin';
  host: string;
  port: number;
  family: 'v4' | 'v6';
  secure: false;
}

export interface Request {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** '' if there is none. */
  body: string;
  ip: string;
}

export interface Reply {
  status: number;
  type?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** It goes on after the body. */
  stream?: Stream;
}

/** Says something for as long as it likes. */
export interface Stream {
  start(out: Out): void;
  /** What `write` has refused to hurry has left. */
  drained(): void;
  /** Whoever listened has gone, or never came. */
  closed(): void;
}
export interface Out {
  /** False: it would rather wait. */
  write(text: string): boolean;
  end(): void;
  /** What has not left yet never will. */
  destroy(): void;
}

export interface PortOptions {
  /** By Allow and Deny. */
  admits(ip: string): boolean;
  /** Says why a port cannot be opened. */
  bindError(error: Error, host: string, port: number): ConfigError;
  /** Its bytes come in slices: see adaptor/link/paced-stream.ts. */
  paced(socket: Socket): AdminSocket;
  /** Names that a browser may know this port by, in lower case. */
  hostNames: readonly string[];
  log: Log;
  lines: LineLimit;
  answer(request: Request): Promise<Reply>;
}

/** A page of the manual has examples of some 200 bytes. */
const MAX_HEADER_BYTES = 16 << 10;
const MAX_BODY_BYTES = 64 << 10;
/** More than administrators and their programs ever have. No setting: a newcomer gets in when there are more. */
const MAX_CONNECTIONS = 128;
const HEADERS_MS = 10_000;
const REQUEST_MS = 20_000;
const KEEP_ALIVE_MS = 15_000;
const CHECK_MS = 1_000;

/** Answers hold numbers of now, and the addresses of requests may hold a password. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export class AdminPort {
  readonly address: AdminAddress;
  readonly #server: Server;
  readonly #options: PortOptions;
  /** Requests that have come whole, until their answers have left. */
  readonly #answering = new Set<Promise<void>>();
  readonly #places = new Places(MAX_CONNECTIONS);
  readonly #placeOf = new Map<Duplex, Place>();

  private constructor(server: Server, options: PortOptions) {
    const { address, port } = server.address() as AddressInfo;
    this.address = {
      kind: 'admin',
      host: address,
      port,
      family: isIPv6(address) ? 'v6' : 'v4',
      secure: false,
    };
    this.#server = server;
    this.#options = options;
    server.on('error', (error) => logBug(options.log, error, `admin port ${port}`));
    const [serve] = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (raw) => {
      const socket = options.paced(raw);
      if (this.#admit(socket)) serve?.call(server, socket);
    });
    server.on('request', (request, response) => {
      if (!this.#isInTime(request.socket, response)) return;
      this.#serve(request, response).catch((error: unknown) => {
        logBug(options.log, error, 'administration');
        if (response.headersSent) response.destroy();
        else send(response, text(500, 'Internal Server Error'));
      });
    });
  }

  /** Binds. A ConfigError says why it cannot. */
  static async open(host: string, port: number, options: PortOptions): Promise<AdminPort> {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_MS,
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(options.bindError(error, host, port)));
      server.listen({ host, port, ipv6Only: isIPv6(host) }, resolve);
    });
    server.removeAllListeners('error');
    return new AdminPort(server, options);
  }

  /** False: it is closed. */
  #admit(socket: AdminSocket): boolean {
    const ip = socket.remoteAddress ?? '';
    const { admits, log } = this.#options;
    if (!admits(ip)) {
      log.info(
        { event: 'connection-refused', ip },
        'Allow and Deny do not permit its address on the administration port',
      );
      socket.destroy();
      return false;
    }
    const place = this.#places.enter(
      ip,
      () => socket.destroy(),
      (address) => this.#limit(address, 'an idle connection was closed to make room for another'),
    );
    if (!place) {
      this.#limit(ip, 'the limit of connections is reached');
      socket.destroy();
      return false;
    }
    this.#placeOf.set(socket, place);
    socket.once('close', () => {
      place.leave();
      this.#placeOf.delete(socket);
    });
    return true;
  }

  #limit(address: string, text: string): void {
    const { lines, log } = this.#options;
    lines.limit('MaxAdminConnections', address, { log, ip: address }, `administration: ${text}`);
  }

  /** False: the connection sends requests faster than they are answered, and is closed. */
  #isInTime(socket: Socket, response: ServerResponse): boolean {
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

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusalOf(request);
    if (refusal) {
      request.resume();
      send(response, refusal);
      return;
    }
    const body = await readBody(request);
    if (body === GONE) return;
    if (body === undefined) {
      send(response, { ...text(413, 'Content Too Large'), headers: { connection: 'close' } });
      return;
    }
    const { method = '', url = '', headers } = request;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const ip = request.socket.remoteAddress ?? '';
    const { promise: left, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    this.#answering.add(left);
    void left.then(() => this.#answering.delete(left));
    const place = this.#placeOf.get(request.socket);
    place?.hold(true);
    response.once('close', () => place?.hold(false));
    const reply = await this.#options.answer({ method, path, query, headers, body, ip });
    // who takes a long time to read its answer is of no use to anybody; a stream is meant to last
    if (!response.closed) place?.hold(reply.stream !== undefined);
    send(response, reply, method === 'HEAD');
  }

  /**
   * A browser sends what pages of others tell it to, with the password that it has kept; and a name that an attacker's DNS
   * makes point to this machine is in its eyes his own server. Programs that are no browsers may use any name on a port that is
   * reached from elsewhere: a DNS of somebody else makes them send nothing.
   */
  #refusalOf({ headers }: IncomingMessage): Reply | undefined {
    const { host = '', origin } = headers;
    const site = headers['sec-fetch-site'];
    const name = nameOf(host);
    const isLocal = isLoopback(this.address.host);
    const isKnown =
      isLoopback(name) || this.#options.hostNames.includes(name) || (!isLocal && isIP(name) !== 0);
    if (!isKnown && (isLocal || isBrowser(headers))) {
      return text(
        421,
        'Misdirected Request: ask for localhost or an address, or add the name to <HostNames> in Server.xml',
      );
    }
    const isForeign = origin !== undefined && origin !== `http://${host}`;
    if (isForeign || site === 'cross-site' || site === 'same-site') {
      return text(403, 'Forbidden: the request comes from a page of another origin');
    }
    return undefined;
  }

  /** What has been asked is answered; it may have been to stop. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all(this.#answering);
    this.#server.closeAllConnections();
    await closed;
  }
}

/** What a port needs of a connection besides a stream. */
export interface AdminSocket extends Duplex {
  readonly remoteAddress: string | undefined;
}

/** Every browser sends one of these with every request, whatever a page has it ask for. */
function isBrowser(headers: IncomingMessage['headers']): boolean {
  const signs = ['origin', 'referer', 'sec-fetch-mode', 'accept-language'];
  return signs.some((name) => headers[name] !== undefined) || /^Mozilla\//.test(headers['user-agent'] ?? '');
}

export function text(status: number, message: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${message}\n` };
}

function send(
  response: ServerResponse,
  { status, type, headers = {}, body = '', stream }: Reply,
  isHead = false,
): void {
  response.writeHead(status, {
    ...HEADERS,
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(status === 204 || stream ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  if (!stream || isHead || response.destroyed) {
    response.end(isHead ? '' : body);
    stream?.closed();
    return;
  }
  response.on('drain', () => stream.drained());
  response.once('close', () => stream.closed());
  stream.start({
    write: (text) => response.write(text),
    end: () => response.end(),
    destroy: () => response.destroy(),
  });
}

/** The connection was closed before the request was read. */
const GONE = Symbol('gone');

/** Undefined: it is too long, and the rest of it is not waited for. */
async function readBody(request: IncomingMessage): Promise<string | typeof GONE | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_BODY_BYTES) return undefined;
      parts.push(part);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error; // Node's for a request that is cut off
    return GONE;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** `[::1]:1111` → `::1` */
function nameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/s, '$1')
    .toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
