// Every log of the server that is a file: opened, reopened and closed together.
import type { AccessEvent, AccessField } from './access-fields.ts';
import { AccessLog } from './access-log.ts';
import { ApplicationLogs } from './application-log.ts';
import { DiagnosticLog } from './diagnostic-log.ts';
import type { LogFileOptions } from './log-file.ts';
import { machineLoadMeter } from './machine-load.ts';
import { systemTime } from './time.ts';
import type { W3cFormat } from './w3c.ts';

export interface ServerLogsOptions {
  /** `Understudy/1.0.0` */
  software: string;
  /** FMS: Logging/TerminatingCharacters. */
  lineEnd: string;
  /** Undefined: FMS's Logging/Access/Enable is false. */
  access:
    | {
        file: LogFileOptions;
        format: W3cFormat;
        events: readonly AccessEvent[];
        fields: readonly AccessField[];
        secretWords: readonly string[] | undefined;
      }
    | undefined;
  application: LogFileOptions;
  master: LogFileOptions;
  edge: LogFileOptions;
  admin: LogFileOptions;
}

export class ServerLogs {
  readonly access: AccessLog | undefined;
  readonly applications: ApplicationLogs;
  /** The server's start and stop. */
  readonly master: DiagnosticLog;
  /** Ports. */
  readonly edge: DiagnosticLog;
  /** What administrators do. */
  readonly admin: DiagnosticLog;

  /** `onProblem`: a file that cannot be written, once until it can be again. */
  constructor(options: ServerLogsOptions, onProblem: (path: string, error: Error) => void) {
    const { software, lineEnd, access } = options;
    const host = { time: systemTime, onProblem };
    const diagnostic = (file: LogFileOptions) => new DiagnosticLog({ file, software, lineEnd }, host);
    this.access = access && new AccessLog({ ...access, software }, { ...host, load: machineLoadMeter() });
    this.applications = new ApplicationLogs({ file: options.application, software, lineEnd }, host);
    this.master = diagnostic(options.master);
    this.edge = diagnostic(options.edge);
    this.admin = diagnostic(options.admin);
  }

  /** Somebody has moved the files away: what follows goes to new ones. */
  reopen(): void {
    for (const log of this.#all) log.reopen();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((log) => log.close()));
  }

  get #all(): (AccessLog | ApplicationLogs | DiagnosticLog)[] {
    const { access, applications, master, edge, admin } = this;
    return [...(access ? [access] : []), applications, master, edge, admin];
  }
}
