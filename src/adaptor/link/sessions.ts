// The open sessions of an adaptor in one set, whatever they came by: one timer checks them, and one call ends them.
import type { Clock } from '../../clock.ts';

export interface Session {
  /** Resolves when it has gone, and all that it had begun has ended. */
  readonly closed: Promise<void>;
  /** Called now and then: what has waited for too long ends. */
  check(now: number): void;
  /** Sends what is queued, then ends. May be called twice. */
  close(reason: string): void;
}

/** How often idle sessions and half-done handshakes are looked for. */
const CHECK_MS = 1_000;

export class Sessions {
  readonly #clock: Clock;
  readonly #open = new Set<Session>();
  #stopChecking: () => void = () => {};
  /** Why all of them end. */
  #closeReason: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#checkLater();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Until it has gone. One that comes when all others are going is closed as well. */
  add(session: Session): void {
    this.#open.add(session);
    void session.closed.then(() => this.#open.delete(session));
    if (this.#closeReason !== undefined) session.close(this.#closeReason);
  }

  #checkLater(): void {
    this.#stopChecking = this.#clock.after(CHECK_MS, () => {
      const now = this.#clock.now();
      for (const session of this.#open) session.check(now);
      this.#checkLater();
    });
  }

  /** Ends every session and waits until all of them are gone. */
  async close(reason: string): Promise<void> {
    this.#stopChecking();
    this.#closeReason ??= reason;
    const open = [...this.#open];
    for (const session of open) session.close(reason);
    await Promise.all(open.map(({ closed }) => closed));
  }
}
