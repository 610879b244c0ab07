// How many files and sockets the process may have open (RLIMIT_NOFILE), and who may use how many of them. A new descriptor has the
// lowest number that is free (POSIX, open), so its number alone says how many are left below the limit: nothing is counted.
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { ConfigError } from '../errors.ts';

/** The server itself has some 60 open, with the processes and threads that it may start. */
const MIN_DESCRIPTORS = 128;
/** Of all: the share that connections leave free, and its bounds. */
const RESERVED_SHARE = 1 / 8;
const MIN_RESERVE = 40;
const MAX_RESERVE = 1024;

export class Descriptors {
  /** Connections of clients whose descriptor has this number or a higher one are closed. */
  readonly maxConnection: number;
  /** Recordings, and files that players ask for, have those below; the rest is for processes, threads, logs, stores. */
  readonly #maxFile: number;

  /** `max`: the limit; undefined: there is none, or it cannot be found out. Throws a ConfigError when the server cannot live with it. */
  constructor(max = openFilesLimit()) {
    if (max !== undefined && max < MIN_DESCRIPTORS) {
      throw new ConfigError(
        'ERR_CONFIG_DESCRIPTORS',
        `this process may have ${max} files and sockets open: expected at least ${MIN_DESCRIPTORS} ` +
          '(raise the limit with "ulimit -n", LimitNOFILE= of systemd, or --ulimit nofile= of Docker)',
      );
    }
    const all = max ?? Number.POSITIVE_INFINITY;
    const reserve = Math.round(Math.min(MAX_RESERVE, Math.max(MIN_RESERVE, all * RESERVED_SHARE)));
    this.maxConnection = all - reserve;
    this.#maxFile = all - reserve / 2;
  }

  /** Whether a file may be opened that a client or a script has asked for. */
  hasRoom(): boolean {
    if (this.#maxFile === Number.POSITIVE_INFINITY) return true;
    try {
      const next = openSync(devNull, 'r');
      closeSync(next);
      return next < this.#maxFile;
    } catch {
      return false;
    }
  }
}

/** Node raises its soft limit to the hard one at its start. */
function openFilesLimit(): number | undefined {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  report.excludeNetwork = true; // it would ask for the names of all peers
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  report.excludeNetwork = excludeNetwork;
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
