// Computing time that peers cause, shared out in turns of the event loop. A peer decides how much work its bytes are: chunks of one
// byte, messages of none, frames for a thousand players. So time is what is counted, and whatever has used its share of a turn waits
// for a later one, while timers, new connections and everybody else have theirs.
import type { Clock } from './clock.ts';

/**
 * All work of one turn. The rest waits: half of the next turn is for those who have used the least time of late, so that a few who
 * do little need not wait for hundreds who do much; the other half for those who have waited longest, so that everybody goes on.
 */
const TURN_MS = 50;
/** The same while connections come in: the system hands over one for each turn, so a hundred that come at once take a hundred turns. */
const ARRIVAL_TURN_MS = 10;
/** One worker, in one turn: enough for the keyframe of megabytes of a stream with a thousand players. */
const SHARE_MS = 10;
/** One that has used its share and waits, each time that it goes on. */
const SLICE_MS = 2;
/** All such together, in one turn. */
const SLICES_MS = 10;
/** Work of less than this, in many turns perhaps, needs no end of a turn. */
const NOTICED_MS = 1;

/** What a worker has used counts half as much after so long. */
const FORGOTTEN_MS = 1_000;
/** Somebody new is taken for one that has used so much: hundreds who come and begin at once wait behind those who are there. */
const UNKNOWN_MS = 20;

/** How a worker waits: for the next turn, or behind everybody who has not used a whole share. */
type Queue = 'soon' | 'later';

export class Turns {
  readonly #clock: Pick<Clock, 'now' | 'soon'>;
  readonly #waiting: Readonly<Record<Queue, Set<Worker>>> = { soon: new Set(), later: new Set() };
  #number = 0;
  #usedMs = 0;
  #turnMs = TURN_MS;
  #hasArrivals = false;
  #isArmed = false;

  constructor(clock: Pick<Clock, 'now' | 'soon'>) {
    this.#clock = clock;
  }

  /**
   * `goOn` is called, in a later turn, each time that the worker has waited. It must not throw. `isNewcomer`: while it is one, it waits
   * behind the others, whatever it has used.
   */
  worker(goOn: () => void, isNewcomer: () => boolean = () => false): Worker {
    return new Worker(this, goOn, isNewcomer);
  }

