// Every log of the server that is a file: opened, reopened and closed together.
import { join } from 'node:path';
import type { AccessEvent, AccessField } from './access-fields.ts';
import { AccessLog } from './access-log.ts';
import { ApplicationLogs } from './application-log.ts';
import { DiagnosticLog } from './diagnostic-log.ts';
import { LogCollector, type LogCollectorHost, type LogCollectorOptions } from './log-collector.ts';
import type { LogFileOptions } from './log-file.ts';
import { machineLoadMeter } from './machine-load.ts';
import type { SecretMask } from './secrets.ts';
import { systemTime } from './time.ts';
import type { W3cFormat } from './w3c.ts';

export interface ServerLogsOptions {
  /** `Understudy/1.0.0` */
  software: string;
  /** FMS: Logging/TerminatingCharacters. */
  lineEnd: string;
  /** Undefined, here and below: FMS's Logging/…/Enable is false. */
  access:
    | {
        file: LogFileOptions;
        format: W3cFormat;
        events: readonly AccessEvent[];
        fields: readonly AccessField[];
        mask: SecretMask;
        /** FMS: Logging/Access/Scope. */
        isPerVhost: boolean;
      }
    | undefined;
  application: LogFileOptions | undefined;
  master: LogFileOptions | undefined;
  edge: LogFileOptions | undefined;
  admin: LogFileOptions | undefined;
}

export class ServerLogs {
  /** Of the server as a whole. */
  readonly access: AccessLog | undefined;
  readonly applications: ApplicationLogs;
  /** The server's start and stop. */
  readonly master: DiagnosticLog;
  /** Ports. */
  readonly edge: DiagnosticLog;
  /** What administrators do. */
  readonly admin: DiagnosticLog;
  readonly #openAccess: (file: LogFileOptions) => AccessLog | undefined;
  /** Where virtual hosts have access logs of their own. */
  readonly #accessFile: LogFileOptions | undefined;
  readonly #ofVhosts = new Map<string, AccessLog>();
  readonly #collectors = new Map<string, LogCollector>();

  /** `onProblem`: a file that cannot be written, once until it can be again. */
  constructor(options: ServerLogsOptions, onProblem: (path: string, error: Error) => void) {
    const { software, lineEnd, access } = options;
    const hostOf = (file: LogFileOptions | undefined) => ({
      ...{ time: systemTime, onProblem },
      collector: file?.collector && this.#collectorOf(file.collector, onProblem),
    });
    const diagnostic = (file: LogFileOptions | undefined) =>
      new DiagnosticLog({ file, software, lineEnd }, hostOf(file));
    const load = machineLoadMeter();
    this.#openAccess = (file) =>
      access && new AccessLog({ ...access, file, software }, { ...hostOf(file), load });
    this.#accessFile = access?.isPerVhost ? access.file : undefined;
    this.access = access && this.#openAccess(access.file);
    const { application } = options;
    this.applications = new ApplicationLogs({ file: application, software, lineEnd }, hostOf(application));
    this.master = diagnostic(options.master);
    this.edge = diagnostic(options.edge);
    this.admin = diagnostic(options.admin);
  }

  /** One for all files whose lines go to the same place in the same way. */
  #collectorOf(options: LogCollectorOptions, onProblem: LogCollectorHost['onProblem']): LogCollector {
    const key = JSON.stringify(options);
    const collector = this.#collectors.get(key) ?? new LogCollector(options, { time: systemTime, onProblem });
    this.#collectors.set(key, collector);
    return collector;
  }

  /** Hosts of one name in several adaptors share a log: each line says which of them it is about. */
  accessOf(vhost: string): AccessLog | undefined {
    if (!this.#accessFile) return this.access;
    const file = { ...this.#accessFile, directory: join(this.#accessFile.directory, vhost) };
    const log = this.#ofVhosts.get(vhost) ?? this.#openAccess(file);
    if (log) this.#ofVhosts.set(vhost, log);
    return log;
  }

  /** Somebody has moved the files away: what follows goes to new ones. */
  reopen(): void {
    for (const log of this.#all) log.reopen();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((log) => log.close()));
    await Promise.all([...this.#collectors.values()].map((collector) => collector.close()));
  }

  get #all(): (AccessLog | ApplicationLogs | DiagnosticLog)[] {
    const { access, applications, master, edge, admin } = this;
    return [...(access ? [access] : []), ...this.#ofVhosts.values(), applications, master, edge, admin];
  }
}
