// The script of one application instance: which version of it runs, and how the next one takes over.
//
// A version is loaded beside the one that serves. Then the post is parked, the old one gives its state away, the new one
// starts with it; only when its onAppStart has gone well does it serve, and only then do its commands take effect. If
// anything fails on the way, the old one goes on as if nothing had been tried. Clients and streams belong to the
// instance and know nothing of this.

import type { ScriptMetrics } from '../../application/accounts/script-metrics.ts';
import type {
  GateName,
  GateQuestion,
  InstanceScript,
  InvokeResult,
  Notice,
  OpenGate,
  ScriptCommands,
  ScriptStats,
  Verdict,
} from '../../application/contract/script.ts';
import { atMost, type Clock } from '../../clock.ts';
import type { ScriptLimits } from '../../config/schema/script-limits.ts';
import { type DecodeError, ScriptError } from '../../errors.ts';
import type { LimitName } from '../../log/limits.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { type Command, isForInstance } from '../commands/commands.ts';
import { IDS_PER_VERSION, splitKey, withIds, withKeys } from '../commands/keys.ts';
import type { Debugger, DebuggerLine } from '../inspect/inspector.ts';
import type { Journal } from '../journal/journal.ts';
import type { Strikes } from '../journal/strikes.ts';
import { type Unit, type UnitBody, UnitEnd, type UnitOfInstance } from '../process/unit.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';
import { within } from './deadline.ts';
import { HandOver } from './hand-over.ts';
import { type ExpiredGate, type GateFailure, type LateCall, Mailbox } from './mailbox.ts';

/** onAppStart, its promise included. Beyond it a reload has failed; clients wait this long at most. */
export const START_DEADLINE_MS = 5000;
/** The runner ends a load by itself (`loadMs`); this much later it must have said so. */
const LOAD_GRACE_MS = 3000;
/** What the old version has queued may still be traced; then its isolate goes. */
const OLD_VERSION_MS = 1000;

/** Jobs may go on for as long as they like: only a handler that waits for one is waited for. */
const LASTING_SERVICES = ['exec'];

const State = {
  /** No version has served yet. */
  Starting: 'starting',
  Serving: 'serving',
  /** The version that served has ended; another try is on or will be. */
  Restarting: 'restarting',
  /** Until its files change. */
  Stopped: 'stopped',
  Closed: 'closed',
} as const;
type State = (typeof State)[keyof typeof State];

type Why = 'start' | 'reload' | 'restored';

/** Numbers that all who serve an instance share, so that an answer finds the one that asked. */
export interface Counters {
  nextId(): number;
  nextVersion(): number;
}

export interface InstanceScriptOptions {
  /** `live/_definst_` */
  name: string;
  commands: ScriptCommands;
  journal: Journal;
  metrics: ScriptMetrics;
  strikes: Strikes;
  clock: Clock;
  counters: Counters;
  gateDeadlineMs: number;
  /** Of what waits, until a version serves. */
  limits: Pick<ScriptLimits, 'queuedEvents' | 'queuedBytes'>;
  /** Undefined: a call may stay open for ever. */
  callDeadlineMs: number | undefined;
  gateFailure: GateFailure;
  /** What a version is loaded with. `script`: the JSON of a ScriptText. */
  settings(build: ScriptBuild): Omit<UnitBody, 'instance'> & { script: Buffer };
  /** The versions to begin with, best first: the newest that bundles, the last that has served elsewhere. */
  candidates(): ScriptBuild[];
  isRunnerUp(): boolean;
  /** A call was refused: so much waits for the script, or for its answer. */
  onFull(limit: LimitName): void;
  /** False: the scripts of its application take so much memory by now that this one is not to be started. */
  hasRoom(): boolean;
  /** Awaited before a script is loaded; what it gives is called afterwards. */
  mayLoad(): Promise<() => void>;
  openUnit(options: UnitOfInstance): Unit;
  /** That version could not be started here. */
  onRefused(build: ScriptBuild): void;
  /** That version serves here. */
  onServing(build: ScriptBuild): void;
  onBug(error: unknown, where: string): void;
  /** A stream has ended. */
  onUnpublish(stream: string): void;
}

