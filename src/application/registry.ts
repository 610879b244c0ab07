// Applications and their running instances: an instance starts with its first client and stops when it has been idle.
import { AppInstance, type InstanceOptions } from './instance.ts';

export interface RegistryOptions extends Omit<InstanceOptions, 'application' | 'name' | 'onClosed'> {
  /** Is there a folder of that name? It has passed `nameProblem`. */
  hasApplication(name: string): boolean;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #instances = new Map<string, AppInstance>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get instances(): IterableIterator<AppInstance> {
    return this.#instances.values();
  }

  /** `undefined`: there is no such application. Names have passed `nameProblem`. */
  open(application: string, name: string): AppInstance | undefined {
    const key = `${application}/${name}`;
    const running = this.#instances.get(key);
    if (running) return running;
    if (!this.#options.hasApplication(application)) return undefined;
    const instance = new AppInstance({
      ...this.#options,
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
