// What each application is configured to, as its files said when they were last read: before its first client, and after each save.
import { stat } from 'node:fs/promises';
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
import type { Note } from './note.ts';
import { SettingsTurns } from './settings-turns.ts';
import type { Symbols } from './symbols.ts';

/** What is said about files that change all the time is forgotten at some point, and said again. */
const MAX_REMEMBERED = 1000;
/** Of one file. */
const MAX_NOTES = 100;

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
  /** Whose files have been read, in the folder that is there now. */
  readonly #known = new Set<string>();
  readonly #readings = new Map<string, Promise<void>>();
  /** Readings that have not opened a file yet: whoever saves meanwhile is content with them. */
  readonly #waiting = new Map<string, Promise<void>>();
  /** What instances have been given; nothing of an application that none has asked for. */
  readonly #given = new Map<string, ApplicationConfig>();
  readonly #turns: SettingsTurns;

  /** `fallback`: that of an application without a file of its own. `say` hears everything once. */
  constructor(
    defaults: ApplicationDefaults,
    fallback: ApplicationConfig,
    say: (saying: Saying, application: string | undefined) => void,
    turns = new SettingsTurns(),
  ) {
    this.#turns = turns;
    this.#defaults = defaults;
    this.#fallback = fallback;
    this.#say = say;
  }

  /**
   * Undefined: the files have been read, and the methods below can be asked. Else a promise of that: nobody comes in before.
   */
  reading(application: string): Promise<void> | undefined {
    return this.#known.has(application) ? undefined : this.#read(application);
  }

  /**
   * As its files were last read. A bad one is reported: the application stays as it was when its file was last right, so that a
   * slip of the pen opens no door. Where it never was right, nobody is to be let in: see `isClosed`.
   */
  of(application: string): ApplicationConfig {
    const config = this.#lastRight.get(application) ?? this.#fallback;
    if (!this.#given.has(application)) this.#given.set(application, config);
    return config;
  }

  /** Nobody knows what its owner wants of it: its file is bad and has been ever since the server began, or has not been read yet. */
  isClosed(application: string): boolean {
    return this.#closed.has(application) || !this.#known.has(application);
  }

  /** What is wrong with its file now; undefined: nothing. */
  mistakeIn(application: string): ConfigError | undefined {
    return this.#mistakes.get(application);
  }

  /** Its file has been saved: what there is to say about it is said again. True: instances that run have to be given it. */
  async refresh(application: string): Promise<boolean> {
    this.#said.clear();
    await this.#read(application);
    return this.#renew(application);
  }

  #renew(application: string): boolean {
    const given = this.#given.get(application);
    const config = this.#lastRight.get(application);
    if (config === undefined || given === undefined || isDeepStrictEqual(config, given)) return false;
    this.#given.set(application, config);
    if (config.loadOnStartup !== given.loadOnStartup) {
      this.#say(
        { level: 'info', text: `LoadOnStartup of ${application} takes effect at the next start` },
        application,
      );
    }
    return true;
  }

  /** The same of the file that its virtual host has for all of them. */
  async refreshDefaults(): Promise<boolean> {
    try {
      const defaults = rereadDefaults(this.#defaults);
      this.#fallback = defaultApplicationConfig(defaults);
      this.#defaults = defaults;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#say(
        { level: 'error', text: `${error.message}; the previous settings stay in effect` },
        undefined,
      );
      return false;
    }
    await Promise.all([...this.#known].map((application) => this.#read(application)));
    this.#given.clear();
    return true;
  }

  /** The symbols of conf/ have changed: the applications that have other settings by them. */
  async refreshSymbols(symbols: Symbols): Promise<string[]> {
    const given = [...this.#given];
    this.#defaults = { ...this.#defaults, symbols };
    if (!(await this.refreshDefaults())) return [];
    for (const [application, config] of given) this.#given.set(application, config);
    return given.map(([application]) => application).filter((application) => this.#renew(application));
  }

  /** After what is being read of that application: of two saves the later one counts. */
  #read(application: string): Promise<void> {
    const waiting = this.#waiting.get(application);
    if (waiting) return waiting;
    const readNow = async () => {
      await this.#turns.rest(application);
      this.#waiting.delete(application);
      await this.#readNow(application);
    };
    const reading = (this.#readings.get(application) ?? Promise.resolve()).then(readNow, readNow);
    this.#waiting.set(application, reading);
    this.#readings.set(application, reading);
    const done = () => {
      if (this.#readings.get(application) === reading) this.#readings.delete(application);
    };
    reading.then(done, done);
    return reading;
  }

  async #readNow(application: string): Promise<void> {
    // What still runs of an application that has been removed says goodbye with the grants that it has had.
    if (!(await isThere(join(this.#defaults.appsDir, application)))) {
      this.#known.delete(application);
      return;
    }
    try {
      const config = await readApplicationConfig(this.#defaults, application, undefined, this.#turns);
      this.#lastRight.set(application, config);
      const wasWrong = this.#mistakes.delete(application);
      const wasClosed = this.#closed.delete(application);
      if (wasWrong) {
        const text = `the settings of ${application} are valid${wasClosed ? ': clients can connect to it' : ' again'}`;
        this.#say({ level: 'info', text }, application);
      }
      this.#sayNotes(config.notes, application);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#mistakes.set(application, error);
      const isOpen = this.#lastRight.has(application);
      if (!isOpen) this.#closed.add(application);
      const consequence = isOpen
        ? 'the previous settings stay in effect'
        : 'clients cannot connect to the application until the error is corrected';
      const text = `${error.message}; ${consequence}`;
      this.#sayOnce({ level: 'error', text, mistake: error }, application);
    }
    this.#known.add(application);
  }

  #sayNotes(notes: readonly Note[], application: string): void {
    for (const note of notes.slice(0, MAX_NOTES)) this.#sayOnce(note, application);
    const more = notes.length - MAX_NOTES;
    if (more <= 0) return;
    const text = `${application}: ${more} more warnings about its settings`;
    this.#sayOnce({ level: 'warn', text }, application);
  }

  #sayOnce(saying: Saying, application: string): void {
    if (this.#said.has(saying.text)) return;
    if (this.#said.size >= MAX_REMEMBERED) this.#said.clear();
    this.#said.add(saying.text);
    this.#say(saying, application);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
