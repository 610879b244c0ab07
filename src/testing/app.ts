// One application under test: its script runs as it does in the server, in the same process, the same library, the same object
// model around it; but clients are objects of the test, time stands still, and the Web is what the test says.
import { after } from 'node:test';
import { formatError } from '../application/accounts/error-records.ts';
import { AFTERWORD_MS, FAREWELL_MS } from '../application/contract/script.ts';
import type { AppInstance } from '../application/instance/instance.ts';
import { StatusError } from '../errors.ts';
import { STOP_DEADLINE_MS } from '../script/host/mailbox.ts';
import type { Unit } from '../script/process/unit.ts';
import type { BuildFault } from '../script/source/build-fault.ts';
import { BuildResult } from '../script/source/build-outcome.ts';
import type { Json } from '../script/wire/wire.ts';
import { type ConnectOptions, TEST_ADDRESS, TestClient } from './client.ts';
import { HandClock } from './hand-clock.ts';
import { type CommandHandler, Jobs } from './jobs.ts';
import { Said, type SaidError } from './said.ts';
import { Servers, type TestServer } from './servers.ts';
import { type Files, Stage } from './stage.ts';
import { Web, type WebHandler, type WebRequest } from './web.ts';

export interface TestOptions {
  /** Files of the application, over those in its folder: a path from there → a text, bytes, or a value, which is written as JSON. */
  files?: { readonly [path: string]: unknown };
  /** `application.env`, over what Application.xml says. */
  env?: { readonly [name: string]: Json };
  /** What time it is. */
  now?: Date | string;
}

const EPOCH = '2026-01-01T00:00:00Z';
/** Rounds without anything being said, until nothing is expected any more. */
const QUIET_ROUNDS = 2;
/** Lines of the script that are shown when a test fails. */
const MAX_SAID = 20;
/** Services that may take as long as the test likes. */
const OF_THE_TEST = ['fetch', 'exec'];

/** Within a test: it ends with that test, and fails it if something has gone wrong in the script. */
export function testApp(name: string, options: TestOptions = {}): Promise<TestApp> {
  const opening = TestApp.open(name, options);
  after(async (context) => {
    const app = await opening.catch(() => undefined); // the test has been told
    if (!app) return;
    const stopped = app.stop();
    const failure = 'error' in context ? context.error : undefined;
    if (failure instanceof Error) {
      await stopped.catch(() => {});
      for (const line of app.said) context.diagnostic(line);
      tellWith(failure, app.errors);
    }
    await stopped;
  });
  return opening;
}

/**
 * A test that has failed by itself fails of nothing more, and what its script did wrong is likely why it has: diagnostics stand
 * where the test ran, the error also in the summary at the end.
 */
function tellWith(failure: Error, errors: readonly SaidError[]): void {
  const { cause } = failure; // what the test threw
  if (!(cause instanceof Error) || errors.length === 0) return;
  cause.stack = [`${cause.stack ?? cause}\n`, 'in its script:', ...errors.map(({ text }) => text)].join('\n');
}

export class TestApp {
  readonly name: string;
  readonly #said = new Said();
  readonly #clock: HandClock;
  readonly #web: Web;
  readonly #servers: Servers;
  readonly #jobs: Jobs;
  readonly #units = new Set<Unit>();
  #stage!: Stage;
  #lastClient = 0;
  #isStopped = false;
  /** Something that fails the test wherever it stands. */
  #failure: Error | undefined;

  private constructor(name: string, now: Date) {
    this.name = name;
    this.#clock = new HandClock(now.getTime());
    const fail = (error: Error) => {
      this.#failure ??= error;
    };
    this.#web = new Web(fail);
    this.#servers = new Servers(fail);
    this.#jobs = new Jobs(fail);
  }