  /** Work that is done as a whole; it resolves with its result, in this turn or in a later one. */
  run<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // within its turn, and not when it is told that its turn has come: that may be the turn of hundreds
    const goOn = () => {
      if (!worker.begin()) return;
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      } finally {
        worker.end();
      }
    };
    const worker = this.worker(goOn);
    goOn();
    return promise;
  }

  /** A connection has come in; others may wait behind it. The next turn is short. */
  arrived(): void {
    this.#hasArrivals = true;
    this.#arm();
  }

  // ── for workers ────────────────────────────────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#clock.now();
  }

  /** Another one with each turn in which much was done. */
  get number(): number {
    return this.#number;
  }

  /** `moreMs`: what is used and not counted yet. */
  hasTime(moreMs: number): boolean {
    return this.#usedMs + moreMs < this.#turnMs;
  }

  used(ms: number): void {
    this.#usedMs += ms;
    if (this.#usedMs >= NOTICED_MS) this.#arm();
  }

  wait(worker: Worker, queue: Queue): void {
    this.#waiting[queue].add(worker);
    this.#arm();
  }

  forget(worker: Worker): void {
    this.#waiting.soon.delete(worker);
    this.#waiting.later.delete(worker);
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(() => this.#begin());
  }

  #begin(): void {
    this.#isArmed = false;
    this.#number += 1;
    this.#usedMs = 0;
    this.#turnMs = this.#hasArrivals ? ARRIVAL_TURN_MS : TURN_MS;
    this.#hasArrivals = false;
    const { soon, later } = this.#waiting;
    // of many that wait, one that has much to do is soon behind the others
    const shareMs = Math.max(SLICE_MS, Math.min(SHARE_MS, this.#turnMs / soon.size));
    // those that wait again in here wait for the next turn
    const waiting = new Set(soon);
    this.#callSome(leastUsed(waiting, this.now()), waiting, shareMs, this.#turnMs / 2);
    this.#callSome([...waiting], waiting, shareMs, this.#turnMs);
    const before = this.#usedMs;
    for (const worker of [...later]) {
      if (!this.hasTime(0) || this.#usedMs - before >= SLICES_MS) break;
      later.delete(worker);
      worker.called(SLICE_MS);
    }
    if (soon.size + later.size > 0) this.#arm();
  }

  /** For as long as less than `untilMs` of the turn is used; who is called is taken out of `waiting`. */
  #callSome(workers: readonly Worker[], waiting: Set<Worker>, shareMs: number, untilMs: number): void {
    for (const worker of workers) {
      if (this.#usedMs >= untilMs) return;
      waiting.delete(worker);
      // one may have closed another
      if (this.#waiting.soon.delete(worker)) worker.called(shareMs);
    }
  }
}

/** The one that has used the least time of late is the first; of equals the one that has waited longest. */
function leastUsed(workers: ReadonlySet<Worker>, nowMs: number): Worker[] {
  if (workers.size < 2) return [...workers];
  return [...workers]
    .map((worker) => ({ worker, usedMs: worker.lately(nowMs) }))
    .sort((a, b) => a.usedMs - b.usedMs)
    .map(({ worker }) => worker);
}

/** Whoever has work that may be interrupted: `begin`, then steps for as long as `mayGoOn`, then `end`. */
export class Worker {
  readonly #turns: Turns;
  readonly #goOn: () => void;
  readonly #isNewcomer: () => boolean;
  #shareMs = SHARE_MS;
  #turn = -1;
  /** In the turn, before it began. */
  #usedMs = 0;
  #beganAt = 0;
  /** In all, what was long ago counting less; and when that was so. */
  #latelyMs = UNKNOWN_MS;
  #latelyAt: number;

  constructor(turns: Turns, goOn: () => void, isNewcomer: () => boolean) {
    this.#turns = turns;
    this.#goOn = goOn;
    this.#isNewcomer = isNewcomer;
    this.#latelyAt = turns.now();
  }

  /** False: there is no time left in this turn, and it waits. */
  begin(): boolean {
    const turns = this.#turns;
    if (this.#turn !== turns.number) {
      this.#turn = turns.number;
      this.#usedMs = 0;
    }
    this.#beganAt = turns.now();
    if (turns.hasTime(0) && this.#usedMs < this.#shareMs) return true;
    this.wait();
    return false;
  }

  /** Whether there is time for another step. */
  mayGoOn(): boolean {
    const ms = this.#turns.now() - this.#beganAt;
    return this.#usedMs + ms < this.#shareMs && this.#turns.hasTime(ms);
  }

  end(): void {
    const now = this.#turns.now();
    const ms = now - this.#beganAt;
    this.#usedMs += ms;
    this.#latelyMs = this.lately(now) + ms;
    this.#latelyAt = now;
    this.#turns.used(ms);
  }

  /** What it has used of late. */
  lately(nowMs: number): number {
    return this.#latelyMs * 2 ** ((this.#latelyAt - nowMs) / FORGOTTEN_MS);
  }

  /** There is more to do: it is called in a later turn. */
  wait(): void {
    this.#turns.wait(this, this.#usedMs < this.#shareMs && !this.#isNewcomer() ? 'soon' : 'later');
    this.#shareMs = SHARE_MS;
  }

  /** By the turns alone. */
  called(shareMs: number): void {
    this.#shareMs = shareMs;
    this.#turn = this.#turns.number;
    this.#usedMs = 0;
    this.#goOn();
    this.#shareMs = SHARE_MS;
  }

  /** It waits no more. */
  close(): void {
    this.#turns.forget(this);
  }
}
