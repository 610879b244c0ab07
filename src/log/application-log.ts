// logs/_defaultVHost_/<application>/<instance>/application.00.log: what `trace` says and what goes wrong in a script, in
// the columns of FMS: date, time, x-pid, x-status, x-ctx, split by tabs.
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname, join } from 'node:path';

/** x-status: severity, category (three digits), message id (four). 264 is JavaScript, 265 the application. */
const STATUS = { trace: '(s)2641173', error: '(e)2641220', warn: '(w)2641221', info: '(i)2651000' } as const;

export interface ApplicationLog {
  trace(text: string): void;
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
}

/** Instances come and go; a file that was closed is opened again by its next line. */
const MAX_OPEN_FILES = 100;
/** Lines of one file that the disk has not taken; more are left out. */
const MAX_WAITING_BYTES = 4 << 20;
/** A file that cannot be written is not tried again for so long. */
const RETRY_MS = 60_000;

interface LogFile {
  /** Undefined: it is broken. */
  stream: WriteStream | undefined;
  brokenAtMs: number;
  hasDropped: boolean;
}

/** One file per instance, opened at its first line, appended to, written behind the caller's back; `close` flushes. */
export class ApplicationLogs {
  readonly #dir: string;
  readonly #now: () => Date;
  /** Least recently used first. */
  readonly #files = new Map<string, LogFile>();
  /** Being closed. */
  readonly #closing = new Set<Promise<void>>();
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

  get openFiles(): number {
    return this.#files.size;
  }

  #write(path: string, status: string, text: string): void {
    const now = this.#now();
    let file = this.#files.get(path);
    if (!file || (!file.stream && now.getTime() - file.brokenAtMs >= RETRY_MS)) file = this.#open(path);
    this.#files.delete(path);
    this.#files.set(path, file);
    if (this.#files.size > MAX_OPEN_FILES) this.#closeOldest();
    const [date, time] = formatTime(now);
    this.#append(path, file, `${date}\t${time}\t${process.pid}\t${status}\t${escapeField(text)}\n`);
  }

  #append(path: string, file: LogFile, line: string): void {
    if (!file.stream) return;
    if (file.stream.writableLength <= MAX_WAITING_BYTES) file.stream.write(line);
    else if (!file.hasDropped) {
      file.hasDropped = true;
      this.#onError(path, new Error('the disk is too slow, lines are left out'));
    }
  }

  #open(path: string): LogFile {
    const file: LogFile = { stream: undefined, brokenAtMs: 0, hasDropped: false };
    const broke = (error: Error) => {
      file.stream = undefined;
      file.brokenAtMs = this.#now().getTime();
      this.#onError(path, error);
    };
    try {
      mkdirSync(dirname(path), { recursive: true });
      file.stream = createWriteStream(path, { flags: 'a' });
      file.stream.on('error', broke);
    } catch (error) {
      broke(error as Error);
    }
    return file;
  }

  #closeOldest(): void {
    const [oldest] = this.#files.entries();
    if (!oldest) return;
    this.#files.delete(oldest[0]);
    this.#close(oldest[1]);
  }

  #close({ stream }: LogFile): void {
    if (!stream) return;
    const closed = new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end();
    }).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Writes what is queued and closes every file. */
  async close(): Promise<void> {
    for (const file of this.#files.values()) this.#close(file);
    this.#files.clear();
    await Promise.all(this.#closing);
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
