// What the files of an application and its virtual host say of who may come in, for its clients' settings: one for each
// virtual host.
import { join } from 'node:path';
import type { ClientSettings } from '../application/instance/instance-settings.ts';
import type { ApplicationConfig, SwfFolders } from '../config/application.ts';
import type { VhostConfig } from '../config/config.ts';
import { Publishers } from '../config/publishers.ts';
import { type Log, logBug } from '../log/log.ts';
import type { PublisherSecret } from '../protocol/rtmp/publisher-auth.ts';
import { type SwfDigest, SwfHasher } from '../protocol/rtmp/swf.ts';
import { allowsDomain, DomainLists, hostOf } from '../storage/domain-lists.ts';
import { SwfLibrary } from '../storage/swf-library.ts';

export class AdmissionRules {
  readonly #vhost: VhostConfig;
  readonly #swfFolders: SwfFolders;
  readonly #publishers: Publishers;
  readonly #domains: DomainLists;
  readonly #log: Log;
  /** By their settings: many applications may have the same. */
  readonly #swfs = new Map<string, SwfLibrary<SwfDigest>>();

  constructor(vhost: VhostConfig, swfFolders: SwfFolders, log: Log) {
    this.#vhost = vhost;
    this.#swfFolders = swfFolders;
    this.#log = log;
    this.#publishers = new Publishers(({ level, text }) => log[level]({ event: 'config' }, text));
    this.#domains = new DomainLists(vhost.appsDir, (text) => log.error({ event: 'config' }, text));
  }

  of(
    application: string,
    { login, swf }: ApplicationConfig,
  ): Pick<ClientSettings, 'login' | 'origin' | 'swf'> {
    const { appsDir } = this.#vhost;
    return {
      login: login && {
        ...login,
        scope: join(appsDir, application),
        secretsOf: (user, found) => this.#secretsOf(login.usersFile, user, found),
      },
      origin: { problem: (origin) => this.#originProblem(application, origin) },
      swf: swf && {
        ...swf,
        libraries: [
          this.#library({
            ...swf.library,
            folders: ownSwfs(swf.library.folders, join(appsDir, application)),
          }),
          this.#library(this.#swfFolders),
        ],
      },
    };
  }

  /** Undefined: what `of` needs of the application's files has been read. */
  reading(application: string): Promise<void> | undefined {
    return this.#domains.isKnown(application) ? undefined : this.refresh(application);
  }

  refresh(application: string): Promise<void> {
    return this.#domains.read(application);
  }

  #secretsOf(file: string, user: string, found: (secrets: readonly PublisherSecret[]) => void): void {
    this.#publishers.of(file, user).then(found, (error: unknown) => {
      logBug(this.#log, error, 'reading the users');
      found([]);
    });
  }

  #originProblem(application: string, { pageUrl, swfUrl }: { pageUrl: string; swfUrl: string }) {
    for (const [what, url, file] of [
      ['page', pageUrl, 'allowedHTMLdomains.txt'],
      ['SWF', swfUrl, 'allowedSWFdomains.txt'],
    ] as const) {
      const list = this.#domains.of(application, file);
      const host = hostOf(url);
      if (list && !allowsDomain(list, host)) {
        return `A ${what} of ${host ?? 'no web address'} may not connect (${file}).`;
      }
    }
    return undefined;
  }

  #library(folders: SwfFolders): SwfLibrary<SwfDigest> {
    const key = JSON.stringify(folders);
    let library = this.#swfs.get(key);
    if (!library) {
      library = new SwfLibrary({
        ...folders,
        nowMs: () => Date.now(),
        hasher: () => new SwfHasher(),
        say: (text) => this.#log.warn({ event: 'swf' }, text),
      });
      this.#swfs.set(key, library);
    }
    return library;
  }
}

function ownSwfs(folders: readonly string[], applicationDir: string): readonly string[] {
  return folders.length > 0 ? folders : [join(applicationDir, 'SWFs')];
}
