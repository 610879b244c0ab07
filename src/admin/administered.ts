// What is administered, as server.ts hands it in.
import type { ApplicationProblem } from '../application/accounts/application-problem.ts';
import type { ErrorRecords } from '../application/accounts/error-records.ts';
import type { ScriptMetricsBook } from '../application/accounts/script-metrics.ts';
import type { RecordedCatalog, RecordedStreams } from '../application/contract/recorded.ts';
import type { Recorders } from '../application/contract/recording.ts';
import type { Registry } from '../application/instance/registry.ts';
import type { Statistics } from '../application/instance/statistics.ts';
import type { Settings } from '../config/settings.ts';
import { AdminError } from './admin-error.ts';

export interface AdministeredHost {
  readonly adaptor: string;
  readonly name: string;
  readonly registry: Registry;
  readonly statistics: Statistics;
  /** Of its scripts. */
  readonly scripts: ScriptMetricsBook;
  readonly errors: ErrorRecords;
  /** Those that can be started. */
  applications(): string[];
  /** Why one of them is not what its files say; undefined: it is. */
  problemOf(application: string): ApplicationProblem | undefined;
  /** Reads its files, settings and script, as they are now. */
  refresh(application: string): Promise<void>;
  /** Makes one without anything in it. `name` is one that a folder may have. Throws what the file system says. */
  addApplication(name: string): void;
  /** Puts its folder, and all that is in it, aside; answers where it is. Throws what the file system says. */
  removeApplication(name: string): string;
  /** Another host has its applications in the same folder: what is changed there is changed for both. */
  readonly sharesApplications: boolean;
  readonly recorded: Pick<RecordedStreams, 'open'> & RecordedCatalog;
  readonly recorders: Pick<Recorders, 'clear'>;
  /** Further names that it goes by. */
  readonly aliases: readonly string[];
  /** False: it, or another host of its adaptor, is called so already. */
  addAlias(alias: string): boolean;
  /** False: it is not called so, or its Vhost.xml says so. */
  removeAlias(alias: string): boolean;
  /** Nobody comes in any more, and its instances are stopped. */
  stopServing(): Promise<void>;
  startServing(): void;
}

export interface Administered {
  /** `Understudy/1.0.0` */
  readonly software: string;
  /** All virtual hosts; the default one of the default adaptor first, the default one of each adaptor before its others. */
  readonly hosts: readonly AdministeredHost[];
  /** Of all of them together. */
  readonly statistics: Statistics;
  readonly settings: Pick<Settings, 'read' | 'write'>;
  /** Open connections, those that have not said what they want included. */
  connections(): number;
  /** How often each limit was reached since the start. */
  limits(): readonly { readonly limit: string; readonly count: number }[];
  /** Begins to stop; does not wait for it. */
  stop(why: string): void;
}

/** The one that is meant; who does not say means the default one. */
export function theHost(
  { hosts }: Administered,
  adaptor: string | undefined | null,
  vhost: string | undefined | null,
): AdministeredHost {
  const ofAdaptor = hostsOf(hosts, adaptor);
  const found = vhost ? ofAdaptor.find(({ name }) => name === vhost) : ofAdaptor[0];
  if (!found) {
    throw new AdminError('ERR_ADMIN_NOT_FOUND', `there is no virtual host ${JSON.stringify(vhost)}`);
  }
  return found;
}

export function hostsOf(
  hosts: readonly AdministeredHost[],
  adaptor: string | undefined | null,
): AdministeredHost[] {
  const wanted = adaptor || hosts[0]?.adaptor;
  const found = hosts.filter((host) => host.adaptor === wanted);
  if (found.length === 0) {
    throw new AdminError('ERR_ADMIN_NOT_FOUND', `there is no adaptor ${JSON.stringify(adaptor)}`);
  }
  return found;
}
