// The server's log and an application's, kept.
import pino from 'pino';
import { type ErrorFrame, ErrorRecords } from '../../../src/application/accounts/error-records.ts';
import { ScriptMetrics } from '../../../src/application/accounts/script-metrics.ts';
import type { Clock } from '../../../src/clock.ts';
import type { ApplicationLog } from '../../../src/log/application-log.ts';
import type { Log } from '../../../src/log/log.ts';
import { Journal } from '../../../src/script/journal/journal.ts';
import { LogShare } from '../../../src/script/journal/log-share.ts';
import { HANDLER_BOUNDS_MS, TURN_BOUNDS_MS } from '../../../src/script/wire/wire.ts';

export interface LogRecord {
  level: number;
  msg: string;
  event?: string;
  kind?: string;
  handler?: string;
  code?: string;
  count?: number;
  message?: string;
  application?: string;
  instance?: string;
  file?: string;
  line?: number;
  column?: number;
  frames?: ErrorFrame[];
  client?: string;
  pid?: number;
  scope?: string;
  ms?: number;
}

const BOUNDS = { turnMs: TURN_BOUNDS_MS, handlerMs: HANDLER_BOUNDS_MS };

export class Records {
  readonly all: LogRecord[] = [];
  readonly application: string[] = [];
  readonly log: Log;
  readonly applicationLog: ApplicationLog;
  /** What the last journal keeps. */
  kept: ErrorRecords | undefined;
  /** The same. */
  metrics = new ScriptMetrics(BOUNDS);
  /** The limits for which it has dropped something. */
  readonly dropped: string[] = [];
  #waiting: (() => void)[] = [];

  constructor() {
    const write = (line: string) => {
      this.all.push(JSON.parse(line));
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.log = pino({ level: 'debug', base: null }, { write });
    const keep = (level: string) => (text: string) => this.application.push(`${level}: ${text}`);
    this.applicationLog = {
      trace: keep('trace'),
      error: keep('error'),
      warn: keep('warn'),
      info: keep('info'),
    };
  }

  /** Of live/_definst_, with a mask for what is between two slashes. */
  journal(clock: Clock): Journal {
    let lastId = 0;
    this.kept = new ErrorRecords({ nowMs: () => clock.now(), nextId: () => ++lastId });
    const { log, applicationLog, kept: errors } = this;
    this.metrics = new ScriptMetrics(BOUNDS);
    const { metrics } = this;
    const hide = (text: string) => text.replace(/\/.*\//, '***');
    const share = new LogShare(1 << 20, clock);
    return new Journal({
      ...{ application: 'live', instance: '_definst_', log, applicationLog, errors, clock, hide, metrics },
      ...{ linesPerSecond: 200, share, onDropped: (limit) => this.dropped.push(limit) },
    });
  }

  of(event: string): LogRecord[] {
    return this.all.filter((record) => record.event === event);
  }

  get errors(): LogRecord[] {
    return this.of('script-error');
  }

  /** The first record that fits and has not been awaited before. */
  async next(fits: (record: LogRecord) => boolean): Promise<LogRecord> {
    for (;;) {
      const index = this.all.findIndex((record, i) => i >= this.#read && fits(record));
      if (index >= 0) {
        this.#read = index + 1;
        return this.all[index]!;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
  #read = 0;
}
