// The processes that run scripts: one that all applications share, and one of its own for each that is to have one.

import { basename } from 'node:path';
import { Turnstile } from '../../application/pace/turnstile.ts';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log/log.ts';
import { canBecome } from '../child/privileges.ts';
import { stopEsbuild } from '../source/esbuild.ts';
import { bundleGuest } from '../source/guest-bundle.ts';
import { bundleRunner } from '../source/runner-bundle.ts';
import { decodeTaken, type Frame } from '../wire/frames.ts';
import { FrameType, type InitBody } from '../wire/wire.ts';
import { Inbox } from './inbox.ts';
import { Lanes } from './lanes.ts';
import { MemoryShares } from './memory-shares.ts';
import { type RunnerProcess, spawnRunner } from './runner-process.ts';
import { type RunnerDeath, Supervisor, type SupervisorOptions } from './supervisor.ts';
import { Unit, type UnitOptions } from './unit.ts';

export type ProcessScope = 'shared' | 'application';

/** Whoever has units in a runner. */
export interface Tenant {
  runnerUp(): void;
  /** All units are gone. `culprit`: the unit whose turn may have been the cause. */
  runnerDown(how: string, culprit: number | undefined): void;
}

/** Scripts that are loaded at a time: each is some milliseconds of a core, and its time limit is for it alone. */
const MAX_LOADING = 4;

/** Units that have gone, and whose process may yet end because of them. */
const MAX_GONE = 256;

export interface RunnerOptions
  extends Omit<SupervisorOptions, 'onUp' | 'onDrained' | 'onFrame' | 'onDown' | 'relieve'> {
  /** What one application may take of `maxRssBytes`, 0 to 1; 1: it is alone. */
  share: number;
}

/** One runner process after another, and the units in it. */
export class Runner {
  readonly #supervisor: Supervisor;
  readonly #inbox: Inbox;
  readonly #lanes = new Lanes({ send: (frame) => this.#supervisor.send(frame) });
  readonly #units = new Map<number, Unit>();
  /** And the application that each belongs to. */
  readonly #tenants = new Map<Tenant, string>();
  /** Whose the units of this process are, the last of those that have gone included. */
  readonly #owners = new Map<number, Tenant>();
  /** Units that have gone, the latest last. */
  #gone: number[] = [];
  readonly #memory: MemoryShares<Unit>;
  /** Those who may have been the cause when a process ended, and were not the only ones. */
  #suspected: readonly Tenant[] = [];
  readonly #onDeserted: () => void;
  readonly #loading = new Turnstile(MAX_LOADING);
  #lastUnitId = 0;

  constructor({ share, ...options }: RunnerOptions, inbox: Inbox, onDeserted: () => void) {
    this.#inbox = inbox;
    this.#onDeserted = onDeserted;
    this.#memory = new MemoryShares({ maxBytes: options.maxRssBytes, share });
    this.#supervisor = new Supervisor({
      ...options,
      relieve: (rssBytes) => this.#relieve(rssBytes),
      onUp: () => {
        this.#lanes.drained(); // it is another pipe
        this.#eachTenant((tenant) => tenant.runnerUp());
      },
      onDrained: () => this.#lanes.drained(),
      onFrame: (frame) => this.#frame(frame),
      onDown: (death) => this.#down(death),
    });
  }

  get isUp(): boolean {
    return this.#supervisor.isUp;
  }

  start(): Promise<void> {
    return this.#supervisor.start();
  }

  keepUp(): void {
    this.#supervisor.keepUp();
  }

  close(): Promise<void> {
    return this.#supervisor.close();
  }

  get isDeserted(): boolean {
    return this.#tenants.size === 0;
  }

  /** For an instance of `application`. The returned function takes it back: no unit of it may be left then. */
  join(tenant: Tenant, application: string): () => void {
    this.#tenants.set(tenant, application);
    const leave = this.#memory.join(application);
    return () => {
      leave();
      if (this.#tenants.delete(tenant) && this.#tenants.size === 0) this.#onDeserted();
    };
  }

  /** Whoever loads a script waits for this first, and calls what it resolves with afterwards. Applications take turns. */
  mayLoad(application: string): Promise<() => void> {
    return this.#loading.enter(application);
  }

  /** False: its scripts take their share of the process already. `isReplacing`: one of its instances is about to end for it. */
  hasRoomFor(application: string, isReplacing: boolean): boolean {
    return this.#memory.hasRoomFor(application, isReplacing);
  }

  /** False: its scripts have turned out to take more. */
  isWithinShare(application: string): boolean {
    return this.#memory.isWithin(application);
  }

  #relieve(rssBytes: number): { application: string; ended: number } {
    const { application, users } = this.#memory.toEnd(rssBytes);
    for (const unit of users)
      unit.expel('its application takes most of the script process, which has grown too large');
    return { application: basename(application), ended: users.length };
  }

  openUnit(tenant: Tenant, options: Omit<UnitOptions, 'id' | 'send' | 'openLane' | 'onGone'>): Unit {
    const application = this.#tenants.get(tenant) ?? '';
    this.#lastUnitId += 1;
    this.#owners.set(this.#lastUnitId, tenant);
    const unit = new Unit({
      ...options,
      id: this.#lastUnitId,
      send: (frames) => void this.#supervisor.send(frames),
      openLane: (lane) => this.#lanes.open(application, lane),
      onGone: (id) => this.#unitGone(id, unit, application),
    });
    this.#units.set(unit.id, unit);
    this.#memory.enter(unit, application);
    return unit;
  }

  #unitGone(id: number, unit: Unit, application: string): void {
    this.#inbox.drop(unit);
    this.#units.delete(id);
    this.#memory.leave(unit, application);
    if (this.#gone.push(id) > MAX_GONE) this.#owners.delete(this.#gone.shift()!);
  }

  #frame(frame: Frame): void {
    const unit = this.#units.get(frame.unit);
    if (!unit) return;
    if (frame.type === FrameType.EventsTaken) unit.eventsTaken(decodeTaken(frame.body));
    else this.#inbox.add(unit, frame);
  }

  #down({ how, suspects }: RunnerDeath): void {
    const culprit = this.#culpritAmong(suspects);
    this.#owners.clear();
    this.#gone = [];
    this.#eachTenant((tenant) => tenant.runnerDown(how, culprit));
  }

  /**
   * An innocent one should not pay for being at work when somebody else ended the process. Where there are several, nobody is
   * blamed for now; who is among them again the next time is.
   */
  #culpritAmong(suspects: readonly number[]): number | undefined {
    const isSuspectedAgain = (unit: number) => {
      const owner = this.#owners.get(unit);
      return owner !== undefined && this.#suspected.includes(owner);
    };
    const culprit = suspects.length === 1 ? suspects[0] : suspects.find(isSuspectedAgain);
    if (suspects.length > 0)
      this.#suspected = suspects.map((unit) => this.#owners.get(unit)).filter((owner) => owner !== undefined);
    return culprit;
  }

  #eachTenant(call: (tenant: Tenant) => void): void {
    for (const tenant of [...this.#tenants.keys()]) call(tenant);
  }
}

