// What each application is configured to, as its Application.xml says at the moment.
import { ConfigError } from '../errors.ts';
import { type ApplicationConfig, type ApplicationDefaults, readApplicationConfig } from './application.ts';

/** What is said about files that change all the time is forgotten at some point, and said again. */
const MAX_REMEMBERED = 1000;

export type Saying = { level: 'error' | 'warn' | 'info' | 'debug'; text: string };

export class ApplicationSettings {
  readonly #defaults: ApplicationDefaults;
  readonly #fallback: ApplicationConfig;
  readonly #say: (saying: Saying, application: string) => void;
  readonly #said = new Set<string>();

  /** `fallback`: for an application whose file is bad. `say` hears everything once. */
  constructor(
    defaults: ApplicationDefaults,
    fallback: ApplicationConfig,
    say: (saying: Saying, application: string) => void,
  ) {
    this.#defaults = defaults;
    this.#fallback = fallback;
    this.#say = say;
  }

  /** Reads the file. A bad one is reported and ignored: the application is as its virtual host has it. */
  of(application: string): ApplicationConfig {
    try {
      const config = readApplicationConfig(this.#defaults, application);
      for (const note of config.notes) this.#sayOnce(note, application);
      return config;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#sayOnce({ level: 'error', text: `${error.message}; the file is ignored` }, application);
      return this.#fallback;
    }
  }

  #sayOnce(saying: Saying, application: string): void {
    if (this.#said.has(saying.text)) return;
    if (this.#said.size >= MAX_REMEMBERED) this.#said.clear();
    this.#said.add(saying.text);
    this.#say(saying, application);
  }
}
