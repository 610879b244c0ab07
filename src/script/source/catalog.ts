// The scripts of all applications: the last good version of each, and what is wrong with the newest.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isApplicationName } from '../../application/instance/registry.ts';
import type { Clock } from '../../clock.ts';
import type { BuildFault } from './build-fault.ts';
import { type BuildOutcome, BuildResult, type ScriptBuild } from './build-outcome.ts';
import { findMainScript } from './main-script.ts';

/** Bad news is told only if it is still so after this long: files are seen half-written and between two renames. */
export const CONFIRM_MS = 150;
/** A folder without a script is not searched again for so long: every connect asks. The watcher tells of a new one as soon. */
const LOOK_AGAIN_MS = 100;
const MAX_SCRIPTLESS = 1000;
/** Of a folder that a client waits for, on the thread of the media. The builder lists all of them, when the watcher tells of it. */
const MAX_LISTED_NAMES = 1000;
/** First builds at a time. */
const PARALLEL_BUILDS = 4;

export interface CatalogEvents {
  /** The newest version bundles. `healed`: what was told before was bad. The build may be the one that was good before. */
  built(build: ScriptBuild, healed: boolean): void;
  /** The newest version does not; the last good one, if there is one, stays. */
  broken(application: string, faults: BuildFault[], good: ScriptBuild | undefined): void;
  /** The folder is there, its main script is not. */
  vanished(application: string, good: ScriptBuild | undefined): void;
  /** The whole folder is gone. */
  removed(application: string): void;
}

export interface CatalogOptions {
  applicationsDir: string;
  clock: Clock;
  build(application: string): Promise<BuildOutcome>;
  events: CatalogEvents;
  onBug(error: unknown): void;
}

/** What is known of one application that has, or has had, a main script. */
export interface CatalogEntry {
  readonly application: string;
  /** The last version that bundles. */
  readonly good: ScriptBuild | undefined;
  /** What is wrong with the newest one; empty: nothing. */
  readonly faults: readonly BuildFault[];
  /** Resolves when the files as they are now have been looked at; at once if they have been. */
  settled(): Promise<void>;
}

