// One unit: an isolate, its mailbox, its timers, and at most one turn in flight.
import { randomBytes } from 'node:crypto';
import {
  type DeadBody,
  type FailedBody,
  type LoadBody,
  type LoadedBody,
  MAX_BATCH_EVENTS,
  MAX_COMMAND_CHARACTERS,
  MAX_COMMANDS,
  MAX_UNTAKEN_BYTES,
  RANDOM_POOL_BYTES,
  type RunnerCommand,
  type ScriptCommand,
  type UsageBody,
} from '../wire/wire.ts';
import { type ReadAnswer, readAnswer } from './answer.ts';
import type { CryptoTurns } from './crypto-turns.ts';
import { DebuggerSeat } from './debugger-seat.ts';
import { DroppedLines } from './dropped-lines.ts';
import type { EngineFault, Outcome, ScriptEngine, ScriptIsolate } from './engine.ts';
import { loadScript } from './load-script.ts';
import { type Batch, Mailbox } from './mailbox.ts';
import { UsageMeter } from './meter.ts';
import type { Runnable, Scheduler } from './scheduler.ts';
import { SubtleService } from './subtle.ts';
import { TestTime } from './test-time.ts';
import { machineTime } from './time.ts';
import { TimerQueue } from './timers.ts';
import { ToldFaults } from './told-faults.ts';
import { TurnLimits } from './turn-limits.ts';
import { inHandlersOf } from './turn-names.ts';

/** What an instance says to the outside. After `failed` and `dead` it says nothing more. */
export interface InstanceEvents {
  /** A turn, or loading, begins: if the process dies now, it was this one. */
  turnBegins(): void;
  turnEnds(): void;
  /** So many bytes of what was posted have been dealt with. */
  eventsTaken(bytes: number): void;
  loaded(body: LoadedBody): void;
  failed(body: FailedBody): void;
  /** A JSON array of commands. */
  commands(text: Buffer): void;
  dead(body: DeadBody): void;
  /** Its isolate cannot be stopped: the process has to be replaced. */
  recycle(message: string): void;
  /** To the debugger that is attached: texts of the DevTools protocol. */
  toDebugger(message: string): void;
  usage(body: UsageBody): void;
  /** Of held time: it has come so far, and there is nothing to do. */
  ticked(nowMs: number): void;
}

/** Held time is for tests: they are not to depend on how busy a machine is. What never ends, ends. */
const TIMES_IN_TESTS = 20;
/** Of one turn: the rest of the batch is for events. */
const MAX_DUE_TIMERS = MAX_BATCH_EVENTS / 4;

export class ScriptInstance implements Runnable {
  readonly #events: InstanceEvents;
  readonly #scheduler: Scheduler;
  readonly #load: LoadBody;
  readonly #mailbox: Mailbox;
  readonly #timers: TimerQueue;
  readonly #subtle: SubtleService;
  readonly #meter = new UsageMeter();
  /** Undefined: the machine's time counts. */
  readonly #testTime: TestTime | undefined;
  /** What loading and a turn may take. */
  readonly #loadMs: number;
  readonly #turnMs: number;
  #state: 'loading' | 'running' | 'gone' = 'loading';
  #isolate: ScriptIsolate | undefined;
  readonly #limits: TurnLimits;
  readonly #droppedLines = new DroppedLines((line) => this.#say([line]));
  readonly #faults = new ToldFaults();
  #randomLeft = RANDOM_POOL_BYTES;
  /** The guest has events of its own to run. */
  #hasMore = false;
  /** The last turn was cut in the middle of its promises, and the guest has not been told yet. */
  #wasCut = false;
  /** Of commands that the media side has not dealt with yet. */
  #untakenBytes = 0;
  /** onAppStart has as much time as loading. */
  #isFirstTurn = true;
  /** While it has a session, time limits rest, and so does the blame for a process that ends. */
  readonly #debugger = new DebuggerSeat(() => this.#debuggerHasLeft());
  #isInTurn = false;

