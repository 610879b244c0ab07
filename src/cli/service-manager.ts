// What systemd hears of the server when its unit has Type=notify: that it is ready, that it stops, and that it is alive (the
// watchdog, sd_notify(3)). Node has no datagram sockets of the Unix kind, so the program systemd-notify says it.
import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';

const PROGRAM = 'systemd-notify';
/** It waits until systemd has read the message. */
const PROGRAM_MS = 5_000;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceManagerOptions {
  env: Environment;
  clock: Clock;
  log: Log;
}

export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  /** Nobody listens, or the program is missing. */
  #isSilent: boolean;
  #cancelWatchdog = () => {};

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
    this.#isSilent = !options.env.NOTIFY_SOCKET;
  }

  /** The ports are open. From here on systemd's watchdog is fed: whatever blocks this process for longer ends it. */
  ready(status: string): void {
    void this.#say('READY=1', `STATUS=${status}`);
    const periodMs = watchdogMs(this.#options.env);
    if (periodMs !== undefined && !this.#isSilent) this.#feed(periodMs / 2);
  }

  /** Resolves once it has been said, for the process may end then. */
  stopping(): Promise<void> {
    this.#cancelWatchdog();
    return this.#say('STOPPING=1');
  }

  #feed(everyMs: number): void {
    this.#cancelWatchdog = this.#options.clock.after(everyMs, () => {
      this.#feed(everyMs);
      void this.#say('WATCHDOG=1');
    });
  }

  #say(...messages: string[]): Promise<void> {
    if (this.#isSilent) return Promise.resolve();
    const { env, log } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const child = spawn(PROGRAM, messages, {
      env: { PATH: env.PATH, NOTIFY_SOCKET: env.NOTIFY_SOCKET },
      stdio: 'ignore',
      timeout: PROGRAM_MS,
      killSignal: 'SIGKILL',
    });
    const failed = (why: string) => {
      log.warn({ event: 'service-manager', reason: why }, `systemd was not told ${messages[0]}: ${why}`);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') this.#isSilent = true; // once is enough
      failed(error.code === 'ENOENT' ? `there is no program ${PROGRAM}` : error.message);
      resolve();
    });
    child.once('exit', (code, signal) => {
      if (code !== 0) failed(`${PROGRAM} ended with ${code ?? signal}`);
      resolve();
    });
    return promise;
  }
}

/** Milliseconds; undefined: nobody watches. */
function watchdogMs({ WATCHDOG_USEC }: Environment): number | undefined {
  const microseconds = Number(WATCHDOG_USEC);
  return microseconds > 0 ? microseconds / 1000 : undefined;
}

/** The log goes to the journal, which names the device and inode of what it has made of standard output (systemd.exec(5)). */
export function isJournal({ JOURNAL_STREAM }: Environment, descriptor: number): boolean {
  try {
    const { dev, ino } = fstatSync(descriptor);
    return JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
