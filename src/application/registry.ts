// Applications and their running instances: an instance starts with its first client and stops when it has been idle.
import type { AddressRules } from '../config/address-rules.ts';
import { LimitError, StatusError } from '../errors.ts';
import { isReservedFolder, nameProblem } from '../storage/names.ts';
import { AppInstance, type InstanceOptions } from './instance.ts';
import type { ClientSettings, InstanceSettings } from './instance-settings.ts';
import type { Journal } from './journal.ts';
import { Occupancy, type Occupant } from './occupancy.ts';
import { Tally } from './tally.ts';

/** Each has an isolate of 2 MB, and any client that knows an application can start one: `live/1`, `live/2`… */
const MAX_INSTANCES = 2_000;

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
  maxInstances?: number;
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
  /** Connects that reached no instance. */
  #unplaced = 0;
  #isSuspended = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
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
    const path = withoutEdgeSlashes(app);
    if (nameProblem(path) !== undefined) return undefined;
    const slash = path.indexOf('/');
    const application = slash < 0 ? path : path.slice(0, slash);
    if (!this.hasApplication(application)) return undefined;
    return { application, instance: slash < 0 ? '_definst_' : path.slice(slash + 1) };
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
      const instance = this.open(app);
      this.#requireShare(instance, who);
      return instance;
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
    throw new LimitError(
      'NetConnection.Connect.Rejected',
      `[ Server.Reject ] : (${this.place}) : Resource limit violation. Too many clients of this virtual host.`,
    );
  }

  #requireShare({ application, connectionShares }: AppInstance, who: Occupant): void {
    const problem = connectionShares && this.#occupancyOf(application).problem(who, connectionShares);
    if (problem === undefined) return;
    throw new LimitError(
      'NetConnection.Connect.Rejected',
      `[ Server.Reject ] : (${this.place}) : Resource limit violation. ${problem}.`,
    );
  }

  /** The same for one who does not want to come in. */
  open(app: string): AppInstance {
    const path = withoutEdgeSlashes(app);
    if (nameProblem(path) !== undefined) {
      throw new StatusError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (${this.place}) : Invalid application name(/${printable(path)}).`,
      );
    }
    const slash = path.indexOf('/');
    const application = slash < 0 ? path : path.slice(0, slash);
    const instance = this.#open(application, slash < 0 ? '_definst_' : path.slice(slash + 1));
    if (!instance) {
      throw new StatusError(
        'NetConnection.Connect.InvalidApp',
        `[ Server.Reject ] : (${this.place}) : Application (${application}) is not defined.`,
      );
    }
    return instance;
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

  #open(application: string, name: string): AppInstance | undefined {
    const key = `${application}/${name}`;
    const running = this.#instances.get(key);
    if (running) return running;
    if (this.#isSuspended) {
      throw new LimitError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (${this.place}) : The virtual host has been stopped.`,
      );
    }
    if (!this.hasApplication(application)) return undefined;
    if (this.#options.isClosed?.(application)) {
      throw new StatusError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (${this.place}) : Application (${application}) has a mistake in its settings.`,
      );
    }
    if (this.#instances.size >= (this.#options.maxInstances ?? MAX_INSTANCES)) {
      throw new LimitError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (${this.place}) : Resource limit violation. Too many application instances.`,
      );
    }
    const instance = new AppInstance({
      ...this.#options,
      ...this.#options.settingsFor?.(application),
      application,
      name,
      occupancy: this.#occupancyOf(application),
      onClosed: () => this.#closed(instance),
    });
    this.#instances.set(key, instance);
    const history = this.#historyOf(application);
    history.instancesLoaded += 1;
    history.sinceMs ??= instance.sinceMs;
    return instance;
  }

  #closed(instance: AppInstance): void {
    const { application, fullName, tally } = instance;
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
