// An adaptor: its ports with one set of rules, one certificate and one HTTP door. FMS: a folder of conf/ with an Adaptor.xml.
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import type { AddressList, AddressRules } from '../config/address-rules.ts';
import { ConfigError } from '../errors.ts';
import { logBug } from '../log/log.ts';
import { HttpDoor, type HttpOptions } from './http/http.ts';
import { type PlayerRouteOptions, playerRoutes } from './http/player-routes.ts';
import type { ConnectLimits } from './link/connect-rate.ts';
import type { Resolver } from './link/reverse-dns.ts';
import type { SessionPeer } from './link/session-peer.ts';
import { Sessions } from './link/sessions.ts';
import { addressesOf } from './ports/addresses.ts';
import { formatPlace } from './ports/bind-error.ts';
import { Listener, type ListenerOptions } from './ports/listener.ts';
import { TlsDoor, type TlsOptions } from './ports/tls.ts';
import { RtmpSession } from './rtmp/rtmp-session.ts';
import type { SessionOptions } from './rtmp/session-options.ts';
import { type TunnelOptions, Tunnels } from './tunnel/rtmpt.ts';

/** config/hostport.ts */
export interface ListenPlace {
  host: string | undefined;
  port: number;
  secure: boolean;
}

export interface AdaptorOptions {
  /** `_defaultRoot_`, for logs. */
  name: string;
  listen: readonly ListenPlace[];
  /** Whether ports without an address are open on IPv6 as well. */
  ipv6: boolean;
  tls: Omit<TlsOptions, 'handshakeTimeoutMs' | 'turns'>;
  /** Who puts a PROXY header before each connection. */
  proxies: AddressList;
  rules: AddressRules;
  /** For rules that name hosts. */
  resolver: Resolver;
  /** For each port by itself. */
  limits: ConnectLimits;
  /** Of connections: see ListenerOptions. */
  maxDescriptor: number;
  /** Whether a socket to another server may be opened. */
  hasRoom(): boolean;
  player: PlayerRouteOptions;
  http: HttpOptions;
  tunnel: TunnelOptions;
  session: SessionOptions;
  /** Ports that could not be opened at the start have been: there is a certificate now. */
  onLate(opened: Opened): void;
}

export interface Opened {
  readonly listeners: Listener[];
  /** Why ports stay closed. */
  readonly problems: ConfigError[];
}

/** How often a port that is free on both families is looked for. */
const FREE_PORT_TRIES = 8;

/**
 * Opens what can be opened; each port that cannot is logged with its reason while the others serve. A ConfigError when not
 * one of them can.
 */
export async function openAdaptors(all: readonly AdaptorOptions[]): Promise<Adaptor[]> {
  const adaptors = all.map((options) => new Adaptor(options));
  try {
    for (const adaptor of adaptors) await adaptor.open();
    const [problem] = adaptors.flatMap(({ problems }) => problems);
    if (problem && adaptors.every(({ listeners }) => listeners.length === 0)) throw problem;
  } catch (error) {
    await Promise.all(adaptors.map((adaptor) => adaptor.close('the server cannot be started')));
    throw error;
  }
  for (const adaptor of adaptors) adaptor.report();
  return adaptors;
}

export class Adaptor implements Opened {
  readonly listeners: Listener[] = [];
  readonly problems: ConfigError[] = [];
  readonly #options: AdaptorOptions;
  readonly #http: HttpDoor;
  /** Whatever they came by. */
  readonly #sessions: Sessions;
  readonly #tunnels: Tunnels;
  #tls: TlsDoor | undefined;
  #isAccepting = true;

  constructor(options: AdaptorOptions) {
    const { clock, log, lines } = options.session;
    const { hasRoom } = options;
    this.#options = options;
    this.#sessions = new Sessions(clock);
    const openSession = (socket: Duplex, peer: SessionPeer) => this.#openSession(socket, peer);
    this.#tunnels = new Tunnels(options.tunnel, { clock, log, lines, openSession });
    const routes = [...playerRoutes(options.player, log), ...this.#tunnels.routes];
    this.#http = new HttpDoor(routes, options.http, { clock, log, lines, hasRoom }, options.session.turns);
  }

  /** Over a connection, or over what looks like one. */
  #openSession(socket: Duplex, peer: SessionPeer): RtmpSession {
    const session = new RtmpSession(socket, peer, this.#options.session);
    this.#sessions.add(session);
    return session;
  }

  async open(): Promise<void> {
    const { listen } = this.#options;
    const secure = listen.filter((place) => place.secure);
    if (secure.length > 0) {
      this.#tls = await this.#openTls(() => this.#openLate(secure));
      const { problem } = this.#tls;
      if (problem) {
        const ports = secure.map(({ port }) => port).join(', ');
        const text = `port ${ports} with TLS stays closed: ${problem.message}`;
        this.problems.push(new ConfigError(problem.code, text, { cause: problem }));
      }
    }
    const open = await this.#openPlaces(
      this.#tls?.problem ? listen.filter((place) => !place.secure) : listen,
    );
    this.problems.push(...open.problems);
    this.listeners.push(...open.listeners);
  }

