// logs/_defaultVHost_/<application>/<instance>/application.00.log: what `trace` says and what goes wrong in a script, in
// the columns of FMS: date, time, x-pid, x-status, x-ctx, split by tabs.
import { join } from 'node:path';
import { DiagnosticLog, type DiagnosticLogOptions, formatStatus, Subject } from './diagnostic-log.ts';
import type { LogFileHost, LogFileOptions } from './log-file.ts';

/** 1173 is what FMS has for `trace`; the others are our own. */
const STATUS = {
  trace: formatStatus('s', Subject.JavaScript, 1173),
  error: formatStatus('e', Subject.JavaScript, 1220),
  warn: formatStatus('w', Subject.JavaScript, 1221),
  info: formatStatus('i', Subject.Application, 1000),
};

/** Of a line that a script writes by its console. */
export const CONSOLE_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type ConsoleLevel = (typeof CONSOLE_LEVELS)[number];

export interface ApplicationLog {
  trace(text: string): void;
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
}

const SILENT: ApplicationLog = { trace() {}, error() {}, warn() {}, info() {} };

/** Instances come and go; a file that was closed is opened again by its next line. */
const MAX_OPEN_FILES = 100;

/** One file per instance, opened at its first line, appended to, written behind the caller's back; `close` flushes. */
export class ApplicationLogs {
  readonly #options: DiagnosticLogOptions;
  readonly #host: Omit<LogFileHost, 'header'>;
  /** Path of the folder → its log. Least recently used first. */
  readonly #logs = new Map<string, DiagnosticLog>();
  /** Still writing what they were given; one that is used again comes back. */
  readonly #closing = new Map<string, { log: DiagnosticLog; closed: Promise<void> }>();

  /** `file.directory` is that of all logs; names of applications and instances must have been checked (storage/names.ts). */
  constructor(options: DiagnosticLogOptions, host: Omit<LogFileHost, 'header'>) {
    this.#options = options;
    this.#host = host;
  }

  /** `vhost`: the folder of its virtual host below that of the logs. */
  for(vhost: string, application: string, instance: string): ApplicationLog {
    const { file } = this.#options;
    if (!file) return SILENT;
    const folder = join(file.directory, vhost, application, instance);
    const write = (status: string) => (text: string) => this.#logIn(folder, file).write(status, text);
    return {
      trace: write(STATUS.trace),
      error: write(STATUS.error),
      warn: write(STATUS.warn),
      info: write(STATUS.info),
    };
  }

  get openFiles(): number {
    return this.#logs.size;
  }

  #logIn(folder: string, file: LogFileOptions): DiagnosticLog {
    const log = this.#logs.get(folder) ?? this.#closing.get(folder)?.log ?? this.#open(folder, file);
    this.#closing.delete(folder);
    this.#logs.delete(folder);
    this.#logs.set(folder, log);
    if (this.#logs.size > MAX_OPEN_FILES) this.#closeOldest();
    return log;
  }

  #open(folder: string, file: LogFileOptions): DiagnosticLog {
    return new DiagnosticLog({ ...this.#options, file: { ...file, directory: folder } }, this.#host);
  }

  #closeOldest(): void {
    const [oldest] = this.#logs;
    if (!oldest) return;
    const [folder, log] = oldest;
    this.#logs.delete(folder);
    const closed = log.close().then(() => {
      if (this.#closing.get(folder)?.closed === closed) this.#closing.delete(folder);
    });
    this.#closing.set(folder, { log, closed });
  }

  /** The next line of each goes to a file of the name, whatever has become of the one that is open. */
  reopen(): void {
    for (const log of this.#logs.values()) log.reopen();
  }

  /** Writes what is queued and closes every file. */
  async close(): Promise<void> {
    while (this.#logs.size > 0) this.#closeOldest();
    await Promise.all([...this.#closing.values()].map(({ closed }) => closed));
  }
}
