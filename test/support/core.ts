// The server without its outermost rooms, in this process: sessions on a real port, applications in memory, and in place of
// the script process, the disk and the time three puppets that do what the test says.

import assert from 'node:assert/strict';
import pino from 'pino';
import { type Adaptor, type AdaptorOptions, openAdaptors } from '../../src/adaptor/adaptor.ts';
import { InputBudget, type InputLimits } from '../../src/adaptor/rtmp/input-budget.ts';
import { Logins } from '../../src/adaptor/rtmp/logins.ts';
import type { SessionOptions } from '../../src/adaptor/rtmp/session-options.ts';
import type { TunnelOptions } from '../../src/adaptor/tunnel/rtmpt.ts';
import type {
  RecordEvents,
  Recorders,
  Recording,
  RecordRequest,
  StreamFile,
} from '../../src/application/contract/recording.ts';
import type {
  GateQuestion,
  InstanceScript,
  InvokeResult,
  Notice,
  OpenGate,
  ScriptCommands,
  ScriptStats,
  Scripts,
  Verdict,
} from '../../src/application/contract/script.ts';
import type { AppInstance } from '../../src/application/instance/instance.ts';
import { type InstanceSettings, streamSettings } from '../../src/application/instance/instance-settings.ts';
import { Registry, type RegistryOptions } from '../../src/application/instance/registry.ts';
import { LoadGovernor } from '../../src/application/live/flush.ts';
import { Turns } from '../../src/application/pace/turns.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { AddressList, EVERYBODY } from '../../src/config/address-rules.ts';
import type { LimitName } from '../../src/log/limits.ts';
import { LineLimit } from '../../src/log/line-limit.ts';
import { bugs, logBug, logSettings } from '../../src/log/log.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { AMF_LIMITS } from '../../src/protocol/amf/amf-budget.ts';
import type { WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import { ManualClock } from './manual-clock.ts';
import { RtmpPeer } from './rtmp-peer.ts';
import { type Patch, testSettings } from './settings.ts';

export const STREAM_OPTIONS = {
  ...streamSettings(testSettings()),
  /** Of a clock that stands still, so without any load. */
  governor: new LoadGovernor(new ManualClock()),
};

/** Turns of the event loop follow each other by themselves, and nothing takes any time. */
export const TURN_CLOCK: Pick<Clock, 'now' | 'soon'> = { now: () => 0, soon: systemClock.soon };

/** As conf/ is shipped. */
export const TUNNEL_OPTIONS: TunnelOptions = {
  admits: 'true',
  nodeId: '',
  setsCookie: false,
  answerBytes: 256 << 10,
  maxRequestBytes: 4 << 20,
  requestMs: 30_000,
  maxAhead: 5,
  aheadMs: 5_000,
  maxHeaderLine: 8_192,
  holdMs: 512,
  pollMs: 512,
  idleTimeoutMs: 60_000,
  mimeType: 'application/x-fcs',
  limits: {
    maxConnections: 10_000,
    maxConnectionsPerAddress: 256,
    maxRate: undefined,
    maxRatePerAddress: undefined,
  },
};

/** As conf/ is shipped. */
export const INPUT_LIMITS: InputLimits = {
  maxBytes: 1 << 30,
  maxBytesPerAddress: 32 << 20,
  isShared: () => false,
  finishMs: 5_000,
};

export interface CoreOptions {
  /** Whether applications have a script; they do. */
  scripted?: boolean;
  session?: Partial<SessionOptions>;
  adaptor?: Partial<AdaptorOptions>;
  registry?: Partial<RegistryOptions>;
  /** What differs from the defaults, of all applications. */
  settings?: Patch<InstanceSettings>;
  recorders?: Recorders;
  input?: Partial<InputLimits>;
  clock?: ManualClock;
}

/** So many instances, whoever starts them. */
export function atMost(total: number): RegistryOptions['instances'] {
  return { total, perApplication: undefined, perAddress: undefined, ratePerAddress: undefined };
}

export type LogRecord = Record<string, unknown>;

/** Resolves once `holds`; it is looked at after whatever the sockets had to say. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`10 s without ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A log that keeps its records. */
export function keepingLog(): { log: pino.Logger; records: LogRecord[] } {
  const records: LogRecord[] = [];
  return {
    log: pino(logSettings('debug'), { write: (line: string) => void records.push(JSON.parse(line)) }),
    records,
  };
}

export class Core implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly scripts: PuppetScripts;
  readonly recorders: PuppetRecorders;
  readonly registry: Registry;
  readonly log: LogRecord[];
  readonly lines: LineLimit;
  readonly input: InputBudget;
  readonly adaptor: Adaptor;
  readonly #peers: RtmpPeer[] = [];
  readonly #bugsBefore = bugs.count;

  private constructor(
    parts: Pick<Core, 'clock' | 'scripts' | 'recorders' | 'registry' | 'log' | 'lines' | 'input' | 'adaptor'>,
  ) {
    this.clock = parts.clock;
    this.scripts = parts.scripts;
    this.recorders = parts.recorders;
    this.registry = parts.registry;
    this.log = parts.log;
    this.lines = parts.lines;
    this.input = parts.input;
    this.adaptor = parts.adaptor;
  }

  /** Applications are `live` and `other`. */
  static async start(options: CoreOptions = {}): Promise<Core> {
    const clock = options.clock ?? new ManualClock();
    const recorders = new PuppetRecorders();
    const scripts = new PuppetScripts(options.scripted ?? true);
    const { log, records } = keepingLog();
    const lines = new LineLimit(clock);
    const input = new InputBudget({ ...INPUT_LIMITS, ...options.input }, clock);
    const registry = new Registry({
      clock,
      lines,
      scripts,
      recorders: options.recorders ?? recorders,
      log,
      onBug: (error) => logBug(log, error, 'a server-side stream'),
      hasApplication: (name) => name === 'live' || name === 'other',
      media: { clock, governor: STREAM_OPTIONS.governor },
      ...testSettings({ maxAppIdleTimeMs: 60_000, ...options.settings }),
      turns: new Turns(TURN_CLOCK),
      ...options.registry,
    });
    const session: SessionOptions = {
      registryOf: () => registry,
      logins: new Logins(clock),
      resolver: { reverse: async () => [], addressesOf: async () => [] },
      log,
      lines,
      clock,
      fmsVersion: '5,0,17,1',
      chunks: {},
      amf: AMF_LIMITS,
      rtmpe: true,
      altVhost: false,
      wireChunkBytes: 60_000,
      maxNetStreams: 64,
      maxConnectText: 32 << 10,
      maxOpenCalls: 3_000,
      maxOpenCallBytes: 16 << 20,
      maxCommandRate: 1000,
      maxCommandWaitMs: 30_000,
      turns: new Turns(TURN_CLOCK),
      maxUnreadBytes: 4 << 20,
      closeGraceMs: 2_000,
      maxHeldBytes: 64 << 10,
      maxEarlyBytes: 64 << 10,
      input,
      handshakeTimeoutMs: 10_000,
      idleTimeoutMs: undefined,
      serverToClientBytes: 2_500_000,
      clientToServerBytes: 2_500_000,
      ...options.session,
    };
    const [adaptor] = await openAdaptors([
      {
        name: '_defaultRoot_',
        listen: [{ host: '127.0.0.1', port: 0, secure: false }],
        ipv6: false,
        maxDescriptor: Number.POSITIVE_INFINITY,
        hasRoom: () => true,
        tls: { certificate: undefined, hosts: new Map(), ciphers: '', sessionTimeoutMs: 300_000 },
        proxies: AddressList.parse(''),
        rules: EVERYBODY,
        resolver: { reverse: async () => [], addressesOf: async () => [] },
        limits: {
          maxConnections: undefined,
          maxConnectionsPerAddress: undefined,
          maxRate: undefined,
          maxRatePerAddress: undefined,
        },
        player: { crossDomainFile: undefined, ident2: { isEnabled: true, address: '' }, answersRoot: false },
        http: { waitMs: 15_000, maxHeaderBytes: 16 << 10, redirect: undefined, proxy: undefined },
        tunnel: TUNNEL_OPTIONS,
        session,
        onLate: () => {},
        ...options.adaptor,
      },
    ]);
    return new Core({ clock, scripts, recorders, registry, log: records, lines, input, adaptor: adaptor! });
  }

  get port(): number {
    return this.adaptor.listeners[0]!.address.port;
  }
  get sessionCount(): number {
    return this.adaptor.sessionCount;
  }

  /** A peer that has shaken hands; destroyed with the core. */
  async peer(): Promise<RtmpPeer> {
    const peer = await RtmpPeer.open(this.port);
    this.#peers.push(peer);
    return peer;
  }

  /** One that comes from there: another address of this machine. */
  async peerFrom(address: string): Promise<RtmpPeer> {
    const peer = await RtmpPeer.openFrom(address, this.port);
    this.#peers.push(peer);
    return peer;
  }

  /** One that publishes, and its message stream. */
  async publisher(name: string, app = 'live'): Promise<{ peer: RtmpPeer; id: number }> {
    const peer = await this.peer();
    return { peer, id: await peer.publish(app, name) };
  }

  /** One that plays; what it hears from now on is media and its announcements. */
  async player(name: string, app = 'live'): Promise<{ peer: RtmpPeer; id: number }> {
    const peer = await this.peer();
    const id = await peer.play(app, name);
    await peer.expectData('onStatus');
    return { peer, id };
  }

  /** The script of `live/_definst_` unless another instance is named. */
  script(instance = 'live/_definst_'): PuppetScript {
    const script = this.scripts.opened.findLast((one) => one.instance === instance);
    assert.ok(script, `no script was opened for ${instance}`);
    return script;
  }

  instance(name = 'live/_definst_'): AppInstance | undefined {
    return [...this.registry.instances].find(({ fullName }) => fullName === name);
  }

  /** Records of trouble: warnings and errors. */
  get trouble(): LogRecord[] {
    return this.log.filter(({ level }) => level === 'warn' || level === 'error');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer[Symbol.asyncDispose]()));
    await this.adaptor.close('the test is over');
    assert.equal(this.sessionCount, 0, 'sessions were left behind');
    const logged = this.log.filter(({ kind }) => kind === 'bug');
    assert.equal(bugs.count, this.#bugsBefore, `bugs: ${JSON.stringify(logged, undefined, 1)}`);
  }
}

