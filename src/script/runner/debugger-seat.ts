// Where the debugger of an instance sits: one at a time. Its session opens and ends between two turns only.
import type { DebuggerSession } from './debugger-session.ts';

export class DebuggerSeat {
  readonly #onFree: () => void;
  #isTaken = false;
  #session: DebuggerSession | undefined;
  /** From the debugger, until its session is open. */
  #forSession: string[] = [];
  #isEnding = false;

  /** `onFree`: a session has ended, so that a turn may begin and another session open. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  get hasSession(): boolean {
    return this.#session !== undefined;
  }

  /** No turn may begin. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  take(): void {
    this.#isTaken = true;
  }

  /** Between two turns. Opens the session that the seat's holder waits for, if it can be now. */
  open(debug: () => DebuggerSession): void {
    if (!this.#isTaken || this.#session || this.#isEnding) return;
    this.#session = debug();
    for (const message of this.#forSession) this.#session.send(message);
    this.#forSession = [];
  }

  send(message: string): void {
    if (!this.#isTaken) return;
    if (this.#session) this.#session.send(message);
    else this.#forSession.push(message);
  }

  leave(): void {
    const session = this.#session;
    this.abandon();
    if (!session) return;
    this.#isEnding = true;
    void session.end().then(() => {
      this.#isEnding = false;
      this.#onFree();
    });
  }

  /** Leaves a session that is not to be touched any more, or ended by others. */
  abandon(): void {
    this.#isTaken = false;
    this.#forSession = [];
    this.#session = undefined;
  }
}
