// Every setting: default, unit, range, meaning. conf/fms.ini says the same to operators; a test holds the two together.
import { ConfigError } from '../errors.ts';
import { type ListenAddress, parseHostPort } from './hostport.ts';

export interface Setting<T> {
  /** As it would stand in conf/fms.ini. */
  default: string;
  /** What may stand there, unit included: ends the sentence "expected …". */
  expected: string;
  meaning: string;
  /** The text in our units (ms, bytes). Throws a ConfigError that says what is wrong with it. */
  parse(text: string): T;
}

export const SETTINGS = {
  // ports
  'ADAPTOR.HOSTPORT': hostPort(
    ':1935',
    1935,
    'Where RTMP is served. Without a host: on all addresses of this machine.',
  ),
  'SERVER.ADMINSERVER_HOSTPORT': hostPortOrNowhere(
    '127.0.0.1:1111',
    1111,
    'Where the server is administered. Keep it away from the Internet.',
  ),
  'SERVER.DOMAIN': text(
    '',
    'a host name, or nothing',
    "What scripts see as application.hostname. Empty: this machine's name.",
  ),

  // folders
  'VHOST.APPSDIR': folder('applications', 'The folder whose sub-folders are the applications.'),
  'LOGGER.LOGDIR': folder('logs', 'The folder for the logs of the applications.'),
  'LOGGER.LEVEL': choice(
    'info',
    ['trace', 'debug', 'info', 'warn', 'error'],
    'How much the server says on its standard output.',
  ),

  // what a peer may cost
  'LIMITS.MESSAGE_SIZE': kilobytes('8192', 64, 16383, 'The longest message. A video frame is one message.'),
  'LIMITS.PARTIAL_MESSAGES': whole(
    '64',
    4,
    1024,
    'Messages of one connection that may be half received at a time.',
  ),
  'LIMITS.PARTIAL_SIZE': kilobytes(
    '16384',
    64,
    1048576,
    'Memory for the half-received messages of one connection.',
  ),
  'LIMITS.AMF_DEPTH': whole('64', 8, 512, 'How deep the values in a command or data message may be nested.'),
  'LIMITS.AMF_VALUES': whole('100000', 100, 10000000, 'How many values a command or data message may hold.'),
  'LIMITS.NETSTREAMS': whole('64', 1, 1024, 'NetStreams (publishing, playing or idle) of one client.'),
  'LIMITS.WAITING_NAMES': whole(
    '1000',
    1,
    1000000,
    'Stream names that nobody publishes and players wait for, in one instance.',
  ),
  'LIMITS.GATE_MEDIA': kilobytes(
    '2048',
    0,
    65536,
    'Media of one publisher kept while its script decides about it. When it is full, the socket waits.',
  ),
  'LIMITS.HANDSHAKE_TIMEOUT': seconds('10', 1, 600, 'Time for the handshake and the connect command.'),
  'LIMITS.IDLE_TIMEOUT': secondsOrNever(
    '3600',
    86400,
    'A client that neither publishes nor plays nor sends any command for so long is closed.',
  ),

  // live streams
  'LIVE.PUBLISH_TIMEOUT': millisecondsOrOff(
    '2000',
    60000,
    'When a name is published that is on air already, its publisher is asked for a sign of life; without one in this time ' +
      'the newcomer takes over.',
  ),
  'LIVE.CHUNK_SIZE': whole('60000', 128, 65536, 'Bytes in a chunk of what the server sends.'),
  'LIVE.AUDIO_DELAY': milliseconds(
    '40',
    0,
    1000,
    'How long audio may wait to leave together with the next video frame.',
  ),
  'LIVE.GOP_CACHE_SIZE': kilobytes(
    '16384',
    0,
    1048576,
    'Memory of one stream for its pictures since the last keyframe, which give new players their first picture at once. 0: none.',
  ),
  'LIVE.GOP_CACHE_TIME': milliseconds('20000', 0, 600000, 'The same as a length of time.'),
  'LIVE.BACKLOG_SOFT_SIZE': kilobytes(
    '512',
    16,
    1048576,
    'What may wait for one slow player before pictures up to the next keyframe are left out.',
  ),
  'LIVE.BACKLOG_SOFT_TIME': milliseconds(
    '2000',
    100,
    60000,
    'The same as a length of time at the bitrate of the stream; the larger of the two counts.',
  ),
  'LIVE.BACKLOG_HARD_SIZE': kilobytes(
    '4096',
    64,
    4194304,
    'A player for whom more than this waits is disconnected.',
  ),
  'LIVE.BACKLOG_STALL_TIME': milliseconds(
    '5000',
    100,
    600000,
    'A player that takes nothing at all for so long, with more than the soft limit waiting, is disconnected.',
  ),

  // scripts
  'APP.MAX_IDLE_TIME': seconds('1200', 1, 31536000, 'An instance without clients for so long is unloaded.'),
  'SCRIPT.MEMORY': whole('64', 8, 4096, 'Megabytes (MB) of memory for the script of one instance.'),
  'SCRIPT.TURN_TIMEOUT': milliseconds('250', 1, 60000, 'How long a script may compute without a pause.'),
  'SCRIPT.LOAD_TIMEOUT': milliseconds(
    '2000',
    1,
    60000,
    'The same for its top-level code, while it is being loaded.',
  ),
  'SCRIPT.GATE_TIMEOUT': milliseconds(
    '10000',
    100,
    600000,
    'How long an onConnect, onPublish or onPlay may take to decide, waiting included; then the answer is no.',
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<Name extends SettingName> = ReturnType<(typeof SETTINGS)[Name]['parse']>;

/** Symbols that begin so are ours alone; an unknown one among them is likely misspelt. */
export const OWN_FAMILIES = ['LIMITS.', 'LIVE.', 'SCRIPT.'];

function hostPort(
  byDefault: string,
  defaultPort: number,
  meaning: string,
): Setting<readonly ListenAddress[]> {
  return {
    default: byDefault,
    expected: 'host:port,port… (port 0: any that is free)',
    meaning,
    parse(value) {
      const addresses = parseHostPort(value, defaultPort);
      // TODO: TLS. Until then a port that is meant to be encrypted must not be served in the clear.
      if (addresses.some(({ secure }) => secure)) throw unexpected('no TLS port: TLS is not there yet');
      return addresses;
    },
  };
}

function hostPortOrNowhere(
  byDefault: string,
  defaultPort: number,
  meaning: string,
): Setting<readonly ListenAddress[]> {
  const setting = hostPort(byDefault, defaultPort, meaning);
  return {
    ...setting,
    expected: `${setting.expected}, or nothing: nowhere`,
    parse: (value) => (value === '' ? [] : setting.parse(value)),
  };
}

function folder(byDefault: string, meaning: string): Setting<string> {
  return {
    default: byDefault,
    expected: 'a path, relative to the root folder',
    meaning,
    parse: (value) => (value === '' ? byDefault : value),
  };
}

function text(byDefault: string, expected: string, meaning: string): Setting<string> {
  return { default: byDefault, expected, meaning, parse: (value) => value };
}

function choice<const T extends string>(byDefault: T, choices: readonly T[], meaning: string): Setting<T> {
  const expected = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return {
    default: byDefault,
    expected,
    meaning,
    parse(value) {
      const found = choices.find((one) => one === value);
      if (found === undefined) throw unexpected(expected);
      return found;
    },
  };
}

function whole(byDefault: string, min: number, max: number, meaning: string): Setting<number> {
  return number(byDefault, `a whole number from ${min} to ${max}`, meaning, (n) =>
    n >= min && n <= max ? n : NaN,
  );
}

function kilobytes(byDefault: string, min: number, max: number, meaning: string): Setting<number> {
  const expected = `a whole number of kilobytes (1024 bytes) from ${min} to ${max}`;
  return number(byDefault, expected, meaning, (n) => (n >= min && n <= max ? n * 1024 : NaN));
}

function milliseconds(byDefault: string, min: number, max: number, meaning: string): Setting<number> {
  const expected = `a whole number of milliseconds from ${min} to ${max}`;
  return number(byDefault, expected, meaning, (n) => (n >= min && n <= max ? n : NaN));
}

function seconds(byDefault: string, min: number, max: number, meaning: string): Setting<number> {
  const expected = `a whole number of seconds from ${min} to ${max}`;
  return number(byDefault, expected, meaning, (n) => (n >= min && n <= max ? n * 1000 : NaN));
}

function secondsOrNever(byDefault: string, max: number, meaning: string): Setting<number | undefined> {
  const expected = `a whole number of seconds from 1 to ${max}, or 0: never`;
  return number(byDefault, expected, meaning, (n) =>
    n === 0 ? undefined : n > 0 && n <= max ? n * 1000 : NaN,
  );
}

function millisecondsOrOff(byDefault: string, max: number, meaning: string): Setting<number | undefined> {
  const expected = `a whole number of milliseconds from 0 to ${max}, or -1: off`;
  return number(byDefault, expected, meaning, (n) => (n === -1 ? undefined : n >= 0 && n <= max ? n : NaN));
}

/** `convert` answers NaN to a number out of range. */
function number<T extends number | undefined>(
  byDefault: string,
  expected: string,
  meaning: string,
  convert: (n: number) => T,
): Setting<T> {
  return {
    default: byDefault,
    expected,
    meaning,
    parse(value) {
      const converted = convert(/^-?\d{1,15}$/.test(value) ? Number(value) : NaN);
      if (Number.isNaN(converted)) throw unexpected(expected);
      return converted;
    },
  };
}

function unexpected(expected: string): ConfigError {
  return new ConfigError('ERR_CONFIG_VALUE', `expected ${expected}`);
}
