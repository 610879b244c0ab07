// Web servers that HTTP is passed on to, and what the log says of them.
import type { Socket } from 'node:net';
import type { Clock } from '../../clock.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';

export interface WebServer {
  readonly host: string;
  readonly port: number;
}

export interface PassingOn {
  /** The first that fits. `port`: of ours, undefined any. */
  readonly targets: readonly { readonly port: number | undefined; readonly to: WebServer }[];
  /** Idle timeout of both sides together. */
  readonly quietMs: number;
}

/** What serving HTTP, and passing it on, needs of the server. */
export interface HttpHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly lines: LineLimit;
  /** Whether a socket to another server may be opened. */
  hasRoom(): boolean;
}

export function targetOf(
  { targets }: PassingOn,
  { localPort }: Pick<Socket, 'localPort'>,
): WebServer | undefined {
  return targets.find(({ port }) => port === undefined || port === localPort)?.to;
}

/** One line a second for each web server: every request can cause one. `what`: `cannot be reached`. */
export function warnOf(
  { log, lines }: HttpHost,
  { host, port }: WebServer,
  what: string,
  error: Error,
): void {
  lines.line('web-server', `${host}:${port}`, (repeats) =>
    log.warn(
      { event: 'web-server', host, port, err: error, ...(repeats > 0 && { repeats }) },
      `the web server ${host}:${port} ${what}: ${error.message}`,
    ),
  );
}

/** False, and one line: the process has no descriptor for a connection to that web server. */
export function hasRoomFor(
  { log, lines, hasRoom }: HttpHost,
  { host, port }: WebServer,
  ip: string,
): boolean {
  if (hasRoom()) return true;
  lines.limit('OpenFiles', ip, { log, ip, host, port }, 'a connection to a web server was not made');
  return false;
}
