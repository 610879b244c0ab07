// A host name with applications of its own: everything that there is once for each Vhost.xml.
import { join } from 'node:path';
import type { FanOut } from './adaptor/link/fan-out.ts';
import { Dialer } from './adaptor/outgoing/dialer.ts';
import type { ApplicationProblem } from './application/accounts/application-problem.ts';
import { ErrorRecords } from './application/accounts/error-records.ts';
import { Journal } from './application/accounts/journal.ts';
import type { ScriptMetricsBook } from './application/accounts/script-metrics.ts';
import type { Recorders } from './application/contract/recording.ts';
import { Registry } from './application/instance/registry.ts';
import { Statistics } from './application/instance/statistics.ts';
import type { LoadGovernor } from './application/live/flush.ts';
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
import { StreamFolders } from './recording/read/folders.ts';
import type { IndexMemory } from './recording/read/index-memory.ts';
import { MediaLibrary } from './recording/read/library.ts';
import type { FileRecorders } from './recording/write/recorder.ts';
import { ScriptHost } from './script/host/host.ts';
import type { StandIns } from './script/host/stand-ins.ts';
import type { Inspector } from './script/inspect/inspector.ts';
import type { Runners } from './script/process/runners.ts';
import { recordingServices } from './script/services/recording-service.ts';
import type { BuildScript } from './script/source/build-outcome.ts';
import { folderName } from './storage/names.ts';
import { FileStores } from './storage/store-backend.ts';
import { AdmissionRules } from './wiring/admission-rules.ts';
import { ApplicationsFolder } from './wiring/applications-folder.ts';
import { HostNames } from './wiring/host-names.ts';
import { amfLimits, chunkLimits } from './wiring/limits.ts';
import { instanceSettings, inTest, scriptSettings } from './wiring/settings.ts';
import { SettingsChanges } from './wiring/settings-changes.ts';

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
  readonly registry: Registry;
  readonly statistics: Statistics;
  /** Of its scripts. */
  readonly scripts: ScriptMetricsBook;
  /** Of its scripts, of late. */
  readonly errors: ErrorRecords;
  readonly sharesApplications: boolean;
  readonly recorded: MediaLibrary;
  readonly recorders: Recorders;
  readonly #journal: Journal | undefined;
  readonly #scripts: ScriptHost;
  readonly #names: HostNames;
  readonly #folder: ApplicationsFolder;
  readonly #settings: ApplicationSettings;
  readonly #changes: SettingsChanges;
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
    this.#names = new HostNames(name, vhost.aliases, isTaken);
    this.#folder = new ApplicationsFolder(appsDir);
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
      stores: new FileStores(appsDir, (error) => logBug(log, error, 'the thread of the stores')),
      log,
      // one folder each: the file of one instance must not have the name of another's folder
      applicationLog: (application, instance) =>
        logs.applications.for(logFolder, application, folderName(instance)),
      server: software,
      hostname: config.server.hostname,
      settingsRead: (application) => this.#changes.reading(application) ?? Promise.resolve(),
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
      onSettings: (application) => this.#changes.inBackground(this.#changes.refresh(application)),
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
      grantFor: (application) => settings.of(application).jsEngine.netConnection,
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
    this.#changes = new SettingsChanges({
      ...{ settings, rules, log },
      defaultsPath: vhost.defaults.path,
      onChange: (application) => {
        this.registry.configure(application);
        this.#scripts.configure(application);
      },
    });
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
      hasApplication: (application) => this.#folder.has(application),
      isClosed: (application) => settings.isClosed(application),
      reading: (application) => this.#changes.reading(application),
      media,
      ...instanceSettings(vhost.application),
      settingsFor: (application) => {
        const own = settings.of(application);
        folderConfigs.set(application, own.folders);
        const shared = instanceSettings(own);
        return { ...shared, clients: { ...shared.clients, ...rules.of(application, own) } };
      },
    });
    this.statistics = new Statistics({ registries: [this.registry], governor, clock });
  }

  get name(): string {
    return this.#names.name;
  }

  /** By its name or one of its aliases, as clients write it. */
  isCalled(host: string): boolean {
    return this.#names.has(host);
  }

  get aliases(): string[] {
    return this.#names.aliases;
  }

  addAlias(alias: string): boolean {
    return this.#names.add(alias);
  }

  removeAlias(alias: string): boolean {
    return this.#names.remove(alias);
  }

  /** Applications that can be started. */
  applications(): string[] {
    return this.#folder.names();
  }

  addApplication(name: string): void {
    this.#folder.add(name);
  }

  removeApplication(name: string): string {
    return this.#folder.remove(name);
  }

  /** Folders inside its applications that the server writes to. */
  ownFolders(): string[] {
    return this.#folder.ownFolders();
  }

  /** Why an application does not run as its files say. */
  problemOf(application: string): ApplicationProblem | undefined {
    const mistake = this.#settings.mistakeIn(application);
    const isClosed = this.#settings.isClosed(application);
    const inScript = this.#scripts.problemOf(application);
    if (!mistake || (!isClosed && inScript)) return inScript;
    const { what: reason, place } = mistake;
    const file = place && this.#folder.placeIn(application, place.file);
    return { state: isClosed ? 'closed' : 'outdated', reason, file, line: place?.line };
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
    await Promise.all(this.#folder.names().map((application) => this.#changes.reading(application)));
    this.#changes.start();
  }

  /** An application's files are read as they are now, whether or not they are watched. */
  async refresh(application: string): Promise<void> {
    this.#scripts.rewatch(application);
    await this.#changes.refresh(application);
    await this.#scripts.refresh(application);
  }

  /** Applications that are not to wait for their first client. */
  loadOnStartup(): void {
    for (const application of this.#folder.names()) {
      const reading = this.#changes.reading(application);
      if (reading) this.#changes.inBackground(reading.then(() => this.#loadIfWanted(application)));
      else this.#loadIfWanted(application);
    }
  }

  #loadIfWanted(application: string): void {
    if (!this.#settings.of(application).loadOnStartup) return;
    try {
      this.registry.open(application);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#log.error({ event: 'config', application }, `LoadOnStartup: ${error.message}`);
    }
  }

  /** The symbols of conf/ are now these. */
  symbolsChanged(symbols: Symbols): void {
    this.#changes.symbolsChanged(symbols);
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
    this.#changes.close();
    this.statistics.close();
    await this.#scripts.close();
    this.#journal?.close();
  }
}
