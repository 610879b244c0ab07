// Everything an instance has for its script, in order, and everything that the script owes an answer. While no version
// of the script is there to take it, it waits here.

import type { ScriptMetrics } from '../../application/accounts/script-metrics.ts';
import type {
  GateName,
  GateQuestion,
  InvokeResult,
  OpenGate,
  ScriptNotice,
  ScriptStats,
  Verdict,
} from '../../application/contract/script.ts';
import type { Clock } from '../../clock.ts';
import type { ScriptLimits } from '../../config/schema/script-limits.ts';
import { CodedError } from '../../errors.ts';
import type { LimitName } from '../../log/limits.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { Unit } from '../process/unit.ts';
import { type EventToScript, eventBytes } from '../wire/event-frames.ts';
import { listToWire, toWire, type WireText } from '../wire/wire-text.ts';
import { clientOf, gateEvent, isNews, noticeEvent } from './script-events.ts';

/** Open calls of an instance: a method whose promise never settles must not eat the memory. */
export const MAX_OPEN_CALLS = 10_000;
/** onAppStop may take this long before the instance goes on without its answer. */
export const STOP_DEADLINE_MS = 2000;
/** Arguments that wait while there is no script, as JSON: clients can send more in seconds than a runner that is away should cost. */
export const MAX_PARKED_BYTES = 16 << 20;
/** What a gate says when the script that is to decide has crashed. */
export type GateFailure = 'closed' | 'open';

/** An isolate that says more often that a turn was cut lies: each time all calls are looked at. */
const DOUBT_MS = 100;

/** Parts of what may wait: from here on calls wait where they come from, and down to here they go on. */
const BUSY = 1 / 2;
const IDLE = 1 / 4;

const NO_ANSWER = 'The application did not answer.';
const TOO_LARGE = 'The request is too large.';
const ARGUMENTS_TOO_LARGE = 'the arguments are too large';

interface Question {
  readonly event: EventToScript & { id: number };
  readonly sinceMs: number;
  /** Who has it; undefined while it waits. */
  asked: Unit | undefined;
}
type Asked = Gate | Call | Stop;
interface Gate extends Question {
  readonly gate: GateName;
  readonly answer: (verdict: Verdict) => void;
  readonly cancelDeadline: () => void;
}
interface Call extends Omit<Question, 'event'> {
  /** Its arguments are not kept. */
  readonly event: { readonly id: number; readonly name: string };
  readonly client: string;
  readonly answer: (result: InvokeResult) => void;
}
/** What is asked of a script that is to end. */
interface Stop extends Question {
  readonly resolve: (mayStop: boolean) => void;
  readonly cancelDeadline: () => void;
}

interface Post {
  event: EventToScript;
  /** It is dropped if that has been settled meanwhile. */
  question?: Asked;
  /** It means nothing to any other. */
  only?: Unit;
}

export interface ExpiredGate {
  gate: GateName;
  /** Whom it was about; a user who authenticates is no client yet. */
  client: string | undefined;
  /** Whoever was to answer; undefined: no version of the script was there to be asked. */
  asked: Unit | undefined;
  /** What was decided instead. */
  accepted: boolean;
}

/** A call that has had no answer in time. */
export interface LateCall {
  name: string;
  client: string;
  ms: number;
  /** As in ExpiredGate. */
  asked: Unit | undefined;
}

export interface MailboxOptions {
  /** Until a version serves. */
  limits: QueueLimits;
  clock: Clock;
  /** Of questions. */
  nextId(): number;
  gateDeadlineMs: number;
  /** Undefined: calls may stay open for ever. */
  callDeadlineMs: number | undefined;
  gateFailure: GateFailure;
  /** A gate's deadline passed. */
  onExpired(expired: ExpiredGate): void;
  onLateCall(late: LateCall): void;
  /** A call was refused: so much waits for the script, or for its answer. Gates and notices always fit. */
  onFull(limit: LimitName): void;
  metrics: Pick<ScriptMetrics, 'verdict' | 'defaultVerdict'>;
  /** Something that was told an answer threw. */
  onBug(error: unknown): void;
}

