// RTMP in HTTP requests, for clients that get no other connection through (RTMPT, in TLS RTMPTS):
//
//   POST /open/1                            →  the tunnel's id and a line feed
//   POST /send|idle|close/<id>/<number>     →  tunnel.ts
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  admitsTunnel,
  type TunnelAdmission,
  type TunnelForm,
} from '../../application/admission/transport.ts';
import type { Clock } from '../../clock.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import { reply } from '../http/http-reply.ts';
import type { HttpRoute } from '../http/http-route.ts';
import { ConnectLimiter, type ConnectLimits } from '../link/connect-rate.ts';
import type { Peer } from '../link/peer.ts';
import type { SessionPeer } from '../link/session-peer.ts';
import { refuse, Tunnel, type TunnelMemory, type TunnelSettings, type TunnelVerb } from './tunnel.ts';

export interface TunnelOptions extends TunnelSettings {
  /** Whose requests. FMS: Enable. */
  admits: TunnelAdmission;
  /** What ids begin with. FMS: NodeID. */
  nodeId: string;
  /** Whether an answer to `open` names this server in a cookie. FMS: SetCookie. */
  setsCookie: boolean;
  /** Characters of one header. FMS: MaxHeaderLineLength. */
  maxHeaderLine: number;
  /** A tunnel without a request for so long is closed. Undefined: never. */
  idleTimeoutMs: number | undefined;
  /** `application/x-fcs`: what answers are when the request does not say what it is. */
  mimeType: string;
  /** A tunnel counts like a connection, and outlives those that its requests come by. */
  limits: ConnectLimits;
}

/** What a tunnel carries. */
export interface TunnelSession {
  readonly input: TunnelMemory;
  close(reason: string): void;
}

/** What tunnels are told by whoever has them. */
export interface TunnelHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly lines: LineLimit;
  /** A session over a tunnel, which is its to end. */
  openSession(tunnel: Tunnel, peer: SessionPeer): TunnelSession;
}

interface Entry {
  readonly tunnel: Tunnel;
  readonly session: TunnelSession;
  readonly isSecure: boolean;
}

/** Nobody guesses one of 96 bits, and whoever has it has the session. */
const ID_BYTES = 12;
const PATH = /^\/(send|idle|close)\/([\w-]{16,25})\/(\d{1,15})(?:\?|$)/;
const CHECK_MS = 1_000;
const COOKIE = 'understudy';

export class Tunnels {
  readonly routes: readonly HttpRoute[];
  readonly #options: TunnelOptions;
  readonly #host: TunnelHost;
  readonly #tunnels = new Map<string, Entry>();
  readonly #limiter: ConnectLimiter;
  /** What load balancers know this server by. */
  readonly #node: string;
  #isAccepting = true;
  #stopChecking: () => void = () => {};

  constructor(options: TunnelOptions, host: TunnelHost) {
    this.#options = options;
    this.#host = host;
    this.#node = options.nodeId || randomBytes(6).toString('base64url');
    this.#limiter = new ConnectLimiter(options.limits, host.clock);
    this.routes = options.admits === 'false' ? [] : this.#makeRoutes();
    this.#endIdleOnes();
  }

  #makeRoutes(): HttpRoute[] {
    const route = (pattern: string, handle: HttpRoute['handle']): HttpRoute => ({
      methods: ['POST'],
      pattern,
      handle: (request, response, peer) => {
        if (!admitsTunnel(this.#options.admits, formOf(request))) refuse(response);
        else if (longestHeader(request) > this.#options.maxHeaderLine) {
          const { log, lines } = this.#host;
          const { ip } = peer;
          lines.limit(
            'MaxHttpHeaderSize',
            ip,
            { log, ip },
            'an HTTP request was refused: a header is too long',
          );
          reply(response, 431, { Connection: 'close' }, 'Request Header Fields Too Large\n');
        } else return handle(request, response, peer);
      },
    });
    return [
      route('/open/1', (request, response, peer) => this.#open(request, response, peer)),
      ...['/send/', '/idle/', '/close/'].map((pattern) =>
        route(pattern, (request, response, peer) => this.#pass(request, response, peer)),
      ),
    ];
  }

  #open(request: IncomingMessage, response: ServerResponse, peer: Peer): void {
    const { ip } = peer;
    const counted = this.#isAccepting ? this.#limiter.admit(ip) : 'the server is shutting down';
    if (typeof counted === 'string') {
      this.#host.log.info({ event: 'connection-refused', ip, reason: counted }, 'tunnel refused');
      reply(response, 503, {}, 'Service Unavailable\n');
      return;
    }
    const { clock } = this.#host;
    const { mimeType, nodeId, setsCookie } = this.#options;
    const id = nodeId + randomBytes(ID_BYTES).toString('base64url');
    const tunnel = new Tunnel(clock, this.#options, mimeType);
    // a tunnel in TLS is rtmps to scripts and logs, as in Flash Media Server
    const protocol = peer.secure ? 'rtmps' : 'rtmpt';
    const forwardedFor = request.headers['x-forwarded-for']?.toString();
    const inside = { ...peer, protocol, forwardedFor, tunnel: formOf(request), transportBytes: undefined };
    const session = this.#host.openSession(tunnel, inside);
    tunnel.memory = session.input;
    this.#tunnels.set(id, { tunnel, session, isSecure: peer.secure });
    tunnel.once('close', () => {
      this.#tunnels.delete(id);
      counted();
    });
    const cookie = `${COOKIE}=${this.#node}; Path=/; HttpOnly${peer.secure ? '; Secure' : ''}`;
    const headers = { 'Content-Type': mimeType, ...(setsCookie ? { 'Set-Cookie': cookie } : {}) };
    reply(response, 200, headers, `${id}\n`);
  }

  #pass(request: IncomingMessage, response: ServerResponse, peer: Peer): void {
    const [, verb, id = '', number] = PATH.exec(request.url ?? '') ?? [];
    const entry = this.#tunnels.get(id);
    // what began in TLS goes on in TLS; the address may change, as behind several proxies
    if (!entry || entry.isSecure !== peer.secure) refuse(response);
    else entry.tunnel.serve(verb as TunnelVerb, Number(number), request, response);
  }

  /** Now and then: those that no request has come by for so long. */
  #endIdleOnes(): void {
    const { idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === undefined) return;
    const { clock } = this.#host;
    this.#stopChecking = clock.after(CHECK_MS, () => {
      const now = clock.now();
      for (const { tunnel, session } of this.#tunnels.values()) {
        if (now - tunnel.lastSeenAt < idleTimeoutMs) continue;
        session.close(`no request of its tunnel for ${idleTimeoutMs} ms`);
        tunnel.destroy();
      }
      this.#endIdleOnes();
    });
  }

  /** No new tunnels; those that are open go on as long as their sessions. */
  stopAccepting(): void {
    this.#isAccepting = false;
  }

  /** Behind the end of their sessions. */
  close(): void {
    this.stopAccepting();
    this.#stopChecking();
  }
}

function formOf({ httpVersion, headers }: IncomingMessage): TunnelForm {
  const isHttp11 = httpVersion === '1.1';
  return { isHttp11, staysOpen: isHttp11 || /\bkeep-alive\b/i.test(headers.connection ?? '') };
}

function longestHeader({ rawHeaders }: IncomingMessage): number {
  let longest = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    longest = Math.max(longest, rawHeaders[i]!.length + ': '.length + rawHeaders[i + 1]!.length);
  }
  return longest;
}
