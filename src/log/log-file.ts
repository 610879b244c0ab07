// A file that lines are appended to behind the caller's back, and that makes room for a new one by size and by time.
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogCollector, LogCollectorOptions } from './log-collector.ts';
import { type LogFileId, LogFileName } from './log-file-name.ts';
import { nextRotationMs, type Rotation } from './rotation.ts';
import type { LogTime, LogZone } from './time.ts';

export interface LogFileOptions {
  directory: string;
  /** `access.[NN].log`: log-file-name.ts. */
  fileName: string;
  rotation: Rotation;
  zone: LogZone;
  /** Undefined: nobody is sent the lines. */
  collector?: LogCollectorOptions | undefined;
}

export interface LogFileHost {
  time: LogTime;
  /** What stands at the head of a new file, and of one that goes on after a start of ours; lines with their ends. */
  header?(at: Date): string;
  /** Once when writing fails, however often it is tried again; and when lines had to be left out. */
  onProblem(path: string, error: Error): void;
  /** Gets every line as well. */
  collector?: LogCollector | undefined;
}

/** Lines that the disk has not taken; more are left out. */
const MAX_WAITING_BYTES = 4 << 20;
/** Handed to the system at a time. */
const MAX_WRITE_BYTES = 256 << 10;
/** Lines that come so soon after a write share the next one: a write of its own costs as much as making five of them. */
const GATHER_MS = 25;
/** How long a disk that has failed is left alone. */
const RETRY_MS = 5_000;
const RETRY_ROTATION_MS = 60_000;
const NEVER = Number.POSITIVE_INFINITY;
/** FMS: the Mask 017 of Server.xml. Addresses and names of clients are nobody else's business. */
const FILE_MODE = 0o640;

