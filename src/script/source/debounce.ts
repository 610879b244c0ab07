// Many changes, one call: when it has been quiet for a moment.
import type { Clock } from '../../clock.ts';

/** After the last change of several. Long enough for "save all", short enough not to be felt. */
export const QUIET_MS = 40;
/** Even if something goes on writing. */
export const MAX_WAIT_MS = 500;

interface Pending {
  since: number;
  cancel(): void;
}

/** Per key. */
export class Debounce {
  readonly #clock: Clock;
  readonly #call: (key: string) => void;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock, call: (key: string) => void) {
    this.#clock = clock;
    this.#call = call;
  }

  changed(key: string): void {
    const now = this.#clock.now();
    const pending = this.#pending.get(key);
    pending?.cancel();
    const since = pending?.since ?? now;
    const waitMs = Math.max(0, Math.min(QUIET_MS, since + MAX_WAIT_MS - now));
    const cancel = this.#clock.after(waitMs, () => {
      this.#pending.delete(key);
      this.#call(key);
    });
    this.#pending.set(key, { since, cancel });
  }

  /** What has changed so far is not called for. */
  forget(): void {
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
  }
}
