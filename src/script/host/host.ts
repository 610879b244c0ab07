// The media side of scripts: watches the applications' folders, builds what changes, and gives every application instance the
// script that decides for it.
import { join, resolve } from 'node:path';
import type { ApplicationProblem } from '../../application/accounts/application-problem.ts';
import { ScriptMetricsBook } from '../../application/accounts/script-metrics.ts';
import type { InstanceScript, ScriptCommands, Scripts } from '../../application/contract/script.ts';
import { logBug } from '../../log/log.ts';
import { isSharedFolder } from '../../storage/names.ts';
import type { Runner } from '../process/runners.ts';
import { ScriptCatalog } from '../source/catalog.ts';
import { ScriptWatcher, type WatchLimit } from '../source/watch.ts';
import { HANDLER_BOUNDS_MS, TURN_BOUNDS_MS } from '../wire/wire.ts';
import type { ScriptHostOptions } from './host-options.ts';
import { HostServices } from './host-services.ts';
import { openInstance } from './open-instance.ts';
import { ScriptedApplication } from './scripted-application.ts';

export class ScriptHost implements Scripts {
  readonly metrics = new ScriptMetricsBook({ turnMs: TURN_BOUNDS_MS, handlerMs: HANDLER_BOUNDS_MS });
  readonly #options: ScriptHostOptions;
  readonly #catalog: ScriptCatalog;
  readonly #applications = new Map<string, ScriptedApplication>();
  readonly #services: HostServices;
  #watcher: ScriptWatcher | undefined;

  constructor(options: ScriptHostOptions) {
    this.#options = options;
    this.#services = new HostServices(options);
    this.#catalog = new ScriptCatalog({
      applicationsDir: options.applicationsDir,
      clock: options.clock,
      build: async (application) => {
        await options.settingsRead(application);
        const { libraries } = options.settingsFor(application);
        return options.build({ folder: join(options.applicationsDir, application), application, libraries });
      },
      events: {
        built: (build, healed) => this.#application(build.application).built(build, healed),
        broken: (application, faults, good) => this.#application(application).broken(faults, good),
        vanished: (application, good) => this.#application(application).vanished(good),
        removed: (application) => this.#application(application).removed(),
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

  async close(): Promise<void> {
    this.#catalog.close();
    for (const { instances } of this.#applications.values())
      for (const { script } of [...instances]) script.close();
    await Promise.all([this.#watcher?.close(), this.#services.close()]);
  }

  open(application: string, instance: string, commands: ScriptCommands): InstanceScript | undefined {
    const entry = this.#catalog.find(application);
    if (!entry) return undefined;
    return openInstance({
      ...{ instance, entry, commands, services: this.#services, host: this.#options },
      application: this.#application(application),
      folder: this.#folderOf(application),
      runner: this.#runnerOf(application),
    });
  }

  hasRoomFor(application: string, isReplacing: boolean): boolean {
    const isScripted = this.#catalog.find(application) !== undefined;
    return !isScripted || this.#runnerOf(application).hasRoomFor(this.#folderOf(application), isReplacing);
  }

  pardon(application: string): void {
    this.#applications.get(application)?.pardon();
  }

  /** Why it does not run as it was saved; undefined: it does, as far as that is known. */
  problemOf(application: string): ApplicationProblem | undefined {
    const { faults = [], good } = this.#catalog.peek(application) ?? {};
    return this.#applications.get(application)?.problem({ faults, good });
  }

  /** What scripts are loaded with may have changed. Undefined: in all applications. */
  configure(application?: string): void {
    const names = application === undefined ? [...this.#applications.keys()] : [application];
    for (const name of names) {
      const good = this.#catalog.find(name)?.good;
      if (good) this.#applications.get(name)?.configure(good);
    }
  }

  #folderOf(application: string): string {
    return resolve(this.#options.applicationsDir, application);
  }

  #runnerOf(application: string): Runner {
    const { applicationsDir, runners, settingsFor } = this.#options;
    return runners.of(join(applicationsDir, application), settingsFor(application).processScope);
  }

  #application(name: string): ScriptedApplication {
    let application = this.#applications.get(name);
    if (!application) {
      application = new ScriptedApplication(name, this.#options, this.metrics);
      this.#applications.set(name, application);
    }
    return application;
  }
}
