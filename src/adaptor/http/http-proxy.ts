// Requests that no route here covers, passed on to a web server one by one (FMS: HttpProxy), so that RTMP and a web site share a
// port.
//
// The client side is undici's, the rules are ours. undici's parser refuses bytes that belong to no request, which Node's own agent
// may hand to whoever uses the connection next, and it uses a connection again only after a whole request and a whole answer.
// http-proxy-3 and httpxy end the process on a reason phrase with a control character, and never answer after an unasked 101;
// @fastify/reply-from brings a web framework.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Pool } from 'undici';
import { FairTurns } from '../../application/pace/fair-turns.ts';
import { hostKey } from '../../application/pace/occupancy.ts';
import type { Peer } from '../link/peer.ts';
import { Exchange } from './exchange.ts';
import type { HttpRoute, UpgradeWish } from './http-route.ts';
import { type HttpHost, type PassingOn, targetOf, type WebServer } from './web-server.ts';

export interface ProxyOptions extends PassingOn {
  /** To each web server. */
  readonly limits: ProxyLimits;
}

export interface ProxyLimits {
  readonly maxRequests: number;
  readonly maxRequestsPerAddress: number;
  /** Connections that were upgraded, or ask for it; 0: the Upgrade field is ignored. */
  readonly maxUpgrades: number;
  readonly maxUpgradesPerAddress: number;
  /** Bodies that are slower make room for requests that wait; 0: none do. */
  readonly minBytesPerS: number;
}

/** How often exchanges are looked at. */
const LOOK_MS = 500;
type Undici = typeof import('undici');

/** Requests, or upgrades, of one web server: those that have a turn, and those that wait for one. */
interface Queue {
  readonly turns: FairTurns;
  /** That have a turn. */
  readonly exchanges: Set<Exchange>;
}

interface Upstream {
  readonly to: WebServer;
  readonly requests: Queue;
  /** Apart from the requests: they last, and a page shall not wait for them. */
  readonly upgrades: Queue;
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
      ...(this.#options.limits.maxUpgrades > 0 && {
        upgrade: (request, response, peer, wish) => this.#pass(request, response, peer, wish),
      }),
    };
  }

  #pass(request: IncomingMessage, response: ServerResponse, peer: Peer, upgrade?: UpgradeWish): void {
    const to = targetOf(this.#options, request.socket)!;
    const upstream = this.#upstreamOf(to);
    const { turns, exchanges } = upgrade ? upstream.upgrades : upstream.requests;
    const { quietMs, limits } = this.#options;
    const key = hostKey(peer.ip);
    const exchange = new Exchange(request, response, peer, {
      ...{ to, quietMs, minBytesPerS: limits.minBytesPerS },
      host: this.#host,
      mustWait: turns.isFull(key),
      upgrade,
    });
    const leave = turns.take(key, () => {
      exchanges.add(exchange);
      void this.#begin(upstream, exchange, upgrade !== undefined);
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
      for (const { requests, upgrades } of this.#upstreams.values()) {
        for (const { turns, exchanges } of [requests, upgrades]) {
          for (const exchange of exchanges) exchange.look(LOOK_MS);
          makeRoom(turns, exchanges);
          if (exchanges.size > 0) this.#look();
        }
      }
    });
  }

  #upstreamOf(to: WebServer): Upstream {
    const known = this.#upstreams.get(to);
    if (known) return known;
    const { maxRequests, maxRequestsPerAddress, maxUpgrades, maxUpgradesPerAddress } = this.#options.limits;
    const upstream: Upstream = {
      to,
      requests: queueOf(maxRequests, maxRequestsPerAddress),
      upgrades: queueOf(maxUpgrades, maxUpgradesPerAddress),
      pool: undefined,
    };
    this.#upstreams.set(to, upstream);
    return upstream;
  }

  async #begin(upstream: Upstream, exchange: Exchange, isUpgrade: boolean): Promise<void> {
    try {
      const { Client, Pool } = await this.#undici;
      if (this.#isClosed) {
        exchange.fail(503, 'Service Unavailable');
        return;
      }
      if (isUpgrade) {
        // a connection of its own: what comes after a refusal that one side takes for an agreement is nobody else's
        const client = new Client(originOf(upstream.to), { pipelining: 1, ...NO_TIMEOUTS });
        void exchange.over.then(() => client.destroy());
        exchange.begin(client);
        return;
      }
      const { maxRequests: connections } = this.#options.limits;
      upstream.pool ??= new Pool(originOf(upstream.to), { connections, pipelining: 1, ...NO_TIMEOUTS });
      exchange.begin(upstream.pool);
    } catch (error) {
      exchange.broke(error as Error);
    }
  }

  /** Connections that wait for another request as well. */
  close(): void {
    this.#isClosed = true;
    this.#stopLooking?.();
    for (const { pool } of this.#upstreams.values()) void pool?.destroy();
  }
}

/** The idle timeout of the exchange looks after both sides. */
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 };

function originOf({ host, port }: WebServer): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function queueOf(max: number, maxOfOne: number): Queue {
  return { turns: new FairTurns({ max, maxOfOne }), exchanges: new Set() };
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