  #openTls(onUsable: () => void): Promise<TlsDoor> {
    const { tls, session } = this.#options;
    const options = { ...tls, handshakeTimeoutMs: session.handshakeTimeoutMs, turns: session.turns };
    return TlsDoor.open(options, session.clock, session.log, onUsable);
  }

  async #openPlaces(places: readonly ListenPlace[]): Promise<Opened> {
    const opened: Opened = { listeners: [], problems: [] };
    for (const place of places) {
      try {
        opened.listeners.push(...(await this.#openPlace(place)));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        opened.problems.push(error);
      }
    }
    return opened;
  }

  /** The ports that had no certificate at the start, now that there is one. */
  async #openLate(places: readonly ListenPlace[]): Promise<void> {
    const { session, onLate } = this.#options;
    try {
      const opened = await this.#openPlaces(places);
      this.listeners.push(...opened.listeners);
      if (!this.#isAccepting) {
        await Promise.all(opened.listeners.map((listener) => listener.close()));
        return;
      }
      this.#report(opened);
      onLate(opened);
    } catch (error) {
      logBug(session.log, error, 'adaptor');
    }
  }

  /** To the log: each port, and why it is closed if it is. */
  report(): void {
    this.#report(this);
  }

  #report({ listeners, problems }: Opened): void {
    const { name, session } = this.#options;
    for (const { code, message } of problems) {
      session.log.error({ event: 'port-closed', adaptor: name, code }, message);
    }
    for (const { address } of listeners) {
      const { host, port, secure } = address;
      session.log.info(
        { event: 'listening', adaptor: name, ...address },
        `listening on ${formatPlace(host, port)}${secure ? ' with TLS' : ''}`,
      );
    }
  }

  async #openPlace(place: ListenPlace): Promise<Listener[]> {
    const hosts = await addressesOf(place.host, this.#options.ipv6);
    for (let tries = 1; ; tries += 1) {
      const opened: Listener[] = [];
      try {
        for (const host of hosts) {
          // port 0: the first address chooses for all
          const port = opened[0]?.address.port ?? place.port;
          const listener = await this.#openAddress(host, port, place, opened.length > 0);
          if (listener) opened.push(listener);
        }
        return opened;
      } catch (error) {
        await Promise.all(opened.map((listener) => listener.close()));
        const mayTryAnother = place.port === 0 && opened.length > 0 && tries < FREE_PORT_TRIES;
        if (!mayTryAnother) throw error;
      }
    }
  }

  /** Nothing for IPv6 on a machine without it, when IPv4 is open. */
  async #openAddress(
    host: string,
    port: number,
    place: ListenPlace,
    hasOther: boolean,
  ): Promise<Listener | undefined> {
    const { session, proxies, rules, resolver, limits, maxDescriptor } = this.#options;
    const { clock, log, lines, turns, handshakeTimeoutMs } = session;
    const options: ListenerOptions = {
      onRtmp: (socket, peer) =>
        this.#openSession(socket, { ...peer, protocol: peer.secure ? 'rtmps' : 'rtmp' }),
      onHttp: (socket, peer) => this.#http.take(socket, peer),
      clock,
      log,
      lines,
      turns,
      handshakeTimeoutMs,
      proxies,
      rules,
      resolver,
      limits,
      maxDescriptor,
      tls: place.secure ? this.#tls : undefined,
    };
    const mayDoWithout = hasOther && host === '::';
    try {
      // Linux lets a socket be bound to an IPv6 that is switched off for every interface
      if (!mayDoWithout || hasIPv6()) return await Listener.open({ host, port }, options);
    } catch (error) {
      if (!mayDoWithout || !isMissingFamily(error)) throw error;
    }
    session.log.warn(
      { event: 'no-ipv6', adaptor: this.#options.name, port },
      `IPv6 is enabled, but this machine has none: port ${port} is open on IPv4 only`,
    );
    return undefined;
  }

  /** Of all its ports, those in tunnels too. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  get httpConnectionCount(): number {
    return this.#http.connectionCount;
  }

  /** No new connections; those that are open go on until `close`. */
  stopAccepting(): void {
    this.#isAccepting = false;
    for (const listener of this.listeners) listener.stopAccepting();
    this.#tunnels.stopAccepting();
  }

  /** Ends every session and waits until all of them are gone. */
  async close(reason: string): Promise<void> {
    this.#isAccepting = false;
    this.#tls?.close();
    this.#tunnels.close();
    const closed = await Promise.allSettled([
      this.#sessions.close(reason).finally(() => this.#http.close()), // the last words of tunnels go out by HTTP
      ...this.listeners.map((listener) => listener.close()),
    ]);
    for (const result of closed) {
      if (result.status === 'rejected') logBug(this.#options.session.log, result.reason, 'adaptor');
    }
  }
}

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some(({ family }) => family === 'IPv6'),
  );
}

function isMissingFamily(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
}
