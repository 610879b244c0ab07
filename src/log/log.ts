// Diagnostics of the server itself: pino, JSON lines or pretty ones. (What FMS's operators read is in the other files here.)
import pino from 'pino';
import pretty from 'pino-pretty';
import { terminalLine } from './terminal-line.ts';

export type Log = pino.Logger;

/** Characters that wait to be written; beyond them lines are lost. */
const MAX_UNWRITTEN = 8 << 20;

export interface LogOptions {
  level: string;
  pretty: boolean;
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
  if (!options.pretty) return pino(settings, pino.destination({ fd: 1, ...to }));
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

/** Unexpected exceptions since the start. Tests and the fuzzer fail when it is not 0. */
export const bugs = { count: 0 };

/** For an exception that nobody foresaw: once, with its stack, counted. The caller ends the smallest thing that owns it. */
export function logBug(log: Log, error: unknown, where: string): void {
  bugs.count += 1;
  log.error({ kind: 'bug', where, err: error }, `unexpected error in ${where}`);
}
