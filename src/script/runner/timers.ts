// The timers of one instance: one timer of Node's, set to the earliest. A thousand intervals of a script cost this process no
// more than one, and what is due while the instance is busy is fired once.
import { MIN_INTERVAL_MS, MIN_TIMEOUT_MS } from '../wire/wire.ts';
import type { UnitTime } from './time.ts';

interface Timer {
  dueMs: number;
  /** Undefined: fires once. */
  periodMs: number | undefined;
}

/** Node fires a longer one at once. */
const MAX_MS = 2 ** 31 - 1;

export class TimerQueue {
  readonly #time: UnitTime;
  readonly #max: number;
  readonly #onDue: () => void;
  readonly #timers = new Map<number, Timer>();
  #disarm: (() => void) | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;

  /** `onDue` is called when something may have become due. */
  constructor(time: UnitTime, max: number, onDue: () => void) {
    this.#time = time;
    this.#max = max;
    this.#onDue = onDue;
  }

  set(id: number, ms: number, repeat: boolean): void {
    if (this.#timers.size >= this.#max) return;
    const delayMs = Math.min(Math.max(ms, repeat ? MIN_INTERVAL_MS : MIN_TIMEOUT_MS), MAX_MS);
    const dueMs = this.#time.now() + delayMs;
    this.#timers.set(id, { dueMs, periodMs: repeat ? delayMs : undefined });
    if (dueMs < this.#armedForMs) this.#arm(dueMs);
  }

  clear(id: number): void {
    this.#timers.delete(id);
  }

  get hasDue(): boolean {
    const now = this.#time.now();
    for (const { dueMs } of this.#timers.values()) if (dueMs <= now) return true;
    return false;
  }

  /** Infinity: there is none. */
  get earliestMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#timers.values()) earliestMs = Math.min(earliestMs, dueMs);
    return earliestMs;
  }

  /** Ids of the timers that are due, in their order; at most `max`. */
  takeDue(max: number): number[] {
    if (this.#timers.size === 0) return [];
    const now = this.#time.now();
    const due = [...this.#timers].filter(([, timer]) => timer.dueMs <= now);
    due.sort(([idA, a], [idB, b]) => a.dueMs - b.dueMs || idA - idB);
    const taken = due.slice(0, max);
    for (const [id, timer] of taken) {
      if (timer.periodMs === undefined) this.#timers.delete(id);
      else timer.dueMs = Math.max(timer.dueMs + timer.periodMs, now + 1);
    }
    this.#armNext();
    return taken.map(([id]) => id);
  }

  close(): void {
    this.#timers.clear();
    this.#disarm?.();
  }

  #armNext(): void {
    const { earliestMs } = this;
    if (earliestMs === this.#armedForMs) return;
    if (earliestMs < Number.POSITIVE_INFINITY) this.#arm(earliestMs);
  }

  #arm(dueMs: number): void {
    this.#disarm?.();
    this.#armedForMs = dueMs;
    this.#disarm = this.#time.at(dueMs, () => {
      this.#armedForMs = Number.POSITIVE_INFINITY;
      // Node's clock and ours may differ by a millisecond.
      if (this.hasDue) this.#onDue();
      else this.#armNext();
    });
  }
}
