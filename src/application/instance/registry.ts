// Applications and their running instances: an instance starts with its first client and stops when it has been idle.
import type { AddressRules } from '../../config/address-rules.ts';
import { LimitError, StatusError } from '../../errors.ts';
import type { LimitName } from '../../log/limits.ts';
import { isReservedFolder, nameProblem } from '../../storage/names.ts';
import type { Journal } from '../accounts/journal.ts';
import { Tally } from '../accounts/tally.ts';
import {
  type InstanceLimits,
  InstanceShares,
  type ReachedShare,
  type Seat,
} from '../admission/instance-shares.ts';
import { hostKey, Occupancy, type Occupant } from '../pace/occupancy.ts';
import { AppInstance, type InstanceOptions } from './instance.ts';
import type { ClientSettings, InstanceSettings } from './instance-settings.ts';

const ANY_NUMBER: InstanceLimits = {
  total: undefined,
  perApplication: undefined,
  perAddress: undefined,
  ratePerAddress: undefined,
};
/** Idle instances that make room at a time: until they have said goodbye there are so many more than the limits say. */
const MAX_LEAVING = 64;

export interface RegistryOptions
  extends Omit<InstanceOptions, 'application' | 'name' | 'occupancy' | 'onClosed'> {
  /** What differs in that application from the settings here; asked for each instance that starts. Must not throw. */
  settingsFor?(application: string): Partial<InstanceSettings>;
  /** Of which it is the registry: refusals name them. */
  adaptor?: string;
  vhost?: string;
  /** Whose clients may connect. Undefined: everybody's. */
  rules?: AddressRules | undefined;
  /** FMS: ResourceLimits/MaxConnections. Undefined: any number. */
  maxClients?: number | undefined;
  /** FMS: ResourceLimits/MaxAppInstances. */
  instances?: InstanceLimits;
  /** Is there a folder of that name? It has passed `nameProblem`. */
  hasApplication(name: string): boolean;
  /** Its settings cannot be read: no instance of it starts. */
  isClosed?(application: string): boolean;
  /** Resolves when its settings have been read; undefined: they have been. Asked before all others here. */
  reading?(application: string): Promise<void> | undefined;
}

