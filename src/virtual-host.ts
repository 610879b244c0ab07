// A host name with applications of its own: everything that there is once for each Vhost.xml.
import { mkdirSync, readdirSync, renameSync, type Stats, statSync, unwatchFile, watchFile } from 'node:fs';
import { join, relative } from 'node:path';
import type { FanOut } from './adaptor/link/fan-out.ts';
import { Dialer } from './adaptor/outgoing/dialer.ts';
import type { ApplicationProblem } from './application/accounts/application-problem.ts';
import { ErrorRecords } from './application/accounts/error-records.ts';
import { Journal } from './application/accounts/journal.ts';
import type { ScriptMetricsBook } from './application/accounts/script-metrics.ts';
import type { Recorders } from './application/contract/recording.ts';
import type { ClientSettings, InstanceSettings } from './application/instance/instance-settings.ts';
import { isApplicationName, Registry } from './application/instance/registry.ts';
import { Statistics } from './application/instance/statistics.ts';
import type { LoadGovernor } from './application/live/flush.ts';
import type { StreamOptions } from './application/live/stream.ts';
import type { FairTurns } from './application/pace/fair-turns.ts';
import type { Turns } from './application/pace/turns.ts';
import type { Clock } from './clock.ts';
import { AddressList, EVERYBODY } from './config/address-rules.ts';
import type { ApplicationConfig } from './config/application.ts';
import { ApplicationSettings } from './config/application-settings.ts';
import type { Config, VhostConfig } from './config/config.ts';
import { DEFAULT_ADAPTOR } from './config/load.ts';
import type { Symbols } from './config/symbols.ts';
import { StatusError } from './errors.ts';
import { AccessStatus } from './log/access-status.ts';
import type { LineLimit } from './log/line-limit.ts';
import { type Log, logBug } from './log/log.ts';
import type { SecretMask } from './log/secrets.ts';
import type { ServerLogs } from './log/server-logs.ts';
import type { AmfLimits } from './protocol/amf/amf-budget.ts';
import type { ChunkReaderOptions } from './protocol/rtmp/chunk-reader.ts';
import { StreamFolders } from './recording/read/folders.ts';
import type { IndexMemory } from './recording/read/index-memory.ts';
import { MediaLibrary } from './recording/read/library.ts';
import type { FileRecorders } from './recording/write/recorder.ts';
import { ScriptHost, type ScriptSettings } from './script/host/host.ts';
import type { StandIns } from './script/host/stand-ins.ts';
import type { Inspector } from './script/inspect/inspector.ts';
import type { Runners } from './script/process/runners.ts';
import { recordingServices } from './script/services/recording-service.ts';
import type { BuildScript } from './script/source/build-outcome.ts';
import type { Json } from './script/wire/wire.ts';
import { folderName } from './storage/names.ts';
import { hasOtherSpelling } from './storage/spelling.ts';
import { AdmissionRules } from './wiring/admission-rules.ts';

/** By looking, not by being told: it may be a file of another file system, put there by whatever manages this machine. */
const DEFAULTS_CHECK_MS = 1000;

/** In the folder of applications; none is called so. */
const REMOVED_FOLDER = '.removed';

/** What all virtual hosts have together. */
export interface VirtualHostOptions {
  config: Config;
  /** `Understudy/1.0.0` */
  software: string;
  log: Log;
  /** For lines that a peer can cause again and again. */
  lines: LineLimit;
  /** Whether a file may be opened that a client or a script has asked for. */
  hasRoom(): boolean;
  /** For recorded streams of all virtual hosts. */
  readonly indexes: IndexMemory;
  /** At fetch of scripts: of all hosts together. */
  fetchTurns: FairTurns;
  logs: ServerLogs;
  clock: Clock;
  governor: LoadGovernor;
  /** Of all work that peers cause; undefined: each instance has its own. */
  turns?: Turns | undefined;
  /** What is sent to many players leaves by it; undefined: by each one's socket. */
  fanOut: FanOut | undefined;
  build: BuildScript;
  runners: Runners;
  mask: SecretMask;
  /** Of the errors of all scripts. */
  nextErrorId(): number;
  /** Hosts may share folders, and then they must not write to the same file. */
  recorders: FileRecorders;
  inspector: Inspector;
  /** Authorities that servers are known by, in PEM; undefined: those that Node.js knows. */
  authorities: string | undefined;
  /** The application whose script debuggers may attach to, whatever its settings say; empty: all of them. */
  inspected: string | undefined;
  /** For tests of scripts. */
  standIns?: StandIns;
}

