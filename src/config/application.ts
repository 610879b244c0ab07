// One application's settings: Application.xml of its folder over that of its virtual host, over the defaults.
import { join, relative, resolve } from 'node:path';
import { ConfigError, type ConfigPlace } from '../errors.ts';
import { dotenvValues, readDotenv } from './dotenv.ts';
import type { FreeValues } from './element.ts';
import { readAuthorFileIfThere, readXmlIfThere } from './file.ts';
import { freeze } from './freeze.ts';
import { type Mistakes, THROWN } from './mistakes.ts';
import { named } from './named.ts';
import type { Note } from './note.ts';
import { type Layer, placeOfRead, Reader } from './reader.ts';
import {
  APPLICATION,
  type ApplicationRows,
  type ApplicationValues,
  DEFAULT_MEMORY_KB,
  DEFAULT_OUT_CHUNK_BYTES,
  MIN_MEMORY_KB,
} from './schema/application.ts';
import { type ScriptLimits, scriptLimits } from './schema/script-limits.ts';
import { type VirtualFolder, virtualFolders } from './schema/virtual-directory.ts';
import type { SettingsTurns } from './settings-turns.ts';
import type { Symbols } from './symbols.ts';
import { parseXmlFile, type XmlElement } from './xml.ts';

export const APPLICATION_FILE = 'Application.xml';
/** Of an application's own: some forty times what Flash Media Server shipped. */
const MAX_FILE_BYTES = 1 << 20;
/** A list of some thousand hosts. */
const MAX_SETTING_CHARACTERS = 64 << 10;
/** Of application.env: each is looked for in every error that a script reports, in up to 3 µs. */
const MAX_SECRETS = 200;

export interface ExecGrant {
  readonly name: string;
  readonly program: string;
  /** See exec-argument.ts. */
  readonly args: readonly string[];
  readonly timeoutMs: number | undefined;
  readonly maxRunning: number;
  readonly place: ConfigPlace | undefined;
}

/** The settings of one application: each row of the schema under its name in code, and what several of them come to. */
export interface ApplicationConfig extends ApplicationRows {
  /** Undefined: clients may be idle for ever. */
  readonly clientIdleMs: number | undefined;
  /** Undefined: nobody is asked which SWF it runs. */
  readonly swf:
    | (Pick<
        ApplicationRows['swfVerification'],
        'minGoodVersion' | 'firstHashTimeoutMs' | 'finalHashTimeoutMs'
      > & {
        readonly exceptions: ApplicationRows['swfVerification']['userAgentExceptions']['exception'];
        /** No folders: SWFs, in the folder of the application. */
        readonly library: SwfFolders;
      })
    | undefined;
  /** Undefined: nobody has to log in. */
  readonly login:
    | {
        readonly mode: ApplicationRows['authentication']['scheme'];
        readonly of: 'publishers' | 'everybody';
        readonly agents: readonly string[];
        /** Absolute. */
        readonly usersFile: string;
      }
    | undefined;
  /** Where files of streams lie; absolute paths. */
  readonly folders: {
    readonly storageDir: string | undefined;
    readonly virtual: readonly VirtualFolder[];
  };
  /** `application.limits` */
  readonly limits: ScriptLimits;
  /** Where classic scripts find more to load; absolute. */
  readonly libraries: readonly string[];
  readonly processScope: 'shared' | 'application';
  /** `application.env`: .env, and Environment over it. */
  readonly env: FreeValues;
  /** What scripts may start, by name. */
  readonly exec: readonly ExecGrant[];
  /** Folders of streams, as scripts say them. */
  readonly sampleAccess: { readonly audioSampleAccess: string; readonly videoSampleAccess: string };
  /** Beginnings of names of methods that clients may call; undefined: any. */
  readonly methods: readonly string[] | undefined;
  /** About the application's own file. */
  readonly notes: readonly Note[];
}

/** What the applications of a virtual host have in common. */
export interface ApplicationDefaults {
  readonly root: string;
  readonly appsDir: string;
  readonly symbols: Symbols;
  /** The virtual host's Application.xml: where it is or would be, and what it says. */
  readonly path: string;
  readonly file: XmlElement | undefined;
  /** As Server.xml and Vhost.xml have it; undefined: clients may be idle for ever. */
  readonly clientIdleMs: number | undefined;
  /** As Vhost.xml has them. */
  readonly virtual: readonly VirtualFolder[];
}

