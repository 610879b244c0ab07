// Diagnostics of the server itself: pino, JSON lines or pretty ones. (What FMS's operators read is in the other files here.)
import pino from 'pino';
import pretty from 'pino-pretty';

export type Log = pino.Logger;

export interface LogOptions {
  level: string;
  pretty: boolean;
}

/** For programs; a person reads it in the message. */
const SAID_IN_THE_MESSAGE = 'event,kind,where,message,file,line,column,lineText,stack,listeners,application';

export function createLog(options: LogOptions): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (!options.pretty) return pino(settings, pino.destination({ fd: 1, sync: true }));
  return pino(
    settings,
    pretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss.l', ignore: SAID_IN_THE_MESSAGE }),
  );
}

/** Unexpected exceptions since the start. Tests and the fuzzer fail when it is not 0. */
export const bugs = { count: 0 };

/** For an exception that nobody foresaw: once, with its stack, counted. The caller ends the smallest thing that owns it. */
export function logBug(log: Log, error: unknown, where: string): void {
  bugs.count += 1;
  log.error({ kind: 'bug', where, err: error }, `unexpected error in ${where}`);
}
