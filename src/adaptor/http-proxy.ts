// What comes by HTTP and is not for us, passed on to a web server: whole connections (FMS: Redirect), or request by request
// (FMS: HttpProxy). RTMP and a web site can share a port that way.
import { Agent, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import type { Clock } from '../application/clock.ts';
import type { Log } from '../log/log.ts';
import { reply } from './http-reply.ts';
import type { Peer } from './peer.ts';

export interface WebServer {
  readonly host: string;
  readonly port: number;
}

export interface PassingOn {
  /** The first that fits. `port`: of ours, undefined any. */
  readonly targets: readonly { readonly port: number | undefined; readonly to: WebServer }[];
  /** Neither side has anything to say for so long: the end. */
  readonly quietMs: number;
}

/** To one web server. No setting: who needs more than this has a proxy for it. */
const MAX_SOCKETS = 256;
/** Of one connection and not of the message: RFC 9110 §7.6.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'x-forwarded-proto'],
]);

export function targetOf({ targets }: PassingOn, { localPort }: Socket): WebServer | undefined {
  return targets.find(({ port }) => port === undefined || port === localPort)?.to;
}

/** Byte by byte, to the end of either side. What `socket` has buffered goes first. */
export function passOn(socket: Socket, to: WebServer, quietMs: number, clock: Clock, log: Log): void {
  const upstream = connect({ ...to, noDelay: true });
  const quiet = new Quiet(quietMs, clock, () => upstream.destroy());
  quiet.listen(socket);
  quiet.listen(upstream);
  upstream.once('error', (error) => sayUnreachable(log, to, error));
  const end = () => {
    quiet.stop();
    socket.destroy();
    upstream.destroy();
  };
  socket.once('close', end);
  upstream.once('close', end);
  socket.pipe(upstream).pipe(socket);
}

export class HttpProxy {
  readonly #quietMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });

  constructor(quietMs: number, clock: Clock, log: Log) {
    this.#quietMs = quietMs;
    this.#clock = clock;
    this.#log = log;
  }

  pass(request: IncomingMessage, response: ServerResponse, to: WebServer, { ip, secure }: Peer): void {
    const { method, url } = request;
    const headers = [...endToEnd(request), ...forwarded(ip, secure)];
    const upstream = ask({ ...to, method, path: url, headers, setHost: false, agent: this.#agent });
    const fail = (status: number, text: string) => {
      quiet.stop();
      upstream.destroy();
      if (response.headersSent)
        response.destroy(); // the client sees that the rest is missing
      else reply(response, status, {}, text);
    };
    const quiet = new Quiet(this.#quietMs, this.#clock, () => fail(504, 'Gateway Timeout\n'));
    upstream.once('response', (answer) => {
      quiet.listen(answer);
      response.writeHead(answer.statusCode!, answer.statusMessage, endToEnd(answer));
      pipeline(answer, response, () => {}); // one that breaks off breaks the other off
    });
    upstream.once('error', (error) => {
      if (response.closed || quiet.isOver) return;
      sayUnreachable(this.#log, to, error);
      fail(502, 'Bad Gateway\n');
    });
    response.once('close', () => {
      quiet.stop();
      upstream.destroy();
    });
    if (hasBody(request)) {
      quiet.listen(request);
      request.pipe(upstream);
    } else upstream.end();
  }

  /** Connections that wait for another request as well. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Sees that nothing has been said for a while. */
class Quiet {
  isOver = false;
  readonly #clock: Clock;
  #lastAt: number;
  #cancel = () => {};

  constructor(ms: number, clock: Clock, onQuiet: () => void) {
    this.#clock = clock;
    this.#lastAt = clock.now();
    const watch = (forMs: number) => {
      this.#cancel = clock.after(forMs, () => {
        const leftMs = this.#lastAt + ms - clock.now();
        if (leftMs > 0) watch(leftMs);
        else {
          this.isOver = true;
          onQuiet();
        }
      });
    };
    watch(ms);
  }

  /** The stream flows from now on. */
  listen(stream: Readable): void {
    stream.on('data', () => {
      this.#lastAt = this.#clock.now();
    });
  }

  stop(): void {
    this.isOver = true;
    this.#cancel();
  }
}

/** A body that nothing announces is none: sent on it would be taken for another request. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Name and value by turns, as they came. */
function endToEnd({ headers, rawHeaders }: IncomingMessage): string[] {
  const named = headers.connection?.toLowerCase().split(/[\s,]+/) ?? [];
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!HOP_BY_HOP.has(name) && !named.includes(name)) kept.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  // it comes in pieces here and goes on in pieces there
  if (headers['transfer-encoding'] !== undefined) kept.push('Transfer-Encoding', 'chunked');
  return kept;
}

/** Of whom others say that they speak stays in front; how it came to us nobody else can say. */
function forwarded(ip: string, secure: boolean): string[] {
  return ['X-Forwarded-For', ip, 'X-Forwarded-Proto', secure ? 'https' : 'http'];
}

function sayUnreachable(log: Log, { host, port }: WebServer, error: Error): void {
  log.warn(
    { event: 'web-server', host, port, err: error },
    `the web server ${host}:${port} cannot be reached: ${error.message}`,
  );
}
