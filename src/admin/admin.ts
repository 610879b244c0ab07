// The administration of a running server: its accounts, its ports, and what they lead to.
import type { Clock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { formatStatus, Subject } from '../log/diagnostic-log.ts';
import type { LineLimit } from '../log/line-limit.ts';
import { type Log, logBug } from '../log/log.ts';
import type { SecretMask } from '../log/secrets.ts';
import { Accounts, type NewAccount, type User } from './accounts.ts';
import type { AdminContext } from './admin-context.ts';
import type { Administered } from './administered.ts';
import { Commands } from './commands.ts';
import { Door } from './door.ts';
import { EventStreams } from './events.ts';
import { LoginLimits, type LoginLimitsOptions } from './login-limits.ts';
import { type AdminAddress, AdminPort, type PortOptions } from './port.ts';
import { ProcessMeter } from './process-meter.ts';
import { removeRunFile, writeRunFile } from './run-file.ts';
import { type Scope, viewOf } from './scope.ts';
import { Tokens } from './tokens.ts';
import { writeUsersFile } from './users-file.ts';

export interface AdminOptions {
  administered: Administered;
  /** Literal addresses. */
  listen: readonly { host: string; port: number }[];
  /** Says why a port cannot be opened. */
  bindError(error: Error, host: string, port: number): ConfigError;
  /** By Allow and Deny of the whole port. */
  admits(ip: string): boolean;
  paced: PortOptions['paced'];
  /** Names that a browser may know the port by, in lower case. */
  hostNames: readonly string[];
  users: readonly User[];
  loginLimits: LoginLimitsOptions;
  /** Where accounts are kept that are no operator's. */
  usersFile: string;
  /** By HTTPCommands of Users.xml. */
  mayCall(method: string): boolean;
  isElemStyle: boolean;
  /** Path of the run file (run-file.ts); undefined: there is none. */
  runFile: string | undefined;
  clock: Clock;
  /** Of the wall clock, ms. */
  nowMs(): number;
  log: Log;
  lines: LineLimit;
  /** The admin log. */
  write(status: string, text: string): void;
  /** For addresses that clients have sent. */
  mask: SecretMask;
}

/** What the terminal's commands are called in the admin log. No account has that name: it has a blank. */
const TERMINAL = 'the terminal';

export class Admin {
  readonly #options: AdminOptions;
  readonly #ports: AdminPort[];
  readonly #meter: ProcessMeter;
  readonly #events: EventStreams;
  /** Undefined: nobody can read it. */
  readonly #token: string | undefined;
  /** The one that has been made because there was none; its password is to be said once and nowhere else. */
  readonly firstAccount: NewAccount | undefined;

  private constructor(
    options: AdminOptions,
    parts: {
      ports: AdminPort[];
      meter: ProcessMeter;
      events: EventStreams;
      token: string | undefined;
      first: NewAccount | undefined;
    },
  ) {
    this.#options = options;
    this.#ports = parts.ports;
    this.#meter = parts.meter;
    this.#events = parts.events;
    this.#token = parts.token;
    this.firstAccount = parts.first;
  }

  /** Opens what can be opened; a port that cannot is logged, for the server serves without it too. */
  static async open(options: AdminOptions): Promise<Admin> {
    const { administered, clock, log, nowMs, write, mayCall, isElemStyle } = options;
    const tokens = new Tokens(clock);
    const events = new EventStreams(clock);
    const accounts = new Accounts({
      users: options.users,
      limits: new LoginLimits(options.loginLimits, clock),
      save: (users) => writeUsersFile(options.usersFile, users),
      onChange: (name) => {
        tokens.revokeAllOf(name);
        events.endOf(name);
      },
    });
    warnOfPasswords(accounts, log);
    const first = await accounts.makeFirst();
    if (first) sayFirst(first, options);
    const meter = new ProcessMeter(clock);
    const contextOf = contexts((scope) => {
      const own = viewOf(administered, scope);
      const commands = new Commands({ administered: own, accounts, write });
      return { administered: own, accounts, commands, meter, tokens, events, mask: options.mask, nowMs };
    });
    const door = new Door({
      ...{ administered, accounts, tokens, meter, mayCall, isElemStyle, nowMs, write, contextOf },
    });
    const ports: AdminPort[] = [];
    for (const { host, port } of options.listen) {
      try {
        const answer = door.answer.bind(door);
        const { admits, bindError, paced, hostNames, lines } = options;
        ports.push(
          await AdminPort.open(host, port, { admits, bindError, paced, hostNames, log, lines, answer }),
        );
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        log.error(
          { event: 'port-closed', kind: 'admin', code: error.code },
          `administration: ${error.message}`,
        );
      }
    }
    const token = ports[0] && keepToken(ports[0].address, tokens.issue(TERMINAL, true), options);
    return new Admin(options, { ports, meter, events, token, first });
  }

  get addresses(): AdminAddress[] {
    return this.#ports.map(({ address }) => address);
  }

  async close(): Promise<void> {
    const { runFile, log } = this.#options;
    this.#meter.close();
    this.#events.close();
    if (runFile !== undefined && this.#token !== undefined) removeRunFile(runFile, this.#token);
    const closed = await Promise.allSettled(this.#ports.map((port) => port.close()));
    for (const result of closed)
      if (result.status === 'rejected') logBug(log, result.reason, 'administration');
  }
}

/** Each is made once. */
function contexts(
  make: (scope: Scope | undefined) => AdminContext,
): (scope: Scope | undefined) => AdminContext {
  const made = new Map<string, AdminContext>();
  return (scope) => {
    const key = scope ? `${scope.adaptor}/${scope.vhost}` : '';
    const context = made.get(key) ?? make(scope);
    made.set(key, context);
    return context;
  };
}

/** The token, if whoever has a right to it can read it. */
function keepToken(address: AdminAddress, token: string, { runFile, log }: AdminOptions): string | undefined {
  if (runFile === undefined) return undefined;
  const { host, port, family } = address;
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const url = `http://${family === 'v6' ? `[${reachable}]` : reachable}:${port}`;
  try {
    writeRunFile(runFile, { pid: process.pid, url, token });
    return token;
  } catch (error) {
    const text =
      'run/admin.json cannot be written: the commands status, reload, disconnect and stop will not find this server';
    log.warn({ event: 'admin', err: error }, text);
    return undefined;
  }
}

function warnOfPasswords(accounts: Accounts, log: Log): void {
  const { unhashed, unusable } = accounts;
  if (unhashed.length > 0) {
    log.warn(
      { event: 'admin', users: unhashed },
      'conf/Users.xml contains plain-text passwords; hashes are safer',
    );
  }
  if (unusable.length > 0) {
    const text = 'conf/Users.xml contains passwords hashed by another server; this server cannot check them';
    log.warn({ event: 'admin', users: unusable }, text);
  }
}

function sayFirst({ name, problem }: NewAccount, { log, usersFile, write }: AdminOptions): void {
  write(formatStatus('i', Subject.Admin, 2011), `created the first administrator, ${name}`);
  if (!problem) {
    log.info({ event: 'admin', user: name, file: usersFile }, `created the administrator ${name}`);
    return;
  }
  const text = `created the administrator ${name} for this run only: ${usersFile} cannot be written`;
  log.warn({ event: 'admin', user: name, err: problem }, text);
}
