// What an instance's script says and what goes wrong in it: one record, in the server's log and in the application's.
import { createHash } from 'node:crypto';
import {
  type ErrorFacts,
  type ErrorKind,
  type ErrorRecord,
  type ErrorRecords,
  formatError,
  type LatestFacts,
} from '../../application/accounts/error-records.ts';
import type { ScriptMetrics } from '../../application/accounts/script-metrics.ts';
import type { ForgottenConnections } from '../../application/contract/outgoing.ts';
import { TokenBucket } from '../../application/pace/token-bucket.ts';
import type { Clock } from '../../clock.ts';
import type { ApplicationLog, ConsoleLevel } from '../../log/application-log.ts';
import type { Log } from '../../log/log.ts';
import type { BuildFault } from '../source/build-fault.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';
import type { LogShare } from './log-share.ts';
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

/** Of an instance, a second; ten times as many at once: a loop around trace() must not fill the disk. */
const FAULTS_PER_SECOND = 20;
const BURST_SECONDS = 10;
/** Between two lines of an application's log that say how much was dropped. */
const DROPPED_EVERY_MS = 1000;

export interface JournalOptions {
  application: string;
  instance: string;
  log: Log;
  applicationLog: ApplicationLog;
  errors: ErrorRecords;
  metrics: ScriptMetrics;
  clock: Clock;
  /** Of this instance. */
  linesPerSecond: number;
  /** Of all instances of the application. */
  share: LogShare;
  /** Lines or errors were dropped, for one of these limits. */
  onDropped(limit: 'MaxLogRate' | 'MaxLogSize', what: string): void;
  /** Takes what is secret out of a text of the script. */
  hide(text: string): string;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #lines: Allowance;
  readonly #faults: Allowance;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#lines = new Allowance(options.linesPerSecond, options.clock);
    this.#faults = new Allowance(FAULTS_PER_SECOND, options.clock);
  }

  /** trace() and console. */
  line(level: ConsoleLevel, text: string): void {
    const { application, instance, log, applicationLog, share } = this.#options;
    if (!this.#admits(this.#lines, () => share.admitsLine(text.length), 'lines of the script')) return;
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
    const { application, instance, errors, log, applicationLog, metrics, hide, share } = this.#options;
    count(metrics, fault);
    const key = keyOf([instance, sampleless(fault), build?.hash]);
    let record = errors.repeat(application, key, latestOf(fault, build));
    if (!record) {
      const characters = Math.min(fault.message.length, MAX_MESSAGE) + (fault.stack?.length ?? 0);
      if (!this.#admits(this.#faults, () => share.admitsError(characters), 'errors of the script')) return;
      record = errors.add(key, { application, instance, ...factsOf(fault, build, hide) });
    }
    writeError(record, log, [applicationLog]);
  }

  #admits(allowance: Allowance, isInShare: () => boolean, what: string): boolean {
    const { applicationLog, onDropped } = this.#options;
    const limit = allowance.isEmpty ? 'MaxLogRate' : isInShare() ? undefined : 'MaxLogSize';
    if (limit !== undefined) {
      allowance.drop();
      onDropped(limit, `${what} were dropped`);
      return false;
    }
    allowance.take();
    const dropped = allowance.takeDropped();
    if (dropped > 0) applicationLog.warn(`${dropped} ${what} were dropped`);
    return true;
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

/** A rate, and how much was dropped. */
class Allowance {
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  #dropped = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(perSecond, clock.now(), perSecond * BURST_SECONDS);
  }

  get isEmpty(): boolean {
    return this.#bucket.tokens(this.#clock.now()) < 1;
  }

  take(): void {
    this.#bucket.take();
  }

  drop(): void {
    this.#dropped += 1;
  }

  /** Since it last gave a number, and 0 where that was a moment ago. */
  takeDropped(): number {
    const now = this.#clock.now();
    if (this.#dropped === 0 || now - this.#toldMs < DROPPED_EVERY_MS) return 0;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#toldMs = now;
    return dropped;
  }
}
