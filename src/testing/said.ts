// What the server says while an application is tested: lines of its scripts, and what goes wrong in them.
import assert from 'node:assert/strict';
import pino from 'pino';
import { type ErrorRecord, type ErrorRecords, formatError } from '../application/accounts/error-records.ts';
import { type Log, logSettings } from '../log/log.ts';

/** Something that went wrong in a script. */
export interface SaidError extends ErrorRecord {
  /** All of it, frames included, for people. */
  readonly text: string;
}

interface LogRecord {
  msg: string;
  event?: string;
  kind?: string;
  err?: { stack?: string };
}

export class Said {
  readonly log: Log;
  /** Of trace and console, in order. */
  readonly lines: string[] = [];
  /** Those that no test has expected. */
  readonly errors: SaidError[] = [];
  /** Mistakes of the server itself. */
  readonly #bugs: string[] = [];
  #waiting: (() => void)[] = [];

  constructor() {
    this.log = pino(logSettings('debug'), { write: (line: string) => this.#add(JSON.parse(line)) });
  }

  #add({ event, kind, msg, err }: LogRecord): void {
    if (event === 'script-log') this.lines.push(msg);
    else if (kind === 'bug') this.#bugs.push(`${msg}\n${err?.stack ?? ''}`);
    this.#wake();
  }

  /** Those of scripts come with their places; each time that one comes again counts. */
  listenTo(records: ErrorRecords): void {
    records.listen((record) => {
      const once = { ...record, count: 1 };
      this.errors.push({ ...once, text: formatError(once) });
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The first line that fits, said already or later. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await this.#more();
    }
  }

  /** The first error that fits, now or later; it is expected from now on. */
  async error(pattern: RegExp): Promise<SaidError> {
    for (;;) {
      const at = this.errors.findIndex(({ handler, message }) =>
        pattern.test(handler === undefined ? message : `${handler}: ${message}`),
      );
      if (at >= 0) return this.errors.splice(at, 1)[0]!;
      await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Throws what nobody has expected. */
  assertNoErrors(): void {
    if (this.#bugs.length > 0) assert.fail(`a mistake of the server: ${this.#bugs.join('\n')}`);
    if (this.errors.length === 0) return;
    assert.fail(['the script went wrong:', ...this.errors.map(({ text }) => text)].join('\n'));
  }
}
