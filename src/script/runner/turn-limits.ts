// What ends a turn that does not end, and an instance whose turns do not.

/** A turn may overrun its time limit by what V8 needs to notice; beyond this it never will. */
const WATCHDOG_GRACE_MS = 3000;
export const MAX_STRIKES = 3;
export const STRIKE_WINDOW_MS = 60_000;

/** isolated-vm's own limit needs V8 to come to a point where it can be interrupted. Some code never does. */
export class Watchdog {
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
export class Overruns {
  #atMs: number[] = [];

  /** Another one. True: it was one too many. */
  add(nowMs: number): boolean {
    this.#atMs = this.#atMs.filter((ms) => nowMs - ms < STRIKE_WINDOW_MS);
    this.#atMs.push(nowMs);
    return this.#atMs.length >= MAX_STRIKES;
  }
}
