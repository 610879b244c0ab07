// Inspector sessions of isolated-vm. The order in which it disposes of things (7.0.1) hangs or aborts the whole process, so:
//
// - All sessions of an isolate end before the isolate is disposed of, each in the isolate's own thread. With one that is open,
//   whoever lets go of the isolate last waits for ever: the main thread, if nothing runs in the isolate.
// - A session ends only when all that was asked through it is answered. It would answer the rest at its end, through a channel
//   that is freed by then. `awaitPromise` may take for ever: such a session stays, silent, and so does its isolate.
// - A session is neither used nor collected after the engine has given up its isolate for its memory.
// - What comes in the moment between V8's word that it has paused and isolated-vm's beginning to wait is looked at only when
//   something else comes. So something does (`#nudge`).
// - V8 does not pause a script for its memory: see heap-headroom.ts.

/** Of an isolate that is inspectable. */
export interface DebuggerSession {
  send(message: string): void;
  /** A script that was paused goes on. Resolves when the turn that is under way has ended, and the session with it. */
  end(): Promise<void>;
}

/** What of isolated-vm's Isolate is wanted here. */
interface Inspected {
  readonly isDisposed: boolean;
  createInspectorSession(): InspectorSession;
  getHeapStatistics(): Promise<unknown>;
}

interface InspectorSession {
  dispatchProtocolMessage(message: string): void;
  dispose(): void;
  onNotification: (message: string) => void;
  onResponse: (id: number, message: string) => void;
}

/** Debugger.disable lets a script go on that is paused. */
const FAREWELL = ['Debugger', 'Profiler', 'HeapProfiler', 'Console', 'Runtime'].map(
  (name) => `${name}.disable`,
);
/** Ids that no debugger will come to. */
const FIRST_OWN_ID = 2_000_000_000;
const NUDGE_MS = 20;

export class VmDebuggerSession implements DebuggerSession {
  readonly #isolate: Inspected;
  readonly #session: InspectorSession;
  readonly #said: (message: string) => void;
  #isOpen = true;
  #isGone = false;
  /** How many answers are owed to the debugger, by the ids of its requests. */
  readonly #owed = new Map<number, number>();
  #nudges: NodeJS.Timeout | undefined;
  #lastOwnId = FIRST_OWN_ID;
  #lastNudge = 0;
  /** Something has been sent after the last nudge. */
  #isUnsure = false;
  #isCutting = false;
  #ended: Promise<void> | undefined;

  /** Not while something runs in the isolate, or another session of it ends. */
  constructor(isolate: Inspected, said: (message: string) => void) {
    this.#isolate = isolate;
    this.#said = said;
    this.#session = isolate.createInspectorSession();
    this.#session.onNotification = (message) => {
      if (this.#isOpen) said(message);
    };
    this.#session.onResponse = (id, message) => this.#answered(id, message);
  }

  /** It has ended, and its isolate may go. */
  get isGone(): boolean {
    return this.#isGone;
  }

  send(message: string): void {
    if (!this.#isOpen || this.#isolate.isDisposed) return;
    const id = idOf(message);
    if (id !== undefined) this.#owed.set(id, (this.#owed.get(id) ?? 0) + 1);
    this.#dispatch(message);
  }

  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** Ends it, and what runs in the isolate. */
  async cut(): Promise<void> {
    this.#isCutting = true;
    await this.end();
    // It may have been left with answers owed, which have come since.
    if (!this.#isGone) await this.#goIfAnswered();
  }

  /** The thread of the isolate is parked for good. */
  abandon(): void {
    this.#isOpen = false;
    this.#stopNudging();
  }

  async #end(): Promise<void> {
    for (const method of FAREWELL) this.#ask(method);
    this.#isOpen = false;
    await this.#nothingRuns(); // no request is half-way
    this.#stopNudging();
    await this.#nothingRuns(); // neither is a nudge
    await this.#goIfAnswered();
  }

  async #goIfAnswered(): Promise<void> {
    if (this.#isolate.isDisposed || this.#owed.size > 0) return;
    this.#session.dispose();
    await this.#nothingRuns(); // its thread has let go of it
    this.#isGone = true;
  }

  /** Tasks of an isolate run one after the other, and behind what was sent by a debugger. */
  async #nothingRuns(): Promise<void> {
    try {
      await this.#isolate.getHeapStatistics();
    } catch {
      // the isolate has gone
    }
  }

  #ask(method: string): number {
    this.#lastOwnId += 1;
    this.#dispatch(JSON.stringify({ id: this.#lastOwnId, method }));
    return this.#lastOwnId;
  }

  #dispatch(message: string): void {
    if (this.#isolate.isDisposed) return;
    this.#session.dispatchProtocolMessage(message);
    this.#isUnsure = true;
    this.#nudges ??= setInterval(() => this.#nudge(), NUDGE_MS);
  }

  #answered(id: number, message: string): void {
    if (id > FIRST_OWN_ID) {
      if (id === this.#lastNudge && !this.#isUnsure && !this.#isCutting) this.#stopNudging();
      return;
    }
    const owed = this.#owed.get(id) ?? 0;
    if (owed > 1) this.#owed.set(id, owed - 1);
    else this.#owed.delete(id);
    if (this.#isOpen) this.#said(message);
  }

  #nudge(): void {
    if (this.#isolate.isDisposed) {
      this.#stopNudging();
      return;
    }
    if (this.#isCutting) this.#ask('Runtime.terminateExecution');
    this.#lastNudge = this.#ask('Runtime.getIsolateId');
    this.#isUnsure = false;
  }

  #stopNudging(): void {
    clearInterval(this.#nudges);
    this.#nudges = undefined;
  }
}

/** Of a request. What has none is answered at once. */
function idOf(message: string): number | undefined {
  try {
    const { id } = JSON.parse(message);
    return Number.isInteger(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
