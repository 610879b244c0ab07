// The settings of applications are looked through one after the other, and none of them often. The longest that are taken compute for
// some 100 ms on the thread of the media, and whoever can write a file can save it as often as he likes.
import { setImmediate, setTimeout } from 'node:timers/promises';

/** What an ordinary file takes: no pause behind it. */
const ORDINARY_MS = 5;
/** Behind a file, by what it has taken: a fifth of the time at most goes into settings. */
const PAUSE = 4;
/** The same until the next look at that application: the others come before. */
const OWN_PAUSE = 20;

export interface TurnClock {
  now(): number;
  sleep(ms: number): Promise<void>;
}

export const turnClock: TurnClock = {
  now: () => performance.now(),
  sleep: async (ms) => {
    if (ms > 0) await setTimeout(ms, undefined, { ref: false });
    else await setImmediate();
  },
};

export class SettingsTurns {
  readonly #clock: TurnClock;
  /** Application → before when it is not looked at again. */
  readonly #resting = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock = turnClock) {
    this.#clock = clock;
  }

  /** Before the files of an application are read: until they may be looked at again. */
  async rest(application: string): Promise<void> {
    const restMs = (this.#resting.get(application) ?? 0) - this.#clock.now();
    if (restMs > 0) await this.#clock.sleep(restMs);
  }

  /** `work` computes, and waits for nothing. */
  async take<T>(application: string, work: () => T): Promise<T> {
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    await before;
    await this.#clock.sleep(0); // whoever waits for the thread comes first
    const beganMs = this.#clock.now();
    try {
      return work();
    } finally {
      const tookMs = this.#clock.now() - beganMs;
      if (tookMs <= ORDINARY_MS) leave();
      else {
        this.#noteRest(application, tookMs);
        void this.#clock.sleep(tookMs * PAUSE).then(leave);
      }
    }
  }

  #noteRest(application: string, tookMs: number): void {
    const nowMs = this.#clock.now();
    for (const [name, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(name);
    this.#resting.set(application, nowMs + tookMs * OWN_PAUSE);
  }
}