export class VirtualHost {
  readonly adaptor: string;
  readonly name: string;
  readonly registry: Registry;
  readonly statistics: Statistics;
  /** Of its scripts. */
  readonly scripts: ScriptMetricsBook;
  /** Of its scripts, of late. */
  readonly errors: ErrorRecords;
  readonly sharesApplications: boolean;
  readonly recorded: MediaLibrary;
  readonly recorders: Recorders;
  /** Names that administrators have given it until the server ends. */
  readonly #addedAliases = new Set<string>();
  /** Other hosts of the adaptor may be called so. */
  readonly #isTaken: (name: string) => boolean;
  readonly #vhost: VhostConfig;
  readonly #journal: Journal | undefined;
  readonly #scripts: ScriptHost;
  readonly #settings: ApplicationSettings;
  readonly #rules: AdmissionRules;
  readonly #log: Log;

  /** `isTaken`: whether a host of its adaptor is called so. */
  constructor(
    adaptor: string,
    vhost: VhostConfig,
    options: VirtualHostOptions,
    isTaken: (name: string) => boolean,
  ) {
    const {
      config,
      software,
      log: serverLog,
      logs,
      clock,
      governor,
      fanOut,
      runners,
      inspector,
      authorities,
      inspected,
      standIns,
    } = options;
    const { name, appsDir } = vhost;
    this.adaptor = adaptor;
    this.name = name;
    this.#vhost = vhost;
    this.#isTaken = isTaken;
    const everyFolder = config.adaptors.flatMap(({ vhosts }) => vhosts.map((one) => one.appsDir));
    this.sharesApplications = everyFolder.filter((folder) => folder === appsDir).length > 1;
    const isOnlyOne = config.adaptors.length === 1 && config.adaptors[0]!.vhosts.length === 1;
    const log = isOnlyOne ? serverLog : serverLog.child({ adaptor, vhost: name });
    this.#log = log;
    const settings = new ApplicationSettings(
      vhost.defaults,
      vhost.application,
      ({ level, text, mistake }, application) => {
        log[level]({ event: 'config', application }, text);
        if (mistake && application !== undefined) this.errors.settings(application, mistake);
      },
    );
    this.#settings = settings;
    const access = logs.accessOf(name);
    this.#journal =
      access &&
      new Journal({
        clock,
        adaptor,
        vhost: name,
        write: (event, values) => access.write(event, values),
        checkpoints: config.logs.access?.checkpoints,
      });
    const logFolder = adaptor === DEFAULT_ADAPTOR ? name : join(adaptor, name);
    const folderConfigs = new Map<string, ApplicationConfig['folders']>();
    const folders = new StreamFolders(
      appsDir,
      (application) => folderConfigs.get(application) ?? vhost.application.folders,
    );
    const recorders = options.recorders.in(folders);
    const recorded = new MediaLibrary(folders, options.recorders, log, {
      hasRoom: options.hasRoom,
      indexes: options.indexes,
      lines: options.lines,
    });
    this.recorders = recorders;
    this.recorded = recorded;
    const map: StreamFolders['map'] = (...names) => folders.map(...names);
    this.errors = new ErrorRecords({ nowMs: () => Date.now(), nextId: options.nextErrorId });
    this.#scripts = new ScriptHost({
      errors: this.errors,
      mask: options.mask,
      services: recordingServices({ recorders, recorded, map }),
      applicationsDir: appsDir,
      log,
      // one folder each: the file of one instance must not have the name of another's folder
      applicationLog: (application, instance) =>
        logs.applications.for(logFolder, application, folderName(instance)),
      server: software,
      hostname: config.server.hostname,
      settingsRead: (application) => this.#reading(application) ?? Promise.resolve(),
      settingsFor: (application) => {
        const own = scriptSettings(settings.of(application), inspected === '' || inspected === application);
        return standIns ? inTest(own, standIns) : own;
      },
      lines: options.lines,
      onInstanceEnd: (application, instance) => folders.forget(application, instance),
      maxWatchedFiles: config.server.runners.maxWatchedFiles,
      fetchTurns: options.fetchTurns,
      hostId: `${adaptor}/${name}`,
      hasRoom: options.hasRoom,
      logBytes: config.server.runners.logBytes,
      maxPrograms: config.server.runners.maxPrograms,
      onSettings: (application) => this.#inBackground(this.#refreshSettings(application)),
      clock,
      build: options.build,
      runners,
      inspector,
      standIns,
    });
    const media = { clock, governor, sweep: fanOut?.sweep, turns: options.turns };
    this.scripts = this.#scripts.metrics;
    const { limits, clientTls } = config.server;
    const outgoing = new Dialer({
      grantFor: (application) => settings.of(application).script.connections,
      tls: { verifies: clientTls.verifies, authorities },
      agent: `FMLE/3.0 (compatible; ${software})`, // how encoders call themselves to be let in
      clock,
      turns: options.turns,
      log,
      lines: options.lines,
      hasRoom: options.hasRoom,
      chunks: chunkLimits(limits),
      amf: amfLimits(limits),
      maxUnreadBytes: limits.unreadBytes,
      closeGraceMs: limits.closeMs,
      standIn: standIns?.connect,
    });
    const rules = new AdmissionRules(vhost, config.server.swfs, log);
    this.#rules = rules;
    this.registry = new Registry({
      clock,
      adaptor,
      vhost: name,
      rules: { ...EVERYBODY, allow: AddressList.parse(vhost.allow) },
      maxClients: vhost.maxConnections,
      instances: vhost.instances,
      scripts: this.#scripts,
      recorders,
      recorded,
      turns: options.turns,
      outgoing,
      log,
      lines: options.lines,
      onBug: (error) => logBug(log, error, 'a server-side stream'),
      journal: this.#journal,
      hasApplication: (application) =>
        isFolder(join(appsDir, application)) && !hasOtherSpelling(appsDir, application),
      isClosed: (application) => settings.isClosed(application),
      reading: (application) => this.#reading(application),
      ...instanceSettings(vhost.application, media),
      settingsFor: (application) => {
        const own = settings.of(application);
        folderConfigs.set(application, own.folders);
        const shared = instanceSettings(own, media);
        return { ...shared, clients: { ...shared.clients, ...rules.of(application, own) } };
      },
    });
    this.statistics = new Statistics({ registries: [this.registry], governor, clock });
  }

  /** By its name or one of its aliases, as clients write it. */
  isCalled(host: string): boolean {
    const wanted = host.toLowerCase();
    return [this.name, ...this.aliases].some((name) => name.toLowerCase() === wanted);
  }

  get aliases(): string[] {
    return [...this.#vhost.aliases, ...this.#addedAliases];
  }

  addAlias(alias: string): boolean {
    if (this.#isTaken(alias)) return false;
    this.#addedAliases.add(alias.toLowerCase());
    return true;
  }

  removeAlias(alias: string): boolean {
    return this.#addedAliases.delete(alias.toLowerCase());
  }

  /** Those that can be started. */
  applications(): string[] {
    const { appsDir } = this.#vhost;
    if (!isFolder(appsDir)) return [];
    return readdirSync(appsDir, { withFileTypes: true })
      .filter(({ name }) => isApplicationName(name))
      .filter(
        (entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(appsDir, entry.name))),
      )
      .map(({ name }) => name)
      .sort();
  }

  /** Why one of them is not what its files say. */
  problemOf(application: string): ApplicationProblem | undefined {
    const mistake = this.#settings.mistakeIn(application);
    const isClosed = this.#settings.isClosed(application);
    const inScript = this.#scripts.problemOf(application);
    if (!mistake || (!isClosed && inScript)) return inScript;
    const { what: reason, place } = mistake;
    const file = place && placeIn(join(this.#vhost.appsDir, application), place.file);
    return { state: isClosed ? 'closed' : 'outdated', reason, file, line: place?.line };
  }

  /** In those of its applications: what the server writes to. */
  ownFolders(): string[] {
    const folders = this.applications().map((name) => join(this.#vhost.appsDir, name));
    return folders.flatMap((folder) => [join(folder, 'streams'), join(folder, 'store')]);
  }

  /** Makes the folder of a new one. Throws what the file system says. */
  addApplication(name: string): void {
    mkdirSync(join(this.#vhost.appsDir, name), { recursive: true });
  }

  /** Its recordings are in it, so nothing is deleted: that is for whoever has the disk. */
  removeApplication(name: string): string {
    const { appsDir } = this.#vhost;
    const folder = join(appsDir, REMOVED_FOLDER);
    mkdirSync(folder, { recursive: true });
    const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const target = join(folder, `${name}-${stamp}`);
    renameSync(join(appsDir, name), target);
    return target;
  }

  async stopServing(): Promise<void> {
    if (this.registry.isSuspended) return;
    await this.registry.suspend();
    this.noteStop();
  }

  startServing(): void {
    if (!this.registry.isSuspended) return;
    this.registry.resume();
    this.noteStart();
    this.loadOnStartup();
  }

  /** Resolves when its scripts can be served. */
  async start(): Promise<void> {
    await this.#scripts.start();
    await Promise.all(this.applications().map((application) => this.#reading(application)));
    watchFile(this.#vhost.defaults.path, { interval: DEFAULTS_CHECK_MS }, this.#onDefaults);
  }

  /** An application's files are read as they are now, whether or not they are watched. */
  async refresh(application: string): Promise<void> {
    this.#scripts.rewatch(application);
    await this.#refreshSettings(application);
    await this.#scripts.refresh(application);
  }

  /** Applications that are not to wait for their first client. */
  loadOnStartup(): void {
    for (const application of this.applications()) {
      const reading = this.#reading(application);
      if (reading) this.#inBackground(reading.then(() => this.#loadIfWanted(application)));
      else this.#loadIfWanted(application);
    }
  }

  #loadIfWanted(application: string): void {
    if (!this.#settings.of(application).isLoadedOnStartup) return;
    try {
      this.registry.open(application);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#log.error({ event: 'config', application }, `LoadOnStartup: ${error.message}`);
    }
  }

  readonly #onDefaults = (now: Stats, before: Stats) => {
    const isSame = now.mtimeMs === before.mtimeMs && now.ino === before.ino && now.size === before.size;
    if (!isSame) this.#inBackground(this.#refreshDefaults());
  };

  async #refreshDefaults(): Promise<void> {
    if (await this.#settings.refreshDefaults()) this.#configure(undefined, 'of all applications');
  }

  /** As conf/ has them now. */
  symbolsChanged(symbols: Symbols): void {
    this.#inBackground(this.#refreshSymbols(symbols));
  }

  async #refreshSymbols(symbols: Symbols): Promise<void> {
    for (const application of await this.#settings.refreshSymbols(symbols)) {
      this.#configure(application, `of ${application}`);
    }
  }

  #reading(application: string): Promise<void> | undefined {
    const readings = [this.#settings.reading(application), this.#rules.reading(application)];
    const open = readings.filter((reading) => reading !== undefined);
    return open.length === 0 ? undefined : Promise.all(open).then(() => {});
  }

  async #refreshSettings(application: string): Promise<void> {
    await this.#rules.refresh(application);
    if (await this.#settings.refresh(application)) this.#configure(application, `of ${application}`);
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => logBug(this.#log, error, 'reading the settings of an application'));
  }

  #configure(application: string | undefined, whose: string): void {
    const text = `the settings ${whose} have changed: those that run have them now, as far as Application.xml says`;
    this.#log.info({ event: 'config', application }, text);
    this.registry.configure(application);
    this.#scripts.configure(application);
  }

  noteStart(): void {
    this.#journal?.note('vhost-start', { 'x-status': AccessStatus.Ok });
  }

  noteStop(): void {
    this.#journal?.note('vhost-stop', { 'x-status': AccessStatus.Ok });
  }

  /** Its clients are told and disconnected, then comes onAppStop. */
  shutdown(): Promise<void> {
    return this.registry.suspend(); // who waits for an instance to end must not begin another one
  }

  /** After its clients have gone. */
  async close(): Promise<void> {
    unwatchFile(this.#vhost.defaults.path, this.#onDefaults);
    this.statistics.close();
    await this.#scripts.close();
    this.#journal?.close();
  }
}

export function amfLimits(limits: Config['server']['limits']): AmfLimits {
  const { amfDepth: depth, amfValues: values, amfBytes: bytes, amfExpansion: expansion } = limits;
  return { depth, values, bytes, expansion };
}

export function chunkLimits({
  messageBytes,
  amfBytes,
  partialMessages,
  partialBytes,
}: Config['server']['limits']): ChunkReaderOptions {
  return {
    maxMessageBytes: messageBytes,
    maxValueBytes: amfBytes,
    maxHalfReceived: partialMessages,
    maxHalfReceivedBytes: partialBytes,
  };
}

export function clientSettings({
  chunkBytes,
  clientIdleMs,
  bandwidth,
}: Pick<ApplicationConfig, 'chunkBytes' | 'clientIdleMs' | 'bandwidth'>): ClientSettings {
  return { wireChunkBytes: chunkBytes, idleTimeoutMs: clientIdleMs, ...bandwidth };
}

function scriptSettings({ script, folders }: ApplicationConfig, isInspected: boolean): ScriptSettings {
  const { memoryMb, turnMs, loadMs, gateMs, timers, queuedEvents, queuedBytes, logLines, fetch, ...rest } =
    script;
  const times = { turnMs, loadMs, gateMs };
  const amounts = { memoryMb, timers, queuedEvents, queuedBytes, logLines, fetches: fetch.maxRunning };
  const isInspectable = isInspected || rest.isInspectable;
  const { storageDir, virtual } = folders;
  const streamFolders = [
    ...(storageDir === undefined ? [] : [storageDir]),
    ...virtual.map(({ folder }) => folder),
  ];
  return { ...rest, isInspectable, fetch, streamFolders, limits: { ...times, ...amounts } };
}

/** No debugger, no process of its own. */
function inTest(settings: ScriptSettings, { env }: StandIns): ScriptSettings {
  const own = settings.env;
  const all: Json = { ...(typeof own === 'object' && !Array.isArray(own) ? own : {}), ...env };
  return { ...settings, env: all, process: 'shared', isInspectable: false };
}

function instanceSettings(
  { live, maxIdleMs, recording, recorded, ...config }: ApplicationConfig,
  media: Pick<StreamOptions, 'clock' | 'governor' | 'sweep' | 'turns'>,
): InstanceSettings & { clients: ClientSettings } {
  return {
    streams: {
      ...media,
      gop: live.gop,
      keyframeWaitMs: live.keyframeWaitMs,
      backlog: live.backlog,
      flush: live.flush,
    },
    publishTimeoutMs: live.publishTimeoutMs,
    takeOverIntervalMs: live.takeOverIntervalMs,
    erasesOnPublish: live.erasesOnPublish,
    idleMs: maxIdleMs,
    maxWaitingNames: live.maxWaitingNames,
    connections: config.connections,
    recording,
    playingRecorded: recorded,
    clients: { ...clientSettings(config), ...config.client, transport: config.transport },
  };
}

/** From the folder, where it lies in it. */
function placeIn(folder: string, file: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') ? file : path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
