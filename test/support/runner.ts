// The real script runner as a child process, and the media side of its pipe in the hands of a test.
import type { Duplex } from 'node:stream';
import type { ScriptLimits } from '../../src/config/schema/script-limits.ts';
import { type RunnerProcess, spawnRunner } from '../../src/script/process/runner-process.ts';
import { encodeScript } from '../../src/script/source/build-outcome.ts';
import { bundleGuest } from '../../src/script/source/guest-bundle.ts';
import { bundleRunner, type RunnerCode } from '../../src/script/source/runner-bundle.ts';
import type { EventToScript } from '../../src/script/wire/event-frames.ts';
import {
  decodeBody,
  encodeFrame,
  encodeLoad,
  encodeTaken,
  type Frame,
  FrameReader,
} from '../../src/script/wire/frames.ts';
import {
  type DeadBody,
  type FailedBody,
  FrameType,
  type GuestSetup,
  type LoadBody,
  type RecycleBody,
  type ScriptCommand,
  type ScriptEvent,
  type WireClient,
  type WireCurrentPublisher,
  type WirePlay,
  type WirePublish,
  type WireSnapshot,
  type WireValue,
} from '../../src/script/wire/wire.ts';
import { encodeEvents } from './event-frames.ts';
import { testSettings } from './settings.ts';

const { limits: LIMITS } = testSettings();

const NOBODY: WireSnapshot = { clients: [], streams: [] };

/** Bundled once for all tests of a file. */
let bundles: Promise<[guest: string, code: RunnerCode]> | undefined;

export interface ScriptOptions {
  kind?: 'module' | 'classic';
  files?: Record<string, string>;
  exported?: string[];
  limits?: Partial<ScriptLimits>;
  application?: Partial<GuestSetup['application']>;
  filename?: string;
  /** Debuggers may attach. */
  isInspectable?: boolean;
}

type Command<Op extends ScriptCommand['op']> = Extract<ScriptCommand, { op: Op }>;

export class TestRunner implements AsyncDisposable {
  readonly process: RunnerProcess;
  readonly channel: Duplex;
  /** How. */
  readonly ended: Promise<string>;
  /** Everything but heartbeats. */
  readonly frames: Frame[] = [];
  beats = 0;
  /** Commands are dealt with at once. */
  takesCommands = true;
  stderr = '';
  readonly #units = new Map<number, TestUnit>();
  #lastUnit = 0;
  #watchers: (() => void)[] = [];

