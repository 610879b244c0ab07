// What each application is configured to, as its Application.xml says at the moment.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors.ts';
import {
  type ApplicationConfig,
  type ApplicationDefaults,
  defaultApplicationConfig,
  readApplicationConfig,
  rereadDefaults,
} from './application.ts';
import type { Symbols } from './symbols.ts';

/** What is said about files that change all the time is forgotten at some point, and said again. */
const MAX_REMEMBERED = 1000;

export interface Saying {
  level: 'error' | 'warn' | 'info' | 'debug';
  text: string;
  /** The same for programs, where a file cannot be used. */
  mistake?: ConfigError;
}

export class ApplicationSettings {
  #defaults: ApplicationDefaults;
  #fallback: ApplicationConfig;
  readonly #say: (saying: Saying, application: string | undefined) => void;
  readonly #said = new Set<string>();
  readonly #lastRight = new Map<string, ApplicationConfig>();
  /** Whose file has been bad from the beginning. */
  readonly #closed = new Set<string>();
  /** What is wrong with a file now. */
  readonly #mistakes = new Map<string, ConfigError>();
  /** What instances have been given; nothing of an application that none has asked for. */
  readonly #given = new Map<string, ApplicationConfig>();

  /** `fallback`: that of an application without a file of its own. `say` hears everything once. */
  constructor(
    defaults: ApplicationDefaults,
    fallback: ApplicationConfig,
    say: (saying: Saying, application: string | undefined) => void,
  ) {
    this.#defaults = defaults;
    this.#fallback = fallback;
    this.#say = say;
  }

  /**
   * Reads the file. A bad one is reported: the application stays as it was when its file was last right, so that a slip of the
   * pen opens no door. Where it never was right, nobody is to be let in: see `isClosed`.
   */
  of(application: string): ApplicationConfig {
    const { config } = this.#read(application);
    if (!this.#given.has(application)) this.#given.set(application, config);
    return config;
  }

  /** Nobody knows what its owner wants of it: its file is bad, and has been ever since the server began. */
  isClosed(application: string): boolean {
    this.#read(application);
    return this.#closed.has(application);
  }

  /** What is wrong with its file now; undefined: nothing. */
  mistakeIn(application: string): ConfigError | undefined {
    this.#read(application);
    return this.#mistakes.get(application);
  }

  /** Its file has been saved: what there is to say about it is said again. True: instances that run have to be given it. */
  refresh(application: string): boolean {
    this.#said.clear();
    const { config, isRight } = this.#read(application);
    const given = this.#given.get(application);
    if (!isRight || given === undefined || isDeepStrictEqual(config, given)) return false;
    this.#given.set(application, config);
    if (config.isLoadedOnStartup !== given.isLoadedOnStartup) {
      this.#say(
        { level: 'info', text: `LoadOnStartup of ${application} takes effect at the next start` },
        application,
      );
    }
    return true;
  }

  /** The same of the file that its virtual host has for all of them. */
  refreshDefaults(): boolean {
    try {
      const defaults = rereadDefaults(this.#defaults);
      this.#fallback = defaultApplicationConfig(defaults);
      this.#defaults = defaults;
      this.#given.clear();
      return true;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#say({ level: 'error', text: `${error.message}; the settings before it stay` }, undefined);
      return false;
    }
  }

  /** The symbols of conf/ have changed: the applications that have other settings by them. */
  refreshSymbols(symbols: Symbols): string[] {
    const given = [...this.#given];
    this.#defaults = { ...this.#defaults, symbols };
    if (!this.refreshDefaults()) return [];
    for (const [application, config] of given) this.#given.set(application, config);
    return given.map(([application]) => application).filter((application) => this.refresh(application));
  }

  #read(application: string): { config: ApplicationConfig; isRight: boolean } {
    const last = this.#lastRight.get(application);
    // What still runs of an application that has been removed says goodbye with the grants that it has had.
    if (last && !existsSync(join(this.#defaults.appsDir, application)))
      return { config: last, isRight: false };
    try {
      const config = readApplicationConfig(this.#defaults, application);
      this.#lastRight.set(application, config);
      const wasWrong = this.#mistakes.delete(application);
      const wasClosed = this.#closed.delete(application);
      if (wasWrong) {
        const text = `the settings of ${application} are right${wasClosed ? ': clients can connect to it' : ' again'}`;
        this.#say({ level: 'info', text }, application);
      }
      for (const note of config.notes) this.#sayOnce(note, application);
      return { config, isRight: true };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#mistakes.set(application, error);
      const before = this.#lastRight.get(application);
      if (!before) this.#closed.add(application);
      const consequence = before
        ? 'the settings before it stay'
        : 'nobody can connect to the application until it is right';
      const text = `${error.message}; ${consequence}`;
      this.#sayOnce({ level: 'error', text, mistake: error }, application);
      return { config: before ?? this.#fallback, isRight: false };
    }
  }

  #sayOnce(saying: Saying, application: string): void {
    if (this.#said.has(saying.text)) return;
    if (this.#said.size >= MAX_REMEMBERED) this.#said.clear();
    this.#said.add(saying.text);
    this.#say(saying, application);
  }
}
