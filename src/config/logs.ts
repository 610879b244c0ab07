// Log files as Logger.xml and Server.xml have them.
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { LoggerValues } from './schema/logger.ts';
import type { ServerValues } from './schema/server.ts';
import { timeOrMinutes } from './value.ts';

export interface LogsConfig {
  /** Of what goes to standard output. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly lineEnd: string;
  /** Besides those of log/secrets.ts. */
  readonly secretWords: readonly string[];
  /** Undefined, here and below: there is none. */
  readonly access: AccessLogConfig | undefined;
  readonly application: LogFileConfig | undefined;
  readonly master: LogFileConfig | undefined;
  readonly edge: LogFileConfig | undefined;
  readonly admin: LogFileConfig | undefined;
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
  /** Who is sent the lines as well; undefined: nobody. */
  readonly collector: LogCollectorConfig | undefined;
}

export interface LogCollectorConfig {
  readonly type: 'udp' | 'tcp';
  readonly host: string;
  readonly port: number;
  readonly serverId: string;
  readonly linesPerHead: number;
}

export interface AccessLogConfig {
  readonly file: LogFileConfig;
  /** Each virtual host has one of its own. */
  readonly isPerVhost: boolean;
  readonly checkpoints: { readonly checkMs: number; readonly lineMs: number } | undefined;
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
  const { Checkpoints, Scope } = Logging.Access;
  const lineEnd = LINE_ENDS[Logging.TerminatingCharacters];
  const file = (values: LoggerValues['Application'], fileName: string) =>
    logFile(root, values, fileName, Logging.Time);
  const diagnostic = (fileName: string) =>
    Logging.Diagnostic.Enable ? file(Diagnostic, fileName) : undefined;
  return {
    level: Diagnostic.Level,
    lineEnd,
    secretWords: Logging.SecretWords,
    access: Logging.Access.Enable
      ? {
          file: file(Access, Access.FileName),
          isPerVhost: Scope === 'vhost',
          checkpoints: Checkpoints['@enable']
            ? { checkMs: Checkpoints.CheckInterval, lineMs: Checkpoints.LogInterval }
            : undefined,
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
    application: Logging.Application.Enable ? file(Application, 'application.[NN].log') : undefined,
    master: diagnostic('master.[NN].log'),
    edge: diagnostic('edge.[NN].log'),
    admin: diagnostic('admin.[NN].log'),
  };
}

function logFile(
  root: string,
  { Directory, Time, Rotation, LogServer }: LoggerValues['Application'],
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
    collector: collector(LogServer),
  };
}

function collector(values: LoggerValues['Application']['LogServer']): LogCollectorConfig | undefined {
  const { '@enable': isEnabled, '@type': type, HostPort: place, ServerID, DisplayFieldsHeader } = values;
  if (!isEnabled) return undefined;
  if (!place) throw new ConfigError('ERR_CONFIG_VALUE', 'conf/Logger.xml: LogServer needs a HostPort');
  return { type, ...place, serverId: ServerID || hostname(), linesPerHead: DisplayFieldsHeader };
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