  private constructor(code: RunnerCode) {
    this.process = spawnRunner(code, []);
    this.ended = new Promise((resolve) => this.process.onEnd(resolve));
    this.channel = this.process.channel;
    this.process.stderr.on('data', (text) => {
      this.stderr += text;
    });
    const reader = new FrameReader();
    this.channel.on('error', () => {});
    this.channel.on('data', (bytes: Buffer) => {
      for (const frame of reader.push(bytes)) this.#receive(frame);
      for (const watcher of this.#watchers) watcher();
    });
    this.channel.on('close', () => {
      for (const watcher of this.#watchers) watcher();
    });
  }

  static async start(): Promise<TestRunner> {
    bundles ??= Promise.all([bundleGuest(), bundleRunner()]);
    const [guest, code] = await bundles;
    const runner = new TestRunner(code);
    runner.channel.write(encodeFrame(FrameType.Init, 0, { guest, user: { uid: 65534, gid: 65534 } }));
    await runner.until(() => runner.frames.some(({ type }) => type === FrameType.Hello), 'hello');
    return runner;
  }

  /** Loads a script and gives it `start`; resolves when onAppStart is through. */
  async run(code: string, options: ScriptOptions = {}): Promise<TestUnit> {
    const unit = await this.load(code, options);
    await unit.start();
    return unit;
  }

  /** Rejects with the reason when it does not load. */
  async load(code: string, options: ScriptOptions = {}): Promise<TestUnit> {
    const unit = this.sendLoad(code, options);
    await this.until(() => unit.isLoaded || unit.failure !== undefined, 'loaded or failed');
    if (unit.failure) throw Object.assign(new Error(unit.failure.message), { failure: unit.failure });
    return unit;
  }

  sendLoad(code: string, options: ScriptOptions = {}): TestUnit {
    this.#lastUnit += 1;
    const unit = new TestUnit(this, this.#lastUnit);
    this.#units.set(unit.id, unit);
    const { kind = 'module', files = {}, exported = [], limits = {}, application = {} } = options;
    const { isInspectable = false } = options;
    const filename = options.filename ?? (kind === 'module' ? 'app:///test/main.ts' : 'app:///test/main.asc');
    const script = encodeScript({ kind, code, filename, files, exported });
    const body: Omit<LoadBody, 'script'> = {
      instance: 'test/_definst_',
      isInspectable,
      limits: { ...LIMITS, ...limits },
      application: {
        name: 'test/_definst_',
        server: 'Understudy/0',
        hostname: 'localhost',
        config: {},
        env: {},
        ...application,
      },
    };
    this.channel.write(encodeLoad(unit.id, body, script));
    return unit;
  }

  /** Resolves when `condition` holds; looked at whenever bytes have come. */
  until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => done(new Error(`waited for ${what} in vain. ${this.stderr}`)), 20_000);
      const done = (error?: Error) => {
        clearTimeout(timeout);
        this.#watchers = this.#watchers.filter((other) => other !== watcher);
        if (error) reject(error);
        else resolve();
      };
      const watcher = () => {
        if (condition()) done();
        else if (this.channel.destroyed) done(new Error(`the runner ended before ${what}. ${this.stderr}`));
      };
      this.#watchers.push(watcher);
    });
  }

  get recycle(): RecycleBody | undefined {
    const frame = this.frames.find(({ type }) => type === FrameType.Recycle);
    return frame && (decodeBody(frame.body) as RecycleBody);
  }

  #receive(frame: Frame): void {
    if (frame.type === FrameType.Beat) {
      this.beats += 1;
      return;
    }
    this.frames.push({ ...frame, body: Buffer.from(frame.body) });
    this.#units.get(frame.unit)?.receive(frame);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill();
    await this.ended;
  }
}

export class TestUnit {
  readonly id: number;
  readonly #runner: TestRunner;
  /** Every command so far, in order. */
  readonly commands: ScriptCommand[] = [];
  isLoaded = false;
  failure: FailedBody | undefined;
  death: DeadBody | undefined;
  untakenBytes = 0;
  #lastId = 0;

  constructor(runner: TestRunner, id: number) {
    this.#runner = runner;
    this.id = id;
  }