// ── the script ───────────────────────────────────────────────────────────────────────────────────────────────────

export class PuppetScripts implements Scripts {
  readonly opened: PuppetScript[] = [];
  /** Applications whose scripts may take no more memory. */
  readonly full = new Set<string>();
  /** Run on every script that is opened, before the instance has it. */
  prepare: (script: PuppetScript) => void = () => {};
  readonly #scripted: boolean;

  constructor(scripted: boolean) {
    this.#scripted = scripted;
  }

  pardon(): void {}

  hasRoomFor(application: string, isReplacing: boolean): boolean {
    return isReplacing || !this.full.has(application);
  }

  open(application: string, instance: string, commands: ScriptCommands): InstanceScript | undefined {
    if (!this.#scripted) return undefined;
    const script = new PuppetScript(`${application}/${instance}`, commands);
    this.prepare(script);
    this.opened.push(script);
    return script;
  }
}

export interface Asked {
  readonly id: number;
  readonly question: GateQuestion;
  readonly answer: (verdict: Verdict) => void;
  isDropped: boolean;
}

export interface Invoked {
  clientId: string;
  name: string;
  args: AmfValue[];
  wantsResult: boolean;
  answer: (result: InvokeResult) => void;
}

/** Accepts everything and has no methods until it is told otherwise. Its answers come in a later turn, as the real one's. */
export class PuppetScript implements InstanceScript {
  readonly instance: string;
  /** What the script may do to its instance. */
  readonly commands: ScriptCommands;
  started: Promise<void> = Promise.resolve();
  /** `undefined`: the test answers by itself, through `asked`. */
  decide: (question: GateQuestion) => Verdict | undefined = () => ({ accepted: true });
  /** `undefined`: the test answers by itself, through `invoked`. */
  method: (call: Invoked) => InvokeResult | undefined = () => ({ found: false });
  maySleep = true;
  readonly asked: Asked[] = [];
  readonly notices: Notice[] = [];
  readonly invoked: Invoked[] = [];
  readonly callResults: { responder: number; ok: boolean; value: AmfValue }[] = [];
  readonly stops: string[] = [];
  /** It has too much to do, until it rests. */
  busy: LimitName | undefined;
  readonly waiting = new Set<() => void>();
  isClosed = false;