/** The settings that an application without a file of its own has. */
export function defaultApplicationConfig(
  defaults: ApplicationDefaults,
  mistakes: Mistakes = THROWN,
): ApplicationConfig {
  return read(defaults, undefined, mistakes);
}

/** As the virtual host's file is now. A ConfigError says what is wrong with that. */
export function rereadDefaults(defaults: ApplicationDefaults): ApplicationDefaults {
  const { root, path } = defaults;
  return freeze({ ...defaults, file: readXmlIfThere(path, relative(root, path)) });
}

/** The settings of an application as its files are now. A ConfigError says what is wrong with those. `turns`: where others wait. */
export async function readApplicationConfig(
  defaults: ApplicationDefaults,
  application: string,
  mistakes: Mistakes = THROWN,
  turns?: SettingsTurns,
): Promise<ApplicationConfig> {
  const folder = join(defaults.appsDir, application);
  const relativeName = relative(defaults.root, folder);
  const name = relativeName.startsWith('..') ? folder : relativeName;
  const fileName = join(name, APPLICATION_FILE);
  const file = await mistakes.attemptLater(
    () => readAuthorFileIfThere(join(folder, APPLICATION_FILE), fileName, MAX_FILE_BYTES),
    () => undefined,
  );
  const dotenv = await mistakes.attemptLater(
    () => readDotenv(folder, name),
    () => undefined,
  );
  const compute = () => {
    const own = mistakes.attempt(
      () => file && parseXmlFile(file.bytes.toString(), fileName),
      () => undefined,
    );
    const config = read(defaults, own, mistakes);
    const notes: Note[] = [...config.notes];
    const values = mistakes.attempt(
      () => dotenvValues(dotenv, notes, mistakes),
      () => ({}),
    );
    const env = { ...values, ...config.env };
    mistakes.attempt(
      () => requireFewSecrets(env, name),
      () => undefined,
    );
    return freeze({ ...config, env, notes });
  };
  return turns ? await turns.take(application, compute) : compute();
}

function read(
  defaults: ApplicationDefaults,
  own: XmlElement | undefined,
  mistakes: Mistakes,
): ApplicationConfig {
  const { file, symbols } = defaults;
  const layers: Layer[] = [];
  if (file) layers.push({ element: file, symbols });
  if (own) {
    const maxCharacters = MAX_SETTING_CHARACTERS;
    layers.push({ element: own, symbols: symbols.forApplications, maxCharacters });
  }
  const notes: Note[] = [];
  const values = new Reader(symbols, notes, mistakes).read('Application', APPLICATION, layers);
  const said = own ? notes.filter(isAbout(own)) : notes;
  const chunks = elementAt(own ?? file, ['Client', 'OutChunkSize']);
  if (chunks && values.Client.OutChunkSize < DEFAULT_OUT_CHUNK_BYTES) {
    const what = `${chunks.file}:${chunks.line}: OutChunkSize = ${values.Client.OutChunkSize}`;
    said.push({
      level: 'info',
      text: `${what}: accepted, but ${DEFAULT_OUT_CHUNK_BYTES} would need less CPU time`,
    });
  }
  const memory =
    elementAt(own ?? file, ['JSEngine', 'RuntimeSize']) ??
    elementAt(own ?? file, ['ScriptEngine', 'RuntimeSize']);
  if (memory && Number(memory.text) < MIN_MEMORY_KB) {
    const what = `${memory.file}:${memory.line}: RuntimeSize = ${memory.text}`;
    said.push({
      level: 'info',
      text: `${what}: replaced by ${DEFAULT_MEMORY_KB} kB, since less than ${MIN_MEMORY_KB} kB is too little`,
    });
  }
  return freeze({ ...convert(values, defaults), notes: said });
}

function requireFewSecrets(env: FreeValues, name: string): void {
  const count = countValues(env);
  if (count <= MAX_SECRETS) return;
  const what = `application.env has ${count} values, from <Environment> and .env: expected at most ${MAX_SECRETS}`;
  throw new ConfigError('ERR_CONFIG_VALUE', what, { place: { file: join(name, APPLICATION_FILE) } });
}

function countValues(values: FreeValues): number {
  return Object.values(values).reduce(
    (sum: number, value) => sum + (typeof value === 'string' ? 1 : countValues(value)),
    0,
  );
}

function elementAt(root: XmlElement | undefined, path: readonly string[]): XmlElement | undefined {
  return path.reduce((element, name) => element?.children.find((child) => child.name === name), root);
}

