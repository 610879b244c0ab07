// The time of a script in a test (LoadBody.heldMs): it stands still, and moves from timer to timer as the test says, once there is
// nothing left to do.
import type { RunnerEvent } from '../wire/wire.ts';
import { HeldTime } from './time.ts';
import type { TimerQueue } from './timers.ts';

export class TestTime {
  readonly time: HeldTime;
  readonly #onTicked: (nowMs: number) => void;
  /** It has moved, and the guest has not been told yet. */
  #guestIsBehind = false;
  /** How far it is to move; undefined: nobody has asked, or it has been told. */
  #tick: { untilMs: number; hasMoved: boolean } | undefined;

  /** `onTicked`: it has come so far as it was asked to, and there is nothing to do. */
  constructor(startMs: number, onTicked: (nowMs: number) => void) {
    this.time = new HeldTime(startMs);
    this.#onTicked = onTicked;
  }

  /** Asks for a move to the next timer, at most until then. `idle` carries it out. */
  tick(untilMs: number): void {
    this.#tick = { untilMs, hasMoved: false };
  }

  /** The instance has nothing to do: moves on if a tick is open. */
  idle(timers: TimerQueue, wake: () => void): void {
    if (!this.#tick) return;
    if (!this.#tick.hasMoved) {
      this.#tick.hasMoved = true;
      if (this.time.moveTo(Math.min(this.#tick.untilMs, timers.earliestMs))) this.#guestIsBehind = true;
      if (timers.hasDue) {
        wake();
        return;
      }
    }
    this.#tick = undefined;
    this.#onTicked(this.time.now());
  }

  /** For the guest's next turn. */
  takeEvents(): RunnerEvent[] {
    if (!this.#guestIsBehind) return [];
    this.#guestIsBehind = false;
    return [{ t: 'time', ms: this.time.now() }];
  }
}
