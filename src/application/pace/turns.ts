// Computing time that peers cause, shared out in turns of the event loop: one set of turns for whatever reads what peers send. A peer
// decides how much work its bytes are: chunks of one byte, messages of none, requests of 25 bytes, frames for a thousand players. So
// time is what is counted, and whatever has used its share of a turn waits for a later one, while timers, new connections and
// everybody else have theirs.
//
// Who waits is called in this order:
//   half of a turn    by rank (standing.ts): first those who have finished what they had, again and again; last those who were cut
//                     off. Of equals the address that has used the least time of late comes first.
//   the other half    addresses alone count, so that everybody goes on, and hundreds of one address have the part of one.
// Of one address the one that has waited longest is the first. A publisher may have the address of a flood; its rank it has alone.
import type { Clock } from '../../clock.ts';
import { hostKey } from './occupancy.ts';
import { BAD_RANK, BEST_RANK, Standing } from './standing.ts';

/** All work of one turn; the rest waits. A frame beside a flood is read in one, flushed in the next and written in a third. */
const TURN_MS = 20;
/** The same while connections come in: the system hands over one for each turn, so a thousand that come at once take a thousand. */
const ARRIVAL_TURN_MS = 2;
/** One worker, in one turn, when few wait: enough for a picture of megabytes. */
const SHARE_MS = 10;
/** When many do. */
const SLICE_MS = 1;
/** Work of less than this, in many turns perhaps, needs no end of a turn. */
const NOTICED_MS = 1;
/** What an address has used counts half as much after so long. */
const FORGOTTEN_MS = 1_000;

export interface TurnsOptions {
  /** An address of many users, each of whom has a share of his own. */
  isShared?: (address: string) => boolean;
  /**
   * Time in all that has gone into what many asked for: the frames of a stream to its players. It is a part of the turn, but not of
   * the publisher's share.
   */
  sweepMs?: () => number;
}

export class Turns {
  readonly #clock: Pick<Clock, 'now' | 'soon'>;
  readonly #isShared: (address: string) => boolean;
  readonly #sweepMs: () => number;
  readonly #addresses = new Map<string, AddressUse>();
  /** Who has waited longest is the first. */
  readonly #waiting = new Set<Worker>();
  /** In this turn, and still to be called: for as long as less than `untilMs` of it is used. */
  #stages: { workers: readonly Worker[]; untilMs: number }[] = [];
  #at = 0;
  /** Those who are in `#stages` and not called yet. */
  #called = new Set<Worker>();
  /** The turn goes on when it has ended. */
  #awaited: Worker | undefined;
  #number = 0;
  #usedMs = 0;
  #turnMs = TURN_MS;
  #shareMs = SHARE_MS;
  /** Of the work at hand, what was somebody else's within it. */
  #innerMs = 0;
  #hasArrivals = false;
  #isArmed = false;

  constructor(
    clock: Pick<Clock, 'now' | 'soon'>,
    { isShared = () => false, sweepMs = () => 0 }: TurnsOptions = {},
  ) {
    this.#clock = clock;
    this.#isShared = isShared;
    this.#sweepMs = sweepMs;
  }

  /**
   * `goOn` is called, in a later turn, each time that the worker has waited. It must not throw. What it leaves for the next tick may
   * be a part of its work: the turn goes on when it has ended. `address`: whose doing the work is; undefined: what many
   * asked for, which is never taken for a flood.
   */
  worker(address: string | undefined, goOn: () => void): Worker {
    return new Worker(this, this.#useOf(address), goOn, address === undefined);
  }

  /** Work that is done as a whole; it resolves with its result, in this turn or in a later one. */
  run<T>(address: string | undefined, work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const goOn = () => {
      if (!worker.begin()) return;
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      } finally {
        worker.end(false);
        worker.close();
      }
    };
    const worker = this.worker(address, goOn);
    goOn();
    return promise;
  }

  /** A connection has come in; others may wait behind it. The next turn is short. */
  arrived(): void {
    this.#hasArrivals = true;
    this.#arm();
  }

