// access.00.log: one event, one line, in the W3C extended format with the fields of Flash Media Server.
import { ACCESS_EVENTS, type AccessEvent, type AccessField, FIELD_KINDS } from './access-fields.ts';
import { LogFile, type LogFileHost, type LogFileOptions } from './log-file.ts';
import type { MachineLoad } from './machine-load.ts';
import type { SecretMask } from './secrets.ts';
import { type LogMoment, type LogZone, momentOf } from './time.ts';
import { type W3cFormat, w3cCell, w3cHeader, w3cLine } from './w3c.ts';

export interface AccessLogOptions {
  file: LogFileOptions;
  format: W3cFormat;
  events: readonly AccessEvent[];
  /** In the order of the columns. */
  fields: readonly AccessField[];
  mask: SecretMask;
  /** `Understudy/1.0.0` */
  software: string;
}

export interface AccessLogHost extends Omit<LogFileHost, 'header'> {
  load(): MachineLoad;
}

/** What an event knows; everything else is a dash, or the log's own to say. */
export type AccessValues = Partial<Record<AccessField, string | number | undefined>>;

export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #host: AccessLogHost;
  readonly #events: ReadonlySet<AccessEvent>;
  readonly #addressFormat: W3cFormat;
  readonly #file: LogFile;
  #second = Number.NaN;
  #momentOfSecond: LogMoment | undefined;

  constructor(options: AccessLogOptions, host: AccessLogHost) {
    this.#options = options;
    this.#host = host;
    this.#events = new Set(options.events);
    // the percent sign before a zone index is to be read by people
    this.#addressFormat = { ...options.format, escapeFields: false };
    const { fields, software, format, file } = options;
    this.#file = new LogFile(file, {
      time: host.time,
      header: (at) => w3cHeader(fields, software, at, file.zone, format),
      onProblem: (path, error) => host.onProblem(path, error),
      collector: host.collector,
    });
  }

  write(event: AccessEvent, values: AccessValues): void {
    if (!this.#events.has(event)) return;
    const { fields, format, file } = this.#options;
    const { date, time, zone } = this.#moment(file.zone);
    const { cpuPercent, memoryPercent } = this.#host.load();
    const all: AccessValues = {
      ...values,
      'x-event': event,
      'x-category': ACCESS_EVENTS[event],
      date,
      time,
      tz: zone,
      'x-pid': process.pid,
      'x-cpu-load': cpuPercent,
      'x-mem-load': memoryPercent,
    };
    this.#file.write(
      w3cLine(
        fields.map((field) => this.#cell(field, all[field])),
        format,
      ),
    );
  }

  /** The same for all lines of a second. */
  #moment(zone: LogZone): LogMoment {
    const now = this.#host.time.now();
    const second = Math.floor(now.getTime() / 1000);
    if (this.#second !== second || !this.#momentOfSecond) {
      this.#second = second;
      this.#momentOfSecond = momentOf(now, zone);
    }
    return this.#momentOfSecond;
  }

  #cell(field: AccessField, value: string | number | undefined): string {
    const { format, mask } = this.#options;
    if (typeof value !== 'string') return w3cCell(value, format);
    switch (FIELD_KINDS[field]) {
      case 'address':
        return w3cCell(value, this.#addressFormat);
      case 'uri':
        return w3cCell(mask.uri(value), format);
      case 'query':
        return w3cCell(mask.query(value), format);
      default:
        return w3cCell(value, format);
    }
  }

  /** The next line goes to a file of the name, whatever has become of the one that is open. */
  reopen(): void {
    this.#file.reopen();
  }

  /** Writes what waits. */
  close(): Promise<void> {
    return this.#file.close();
  }
}