export class ScriptCatalog {
  readonly #options: CatalogOptions;
  readonly #entries = new Map<string, Entry>();
  /** Application → when its folder was last seen without a main script. */
  readonly #scriptless = new Map<string, number>();
  #closed = false;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** First look at every folder. */
  async start(): Promise<void> {
    const found = await readdir(this.#options.applicationsDir, { withFileTypes: true }).catch(() => []);
    const names = found
      .filter((entry) => !entry.isFile() && isApplicationName(entry.name))
      .map(({ name }) => name);
    const worker = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) await this.refresh(name);
    };
    await Promise.all(Array.from({ length: PARALLEL_BUILDS }, worker));
  }

  /** Changes in progress are not looked at any more. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.wake();
  }

  /**
   * `undefined` only for a folder that never held a main script: an application that has had one never runs without. A
   * script that the watcher has not told of yet is found here.
   */
  find(application: string): CatalogEntry | undefined {
    const entry = this.#entries.get(application);
    if (entry?.hadScript) return entry;
    const now = this.#options.clock.now();
    if (now - (this.#scriptless.get(application) ?? -Infinity) < LOOK_AGAIN_MS) return undefined;
    const folder = join(this.#options.applicationsDir, application);
    if (!findMainScript(folder, application, MAX_LISTED_NAMES)) {
      if (this.#scriptless.size >= MAX_SCRIPTLESS) this.#scriptless.clear();
      this.#scriptless.set(application, now);
      return undefined;
    }
    void this.refresh(application);
    const found = this.#entries.get(application)!;
    found.hadScript = true;
    return found;
  }

  /** What is known of it without looking. */
  peek(application: string): CatalogEntry | undefined {
    return this.#entries.get(application);
  }

  /** The files have changed. Resolves when they have been looked at. */
  refresh(application: string): Promise<void> {
    let entry = this.#entries.get(application);
    if (!entry) {
      entry = new Entry(application);
      this.#entries.set(application, entry);
    }
    this.#scriptless.delete(application);
    entry.isStale = true;
    entry.wake();
    entry.looking ??= this.#look(entry).catch((error) => this.#options.onBug(error));
    return entry.looking;
  }

  /** The same for what applications share: those that are made of it are looked at, and those that may be bad for lack of it. */
  async refreshShared(): Promise<void> {
    const concerned = [...this.#entries.values()].filter(
      ({ good, isBad, looking }) => good?.usesShared || isBad || looking,
    );
    await Promise.all(concerned.map(({ application }) => this.refresh(application)));
  }

  async #look(entry: Entry): Promise<void> {
    try {
      await this.#lookUntilSettled(entry);
    } finally {
      entry.looking = undefined;
    }
  }

  async #lookUntilSettled(entry: Entry): Promise<void> {
    const { build } = this.#options;
    let isConfirmed = false;
    while (!this.#closed) {
      if (entry.isStale) isConfirmed = false;
      entry.isStale = false;
      const outcome = await build(entry.application);
      if (entry.isStale || this.#closed) continue;
      if (outcome.result === BuildResult.Broken) entry.hadScript = true;
      if (isConfirmed || isGoodNews(outcome, entry) || isCostly(outcome)) {
        this.#settle(entry, outcome);
        return;
      }
      await entry.sleep(this.#options.clock, CONFIRM_MS);
      isConfirmed = true;
    }
  }

  #settle(entry: Entry, outcome: BuildOutcome): void {
    const { events } = this.#options;
    const wasBad = entry.isBad;
    entry.isBad = outcome.result !== BuildResult.Built;
    entry.faults = faultsOf(outcome, entry);
    switch (outcome.result) {
      case BuildResult.Built:
        entry.hadScript = true;
        if (isSame(entry.good, outcome.build)) {
          if (!wasBad) return;
        } else entry.good = outcome.build;
        events.built(entry.good!, wasBad);
        return;
      case BuildResult.Broken:
        events.broken(entry.application, outcome.faults, entry.good);
        return;
      case BuildResult.NoScript:
        if (entry.hadScript) events.vanished(entry.application, entry.good);
        else entry.isBad = false;
        return;
      case BuildResult.NoFolder:
        entry.good = undefined;
        if (entry.hadScript) events.removed(entry.application);
        else this.#entries.delete(entry.application);
    }
  }
}

function faultsOf(outcome: BuildOutcome, { hadScript }: Entry): readonly BuildFault[] {
  if (outcome.result === BuildResult.Broken) return outcome.faults;
  const hasVanished = outcome.result === BuildResult.NoScript && hadScript;
  return hasVanished ? [{ message: 'there is no main script any more' }] : [];
}

function isSame(known: ScriptBuild | undefined, { hash, unused }: ScriptBuild): boolean {
  return known?.hash === hash && `${known.unused}` === `${unused}`;
}

function isGoodNews({ result }: BuildOutcome, { hadScript }: Entry): boolean {
  return result === BuildResult.Built || (!hadScript && result !== BuildResult.Broken);
}

function isCostly(outcome: BuildOutcome): boolean {
  return outcome.result === BuildResult.Broken && outcome.isCostly === true;
}

class Entry implements CatalogEntry {
  readonly application: string;
  good: ScriptBuild | undefined;
  faults: readonly BuildFault[] = [];
  /** It never runs without one again, not even in a new folder of the same name: deployments delete and write anew. */
  hadScript = false;
  /** What was told last was bad news. */
  isBad = false;
  /** Changed since the files were last read. */
  isStale = false;
  looking: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(application: string) {
    this.application = application;
  }

  settled(): Promise<void> {
    return this.looking ?? Promise.resolve();
  }

  wake(): void {
    this.#wake?.();
  }

  /** Until then, or until woken. */
  async sleep(clock: Clock, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
