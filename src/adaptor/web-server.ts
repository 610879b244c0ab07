// Web servers that HTTP is passed on to, and what the log says of them.
import type { Socket } from 'node:net';
import type { LineLimit } from '../log/line-limit.ts';
import type { Log } from '../log/log.ts';

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

export interface WebServerLog {
  readonly log: Log;
  readonly lines: LineLimit;
}

export function targetOf(
  { targets }: PassingOn,
  { localPort }: Pick<Socket, 'localPort'>,
): WebServer | undefined {
  return targets.find(({ port }) => port === undefined || port === localPort)?.to;
}

/** One line a second for each web server: every request can cause one. `what`: `cannot be reached`. */
export function warnOf(
  { log, lines }: WebServerLog,
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