  receive({ type, body }: Frame): void {
    if (type === FrameType.Loaded) this.isLoaded = true;
    else if (type === FrameType.Failed) this.failure = decodeBody(body) as FailedBody;
    else if (type === FrameType.Dead) this.death = decodeBody(body) as DeadBody;
    else if (type === FrameType.Commands) {
      this.commands.push(...(decodeBody(body) as ScriptCommand[]));
      if (this.#runner.takesCommands) this.take(body.length);
      else this.untakenBytes += body.length;
    }
  }

  /** What has been said so far is dealt with. */
  take(bytes = this.untakenBytes): void {
    this.#runner.channel.write(encodeTaken(FrameType.Taken, this.id, bytes));
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  post(...events: ScriptEvent[]): void {
    for (const frame of encodeEvents(this.id, events, tooLong)) this.#runner.channel.write(frame);
  }

  unload(): void {
    this.#runner.channel.write(encodeFrame(FrameType.Unload, this.id));
  }

  /** The first command that fits, from those made so far or later. */
  async command<Op extends ScriptCommand['op']>(
    op: Op,
    fits: (command: Command<Op>) => boolean = () => true,
  ): Promise<Command<Op>> {
    const find = () => this.commands.find((command) => command.op === op && fits(command as Command<Op>));
    await this.#runner.until(() => find() !== undefined || this.death !== undefined, `a command ${op}`);
    const found = find();
    if (found === undefined) throw new Error(`the unit died: ${this.death!.kind}, ${this.death!.message}`);
    return found as Command<Op>;
  }

  async dead(): Promise<DeadBody> {
    await this.#runner.until(() => this.death !== undefined, 'the end of the unit');
    return this.death!;
  }

  async start(
    why: 'start' | 'reload' | 'restored' = 'start',
    { state, snapshot = NOBODY }: { state?: WireValue; snapshot?: WireSnapshot } = {},
  ): Promise<boolean> {
    const id = this.nextId();
    this.post({ t: 'start', id, why, ...(state === undefined ? {} : { state }), snapshot });
    return (await this.command('ready', (ready) => ready.id === id)).ok;
  }

  /** Asks onConnect; the verdict is for the caller to await. */
  connect(id = 'c1', ...args: WireValue[]): Asked {
    const gate = this.nextId();
    this.post(connectEvent(gate, id, args));
    return new Asked(this, gate);
  }

  authenticate(user: string): Asked {
    const gate = this.nextId();
    this.post({ t: 'gate', id: gate, gate: 'onAuthenticate', user });
    return new Asked(this, gate);
  }

  publish(
    name: string,
    client = 'c1',
    request: Partial<WirePublish> = {},
    current?: WireCurrentPublisher,
  ): Asked {
    const gate = this.nextId();
    this.post({
      t: 'gate',
      id: gate,
      gate: 'onPublish',
      client,
      request: { name, query: '', params: {}, type: 'live', ...request },
      current,
    });
    return new Asked(this, gate);
  }

  play(name: string, client = 'c1', request: Partial<WirePlay> = {}): Asked {
    const gate = this.nextId();
    this.post({
      t: 'gate',
      id: gate,
      gate: 'onPlay',
      client,
      request: { name, query: '', params: {}, start: -2, length: -1, reset: true, ...request },
    });
    return new Asked(this, gate);
  }

  /** Calls a remote method and waits for its answer. */
  call(name: string, ...args: WireValue[]): Promise<Command<'ret'>> {
    return this.callAs('c1', name, ...args);
  }

  callAs(client: string, name: string, ...args: WireValue[]): Promise<Command<'ret'>> {
    const id = this.nextId();
    this.post({ t: 'call', id, client, name, args, wantsResult: true });
    return this.command('ret', (ret) => ret.id === id);
  }

  /** The value that a remote method answered with. */
  async value(name: string, ...args: WireValue[]): Promise<unknown> {
    const ret = await this.call(name, ...args);
    if (!ret.found || !ret.ok) throw new Error(`client.${name}: ${JSON.stringify(ret)}`);
    return ret.value;
  }

  of<Op extends ScriptCommand['op']>(op: Op): Command<Op>[] {
    return this.commands.filter((command): command is Command<Op> => command.op === op);
  }

  get logs(): string[] {
    return this.of('log').map(({ text }) => text);
  }
}

/** A question at a gate. */
class Asked {
  readonly #unit: TestUnit;
  readonly id: number;

  constructor(unit: TestUnit, id: number) {
    this.#unit = unit;
    this.id = id;
  }

  get verdict(): Promise<Command<'verdict'>> {
    return this.#unit.command('verdict', ({ id }) => id === this.id);
  }

  get isAnswered(): boolean {
    return this.#unit.of('verdict').some(({ id }) => id === this.id);
  }
}

export function connectEvent(gate: number, client: string, args: WireValue[] = []): ScriptEvent {
  return { t: 'gate', id: gate, gate: 'onConnect', client: clientFacts(client), args };
}

export function clientFacts(id: string): WireClient {
  return {
    ...{ id, ip: '127.0.0.1', agent: 'LNX 9,0,124,2', referrer: 'http://localhost/a.swf', pageUrl: '' },
    ...{ uri: 'rtmp://localhost/test', protocol: 'rtmp', secure: false, virtualKey: '', user: '' },
    ...{ objectEncoding: 0, readAccess: '/', writeAccess: '/' },
    ...{ audioSampleAccess: '', videoSampleAccess: '' },
  };
}

function tooLong({ t }: EventToScript): never {
  throw new Error(`an event ${t} that is too long for a frame`);
}
