// The table of routes: which route answers a request. The first route whose pattern covers the request takes it, whatever its method.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Peer } from '../link/peer.ts';

/** The parts of a request that patterns look at. */
export interface Asked {
  /** As sent: percent-encoded, without the query. `*` of an OPTIONS request is a path as well. */
  readonly path: string;
  /** The Host field, `example.com:1935`; undefined: the request has none. */
  readonly host: string | undefined;
  /** The port of this server. */
  readonly localPort: number | undefined;
}

export interface HttpRoute {
  /**
   * A path. One that ends in a slash covers everything below it, `/` only itself. A function for a route that depends on more than the
   * path, or on names that come and go.
   */
  readonly pattern: string | ((asked: Asked) => boolean);
  /** Other methods are answered with 405; undefined: every method is taken. */
  readonly methods: readonly string[] | undefined;
  /** Its responses may take long: a client that closes its side of the connection has gone, and the response is destroyed. */
  readonly endsWithClient?: true;
  /** Answers, now or later. A body that it does not read is dropped. */
  handle(request: IncomingMessage, response: ServerResponse, peer: Peer): void | Promise<void>;
  /**
   * The same for a request that asks for another protocol (RFC 9110 §7.8). It either answers as `handle` does, or leaves `response` alone
   * and writes 101 and everything after it to the connection. A route without it answers by `handle`: the Upgrade field is ignored.
   */
  upgrade?(
    request: IncomingMessage,
    response: ServerResponse,
    peer: Peer,
    wish: UpgradeWish,
  ): void | Promise<void>;
}

/** A client asks for another protocol on its connection. */
export interface UpgradeWish {
  /** `websocket` */
  readonly protocol: string;
  /** The connection. What the client has sent behind its request has been put back. */
  readonly socket: Duplex;
}

/** Undefined: not found. */
export function routeFor(routes: readonly HttpRoute[], asked: Asked): HttpRoute | undefined {
  return routes.find(({ pattern }) =>
    typeof pattern === 'string' ? covers(pattern, asked.path) : pattern(asked),
  );
}

function covers(pattern: string, path: string): boolean {
  return /.\/$/.test(pattern) ? path.startsWith(pattern) : path === pattern;
}

export function askedBy({ url = '', headers, socket }: IncomingMessage): Asked {
  return { path: pathOf(url), host: headers.host, localPort: socket.localPort };
}

/**
 * What the first request of a connection asks for, before it is parsed. Undefined: more of it is needed, which is its first line, or the
 * whole head if a route looks at more than the path.
 */
export function askedIn(
  head: string,
  routes: readonly HttpRoute[],
  localPort: number | undefined,
): Asked | undefined {
  const isPathEnough = routes.every(({ pattern }) => typeof pattern === 'string');
  const end = isPathEnough ? head.indexOf('\n') : head.search(/\n\r?\n/);
  if (end < 0) return undefined;
  const [, url = ''] = head.slice(0, head.indexOf('\n')).split(' ');
  const [, host] = /^host:[ \t]*(.*?)[ \t]*\r?$/im.exec(head.slice(0, end)) ?? [];
  return { path: pathOf(url), host, localPort };
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
