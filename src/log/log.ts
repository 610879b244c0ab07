// Diagnostics of the server itself: pino, JSON lines or pretty ones. (What FMS's operators read is in the other files here.)
import pino from 'pino';
import pretty from 'pino-pretty';
import type { LogEvent } from './events.ts';
import { terminalLine } from './terminal-line.ts';

/** A line has an event of the table, or tells of a bug. */
export type LogFields = { readonly [field: string]: unknown } & (
  | { readonly event: LogEvent }
  | { readonly kind: 'bug' }
);

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
type LogMethods = { readonly [level in LogLevel]: (fields: LogFields, text: string) => void };

/** pino's logger, whose lines name their event: what is not in the table does not compile. */
export interface Log extends Omit<pino.Logger, LogLevel | 'child'>, LogMethods {
  child(bindings: pino.Bindings): Log;
}

/** Characters that wait to be written; beyond them lines are lost. */
const MAX_UNWRITTEN = 8 << 20;

export interface LogOptions {
  level: string;
  /** For a person at a terminal, as JSON lines, or as these with a priority in front of each that systemd's journal takes off. */
  form: 'terminal' | 'json' | 'journal';
}

/** Syslog's priorities, in the form of sd-daemon(3). */
const PRIORITIES: Readonly<Record<string, string>> = {
  fatal: '<2>',
  error: '<3>',
  warn: '<4>',
  info: '<6>',
  debug: '<7>',
  trace: '<7>',
};

/**
 * What JSON may hold as it is and what ends a line for some programs that read lines (Node's readline does), or changes how a line
 * looks. All but the end of the line itself.
 */
const CONFUSING = /[\u007f-\u009f\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The same record, with those characters in JSON's own way of writing them. */
function escaped(line: string): string {
  return line.replace(CONFUSING, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Reasons, names and texts come from peers and scripts. */
const MAX_TEXT = 8_192;

/** What every log of the server has in common, wherever it goes. */
export function logSettings(level: string): pino.LoggerOptions {
  return {
    level,
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: {
      logMethod(args, method) {
        method.apply(this, args.map(bounded) as typeof args);
      },
      streamWrite: escaped,
    },
  };
}

function bounded(given: unknown): unknown {
  if (typeof given === 'string') return cut(given);
  if (typeof given !== 'object' || given === null || given instanceof Error) return given;
  const members = Object.entries(given);
  if (!members.some(([, value]) => typeof value === 'string' && value.length > MAX_TEXT)) return given;
  return Object.fromEntries(
    members.map(([name, value]) => [name, typeof value === 'string' ? cut(value) : value]),
  );
}

function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  return `${text.slice(0, MAX_TEXT).toWellFormed()}… (${text.length} characters)`;
}

export function createLog(options: LogOptions): Log {
  const settings = logSettings(options.level);
  // Not synchronous: whoever reads this may be slow, and nothing else shall wait for it. What is left is written at the end.
  const to = { sync: false, maxLength: MAX_UNWRITTEN };
  if (options.form === 'json') return pino(settings, pino.destination({ fd: 1, ...to }));
  if (options.form === 'journal') return pino(settings, withPriorities(pino.destination({ fd: 1, ...to })));
  return pino(
    settings,
    pretty({
      destination: pino.destination({ fd: 1, ...to }),
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'pid', // of another process, wherever it stands
      hideObject: true,
      messageFormat: (record, _key, _level, { colors }) => terminalLine(record, colors.gray),
    }),
  );
}

/** `<4>{"level":"warn",…}` */
export function withPriorities(destination: pino.DestinationStream): pino.DestinationStream {
  const stream = {
    [Symbol.for('pino.metadata')]: true, // pino keeps the level of the line in lastLevel
    lastLevel: pino.levels.values.info,
    write(line: string) {
      const label = pino.levels.labels[stream.lastLevel ?? 0] ?? 'info';
      destination.write(`${PRIORITIES[label] ?? PRIORITIES.info}${line}`);
    },
  };
  return stream;
}

/** Unexpected exceptions since the start. Tests and the fuzzer fail when it is not 0. */
export const bugs = { count: 0 };

/** For an exception that nobody foresaw: once, with its stack, counted. The caller ends the smallest thing that owns it. */
export function logBug(log: Log, error: unknown, where: string): void {
  bugs.count += 1;
  log.error({ kind: 'bug', where, err: error }, `unexpected error in ${where}`);
}