interface WaitingLine {
  text: string;
  bytes: number;
  atMs: number;
}

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #host: LogFileHost;
  readonly #name: LogFileName;
  #waiting: WaitingLine[] = [];
  #waitingBytes = 0;
  #leftOut = 0;
  #handle: FileHandle | undefined;
  #path: string;
  #sizeBytes = 0;
  /** Nothing in it but what we put at its head. */
  #isFresh = true;
  #rotateAtMs = NEVER;
  #noRotationBeforeMs = 0;
  /** Of a write that the disk took a part of. */
  #rest: Buffer | undefined;
  #hasHeader = false;
  #mustReopen = false;
  #isClosing = false;
  #wroteAtMs = Number.NEGATIVE_INFINITY;
  /** Ends the wait for more lines. */
  #stopGathering: (() => void) | undefined;
  /** Until the next line that is written. */
  #isBroken = false;
  #cancelRetry: (() => void) | undefined;
  #draining: Promise<void> | undefined;

  constructor(options: LogFileOptions, host: LogFileHost) {
    this.#options = options;
    this.#host = host;
    this.#name = new LogFileName(options.fileName);
    this.#path = join(options.directory, options.fileName);
  }

  /** `line` with its end. Its time decides which file it belongs to. */
  write(line: string): void {
    this.#host.collector?.write(line, () => this.#host.header?.(this.#host.time.now()) ?? '');
    const bytes = Buffer.byteLength(line);
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      if (this.#leftOut === 0) this.#problem(new Error('the disk is too slow; lines are dropped'));
      this.#leftOut += 1;
      return;
    }
    this.#waiting.push({ text: line, bytes, atMs: this.#host.time.now().getTime() });
    this.#waitingBytes += bytes;
    if (!this.#cancelRetry) this.#drain();
  }

  /** For a file that somebody else has moved away: the next line is written to a new one. */
  reopen(): void {
    this.#mustReopen = true;
    this.#stopGathering?.();
    this.#drain();
  }

  /** Writes what waits, as far as the disk takes it, and lets go of the file. A later line opens it again. */
  async close(): Promise<void> {
    this.#stopRetrying();
    this.#isClosing = true;
    this.#stopGathering?.();
    this.#drain();
    while (this.#draining) await this.#draining;
    this.#isClosing = false;
    this.#stopRetrying();
    if (this.#waiting.length > 0)
      this.#problem(new Error(`${this.#waiting.length} lines were never written`));
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#rest = undefined;
    await this.#letGo();
  }

  #stopRetrying(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  #drain(): void {
    this.#draining ??= this.#writeAll().finally(() => {
      this.#draining = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    await undefined; // more lines of the same turn share a write
    try {
      if (this.#mustReopen) await this.#letGo();
      while (this.#waiting.length > 0 || this.#rest) {
        if (!this.#rest) await this.#gather();
        await this.#writeSome();
      }
    } catch (error) {
      await this.#letGo();
      if (!this.#isBroken) this.#problem(error as Error);
      this.#isBroken = true;
      this.#cancelRetry ??= this.#host.time.after(RETRY_MS, () => {
        this.#cancelRetry = undefined;
        this.#drain();
      });
    }
  }

  async #gather(): Promise<void> {
    const { time } = this.#host;
    const sinceMs = time.now().getTime() - this.#wroteAtMs;
    if (this.#isClosing || this.#mustReopen || sinceMs < 0 || sinceMs >= GATHER_MS) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = time.after(GATHER_MS - sinceMs, resolve);
    this.#stopGathering = resolve;
    await promise;
    cancel();
    this.#stopGathering = undefined;
  }

  async #writeSome(): Promise<void> {
    if (this.#mustReopen) await this.#letGo();
    const first = this.#waiting[0];
    const at = first ? new Date(first.atMs) : this.#host.time.now();
    let handle = this.#handle ?? (await this.#open(at));
    if (!this.#rest) {
      if (first && this.#isDue(first)) handle = await this.#rotate(handle, at);
      this.#isFresh = false;
      this.#rest = this.#takeBatch();
      this.#wroteAtMs = this.#host.time.now().getTime();
    }
    while (this.#rest) {
      const { bytesWritten }: { bytesWritten: number } = await handle.write(this.#rest);
      this.#sizeBytes += bytesWritten;
      this.#waitingBytes -= bytesWritten;
      this.#rest = bytesWritten < this.#rest.length ? this.#rest.subarray(bytesWritten) : undefined;
    }
    this.#isBroken = false;
    if (this.#leftOut > 0) {
      this.#problem(new Error(`${this.#leftOut} lines were dropped`));
      this.#leftOut = 0;
    }
  }

  #isDue({ bytes, atMs }: WaitingLine): boolean {
    if (this.#isFresh || atMs < this.#noRotationBeforeMs) return false;
    return atMs >= this.#rotateAtMs || !this.#hasRoomFor(bytes);
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#sizeBytes + bytes <= this.#options.rotation.maxBytes;
  }

  /** The lines that belong to the file as it is; at least one. */
  #takeBatch(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const line of this.#waiting) {
      const isNext = this.#isDue({ ...line, bytes: bytes + line.bytes });
      if (count > 0 && (isNext || bytes + line.bytes > MAX_WRITE_BYTES)) break;
      bytes += line.bytes;
      count += 1;
    }
    return Buffer.from(
      this.#waiting
        .splice(0, count)
        .map(({ text }) => text)
        .join(''),
    );
  }

  // ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #open(at: Date): Promise<FileHandle> {
    const { directory, rotation } = this.#options;
    await mkdir(directory, { recursive: true });
    const newest = rotation.rename ? 0 : Math.max(0, ...(await this.#numbersOn(at)));
    return this.#openFile(this.#pathOf(at, newest), at);
  }

  async #openFile(path: string, at: Date): Promise<FileHandle> {
    const { rotation, zone } = this.#options;
    const handle = await open(path, 'a+', FILE_MODE);
    try {
      const { size, mtimeMs } = await handle.stat();
      // a line that ended with the process must not run into the next one
      const mend = size > 0 && !(await endsWithLine(handle, size)) ? '\n' : '';
      const header = size === 0 || !this.#hasHeader ? (this.#host.header?.(at) ?? '') : '';
      if (mend + header !== '') await handle.appendFile(mend + header);
      this.#hasHeader = true;
      this.#isFresh = size === 0;
      this.#sizeBytes = size + Buffer.byteLength(mend + header);
      const sinceMs = size === 0 ? at.getTime() : Math.min(mtimeMs, at.getTime());
      this.#rotateAtMs = rotation.schedule ? nextRotationMs(rotation.schedule, sinceMs, zone) : NEVER;
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#path = path;
    this.#handle = handle;
    if (this.#isFresh) await this.#dropOld();
    return handle;
  }

  async #letGo(): Promise<void> {
    this.#mustReopen = false;
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => {}); // what it had to say, the write before has said
  }

  // ── rotation ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** One that fails costs no line: the file grows on, and it is tried again a while later. */
  async #rotate(handle: FileHandle, at: Date): Promise<FileHandle> {
    this.#noRotationBeforeMs = at.getTime() + RETRY_ROTATION_MS;
    try {
      const path = await this.#makeRoom(at);
      if (path === this.#path && !this.#name.isNumbered) return handle;
      const next = await this.#openFile(path, at);
      await handle.close();
      this.#noRotationBeforeMs = 0;
      return next;
    } catch (error) {
      this.#problem(
        new Error(`it cannot make room for a new one: ${(error as Error).message}`, { cause: error }),
      );
      return handle;
    }
  }

  /** The path of the next file; what had that number has another one now. */
  async #makeRoom(at: Date): Promise<string> {
    const numbers = (await this.#numbersOn(at)).toSorted((a, b) => b - a);
    if (!this.#name.isNumbered) return this.#pathOf(at, 0);
    if (!this.#options.rotation.rename) return this.#pathOf(at, numbers.length > 0 ? numbers[0]! + 1 : 0);
    if (numbers.includes(0)) {
      for (const number of numbers) await rename(this.#pathOf(at, number), this.#pathOf(at, number + 1));
    }
    return this.#pathOf(at, 0);
  }

  async #dropOld(): Promise<void> {
    const { directory, rotation } = this.#options;
    const sign = rotation.rename ? 1 : -1;
    const newestFirst = (await this.#files()).toSorted(
      (a, b) => b.day - a.day || sign * (a.number - b.number),
    );
    for (const { file } of newestFirst.slice(rotation.history)) {
      await unlink(join(directory, file)).catch((error: Error) => this.#problem(error));
    }
  }

  async #files(): Promise<(LogFileId & { file: string })[]> {
    const entries = await readdir(this.#options.directory, { withFileTypes: true });
    return entries.flatMap((entry) => {
      const id = entry.isFile() ? this.#name.parse(entry.name) : undefined;
      return id ? [{ ...id, file: entry.name }] : [];
    });
  }

  /** Of the files that have the date of that moment in their names, or none. */
  async #numbersOn(at: Date): Promise<number[]> {
    const today = this.#name.parse(this.#name.format(at, 0, this.#options.zone))!.day;
    return (await this.#files()).filter(({ day }) => day === today).map(({ number }) => number);
  }

  #pathOf(at: Date, number: number): string {
    return join(this.#options.directory, this.#name.format(at, number, this.#options.zone));
  }

  #problem(error: Error): void {
    this.#host.onProblem(this.#path, error);
  }
}

async function endsWithLine(handle: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}
