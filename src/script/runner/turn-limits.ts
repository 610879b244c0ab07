// What ends a turn that does not end, and an instance whose turns do not.
import type { Batch } from './mailbox.ts';
import { inHandlersOf } from './turn-names.ts';

/** A turn may overrun its time limit by what V8 needs to notice; beyond this it never will. */
const WATCHDOG_GRACE_MS = 3000;
const MAX_STRIKES = 3;
const STRIKE_WINDOW_MS = 60_000;

/** isolated-vm's own limit needs V8 to come to a point where it can be interrupted. Some code never does. */
class Watchdog {
  readonly #onStuck: (how: string) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Of something that was begun without a limit, and has one now. */
  #overrun: NodeJS.Timeout | undefined;

  constructor(onStuck: (how: string) => void) {
    this.#onStuck = onStuck;
  }

  watch(timeoutMs: number, what: string): void {
    this.stop();
    const patienceMs = 2 * timeoutMs + WATCHDOG_GRACE_MS;
    this.#timer = setTimeout(() => this.#onStuck(`${what} did not end within ${patienceMs} ms`), patienceMs);
  }

  /** The same, for what the engine was given no limit for. */
  limit(timeoutMs: number, what: string, onOverrun: () => void): void {
    this.watch(timeoutMs, what);
    this.#overrun = setTimeout(onOverrun, timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.endLimit();
  }

  /** It watches on. */
  endLimit(): void {
    clearTimeout(this.#overrun);
  }
}

/** What was cut short may have left the script's data half-changed: it may not happen often. */
class Overruns {
  #atMs: number[] = [];

  /** Another one. True: it was one too many. */
  add(nowMs: number): boolean {
    this.#atMs = this.#atMs.filter((ms) => nowMs - ms < STRIKE_WINDOW_MS);
    this.#atMs.push(nowMs);
    return this.#atMs.length >= MAX_STRIKES;
  }
}

export interface TurnLimitsOptions {
  /** What is limited begins: if the process dies now, it was this. */
  begins(): void;
  ends(): void;
  /** What was under way has not ended, and never will. */
  onStuck(how: string): void;
}

/** What is under way in one isolate, and how long it may take. While a debugger has a session nothing is limited. */
export class TurnLimits {
  readonly #options: TurnLimitsOptions;
  readonly #watchdog: Watchdog;
  readonly #overruns = new Overruns();
  #turn: { readonly batch: Batch; readonly limitMs: number } | undefined;

  constructor(options: TurnLimitsOptions) {
    this.#options = options;
    this.#watchdog = new Watchdog((how) => options.onStuck(`${how}${this.where}`));
  }

  /** ` (onConnect)`: the handlers of the turn under way; empty: none is, or it has none. */
  get where(): string {
    return inHandlersOf(this.#turn?.batch);
  }

  loadBegins(limitMs: number): void {
    this.#options.begins();
    this.#watchdog.watch(limitMs, 'loading');
  }

  loadEnds(): void {
    this.#end();
  }

  turnBegins(batch: Batch, limitMs: number, isLimited: boolean): void {
    this.#turn = { batch, limitMs };
    if (!isLimited) return;
    this.#options.begins();
    this.#watchdog.watch(limitMs, 'a turn');
  }

  turnEnds(): void {
    this.#turn = undefined;
    this.#end();
  }

  #end(): void {
    this.#watchdog.stop();
    this.#options.ends();
  }

  /**
   * A debugger with a session has left: the turn under way, or what the debugger has run between two turns, has its time from now
   * on. `onOverrun`: it has taken more.
   */
  limitAgain(betweenTurnsMs: number, onOverrun: (message: string) => void): void {
    const limitMs = this.#turn?.limitMs ?? betweenTurnsMs;
    const what = this.#turn ? 'a turn' : 'what the debugger has run';
    if (this.#turn) this.#options.begins();
    const message = `${what} did not end within ${limitMs} ms after the debugger had left`;
    this.#watchdog.limit(limitMs, what, () => onOverrun(message + this.where));
  }

  /** The session of the debugger has ended, and with it what the debugger has run. */
  sessionEnded(): void {
    this.#watchdog.stop();
  }

  /** The isolate ends. What is under way should end with it, and may not: it is watched on. */
  isolateEnds(hasSession: boolean, limitMs: number): void {
    this.#watchdog.endLimit();
    if (hasSession) this.#watchdog.watch(limitMs, 'what a debugger was attached to');
  }

  /** The isolate's thread is parked for good: there is nothing to watch. */
  abandon(): void {
    this.#watchdog.stop();
  }

  /** A turn was cut at its limit. Why that ends the instance; undefined: it may go on. */
  strike(): string | undefined {
    if (!this.#overruns.add(performance.now())) return undefined;
    return `the script overran its time limit ${MAX_STRIKES} times in ${STRIKE_WINDOW_MS / 1000} s`;
  }
}
