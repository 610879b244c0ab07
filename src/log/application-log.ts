// logs/_defaultVHost_/<application>/<instance>/application.00.log: what `trace` says and what goes wrong in a script, in
// the columns of FMS: date, time, x-pid, x-status, x-ctx, split by tabs.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pino from 'pino';

/** x-status: severity, category (three digits), message id (four). 264 is JavaScript, 265 the application. */
const STATUS = { trace: '(s)2641173', error: '(e)2641220', warn: '(w)2641221', info: '(i)2651000' } as const;

export interface ApplicationLog {
  trace(text: string): void;
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
}

/** One file per instance, opened at its first line, appended to, written behind the caller's back; `close` flushes. */
export class ApplicationLogs {
  readonly #dir: string;
  readonly #now: () => Date;
  readonly #files = new Map<string, ReturnType<typeof pino.destination>>();
  readonly #onError: (path: string, error: Error) => void;

  /** `dir` is the logs folder; names of applications and instances must have been checked (storage/names.ts). */
  constructor(
    dir: string,
    onError: (path: string, error: Error) => void,
    now: () => Date = () => new Date(),
  ) {
    this.#dir = dir;
    this.#onError = onError;
    this.#now = now;
  }

  for(application: string, instance: string): ApplicationLog {
    const path = join(this.#dir, '_defaultVHost_', application, instance, 'application.00.log');
    const write = (status: string) => (text: string) => this.#write(path, status, text);
    return {
      trace: write(STATUS.trace),
      error: write(STATUS.error),
      warn: write(STATUS.warn),
      info: write(STATUS.info),
    };
  }

  #write(path: string, status: string, text: string): void {
    const file = this.#open(path);
    if (!file) return;
    const [date, time] = formatTime(this.#now());
    file.write(`${date}\t${time}\t${process.pid}\t${status}\t${escapeField(text)}\n`);
  }

  #open(path: string): ReturnType<typeof pino.destination> | undefined {
    const open = this.#files.get(path);
    if (open) return open;
    try {
      mkdirSync(dirname(path), { recursive: true });
      const file = pino.destination({ dest: path, append: true, sync: false, minLength: 0 });
      file.on('error', (error: Error) => this.#onError(path, error));
      this.#files.set(path, file);
      return file;
    } catch (error) {
      this.#onError(path, error as Error);
      return undefined;
    }
  }

  /** Writes what is queued and closes every file. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(
      files.map(
        (file) =>
          new Promise<void>((resolve) => {
            file.once('close', () => resolve());
            file.once('error', () => resolve());
            file.end();
          }),
      ),
    );
  }
}

/** Local date and time, as in FMS's logs. */
function formatTime(at: Date): [string, string] {
  const two = (n: number) => String(n).padStart(2, '0');
  return [
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`,
  ];
}

/** One event, one line: whatever could break the line or its columns is shown instead of written. */
function escapeField(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the file
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => {
    if (c === '\n') return '\\n';
    if (c === '\r') return '\\r';
    if (c === '\t') return ' ';
    return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