  constructor(load: LoadBody, scheduler: Scheduler, cryptoTurns: CryptoTurns, events: InstanceEvents) {
    this.#load = load;
    this.#scheduler = scheduler;
    this.#events = events;
    this.#mailbox = new Mailbox();
    this.#limits = new TurnLimits({
      begins: () => events.turnBegins(),
      ends: () => events.turnEnds(),
      onStuck: (how) => this.#stuck(how),
    });
    this.#testTime =
      load.heldMs === undefined ? undefined : new TestTime(load.heldMs, (nowMs) => events.ticked(nowMs));
    const times = this.#testTime ? TIMES_IN_TESTS : 1;
    this.#loadMs = load.limits.loadMs * times;
    this.#turnMs = load.limits.turnMs * times;
    this.#timers = new TimerQueue(this.#testTime?.time ?? machineTime, load.limits.timers, () =>
      this.#wake(),
    );
    this.#subtle = new SubtleService({
      application: applicationOf(load.instance),
      turns: cryptoTurns,
      reply: (event) => {
        this.#mailbox.postOwn(event);
        this.#wake();
      },
    });
  }

  get isReady(): boolean {
    if (this.#state !== 'running' || this.#untakenBytes > MAX_UNTAKEN_BYTES || this.#debugger.isEnding)
      return false;
    return !this.#mailbox.isEmpty || this.#hasMore || this.#wasCut || this.#timers.hasDue;
  }

  post(batch: Batch): void {
    if (this.#state === 'gone') return;
    this.#mailbox.post(batch);
    this.#wake();
  }

  taken(bytes: number): void {
    this.#untakenBytes -= bytes;
    this.#wake();
  }

  /** Ends it without a word. */
  unload(): void {
    this.#end();
  }

  /** A turn that is under way ends within its limit, or by it; then its session opens. */
  attach(): void {
    if (this.#state !== 'running' || this.#debugger.isTaken || !this.#load.isInspectable) return;
    this.#debugger.take();
    if (!this.#isInTurn) this.#openSession();
  }

  #openSession(): void {
    this.#debugger.open(() => this.#isolate!.debug((message) => this.#events.toDebugger(message)));
  }

  fromDebugger(message: string): void {
    this.#debugger.send(message);
  }

  /** The limits hold again; what is under way has its time from now on. */
  detach(): void {
    const { isTaken, hasSession } = this.#debugger;
    if (!isTaken) return;
    if (hasSession) this.#limits.limitAgain(this.#turnMs, (message) => this.#die({ kind: 'stuck', message }));
    this.#debugger.leave();
  }

  #debuggerHasLeft(): void {
    if (!this.#isInTurn) this.#limits.sessionEnded();
    if (this.#state !== 'running') return;
    if (!this.#isInTurn) this.#openSession();
    this.#wake();
  }

  async load(engine: ScriptEngine): Promise<void> {
    const { limits } = this.#load;
    this.#limits.loadBegins(this.#loadMs);
    try {
      const isolate = await engine.openIsolate({
        memoryMb: limits.memoryMb,
        isInspectable: this.#load.isInspectable,
        onCatastrophe: (message) => this.#catastrophe(message),
      });
      if (this.#state === 'gone') {
        void isolate.dispose();
        return;
      }
      this.#isolate = isolate;
      await this.#run(isolate);
    } catch (error) {
      this.#fail({ kind: 'throw', message: `the isolate could not be set up: ${error}`, stack: '' });
    } finally {
      this.#limits.loadEnds();
    }
  }

  async #run(isolate: ScriptIsolate): Promise<void> {
    const loaded = await loadScript(isolate, this.#load, this.#loadMs);
    if (this.#state !== 'loading') return;
    if (loaded.failure) {
      this.#sendLastWords(loaded.answer);
      this.#fail(loaded.failure);
      return;
    }
    const heapBytes = await isolate.heapBytes();
    if (this.#state !== 'loading') return;
    this.#state = 'running';
    this.#events.loaded(heapBytes === undefined ? {} : { heapBytes });
    this.#conclude(loaded.answer, loaded.fault, { text: '[]', count: 0, bytes: 0 });
    this.#wake();
    this.#moveTestTime();
  }

  /** What it has logged on its way says how far it came. The media side takes nothing else of it. */
  #sendLastWords(answer: ReadAnswer | undefined): void {
    for (const text of answer?.forMedia ?? []) this.#send(text);
    this.#droppedLines.add(answer?.droppedLines ?? 0);
    this.#droppedLines.flush();
  }

  /** In a test: what is to be done now is done, then its time moves on to the next timer, at most until then. */
  tick(untilMs: number): void {
    if (this.#state === 'gone') return;
    this.#testTime?.tick(untilMs);
    this.#moveTestTime();
  }

  #moveTestTime(): void {
    if (this.#testTime && this.#isIdle) this.#testTime.idle(this.#timers, () => this.#wake());
  }

  get #isIdle(): boolean {
    const hasEvents = !this.#mailbox.isEmpty || this.#hasMore || this.#wasCut;
    const hasWork = hasEvents || this.#timers.hasDue || !this.#subtle.isIdle;
    return this.#state === 'running' && !this.#isInTurn && !hasWork;
  }

  async step(): Promise<void> {
    if (!this.isReady) return;
    this.#isInTurn = true;
    await this.#takeTurn();
    this.#isInTurn = false;
    this.#moveTestTime();
  }

  async #takeTurn(): Promise<void> {
    const limitMs = this.#isFirstTurn ? this.#loadMs : this.#turnMs;
    this.#isFirstTurn = false;
    this.#hasMore = false;
    this.#faults.turnBegins();
    const due = this.#timers.takeDue(MAX_DUE_TIMERS).map((id) => ({ t: 'timer', id }) as const);
    const cut = this.#wasCut ? [{ t: 'cut' } as const] : [];
    this.#wasCut = false;
    const batch = this.#mailbox.take([...cut, ...(this.#testTime?.takeEvents() ?? []), ...due]);
    const isLimited = !this.#debugger.hasSession;
    this.#limits.turnBegins(batch, limitMs, isLimited);
    const timeoutMs = isLimited ? limitMs : undefined;
    const sinceMs = performance.now();
    const outcome = await this.#isolate!.turn(batch.text, this.#freshRandom(), timeoutMs);
    const tookMs = performance.now() - sinceMs;
    this.#limits.turnEnds();
    if (this.#state !== 'running') return;
    if (!this.#isLost(outcome)) this.#openSession();
    if (outcome.fault?.kind === 'memory') {
      const { memoryMb } = this.#load.limits;
      const message = `the script took more than ${memoryMb} MB${inHandlersOf(batch)}`;
      this.#die({ kind: 'memory', message });
      return;
    }
    if (outcome.fault?.kind === 'disposed') {
      this.#die({ kind: 'catastrophic', message: 'the isolate was lost' });
      return;
    }
    const answer = readAnswer(outcome.answer);
    if (answer === undefined) {
      this.#die({ kind: 'malformed', message: 'the script library gave no sensible answer' });
      return;
    }
    this.#meter.turn(tookMs, answer.times);
    this.#conclude(answer, outcome.fault, batch, limitMs);
  }

  /** What it has used since the last time, if anything. */
  async reportUsage(): Promise<void> {
    if (this.#meter.isEmpty) return;
    const heapBytes = await this.#isolate?.heapBytes();
    // Taken only now: the heap tells its size between two turns, and an instance that ends meanwhile tells all it has.
    const usage = this.#state === 'gone' ? undefined : this.#takeUsage();
    if (usage) this.#events.usage({ ...usage, ...(heapBytes === undefined ? {} : { heapBytes }) });
  }

  #takeUsage(): UsageBody | undefined {
    return this.#isolate && this.#meter.take(this.#isolate.cpuMs);
  }

  #isLost({ fault }: Outcome): boolean {
    return fault?.kind === 'memory' || fault?.kind === 'disposed';
  }

  /** A turn's pool is far more than its handlers want; it is topped up when half is gone. */
  #freshRandom(): Uint8Array | undefined {
    return this.#randomLeft < RANDOM_POOL_BYTES / 2 ? randomBytes(RANDOM_POOL_BYTES) : undefined;
  }

  #conclude(answer: ReadAnswer, fault: EngineFault | undefined, batch: Batch, timeoutMs = 0): void {
    this.#randomLeft = answer.random;
    this.#hasMore = answer.more;
    for (const command of answer.commands) this.#carryOut(command);
    for (const text of answer.forMedia) this.#send(text);
    this.#droppedLines.add(answer.droppedLines);
    const commands: ScriptCommand[] = [];
    if (answer.dropped > 0) commands.push(tooManyCommands(answer));
    if (fault?.kind === 'rejection') commands.push(this.#fault({ ...fault, where: 'promise' }));
    const keptBytes = fault?.kind === 'timeout' ? this.#mailbox.requeue(batch, answer.begun) : 0;
    if (batch.bytes > keptBytes) this.#events.eventsTaken(batch.bytes - keptBytes);
    if (fault?.kind === 'timeout') {
      const { where, client, done } = answer;
      this.#wasCut = done;
      if (done) commands.push({ op: 'cut' });
      const message = `the script ran longer than ${timeoutMs} ms`;
      const facts = { where, stack: fault.stack, ...(client === '' ? {} : { client }) };
      const place = done ? `a promise, after ${where}` : where;
      const late = done ? ', in a promise afterwards' : '';
      commands.push(
        this.#fault({ kind: 'timeout', message: message + late, ...facts }, `${message} in ${place}`),
      );
    }
    this.#say(commands);
    if (fault?.kind === 'timeout' && !this.#debugger.isTaken) this.#strike();
  }

  #carryOut(command: RunnerCommand): void {
    if (command.op === 'timer') this.#timers.set(command.id, command.ms, command.repeat);
    else if (command.op === 'clear') this.#timers.clear(command.id);
    else this.#subtle.run(command);
  }

  /** Commands of our own. */
  #say(commands: ScriptCommand[]): void {
    if (commands.length > 0) this.#send(Buffer.from(JSON.stringify(commands)));
  }

  #send(text: Buffer): void {
    this.#untakenBytes += text.length;
    this.#events.commands(text);
  }

  /**
   * A fault that the guest did not see. It is told to `application.onStatus`, as those are that it does see; `toScript` is what
   * is said there, where nothing else names the handler.
   */
  #fault(fault: Omit<ScriptCommand & { op: 'error' }, 'op'>, toScript = fault.message): ScriptCommand {
    if (this.#faults.admit()) this.#mailbox.postOwn({ t: 'fault', message: toScript, stack: fault.stack });
    return { op: 'error', ...fault };
  }

  #strike(): void {
    const message = this.#limits.strike();
    if (message !== undefined) this.#die({ kind: 'timeouts', message });
  }

  #wake(): void {
    if (this.isReady) this.#scheduler.wake(this);
  }

  #stuck(how: string): void {
    const { limits, instance } = this.#load;
    const isMemory = this.#state !== 'gone' && this.#isolate?.isLost === true;
    const kind = isMemory ? 'memory' : 'stuck';
    const message = isMemory ? `the script took more than ${limits.memoryMb} MB, and ${how}` : how;
    if (this.#state === 'loading') this.#fail({ kind, message, stack: '' });
    else this.#die({ kind, message });
    this.#events.recycle(`${instance}: ${message}`);
  }

  #catastrophe(how: string): void {
    const message = `the script asked for more memory than there can be (${how})${this.#limits.where}`;
    // Its thread is parked for good and holds the isolate's locks: disposing of it would wait for ever.
    this.#isolate?.abandon();
    this.#isolate = undefined;
    this.#debugger.abandon();
    this.#limits.abandon();
    if (this.#state === 'loading') this.#fail({ kind: 'memory', message, stack: '' });
    else this.#die({ kind: 'catastrophic', message });
    this.#events.recycle(`${this.#load.instance}: ${message}`);
  }

  #fail(body: FailedBody): void {
    if (this.#end()) this.#events.failed(body);
  }

  #die(body: DeadBody): void {
    if (this.#end()) this.#events.dead(body);
  }

  /** False: it had ended before. The watchdog stays: what is under way should end now, and may not. */
  #end(): boolean {
    if (this.#state === 'gone') return false;
    this.#state = 'gone';
    const usage = this.#takeUsage();
    if (usage) this.#events.usage(usage);
    this.#droppedLines.close();
    this.#timers.close();
    this.#subtle.close();
    this.#mailbox.clear();
    this.#limits.isolateEnds(this.#debugger.hasSession, this.#turnMs);
    this.#debugger.leave();
    void this.#isolate?.dispose();
    return true;
  }
}

function tooManyCommands({ dropped, droppedAt, where }: ReadAnswer): ScriptCommand {
  const limits = `${MAX_COMMANDS}, or ${MAX_COMMAND_CHARACTERS >> 20} MB`;
  const message = `${dropped} commands of one turn were dropped: more than ${limits}`;
  return { op: 'error', kind: 'limit', where, message, stack: droppedAt };
}

/** `live` of `live/room/7` */
function applicationOf(instance: string): string {
  return instance.slice(0, Math.max(0, instance.indexOf('/')));
}
