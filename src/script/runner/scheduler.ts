// Who takes the next turn: whoever has waited longest, a few at a time.

/** Something that has turns to take. */
export interface Runnable {
  /** Takes one turn. Never rejects. */
  step(): Promise<void>;
  readonly isReady: boolean;
}

/** Turns that may be under way at a time, in threads of the engine. */
const SLOTS = 8;
/** A turn that lasts longer gives its slot up: slow scripts must not hold up the others. */
const SLOT_MS = 10;
const COMPACT_AT = 1024;

export class Scheduler {
  readonly #queued = new Set<Runnable>();
  #queue: Runnable[] = [];
  #head = 0;
  #slotsUsed = 0;
  #isArmed = false;
  #isPaused = false;

  /** Queues it, unless it is queued or running; it comes back by itself as long as it is ready. */
  wake(runnable: Runnable): void {
    if (this.#queued.has(runnable)) return;
    this.#queued.add(runnable);
    this.#queue.push(runnable);
    this.#arm();
  }

  /** No new turns: the answers to the last ones have not been taken yet. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#arm();
  }

  // Each turn starts from a fresh setImmediate. Started from the end of another, they keep isolated-vm's own queue of results
  // from running dry, and timers and sockets of this process would not get a word in for seconds.
  #arm(): void {
    if (this.#isArmed || this.#isPaused || this.#slotsUsed >= SLOTS || this.#head >= this.#queue.length)
      return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      while (!this.#isPaused && this.#slotsUsed < SLOTS && this.#head < this.#queue.length)
        this.#start(this.#next());
    });
  }

  #next(): Runnable {
    const runnable = this.#queue[this.#head]!;
    this.#head += 1;
    if (this.#head >= COMPACT_AT && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return runnable;
  }

  #start(runnable: Runnable): void {
    this.#slotsUsed += 1;
    let hasSlot = true;
    const giveUpSlot = () => {
      if (!hasSlot) return;
      hasSlot = false;
      this.#slotsUsed -= 1;
      this.#arm();
    };
    const patience = setTimeout(giveUpSlot, SLOT_MS);
    void runnable.step().then(() => {
      clearTimeout(patience);
      giveUpSlot();
      this.#queued.delete(runnable);
      if (runnable.isReady) this.wake(runnable);
    });
  }
}
