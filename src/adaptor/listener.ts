// One bound port and the sessions that came in through it.

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { ConfigError } from '../errors.ts';
import { logBug } from '../log/log.ts';
import { RtmpSession, type SessionOptions } from './rtmp-session.ts';

export interface ListenerAddress {
  kind: 'rtmp';
  host: string;
  port: number;
  secure: boolean;
}

/** How often idle sessions and half-done handshakes are looked for. */
const CHECK_MS = 1_000;
const BACKLOG = 1024;

export class Listener {
  readonly address: ListenerAddress;
  readonly sessions: Set<RtmpSession>;
  readonly #server: Server;
  readonly #stopChecking: () => void;

  private constructor(server: Server, sessions: Set<RtmpSession>, stopChecking: () => void) {
    const { address, port } = server.address() as AddressInfo;
    this.address = { kind: 'rtmp', host: address, port, secure: false };
    this.#server = server;
    this.sessions = sessions;
    this.#stopChecking = stopChecking;
  }

  /** Binds `host`:`port` (0: any free one). A ConfigError says why it cannot. */
  static async open(host: string, port: number, options: SessionOptions): Promise<Listener> {
    const sessions = new Set<RtmpSession>();
    const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
      const session = new RtmpSession(socket, options);
      sessions.add(session);
      void session.closed.then(() => sessions.delete(session));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(error, host, port)));
      server.listen({ host, port, backlog: BACKLOG }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => logBug(options.log, error, `listener on ${host}:${port}`));
    return new Listener(server, sessions, startChecking(sessions, options));
  }

  /** No new connections; those that are open go on until `closed`. */
  stopAccepting(): void {
    this.#server.close();
  }

  /** Ends every session and waits until all of them are gone. */
  async close(reason: string): Promise<void> {
    this.#stopChecking();
    if (this.#server.listening) this.#server.close();
    const sessions = [...this.sessions];
    for (const session of sessions) session.close(reason);
    await Promise.all(sessions.map(({ closed }) => closed)); // the server's own 'close' comes before its last socket's
  }
}

function startChecking(sessions: Set<RtmpSession>, { clock }: SessionOptions): () => void {
  let cancel = () => {};
  const arm = () => {
    cancel = clock.after(CHECK_MS, () => {
      const now = clock.now();
      for (const session of sessions) session.check(now);
      arm();
    });
  };
  arm();
  return () => cancel();
}

function bindError(error: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  const where = `${host}:${port}`;
  const why: Record<string, string> = {
    EADDRINUSE: `port ${where} is in use by another process`,
    EACCES: `this process may not bind ${where}: ports below 1024 need the right CAP_NET_BIND_SERVICE`,
    EADDRNOTAVAIL: `this machine has no address ${host}`,
  };
  return new ConfigError(
    'ERR_CONFIG_BIND',
    why[error.code ?? ''] ?? `cannot listen on ${where}: ${error.message}`,
    {
      cause: error,
    },
  );
}
