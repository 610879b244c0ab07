// Log files as Logger.xml and Server.xml have them.
import { resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { LoggerValues } from './schema/logger.ts';
import type { ServerValues } from './schema/server.ts';
import { timeOrMinutes } from './value.ts';

export interface LogsConfig {
  /** Of what goes to standard output. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly lineEnd: string;
  /** Undefined: there is none. */
  readonly access: AccessLogConfig | undefined;
  readonly application: LogFileConfig;
  readonly master: LogFileConfig;
  readonly edge: LogFileConfig;
  readonly admin: LogFileConfig;
}

export interface LogFileConfig {
  readonly directory: string;
  readonly fileName: string;
  readonly zone: 'local' | 'utc';
  readonly rotation: {
    readonly maxBytes: number;
    readonly schedule:
      | { readonly type: 'daily'; readonly hour: number; readonly minute: number }
      | { readonly type: 'duration'; readonly minutes: number };
    readonly history: number;
    readonly rename: boolean;
  };
}

export interface AccessLogConfig {
  readonly file: LogFileConfig;
  readonly format: {
    readonly delimiter: string;
    readonly quoteFields: boolean;
    readonly escapeFields: boolean;
    readonly lineEnd: string;
  };
  /** As they stand in the file; `*` is all. */
  readonly events: readonly string[];
  readonly fields: readonly string[];
}

const LINE_ENDS = { CRLF: '\r\n', LF: '\n', CR: '\r' };

type Zone = LogFileConfig['zone'];

export function logsConfig(
  root: string,
  logger: LoggerValues,
  { Logging }: ServerValues['Server'],
): LogsConfig {
  const { Access, Application, Diagnostic } = logger;
  const lineEnd = LINE_ENDS[Logging.TerminatingCharacters];
  const file = (values: LoggerValues['Application'], fileName: string) =>
    logFile(root, values, fileName, Logging.Time);
  return {
    level: Diagnostic.Level,
    lineEnd,
    access: Logging.Access.Enable
      ? {
          file: file(Access, Access.FileName),
          format: {
            delimiter: Access.Delimiter,
            quoteFields: Access.QuoteFields,
            escapeFields: Access.EscapeFields,
            lineEnd,
          },
          events: Access.Events,
          fields: Access.Fields,
        }
      : undefined,
    application: file(Application, 'application.[NN].log'),
    master: file(Diagnostic, 'master.[NN].log'),
    edge: file(Diagnostic, 'edge.[NN].log'),
    admin: file(Diagnostic, 'admin.[NN].log'),
  };
}

function logFile(
  root: string,
  { Directory, Time, Rotation }: LoggerValues['Application'],
  fileName: string,
  serverZone: Zone,
): LogFileConfig {
  return {
    directory: resolve(root, Directory || 'logs'),
    fileName,
    zone: Time ?? serverZone,
    rotation: {
      maxBytes: Rotation.MaxSize,
      schedule: schedule(Rotation.Schedule),
      history: Rotation.History,
      rename: Rotation.Rename,
    },
  };
}

function schedule({
  '@type': type,
  '#text': then,
}: LoggerValues['Application']['Rotation']['Schedule']): LogFileConfig['rotation']['schedule'] {
  if (type === 'daily' && typeof then === 'object') return { type, ...then };
  if (type === 'duration' && typeof then === 'number') return { type, minutes: then };
  throw new ConfigError(
    'ERR_CONFIG_VALUE',
    `conf/Logger.xml: Schedule of type ${type}: expected ${timeOrMinutes.expected}`,
  );
}
