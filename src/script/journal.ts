// What an instance's script says and what goes wrong in it: one record, in the server's log and in the application's.
import { createHash } from 'node:crypto';
import type { Clock } from '../application/clock.ts';
import {
  type ErrorFacts,
  type ErrorKind,
  type ErrorRecord,
  type ErrorRecords,
  formatError,
  type LatestFacts,
} from '../application/error-records.ts';
import type { ForgottenConnections } from '../application/outgoing.ts';
import type { ScriptMetrics } from '../application/script-metrics.ts';
import type { ApplicationLog } from '../log/application-log.ts';
import type { Log } from '../log/log.ts';
import type { BuildFault } from './build-fault.ts';
import type { ScriptBuild } from './build-outcome.ts';
import type { LogLevel } from './commands.ts';
import { mapStack } from './stack.ts';

export interface ScriptFault {
  kind: ErrorKind;
  /** The handler or method; undefined: outside of any. */
  where?: string | undefined;
  message: string;
  /** As the runner gave it; positions are led back to the source here. */
  stack?: string;
  /** Which limit was met. */
  code?: string | undefined;
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
  errors: ErrorRecords;
  metrics: ScriptMetrics;
  clock: Clock;
  /** Takes what is secret out of a text of the script. */
  hide(text: string): string;
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

  /** Connections to other servers that no version of the script has taken over. */
  forgotten({ address, connections, streams }: ForgottenConnections): void {
    const { application, instance, log, applicationLog } = this.#options;
    const what =
      connections === 1 ? `a connection to ${address}` : `${connections} connections to ${address}`;
    const end = streams.length > 0 ? `until ${streams.join(', ')} ends` : 'until the instance ends';
    const text =
      `an earlier version of the script has made ${what} that this one has not taken over: it goes on ${end}. ` +
      'Connect to the same address with the same arguments in onAppStart to take it over; ' +
      `NetConnection.closeForgotten() or "understudy reload ${application}" ends it`;
    applicationLog.warn(text);
    const facts = { application, instance, address, connections, streams };
    log.warn({ event: 'outgoing-forgotten', ...facts }, `${application}: ${text}`);
  }

  reloaded(ms: number): void {
    const { application, instance, log, applicationLog, metrics } = this.#options;
    metrics.reloads += 1;
    applicationLog.info('a new version of the script serves');
    log.info({ event: 'script-reload', application, instance, ms }, `${application}: the new version serves`);
  }

  reloadFailed(): void {
    this.#options.metrics.failedReloads += 1;
    this.warn('the version before goes on serving');
  }

  restarted(): void {
    this.#options.metrics.restarts += 1;
    this.info('the script has been restarted');
  }

  /** `build`: the version that it happened in. */
  fault(fault: ScriptFault, build: ScriptBuild | undefined): void {
    const { application, instance, errors, log, applicationLog, metrics, hide } = this.#options;
    count(metrics, fault);
    const key = keyOf([instance, sampleless(fault), build?.hash]);
    let record = errors.repeat(application, key, latestOf(fault, build));
    if (!record) {
      if (!this.#faults.take()) return;
      const dropped = this.#faults.takeDropped();
      if (dropped > 0) this.warn(`${dropped} errors of the script were dropped`);
      record = errors.add(key, { application, instance, ...factsOf(fault, build, hide) });
    }
    writeError(record, log, [applicationLog]);
  }

  /** Of the application, and told once, not for every instance. */
  static buildFault(fault: BuildFault, journals: readonly Journal[]): void {
    const [first] = journals;
    if (!first) return;
    const { application, errors, log, metrics, hide } = first.#options;
    metrics.error('build');
    const key = keyOf(['build', fault]);
    const facts = { ...fault, application, kind: 'build' as const, message: hide(fault.message), frames: [] };
    const record = errors.repeat(application, key) ?? errors.add(key, facts);
    const applicationLogs = journals.map((journal) => journal.#options.applicationLog);
    writeError(record, log, applicationLogs);
  }

  /** For the application's own log: in the server's it stands once, not for every instance. */
  note(text: string): void {
    this.#options.applicationLog.warn(text);
  }

  /** The same of what is well. */
  goodNote(text: string): void {
    this.#options.applicationLog.info(text);
  }
}

const MAX_MESSAGE = 2000;
const MAX_HANDLER = 200;

/** Where an endless loop was when it was cut is chance: the same overrun is counted, with the place of its last time. */
function sampleless(fault: ScriptFault): ScriptFault {
  return fault.kind === 'timeout' ? { ...fault, stack: '' } : fault;
}

/** What may be different in the same error. */
function latestOf({ kind, stack = '', client }: ScriptFault, build: ScriptBuild | undefined): LatestFacts {
  const { frames, at } = kind === 'timeout' && build ? mapStack(stack, build) : { frames: [], at: undefined };
  return { ...(at && { ...at, frames }), ...(client !== undefined && { client }) };
}

/** What is the same error. */
function keyOf(parts: readonly unknown[]): string {
  const text = JSON.stringify(parts, (name, value) => (name === 'client' ? undefined : value));
  return createHash('sha256').update(text).digest('base64url');
}

function factsOf(
  { kind, where, message, stack = '', code = limitOf(kind) ?? classIn(message), client }: ScriptFault,
  build: ScriptBuild | undefined,
  hide: (text: string) => string,
): Omit<ErrorFacts, 'application' | 'instance'> {
  const { frames, at } = build ? mapStack(stack, build) : { frames: [], at: undefined };
  return {
    kind,
    ...(where ? { handler: where.slice(0, MAX_HANDLER) } : {}),
    message: hide(message).slice(0, MAX_MESSAGE).toWellFormed(),
    ...(code === undefined ? {} : { code }),
    ...at,
    frames,
    ...(client === undefined ? {} : { client }),
  };
}

/** In a fault that the runner reports. */
function limitOf(kind: ErrorKind): string | undefined {
  if (kind === 'timeout') return 'turnMs';
  return kind === 'limit' ? 'commands' : undefined;
}

function count(metrics: ScriptMetrics, { kind, code = limitOf(kind) }: ScriptFault): void {
  metrics.error(kind);
  if (code !== undefined && code !== 'SyntaxError') metrics.limit(code);
}

/** The guest puts it before what an error says of itself. */
function classIn(message: string): string | undefined {
  return /^([A-Z]\w{0,60}): /.exec(message)?.[1];
}

/** The tenth time, the twentieth, … the hundredth, the two-hundredth: a loop fills no disk. */
function isWorthALine(count: number): boolean {
  return count % 10 ** Math.floor(Math.log10(count)) === 0;
}

function writeError(record: ErrorRecord, log: Log, applicationLogs: readonly ApplicationLog[]): void {
  if (!isWorthALine(record.count)) return;
  const text = formatError(record);
  for (const applicationLog of applicationLogs) applicationLog.error(text);
  const { time, lastTime, ...facts } = record; // the log has a time of its own
  log.error({ event: 'script-error', ...facts }, text);
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