  static async open(name: string, { files = {}, env = {}, now = EPOCH }: TestOptions): Promise<TestApp> {
    const app = new TestApp(name, new Date(now));
    app.#stage = await Stage.open(name, contentsOf(files), app.#clock, app.#said.log, {
      env,
      nowMs: () => app.#clock.now(),
      opened: (unit) => app.#units.add(unit),
      fetch: (request, signal) => app.#web.fetch(request, signal),
      connect: (request, events) => app.#servers.connect(request, events),
      run: (command, args) => app.#jobs.run(command, args),
    });
    app.#said.listenTo(app.#stage.host.errors);
    try {
      await app.#build();
      await app.#instance('_definst_');
      return app;
    } catch (error) {
      await app.#stage.close();
      throw error;
    }
  }

  /** Throws where the script does not bundle. */
  async #build(): Promise<void> {
    const outcome = await this.#stage.build();
    if (outcome.result === BuildResult.Broken) {
      throw new Error(outcome.faults.map((fault) => this.#faultText(fault)).join('\n'));
    }
    await this.#stage.host.refresh(this.name);
  }

  #faultText(fault: BuildFault): string {
    return formatError({ application: this.name, kind: 'build', frames: [], ...fault });
  }

  async #instance(name: string): Promise<AppInstance> {
    let instance: AppInstance;
    try {
      instance = this.#stage.host.registry.open(`${this.name}/${name}`);
      await instance.ready;
    } catch (error) {
      this.#said.assertNoErrors(); // they say more
      throw error;
    }
    instance.awaitClients();
    await this.settled();
    return instance;
  }

  // ── clients ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Resolves with the verdict: `client.accepted`, `client.refusal`. */
  async connect(options: ConnectOptions = {}): Promise<TestClient> {
    this.#lastClient += 1;
    const client = new TestClient(`client${this.#lastClient}`, this);
    const { instance = '_definst_' } = options;
    try {
      const { ip = TEST_ADDRESS, user = '' } = options;
      const home = this.#stage.host.registry.connect(`${this.name}/${instance}`, { ip, user });
      await client.connect(home, options);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      client.turnedAway({ code: error.code, description: error.message });
    }
    return client;
  }

  /** Names of the streams that are on air, in the default instance. */
  get streams(): string[] {
    const instance = this.#stage.host.registry.find(this.name);
    const onAir = [...(instance?.streams.values() ?? [])].filter((entry) => entry.isOnAir);
    return onAir.map(({ stream }) => stream.name).sort();
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  readonly clock = {
    now: (): Date => new Date(this.#clock.now()),
    tick: (ms: number): Promise<void> => this.#tick(ms),
  };

  /** `isDone`: time stands still from then on. */
  async #tick(ms: number, isDone = () => false): Promise<void> {
    const untilMs = this.#clock.now() + ms;
    await this.settled();
    for (;;) {
      const before = this.#activity;
      const nextMs = Math.min(this.#clock.nextMs, untilMs);
      const reached = await Promise.all(this.#living().map((unit) => unit.tick(nextMs)));
      this.#clock.moveTo(Math.min(nextMs, ...reached));
      const isOver = this.#clock.now() >= untilMs || isDone();
      if (isOver || this.#activity !== before || this.#hasErrands) await this.settled();
      if (isOver) return;
    }
  }

  /** Resolves when the script has done what there is to do without time going on. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS; ) {
      const before = this.#activity;
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(this.#living().map((unit) => unit.tick(this.#clock.now())));
      quiet = this.#activity === before && !this.#hasErrands ? quiet + 1 : 0;
    }
  }

  /** Another number whenever something is said by or to a script, or one is loaded. */
  get #activity(): number {
    return [...this.#units].reduce((sum, { activity }) => sum + activity, this.#units.size);
  }

  /** Something that the script has asked for is on its way. */
  get #hasErrands(): boolean {
    const { instances } = this.#stage.host.registry;
    return (
      this.#living().some((unit) => unit.openErrands(OF_THE_TEST) > 0) ||
      [...instances].some(({ serverStreams }) => serverStreams.isOpening)
    );
  }

  #living(): Unit[] {
    return [...this.#units].filter((unit) => unit.end === undefined);
  }

  // ── the world ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers what the script fetches; undefined: that is not its to answer. */
  onFetch(handler: WebHandler): void {
    this.#web.answer(handler);
  }

  /** What the script has fetched, in order. */
  get requests(): readonly WebRequest[] {
    return this.#web.requests;
  }

  /** Says how a command ends that the script starts; undefined: that is not its to say. */
  onExec(handler: CommandHandler): void {
    this.#jobs.answer(handler);
  }

  /** An application of another server, for the script to connect to. */
  server(uri: string): TestServer {
    return this.#servers.add(uri);
  }

  // ── what is said ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Lines of trace and console, in order. */
  get logs(): readonly string[] {
    return this.#said.lines;
  }

  /** The first line that fits, now or later. */
  logged(pattern: RegExp): Promise<string> {
    return this.#said.line(pattern);
  }

  /** For people: the last lines, and what has gone wrong. */
  get said(): string[] {
    return [...this.#said.lines.slice(-MAX_SAID), ...this.#said.errors.map(({ text }) => text)];
  }

  /** What has gone wrong in the script and has not been expected: the test will fail of it. */
  get errors(): readonly SaidError[] {
    return this.#said.errors;
  }

  /** The first error that fits (`onPublish: text`), now or later; the test does not fail of it. */
  expectError(pattern: RegExp): Promise<SaidError> {
    return this.#said.error(pattern);
  }

  // ── versions, and the end ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * Saves files, or the main script as it is: it is reloaded as the server does it. Throws where it does not bundle; the
   * version before serves on.
   */
  async reload(files?: TestOptions['files']): Promise<void> {
    if (files) this.#stage.write(contentsOf(files));
    else this.#stage.touch(this.name);
    await this.#build();
    await this.settled();
  }

  /** Everybody is disconnected, then onAppStop. Fails if something has gone wrong that nobody has expected. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    let isDown = false;
    const shutdown = this.#stage.host.shutdown().then(() => {
      isDown = true;
    });
    await this.settled();
    // What its last handlers wait for comes, or their time is over.
    if (!isDown) await this.#tick(FAREWELL_MS + STOP_DEADLINE_MS + AFTERWORD_MS, () => isDown);
    await shutdown;
    await this.#stage.close();
    if (this.#failure) throw this.#failure;
    this.#said.assertNoErrors();
  }
}

function contentsOf(files: { readonly [path: string]: unknown }): Files {
  const contentOf = (value: unknown) =>
    typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
  return Object.fromEntries(Object.entries(files).map(([path, value]) => [path, contentOf(value)]));
}
