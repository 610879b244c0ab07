// conf/ and --set → one frozen Config.
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { ListenAddress } from './hostport.ts';
import { type IniEntry, parseIni } from './ini.ts';
import { OWN_FAMILIES, SETTINGS, type SettingName, type SettingValue } from './schema.ts';

/** Time in ms, sizes in bytes, folders absolute. What each field means: schema.ts. */
export interface Config {
  readonly root: string;
  readonly applicationsDir: string;
  readonly logsDir: string;
  readonly logLevel: SettingValue<'LOGGER.LEVEL'>;
  readonly hostname: string;
  readonly listen: {
    readonly rtmp: readonly ListenAddress[];
    readonly admin: readonly ListenAddress[];
  };
  readonly limits: {
    readonly messageBytes: number;
    readonly partialMessages: number;
    readonly partialBytes: number;
    readonly amfDepth: number;
    readonly amfValues: number;
    readonly netStreams: number;
    readonly waitingNames: number;
    readonly gateMediaBytes: number;
    readonly handshakeTimeoutMs: number;
    /** Undefined: never. */
    readonly idleTimeoutMs: number | undefined;
  };
  readonly live: {
    /** Undefined: nobody is taken over. */
    readonly publishTimeoutMs: number | undefined;
    readonly chunkBytes: number;
    readonly audioDelayMs: number;
    readonly gop: { readonly maxBytes: number; readonly maxMs: number };
    readonly backlog: {
      readonly softBytes: number;
      readonly softMs: number;
      readonly hardBytes: number;
      readonly stallMs: number;
    };
  };
  readonly script: {
    readonly maxIdleMs: number;
    readonly memoryMb: number;
    readonly turnMs: number;
    readonly loadMs: number;
    readonly gateMs: number;
  };
  /** Every symbol as its text, the operator's own included; ROOT and CONF are folders. */
  readonly symbols: Readonly<Record<string, string>>;
  /** What looks like a mistake and stops nothing, one line each. */
  readonly warnings: readonly string[];
}

export interface ConfigSources {
  root: string;
  /** `--set NAME=VALUE`: beats the file. */
  set: Readonly<Record<string, string>>;
}

/** A symbol's text, and where it was set for the errors about it. */
interface GivenSymbol {
  value: string;
  where: string;
}

export function loadConfig({ root, set }: ConfigSources): Config {
  const absoluteRoot = resolve(root);
  if (!statSync(absoluteRoot, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError('ERR_CONFIG_READ', `the root folder ${absoluteRoot} does not exist`);
  }
  const given = new Map<string, GivenSymbol>();
  for (const [name, { value, line }] of readIni(absoluteRoot)) {
    given.set(name, { value, where: `${join('conf', 'fms.ini')}:${line}: ${name} = ${value}` });
  }
  for (const [name, value] of Object.entries(set))
    given.set(name, { value, where: `--set ${name}=${value}` });

  const setting = <Name extends SettingName>(name: Name) => readSetting(name, given.get(name));
  const config: Config = {
    root: absoluteRoot,
    applicationsDir: resolve(absoluteRoot, setting('VHOST.APPSDIR')),
    logsDir: resolve(absoluteRoot, setting('LOGGER.LOGDIR')),
    logLevel: setting('LOGGER.LEVEL'),
    hostname: setting('SERVER.DOMAIN') || hostname(),
    listen: {
      rtmp: setting('ADAPTOR.HOSTPORT'),
      admin: setting('SERVER.ADMINSERVER_HOSTPORT'),
    },
    limits: {
      messageBytes: setting('LIMITS.MESSAGE_SIZE'),
      partialMessages: setting('LIMITS.PARTIAL_MESSAGES'),
      partialBytes: setting('LIMITS.PARTIAL_SIZE'),
      amfDepth: setting('LIMITS.AMF_DEPTH'),
      amfValues: setting('LIMITS.AMF_VALUES'),
      netStreams: setting('LIMITS.NETSTREAMS'),
      waitingNames: setting('LIMITS.WAITING_NAMES'),
      gateMediaBytes: setting('LIMITS.GATE_MEDIA'),
      handshakeTimeoutMs: setting('LIMITS.HANDSHAKE_TIMEOUT'),
      idleTimeoutMs: setting('LIMITS.IDLE_TIMEOUT'),
    },
    live: {
      publishTimeoutMs: setting('LIVE.PUBLISH_TIMEOUT'),
      chunkBytes: setting('LIVE.CHUNK_SIZE'),
      audioDelayMs: setting('LIVE.AUDIO_DELAY'),
      gop: { maxBytes: setting('LIVE.GOP_CACHE_SIZE'), maxMs: setting('LIVE.GOP_CACHE_TIME') },
      backlog: {
        softBytes: setting('LIVE.BACKLOG_SOFT_SIZE'),
        softMs: setting('LIVE.BACKLOG_SOFT_TIME'),
        hardBytes: setting('LIVE.BACKLOG_HARD_SIZE'),
        stallMs: setting('LIVE.BACKLOG_STALL_TIME'),
      },
    },
    script: {
      maxIdleMs: setting('APP.MAX_IDLE_TIME'),
      memoryMb: setting('SCRIPT.MEMORY'),
      turnMs: setting('SCRIPT.TURN_TIMEOUT'),
      loadMs: setting('SCRIPT.LOAD_TIMEOUT'),
      gateMs: setting('SCRIPT.GATE_TIMEOUT'),
    },
    symbols: symbolTexts(absoluteRoot, given),
    warnings: misspelt(given),
  };
  return deepFreeze(config);
}

function readIni(root: string): Map<string, IniEntry> {
  const file = join(root, 'conf', 'fms.ini');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map(); // a root without conf/ has the defaults
    throw new ConfigError('ERR_CONFIG_READ', `${relative(root, file)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseIni(text, relative(root, file));
}

function readSetting<Name extends SettingName>(
  name: Name,
  given: GivenSymbol | undefined,
): SettingValue<Name> {
  const setting = SETTINGS[name];
  try {
    return setting.parse(given?.value ?? setting.default) as SettingValue<Name>;
  } catch (error) {
    if (!(error instanceof ConfigError) || !given) throw error;
    throw new ConfigError(error.code, `${given.where}: ${error.message}`, { cause: error });
  }
}

function symbolTexts(root: string, given: ReadonlyMap<string, GivenSymbol>): Record<string, string> {
  const symbols: Record<string, string> = Object.create(null);
  symbols.ROOT = root;
  symbols.CONF = join(root, 'conf');
  for (const [name, setting] of Object.entries(SETTINGS)) symbols[name] = setting.default;
  for (const [name, { value }] of given) symbols[name] = value;
  return symbols;
}

function misspelt(given: ReadonlyMap<string, GivenSymbol>): string[] {
  return [...given]
    .filter(([name]) => !(name in SETTINGS) && OWN_FAMILIES.some((family) => name.startsWith(family)))
    .map(([name, { where }]) => `${where}: there is no setting ${name}; it changes nothing`);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
