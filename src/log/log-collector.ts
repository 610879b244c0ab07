// Lines of a log, sent to a collector on another machine as they are written to the file. FMS: Logger.xml, LogServer.
//
//   line := server id, tab, line as in the file           UDP: a datagram; TCP: a part of the stream
//
// The head of the log comes first and again after so many lines, its directives as they are but for one more field in front.
// What a collector misses while it is away it finds in the files.
import { createSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import { type FindAddress, KnownAddress, systemAddress } from './known-address.ts';
import type { LogTime } from './time.ts';
import { visible } from './visible.ts';

export interface LogCollectorOptions {
  type: 'udp' | 'tcp';
  host: string;
  port: number;
  /** What this server is called there. */
  serverId: string;
  /** FMS: DisplayFieldsHeader. */
  linesPerHead: number;
}

export interface LogCollectorHost {
  time: LogTime;
  /** Once when lines cannot be sent, however often it is tried again. */
  onProblem(collector: string, error: Error): void;
  /** Undefined: the system's. */
  readonly findAddress?: FindAddress | undefined;
}

/** Neither end of a link throws. */
interface Link {
  send(text: string): void;
  /** Sent and not yet taken by the system. */
  readonly waitingBytes: number;
  close(): Promise<void>;
  /** What is left is lost. */
  cut(): void;
}

const SERVER_FIELD = 's-computername';
const COLUMN = '\t';
/** Lines that a slow collector has not taken; more are left out. */
const MAX_WAITING_BYTES = 4 << 20;
/** How long one that has failed is left alone, and how long it may take what is left at the end. */
const RETRY_MS = 5_000;
const CLOSE_MS = 1_000;
/** UDP over IPv4: 65,535 bytes with 28 of headers. A longer line is cut; the file has all of it. */
const MAX_DATAGRAM_BYTES = 65_507;

export class LogCollector {
  readonly #options: LogCollectorOptions;
  readonly #host: LogCollectorHost;
  readonly #prefix: string;
  #link: Link | undefined;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #isBroken = false;
  #linesToHead = 0;
  #leftOut = 0;

  constructor(options: LogCollectorOptions, host: LogCollectorHost) {
    this.#options = options;
    this.#host = host;
    this.#prefix = visible(options.serverId) + COLUMN;
  }

  /** `line` with its end. `head`: what the file has at its head, lines with their ends. */
  write(line: string, head: () => string): void {
    const link = this.#link ?? this.#open();
    if (!link) return;
    if (link.waitingBytes + line.length > MAX_WAITING_BYTES) {
      if (this.#leftOut === 0) this.#fail(new Error('the log collector is too slow; lines are dropped'));
      this.#leftOut += 1;
      return;
    }
    this.#leftOut = 0;
    if (this.#linesToHead === 0) {
      this.#linesToHead = this.#options.linesPerHead;
      link.send(head().replace(/^#Fields: /m, `#Fields: ${SERVER_FIELD}${COLUMN}`));
    }
    this.#linesToHead -= 1;
    link.send(this.#prefix + line);
  }

  #open(): Link | undefined {
    if (this.#nowMs < this.#retryAtMs) return undefined;
    const { type, host, port } = this.#options;
    const { time, findAddress = systemAddress } = this.#host;
    const works = () => {
      this.#isBroken = false;
    };
    const ended = (error: Error | undefined) => {
      this.#link = undefined;
      this.#linesToHead = 0;
      this.#retryAtMs = this.#nowMs + RETRY_MS;
      if (error) this.#fail(error);
    };
    this.#link =
      type === 'tcp'
        ? openTcp(host, port, works, ended)
        : openUdp(new KnownAddress(host, findAddress, time), port, works, ended);
    return this.#link;
  }

  get #nowMs(): number {
    return this.#host.time.now().getTime();
  }

  #fail(error: Error): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const { type, host, port } = this.#options;
    this.#host.onProblem(`${type}:${isIPv6(host) ? `[${host}]` : host}:${port}`, error);
  }

  /** Waits until the last lines are on their way, but not for long. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#host.time.after(CLOSE_MS, resolve);
    const link = this.#link;
    await Promise.race([link?.close(), promise]);
    cancel();
    link?.cut();
  }
}

function openTcp(host: string, port: number, works: () => void, ended: (error?: Error) => void): Link {
  const socket: Socket = connect({ host, port, noDelay: true });
  let isOurEnd = false;
  let problem: Error | undefined;
  socket.once('connect', works);
  socket.once('error', (error) => {
    problem = error;
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      ended(problem ?? (isOurEnd ? undefined : new Error('it has closed the connection')));
      resolve();
    });
  });
  socket.resume(); // what it says is nothing to us
  socket.unref(); // a log keeps no process alive
  return {
    send: (text) => socket.write(text),
    get waitingBytes() {
      return socket.writableLength;
    },
    close() {
      isOurEnd = true;
      socket.end();
      return closed;
    },
    cut: () => socket.destroy(),
  };
}

function openUdp(
  address: KnownAddress,
  port: number,
  works: () => void,
  ended: (error?: Error) => void,
): Link {
  // Node would ask for the address of every datagram
  const lookup = (_name: string, _options: unknown, found: Parameters<KnownAddress['find']>[0]) =>
    address.find(found);
  const socket = createSocket({ type: address.isIPv6 ? 'udp6' : 'udp4', lookup }).unref();
  let waitingBytes = 0;
  let sent: () => void = () => {};
  let isClosed = false;
  const close = (error?: Error) => {
    if (isClosed) return;
    isClosed = true;
    socket.close();
    ended(error);
    sent();
  };
  socket.on('error', close);
  return {
    send(text) {
      if (isClosed) return;
      const datagram = Buffer.from(text).subarray(0, MAX_DATAGRAM_BYTES);
      const bytes = datagram.length;
      waitingBytes += bytes;
      socket.send(datagram, port, address.host, (error) => {
        waitingBytes -= bytes;
        if (error) close(error);
        else works();
        if (waitingBytes === 0) sent();
      });
    },
    get waitingBytes() {
      return waitingBytes;
    },
    async close() {
      if (waitingBytes > 0) {
        await new Promise<void>((resolve) => {
          sent = resolve;
        });
      }
      close();
    },
    cut: close,
  };
}
