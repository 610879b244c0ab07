// run/: what one server process keeps while it runs, and a lock, so that no second process uses it. Another server would take the
// recordings under way for those of a server that was killed, and repair them.
//
//     run/lock          locked as long as the process lives; its content means nothing
//     run/pid           number of the process that has the lock, for messages
//     run/admin.json    where it is administered (admin/run-file.ts)
//     run/recordings/   the files that it is recording (recording/write/running-files.ts)
//
// Node has no locks on files; SQLite has, and the store needs it anyway. The system releases the lock however the process ends, so
// there are no stale locks, and numbers of processes, which containers give again and again, decide nothing.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigError } from '../errors.ts';
import type { Log } from '../log/log.ts';

/** SQLITE_BUSY: another process, or another RunFolder of this one, has the lock. */
const BUSY = 5;

export class RunFolder {
  readonly path: string;
  #lock: DatabaseSync | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /** Of the server whose root folder that is. Touches nothing yet. */
  static of(root: string): RunFolder {
    return new RunFolder(join(root, 'run'));
  }

  get adminFile(): string {
    return join(this.path, 'admin.json');
  }

  get recordings(): string {
    return join(this.path, 'recordings');
  }

  get #pidFile(): string {
    return join(this.path, 'pid');
  }

  /**
   * Takes the lock until `release`. Throws a ConfigError if another process has it. Where the folder cannot be written to, or its
   * file system has no locks, a warning says that there is no protection.
   */
  claim(log: Log): void {
    let lock: DatabaseSync | undefined;
    try {
      mkdirSync(this.path, { recursive: true });
      lock = new DatabaseSync(join(this.path, 'lock'), { timeout: 0 });
      lock.exec('SELECT 1 FROM sqlite_schema'); // a folder that is read only still tells whether somebody has the lock
      lock.exec('BEGIN EXCLUSIVE');
      writeFileSync(this.#pidFile, `${process.pid}\n`);
      this.#lock = lock;
    } catch (error) {
      lock?.close();
      if ((error as { errcode?: number }).errcode === BUSY) throw this.#inUse();
      const text = `${this.path} cannot be locked: a second server with this root folder would not be noticed`;
      log.warn({ event: 'run-folder', path: this.path, err: error }, text);
    }
  }

  #inUse(): ConfigError {
    const text =
      `another server${this.#holder()} uses ${this.path}: end it ("understudy stop"), ` +
      'or give this one a root folder of its own (--root DIR)';
    return new ConfigError('ERR_CONFIG_ROOT', text);
  }

  /** ` (process 1234)`; empty where that is not known. */
  #holder(): string {
    try {
      const pid = Number.parseInt(readFileSync(this.#pidFile, 'utf8'), 10);
      return Number.isNaN(pid) ? '' : ` (process ${pid})`;
    } catch {
      return '';
    }
  }

  release(): void {
    if (!this.#lock) return;
    try {
      rmSync(this.#pidFile, { force: true });
    } catch {
      // the user that the server has become cannot reach it: without the lock it means nothing
    }
    this.#lock.close();
    this.#lock = undefined;
  }
}