/** What there is to say about the virtual host's file was said when it was read by itself. */
function isAbout({ file }: XmlElement): (note: Note) => boolean {
  return ({ text }) => text.startsWith(`${file}:`);
}

function convert(
  values: ApplicationValues,
  { root, clientIdleMs, virtual }: Pick<ApplicationDefaults, 'root' | 'clientIdleMs' | 'virtual'>,
): Omit<ApplicationConfig, 'notes'> {
  const { AutoCloseIdleClients, Client, JSEngine, StreamManager } = values;
  const isIdlenessLimited = AutoCloseIdleClients['@enable'] && clientIdleMs !== undefined;
  const rows = named(APPLICATION, values);
  return {
    ...rows,
    limits: scriptLimits(rows),
    clientIdleMs: isIdlenessLimited ? (AutoCloseIdleClients.MaxIdleTime ?? clientIdleMs) : undefined,
    sampleAccess: {
      audioSampleAccess: sampleFolders(Client.Access.AudioSampleAccess),
      videoSampleAccess: sampleFolders(Client.Access.VideoSampleAccess),
    },
    methods: allowedMethods(JSEngine.Security.RPC),
    swf: swfConfig(values.SWFVerification, root),
    login: loginConfig(values.Authentication, root),
    folders: {
      storageDir: StreamManager.StorageDir === '' ? undefined : resolve(root, StreamManager.StorageDir),
      virtual: [...virtualFolders(StreamManager.VirtualDirectory, root), ...virtual],
    },
    libraries: JSEngine.ScriptLibPath.map((folder) => resolve(root, folder)),
    processScope: isOwnProcess(values.Process.Scope) ? 'application' : 'shared',
    env: JSEngine.Environment,
    exec: JSEngine.Exec.map((command) => ({
      name: command['@name'],
      program: command.Program,
      args: command.Argument,
      timeoutMs: command.TimeOut,
      maxRunning: command.MaxRunning,
      place: placeOfRead(command),
    })),
  };
}

function sampleFolders(access: ApplicationValues['Client']['Access']['AudioSampleAccess']): string {
  return access['@enabled'] ? access['#text'] : '';
}

function allowedMethods(rpc: ApplicationValues['JSEngine']['Security']['RPC']): string[] | undefined {
  if (!rpc['@enable']) return undefined;
  // FMS ships <Allow></Allow>, which allows nothing
  return rpc.Client.Method.flatMap(({ Allow }) => Allow).filter((beginning) => beginning !== '');
}

function isOwnProcess(scope: ApplicationValues['Process']['Scope']): boolean {
  return scope === 'application' || scope === 'app' || scope === 'inst';
}

/** Copies of SWFs that players may run. Folders are absolute. */
export interface SwfFolders {
  readonly folders: readonly string[];
  readonly levels: number;
  readonly maxWaitMs: number;
  readonly keepMs: number;
  readonly refreshMs: number;
}

type SwfFolderValues = Pick<
  ApplicationValues['SWFVerification'],
  'SWFFolder' | 'DirLevelSWFScan' | 'MaxInitDelay' | 'Cache'
>;

export function swfFolders(
  { SWFFolder, DirLevelSWFScan, MaxInitDelay, Cache }: SwfFolderValues,
  root: string,
): SwfFolders {
  return {
    folders: SWFFolder.map((folder) => resolve(root, folder)),
    levels: DirLevelSWFScan,
    maxWaitMs: MaxInitDelay,
    keepMs: Cache.TTL,
    refreshMs: Cache.UpdateInterval,
  };
}

function swfConfig(values: ApplicationValues['SWFVerification'], root: string): ApplicationConfig['swf'] {
  if (!values['@enabled']) return undefined;
  return {
    minGoodVersion: values.MinGoodVersion,
    firstHashTimeoutMs: values.FirstHashTimeout,
    finalHashTimeoutMs: values.FinalHashTimeout,
    exceptions: values.UserAgentExceptions.Exception.map((one) => ({ from: one['@from'], to: one['@to'] })),
    library: swfFolders(values, root),
  };
}

function loginConfig(
  { Mode, Scheme, Agents, Users }: ApplicationValues['Authentication'],
  root: string,
): ApplicationConfig['login'] {
  if (Mode === 'off') return undefined;
  return { mode: Scheme, of: Mode, agents: Agents, usersFile: resolve(root, Users) };
}
