// A port of the administration: HTTP, no TLS, from those addresses that may and in no page of somebody else's.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { ConfigError } from '../errors.ts';
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
  log: Log;
  answer(request: Request): Promise<Reply>;
}

/** A page of the manual has examples of some 200 bytes. */
const MAX_HEADER_BYTES = 16 << 10;
const MAX_BODY_BYTES = 64 << 10;
const MAX_CONNECTIONS = 100;
const HEADERS_MS = 10_000;
const REQUEST_MS = 20_000;
const KEEP_ALIVE_MS = 15_000;

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
    server.on('connection', (socket) => this.#admit(socket));
    server.on('request', (request, response) => {
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
      connectionsCheckingInterval: 5_000,
    });
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(options.bindError(error, host, port)));
      server.listen({ host, port, ipv6Only: isIPv6(host) }, resolve);
    });
    server.removeAllListeners('error');
    return new AdminPort(server, options);
  }

  #admit(socket: Socket): void {
    const ip = socket.remoteAddress ?? '';
    if (this.#options.admits(ip)) return;
    this.#options.log.info(
      { event: 'connection-refused', ip },
      'Allow and Deny keep it from the administration',
    );
    socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusalOf(request);
    if (refusal) {
      request.resume();
      send(response, refusal);
      return;
    }
    const body = await readBody(request);
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
    const reply = await this.#options.answer({ method, path, query, headers, body, ip });
    send(response, reply, method === 'HEAD');
  }

  /**
   * A browser sends what pages of others tell it to, with the password that it has kept; and a name that an attacker's DNS
   * makes point to this machine is in its eyes his own server.
   */
  #refusalOf({ headers }: IncomingMessage): Reply | undefined {
    const { host = '', origin } = headers;
    const site = headers['sec-fetch-site'];
    if (isLoopback(this.address.host) && !isLoopback(nameOf(host))) {
      return text(421, 'Misdirected Request: ask for localhost');
    }
    const isForeign = origin !== undefined && origin !== `http://${host}`;
    if (isForeign || site === 'cross-site' || site === 'same-site') {
      return text(403, 'Forbidden: a page of another origin asks');
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

/** Undefined: it is too long, and the rest of it is not waited for. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_BYTES) return undefined;
    parts.push(part);
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
