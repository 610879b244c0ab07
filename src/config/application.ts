// One application's settings: Application.xml of its folder over that of its virtual host, over the defaults.
import { join, relative, resolve } from 'node:path';
import { ConfigError, type ConfigPlace } from '../errors.ts';
import { dotenvValues, readDotenv } from './dotenv.ts';
import type { FreeValues } from './element.ts';
import { readAuthorFileIfThere, readXmlIfThere } from './file.ts';
import { freeze } from './freeze.ts';
import type { HostGrant } from './host-rules.ts';
import { type Mistakes, THROWN } from './mistakes.ts';
import type { Note } from './note.ts';
import { type Layer, placeOfRead, Reader } from './reader.ts';
import {
  APPLICATION,
  type ApplicationValues,
  DEFAULT_CHUNK_BYTES,
  DEFAULT_MEMORY_KB,
  MIN_MEMORY_KB,
} from './schema/application.ts';
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

export interface FetchGrant extends HostGrant {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly maxRunning: number;
}

/** What NetConnection of scripts may connect to. */
export interface ConnectionGrant extends HostGrant {
  readonly timeoutMs: number;
  readonly maxConnections: number;
}

/** Time in ms, sizes in bytes. What each field means: schema/application.ts. */
export interface ApplicationConfig {
  /** Its default instance is started with the server. */
  readonly isLoadedOnStartup: boolean;
  /** An instance without clients. */
  readonly maxIdleMs: number;
  /** Undefined: clients may be idle for ever. */
  readonly clientIdleMs: number | undefined;
  readonly chunkBytes: number;
  /** The windows that acknowledgements are counted by. */
  readonly bandwidth: { readonly serverToClientBytes: number; readonly clientToServerBytes: number };
  readonly live: {
    readonly erasesOnPublish: boolean;
    /** Undefined: nobody is taken over. */
    readonly publishTimeoutMs: number | undefined;
    readonly takeOverIntervalMs: number;
    readonly maxWaitingNames: number;
    readonly gop: { readonly maxBytes: number; readonly maxMs: number };
    readonly keyframeWaitMs: number;
    readonly flush:
      | { readonly mode: 'frame'; readonly audioMs: number }
      | { readonly mode: 'merge'; readonly ms: number }
      | { readonly mode: 'instant' };
    readonly backlog: {
      readonly softBytes: number;
      readonly softMs: number;
      readonly hardBytes: number;
      readonly stallMs: number;
    };
  };
  /** Undefined: nobody is asked which SWF it runs. */
  readonly swf:
    | {
        readonly minVersion: number;
        readonly firstMs: number;
        readonly finalMs: number;
        readonly exceptions: readonly { readonly from: string; readonly to: string }[];
        /** No folders: SWFs, in the folder of the application. */
        readonly library: SwfFolders;
      }
    | undefined;
  /** Undefined: nobody has to log in. */
  readonly login:
    | {
        readonly mode: 'adobe' | 'llnw';
        readonly of: 'publishers' | 'everybody';
        readonly agents: readonly string[];
        /** Absolute. */
        readonly usersFile: string;
      }
    | undefined;
  /** How recorded streams are played. */
  readonly recorded: {
    readonly minBufferMs: number;
    readonly enhancedSeek: boolean;
    readonly repeatsStart: boolean;
    readonly repeatsMetaData: boolean;
    readonly maxSwitchMs: number;
  };
  /** Where files of streams lie; absolute paths. */
  readonly folders: {
    readonly storageDir: string | undefined;
    readonly virtual: readonly VirtualFolder[];
  };
  /** Undefined: any. The caps hold for what scripts ask for. */
  readonly recording: {
    readonly maxBytes: number | undefined;
    readonly maxBytesCap: number | undefined;
    readonly maxMs: number | undefined;
    readonly maxMsCap: number | undefined;
  };
  readonly script: {
    /** Where classic scripts find more to load; absolute. */
    readonly libraries: readonly string[];
    readonly memoryMb: number;
    readonly turnMs: number;
    readonly loadMs: number;
    readonly gateMs: number;
    readonly gateFailure: 'closed' | 'open';
    /** Undefined: a call of a client may stay open for ever. */
    readonly callMs: number | undefined;
    readonly timers: number;
    readonly queuedEvents: number;
    readonly queuedBytes: number;
    readonly logLines: number;
    readonly process: 'shared' | 'application';
    readonly reload: { readonly on: 'migrate' | 'drain' | 'restart' | 'off'; readonly drainMs: number };
    /** `application.config` */
    readonly config: FreeValues;
    /** `application.env` */
    readonly env: FreeValues;
    readonly fetch: FetchGrant;
    readonly connections: ConnectionGrant;
    /** What scripts may start, by name. */
    readonly exec: readonly ExecGrant[];
    /** Whether debuggers may attach. */
    readonly isInspectable: boolean;
  };
  /** What every client has, and may call. */
  readonly client: {
    /** Folders of streams, as scripts say them. */
    readonly sampleAccess: { readonly audioSampleAccess: string; readonly videoSampleAccess: string };
    /** Beginnings of names; undefined: any. */
    readonly methods: readonly string[] | undefined;
  };
  /** Clients of all its instances; undefined: any number. */
  readonly connections: {
    readonly total: number | undefined;
    readonly perAddress: number | undefined;
    readonly perUser: number | undefined;
  };
  readonly transport: {
    /** Whose tunnels may come in. */
    readonly tunnels: 'true' | 'false' | 'http1.1only' | 'keepalive';
    /** Names of protocols, in lower case. */
    readonly disallowed: readonly string[];
  };
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
    const env = { ...values, ...config.script.env };
    mistakes.attempt(
      () => requireFewSecrets(env, name),
      () => undefined,
    );
    return freeze({ ...config, script: { ...config.script, env }, notes });
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
  if (chunks && values.Client.OutChunkSize < DEFAULT_CHUNK_BYTES) {
    const what = `${chunks.file}:${chunks.line}: OutChunkSize = ${values.Client.OutChunkSize}`;
    said.push({
      level: 'info',
      text: `${what}: accepted, but ${DEFAULT_CHUNK_BYTES} would need less CPU time`,
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
  {
    LoadOnStartup,
    MaxAppIdleTime,
    AutoCloseIdleClients,
    Authentication,
    Debug,
    JSEngine,
    Process,
    StreamManager,
    SWFVerification,
    ResourceLimits,
    Client,
    AllowHTTPTunnel,
    DisallowedProtocols,
  }: ApplicationValues,
  outer: Pick<ApplicationDefaults, 'root' | 'clientIdleMs' | 'virtual'>,
): Omit<ApplicationConfig, 'notes'> {
  const { root, clientIdleMs: outerIdleMs } = outer;
  const { Live, Recording } = StreamManager;
  const isIdlenessLimited = AutoCloseIdleClients['@enable'] && outerIdleMs !== undefined;
  return {
    isLoadedOnStartup: LoadOnStartup,
    maxIdleMs: MaxAppIdleTime,
    clientIdleMs: isIdlenessLimited ? (AutoCloseIdleClients.MaxIdleTime ?? outerIdleMs) : undefined,
    chunkBytes: Client.OutChunkSize,
    bandwidth: {
      serverToClientBytes: Client.Bandwidth.ServerToClient,
      clientToServerBytes: Client.Bandwidth.ClientToServer,
    },
    client: {
      sampleAccess: {
        audioSampleAccess: sampleFolders(Client.Access.AudioSampleAccess),
        videoSampleAccess: sampleFolders(Client.Access.VideoSampleAccess),
      },
      methods: allowedMethods(JSEngine.Security.RPC),
    },
    connections: {
      total: ResourceLimits.MaxConnections,
      perAddress: ResourceLimits.MaxConnectionsPerAddress,
      perUser: ResourceLimits.MaxConnectionsPerUser,
    },
    transport: { tunnels: AllowHTTPTunnel, disallowed: DisallowedProtocols },
    live: {
      erasesOnPublish: Live.EraseOnPublish,
      publishTimeoutMs: Live.PublishTimeout,
      takeOverIntervalMs: Live.TakeOverInterval,
      maxWaitingNames: Live.MaxWaitingStreams,
      gop: { maxBytes: Live.AccumulatedIFrames.MaxSize, maxMs: Live.AccumulatedIFrames.MaxTime },
      keyframeWaitMs: Live.KeyframeWait,
      flush: flushPolicy(Live.Flush),
      backlog: {
        softBytes: Client.Backlog.SoftSize,
        softMs: Client.Backlog.SoftTime,
        hardBytes: Client.Backlog.HardSize,
        stallMs: Client.Backlog.StallTime,
      },
    },
    swf: swfConfig(SWFVerification, root),
    login: loginConfig(Authentication, root),
    recorded: {
      minBufferMs: Client.MsgQueue.Recorded.MinBufferTime,
      enhancedSeek: StreamManager.EnhancedSeek['#text'],
      repeatsStart: StreamManager.SendDuplicateStart,
      repeatsMetaData: StreamManager.SendDuplicateOnMetaData === 'true',
      maxSwitchMs: StreamManager.MaxSwitchTime,
    },
    folders: {
      storageDir: StreamManager.StorageDir === '' ? undefined : resolve(root, StreamManager.StorageDir),
      virtual: [...virtualFolders(StreamManager.VirtualDirectory, root), ...outer.virtual],
    },
    recording: {
      maxBytes: Recording.MaxSize,
      maxBytesCap: Recording.MaxSizeCap,
      maxMs: Recording.MaxDuration,
      maxMsCap: Recording.MaxDurationCap,
    },
    script: {
      libraries: JSEngine.ScriptLibPath.map((folder) => resolve(root, folder)),
      memoryMb: Math.floor(JSEngine.RuntimeSize / (1 << 20)),
      turnMs: JSEngine.MaxTimeOut,
      loadMs: JSEngine.LoadTimeOut,
      gateMs: JSEngine.GateTimeOut,
      gateFailure: JSEngine.GateFailure,
      callMs: JSEngine.CallTimeOut,
      timers: JSEngine.MaxTimers,
      queuedEvents: JSEngine.MaxQueuedEvents,
      queuedBytes: JSEngine.MaxQueuedSize,
      logLines: JSEngine.MaxLogRate,
      process: isOwnProcess(Process.Scope) ? 'application' : 'shared',
      reload: { on: JSEngine.Reload.Policy, drainMs: JSEngine.Reload.DrainTime },
      config: JSEngine.ApplicationObject.config,
      env: JSEngine.Environment,
      isInspectable: Debug.AllowDebugDefault,
      exec: JSEngine.Exec.map((command) => ({
        name: command['@name'],
        program: command.Program,
        args: command.Argument,
        timeoutMs: command.TimeOut,
        maxRunning: command.MaxRunning,
        place: placeOfRead(command),
      })),
      connections: {
        hosts: JSEngine.NetConnection.Hosts,
        privateAddresses: JSEngine.NetConnection.PrivateAddresses,
        timeoutMs: JSEngine.NetConnection.TimeOut,
        maxConnections: JSEngine.NetConnection.MaxConnections,
      },
      fetch: {
        hosts: JSEngine.Fetch.Hosts,
        privateAddresses: JSEngine.Fetch.PrivateAddresses,
        timeoutMs: JSEngine.Fetch.TimeOut,
        maxBytes: JSEngine.Fetch.MaxSize,
        maxRunning: JSEngine.Fetch.MaxRunning,
      },
    },
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
    minVersion: values.MinGoodVersion,
    firstMs: values.FirstHashTimeout,
    finalMs: values.FinalHashTimeout,
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

function flushPolicy({
  Mode,
  AudioDelay,
  MergeDelay,
}: ApplicationValues['StreamManager']['Live']['Flush']): ApplicationConfig['live']['flush'] {
  switch (Mode) {
    case 'frame':
      return { mode: 'frame', audioMs: AudioDelay };
    case 'merge':
      return { mode: 'merge', ms: MergeDelay };
    case 'instant':
      return { mode: 'instant' };
  }
}