type QueueLimits = Pick<ScriptLimits, 'queuedEvents' | 'queuedBytes'>;

export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #gates = new Map<number, Gate>();
  /** The oldest first. */
  readonly #calls = new Map<number, Call>();
  #doubtedAtMs = Number.NEGATIVE_INFINITY;
  /** Of the oldest call. */
  #cancelCallDeadline: (() => void) | undefined;
  readonly #stops = new Map<number, Stop>();
  #parked: Post[] = [];
  #parkedBytes = 0;
  /** Of the version that serves, or has served last. */
  #limits: QueueLimits;
  /** Whoever has something that can wait elsewhere: the one that has waited longest first. */
  readonly #waiters = new Set<() => void>();
  /** Who takes the post. Undefined: it is parked. */
  #unit: Unit | undefined;
  /** There will be no script for a while: nothing is kept, everything is answered at once. */
  #isShut = false;
  /** The script that served has ended by accident, and none has followed it yet. */
  #hasCrashed = false;
  readonly #stats: Omit<ScriptStats, 'open'> = { mostOpen: 0, answered: 0, answerMs: 0, longestAnswerMs: 0 };

  constructor(options: MailboxOptions) {
    this.#options = options;
    this.#limits = options.limits;
  }

  get stats(): ScriptStats {
    return { ...this.#stats, open: this.#gates.size + this.#calls.size };
  }

  #asked(): void {
    this.#stats.mostOpen = Math.max(this.#stats.mostOpen, this.#gates.size + this.#calls.size);
  }

  /** How long that took. */
  #answered({ sinceMs }: Pick<Question, 'sinceMs'>): number {
    const ms = this.#options.clock.now() - sinceMs;
    this.#stats.answered += 1;
    this.#stats.answerMs += ms;
    this.#stats.longestAnswerMs = Math.max(this.#stats.longestAnswerMs, ms);
    return ms;
  }

  // ── from the instance ──────────────────────────────────────────────────────────────────────────────────────────

  ask(question: GateQuestion, answer: (verdict: Verdict) => void): OpenGate {
    const id = this.#options.nextId();
    const event = unlessTooLong(() => gateEvent(id, question));
    if (!event) {
      this.#options.metrics.defaultVerdict(question.gate);
      queueMicrotask(() => this.#guarded(answer)(refusal(TOO_LARGE)));
      return { id, drop: () => {} };
    }
    const gate: Gate = {
      event,
      sinceMs: this.#options.clock.now(),
      gate: question.gate,
      asked: undefined,
      answer: this.#guarded(answer),
      cancelDeadline: this.#options.clock.after(this.#options.gateDeadlineMs, () => this.#expired(gate)),
    };
    this.#gates.set(id, gate);
    this.#asked();
    if (this.#isShut) queueMicrotask(() => this.#decideWithoutScript(id));
    else this.#put({ event: gate.event, question: gate });
    return { id, drop: () => this.#dropped(id) };
  }

  /** One listener's mistake must not keep the next from its answer. */
  #guarded<T>(answer: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        answer(value);
      } catch (error) {
        this.#options.onBug(error);
      }
    };
  }

  #closeGate(id: number): Gate | undefined {
    const gate = this.#gates.get(id);
    gate?.cancelDeadline();
    this.#gates.delete(id);
    return gate;
  }

  #dropped(id: number): void {
    const asked = this.#closeGate(id)?.asked;
    if (asked) this.#put({ event: { t: 'gateDropped', id }, only: asked });
  }

  #expired({ event, gate, asked, answer }: Gate): void {
    this.#dropped(event.id);
    const verdict = this.#verdictWithoutScript(gate);
    this.#options.onExpired({ gate, client: clientOf(event), asked, accepted: verdict.accepted });
    answer(verdict);
  }

  #decideWithoutScript(id: number): void {
    const gate = this.#closeGate(id);
    gate?.answer(this.#verdictWithoutScript(gate.gate));
  }

  /** Open gates let in who would be; they do not vouch for who somebody is. */
  #verdictWithoutScript(gate: GateName): Verdict {
    this.#options.metrics.defaultVerdict(gate);
    const isOpen = this.#options.gateFailure === 'open' && this.#hasCrashed && gate !== 'onAuthenticate';
    return isOpen ? { accepted: true } : refusal(NO_ANSWER);
  }

  /** `only`: the version that it is for; undefined: whichever serves. */
  tell(notice: ScriptNotice, only?: Unit): void {
    if (notice.event === 'disconnect') this.#failCallsOf(notice.client);
    if (this.#isShut || (isNews(notice) && this.#reached(1))) return;
    const event = noticeEvent(notice);
    this.#put(only ? { event, only } : { event });
  }

  // ── what waits for a turn ──────────────────────────────────────────────────────────────────────────────────────

  /** Which limit is reached, if each is only so much of what it is. */
  #reached(part: number): LimitName | undefined {
    if (this.#isShut) return undefined;
    const { events, bytes } = this.#unit?.waiting ?? {
      events: this.#parked.length,
      bytes: this.#parkedBytes,
    };
    if (events >= this.#limits.queuedEvents * part) return 'MaxQueuedEvents';
    return bytes >= this.#limits.queuedBytes * part ? 'MaxQueuedSize' : undefined;
  }

  /** Half of what may wait does: calls should wait where they come from. */
  busyWith(): LimitName | undefined {
    return this.#reached(BUSY);
  }

  /** Calls once, when much less waits. Returns its undo. */
  whenIdle(call: () => void): () => void {
    this.#waiters.add(call);
    return () => this.#waiters.delete(call);
  }

  /** Less waits than before. */
  moved(): void {
    if (this.#waiters.size === 0 || this.#reached(IDLE)) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const call of waiters) call();
  }

  /** Nobody is left to answer to, and their scripts may never. */
  #failCallsOf(client: string): void {
    for (const [id, call] of this.#calls)
      if (call.client === client) this.#failCall(id, 'the client has left');
  }

  invoke(
    client: string,
    name: string,
    args: AmfValue[],
    wantsResult: boolean,
    answer: (result: InvokeResult) => void,
  ): void {
    const id = this.#options.nextId();
    const texts = this.#textsOfCall(args);
    const sinceMs = this.#options.clock.now();
    const call: Call = {
      event: { id, name },
      sinceMs,
      client,
      asked: undefined,
      answer: this.#guarded(answer),
    };
    this.#calls.set(id, call);
    this.#armCalls();
    this.#asked();
    if (texts.problem === undefined)
      this.#put({ event: { t: 'call', id, client, name, args: texts.args, wantsResult }, question: call });
    else queueMicrotask(() => this.#failCall(id, texts.problem));
  }

  /** Nothing is written for a call that no script gets. */
  #textsOfCall(
    args: readonly AmfValue[],
  ): { args: WireText; problem?: never } | { args?: never; problem: string } {
    if (this.#isShut) return { problem: NO_ANSWER };
    const full = this.#calls.size >= MAX_OPEN_CALLS ? 'MaxOpenCalls' : this.#reached(1);
    if (full) {
      this.#options.onFull(full);
      return { problem: full === 'MaxOpenCalls' ? 'too many calls are open' : 'the application is busy' };
    }
    const text = unlessTooLong(() => listToWire(args));
    return text ? { args: text } : { problem: ARGUMENTS_TOO_LARGE };
  }

  /** One timer for all of them. */
  #armCalls(): void {
    const { clock, callDeadlineMs } = this.#options;
    const [oldest] = this.#calls.values();
    if (callDeadlineMs === undefined || this.#cancelCallDeadline || !oldest) return;
    const leftMs = oldest.sinceMs + callDeadlineMs - clock.now();
    this.#cancelCallDeadline = clock.after(Math.max(0, leftMs), () => {
      this.#cancelCallDeadline = undefined;
      for (const [id, call] of this.#calls) {
        if (call.sinceMs + callDeadlineMs > clock.now()) break;
        this.#callIsLate(id, call, callDeadlineMs);
      }
      this.#armCalls();
    });
  }

  #callIsLate(id: number, { event: { name }, client, asked }: Call, ms: number): void {
    this.#options.onLateCall({ name, client, ms, asked });
    this.#failCall(id, NO_ANSWER);
  }

  /**
   * A turn of that version was cut in the middle of its promises. The calls that were begun in it have failed; earlier ones may have been
   * waiting for a promise that was to settle in it. What has no answer after the time of a gate has failed as well.
   */
  doubt(unit: Unit): void {
    const { clock, gateDeadlineMs } = this.#options;
    if (clock.now() - this.#doubtedAtMs < DOUBT_MS) return;
    this.#doubtedAtMs = clock.now();
    const doubtful = [...this.#calls].filter(([, { asked }]) => asked === unit);
    if (doubtful.length === 0) return;
    clock.after(gateDeadlineMs, () => {
      for (const [id, call] of doubtful)
        if (this.#calls.get(id) === call) this.#callIsLate(id, call, clock.now() - call.sinceMs);
    });
  }

  #failCall(id: number, description: string): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.answer({ found: true, ok: false, description });
  }

  callResult(unit: Unit, responder: number, ok: boolean, value: AmfValue): void {
    const text = unlessTooLong(() => toWire(value));
    const result = text ? { ok, value: text } : { ok: false, value: toWire(undefined) };
    this.#put({ event: { t: 'callResult', responder, ...result }, only: unit });
  }

  /** onAppStop. True: it may stop; so it may when nothing answers. */
  stop(code: 'Application.GC' | 'Application.Shutdown'): Promise<boolean> {
    return this.#atItsEnd({ t: 'stop', id: this.#options.nextId(), code }, STOP_DEADLINE_MS);
  }

  /** Resolves when all handlers of notices have ended, after `ms` at the latest. */
  async settle(ms: number): Promise<void> {
    await this.#atItsEnd({ t: 'settle', id: this.#options.nextId() }, ms);
  }

  #atItsEnd(event: Stop['event'], ms: number): Promise<boolean> {
    if (this.#isShut) return Promise.resolve(true);
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const cancelDeadline = clock.after(ms, () => this.#stopped(event.id, true));
      const stop: Stop = { event, sinceMs: clock.now(), asked: undefined, resolve, cancelDeadline };
      this.#stops.set(event.id, stop);
      this.#put({ event, question: stop });
    });
  }

  #stopped(id: number, mayStop: boolean): boolean {
    const stop = this.#stops.get(id);
    stop?.cancelDeadline();
    stop?.resolve(mayStop);
    return this.#stops.delete(id);
  }

  // ── from the script ────────────────────────────────────────────────────────────────────────────────────────────

  /** Late ones, and those of versions that were not asked, are dropped. */
  verdict(unit: Unit, id: number, verdict: Verdict): void {
    if (this.#gates.get(id)?.asked !== unit) return;
    const gate = this.#closeGate(id)!;
    const ms = this.#answered(gate);
    this.#options.metrics.verdict(gate.gate, verdict.accepted, ms);
    gate.answer(verdict);
  }

  result(unit: Unit, id: number, result: InvokeResult): void {
    if (this.#stops.get(id)?.asked === unit) {
      this.#stopped(id, !(result.found && result.ok && result.value === false));
      return;
    }
    const call = this.#calls.get(id);
    if (call?.asked !== unit) return;
    this.#calls.delete(id);
    this.#answered(call);
    call.answer(result);
  }

  /** That event does not fit through the pipe, or not among what waits for it. */
  undeliverable(event: EventToScript): void {
    if (event.t === 'gate') {
      this.#options.metrics.defaultVerdict(event.gate);
      this.#closeGate(event.id)?.answer(refusal(TOO_LARGE));
    } else if (event.t === 'call') this.#failCall(event.id, ARGUMENTS_TOO_LARGE);
  }

  // ── versions come and go ───────────────────────────────────────────────────────────────────────────────────────

  /** From now on everything waits. */
  park(): void {
    this.#unit = undefined;
  }

  /** From now on everything waits: the script has ended by accident. */
  crashed(): void {
    this.#hasCrashed = true;
    this.park();
  }

  /** That script's clients that have left while the post was parked. */
  parkedDisconnects(): string[] {
    return this.#parked.flatMap(({ event }) => (event.t === 'disconnect' ? [event.client] : []));
  }

  /**
   * That one takes the post: first the gates that another one has left open, with the rest of their deadline, then what
   * was parked. Calls that another one has left open have failed.
   */
  resume(unit: Unit): void {
    this.#isShut = false;
    this.#hasCrashed = false;
    this.#limits = unit.limits ?? this.#limits;
    this.forsake(unit);
    for (const gate of this.#gates.values()) {
      if (gate.asked === undefined || gate.asked === unit) continue;
      gate.asked = unit;
      unit.post(gate.event);
    }
    this.#unit = unit;
    const parked = this.#parked;
    this.#parked = [];
    this.#parkedBytes = 0;
    for (const entry of parked) this.#put(entry);
    this.moved();
  }

  /** Whatever others than `unit` owed will not come. Gates stay open for the next version. */
  forsake(unit: Unit | undefined): void {
    const isForsaken = ({ asked }: Asked) => asked !== undefined && asked !== unit;
    for (const [id, call] of this.#calls)
      if (isForsaken(call)) this.#failCall(id, 'the application was restarted');
    for (const [id, stop] of this.#stops) if (isForsaken(stop)) this.#stopped(id, true);
  }

  /** Whatever has been asked and not decided is given up; what was only parked is not. */
  giveUpGates(): void {
    for (const [id, { asked }] of [...this.#gates]) if (asked) this.#decideWithoutScript(id);
  }

  /** No script until `resume` or `reopen`. Everything open is refused. */
  shut(): void {
    this.#isShut = true;
    this.#unit = undefined;
    this.#parked = [];
    this.#parkedBytes = 0;
    for (const id of [...this.#calls.keys()]) this.#failCall(id, NO_ANSWER);
    for (const id of [...this.#stops.keys()]) this.#stopped(id, true);
    for (const id of [...this.#gates.keys()]) this.#decideWithoutScript(id);
    this.moved();
  }

  /** There will be a script again: keep what comes. */
  reopen(): void {
    this.#isShut = false;
  }

  /** The instance is gone, nobody wants to hear anything any more. */
  close(): void {
    this.#isShut = true;
    this.#unit = undefined;
    this.#parked = [];
    this.#parkedBytes = 0;
    for (const id of [...this.#gates.keys()]) this.#closeGate(id);
    for (const id of [...this.#calls.keys()]) this.#failCall(id, 'the application has ended');
    this.#cancelCallDeadline?.();
    for (const id of [...this.#stops.keys()]) this.#stopped(id, true);
    this.moved();
  }

  #put(entry: Post): void {
    const unit = this.#unit;
    if (!unit) {
      this.#keep(entry);
      return;
    }
    const { event, question, only } = entry;
    if (only && only !== unit) return;
    if (question) {
      if (!this.#isOpen(question)) return;
      question.asked = unit;
    }
    unit.post(event);
  }

  #keep(entry: Post): void {
    if (this.#isShut) return;
    const { event } = entry;
    if (event.t === 'gate' || event.t === 'call' || event.t === 'callResult') {
      const bytes = eventBytes(event);
      if (event.t === 'gate' && this.#parkedBytes + bytes > MAX_PARKED_BYTES) {
        queueMicrotask(() => this.undeliverable(event));
        return;
      }
      this.#parkedBytes += bytes;
    }
    this.#parked.push(entry);
  }

  #isOpen(question: Asked): boolean {
    const { id } = question.event;
    return [this.#gates.get(id), this.#calls.get(id), this.#stops.get(id)].includes(question as never);
  }
}

/** Undefined: the values of a peer become too long a text. */
function unlessTooLong<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

function refusal(reason: string): Verdict {
  return { accepted: false, reason };
}
