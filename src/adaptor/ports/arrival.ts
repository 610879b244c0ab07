// A connection from the moment it is accepted until it is known who it is and what it speaks:
//
//   accepted → [PROXY header] → Allow and Deny, limits → [TLS] → first byte → a session of RTMP, or the HTTP door
import type { Socket } from 'node:net';
import { plainAddress } from '../../application/pace/occupancy.ts';
import type { Clock } from '../../clock.ts';
import {
  type AddressList,
  type AddressRules,
  admitsAddress,
  admitsNames,
} from '../../config/address-rules.ts';
import { CodedError } from '../../errors.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import type { ConnectLimiter } from '../link/connect-rate.ts';
import type { Peer } from '../link/peer.ts';
import { type Resolver, verifiedNames } from '../link/reverse-dns.ts';
import { ProxyHeaderReader } from './proxy-protocol.ts';
import { withSharedBuffer } from './shared-read.ts';
import type { TlsDoor } from './tls.ts';

/** What every connection of a listener has to pass. */
export interface Door {
  /** Undefined: a port without TLS. */
  tls: TlsDoor | undefined;
  /** Who puts a PROXY header before each connection. From there nothing is taken without one, from elsewhere nothing with one. */
  proxies: AddressList;
  rules: AddressRules;
  /** For rules that name hosts. */
  resolver: Resolver;
  limiter: ConnectLimiter;
  /** From here to the first byte of RTMP or HTTP. */
  timeoutMs: number;
  clock: Clock;
  log: Log;
  lines: LineLimit;
  /** Bytes that came already follow as 'data' once it is resumed. */
  onRtmp(socket: Socket, peer: Peer): void;
  onHttp(socket: Socket, peer: Peer): void;
}

const KEPT_OUT = 'Allow and Deny do not permit its address';

export class Arrival {
  /** Resolves when it has been handed on or has gone. */
  readonly over: Promise<void>;
  readonly #raw: Socket;
  readonly #door: Door;
  readonly #startedAt: number;
  readonly #end: () => void;
  #isOver = false;
  #ip: string;

  constructor(raw: Socket, door: Door) {
    this.#raw = raw;
    this.#door = door;
    this.#startedAt = door.clock.now();
    this.#ip = plainAddress(raw.remoteAddress ?? '');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#end = resolve;
    raw.on('error', () => {}); // 'close' follows
    raw.once('close', () => this.#leave());
    try {
      this.#begin();
    } catch (error) {
      logBug(door.log, error, 'arrival');
      raw.destroy();
    }
  }

  #begin(): void {
    const { remoteAddress, localAddress = '' } = this.#raw;
    if (remoteAddress === undefined) {
      this.#raw.destroy(); // reset before it was accepted
      return;
    }
    const peer: Peer = { ip: this.#ip, localIp: plainAddress(localAddress), secure: false };
    if (this.#door.proxies.has(this.#ip)) this.#readProxyHeader(peer);
    else this.#identified(peer);
  }

  #readProxyHeader(proxy: Peer): void {
    const raw = this.#raw;
    const reader = new ProxyHeaderReader();
    const take = (bytes: Buffer) => {
      try {
        const read = reader.push(bytes);
        if (!read) return;
        raw.off('data', take);
        raw.pause();
        if (read.rest.length > 0) raw.unshift(read.rest);
        const { source, destination, isTls } = read.header;
        if (source) this.#ip = plainAddress(source.address);
        this.#identified({
          ip: this.#ip,
          localIp: destination ? plainAddress(destination.address) : proxy.localIp,
          secure: isTls,
        });
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.#refuse(error.message, 'warn');
      }
    };
    raw.on('data', take);
  }

  #identified(peer: Peer): void {
    const { rules, limiter } = this.#door;
    const verdict = admitsAddress(rules, peer.ip);
    if (verdict === false) {
      this.#refuse(KEPT_OUT);
      return;
    }
    const counted = limiter.admit(peer.ip);
    if (typeof counted === 'string') {
      this.#refuse(`${counted} is reached`);
      return;
    }
    this.#raw.once('close', counted);
    if (verdict === true) this.#admitted(peer);
    else this.#askForNames(peer);
  }

  #askForNames(peer: Peer): void {
    this.#raw.pause();
    verifiedNames(peer.ip, this.#door.resolver)
      .then((names) => {
        if (this.#raw.destroyed) return;
        if (admitsNames(this.#door.rules, peer.ip, names)) this.#admitted(peer);
        else this.#refuse(KEPT_OUT);
      })
      .catch((error) => {
        logBug(this.#door.log, error, 'arrival');
        this.#raw.destroy();
      });
  }

  #admitted(peer: Peer): void {
    const { tls } = this.#door;
    if (!tls) {
      this.#listen(this.#raw, peer);
      return;
    }
    tls.accept(this.#raw, {
      ip: peer.ip,
      secured: (socket) => {
        socket.on('error', () => {}); // 'close' follows
        this.#listen(socket, { ...peer, secure: true, transportBytes: () => this.#raw.bytesRead });
      },
      failed: (reason) => this.#refuse(`TLS: ${reason}`),
      renegotiates: () => {
        const { log, lines } = this.#door;
        const text = 'TLS: a client requested renegotiation; its connection is closed';
        lines.limit('MaxTlsRenegotiations', peer.ip, { log, ip: peer.ip }, text);
        this.#raw.destroy();
      },
    });
  }

  #listen(socket: Socket, peer: Peer): void {
    socket.once('data', (first: Buffer) => this.#heard(socket, first, peer));
    socket.resume();
  }

  #heard(socket: Socket, first: Buffer, peer: Peer): void {
    const protocol = protocolOf(first[0]!);
    if (protocol === 'rtmp') {
      const shared = this.#door.tls ? socket : withSharedBuffer(socket);
      this.#handOn(shared, first, (ready) => this.#door.onRtmp(ready, peer));
    } else if (protocol === 'http') {
      this.#handOn(socket, first, (ready) => this.#door.onHttp(ready, peer));
    } else {
      const what =
        protocol === 'tls'
          ? 'TLS on a port without TLS (":-443" enables it on port 443)'
          : 'no RTMP and no HTTP';
      this.#refuse(`it speaks ${what}`);
    }
  }

  #handOn(socket: Socket, first: Buffer, take: (socket: Socket) => void): void {
    socket.pause();
    socket.unshift(first);
    take(socket);
    this.#leave();
    socket.resume();
  }

  #refuse(reason: string, level: 'info' | 'warn' = 'info'): void {
    this.#door.log[level](
      { event: 'connection-refused', ip: this.#ip, reason },
      `connection refused: ${reason}`,
    );
    this.#raw.destroy();
  }

  /** Called now and then by the listener. */
  check(now: number): void {
    if (now - this.#startedAt >= this.#door.timeoutMs)
      this.#refuse(`no data received within ${this.#door.timeoutMs / 1000} s`);
  }

  close(): void {
    if (!this.#isOver) this.#raw.destroy();
  }

  #leave(): void {
    this.#isOver = true;
    this.#end();
  }
}

/**
 * RTMP begins with its version: 3, or 6, 8, 9 for what Flash Player encrypts by itself; HTTP with the capital letter of a
 * verb; TLS with the type of a handshake record.
 */
function protocolOf(first: number): 'rtmp' | 'http' | 'tls' | undefined {
  if (first === 3 || first === 6 || first === 8 || first === 9) return 'rtmp';
  if (first >= 0x41 && first <= 0x5a) return 'http';
  return first === 0x16 ? 'tls' : undefined;
}
