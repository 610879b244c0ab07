// What all instances of one application share: which version of its script serves, is wanted or has failed, and what the logs say of it.
import { createHash } from 'node:crypto';
import type { ApplicationProblem } from '../../application/accounts/application-problem.ts';
import type { ScriptMetrics, ScriptMetricsBook } from '../../application/accounts/script-metrics.ts';
import type { ScriptCommands } from '../../application/contract/script.ts';
import { Journal } from '../journal/journal.ts';
import { LogShare } from '../journal/log-share.ts';
import { scriptProblem } from '../journal/problem.ts';
import { StrikeBook } from '../journal/strikes.ts';
import type { BuildFault } from '../source/build-fault.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';
import type { CatalogEntry } from '../source/catalog.ts';
import type { Generations } from './generations.ts';
import type { ScriptHostOptions, ScriptSettings } from './host-options.ts';
import { withoutSecrets } from './own-secrets.ts';

/** A version that could not be started is not tried again for this long: connects are cheap, loading is not. */
const REST_MS = 1000;

export interface RunningInstance {
  script: Generations;
  commands: ScriptCommands;
  journal: Journal;
}

export class ScriptedApplication {
  readonly name: string;
  readonly instances = new Set<RunningInstance>();
  readonly strikes: StrikeBook;
  readonly #options: ScriptHostOptions;
  readonly #book: ScriptMetricsBook;
  readonly #logShare: LogShare;
  /** The last version that has served in any instance. */
  #proven: ScriptBuild | undefined;
  /** With the reload policy `off`: the next instance runs the newest version instead of the proven one. */
  #isRenewed = false;
  /** Hash of the version that instances were told of last. */
  #newest: string | undefined;
  /** Main scripts that are not used, as the log has named them last: see ScriptBuild. */
  #unused: readonly string[] = [];
  #resting: { hash: string; untilMs: number } | undefined;
  /** Hash of the last version that could not be started, until a newer one serves. */
  #unloadable: string | undefined;

  constructor(name: string, options: ScriptHostOptions, book: ScriptMetricsBook) {
    this.name = name;
    this.#options = options;
    this.#book = book;
    this.#logShare = new LogShare(options.logBytes, options.clock);
    this.strikes = new StrikeBook(options.clock, (why) => this.#quarantined(why));
  }

  get settings(): ScriptSettings {
    return this.#options.settingsFor(this.name);
  }

  get metrics(): ScriptMetrics {
    return this.#book.of(this.name);
  }

  // ── versions ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** The versions that an instance may start with, best first: the newest that bundles, the last that has served. */
  candidates(good: ScriptBuild | undefined): ScriptBuild[] {
    const isHeldBack = this.settings.reload.policy === 'off' && this.#proven && !this.#isRenewed;
    const newest = good && this.#versionOf(good);
    if (newest) this.#newest = newest.hash;
    const known = isHeldBack ? [this.#proven] : [newest, this.#proven];
    return known.filter((build) => build !== undefined).filter((build) => !this.#isResting(build));
  }

  #isResting({ hash }: ScriptBuild): boolean {
    const resting = this.#resting;
    return resting !== undefined && resting.hash === hash && this.#options.clock.now() < resting.untilMs;
  }

  isNewest({ hash }: ScriptBuild): boolean {
    return hash === this.#newest;
  }

  /** An instance could not start that version. */
  refused(build: ScriptBuild): void {
    this.#resting = { hash: build.hash, untilMs: this.#options.clock.now() + REST_MS };
    // an instance that was still at a version which a save has replaced says nothing of what is saved now
    if (this.isNewest(build)) this.#unloadable = build.hash;
  }

  /** An instance is served by that version. */
  serves(build: ScriptBuild): void {
    this.#proven = build;
    this.#isRenewed = false;
    if (this.isNewest(build)) this.#loads();
  }

  /** An administrator wants it to be tried again. */
  pardon(): void {
    this.strikes.clear();
    this.#resting = undefined;
    this.#isRenewed = true;
  }

  /** Its settings may have changed. To an instance that is as if its script had. */
  configure(good: ScriptBuild): void {
    const version = this.#versionOf(good);
    if (!this.isNewest(version)) this.#reload(version);
  }

  #reload(version: ScriptBuild): void {
    this.#newest = version.hash;
    for (const { script } of [...this.instances]) script.reload(version);
  }

  /** With other settings the same code is another version. */
  #versionOf(build: ScriptBuild): ScriptBuild {
    const { limits, config, env, isInspectable } = this.settings;
    const settings = createHash('sha256')
      .update(JSON.stringify([limits, config, env, isInspectable]))
      .digest('base64url');
    return { ...build, hash: `${build.hash}+${settings}` };
  }

  // ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `healed`: the version before did not bundle. */
  built(build: ScriptBuild, healed: boolean): void {
    if (healed) this.#sayWell('its script is sound again');
    const { mainScript, unused } = build;
    if (unused.length > 0 && `${unused}` !== `${this.#unused}`) {
      const text = `${this.name}: ${unused.join(' and ')} is not used, the script is ${mainScript}`;
      this.#options.log.warn({ event: 'script', application: this.name }, text);
    }
    this.#unused = unused;
    this.strikes.clear();
    this.#resting = undefined;
    const version = this.#versionOf(build);
    // What serves is wanted again: nobody would hear of it otherwise.
    if (this.#proven?.hash === version.hash && this.instances.size > 0) this.#loads();
    this.#reload(version);
  }

  broken(faults: readonly BuildFault[], good: ScriptBuild | undefined): void {
    for (const fault of faults) {
      if (fault.limit) this.#options.lines.countLimit(fault.limit);
      Journal.buildFault(fault, this.#journals());
    }
    this.#sayWhatServes(good);
  }

  /** The folder is there, its main script is not. */
  vanished(good: ScriptBuild | undefined): void {
    const message = good ? `the main script ${good.mainScript} has gone` : 'there is no main script any more';
    this.broken([{ message }], good);
  }

  /** Its folder has gone. */
  removed(): void {
    this.#proven = undefined;
    this.#options.log.warn(
      { event: 'script', application: this.name },
      `${this.name}: its folder has gone, so it is shut down`,
    );
    for (const { commands } of [...this.instances]) commands.obey({ op: 'shutdown' });
  }

  // ── logs ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Why it does not run as it was saved; undefined: it does, as far as that is known. */
  problem({ faults, good }: Pick<CatalogEntry, 'faults' | 'good'>): ApplicationProblem | undefined {
    const isRefused = this.#unloadable !== undefined && this.#unloadable === this.#newest;
    const problem = scriptProblem({
      strikes: this.strikes,
      faults,
      isRefused,
      hasServed: this.#proven !== undefined || (!isRefused && good !== undefined),
      errors: this.#options.errors.recent(this.name),
    });
    return problem && { ...problem, reason: this.#hide(problem.reason) };
  }

  journal(instance: string): Journal {
    const { name: application, metrics } = this;
    const { log, lines, clock, errors, applicationLog } = this.#options;
    return new Journal({
      ...{ application, instance, log, clock, errors, metrics },
      linesPerSecond: this.settings.limits.logLines,
      share: this.#logShare,
      onDropped: (limit, what) =>
        lines.limit(limit, application, { log, application }, `${application}: ${what}`),
      applicationLog: applicationLog(application, instance),
      hide: (text) => this.#hide(text),
    });
  }

  /** Of the instances that run. If none does, of the default instance, because somebody will look there. */
  #journals(): Journal[] {
    if (this.instances.size > 0) return [...this.instances].map(({ journal }) => journal);
    return [this.journal('_definst_')];
  }

  #hide(text: string): string {
    return withoutSecrets(this.#options.mask.text(text), this.settings.env);
  }

  #quarantined(why: string): void {
    const { name: application } = this;
    const cure = `nothing of it runs until its files change, or "understudy reload ${application}"`;
    const text = `${application} is quarantined: ${why}; ${cure}`;
    this.#options.log.error({ event: 'quarantine', application, why }, text);
    for (const journal of this.#journals()) journal.note(text);
  }

  #loads(): void {
    if (this.#unloadable === undefined) return;
    this.#unloadable = undefined;
    this.#sayWell('its script loads again');
  }

  #sayWell(text: string): void {
    this.#options.log.info({ event: 'script', application: this.name }, `${this.name}: ${text}`);
    for (const journal of this.#journals()) journal.goodNote(text);
  }

  #sayWhatServes(good: ScriptBuild | undefined): void {
    if (good) this.metrics.failedReloads += 1;
    const consequence = good
      ? 'the last good version of the script goes on serving'
      : 'the application failed to load; every connect is refused until a save heals it';
    this.#options.log.warn({ event: 'script', application: this.name }, `${this.name}: ${consequence}`);
    for (const journal of this.#journals()) journal.note(consequence);
  }
}
