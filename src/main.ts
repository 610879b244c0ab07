// The process: arguments, signals, exit code.

import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { NewAccount } from './admin/accounts.ts';
import { CommandError, type StartOptions } from './cli/args.ts';
import { refreshAuthorFiles } from './cli/author-files.ts';
import { coloursOf } from './cli/colours.ts';
import { run } from './cli/main.ts';
import { panel } from './cli/panel.ts';
import { promptPassword } from './cli/password-prompt.ts';
import { isJournal, ServiceManager } from './cli/service-manager.ts';
import { hasTerminal } from './cli/terminal.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { ConfigError } from './errors.ts';
import { createLog, type Log, logBug } from './log/log.ts';
import { startServer } from './server.ts';

/**
 * An orderly stop that takes longer is cut short. More than the farewells of scripts may take (FAREWELL_MS, STOP_DEADLINE_MS,
 * AFTERWORD_MS), less than the 10 s after which Docker kills.
 */
const STOP_MS = 9_000;
/** Ctrl-C under `npm start` comes twice: from the terminal, and some ms later from npm, which passes on what it gets. */
const SIGNAL_ECHO_MS = 500;

/** Signals that stop the server; SIGHUP only when the terminal is gone. */
type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const OUTPUTS = [process.stdout, process.stderr] as const;

/** Ends a command whose output cannot be written, as in `understudy status | head -1`, with the exit code that SIGPIPE gives. */
function endUnread(): never {
  process.exit(128 + constants.signals.SIGPIPE);
}

async function start(options: StartOptions): Promise<number> {
  // The server has log files and goes on without its console.
  for (const output of OUTPUTS) output.off('error', endUnread).on('error', () => {});
  const config = loadConfig(options);
  const onTerminal = process.stdout.isTTY === true;
  const { env } = process;
  const form = onTerminal ? 'terminal' : isJournal(env, process.stdout.fd) ? 'journal' : 'json';
  const log = createLog({ level: config.logs.level, form });
  const serviceManager = new ServiceManager({ env, clock: systemClock, log });
  warnOfPlatform(log);
  const stopped = Promise.withResolvers<number>();
  let close: (() => Promise<void>) | undefined;
  let reopenLogs = (): void => {};

  const stop = (why: string, code: number) => {
    log.info({ event: 'stopping', why }, `stopping: ${why}`);
    const cut = setTimeout(() => process.exit(code || 1), STOP_MS);
    const said = serviceManager.stopping();
    Promise.all([close?.(), said])
      .catch((error: unknown) => logBug(log, error, 'stopping'))
      .finally(() => {
        clearTimeout(cut);
        stopped.resolve(code);
      });
  };
  let signals = 0;
  let firstSignalMs = 0;
  const onSignal = (signal: StopSignal) => {
    if (signals > 0 && performance.now() - firstSignalMs < SIGNAL_ECHO_MS) return;
    signals += 1;
    if (signals > 1) process.exit(128 + constants.signals[signal]);
    firstSignalMs = performance.now();
    stop(signal, 0);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // from a terminal whose window has been closed, whatever the output goes to; elsewhere the logs have been moved away
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => (hadTerminal && !hasTerminal() ? onSignal('SIGHUP') : reopenLogs()));
  // what reaches here had no owner: nothing can be said about the state of things any more
  const onBug = (where: string) => (error: unknown) => {
    logBug(log, error, where);
    if (signals++ === 0) stop(where, 1);
  };
  process.on('uncaughtException', onBug('uncaught exception'));
  process.on('unhandledRejection', onBug('unhandled rejection'));

  try {
    writeAuthorFiles(config.applicationsDir, log);
    const server = await startServer({
      config,
      reload: () => loadConfig(options),
      log,
      inspect: options.inspect,
      stop: (why) => {
        if (signals++ === 0) stop(why, 0);
      },
    });
    close = server.close;
    reopenLogs = server.reopenLogs;
    log.info({ event: 'ready', listeners: server.listeners }, 'ready');
    serviceManager.ready(`serving ${server.listeners.length} ports`);
    if (server.firstAccount) process.stderr.write(firstAccountText(server.firstAccount, config));
    if (onTerminal) process.stdout.write(panel(server.listeners, config.applicationsDir, config.root));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error({ event: 'config', code: error.code }, error.message);
    return 1;
  }
  return stopped.promise;
}

/** To standard error, for the log is kept. */
function firstAccountText({ name, password, problem }: NewAccount, { server }: Config): string {
  const kept = problem
    ? 'The server could not store it: it is valid until the server ends.'
    : `It is shown only once; its hash is in ${server.admin.localUsersFile}.`;
  return `\n  Administrator ${name}, password ${password}\n  ${kept}\n\n`;
}

/** A folder that cannot be written to is served all the same; only its authors' editors know less. */
function writeAuthorFiles(applicationsDir: string, log: Log): void {
  try {
    refreshAuthorFiles(applicationsDir);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    log.warn({ event: 'author-files', code: error.code }, error.message);
  }
}

function warnOfPlatform(log: Log): void {
  const here = `${process.platform}-${process.arch}`;
  if (['linux-x64', 'linux-arm64', 'darwin-arm64'].includes(here)) return;
  log.warn(
    { event: 'platform' },
    `${here} is not among the supported platforms: Linux x64 and arm64, macOS arm64`,
  );
}

for (const output of OUTPUTS) output.on('error', endUnread);
const code = await run(process.argv.slice(2), {
  start,
  print: (line) => console.log(line),
  colours: coloursOf(process.stdout, process.env),
  async readPassword() {
    if (process.stdin.isTTY) return promptPassword(process.stdin, (text) => process.stderr.write(text));
    for await (const line of createInterface({ input: process.stdin })) return line;
    return '';
  },
  printError: (line) => console.error(line),
});
process.exit(code);