  constructor(instance: string, commands: ScriptCommands) {
    this.instance = instance;
    this.commands = commands;
  }

  ask(question: GateQuestion, answer: (verdict: Verdict) => void): OpenGate {
    const asked: Asked = { id: this.asked.length + 1, question, answer, isDropped: false };
    this.asked.push(asked);
    const verdict = this.decide(question);
    if (verdict) setImmediate(() => asked.isDropped || answer(verdict));
    return {
      id: asked.id,
      drop: () => {
        asked.isDropped = true;
      },
    };
  }

  /** The newest question of that gate, as soon as it has been asked. */
  async question(gate: GateQuestion['gate']): Promise<Asked> {
    const find = () => this.asked.findLast(({ question }) => question.gate === gate);
    await until(`a question of ${gate}`, () => find() !== undefined);
    return find()!;
  }

  tell(notice: Notice): void {
    this.notices.push(structuredClone(notice));
  }

  /** What was told of these events, in order. */
  told<E extends Notice['event']>(...events: E[]): Extract<Notice, { event: E }>[] {
    const wanted: readonly string[] = events;
    return this.notices.filter(({ event }) => wanted.includes(event)) as Extract<Notice, { event: E }>[];
  }

  invoke(
    clientId: string,
    name: string,
    args: AmfValue[],
    wantsResult: boolean,
    answer: (result: InvokeResult) => void,
  ): void {
    const call = { clientId, name, args, wantsResult, answer };
    this.invoked.push(call);
    const result = this.method(call);
    if (result) setImmediate(() => answer(result));
  }

