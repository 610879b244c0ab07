// The media side of scripts: watches the applications' folders, keeps the runner alive, and gives every application
// instance the script that decides for it.
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ApplicationProblem } from '../../application/accounts/application-problem.ts';
import type { ErrorRecords } from '../../application/accounts/error-records.ts';
import { ScriptMetricsBook } from '../../application/accounts/script-metrics.ts';
import type { InstanceScript, ScriptCommands, Scripts } from '../../application/contract/script.ts';
import type { FairTurns } from '../../application/pace/fair-turns.ts';
import type { Clock } from '../../clock.ts';
import type { HostGrant } from '../../config/host-rules.ts';
import type { ApplicationLog } from '../../log/application-log.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import type { SecretMask } from '../../log/secrets.ts';
import { isSharedFolder } from '../../storage/names.ts';
import { HeldClock } from '../inspect/held-clock.ts';
import type { Debugger, DebuggerLine, Inspector } from '../inspect/inspector.ts';
import { Journal } from '../journal/journal.ts';
import { LogShare } from '../journal/log-share.ts';
import { scriptProblem } from '../journal/problem.ts';
import { StrikeBook } from '../journal/strikes.ts';
import type { ProcessScope, Runner, Runners } from '../process/runners.ts';
import { type ExecCommand, ExecService } from '../services/exec.ts';
import { addressesOf } from '../services/exec-values.ts';
import { FetchService, type FetchSettings } from '../services/fetch/service.ts';
import type { Services } from '../services/services.ts';
import { StoreService } from '../services/store-service.ts';
import type { BuildFault } from '../source/build-fault.ts';
import type { BuildScript, ScriptBuild } from '../source/build-outcome.ts';
import { ScriptCatalog } from '../source/catalog.ts';
import { withInlineMap } from '../source/inline-map.ts';
import { ScriptWatcher, type WatchLimit } from '../source/watch.ts';
import { HANDLER_BOUNDS_MS, type Json, type ScriptLimits, TURN_BOUNDS_MS } from '../wire/wire.ts';
import { Generations, type ReloadPolicy } from './generations.ts';
import { InstanceScriptHost } from './instance-script.ts';
import type { GateFailure } from './mailbox.ts';
import { withoutSecrets } from './own-secrets.ts';
import type { StandIns } from './stand-ins.ts';

export interface ScriptSettings {
  /** Folders in which classic scripts find what is not in their own. */
  libraries: readonly string[];
  limits: ScriptLimits;
  process: ProcessScope;
  /** What gates answer when a script that served has crashed and is not back in time. */
  gateFailure: GateFailure;
  /** What a remote method may take until it has answered, waiting included. Undefined: for ever. */
  callMs: number | undefined;
  reload: ReloadPolicy;
  /** `application.config` */
  config: Json;
  /** `application.env` */
  env: Json;
  fetch: FetchSettings;
  exec: readonly ExecCommand[];
  /** Where programs may connect to besides. */
  connections: HostGrant;
  /** Of its streams, where the configuration maps them elsewhere. */
  streamFolders: readonly string[];
  /** Debuggers may attach to it. */
  isInspectable: boolean;
}

export interface ScriptHostOptions {
  applicationsDir: string;
  log: Log;
  applicationLog(application: string, instance: string): ApplicationLog;
  errors: ErrorRecords;
  /** For what scripts' errors say. */
  mask: SecretMask;
  /** `application.server` and `application.hostname`. */
  server: string;
  hostname: string;
  /** Asked for every instance that starts and for every version that it loads. Must not throw. */
  settingsFor(application: string): ScriptSettings;
  /** Resolves when they are known: they are what a script is built with. */
  settingsRead(application: string): Promise<void>;
  /** The script of an instance has ended, and no other version follows. */
  onInstanceEnd?(application: string, instance: string): void;
  /** Its Application.xml has been saved. */
  onSettings(application: string): void;
  /** For lines that an author or a peer can cause again and again. */
  lines: LineLimit;
  /** Of each application: see WatchOptions. */
  maxWatchedFiles: number;
  /** A second, of what all scripts of an application log. */
  logBytes: number;
  /** Of each application, at a time. */
  maxPrograms: number;
  clock: Clock;
  /** Where scripts are built. */
  build: BuildScript;
  /** At fetch: of all hosts together, and what tells this host from the others. */
  fetchTurns: FairTurns;
  hostId: string;
  /** Whether a file or socket may be opened that a script has asked for. */
  hasRoom(): boolean;
  /** Started before an instance is opened, closed after this. */
  runners: Runners;
  /** Services of other rooms. */
  services?: Services;
  /** Closed before this. */
  inspector: Inspector;
  /** For tests of scripts; undefined: scripts have the machine's time and the Web. */
  standIns?: StandIns | undefined;
}

