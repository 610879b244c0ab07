// A real server in a process of its own, on ports of its own, in a folder of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { RunFolder } from '../../src/wiring/run-folder.ts';
import { endsWithUs, Tail } from './child.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');
const READY_MS = 45_000;
/** Past the 9 s that the server gives itself. */
const STOP_MS = 20_000;
const LOG_MS = 20_000;

export interface ServerOptions {
  /** Where conf/, applications/ and logs/ are; a temporary folder, removed at the end, unless it is given. */
  root?: string;
  /** Files under applications/: `{ 'auth/main.ts': 'application.on…' }`. A name that ends in a slash is a folder. */
  applications?: Record<string, string>;
  /** Files under conf/. */
  conf?: Record<string, string>;
  /** Symbols of conf/fms.ini. */
  set?: Record<string, string>;
  /** Further ones of `start`. */
  args?: readonly string[];
  env?: Record<string, string>;
  /** What runs it, before `start`: the sources with this Node unless something else is to be tested. */
  command?: readonly [file: string, ...args: string[]];
}

/** One line of the server's log. */
export type LogRecord = Record<string, unknown>;

export interface Listener {
  kind: string;
  host: string;
  port: number;
  secure: boolean;
}

/** Resolves when the server is ready; rejects with what it said when it is not. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const server = new TestServer(options);
  try {
    await server.ready();
    return server;
  } catch (error) {
    await server.kill9();
    server.removeRoot();
    throw error;
  }
}

export class TestServer implements AsyncDisposable {
  readonly root: string;
  /** Every record so far, oldest first. */
  readonly log: LogRecord[] = [];
  listeners: readonly Listener[] = [];
  readonly #ownsRoot: boolean;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  /** All that it said, for messages. */
  readonly #output = new Tail();
  readonly #watchers = new Set<() => void>();
  #killed = false;

  constructor({
    root,
    applications = {},
    conf = {},
    set = {},
    args: further = [],
    env = {},
    command,
  }: ServerOptions) {
    this.#ownsRoot = root === undefined;
    this.root = root ?? mkdtempSync(join(tmpdir(), 'understudy-server-'));
    mkdirSync(join(this.root, 'applications'), { recursive: true });
    for (const [path, text] of Object.entries(applications)) this.writeApp(path, text);
    for (const [path, text] of Object.entries(conf)) this.#write(join('conf', path), text);

    const [file, ...args] = command ?? [process.execPath, join(REPOSITORY, 'src', 'main.ts')];
    const symbols = {
      'ADAPTOR.HOSTPORT': '127.0.0.1:0',
      'SERVER.ADMINSERVER_HOSTPORT': '127.0.0.1:0',
      ...set,
    };
    args.push('start', '--root', this.root, ...further);
    for (const [name, value] of Object.entries(symbols)) args.push('--set', `${name}=${value}`);
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(file, args, { cwd: this.root, env: { ...process.env, ...env }, stdio });
    this.#child = endsWithUs(child);
    this.#closed = once(child, 'close');
    this.#closed.catch((error) => this.#output.add(String(error))); // it could not be spawned
    createInterface(child.stdout).on('line', (line) => this.#take(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#output.add(text));
  }

  /** The port of RTMP without TLS. */
  get port(): number {
    return this.listener('rtmp').port;
  }

  listener(kind: string, secure = false): Listener {
    const found = this.listeners.find((listener) => listener.kind === kind && listener.secure === secure);
    assert.ok(found, `no ${secure ? 'secure ' : ''}${kind} listener among ${JSON.stringify(this.listeners)}`);
    return found;
  }

  /** `rtmp://127.0.0.1:40123/live/camera`; a query goes on the stream's name. */
  url(application: string, stream: string): string {
    return `rtmp://127.0.0.1:${this.port}/${application}/${stream}`;
  }

  /** Where it is administered, and the token for that. */
  get runFile(): string {
    return RunFolder.of(this.root).adminFile;
  }

  /** A file below conf/. */
  writeConf(path: string, text: string): void {
    this.#write(join('conf', path), text);
  }

  /** Writes a file under applications/, in place, as most editors do. */
  writeApp(path: string, text: string): void {
    this.#write(join('applications', path), text);
  }

  #write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(path.endsWith('/') ? file : dirname(file), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(file, text);
  }

  async ready(): Promise<void> {
    const record = await this.waitForLog(({ event }) => event === 'ready', READY_MS);
    this.listeners = record.listeners as Listener[];
  }

  /** The first record that fits, of those so far (from number `since` on) and those to come. */
  waitForLog(fits: (record: LogRecord) => boolean, timeoutMs = LOG_MS, since = 0): Promise<LogRecord> {
    return new Promise((resolve, reject) => {
      let next = since;
      const check = (): void => {
        while (next < this.log.length) {
          const record = this.log[next++]!;
          if (fits(record)) finish(() => resolve(record));
        }
      };
      const fail = (why: string): void => {
        finish(() => reject(new Error(`${why} before the log record that was waited for:\n${this.#output}`)));
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        settle();
      };
      this.#watchers.add(check);
      const ended = (): void => fail(`the server ended (${this.#child.exitCode ?? this.#child.signalCode})`);
      this.#closed.then(ended, ended);
      check();
    });
  }

  /** The latest script runner's. */
  async runnerPid(): Promise<number> {
    const isRunner = (record: LogRecord) => record.event === 'runner' && typeof record.pid === 'number';
    await this.waitForLog(isRunner);
    return this.log.findLast(isRunner)!.pid as number;
  }

  /** Resolves once nobody writes to its output any more, be it a process behind the one that was started. */
  get ended(): Promise<void> {
    return this.#closed.then(() => {});
  }

  /** The orderly end: SIGTERM, exit code 0. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#closed;
    clearTimeout(timer);
    assert.equal(
      this.#child.signalCode,
      null,
      `SIGTERM was not obeyed within ${STOP_MS} ms:\n${this.#output}`,
    );
    assert.equal(this.#child.exitCode, 0, `the server failed:\n${this.#output}`);
  }

  /** To the process alone; says how it ended once it has. */
  signal(name: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#child.kill(name);
    return this.#closed.then(() => ({ code: this.#child.exitCode, signal: this.#child.signalCode }));
  }

  /** The sudden end. What it started may live on for a moment, so only its own exit is awaited. */
  async kill9(): Promise<void> {
    this.#killed = true;
    if (this.#isRunning()) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#killed) await this.stop();
      const bugs = this.log.filter(({ kind }) => kind === 'bug');
      assert.deepEqual(bugs, [], 'the server logged bugs');
    } finally {
      this.removeRoot();
    }
  }

  removeRoot(): void {
    if (this.#ownsRoot) rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  #isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #take(line: string): void {
    this.#output.add(`${line}\n`);
    if (!line.startsWith('{')) return;
    this.log.push(JSON.parse(line));
    for (const check of this.#watchers) check();
  }
}