  busyWith(): LimitName | undefined {
    return this.busy;
  }

  whenIdle(_clientId: string, call: () => void): () => void {
    this.waiting.add(call);
    return () => this.waiting.delete(call);
  }

  /** What it has is dealt with. */
  rest(): void {
    this.busy = undefined;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const call of waiting) call();
  }

  callResult(responder: number, ok: boolean, value: AmfValue): void {
    this.callResults.push({ responder, ok, value });
  }

  async settle(): Promise<void> {}

  async stop(reason: 'Application.GC' | 'Application.Shutdown'): Promise<boolean> {
    this.stops.push(reason);
    return this.maySleep;
  }

  stats(): ScriptStats {
    const { length } = this.asked;
    return { open: 0, mostOpen: Math.min(1, length), answered: length, answerMs: 0, longestAnswerMs: 0 };
  }

  close(): void {
    this.isClosed = true;
  }
}

// ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────

export class PuppetRecording implements Recording {
  file = {
    ...{ path: '/recordings/show.flv', name: 'show', place: 'streams/_definst_/show.flv' },
    ...{ sizeBytes: 0, lengthMs: 0 },
  };
  readonly request: RecordRequest;
  readonly events: RecordEvents;
  readonly taken: WireMessage[] = [];
  isClosed = false;
  readonly finished: Promise<void>;
  /** Everything is on the disk; `close` does it unless it `isSlow`. */
  readonly finish: () => void;
  isSlow = false;

  constructor(request: RecordRequest, events: RecordEvents) {
    this.request = request;
    this.events = events;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.finish = resolve;
  }
  take(batch: readonly WireMessage[]): void {
    this.taken.push(...batch);
  }
  unpublished(): void {}
  async flush(): Promise<void> {}
  close(): void {
    this.isClosed = true;
    if (!this.isSlow) this.finish();
  }
}

export class PuppetRecorders implements Recorders {
  readonly opened: PuppetRecording[] = [];
  readonly cleared: string[] = [];
  /** Thrown instead of opening. */
  refusal: Error | undefined;
  onOpen = () => {};

  open(request: RecordRequest, events: RecordEvents): Recording {
    if (this.refusal) throw this.refusal;
    this.onOpen();
    const recording = new PuppetRecording(request, events);
    this.opened.push(recording);
    return recording;
  }
  async clear(stream: StreamFile): Promise<boolean> {
    this.cleared.push(stream.stream);
    return true;
  }
  async flush(): Promise<boolean> {
    return true;
  }
}
