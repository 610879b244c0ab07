// What an instance's script says and what goes wrong in it: one record, in the server's log and in the application's.
import type { Clock } from '../application/clock.ts';
import type { ApplicationLog } from '../log/application-log.ts';
import type { Log } from '../log/log.ts';
import type { ScriptBuild } from './build.ts';
import { type BuildFault, formatFault } from './build-fault.ts';
import type { LogLevel } from './commands.ts';
import { mapStack } from './stack.ts';
import type { ScriptFaultKind } from './wire.ts';

/** `build`: it does not bundle. `crash`: its isolate, or the whole runner, ended. */
export type FaultKind = ScriptFaultKind | 'build' | 'crash';

export interface ScriptFault {
  kind: FaultKind;
  /** The handler or method, `top level`, or what the server was doing. */
  where: string;
  message: string;
  /** As the runner gave it; positions are led back to the source here. */
  stack?: string;
  client?: string | undefined;
}

/** Lines of scripts, a second: a loop around trace() must not fill the disk. */
const LINES = { perSecond: 200, burst: 2000 };
const FAULTS = { perSecond: 20, burst: 200 };

export interface JournalOptions {
  application: string;
  instance: string;
  log: Log;
  applicationLog: ApplicationLog;
  clock: Clock;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #lines: Allowance;
  readonly #faults: Allowance;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#lines = new Allowance(LINES, options.clock);
    this.#faults = new Allowance(FAULTS, options.clock);
  }

  /** trace() and console. */
  line(level: LogLevel, text: string): void {
    if (!this.#lines.take()) return;
    const dropped = this.#lines.takeDropped();
    if (dropped > 0) this.warn(`${dropped} lines of the script were dropped`);
    const { application, instance, log, applicationLog } = this.#options;
    if (level === 'warn' || level === 'error') applicationLog[level](text);
    else applicationLog.trace(text);
    log[level]({ event: 'script-log', application, instance }, text);
  }

  info(text: string): void {
    const { application, instance, log, applicationLog } = this.#options;
    applicationLog.info(text);
    log.info({ event: 'script', application, instance }, text);
  }

  warn(text: string): void {
    const { application, instance, log, applicationLog } = this.#options;
    applicationLog.warn(text);
    log.warn({ event: 'script', application, instance }, text);
  }

  reloaded(ms: number): void {
    const { application, instance, log, applicationLog } = this.#options;
    applicationLog.info('a new version of the script serves');
    log.info({ event: 'script-reload', application, instance, ms }, `${application}: the new version serves`);
  }

  /** `build`: the version that it happened in. */
  fault(fault: ScriptFault, build: ScriptBuild | undefined): void {
    if (!this.#faults.take()) return;
    const dropped = this.#faults.takeDropped();
    if (dropped > 0) this.warn(`${dropped} errors of the script were dropped`);
    const { application, instance, log, applicationLog } = this.#options;
    const { stack, at } = build ? mapStack(fault.stack ?? '', build) : { stack: '', at: undefined };
    const { kind, where, message, client } = fault;
    const text = `${where}: ${formatFault(application, { ...at, message })}`;
    applicationLog.error(stack === '' ? text : `${text}\n${stack}`);
    log.error(
      { event: 'script-error', application, instance, kind, where, message, stack, ...at, client },
      text,
    );
  }

  /** Why the newest version does not bundle. In the server's log that stands once, not for every instance. */
  buildFault(fault: BuildFault): void {
    const { application, applicationLog } = this.#options;
    applicationLog.error(formatFault(application, fault));
  }

  /** As above: for the application's own log only. */
  note(text: string): void {
    this.#options.applicationLog.warn(text);
  }
}

/** A token bucket. */
class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #left: number;
  #at: number;
  #dropped = 0;

  constructor({ perSecond, burst }: { perSecond: number; burst: number }, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#left = burst;
    this.#at = clock.now();
  }

  take(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#left < 1) {
      this.#dropped += 1;
      return false;
    }
    this.#left -= 1;
    return true;
  }

  /** Since the last time. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
