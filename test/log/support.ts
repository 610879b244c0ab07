import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogTime } from '../../src/log/time.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A folder for logs, a clock on the wall that a test turns, and what the logs complain of. */
export class Desk implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'understudy-log-'));
  readonly problems: { path: string; message: string }[] = [];
  readonly #clock = new ManualClock();
  readonly #closers: (() => Promise<void>)[] = [];
  #beganMs = new Date(2026, 1, 3, 4, 5, 6).getTime();

  readonly time: LogTime = {
    now: () => new Date(this.#beganMs + this.#clock.now()),
    after: (ms, call) => this.#clock.after(ms, call),
  };
  readonly onProblem = (path: string, { message }: Error): void => {
    this.problems.push({ path, message });
  };

  /** Its files are closed with the desk. */
  keep<T extends { close(): Promise<void> }>(log: T): T {
    this.#closers.push(() => log.close());
    return log;
  }

  /** Jumps there, past every timer on the way. */
  turnTo(at: Date): void {
    this.#clock.advance(at.getTime() - this.time.now().getTime());
  }
  turn(ms: number): void {
    this.#clock.advance(ms);
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }
  read(...names: string[]): string {
    return readFileSync(this.path(...names), 'utf8');
  }
  /** File → what it holds. */
  files(): Record<string, string> {
    return Object.fromEntries(
      readdirSync(this.folder)
        .sort()
        .map((name) => [name, this.read(name)]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
    rmSync(this.folder, { recursive: true });
  }
}