/** What is known of an application that has had an instance. */
export interface ApplicationHistory {
  instancesLoaded: number;
  instancesUnloaded: number;
  /** When its first running instance was started; undefined: none runs. */
  sinceMs: number | undefined;
  /** Of the instances that have gone. */
  readonly tally: Tally;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #instances = new Map<string, AppInstance>();
  readonly #histories = new Map<string, ApplicationHistory>();
  /** Of those that have had an instance. */
  readonly #occupancies = new Map<string, Occupancy>();
  readonly #shares: InstanceShares;
  /** How those that run are counted, and what takes them out of it. */
  readonly #seats = new Map<AppInstance, { readonly seat: Seat; leave(): void }>();
  /** Idle instances that have been asked to make room. */
  readonly #leaving = new Set<AppInstance>();
  /** Connects that reached no instance. */
  #unplaced = 0;
  #isSuspended = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#shares = new InstanceShares(options.instances ?? ANY_NUMBER);
  }

  /** As refusals name it. */
  get place(): string {
    const { adaptor = '_defaultRoot_', vhost = '_defaultVHost_' } = this.#options;
    return `${adaptor}, ${vhost}`;
  }

  get rules(): AddressRules | undefined {
    return this.#options.rules;
  }

  get journal(): Journal | undefined {
    return this.#options.journal;
  }
  get instances(): IterableIterator<AppInstance> {
    return this.#instances.values();
  }
  /** By name; those that have never had an instance are not in it. */
  get histories(): ReadonlyMap<string, ApplicationHistory> {
    return this.#histories;
  }
  get unplacedConnects(): number {
    return this.#unplaced;
  }
  /** An administrator has stopped its virtual host: nobody comes in. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** The running one of that name, in any form in which a client may give it. */
  find(app: string): AppInstance | undefined {
    const path = withoutEdgeSlashes(app);
    return this.#instances.get(path.includes('/') ? path : `${path}/_definst_`);
  }

  /**
   * What has to be waited for before `connect` and `open`; undefined: nothing. The settings of an application are read before its
   * first instance, and while an instance says goodbye, the next one of its name does not begin.
   */
  waitFor(app: string): Promise<void> | undefined {
    const running = this.find(app);
    if (running) return running.leaving;
    const application = applicationIn(app);
    return this.hasApplication(application) ? this.#options.reading?.(application) : undefined;
  }

  /** What `app` names, running or not. Undefined: it cannot be one, or there is no such application. */
  placeOf(app: string): { application: string; instance: string } | undefined {
    const place = placeIn(app);
    return place && this.hasApplication(place.application) ? place : undefined;
  }

  hasApplication(name: string): boolean {
    return isApplicationName(name) && this.#options.hasApplication(name);
  }

  /** What `app` means for who wants to come in: as its running instance has it, else as it is configured now. */
  clientSettingsOf(app: string): ClientSettings | undefined {
    const running = this.find(app);
    if (running) return running.clientSettings;
    const application = applicationIn(app);
    if (!this.hasApplication(application)) return undefined;
    return this.#options.settingsFor?.(application).clients ?? this.#options.clients;
  }

  /**
   * The instance that a client means by `app`: `application[/instance]`, slashes at either end do not count. A StatusError
   * says that the name is illegal or that there is no such application, a LimitError that there is no room for `who`.
   */
  connect(app: string, who: Occupant): AppInstance {
    try {
      this.#requireRoom();
      const { application, instance } = this.#placeOf(app);
      this.#requireShare(application, this.find(app), who);
      return this.#open(application, instance, who.ip);
    } catch (error) {
      this.#unplaced += 1;
      throw error;
    }
  }

  #requireRoom(): void {
    const { maxClients } = this.#options;
    if (maxClients === undefined) return;
    let clients = 0;
    for (const instance of this.#instances.values()) clients += instance.clients.size;
    if (clients < maxClients) return;
    throw this.#overLimit('Too many clients of this virtual host');
  }

  /** Before anything is started for it. */
  #requireShare(application: string, running: AppInstance | undefined, who: Occupant): void {
    if (!running && !this.hasApplication(application)) return;
    const shares = running
      ? running.connectionShares
      : (this.#options.settingsFor?.(application).resourceLimits ?? this.#options.resourceLimits);
    const problem = this.#occupancyOf(application).problem(who, shares);
    if (problem !== undefined) throw this.#overLimit(problem);
  }

  #overLimit(problem: string): LimitError {
    return new LimitError(
      'NetConnection.Connect.Rejected',
      `[ Server.Reject ] : (${this.place}) : Resource limit violation. ${problem}.`,
    );
  }

  #placeOf(app: string): { application: string; instance: string } {
    const place = placeIn(app);
    if (place) return place;
    const path = printable(withoutEdgeSlashes(app));
    throw new StatusError(
      'NetConnection.Connect.Rejected',
      `[ Server.Reject ] : (${this.place}) : Invalid application name(/${path}).`,
    );
  }

  /** The same without coming in. `ip`: of the client for which it is opened; undefined: the server itself wants it. */
  open(app: string, ip?: string): AppInstance {
    const { application, instance } = this.#placeOf(app);
    return this.#open(application, instance, ip);
  }

  /** Its file, or that of all of them, has been saved: those that run are told. */
  configure(application?: string): void {
    for (const instance of this.#instances.values()) {
      if (application !== undefined && instance.application !== application) continue;
      instance.configure(this.#options.settingsFor?.(instance.application) ?? {});
    }
  }

  /** Of an instance that is to be started anew at an operator's wish. */
  pardon(app: string): void {
    this.#options.scripts.pardon(applicationIn(app));
  }

  #open(application: string, name: string, ip: string | undefined): AppInstance {
    const key = `${application}/${name}`;
    const running = this.#instances.get(key);
    if (running) return running;
    this.#requireApplication(application);
    if (ip !== undefined) this.#requireRate(application, ip);
    this.#makeRoomFor(application, ip);
    const instance = new AppInstance({
      ...this.#options,
      ...this.#options.settingsFor?.(application),
      application,
      name,
      occupancy: this.#occupancyOf(application),
      onClosed: () => this.#closed(instance),
    });
    const seat = { application, address: ip === undefined ? undefined : hostKey(ip) };
    this.#seats.set(instance, { seat, leave: this.#shares.enter(seat) });
    this.#instances.set(key, instance);
    const history = this.#historyOf(application);
    history.instancesLoaded += 1;
    history.sinceMs ??= instance.sinceMs;
    return instance;
  }

  /** It is there, and instances of it may be started. */
  #requireApplication(application: string): void {
    if (this.#isSuspended) {
      throw new LimitError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (${this.place}) : The virtual host has been stopped.`,
      );
    }
    if (!this.hasApplication(application)) {
      throw new StatusError(
        'NetConnection.Connect.InvalidApp',
        `[ Server.Reject ] : (${this.place}) : Application (${application}) is not defined.`,
      );
    }
    if (this.#options.isClosed?.(application)) {
      throw new StatusError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (${this.place}) : Application (${application}) has a mistake in its settings.`,
      );
    }
  }

  #requireRate(application: string, ip: string): void {
    if (this.#shares.mayStart(ip, this.#options.clock.now())) return;
    throw this.#refused(
      'MaxAppInstanceRatePerAddress',
      'New application instances too fast',
      application,
      ip,
    );
  }

  /** The oldest idle instance of those that a reached limit counts makes room. A LimitError: none of them is idle. */
  #makeRoomFor(application: string, ip: string | undefined): void {
    const { scripts } = this.#options;
    for (;;) {
      const reached = this.#shares.reached(application, ip);
      if (!reached) break;
      if (!this.#makeRoom(reached)) throw this.#refused(reached.limit, reached.problem, application, ip);
    }
    if (scripts.hasRoomFor(application, false)) return;
    const isReplacing = this.#makeRoom({ counts: (seat) => seat.application === application });
    if (isReplacing && scripts.hasRoomFor(application, true)) return;
    const problem = 'The scripts of this application take too much memory';
    throw this.#refused('MaxApplicationShare', problem, application, ip);
  }

  /** False: no instance that `counts` is idle, or too many are ending already. */
  #makeRoom({ counts }: Pick<ReachedShare, 'counts'>): boolean {
    if (this.#leaving.size >= MAX_LEAVING) return false;
    let oldest: AppInstance | undefined;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const [instance, { seat }] of this.#seats) {
      const { idleSinceMs = Number.POSITIVE_INFINITY } = instance;
      if (idleSinceMs >= oldestMs || this.#leaving.has(instance) || !counts(seat)) continue;
      oldest = instance;
      oldestMs = idleSinceMs;
    }
    if (oldest) void this.#unload(oldest);
    return oldest !== undefined;
  }

  /** Counted no more while it says goodbye; its script may want to stay, and a client may have come. */
  async #unload(instance: AppInstance): Promise<void> {
    const { seat, leave } = this.#seats.get(instance)!;
    leave();
    this.#leaving.add(instance);
    const isGone = await instance.unloadIfIdle();
    this.#leaving.delete(instance);
    if (!isGone) this.#seats.set(instance, { seat, leave: this.#shares.enter(seat) });
  }

  #refused(limit: LimitName, problem: string, application: string, ip: string | undefined): LimitError {
    const { lines, log } = this.#options;
    const facts = { application, ...(ip !== undefined && { ip }) };
    if (log) lines?.limit(limit, ip ?? application, { log, ...facts }, `${application}: no instance more`);
    return this.#overLimit(problem);
  }

  #closed(instance: AppInstance): void {
    const { application, fullName, tally } = instance;
    this.#seats.get(instance)?.leave();
    this.#seats.delete(instance);
    if (this.#instances.get(fullName) !== instance) return;
    this.#instances.delete(fullName);
    const history = this.#historyOf(application);
    history.instancesUnloaded += 1;
    history.tally.add(tally);
    if (history.instancesUnloaded === history.instancesLoaded) history.sinceMs = undefined;
  }

  #occupancyOf(application: string): Occupancy {
    let occupancy = this.#occupancies.get(application);
    if (!occupancy) {
      occupancy = new Occupancy();
      this.#occupancies.set(application, occupancy);
    }
    return occupancy;
  }

  #historyOf(application: string): ApplicationHistory {
    let history = this.#histories.get(application);
    if (!history) {
      history = { instancesLoaded: 0, instancesUnloaded: 0, sinceMs: undefined, tally: new Tally() };
      this.#histories.set(application, history);
    }
    return history;
  }

  /** No instance starts until `resume`; those that run are stopped as by `shutdown`. */
  async suspend(): Promise<void> {
    this.#isSuspended = true;
    await this.shutdown();
  }

  resume(): void {
    this.#isSuspended = false;
  }

  /** Unloads what nobody uses without waiting for its time: each script may refuse. How many are gone. */
  async collect(): Promise<number> {
    const unloaded = await Promise.all(
      [...this.#instances.values()].map((instance) => instance.unloadIfIdle()),
    );
    return unloaded.filter((isGone) => isGone).length;
  }

  /** Stops all of them: every client is told NetConnection.Connect.AppShutdown, then comes onAppStop. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop()));
  }
}

/** Whether an application may be called so. */
export function isApplicationName(name: string): boolean {
  if (name.includes('/') || isReservedFolder(name)) return false;
  return nameProblem(name) === undefined;
}

function applicationIn(app: string): string {
  const [application = ''] = withoutEdgeSlashes(app).split('/', 1);
  return application;
}

/** `application[/instance]`, slashes at either end do not count. Undefined: it cannot be one. */
function placeIn(app: string): { application: string; instance: string } | undefined {
  const path = withoutEdgeSlashes(app);
  if (nameProblem(path) !== undefined) return undefined;
  const slash = path.indexOf('/');
  if (slash < 0) return { application: path, instance: '_definst_' };
  return { application: path.slice(0, slash), instance: path.slice(slash + 1) };
}

/** By hand: on a name of many slashes a pattern that ends in `/+$` is quadratic. */
export function withoutEdgeSlashes(path: string): string {
  let begin = 0;
  let end = path.length;
  while (path[begin] === '/') begin += 1;
  while (end > begin && path[end - 1] === '/') end -= 1;
  return path.slice(begin, end);
}

/** For a text that goes back to whoever sent it, and into the log. */
function printable(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  return name.slice(0, 100).replace(/[\u0000-\u001f\u007f]/g, '?');
}
