// What administrators may do, whichever way they say it: each is done once, and written to the admin log once.
import type { AppInstance } from '../application/instance/instance.ts';
import { isApplicationName } from '../application/instance/registry.ts';
import { DEFAULT_ADAPTOR, DEFAULT_VHOST } from '../config/load.ts';
import { LimitError, StatusError } from '../errors.ts';
import { formatStatus, Subject } from '../log/diagnostic-log.ts';
import type { Accounts } from './accounts.ts';
import { AdminError } from './admin-error.ts';
import type { Administered, AdministeredHost } from './administered.ts';
import { notHis, type Scope } from './scope.ts';
import { asked, type SettingPlace } from './setting-place.ts';

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
  remove: 2009,
  host: 2012,
  settings: 2013,
  clear: 2014,
  collect: 2015,
} as const;

/** Of a host: a name or an address, as a client writes it. */
const HOST_NAME = /^(?!-)[\w.:-]{1,253}$/;

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

  /** Stops what runs of it and puts its folder aside; answers where that is. */
  async removeApplication(host: AdministeredHost, name: string, caller: Caller): Promise<string> {
    const { registry } = host;
    if (!registry.hasApplication(name)) throw notFound(`there is no application ${JSON.stringify(name)}`);
    requireOwnFiles(host, caller);
    const running = () => [...registry.instances].filter(({ application }) => application === name);
    await Promise.all(running().map((instance) => instance.stop()));
    if (running().length > 0) {
      throw new AdminError('ERR_ADMIN_CONFLICT', `${name} has been started again in the meantime`);
    }
    try {
      const place = host.removeApplication(name);
      this.#note(caller, 'remove', `removed the application ${this.#placeIn(host)}${name}, to ${place}`);
      return place;
    } catch (error) {
      const why = (error as Error).message;
      throw new AdminError('ERR_ADMIN_FAILED', `the application cannot be removed: ${why}`, { cause: error });
    }
  }

  async stopHost(host: AdministeredHost, caller: Caller): Promise<void> {
    this.#note(caller, 'host', `stopped the virtual host ${host.adaptor}/${host.name}`);
    await host.stopServing();
  }

  startHost(host: AdministeredHost, caller: Caller): void {
    host.startServing();
    this.#note(caller, 'host', `started the virtual host ${host.adaptor}/${host.name}`);
  }

  addAlias(host: AdministeredHost, alias: string, caller: Caller): void {
    if (!HOST_NAME.test(alias)) {
      throw new AdminError('ERR_ADMIN_ARGUMENT', `a host cannot be called ${JSON.stringify(alias)}`);
    }
    if (!host.addAlias(alias)) {
      throw new AdminError(
        'ERR_ADMIN_CONFLICT',
        `a virtual host of ${host.adaptor} is called ${alias} already`,
      );
    }
    this.#note(caller, 'host', `gave ${host.adaptor}/${host.name} the alias ${alias}`);
  }

  removeAlias(host: AdministeredHost, alias: string, caller: Caller): void {
    if (!host.removeAlias(alias)) {
      const isInFile = host.aliases.some((one) => one.toLowerCase() === alias.toLowerCase());
      if (!isInFile) throw notFound(`${host.name} has no alias ${JSON.stringify(alias)}`);
      throw new AdminError('ERR_ADMIN_CONFLICT', `the alias ${alias} stands in Vhost.xml; take it out there`);
    }
    this.#note(caller, 'host', `took the alias ${alias} from ${host.adaptor}/${host.name}`);
  }

  changeSetting({ file, path }: SettingPlace, value: string, caller: Caller): void {
    const { settings, hosts } = this.#options.administered;
    if (caller.scope) {
      // what all of his applications have in common is the operator's, and so is what he is kept within
      if (file.kind !== 'application' || file.application === undefined) throw notHis();
      for (const host of hosts) requireOwnFiles(host, caller);
    }
    asked(() => settings.write(file, path, value));
    const where = 'application' in file ? (file.application ?? `all of ${file.vhost}`) : file.kind;
    this.#note(caller, 'settings', `set ${path.join('/')} of ${where} to ${value}`);
  }

  async clearRecording(host: AdministeredHost, name: string, stream: string, caller: Caller): Promise<void> {
    const { application, instance } = this.instanceName(host, name);
    requireOwnFiles(host, caller);
    if (!(await host.recorders.clear({ application, instance, stream }))) {
      const why = 'there is none of that name, or it is being recorded';
      throw notFound(`${JSON.stringify(stream)} cannot be deleted: ${why}`);
    }
    this.#note(caller, 'clear', `deleted the recording ${stream} of ${application}/${instance}`);
  }

  /** Unloads instances without clients; how many. */
  async collect(caller: Caller): Promise<number> {
    const { hosts } = this.#options.administered;
    const counts = await Promise.all(hosts.map(({ registry }) => registry.collect()));
    const sum = counts.reduce((total, one) => total + one, 0);
    this.#note(caller, 'collect', `unloaded ${sum} instances without clients`);
    return sum;
  }

  /** Of one that may run or not: recordings are there in any case. */
  instanceName({ registry }: AdministeredHost, name: string): { application: string; instance: string } {
    const place = registry.placeOf(name);
    if (!place) throw notFound(`there is no application for ${JSON.stringify(name)}`);
    return place;
  }

  async start(host: AdministeredHost, name: string, caller: Caller): Promise<AppInstance> {
    const instance = await this.#open(host, name);
    this.#note(caller, 'start', `started ${this.#placeIn(host)}${instance.fullName}`);
    return instance;
  }

  async #open({ registry }: AdministeredHost, name: string): Promise<AppInstance> {
    await registry.waitFor(name);
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

  /** Disconnects everybody and starts it anew, its files read again. One that does not run is just started. */
  async reload(host: AdministeredHost, name: string, caller: Caller): Promise<AppInstance> {
    const { registry } = host;
    registry.pardon(name); // before: who waits for the end of the old one may be the first of the new one
    const place = registry.placeOf(name);
    if (place) await host.refresh(place.application);
    await registry.find(name)?.stop();
    const instance = await this.#open(host, name);
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

/** Who administers one virtual host does not reach into another by the folder that they have together. */
function requireOwnFiles({ sharesApplications }: AdministeredHost, { scope }: Caller): void {
  if (scope && sharesApplications) {
    const text =
      'another virtual host has its applications in the same folder: that is for an administrator of the server';
    throw new AdminError('ERR_ADMIN_SCOPE', text);
  }
}

export function notFound(message: string): AdminError {
  return new AdminError('ERR_ADMIN_NOT_FOUND', message);
}