export class InstanceScriptHost implements InstanceScript {
  readonly started: Promise<void>;
  readonly #options: InstanceScriptOptions;
  readonly #mailbox: Mailbox;
  readonly #handOver: HandOver;
  #state: State = State.Starting;
  #current: Unit | undefined;
  #next: Unit | undefined;
  readonly #rehearsals = new Set<Unit>();
  /** The number of the one that serves, or has served last; 0: none has. */
  #version = 0;
  #lastServed: ScriptBuild | undefined;
  /** Wanted instead of the current one, since when. */
  #newest: { build: ScriptBuild; sinceMs: number } | undefined;
  /** Hashes of versions that could not be started here. */
  readonly #refused = new Set<string>();
  #isDriving = false;
  /** The version under way has said itself what went wrong. */
  #hasReported = false;
  /** The unit that has ended by its own doing, the last one. */
  #lastDead: number | undefined;
  #refusedCommands = 0;
  readonly #settleStarted: { resolve(): void; reject(error: ScriptError): void };
  readonly #cancelStartDeadline: () => void;

  constructor(options: InstanceScriptOptions) {
    this.#options = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // whoever waits for it hears of it; if nobody does, that is no accident
    this.started = promise;
    this.#settleStarted = { resolve, reject };
    this.#mailbox = new Mailbox({
      clock: options.clock,
      nextId: options.counters.nextId,
      gateDeadlineMs: options.gateDeadlineMs,
      limits: options.limits,
      callDeadlineMs: options.callDeadlineMs,
      gateFailure: options.gateFailure,
      onFull: options.onFull,
      metrics: options.metrics,
      onExpired: (expired) => this.#gateExpired(expired),
      onLateCall: (late) => this.#callExpired(late),
      onBug: (error) => options.onBug(error, 'an answer of a script'),
    });
    this.#handOver = new HandOver({
      clock: options.clock,
      nextId: options.counters.nextId,
      journal: options.journal,
      commands: options.commands,
      mailbox: this.#mailbox,
    });
    this.#cancelStartDeadline = options.clock.after(options.gateDeadlineMs, () => {
      if (this.#state !== State.Starting) return;
      options.journal.warn('the script did not start in time');
      this.#fail('it did not start in time');
    });
  }

  /** The version that does; undefined: none, at the moment. */
  get serving(): ScriptBuild | undefined {
    return this.#current?.build;
  }

  /** To the version that serves. */
  attach(debug: Debugger): DebuggerLine | undefined {
    return this.#current?.attach(debug);
  }

  /** Commands that could not be read, so far. */
  get refusedCommands(): number {
    return this.#refusedCommands;
  }

  // ── the instance's side ────────────────────────────────────────────────────────────────────────────────────────

  ask(question: GateQuestion, answer: (verdict: Verdict) => void): OpenGate {
    return this.#mailbox.ask(question, answer);
  }

  tell(notice: Notice): void {
    if (notice.event === 'forgotten') {
      for (const one of notice.connections) this.#options.journal.forgotten(one);
      return;
    }
    const own = withIds(notice);
    if (own) {
      if (this.#current && own.version === this.#version) this.#mailbox.tell(own.notice, this.#current);
      return;
    }
    if (notice.event === 'disconnect') this.#handOver.kept.delete(notice.client);
    this.#mailbox.tell(notice);
    if (notice.event === 'unpublish') this.#options.onUnpublish(notice.stream);
  }

  invoke(
    clientId: string,
    name: string,
    args: AmfValue[],
    wantsResult: boolean,
    answer: (result: InvokeResult) => void,
  ): void {
    this.#mailbox.invoke(clientId, name, args, wantsResult, answer);
  }

  busyWith(): LimitName | undefined {
    return this.#mailbox.busyWith();
  }

  whenIdle(_clientId: string, call: () => void): () => void {
    return this.#mailbox.whenIdle(call);
  }

  callResult(responder: number, ok: boolean, value: AmfValue): void {
    const { version, id } = splitKey(responder);
    if (!this.#current || version !== this.#version) return;
    this.#mailbox.callResult(this.#current, id, ok, value);
  }

  async settle(ms: number): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.now() + ms;
    for (let leftMs = ms; leftMs > 0; leftMs = untilMs - clock.now()) {
      const unit = this.#current;
      const answers = unit?.answers;
      await this.#mailbox.settle(leftMs);
      if (!unit || unit.end) return;
      const isDone = unit.openErrands(LASTING_SERVICES) === 0;
      // An answer on its way may lead to the next question.
      if (isDone && unit.answers === answers) return;
      await atMost(clock, untilMs - clock.now(), unit.errandsDone(LASTING_SERVICES));
    }
  }

  stop(reason: 'Application.GC' | 'Application.Shutdown'): Promise<boolean> {
    return this.#mailbox.stop(reason);
  }

  stats(): ScriptStats {
    return this.#mailbox.stats;
  }

  close(): void {
    if (this.#state === State.Closed) return;
    this.#state = State.Closed;
    this.#disown();
    this.#cancelStartDeadline();
    this.#mailbox.close();
    for (const unit of [...this.#rehearsals, this.#next, this.#current]) unit?.dispose();
    this.#next = undefined;
    this.#current = undefined;
    this.#settleStarted.reject(
      new ScriptError('ERR_SCRIPT_CLOSED', `the script of ${this.#options.name} was closed`),
    );
  }

  // ── the host's side ────────────────────────────────────────────────────────────────────────────────────────────

  /** The files as they are now have been looked at: begin. */
  begin(): void {
    void this.#drive();
  }

  /** There is a new version. */
  reload(build: ScriptBuild): void {
    if (this.#state === State.Closed) return;
    this.#newest = { build, sinceMs: this.#options.clock.now() };
    this.#refused.delete(build.hash);
    if (this.#next?.isLoading && this.#next.build.hash !== build.hash) this.#next.dispose();
    if (this.#state === State.Stopped) {
      this.#state = this.#version > 0 ? State.Restarting : State.Starting;
      this.#mailbox.reopen();
    }
    void this.#drive();
  }

  runnerUp(): void {
    void this.#drive();
  }

  /** All units are gone. `culprit`: the unit whose turn may have been the cause. */
  runnerDown(how: string, culprit: number | undefined): void {
    const own = [this.#next?.id, this.#current?.id, this.#lastDead];
    if (culprit !== undefined && own.includes(culprit)) this.#options.strikes.addRunner();
    for (const unit of [...this.#rehearsals, this.#next, this.#current]) {
      if (unit?.id !== culprit) unit?.ended(new UnitEnd('runner', how));
      else
        unit?.ended(
          new UnitEnd('dead', `the script runner ended during a turn of this script: ${how}`, 'process'),
        );
    }
  }

  // ── versions ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Brings up what is wanted until what is wanted serves, or nothing more can be done. */
  async #drive(): Promise<void> {
    if (this.#isDriving) return;
    this.#isDriving = true;
    try {
      for (let build = this.#wanted(); build; build = this.#wanted()) await this.#bringUp(build);
    } catch (error) {
      this.#options.onBug(error, 'bringing up a script');
      this.#fail('an unexpected error');
    } finally {
      this.#isDriving = false;
    }
  }

  #wanted(): ScriptBuild | undefined {
    const { strikes, isRunnerUp, candidates } = this.#options;
    if (this.#state === State.Closed || this.#state === State.Stopped) return undefined;
    const newest = this.#newest?.build;
    if (this.#state === State.Serving) {
      const isNew = newest !== undefined && newest.hash !== this.#current!.build.hash;
      return isNew && !this.#refused.has(newest.hash) && isRunnerUp() ? newest : undefined;
    }
    const { verdict } = strikes;
    if (verdict !== undefined) {
      this.#fail(verdict);
      return undefined;
    }
    const builds = [newest, ...candidates(), this.#lastServed];
    const build = builds.find((known) => known !== undefined && !this.#refused.has(known.hash));
    if (!build) this.#fail('no version of it can be started');
    return build && isRunnerUp() ? build : undefined;
  }

  /** Loads that version and drops it again. Why it did not load is in the log. */
  async rehearse(build: ScriptBuild): Promise<'good' | 'bad' | 'interrupted'> {
    const hasLoaded = await this.#options.mayLoad();
    if (this.#state === State.Closed || !this.#options.isRunnerUp()) {
      hasLoaded();
      return 'interrupted';
    }
    const unit = this.#open(build);
    this.#rehearsals.add(unit);
    try {
      await this.#load(unit).finally(hasLoaded);
      return 'good';
    } catch (error) {
      if (!(error instanceof UnitEnd)) throw error;
      if (!error.isOwnFault) return 'interrupted';
      this.#reportEnd(unit, error);
      this.#options.onRefused(build);
      this.#options.journal.reloadFailed();
      return 'bad';
    } finally {
      this.#rehearsals.delete(unit);
      unit.dispose();
    }
  }

  #open(build: ScriptBuild): Unit {
    return this.#options.openUnit({
      build,
      onCommand: (from, command) => this.#command(from, command),
      onRefusedCommand: (_, error) => this.#commandRefused(error),
      onUndeliverable: (event) => this.#mailbox.undeliverable(event),
      onSent: () => this.#mailbox.moved(),
      onEnd: (from, end) => this.#unitEnded(from, end),
    });
  }

  async #load(unit: Unit): Promise<void> {
    const { name, settings, clock } = this.#options;
    const { script, ...body } = settings(unit.build);
    const loading = unit.load(script, { instance: name, ...body });
    // The runner has limits of its own for what the script does.
    const late = new UnitEnd('runner', 'the script process did not load the script in time');
    await within(clock, body.limits.loadMs + LOAD_GRACE_MS, late, loading);
  }

  async #bringUp(build: ScriptBuild): Promise<void> {
    const hasLoaded = await this.#options.mayLoad();
    // Meanwhile there may be a newer one, or none may be wanted any more.
    if (this.#wanted()?.hash !== build.hash) {
      hasLoaded();
      return;
    }
    if (this.#version === 0 && !this.#options.hasRoom()) {
      hasLoaded();
      this.#fail('the scripts of its application take too much memory');
      return;
    }
    const unit = this.#open(build);
    this.#next = unit;
    this.#hasReported = false;
    try {
      await this.#load(unit).finally(hasLoaded);
      await this.#start(unit);
      if (unit.end) throw unit.end;
      this.#commit(unit);
    } catch (error) {
      if (!(error instanceof UnitEnd)) throw error;
      this.#refuse(unit, error);
    }
  }

  async #start(unit: Unit): Promise<void> {
    const saved = this.#current && (await this.#handOver.save(this.#current));
    const why: Why = this.#current ? 'reload' : this.#version > 0 ? 'restored' : 'start';
    const snapshot = this.#handOver.snapshot(saved);
    const state = saved?.state;
    const id = this.#options.counters.nextId();
    const start = unit.start({ t: 'start', id, why, ...(state === undefined ? {} : { state }), snapshot });
    const text = `onAppStart did not finish within ${START_DEADLINE_MS / 1000} s`;
    const late = new UnitEnd('failed', text, 'startMs');
    const ok = await within(this.#options.clock, START_DEADLINE_MS, late, start);
    if (!ok) throw new UnitEnd('unready', 'onAppStart failed');
  }

  #commit(unit: Unit): void {
    const { clock, journal, onServing } = this.#options;
    const old = this.#current;
    const wasStarting = this.#version === 0;
    this.#current = unit;
    this.#next = undefined;
    this.#disown();
    this.#version = this.#options.counters.nextVersion();
    this.#state = State.Serving;
    this.#handOver.done();
    old?.endDebugging('a new version serves');
    if (old) clock.after(OLD_VERSION_MS, () => old.dispose());
    this.#mailbox.resume(unit);
    unit.release();
    this.#lastServed = unit.build;
    onServing(unit.build);
    this.#cancelStartDeadline();
    this.#settleStarted.resolve();
    const sinceMs = this.#newest?.build === unit.build ? this.#newest.sinceMs : undefined;
    if (old && sinceMs !== undefined) journal.reloaded(Math.round(clock.now() - sinceMs));
    else if (!wasStarting) journal.restarted();
  }

  /** What the version that served has going on elsewhere is for the next one, or for nobody. */
  #disown(): void {
    const first = this.#version * IDS_PER_VERSION;
    if (this.#version > 0)
      this.#options.commands.obey({ op: 'outDisown', from: first, to: first + IDS_PER_VERSION });
  }

  /** That version does not come up: say why, and let the one that served go on. */
  #refuse(unit: Unit, end: UnitEnd): void {
    const { journal, strikes, onRefused } = this.#options;
    unit.dispose();
    if (this.#next === unit) this.#next = undefined;
    if (this.#state === State.Closed) return;
    if (end.isOwnFault) {
      this.#refused.add(unit.build.hash);
      onRefused(unit.build);
      if (end.reason === 'dead') {
        this.#lastDead = unit.id;
        strikes.add();
      }
      if (end.reason !== 'unready' || !this.#hasReported) {
        this.#reportEnd(unit, end);
      }
      if (this.#current) journal.reloadFailed();
    }
    if (!this.#current) return;
    this.#handOver.failed();
    this.#mailbox.resume(this.#current);
    this.#current.release();
  }

  #reportEnd({ build }: Unit, { reason, message, code, scriptStack: stack }: UnitEnd): void {
    const kind = reason === 'dead' ? 'crash' : 'load';
    this.#options.journal.fault({ kind, message, code, stack }, build);
  }

  /** Its isolate, or the runner. */
  #unitEnded(unit: Unit, end: UnitEnd): void {
    if (unit !== this.#current) return; // whoever waits for the next one has been told
    const { journal, strikes } = this.#options;
    this.#handOver.park();
    this.#mailbox.crashed();
    this.#current = undefined;
    this.#mailbox.forsake(undefined);
    this.#state = State.Restarting;
    if (end.reason !== 'runner') {
      const { message, code, scriptStack: stack } = end;
      if (end.isOwnFault) journal.fault({ kind: 'crash', message, code, stack }, unit.build);
      else journal.note(message); // the server's log has one line for all of them
    }
    if (end.isOwnFault) {
      this.#lastDead = unit.id;
      strikes.add();
      this.#mailbox.giveUpGates(); // the cause may be among them: asked again, it would end the next one too
    }
    void this.#drive();
  }

  /** Nothing can be started; a change of the files may heal it. */
  #fail(why: string): void {
    const { name, journal } = this.#options;
    if (this.#state === State.Closed || this.#state === State.Stopped) return;
    const wasStarting = this.#state === State.Starting;
    this.#state = State.Stopped;
    this.#disown();
    this.#cancelStartDeadline();
    this.#next?.dispose();
    this.#current?.dispose();
    this.#current = undefined;
    this.#mailbox.shut();
    if (wasStarting) {
      // What went wrong has been told; a client that tries again and again need not fill the log.
      this.#settleStarted.reject(new ScriptError('ERR_SCRIPT_LOAD', `${name} failed to load: ${why}`));
    } else
      journal.warn(
        `the script is not running (${why}): everything is refused until its files change or it is reloaded`,
      );
  }

  // ── what scripts say ───────────────────────────────────────────────────────────────────────────────────────────

  #command(unit: Unit, command: Command): void {
    const { journal, commands, onBug } = this.#options;
    if (command.op === 'log') {
      journal.line(command.level, command.text);
      return;
    }
    if (command.op === 'error') {
      const isStarting = unit === this.#next;
      if (isStarting) this.#hasReported = true;
      journal.fault(isStarting ? { ...command, kind: 'load' } : command, unit.build);
      return;
    }
    if (unit !== this.#current) return;
    if (isForInstance(command)) {
      try {
        commands.obey(withKeys(command, this.#version));
      } catch (error) {
        onBug(error, `the script command ${command.op}`);
      }
    } else if (command.op === 'verdict') {
      const { op: _op, id, ...verdict } = command;
      this.#mailbox.verdict(unit, id, verdict);
    } else if (command.op === 'ret') {
      const { op: _op, id, ...result } = command;
      this.#mailbox.result(unit, id, result);
    } else if (command.op === 'cut') this.#mailbox.doubt(unit);
    else if (command.op === 'keep') {
      if (command.data === undefined || commands.hasClient(command.client))
        this.#handOver.kept.set(command.client, command.data);
    }
  }

  #commandRefused(error: DecodeError): void {
    this.#refusedCommands += 1;
    if (this.#refusedCommands === 1) this.#options.journal.warn(error.message);
  }

  #gateExpired({ gate, client, asked, accepted }: ExpiredGate): void {
    const { gateDeadlineMs, journal } = this.#options;
    const verdict = accepted ? 'accepted, by GateFailure' : 'refused';
    const message = `no verdict within ${seconds(gateDeadlineMs)}: ${verdict}. ${whyNot(gate, asked)}`;
    journal.fault({ kind: 'timeout', where: gate, message, code: 'gateMs', client }, asked?.build);
  }

  #callExpired({ name, client, ms, asked }: LateCall): void {
    const message = `no result within ${seconds(ms)}: the call has failed. The promise of the method has not settled`;
    const where = `client.${name.slice(0, 100)}`;
    this.#options.journal.fault({ kind: 'timeout', where, message, code: 'callMs', client }, asked?.build);
  }
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function whyNot(gate: GateName, asked: Unit | undefined): string {
  if (!asked) return 'The script was not running';
  const promise = 'The promise of the handler has not settled';
  return gate === 'onConnect'
    ? `${promise}, or it returned nothing and application.acceptConnection was not called`
    : promise;
}