/** What all instances of an application share. */
interface Application {
  readonly instances: Set<RunningInstance>;
  readonly logShare: LogShare;
  /** The last version that has served anywhere. */
  proven: ScriptBuild | undefined;
  /** With the policy `off`: the next instance runs the newest version, and not the one that is proven. */
  isRenewed: boolean;
  /** Hash of the one that instances were last told of. */
  newest: string | undefined;
  /** As it was last told of: see ScriptBuild. */
  unused: readonly string[];
  readonly strikes: StrikeBook;
  /** A version that could not be started a moment ago is not tried again at once: connects are cheap, loading is not. */
  resting: { hash: string; untilMs: number } | undefined;
  /** Hash of the last version that could not be started, until a newer one serves. */
  unloadable: string | undefined;
}

const REST_MS = 1000;

function isResting({ resting }: Application, build: ScriptBuild, clock: Clock): boolean {
  return resting !== undefined && resting.hash === build.hash && clock.now() < resting.untilMs;
}

interface RunningInstance {
  script: Generations;
  commands: ScriptCommands;
  journal: Journal;
}

export class ScriptHost implements Scripts {
  readonly #options: ScriptHostOptions;
  readonly #catalog: ScriptCatalog;
  readonly #applications = new Map<string, Application>();
  readonly #fetch: FetchService;
  readonly #exec: ExecService;
  readonly #store: StoreService;
  readonly #services: Services;
  readonly metrics = new ScriptMetricsBook({ turnMs: TURN_BOUNDS_MS, handlerMs: HANDLER_BOUNDS_MS });
  #watcher: ScriptWatcher | undefined;

