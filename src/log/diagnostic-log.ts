// master, edge, admin and application.NN.log: what the server and its scripts did, for those who watch FMS's files.
import { LogFile, type LogFileHost, type LogFileOptions } from './log-file.ts';
import { momentOf } from './time.ts';
import { visible } from './visible.ts';
import { FMS_FORMAT, type W3cFormat, w3cHeader } from './w3c.ts';

/** The three digits in the middle of x-status, as far as we use them. */
export const Subject = {
  Server: 258,
  Adaptor: 263,
  JavaScript: 264,
  Application: 265,
  Admin: 267,
  Ssl: 271,
} as const;
export type Subject = (typeof Subject)[keyof typeof Subject];

/** `(i)2631174`: severity, subject, message number. Who watches FMS's logs looks for the first two; numbers are our own. */
export function formatStatus(severity: 'i' | 'w' | 'e' | 's', subject: Subject, message: number): string {
  return `(${severity})${subject}${String(message).padStart(4, '0')}`;
}

export const DIAGNOSTIC_FIELDS: readonly string[] = ['date', 'time', 'x-pid', 'x-status', 'x-ctx'];

/** A tab splits them whatever the delimiter of the access log is. */
const COLUMN = '\t';

export interface DiagnosticLogOptions {
  /** Undefined: nothing is written. */
  file: LogFileOptions | undefined;
  software: string;
  lineEnd: string;
}

export class DiagnosticLog {
  readonly #options: DiagnosticLogOptions;
  readonly #host: LogFileHost;
  readonly #file: LogFile | undefined;

  constructor(options: DiagnosticLogOptions, host: Omit<LogFileHost, 'header'>) {
    const { file, software, lineEnd } = options;
    const format: W3cFormat = { ...FMS_FORMAT, lineEnd };
    this.#options = options;
    this.#host = host;
    this.#file =
      file &&
      new LogFile(file, {
        time: host.time,
        header: (at) => w3cHeader(DIAGNOSTIC_FIELDS, software, at, file.zone, format),
        onProblem: (path, error) => host.onProblem(path, error),
        collector: host.collector,
      });
  }

  /** `status` as `formatStatus` makes it. `text` must hold no secret: nothing is masked here. */
  write(status: string, text: string): void {
    const { file, lineEnd } = this.#options;
    if (!file) return;
    const { date, time } = momentOf(this.#host.time.now(), file.zone);
    this.#file?.write([date, time, process.pid, status, visible(text)].join(COLUMN) + lineEnd);
  }

  reopen(): void {
    this.#file?.reopen();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
