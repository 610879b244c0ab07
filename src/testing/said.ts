// What the server says while an application is tested: lines of its scripts, and what goes wrong in them.
import assert from 'node:assert/strict';
import pino from 'pino';
import { type ErrorRecords, formatError } from '../application/error-records.ts';
import { type Log, logSettings } from '../log/log.ts';

/** Something that went wrong in a script; lines and columns count from 1. */
export interface SaidError {
  /** The handler or method: `onPublish`, `client.ban`; empty: outside of any. */
  readonly where: string;
  readonly message: string;
  /** From the application's folder. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
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
      const { handler = '', message, file, line, column } = record;
      const at = file === undefined ? {} : { file, line, column };
      this.errors.push({
        where: handler,
        message,
        text: formatError({ ...record, count: 1 }),
        ...at,
      } as SaidError);
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
      const at = this.errors.findIndex(({ where, message }) => pattern.test(`${where}: ${message}`));
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
