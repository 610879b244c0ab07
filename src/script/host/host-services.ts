// The services that scripts ask for in all applications of a host, each with its limits and what the log says when one is reached.
import { join } from 'node:path';
import { logBug } from '../../log/log.ts';
import { ExecService } from '../services/exec.ts';
import { addressesOf } from '../services/exec-values.ts';
import { FetchService } from '../services/fetch/service.ts';
import type { Services } from '../services/services.ts';
import { StoreService } from '../services/store-service.ts';
import type { ScriptHostOptions } from './host-options.ts';

export class HostServices {
  /** By the name that scripts ask for them by. */
  readonly byName: Services;
  readonly #options: ScriptHostOptions;
  readonly #fetch: FetchService;
  readonly #exec: ExecService;
  readonly #store: StoreService;

  constructor(options: ScriptHostOptions) {
    this.#options = options;
    this.#fetch = this.#openFetch();
    this.#exec = this.#openExec();
    this.#store = new StoreService(options);
    this.byName = {
      ...options.services,
      ...{ fetch: this.#fetch, exec: this.#exec, store: this.#store },
    };
  }

  #openFetch(): FetchService {
    const { log, lines, settingsFor, server, fetchTurns, hostId, standIns } = this.#options;
    return new FetchService({
      settingsFor: (application) => settingsFor(application).fetch,
      userAgent: server,
      onBug: (error, where) => logBug(log, error, where),
      onNoRoom: (application) => {
        const text = `${application}: an answer to fetch was refused`;
        lines.limit('MaxFetchedSize', application, { log, application }, text);
      },
      turns: fetchTurns,
      host: hostId,
      hasRoom: (application) => this.#hasRoom(application, 'a request of fetch was not made'),
      onNoTurn: (application) =>
        lines.limit('MaxFetches', application, { log, application }, 'fetch waited in vain for its turn'),
      standIn: standIns?.fetch,
    });
  }

  #openExec(): ExecService {
    const { log, lines, settingsFor, applicationsDir, applicationLog, maxPrograms, standIns } = this.#options;
    return new ExecService({
      standIn: standIns?.run,
      hasRoom: (application) => this.#hasRoom(application, 'a program was not started'),
      applicationsDir,
      maxPrograms,
      onNoRoom: (application) => {
        const text = `${application}: a program was not started`;
        lines.limit('MaxPrograms', application, { log, application }, text);
      },
      commandsFor: (application) => settingsFor(application).exec,
      rulesFor: (application) => {
        const { fetch, netConnection: connections, streamFolders } = settingsFor(application);
        return {
          ...{ fetch, connections, folders: [join(applicationsDir, application), ...streamFolders] },
          addressesOf: standIns ? undefined : addressesOf,
        };
      },
      log: (application, instance, level, text) => {
        log[level]({ event: 'exec', application, instance }, `${application}/${instance}: ${text}`);
        applicationLog(application, instance)[level](text);
      },
    });
  }

  #hasRoom(application: string, text: string): boolean {
    const { log, lines, hasRoom } = this.#options;
    if (hasRoom()) return true;
    lines.limit('OpenFiles', application, { log, application }, text);
    return false;
  }

  streamEnded(application: string, instance: string, stream: string): void {
    this.#exec.streamEnded(application, instance, stream);
  }

  instanceEnded(application: string, instance: string): void {
    void this.#exec.instanceEnded(application, instance);
  }

  /** After the last version of a script that may have asked has ended. */
  async close(): Promise<void> {
    await Promise.all([this.#fetch.close(), this.#exec.close()]);
    await this.#store.close(); // programs and requests that end may still have asked it
  }
}
