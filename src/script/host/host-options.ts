// What a ScriptHost is given: by the configuration for each application, and once by the server.
import type { ErrorRecords } from '../../application/accounts/error-records.ts';
import type { FairTurns } from '../../application/pace/fair-turns.ts';
import type { Clock } from '../../clock.ts';
import type { ApplicationConfig } from '../../config/application.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';
import type { ApplicationLog } from '../../log/application-log.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import type { SecretMask } from '../../log/secrets.ts';
import type { StoreBackend } from '../../storage/store-backend.ts';
import type { Inspector } from '../inspect/inspector.ts';
import type { Runners } from '../process/runners.ts';
import type { Services } from '../services/services.ts';
import type { BuildScript } from '../source/build-outcome.ts';
import type { Json } from '../wire/wire.ts';
import type { StandIns } from './stand-ins.ts';

/** What the configuration decides for the scripts of one application: all of JSEngine, and what it comes to with the rest. */
export interface ScriptSettings
  extends Omit<ApplicationRows['jsEngine'], 'exec'>,
    Pick<ApplicationConfig, 'libraries' | 'limits' | 'processScope' | 'exec'> {
  /** `application.config` */
  readonly config: Json;
  /** `application.env` */
  readonly env: Json;
  /** Of its streams, where the configuration maps them elsewhere. */
  readonly streamFolders: readonly string[];
  /** Debuggers may attach to it. */
  readonly isInspectable: boolean;
}

export interface ScriptHostOptions {
  applicationsDir: string;
  log: Log;
  applicationLog(application: string, instance: string): ApplicationLog;
  errors: ErrorRecords;
  /** For what scripts' errors say. */
  mask: SecretMask;
  /** `application.server` and `application.hostname`. */
  server: string;
  hostname: string;
  /** Asked for every instance that starts and for every version that it loads. Must not throw. */
  settingsFor(application: string): ScriptSettings;
  /** Resolves when they are known: they are what a script is built with. */
  settingsRead(application: string): Promise<void>;
  /** The script of an instance has ended, and no other version follows. */
  onInstanceEnd?(application: string, instance: string): void;
  /** Its Application.xml has been saved. */
  onSettings(application: string): void;
  /** For lines that an author or a peer can cause again and again. */
  lines: LineLimit;
  /** Of each application: see WatchOptions. */
  maxWatchedFiles: number;
  /** A second, of what all scripts of an application log. */
  logBytes: number;
  /** Of each application, at a time. */
  maxPrograms: number;
  clock: Clock;
  /** Where scripts are built. */
  build: BuildScript;
  /** At fetch: of all hosts together, and what tells this host from the others. */
  fetchTurns: FairTurns;
  hostId: string;
  /** Whether a file or socket may be opened that a script has asked for. */
  hasRoom(): boolean;
  /** Started before an instance is opened, closed after this. */
  runners: Runners;
  /** For `application.store`. Closed by the host. */
  stores: StoreBackend;
  /** Services of other rooms. */
  services?: Services;
  /** Closed before this. */
  inspector: Inspector;
  /** For tests of scripts; undefined: scripts have the machine's time and the Web. */
  standIns?: StandIns | undefined;
}
