// One bound port and those who arrive at it, until it is known what they speak.
import type { AddressInfo, Socket } from 'node:net';
import { createServer, isIPv6, type Server } from 'node:net';
import { plainAddress } from '../../application/pace/occupancy.ts';
import type { Turns } from '../../application/pace/turns.ts';
import type { Clock } from '../../clock.ts';
import type { AddressList, AddressRules } from '../../config/address-rules.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import { ConnectLimiter, type ConnectLimits } from '../link/connect-rate.ts';
import { descriptorOf } from '../link/node-socket.ts';
import type { Peer } from '../link/peer.ts';
import type { Resolver } from '../link/reverse-dns.ts';
import { Arrival, type Door } from './arrival.ts';
import { bindError } from './bind-error.ts';
import type { TlsDoor } from './tls.ts';

/** Where to listen: one address of one family. */
export interface BindAddress {
  /** A literal; `0.0.0.0` and `::` are all of their family. */
  host: string;
  /** 0: any that is free. */
  port: number;
}

export interface ListenerAddress extends BindAddress {
  kind: 'rtmp';
  family: 'v4' | 'v6';
  secure: boolean;
}

export interface ListenerOptions {
  /** What speaks RTMP goes on here. Bytes that came already follow as 'data'. */
  onRtmp(socket: Socket, peer: Peer): void;
  onHttp(socket: Socket, peer: Peer): void;
  clock: Clock;
  log: Log;
  lines: LineLimit;
  /** Of all work that peers cause. */
  turns: Turns;
  /** From the connection to the first byte of RTMP or HTTP. */
  handshakeTimeoutMs: number;
  /** Undefined: a port without TLS. */
  tls: TlsDoor | undefined;
  proxies: AddressList;
  rules: AddressRules;
  resolver: Resolver;
  limits: ConnectLimits;
  /** Connections whose descriptor has this number or a higher one are closed: what is left is for the server itself. */
  maxDescriptor: number;
}

/** How often those who say nothing are looked for. */
const CHECK_MS = 1_000;
/** Connections that the system keeps until they are accepted, which is at once; its own limit (net.core.somaxconn) is a setting. */
const BACKLOG = 1024;

export class Listener {
  readonly address: ListenerAddress;
  readonly #arrivals = new Set<Arrival>();
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #stopChecking: () => void;

  private constructor(server: Server, options: ListenerOptions) {
    const { address, port } = server.address() as AddressInfo;
    const family = isIPv6(address) ? 'v6' : 'v4';
    this.address = { kind: 'rtmp', host: address, port, family, secure: options.tls !== undefined };
    this.#server = server;
    this.#options = options;
    const { log, lines, clock, handshakeTimeoutMs } = options;
    const door: Door = {
      tls: options.tls,
      proxies: options.proxies,
      rules: options.rules,
      resolver: options.resolver,
      limiter: new ConnectLimiter(options.limits, clock),
      timeoutMs: handshakeTimeoutMs,
      clock,
      log,
      lines,
      onRtmp: options.onRtmp,
      onHttp: options.onHttp,
    };
    server.on('error', (error) => logBug(log, error, `listener on ${address}:${port}`));
    server.on('connection', (socket) => {
      options.turns.arrived();
      if ((descriptorOf(socket) ?? -1) >= options.maxDescriptor) {
        this.#refuse(socket);
        return;
      }
      const arrival = new Arrival(socket, door);
      this.#arrivals.add(arrival);
      void arrival.over.then(() => this.#arrivals.delete(arrival));
    });
    this.#stopChecking = this.#startChecking();
  }

  #refuse(socket: Socket): void {
    const { log, lines } = this.#options;
    const ip = plainAddress(socket.remoteAddress ?? '');
    socket.on('error', () => {}); // 'close' follows
    socket.destroy();
    lines.limit('OpenFiles', ip, { log, ip }, 'connection refused: too many files and sockets are open');
  }

  /** Binds. A ConfigError says why it cannot. */
  static async open({ host, port }: BindAddress, options: ListenerOptions): Promise<Listener> {
    const server = createServer({ noDelay: true, allowHalfOpen: false });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(error, host, port)));
      // an IPv4 peer of a port for both families has an IPv6 address in every log; so each family has a socket of its own
      server.listen({ host, port, backlog: BACKLOG, ipv6Only: isIPv6(host) }, resolve);
    });
    server.removeAllListeners('error');
    return new Listener(server, options);
  }

  /** Sockets that it has accepted and that are not closed, as the system's side of it counts them. */
  countConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  /** No new connections; those that have arrived go on. */
  stopAccepting(): void {
    this.#server.close();
  }

  /** Ends those who have arrived and are nobody's yet, and waits until they are gone. */
  async close(): Promise<void> {
    this.#stopChecking();
    if (this.#server.listening) this.#server.close();
    const arrivals = [...this.#arrivals];
    for (const arrival of arrivals) arrival.close();
    await Promise.all(arrivals.map(({ over }) => over));
  }

  #startChecking(): () => void {
    const { clock } = this.#options;
    let cancel = () => {};
    const arm = () => {
      cancel = clock.after(CHECK_MS, () => {
        const now = clock.now();
        for (const arrival of this.#arrivals) arrival.check(now);
        arm();
      });
    };
    arm();
    return () => cancel();
  }
}
