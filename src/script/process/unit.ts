// One isolate in the runner: one version of the script of one instance. Events go out in batches, one frame a tick;
// commands come in, checked, and are acted upon, held or dropped as its instance says.
import type { IsolateMeter } from '../../application/accounts/script-metrics.ts';
import type { ScriptLimits } from '../../config/schema/script-limits.ts';
import { DecodeError } from '../../errors.ts';
import { type Command, parseCommands, type SavedState } from '../commands/commands.ts';
import type { Debugger, DebuggerLine } from '../inspect/inspector.ts';
import { Errands, type ErrandsOptions } from '../services/services.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';
import type { EventToScript } from '../wire/event-frames.ts';
import { decodeBody, encodeBytes, encodeFrame, encodeLoad, encodeTaken } from '../wire/frames.ts';
import { type DeadBody, type FailedBody, FrameType, type LoadBody, MAX_UNTAKEN_BYTES } from '../wire/wire.ts';
import type { Lane, LaneOptions, Waiting } from './lanes.ts';
import { parseUsage } from './usage.ts';

/** Of a version that is not committed yet; its turns are bounded, its patience is not. */
const MAX_HELD_COMMANDS = 20_000;

/** Why a unit is no more, or never came to be. */
export class UnitEnd extends Error {
  /**
   * `failed`: the script did not load, or not in time. `unready`: its onAppStart failed, as it has said itself. `dead`: its
   * isolate ended. `runner`: the runner ended, or did not keep up. `expelled`: its application took too much of the runner.
   * `dropped`: we did not want it any more.
   */
  readonly reason: 'failed' | 'unready' | 'dead' | 'runner' | 'expelled' | 'dropped';
  /** As the runner gave it. */
  readonly scriptStack: string;
  /** Of an ErrorRecord. */
  readonly code: string | undefined;

  constructor(reason: UnitEnd['reason'], message: string, code?: string, scriptStack = '') {
    super(message);
    this.reason = reason;
    this.code = code;
    this.scriptStack = scriptStack;
  }

  /** Its script is to blame. */
  get isOwnFault(): boolean {
    return this.reason === 'failed' || this.reason === 'unready' || this.reason === 'dead';
  }
}

export interface UnitOptions {
  id: number;
  build: ScriptBuild;
  /** At once. */
  send(frames: Buffer): void;
  /** For what goes in order, when it is its turn. */
  openLane(options: LaneOptions): Lane;
  /** In order; not while they are held. Reports (`log`, `error`) are never held. */
  onCommand(unit: Unit, command: Command): void;
  onRefusedCommand(unit: Unit, error: DecodeError): void;
  /** An event too large for a frame: the script never gets it. */
  onUndeliverable(event: EventToScript): void;
  /** Of what waits for it, something has gone to the runner. */
  onSent(): void;
  /** It ended by itself, or with its runner. Not after `dispose`. */
  onEnd(unit: Unit, end: UnitEnd): void;
  meter: IsolateMeter;
  /** For whom it asks. */
  errands: Omit<ErrandsOptions, 'answer'>;
  /** However it ended: its id is free. */
  onGone(id: number): void;
}

/** What an instance says of its units; the rest is the host's. */
export type UnitOfInstance = Omit<UnitOptions, 'id' | 'send' | 'openLane' | 'onGone' | 'errands' | 'meter'>;

interface Asked<T> {
  resolve(value: T): void;
  reject(end: UnitEnd): void;
}

/** What a unit is loaded with, beside its script. */
export interface UnitBody extends Omit<LoadBody, 'script' | 'limits'> {
  limits: ScriptLimits;
}

