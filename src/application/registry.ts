// Applications and their running instances: an instance starts with its first client and stops when it has been idle.
import { StatusError } from '../errors.ts';
import { nameProblem } from '../storage/names.ts';
import { AppInstance, type InstanceOptions, type InstanceSettings } from './instance.ts';
import type { Journal } from './journal.ts';

/** Each has an isolate of 2 MB, and any client that knows an application can start one: `live/1`, `live/2`… */
const MAX_INSTANCES = 2_000;

export interface RegistryOptions extends Omit<InstanceOptions, 'application' | 'name' | 'onClosed'> {
  /** What differs in that application from the settings here; asked for each instance that starts. Must not throw. */
  settingsFor?(application: string): Partial<InstanceSettings>;
  /** FMS: ResourceLimits/MaxAppInstances. */
  maxInstances?: number;
  /** Is there a folder of that name? It has passed `nameProblem`. */
  hasApplication(name: string): boolean;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #instances = new Map<string, AppInstance>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get journal(): Journal | undefined {
    return this.#options.journal;
  }
  get instances(): IterableIterator<AppInstance> {
    return this.#instances.values();
  }

  /**
   * The instance that a client means by `app`: `application[/instance]`, slashes at either end do not count. A StatusError
   * says that the name is illegal or that there is no such application.
   */
  connect(app: string): AppInstance {
    const path = withoutEdgeSlashes(app);
    if (nameProblem(path) !== undefined) {
      throw new StatusError(
        'NetConnection.Connect.Rejected',
        `[ Server.Reject ] : (_defaultRoot_, _defaultVHost_) : Invalid application name(/${printable(path)}).`,
      );
    }
    const slash = path.indexOf('/');
    const application = slash < 0 ? path : path.slice(0, slash);
    const instance = this.#open(application, slash < 0 ? '_definst_' : path.slice(slash + 1));
    if (!instance) {
      throw new StatusError(
        'NetConnection.Connect.InvalidApp',
        `[ Server.Reject ] : (_defaultRoot_, _defaultVHost_) : Application (${application}) is not defined.`,
      );
    }
    return instance;
  }

  #open(application: string, name: string): AppInstance | undefined {
    const key = `${application}/${name}`;
    const running = this.#instances.get(key);
    if (running) return running;
    if (!this.#options.hasApplication(application)) return undefined;
    if (this.#instances.size >= (this.#options.maxInstances ?? MAX_INSTANCES)) {
      throw new StatusError(
        'NetConnection.Connect.Rejected',
        '[ Server.Reject ] : (_defaultRoot_, _defaultVHost_) : Resource limit violation. Too many application instances.',
      );
    }
    const instance = new AppInstance({
      ...this.#options,
      ...this.#options.settingsFor?.(application),
      application,
      name,
      onClosed: () => {
        if (this.#instances.get(key) === instance) this.#instances.delete(key);
      },
    });
    this.#instances.set(key, instance);
    return instance;
  }

  /** Stops all of them: onAppStop, then every client is told NetConnection.Connect.AppShutdown. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop()));
  }
}

/** By hand: on a name of many slashes a pattern that ends in `/+$` is quadratic. */
function withoutEdgeSlashes(path: string): string {
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