  constructor(options: ScriptHostOptions) {
    this.#options = options;
    this.#fetch = new FetchService({
      settingsFor: (application) => options.settingsFor(application).fetch,
      userAgent: options.server,
      onBug: (error, where) => logBug(options.log, error, where),
      onNoRoom: (application) => {
        const { log, lines } = options;
        lines.limit(
          'MaxFetchedSize',
          application,
          { log, application },
          `${application}: an answer to fetch was refused`,
        );
      },
      turns: options.fetchTurns,
      host: options.hostId,
      hasRoom: (application) => this.#hasRoom(application, 'a request of fetch was not made'),
      onNoTurn: (application) => {
        const { log, lines } = options;
        lines.limit('MaxFetches', application, { log, application }, 'fetch waited in vain for its turn');
      },
      standIn: options.standIns?.fetch,
    });
    this.#exec = new ExecService({
      standIn: options.standIns?.run,
      hasRoom: (application) => this.#hasRoom(application, 'a program was not started'),
      applicationsDir: options.applicationsDir,
      maxPrograms: options.maxPrograms,
      onNoRoom: (application) => {
        const { log, lines } = options;
        lines.limit(
          'MaxPrograms',
          application,
          { log, application },
          `${application}: a program was not started`,
        );
      },
      commandsFor: (application) => options.settingsFor(application).exec,
      rulesFor: (application) => {
        const { fetch, connections, streamFolders } = options.settingsFor(application);
        return {
          ...{ fetch, connections, folders: [join(options.applicationsDir, application), ...streamFolders] },
          addressesOf: options.standIns ? undefined : addressesOf,
        };
      },
      log: (application, instance, level, text) => {
        options.log[level]({ event: 'exec', application, instance }, `${application}/${instance}: ${text}`);
        options.applicationLog(application, instance)[level](text);
      },
    });
    this.#store = new StoreService(options);
    this.#services = {
      ...options.services,
      ...{ fetch: this.#fetch, exec: this.#exec, store: this.#store },
    };
    this.#catalog = new ScriptCatalog({
      applicationsDir: options.applicationsDir,
      clock: options.clock,
      build: async (application) => {
        await options.settingsRead(application);
        const { libraries } = options.settingsFor(application);
        return options.build({ folder: join(options.applicationsDir, application), application, libraries });
      },
      events: {
        built: (build, healed) => this.#built(build, healed),
        broken: (application, faults, good) => this.#broken(application, faults, good),
        vanished: (application, good) => this.#vanished(application, good),
        removed: (application) => this.#removed(application),
      },
      onBug: (error) => logBug(options.log, error, 'building a script'),
    });
  }

  /** Resolves when every script has been built once, and changes are seen. */
  async start(): Promise<void> {
    const { applicationsDir, clock, log, onSettings, maxWatchedFiles } = this.#options;
    this.#watcher = new ScriptWatcher({
      applicationsDir,
      maxEntries: maxWatchedFiles,
      clock,
      onChange: (name) => void (isSharedFolder(name) ? this.#catalog.refreshShared() : this.refresh(name)),
      onSettings: (name) => isSharedFolder(name) || onSettings(name),
      onLimit: (application, limit) => this.#unwatched(application, limit),
      onError: (error) => log.warn({ event: 'watch', err: error }, 'changes of scripts may go unseen'),
    });
    await this.#watcher.ready();
    await this.#catalog.start();
  }

  #unwatched(application: string, limit: WatchLimit): void {
    const { log, lines, maxWatchedFiles } = this.#options;
    const text =
      limit === 'MaxWatchedFiles'
        ? `${application} has more than ${maxWatchedFiles} files or too many folders: its changes count only with "understudy reload ${application}"`
        : `the files of ${application} change too fast: they are looked at again in a moment`;
    lines.limit(limit, application, { log, application }, text);
  }

  /** Its files have been read by command: it may have few enough to be watched again. */
  rewatch(application: string): void {
    this.#watcher?.retry(application);
  }

  /** The files of that application have changed. Resolves when they have been looked at. */
  refresh(application: string): Promise<void> {
    return this.#catalog.refresh(application);
  }

  #hasRoom(application: string, text: string): boolean {
    const { log, lines, hasRoom } = this.#options;
    if (hasRoom()) return true;
    lines.limit('OpenFiles', application, { log, application }, text);
    return false;
  }

  async close(): Promise<void> {
    this.#catalog.close();
    for (const { instances } of this.#applications.values())
      for (const { script } of [...instances]) script.close();
    await Promise.all([this.#watcher?.close(), this.#fetch.close(), this.#exec.close()]);
    await this.#store.close(); // after the last version that may have asked it
  }

  open(application: string, instance: string, commands: ScriptCommands): InstanceScript | undefined {
    const entry = this.#catalog.find(application);
    if (!entry) return undefined;
    const { applicationsDir, log, lines, clock, server, hostname, settingsFor, standIns } = this.#options;
    const settings = settingsFor(application);
    const runner = this.#runnerOf(application);
    const shared = this.#application(application);
    const name = `${application}/${instance}`;
    const errands = {
      services: this.#services,
      onBug: (error: unknown, where: string) => logBug(log, error, where),
    };
    const journal = this.#journal(application, instance);
    const metrics = this.metrics.of(application);
    const deadlines = new HeldClock(clock);
    const folder = resolve(applicationsDir, application);
    /** Versions that debuggers may attach to. */
    const inspectable = new WeakSet<ScriptBuild>();
    let hide: (() => void) | undefined;
    const setDebuggable = (isDebuggable: boolean) => {
      if (isDebuggable) hide ??= this.#show(name, entry, folder, script, deadlines);
      else {
        hide?.();
        hide = undefined;
      }
    };
    const script: Generations = new Generations({
      commands,
      journal,
      clock,
      policy: () => settingsFor(application).reload,
      open: (own, counters, isNewest) =>
        new InstanceScriptHost({
          name,
          commands: own,
          journal,
          metrics,
          strikes: shared.strikes.of(instance),
          clock: deadlines,
          counters,
          gateDeadlineMs: settings.limits.gateMs,
          gateFailure: settings.gateFailure,
          callDeadlineMs: settings.callMs,
          settings: (build) => {
            const { limits, config, env, isInspectable } = settingsFor(application);
            if (isInspectable) inspectable.add(build);
            const held = standIns ? { heldMs: standIns.nowMs() } : {};
            const script = isInspectable ? withInlineMap(build) : build.script;
            const facts = { name, server, hostname, config, env };
            return { script, limits, application: facts, isInspectable, ...held };
          },
          candidates: () => (isNewest() ? this.#candidates(application, entry.good) : []),
          isRunnerUp: () => runner.isUp,
          mayLoad: () => runner.mayLoad(folder),
          openUnit: (unit) => {
            const who = { ...errands, application, instance };
            const opened = runner.openUnit(script, { ...unit, meter: metrics.isolate(), errands: who });
            standIns?.opened(opened);
            return opened;
          },
          onFull: (limit) => {
            const text = `${name}: calls of clients were refused: too many wait for the script`;
            lines.limit(limit, name, { log, application }, text);
          },
          hasRoom: () => {
            const hasRoom = runner.isWithinShare(folder);
            if (!hasRoom)
              lines.limit('MaxApplicationShare', name, { log, application }, `${name}: not started`);
            return hasRoom;
          },
          onRefused: (build) => {
            shared.resting = { hash: build.hash, untilMs: clock.now() + REST_MS };
            // an instance that was still at a version which a save has replaced says nothing of what is saved now
            if (build.hash === shared.newest) shared.unloadable = build.hash;
          },
          onServing: (build) => {
            shared.proven = build;
            shared.isRenewed = false;
            if (build.hash === shared.newest) this.#loads(application, shared);
            if (isNewest() || build.hash === shared.newest) setDebuggable(inspectable.has(build));
          },
          onBug: (error, where) => logBug(log, error, where),
          onUnpublish: (stream) => this.#exec.streamEnded(application, instance, stream),
        }),
      onClosed: () => {
        leave();
        setDebuggable(false);
        shared.instances.delete(running);
        void this.#exec.instanceEnded(application, instance);
        this.#options.onInstanceEnd?.(application, instance);
      },
    });
    const leave = runner.join(script, folder);
    const running: RunningInstance = { script, commands, journal };
    shared.instances.add(running);
    void entry.settled().then(() => script.begin());
    return script;
  }

  hasRoomFor(application: string, isReplacing: boolean): boolean {
    const isScripted = this.#catalog.find(application) !== undefined;
    const folder = resolve(this.#options.applicationsDir, application);
    return !isScripted || this.#runnerOf(application).hasRoomFor(folder, isReplacing);
  }

  #runnerOf(application: string): Runner {
    const { applicationsDir, runners, settingsFor } = this.#options;
    return runners.of(join(applicationsDir, application), settingsFor(application).process);
  }

  /** To debuggers. While one is attached nothing is late. */
  #show(
    name: string,
    { good }: { good: ScriptBuild | undefined },
    folder: string,
    script: Generations,
    deadlines: HeldClock,
  ): () => void {
    const url = pathToFileURL(join(folder, good?.mainScript ?? '')).href;
    const attach = (debug: Debugger): DebuggerLine | undefined => {
      const release = deadlines.hold();
      const ended = (why: string) => {
        release();
        debug.ended(why);
      };
      const line = script.attach({ said: (message) => debug.said(message), ended });
      if (!line) release();
      return (
        line && {
          send: (message) => line.send(message),
          detach() {
            release();
            line.detach();
          },
        }
      );
    };
    return this.#options.inspector.add({ name, url, attach });
  }

  /** Best first: the newest that bundles, the last that has served. */
  #candidates(application: string, good: ScriptBuild | undefined): ScriptBuild[] {
    const { clock, settingsFor } = this.#options;
    const shared = this.#application(application);
    const isHeldBack = settingsFor(application).reload.on === 'off' && shared.proven && !shared.isRenewed;
    const newest = good && this.#versionOf(good);
    if (newest) shared.newest = newest.hash;
    const known = isHeldBack ? [shared.proven] : [newest, shared.proven];
    return known.filter((build) => build !== undefined).filter((build) => !isResting(shared, build, clock));
  }

  #application(name: string): Application {
    let application = this.#applications.get(name);
    if (!application) {
      application = {
        instances: new Set(),
        logShare: new LogShare(this.#options.logBytes, this.#options.clock),
        proven: undefined,
        isRenewed: false,
        newest: undefined,
        unused: [],
        strikes: new StrikeBook(this.#options.clock, (why) => this.#quarantined(name, why)),
        resting: undefined,
        unloadable: undefined,
      };
      this.#applications.set(name, application);
    }
    return application;
  }

  #quarantined(application: string, why: string): void {
    const cure = `nothing of it runs until its files change, or "understudy reload ${application}"`;
    const text = `${application} is quarantined: ${why}; ${cure}`;
    this.#options.log.error({ event: 'quarantine', application, why }, text);
    for (const journal of this.#journals(application)) journal.note(text);
  }

  pardon(application: string): void {
    const known = this.#applications.get(application);
    known?.strikes.clear();
    if (!known) return;
    known.resting = undefined;
    known.isRenewed = true;
  }

  /** Why it does not run as it was saved; undefined: it does, as far as that is known. */
  problemOf(application: string): ApplicationProblem | undefined {
    const shared = this.#applications.get(application);
    const entry = this.#catalog.peek(application);
    const isRefused = shared?.unloadable !== undefined && shared.unloadable === shared.newest;
    const problem = scriptProblem({
      strikes: shared?.strikes,
      faults: entry?.faults ?? [],
      isRefused,
      hasServed: shared?.proven !== undefined || (!isRefused && entry?.good !== undefined),
      errors: this.#options.errors.recent(application),
    });
    return problem && { ...problem, reason: this.#hide(problem.reason, application) };
  }

  // ── settings ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** What scripts are loaded with may have changed; to an instance, that is as if its script had. */
  configure(application?: string): void {
    const names = application === undefined ? [...this.#applications.keys()] : [application];
    for (const name of names) {
      const known = this.#applications.get(name);
      const good = this.#catalog.find(name)?.good;
      if (known && good) this.#renew(known, good);
    }
  }

  #renew(application: Application, good: ScriptBuild): void {
    const version = this.#versionOf(good);
    if (version.hash === application.newest) return;
    application.newest = version.hash;
    for (const { script } of [...application.instances]) script.reload(version);
  }

  /** With other settings the same code is another version. */
  #versionOf(build: ScriptBuild): ScriptBuild {
    const { limits, config, env, isInspectable } = this.#options.settingsFor(build.application);
    const settings = createHash('sha256')
      .update(JSON.stringify([limits, config, env, isInspectable]))
      .digest('base64url');
    return { ...build, hash: `${build.hash}+${settings}` };
  }

  // ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #built(build: ScriptBuild, healed: boolean): void {
    const { application } = build;
    const shared = this.#application(application);
    if (healed) this.#sayWell(application, 'its script is sound again');
    const { mainScript, unused } = build;
    if (unused.length > 0 && `${unused}` !== `${shared.unused}`) {
      const text = `${application}: ${unused.join(' and ')} is not used, the script is ${mainScript}`;
      this.#options.log.warn({ event: 'script', application }, text);
    }
    shared.unused = unused;
    shared.strikes.clear();
    shared.resting = undefined;
    const version = this.#versionOf(build);
    shared.newest = version.hash;
    // What serves is wanted again: nobody would hear of it otherwise.
    if (shared.proven?.hash === version.hash && shared.instances.size > 0) this.#loads(application, shared);
    for (const { script } of [...shared.instances]) script.reload(version);
  }

  #loads(application: string, shared: Application): void {
    if (shared.unloadable === undefined) return;
    shared.unloadable = undefined;
    this.#sayWell(application, 'its script loads again');
  }

  #sayWell(application: string, text: string): void {
    this.#options.log.info({ event: 'script', application }, `${application}: ${text}`);
    for (const journal of this.#journals(application)) journal.goodNote(text);
  }

  #broken(application: string, faults: BuildFault[], good: ScriptBuild | undefined): void {
    for (const fault of faults) {
      if (fault.limit) this.#options.lines.countLimit(fault.limit);
      Journal.buildFault(fault, this.#journals(application));
    }
    this.#sayWhatServes(application, good);
  }

  #vanished(application: string, good: ScriptBuild | undefined): void {
    const fault = {
      message: good ? `the main script ${good.mainScript} has gone` : 'there is no main script any more',
    };
    this.#broken(application, [fault], good);
  }

  #sayWhatServes(application: string, good: ScriptBuild | undefined): void {
    if (good) this.metrics.of(application).failedReloads += 1;
    const consequence = good
      ? 'the last good version of the script goes on serving'
      : 'the application failed to load; every connect is refused until a save heals it';
    this.#options.log.warn({ event: 'script', application }, `${application}: ${consequence}`);
    for (const journal of this.#journals(application)) journal.note(consequence);
  }

  #removed(application: string): void {
    const shared = this.#application(application);
    shared.proven = undefined;
    this.#options.log.warn(
      { event: 'script', application },
      `${application}: its folder has gone, so it is shut down`,
    );
    for (const { commands } of [...shared.instances]) commands.shutdown();
  }

  /** Of what runs; of the default instance when nothing does, for somebody will look there. */
  #journals(application: string): Journal[] {
    const { instances } = this.#application(application);
    if (instances.size > 0) return [...instances].map(({ journal }) => journal);
    return [this.#journal(application, '_definst_')];
  }

  #journal(application: string, instance: string): Journal {
    const { log, lines, clock, errors, settingsFor } = this.#options;
    return new Journal({
      ...{ application, instance, log, clock, errors, metrics: this.metrics.of(application) },
      linesPerSecond: settingsFor(application).limits.logLines,
      share: this.#application(application).logShare,
      onDropped: (limit, what) =>
        lines.limit(limit, application, { log, application }, `${application}: ${what}`),
      applicationLog: this.#options.applicationLog(application, instance),
      hide: (text) => this.#hide(text, application),
    });
  }

  #hide(text: string, application: string): string {
    const { mask, settingsFor } = this.#options;
    return withoutSecrets(mask.text(text), settingsFor(application).env);
  }
}
