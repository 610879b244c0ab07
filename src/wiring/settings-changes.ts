// Changes of the files that a virtual host's applications get their settings from, while the server runs.
import { type Stats, unwatchFile, watchFile } from 'node:fs';
import type { ApplicationSettings } from '../config/application-settings.ts';
import type { Symbols } from '../config/symbols.ts';
import { type Log, logBug } from '../log/log.ts';
import type { AdmissionRules } from './admission-rules.ts';

/** The file is polled: it may be in another file system, where whatever manages this machine has put it. */
const DEFAULTS_CHECK_MS = 1000;

export interface SettingsChangesOptions {
  settings: ApplicationSettings;
  rules: AdmissionRules;
  /** The Application.xml of the virtual host. */
  defaultsPath: string;
  /** Settings of that application have changed; undefined: of all applications. */
  onChange(application: string | undefined): void;
  log: Log;
}

export class SettingsChanges {
  readonly #options: SettingsChangesOptions;

  constructor(options: SettingsChangesOptions) {
    this.#options = options;
  }

  /** Watches the Application.xml of the virtual host. */
  start(): void {
    watchFile(this.#options.defaultsPath, { interval: DEFAULTS_CHECK_MS }, this.#onDefaults);
  }

  close(): void {
    unwatchFile(this.#options.defaultsPath, this.#onDefaults);
  }

  readonly #onDefaults = (now: Stats, before: Stats) => {
    const isSame = now.mtimeMs === before.mtimeMs && now.ino === before.ino && now.size === before.size;
    if (!isSame) this.inBackground(this.#refreshDefaults());
  };

  async #refreshDefaults(): Promise<void> {
    if (await this.#options.settings.refreshDefaults()) this.#changed(undefined);
  }

  /** The symbols of conf/ are now these. */
  symbolsChanged(symbols: Symbols): void {
    this.inBackground(this.#refreshSymbols(symbols));
  }

  async #refreshSymbols(symbols: Symbols): Promise<void> {
    for (const application of await this.#options.settings.refreshSymbols(symbols))
      this.#changed(application);
  }

  /** Resolves when the files of the application have been read; undefined: they have been. */
  reading(application: string): Promise<void> | undefined {
    const { settings, rules } = this.#options;
    const open = [settings.reading(application), rules.reading(application)].filter(
      (reading) => reading !== undefined,
    );
    return open.length === 0 ? undefined : Promise.all(open).then(() => {});
  }

  /** Reads the files of the application again. */
  async refresh(application: string): Promise<void> {
    await this.#options.rules.refresh(application);
    if (await this.#options.settings.refresh(application)) this.#changed(application);
  }

  /** Logs what goes wrong in work that nobody waits for. */
  inBackground(work: Promise<void>): void {
    work.catch((error: unknown) =>
      logBug(this.#options.log, error, 'reading the settings of an application'),
    );
  }

  #changed(application: string | undefined): void {
    const whose = application === undefined ? 'of all applications' : `of ${application}`;
    const text = `the settings ${whose} have changed: running instances use them now, as far as Application.xml allows`;
    this.#options.log.info({ event: 'config', application }, text);
    this.#options.onChange(application);
  }
}
