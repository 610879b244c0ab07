// What administrators may do, whichever way they say it: each is done once, and written to the admin log once.
import type { AppInstance } from '../application/instance.ts';
import { isApplicationName } from '../application/registry.ts';
import { DEFAULT_ADAPTOR, DEFAULT_VHOST } from '../config/load.ts';
import { LimitError, StatusError } from '../errors.ts';
import { formatStatus, Subject } from '../log/diagnostic-log.ts';
import type { Accounts } from './accounts.ts';
import { AdminError } from './admin-error.ts';
import type { Administered, AdministeredHost } from './administered.ts';
import type { Scope } from './scope.ts';

/** Who says so. */
export interface Caller {
  name: string;
  ip: string;
  /** Undefined: the whole server. */
  scope?: Scope | undefined;
}

/** An argument of a remote method, as JSON has it. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface CommandsOptions {
  administered: Administered;
  accounts: Accounts;
  /** The admin log. */
  write(status: string, text: string): void;
}

/** Message numbers of the admin log. */
const NUMBERS = {
  start: 2001,
  unload: 2002,
  reload: 2003,
  disconnect: 2004,
  broadcast: 2005,
  stop: 2006,
  account: 2007,
  add: 2008,
} as const;

const MAX_ARGUMENTS = 32;
const MAX_METHOD = 100;

export class Commands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** The running instance of that name, `live` or `live/room`. */
  instance({ registry }: AdministeredHost, name: string): AppInstance {
    const instance = registry.find(name);
    if (!instance) throw notFound(`no instance ${JSON.stringify(name)} is running`);
    return instance;
  }

  addApplication(host: AdministeredHost, name: string, caller: Caller): void {
    if (!isApplicationName(name)) {
      throw new AdminError('ERR_ADMIN_ARGUMENT', `an application cannot be called ${JSON.stringify(name)}`);
    }
    if (host.registry.hasApplication(name)) {
      throw new AdminError('ERR_ADMIN_CONFLICT', `there is an application ${name} already`);
    }
    try {
      host.addApplication(name);
    } catch (error) {
      const why = (error as Error).message;
      throw new AdminError('ERR_ADMIN_FAILED', `the application cannot be made: ${why}`, { cause: error });
    }
    this.#note(caller, 'add', `added the application ${this.#placeIn(host)}${name}`);
  }

  start(host: AdministeredHost, name: string, caller: Caller): AppInstance {
    const instance = this.#open(host, name);
    this.#note(caller, 'start', `started ${this.#placeIn(host)}${instance.fullName}`);
    return instance;
  }

  #open({ registry }: AdministeredHost, name: string): AppInstance {
    const running = registry.find(name);
    if (running) return running;
    try {
      const instance = registry.open(name);
      instance.awaitClients();
      return instance;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const code = error instanceof LimitError ? 'ERR_ADMIN_CONFLICT' : 'ERR_ADMIN_NOT_FOUND';
      throw new AdminError(code, error.message, { cause: error });
    }
  }

  /** Those of an application, or one of them. Resolves when they have said goodbye. */
  async unload(host: AdministeredHost, name: string, caller: Caller): Promise<void> {
    const { registry } = host;
    const instances = registry.hasApplication(name)
      ? [...registry.instances].filter(({ application }) => application === name)
      : [this.instance(host, name)];
    if (instances.length === 0) throw notFound(`no instance of ${name} is running`);
    for (const { fullName } of instances)
      this.#note(caller, 'unload', `unloaded ${this.#placeIn(host)}${fullName}`);
    await Promise.all(instances.map((instance) => instance.stop()));
  }

  /** Disconnects everybody and starts it anew, its configuration read again. One that does not run is just started. */
  async reload(host: AdministeredHost, name: string, caller: Caller): Promise<AppInstance> {
    const { registry } = host;
    await registry.find(name)?.stop();
    registry.pardon(name);
    const instance = this.#open(host, name);
    this.#note(caller, 'reload', `reloaded ${this.#placeIn(host)}${instance.fullName}`);
    return instance;
  }

  disconnect(instance: AppInstance, client: string, caller: Caller): void {
    if (!instance.disconnect(client))
      throw notFound(`${instance.fullName} has no client ${JSON.stringify(client)}`);
    this.#note(caller, 'disconnect', `disconnected ${client} of ${instance.fullName}`);
  }

  /** Calls a method of all clients of the instances. How many clients there are. */
  broadcast(
    instances: readonly AppInstance[],
    method: string,
    args: readonly Json[],
    caller: Caller,
  ): number {
    if (method === '' || method.length > MAX_METHOD) {
      throw new AdminError('ERR_ADMIN_ARGUMENT', `a method has a name of 1 to ${MAX_METHOD} characters`);
    }
    if (args.length > MAX_ARGUMENTS) {
      throw new AdminError('ERR_ADMIN_ARGUMENT', `a method takes ${MAX_ARGUMENTS} arguments at most`);
    }
    for (const instance of instances) instance.broadcast(method, [...args]);
    this.#note(caller, 'broadcast', `called ${method} on the clients of ${instances.length} instances`);
    return instances.reduce((sum, { clients }) => sum + clients.size, 0);
  }

  stop(caller: Caller): void {
    this.#note(caller, 'stop', 'stops the server');
    this.#options.administered.stop(`by ${caller.name} from ${caller.ip}`);
  }

  async addAccount(name: string, password: string, caller: Caller): Promise<void> {
    await this.#options.accounts.add(name, password);
    this.#note(caller, 'account', `added the administrator ${name}`);
  }

  async changePassword(name: string, password: string, caller: Caller): Promise<void> {
    await this.#options.accounts.changePassword(name, password);
    this.#note(caller, 'account', `changed the password of ${name}`);
  }

  removeAccount(name: string, caller: Caller): void {
    this.#options.accounts.remove(name);
    this.#note(caller, 'account', `removed the administrator ${name}`);
  }

  /** Nothing for the default host. */
  #placeIn(host: AdministeredHost): string {
    const isDefault = host.adaptor === DEFAULT_ADAPTOR && host.name === DEFAULT_VHOST;
    return isDefault ? '' : `${host.adaptor}/${host.name}/`;
  }

  #note({ name, ip }: Caller, what: keyof typeof NUMBERS, text: string): void {
    this.#options.write(formatStatus('i', Subject.Admin, NUMBERS[what]), `${name} (${ip}) ${text}`);
  }
}

export function requireApplication({ registry }: AdministeredHost, name: string): void {
  if (!registry.hasApplication(name)) throw notFound(`there is no application ${JSON.stringify(name)}`);
}

export function notFound(message: string): AdminError {
  return new AdminError('ERR_ADMIN_NOT_FOUND', message);
}