  #useOf(address: string | undefined): AddressUse {
    if (address === undefined || this.#isShared(address)) return new AddressUse();
    const key = hostKey(address);
    let use = this.#addresses.get(key);
    if (!use) {
      use = new AddressUse(() => this.#addresses.delete(key));
      this.#addresses.set(key, use);
    }
    return use;
  }

  // ── for workers ────────────────────────────────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#clock.now();
  }

  get sweepMs(): number {
    return this.#sweepMs();
  }

  /** Another one with each turn in which much was done. */
  get number(): number {
    return this.#number;
  }

  /** Of each worker in this turn. */
  get shareMs(): number {
    return this.#shareMs;
  }

  /** `moreMs`: what is used and not counted yet. */
  hasTime(moreMs: number): boolean {
    return this.#usedMs + moreMs < this.#turnMs;
  }

  get isAnybodyWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Work begins, within that of another perhaps. Returns what `left` takes back. */
  entered(): number {
    const before = this.#innerMs;
    this.#innerMs = 0;
    return before;
  }

  /** It has taken so long, with all within it. Returns what of that was its own. */
  left(ms: number, before: number): number {
    const ownMs = Math.max(0, ms - this.#innerMs);
    this.#innerMs = before + ms;
    this.#usedMs += ownMs;
    if (this.#usedMs >= NOTICED_MS) this.#arm();
    return ownMs;
  }

  wait(worker: Worker): void {
    this.#waiting.add(worker);
    this.#arm();
  }

  forget(worker: Worker): void {
    this.#waiting.delete(worker);
    this.#called.delete(worker);
  }

  /** Its work is over; the turn may have waited for it. */
  ended(worker: Worker): void {
    if (this.#awaited !== worker) return;
    this.#awaited = undefined;
    this.#goOn();
  }

  // ── a turn ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(() => this.#begin());
  }

  #begin(): void {
    this.#number += 1;
    this.#usedMs = 0;
    this.#innerMs = 0;
    this.#turnMs = this.#hasArrivals ? ARRIVAL_TURN_MS : TURN_MS;
    this.#hasArrivals = false;
    const waiting = [...this.#waiting];
    this.#shareMs = Math.max(SLICE_MS, Math.min(SHARE_MS, this.#turnMs / waiting.length));
    // those that wait again in this turn wait for the next one
    this.#called = new Set(waiting);
    this.#at = 0;
    this.#stages = this.#ordered(waiting);
    this.#goOn();
  }

  #ordered(waiting: readonly Worker[]): { workers: readonly Worker[]; untilMs: number }[] {
    const now = this.now();
    const inOrder = byAddress(waiting, now);
    const ranks = Array.from({ length: BEST_RANK - BAD_RANK + 1 }, (): Worker[] => []);
    for (const worker of inOrder) ranks[BEST_RANK - worker.rank(now)]!.push(worker);
    return [
      { workers: ranks.flat(), untilMs: this.#turnMs / 2 },
      { workers: inOrder, untilMs: this.#turnMs },
    ];
  }

  #goOn(): void {
    for (let stage = this.#stages[0]; stage; stage = this.#stages[0]) {
      const worker = this.#usedMs < stage.untilMs ? stage.workers[this.#at] : undefined;
      this.#at += 1;
      if (worker === undefined) {
        this.#stages.shift();
        this.#at = 0;
      } else if (this.#called.delete(worker)) {
        this.#waiting.delete(worker);
        worker.called();
        if (worker.isAtWork) {
          this.#awaited = worker;
          return;
        }
      }
    }
    this.#called.clear();
    this.#isArmed = false;
    if (this.#waiting.size > 0 || this.#usedMs >= NOTICED_MS || this.#hasArrivals) this.#arm();
  }
}

/** The address that has used the least is the first; of one address whoever has waited longest. */
function byAddress(workers: readonly Worker[], nowMs: number): readonly Worker[] {
  const groups = new Map<AddressUse, Worker[]>();
  for (const worker of workers) {
    const group = groups.get(worker.addressUse);
    if (group) group.push(worker);
    else groups.set(worker.addressUse, [worker]);
  }
  if (groups.size < 2) return workers;
  return [...groups]
    .map(([use, group]) => ({ ms: use.lately(nowMs), group }))
    .sort((a, b) => a.ms - b.ms)
    .flatMap(({ group }) => group);
}

/** What all workers of an address have used of late. */
class AddressUse {
  readonly #gone: () => void;
  #workers = 0;
  #ms = 0;
  #at = 0;

  constructor(gone = () => {}) {
    this.#gone = gone;
  }

  enter(): void {
    this.#workers += 1;
  }

  leave(): void {
    this.#workers -= 1;
    if (this.#workers === 0) this.#gone();
  }

  add(ms: number, nowMs: number): void {
    this.#ms = this.lately(nowMs) + ms;
    this.#at = nowMs;
  }

  lately(nowMs: number): number {
    return this.#ms * 2 ** ((this.#at - nowMs) / FORGOTTEN_MS);
  }
}

/** Whoever has work that may be interrupted: `begin`, then steps for as long as `mayGoOn`, then `end`. */
export class Worker {
  readonly addressUse: AddressUse;
  readonly #turns: Turns;
  readonly #goOn: () => void;
  readonly #isForMany: boolean;
  readonly #standing = new Standing();
  #turn = -1;
  /** In the turn, before it began; without sweeps. */
  #usedMs = 0;
  #beganAt = 0;
  #sweptBefore = 0;
  #innerBefore = 0;
  isAtWork = false;
  #isClosed = false;

  constructor(turns: Turns, addressUse: AddressUse, goOn: () => void, isForMany: boolean) {
    this.#isForMany = isForMany;
    this.#turns = turns;
    this.#goOn = goOn;
    this.addressUse = addressUse;
    addressUse.enter();
  }

  /** False: there is no time for it in this turn, and it is called in a later one. */
  begin(): boolean {
    const turns = this.#turns;
    const now = turns.now();
    if (this.#turn !== turns.number) {
      this.#turn = turns.number;
      this.#usedMs = 0;
    }
    if (!turns.hasTime(0) || this.#usedMs >= turns.shareMs || this.#isBehindOthers(now)) {
      this.call();
      return false;
    }
    this.isAtWork = true;
    this.#beganAt = now;
    this.#sweptBefore = turns.sweepMs;
    this.#innerBefore = turns.entered();
    return true;
  }

  /** Who floods is not served before those who wait just because its bytes have come. */
  #isBehindOthers(now: number): boolean {
    return this.#turns.isAnybodyWaiting && !this.#isCalled && this.rank(now) === BAD_RANK;
  }
  #isCalled = false;

  /** Whether there is time for another step. */
  mayGoOn(): boolean {
    const turns = this.#turns;
    const ms = turns.now() - this.#beganAt;
    if (!turns.hasTime(ms)) return false;
    return this.#usedMs + ms < turns.shareMs || this.#usedMs + ms - this.#sweptMs < turns.shareMs;
  }

  get #sweptMs(): number {
    return this.#turns.sweepMs - this.#sweptBefore;
  }

  /** `hasMore`: it is called in a later turn, unless it is held: then when whoever holds it says so by `call`. */
  end(hasMore: boolean, isHeld = false): void {
    const turns = this.#turns;
    const now = turns.now();
    const ownMs = Math.max(0, turns.left(now - this.#beganAt, this.#innerBefore) - this.#sweptMs);
    this.isAtWork = false;
    this.#usedMs += ownMs;
    this.addressUse.add(ownMs, now);
    this.#standing.worked(ownMs);
    if (!hasMore) this.#standing.finished(now);
    else {
      const isCutOff = isHeld || this.#usedMs >= turns.shareMs;
      if (isCutOff && !this.#isForMany) this.#standing.cutOff(now);
      if (!isHeld) this.call();
    }
    turns.ended(this);
  }

  /** See standing.ts. */
  rank(nowMs: number): number {
    return this.#standing.rank(nowMs);
  }

  /** There is something to do: it is called in a later turn. */
  call(): void {
    if (!this.#isClosed) this.#turns.wait(this);
  }

  /** By the turns alone. */
  called(): void {
    this.#isCalled = true;
    this.#goOn();
    this.#isCalled = false;
  }

  /** It waits no more. */
  cancel(): void {
    this.#turns.forget(this);
  }

  /** The same, for ever. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#turns.forget(this);
    this.addressUse.leave();
  }
}