export class Unit {
  readonly id: number;
  readonly build: ScriptBuild;
  readonly #options: UnitOptions;
  readonly #errands: Errands;
  #heapBytes: number | undefined;
  #activity = 0;
  #answers = 0;
  readonly #lane: Lane;
  #limits: ScriptLimits | undefined;
  /** Of commands, since the runner was last told. */
  #takenBytes = 0;
  /** Until `release`. */
  #held: Command[] | undefined = [];
  /** It has given its state away: what it asks for now may be for nobody. */
  #hasSaved = false;
  #end: UnitEnd | undefined;
  #loading: Asked<void> | undefined;
  #debugger: Debugger | undefined;
  /** One after the other. */
  #ticks: Promise<number> = Promise.resolve(0);
  #tick: { untilMs: number; resolve(nowMs: number): void } | undefined;
  readonly #starting = new Map<number, Asked<boolean>>();
  readonly #saving = new Map<number, Asked<SavedState>>();

  constructor(options: UnitOptions) {
    this.id = options.id;
    this.build = options.build;
    this.#options = options;
    this.#lane = options.openLane({
      unit: options.id,
      onTooLong: (event) => this.#undeliverable(event),
      onSent: options.onSent,
    });
    this.#errands = new Errands({
      ...options.errands,
      answer: (id, answer) => {
        this.#answers += 1;
        this.post({ t: 'answer', id, ...answer });
      },
    });
  }

  /** Undefined as long as it lives. */
  get end(): UnitEnd | undefined {
    return this.#end;
  }

  get isLoading(): boolean {
    return this.#loading !== undefined;
  }

  /** Of its script, as the runner has told it last; undefined: not yet. */
  get heapBytes(): number | undefined {
    return this.#heapBytes;
  }

  /** Rejects with UnitEnd. */
  load(script: Buffer, body: UnitBody): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#loading = { resolve, reject };
      this.#limits = body.limits;
      this.#lane.postFrame(encodeLoad(this.id, body, script));
    });
  }

  /** Those that it was loaded with; undefined: it has not been loaded. */
  get limits(): ScriptLimits | undefined {
    return this.#limits;
  }

  /** Events that the runner has not got yet. */
  get waiting(): Waiting {
    return this.#lane.waiting;
  }

  /** Gives the first event; resolves with what became of onAppStart. */
  start(event: EventToScript & { t: 'start' }): Promise<boolean> {
    return this.#request(this.#starting, event);
  }

  save(event: EventToScript & { t: 'save' }): Promise<SavedState> {
    return this.#request(this.#saving, event);
  }

  #request<T>(waiting: Map<number, Asked<T>>, event: EventToScript & { id: number }): Promise<T> {
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      waiting.set(event.id, { resolve, reject });
      this.post(event);
    });
  }

  post(event: EventToScript): void {
    if (this.#end) return;
    this.#activity += 1;
    this.#lane.post(event);
  }

  /** Its turns have dealt with so much of its events. Throws a DecodeError if it never had as much. */
  eventsTaken(bytes: number): void {
    if (!this.#lane.taken(bytes))
      throw new DecodeError('ERR_SCRIPT_FRAME', `${bytes} bytes of events that were never sent`);
  }

  #undeliverable(event: EventToScript): void {
    if (this.#end) return;
    if (event.t !== 'start') this.#options.onUndeliverable(event);
    else
      this.#starting
        .get(event.id)
        ?.reject(new UnitEnd('failed', 'what the old version saved is too large to hand over'));
  }

  /**
   * Of one whose time is held (LoadBody.heldMs): what it has to do is done, then its time moves on to the next timer, at most
   * until then, and what falls due is done. Resolves with where it stands; when it has ended, with where it was to go.
   */
  tick(untilMs: number): Promise<number> {
    this.#ticks = this.#ticks.then(() => this.#tickOnce(untilMs));
    return this.#ticks;
  }

  #tickOnce(untilMs: number): Promise<number> {
    if (this.#end) return Promise.resolve(untilMs);
    return new Promise((resolve) => {
      this.#tick = { untilMs, resolve };
      this.#lane.postFrame(encodeFrame(FrameType.Tick, this.id, { untilMs }));
    });
  }

  /** Another number whenever something has been said by or to it. */
  get activity(): number {
    return this.#activity;
  }

  #ticked(nowMs: number): void {
    this.#tick?.resolve(nowMs);
    this.#tick = undefined;
  }

  /** How much it has asked for and not got yet, but of services of these names. */
  openErrands(except: readonly string[]): number {
    return this.#errands.openCount(except);
  }

  /** How many answers it has been given. */
  get answers(): number {
    return this.#answers;
  }

  /** Resolves when nothing is left of that, or the unit has ended. */
  async errandsDone(except: readonly string[]): Promise<void> {
    while (!this.#end && this.openErrands(except) > 0) await this.#errands.answered();
  }

  /** From now on commands wait for `release`, or are never acted upon. */
  hold(): void {
    this.#held ??= [];
  }

  /** Acts upon what was held, in order, and on what comes from now on. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#hasSaved = false;
    this.#errands.serve();
    for (const command of held) {
      if (this.#end) return;
      this.#obey(command);
    }
  }

  /** Its isolate goes. What it still says is not heard. */
  dispose(): void {
    if (this.#end) return;
    this.#finish(new UnitEnd('dropped', 'this version is not wanted any more'));
    this.#options.send(encodeFrame(FrameType.Unload, this.id));
  }

  /** Its isolate ends for the good of others; whoever has it hears why. */
  expel(message: string): void {
    if (this.#end) return;
    this.#options.send(encodeFrame(FrameType.Unload, this.id));
    this.ended(new UnitEnd('expelled', message, 'memoryShare'));
  }

  /** One at a time. */
  attach(debug: Debugger): DebuggerLine | undefined {
    if (this.#end || this.#debugger) return undefined;
    this.#debugger = debug;
    this.#options.send(encodeFrame(FrameType.Attach, this.id));
    return {
      send: (message) => {
        if (this.#debugger === debug)
          this.#options.send(encodeBytes(FrameType.ToScript, this.id, Buffer.from(message)));
      },
      detach: () => {
        if (this.#debugger === debug) this.#detach();
      },
    };
  }

  #detach(): void {
    this.#debugger = undefined;
    this.#options.send(encodeFrame(FrameType.Detach, this.id));
  }

  /** The debugger is told to leave, if there is one. */
  endDebugging(why: string): void {
    const debug = this.#debugger;
    if (!debug) return;
    this.#detach();
    debug.ended(why);
  }

  /** A frame of this unit from the runner. Between two commands there is time for others. */
  *receive(type: number, body: Buffer): Generator<void, void, void> {
    if (this.#end) return;
    switch (type) {
      case FrameType.Loaded:
        this.#heapBytes = numberOf(body, 'heapBytes') || undefined;
        this.#loading?.resolve();
        this.#loading = undefined;
        return;
      case FrameType.Commands:
        this.#activity += 1;
        for (const command of parseCommands(body.toString('utf8'))) {
          if (this.#end) return;
          if (command instanceof DecodeError) this.#options.onRefusedCommand(this, command);
          else this.#accept(command);
          yield;
        }
        this.#took(body.length);
        return;
      case FrameType.Usage:
        this.#used(body);
        return;
      case FrameType.ToDebugger:
        this.#debugger?.said(body.toString('utf8'));
        return;
      case FrameType.Detached:
        this.endDebugging(textOf(body, 'message'));
        return;
      case FrameType.Ticked:
        this.#ticked(numberOf(body, 'nowMs'));
        return;
      case FrameType.Failed:
        this.ended(readEnd('failed', body));
        return;
      case FrameType.Dead:
        this.ended(readEnd('dead', body));
    }
  }

  #used(body: Buffer): void {
    try {
      const usage = parseUsage(body);
      this.#heapBytes = usage.heapBytes ?? this.#heapBytes;
      this.#options.meter.used(usage);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#options.onRefusedCommand(this, error);
    }
  }

  /** The runner keeps a unit from taking turns when too much of what it has said is unread. */
  #took(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < MAX_UNTAKEN_BYTES / 4 || this.#end) return;
    this.#options.send(encodeTaken(FrameType.Taken, this.id, this.#takenBytes));
    this.#takenBytes = 0;
  }

  #accept(command: Command): void {
    // it has not loaded, and will not
    if (this.isLoading && command.op !== 'log') return;
    switch (command.op) {
      case 'ready':
        settle(this.#starting, command.id, command.ok);
        return;
      case 'saved':
        // What it says after it has given its state away counts only if it stays after all.
        if (settle(this.#saving, command.id, command)) {
          this.#hasSaved = true;
          this.hold();
        }
        return;
      case 'ask':
        // A script may want an answer before it is ready.
        if (!this.#hasSaved && !(this.#held && this.#errands.waitsUntilServing(command.service)))
          this.#obey(command);
        else this.#hold(command);
        return;
      case 'unask':
        if (!this.#hasSaved) this.#obey(command);
        else this.#hold(command);
        return;
      case 'log':
      case 'error':
        this.#options.onCommand(this, command);
        return;
      default:
        if (!this.#held) this.#obey(command);
        else this.#hold(command);
    }
  }

  #obey(command: Command): void {
    if (command.op === 'ask') this.#errands.ask(command.id, command.service, command.request);
    else if (command.op === 'unask') this.#errands.giveUp(command.id);
    else this.#options.onCommand(this, command);
  }

  #hold(command: Command): void {
    this.#held ??= [];
    if (this.#held.push(command) <= MAX_HELD_COMMANDS) return;
    this.ended(
      new UnitEnd('failed', `more than ${MAX_HELD_COMMANDS} commands while it was being started`, 'commands'),
    );
    this.#options.send(encodeFrame(FrameType.Unload, this.id));
  }

  ended(end: UnitEnd): void {
    if (this.#end) return;
    this.#finish(end);
    this.#options.onEnd(this, end);
  }

  #finish(end: UnitEnd): void {
    this.endDebugging(end.message);
    this.#end = end;
    this.#lane.close();
    this.#held = [];
    this.#errands.close();
    this.#loading?.reject(end);
    this.#loading = undefined;
    for (const waiting of [...this.#starting.values(), ...this.#saving.values()]) waiting.reject(end);
    this.#starting.clear();
    this.#saving.clear();
    this.#options.meter.gone();
    if (this.#tick) this.#ticked(this.#tick.untilMs);
    this.#options.onGone(this.id);
  }
}

function settle<T>(requests: Map<number, Asked<T>>, id: number, value: T): boolean {
  requests.get(id)?.resolve(value);
  return requests.delete(id);
}

/** Of a Failed or Dead frame. */
function readEnd(reason: 'failed' | 'dead', body: Buffer): UnitEnd {
  const message = textOf(body, 'message') || textOf(body, 'kind') || 'no reason given';
  const kind = textOf(body, 'kind');
  const code = Object.hasOwn(CODES, kind) ? CODES[kind] : undefined;
  return new UnitEnd(reason, message, code, textOf(body, 'stack'));
}

/** By the kinds of a FailedBody or DeadBody. */
const CODES: Readonly<Record<string, string>> = {
  syntax: 'SyntaxError',
  timeout: 'loadMs',
  timeouts: 'turnMs',
  memory: 'memoryMb',
  catastrophic: 'memoryMb',
  stuck: 'stuck',
  malformed: 'malformed',
} satisfies Partial<Record<FailedBody['kind'] | DeadBody['kind'], string>>;

/** Of a body that is a JSON object; what is no number is 0. */
function numberOf(body: Buffer, key: string): number {
  const parsed = decodeBody(body);
  const value = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, key) : undefined;
  return typeof value === 'number' && value >= 0 ? value : 0;
}

/** Of a body that is a JSON object; what is no text is empty. */
function textOf(body: Buffer, key: string): string {
  const parsed = decodeBody(body);
  const value = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, key) : undefined;
  return typeof value === 'string' ? value.slice(0, 32_768) : '';
}