export interface RunnersOptions {
  clock: Clock;
  log: Log;
  /** Of one process. */
  maxRssBytes: number;
  /** What one application may take of that in the process that they share, 0 to 1. */
  applicationShare: number;
  /** A program and its arguments that starts them; none: nothing does. */
  launcher: readonly string[];
  /** Whom a runner becomes that root has started. */
  user: InitBody['user'];
  /** Tests hand in a runner of their own. */
  spawn?: () => RunnerProcess;
}

/** A process of an application is kept so long after its last instance: the next client may be on its way. */
const DESERTED_MS = 30_000;

export class Runners {
  readonly #options: RunnersOptions;
  readonly #inbox: Inbox;
  readonly #own = new Map<string, Runner>();
  #common: Omit<RunnerOptions, 'scope' | 'share'> | undefined;
  #shared: Runner | undefined;
  #isClosed = false;
  readonly #closing = new Set<Promise<void>>();

  constructor(options: RunnersOptions) {
    this.#options = options;
    this.#inbox = new Inbox(options.clock);
  }

  #userOfRunners(): InitBody['user'] {
    const { user, log } = this.#options;
    if (!user || process.getuid?.() !== 0 || canBecome(user)) return user;
    log.warn(
      { event: 'runner', ...user },
      `scripts run as the root of this namespace: it knows no user ${user.uid} and group ${user.gid}`,
    );
    return undefined;
  }

  /** Resolves when the shared one is up; rejects when it cannot be started. */
  async start(): Promise<void> {
    const { clock, log, maxRssBytes, launcher } = this.#options;
    const user = this.#userOfRunners();
    const [guest, code] = await Promise.all([bundleGuest(), bundleRunner()]);
    stopEsbuild();
    if (this.#isClosed) return;
    const { spawn = () => spawnRunner(code, launcher) } = this.#options;
    this.#common = { spawn, init: { guest, ...(user ? { user } : {}) }, maxRssBytes, clock, log };
    const share = this.#options.applicationShare;
    this.#shared = new Runner({ ...this.#common, scope: 'shared', share }, this.#inbox, () => {});
    await this.#shared.start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#own.values(), ...(this.#shared ? [this.#shared] : [])];
    this.#own.clear();
    await Promise.all([...all.map((runner) => runner.close()), ...this.#closing]);
  }

  /** For the application in that folder. Not before `start` has resolved. */
  of(folder: string, scope: ProcessScope): Runner {
    if (!this.#shared || !this.#common) throw new Error('a runner is wanted before there is any');
    if (scope === 'shared' || this.#isClosed) return this.#shared;
    const known = this.#own.get(folder);
    if (known) return known;
    const { clock } = this.#options;
    const name = basename(folder);
    const runner: Runner = new Runner({ ...this.#common, scope: name, share: 1 }, this.#inbox, () => {
      clock.after(DESERTED_MS, () => this.#dismiss(folder, runner));
    });
    this.#own.set(folder, runner);
    runner.keepUp();
    return runner;
  }

  #dismiss(folder: string, runner: Runner): void {
    if (!runner.isDeserted || this.#own.get(folder) !== runner) return;
    this.#own.delete(folder);
    const closed = runner.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
