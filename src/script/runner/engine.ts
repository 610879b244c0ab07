// The only file that knows isolated-vm: isolates with the guest library in them, entered with a time limit, and its messages
// turned into faults.
//
// What keeps this safe (each learnt the hard way):
// - Nothing but text goes in and out. No reference, callback or promise of ours is ever within a script's reach.
// - Every entry is an `apply` with a timeout, and only the first of a pair runs script code: what it returns is lost when a
//   promise was left rejected, and is taken before its microtasks run. So `drain`, issued together with it, fetches the answer.
// - Never a …Sync method: it would wait for an isolate that may not come back.
import { setFlagsFromString } from 'node:v8';
import ivm from 'isolated-vm';
import { GUEST_FILENAME } from '../wire/wire.ts';
import { warmCodeCache } from './code-cache.ts';
import { type DebuggerSession, VmDebuggerSession } from './debugger-session.ts';
import { fillHeadroom, HEADROOM_MB, headroomBuffer } from './heap-headroom.ts';

export type EngineFault =
  /** `stack`: where it was when it was cut, its innermost ten frames. Without those of the library; empty if there are no others. */
  | { kind: 'timeout'; stack: string }
  | { kind: 'memory' }
  /** A promise that nobody handles, or an error that we did not expect. */
  | { kind: 'rejection'; message: string; stack: string }
  | { kind: 'disposed' };

export interface Outcome {
  /** What the guest's `drain` gave: texts, if it is the guest's. Hostile input. */
  answer: readonly unknown[] | undefined;
  fault: EngineFault | undefined;
}

export interface SyntaxFault {
  message: string;
  stack: string;
}

export interface ScriptIsolate {
  /** Undefined when it parses. */
  checkSyntax(code: string, filename: string): Promise<SyntaxFault | undefined>;
  load(setup: string, code: string, random: Uint8Array, timeoutMs: number): Promise<Outcome>;
  /** Without `timeoutMs` it may take for ever. */
  turn(events: string, random: Uint8Array | undefined, timeoutMs: number | undefined): Promise<Outcome>;
  /** Not while something runs in it, or the session of another one ends. `said`: texts of the DevTools protocol. */
  debug(said: (message: string) => void): DebuggerSession;
  /** Of a processor, in all its life. */
  readonly cpuMs: number;
  /** The engine has given it up, for its memory, whether or not what runs in it can be ended. */
  readonly isLost: boolean;
  /** Undefined: it has gone meanwhile. */
  heapBytes(): Promise<number | undefined>;
  /**
   * The isolate and whatever runs in it. A thread that cannot be stopped goes on until the process ends. Resolves when it is done:
   * at once, if no debugger has been attached to it.
   */
  dispose(): Promise<void>;
  /** Its thread is parked for good: nothing of it is touched again. */
  abandon(): void;
}

export interface IsolateOptions {
  memoryMb: number;
  isInspectable: boolean;
  /** V8 has lost the isolate; its thread is parked. The process should be replaced soon. */
  onCatastrophe(message: string): void;
}

export interface ScriptEngine {
  openIsolate(options: IsolateOptions): Promise<ScriptIsolate>;
}

// A loop that makes an array of a given length, `for (;;) new Array(100)`, could not be ended otherwise, neither by its time
// limit nor by its memory: V8 (13.6 to 14.7 at least) fills such an array in a loop of its own, wants to leave out that one's
// check whether it is to stop, and leaves out that of the loop around it. Loops over numbers take up to a third longer without.
setFlagsFromString('--no-turboshaft-loop-unrolling');
// V8 finds out where in its source a function is when somebody asks for its stack, and for that it parses it again: not possible
// where the stack is full, as in a recursion that catches its end. So it notes the places when it compiles.
setFlagsFromString('--no-enable-lazy-source-positions');

const MAX_MESSAGE = 2000;
const MAX_STACK = 8000;
export function createEngine(guest: string): ScriptEngine {
  const cachedData = new ivm.ExternalCopy(warmCodeCache(guest));
  const sharedBuffer = new ivm.ExternalCopy(headroomBuffer());
  return {
    async openIsolate({ memoryMb, isInspectable, onCatastrophe }) {
      const headroomMb = isInspectable ? HEADROOM_MB : 0;
      const isolate = new ivm.Isolate({
        memoryLimit: memoryMb + headroomMb,
        inspector: isInspectable,
        onCatastrophicError: onCatastrophe,
      });
      try {
        const context = await isolate.createContext({ inspector: isInspectable });
        const library = await isolate.compileScript(guest, { filename: GUEST_FILENAME, cachedData });
        const api = await library.run(context, { reference: true });
        const [load, deliver, drain] = await Promise.all([
          api.get('load', { reference: true }),
          api.get('deliver', { reference: true }),
          api.get('drain', { reference: true }),
        ]);
        if (isInspectable) await fillHeadroom(context, api, sharedBuffer, memoryMb);
        library.release();
        return new VmIsolate(isolate, context, { api, load, deliver, drain }, headroomMb);
      } catch (error) {
        if (!isolate.isDisposed) isolate.dispose();
        throw error;
      }
    },
  };
}

interface GuestApi {
  /** What has the others, and holds the headroom. */
  api: ivm.Reference;
  load: ivm.Reference;
  deliver: ivm.Reference;
  drain: ivm.Reference;
}

class VmIsolate implements ScriptIsolate {
  readonly #isolate: ivm.Isolate;
  readonly #context: ivm.Context;
  readonly #guest: GuestApi;
  readonly #headroomMb: number;
  readonly #sessions = new Set<VmDebuggerSession>();
  #isDisposing = false;

  constructor(isolate: ivm.Isolate, context: ivm.Context, guest: GuestApi, headroomMb: number) {
    this.#isolate = isolate;
    this.#context = context;
    this.#guest = guest;
    this.#headroomMb = headroomMb;
  }

  async checkSyntax(code: string, filename: string): Promise<SyntaxFault | undefined> {
    try {
      const script = await this.#isolate.compileScript(code, { filename });
      script.release();
      return undefined;
    } catch (error) {
      return syntaxFault(error);
    }
  }

  load(setup: string, code: string, random: Uint8Array, timeoutMs: number): Promise<Outcome> {
    return this.#enter(this.#guest.load, [setup, code, copied(random)], timeoutMs);
  }

  turn(events: string, random: Uint8Array | undefined, timeoutMs: number | undefined): Promise<Outcome> {
    const args = random === undefined ? [events] : [events, copied(random)];
    return this.#enter(this.#guest.deliver, args, timeoutMs);
  }

  debug(said: (message: string) => void): DebuggerSession {
    for (const earlier of this.#sessions) if (earlier.isGone) this.#sessions.delete(earlier);
    const session = new VmDebuggerSession(this.#isolate, said);
    this.#sessions.add(session);
    return session;
  }

  async #enter(entry: ivm.Reference, args: unknown[], timeoutMs: number | undefined): Promise<Outcome> {
    // Both are queued before either has run: they run back to back on the isolate's thread.
    const entered = this.#attempt(() => entry.apply(undefined, args, within(timeoutMs)));
    const drained = this.#attempt(() => this.#drain(timeoutMs));
    const { fault } = await entered;
    // Nothing more comes of it; with a debugger attached, not even word of that (debugger-session.ts).
    if (fault?.kind === 'memory' || fault?.kind === 'disposed') return { answer: undefined, fault };
    let answer = await drained;
    // A termination may hit the drain behind the call that it was meant for.
    if (answer.fault?.kind === 'timeout') answer = await this.#attempt(() => this.#drain(timeoutMs));
    return {
      answer: Array.isArray(answer.value) ? answer.value : undefined,
      fault: fault ?? answer.fault,
    };
  }

  #drain(timeoutMs: number | undefined): Promise<unknown> {
    return this.#guest.drain.apply(undefined, [], { ...within(timeoutMs), result: { copy: true } });
  }

  async #attempt(call: () => Promise<unknown>): Promise<{ value?: unknown; fault?: EngineFault }> {
    try {
      return { value: await call() };
    } catch (error) {
      return { fault: faultOf(error, this.#isolate.isDisposed) };
    }
  }

  get isLost(): boolean {
    return this.#isolate.isDisposed;
  }

  get cpuMs(): number {
    return this.#isolate.isDisposed ? 0 : Number(this.#isolate.cpuTime) / 1e6;
  }

  async heapBytes(): Promise<number | undefined> {
    try {
      const heap = await this.#isolate.getHeapStatistics();
      return heap.used_heap_size + heap.externally_allocated_size - (this.#headroomMb << 20);
    } catch {
      return undefined;
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposing) return;
    this.#isDisposing = true;
    const sessions = [...this.#sessions];
    if (sessions.length > 0) await Promise.all(sessions.map((session) => session.cut()));
    if (!sessions.every(({ isGone }) => isGone)) {
      untouchable.push(this);
      return;
    }
    if (this.#isolate.isDisposed) return;
    for (const reference of Object.values(this.#guest)) reference.release();
    this.#context.release();
    this.#isolate.dispose();
  }

  abandon(): void {
    this.#isDisposing = true;
    for (const session of this.#sessions) session.abandon();
    untouchable.push(this);
  }
}

/** Isolates with sessions that cannot be ended (debugger-session.ts). Few: a debugger's own doing, or more memory than there is. */
const untouchable: VmIsolate[] = [];

function within(timeoutMs: number | undefined): { timeout?: number } {
  return timeoutMs === undefined ? {} : { timeout: timeoutMs };
}

function copied(bytes: Uint8Array): ivm.Copy<Uint8Array> {
  return new ivm.ExternalCopy(bytes).copyInto({ release: true });
}

/** What was thrown was an object of the script before isolated-vm copied it; it may be anything. */
function faultOf(error: unknown, isDisposed: boolean): EngineFault {
  const { message, stack } = textsOf(error);
  if (isDisposed) return { kind: /memory limit/.test(message) ? 'memory' : 'disposed' };
  if (message === 'Error: Script execution timed out.') return { kind: 'timeout', stack };
  return { kind: 'rejection', message, stack };
}

function textsOf(error: unknown): { message: string; stack: string } {
  if (!(error instanceof Error)) return { message: String(error).slice(0, MAX_MESSAGE), stack: '' };
  const message = `${error.name}: ${error.message}`.slice(0, MAX_MESSAGE);
  return { message, stack: guestPart(String(error.stack ?? '')).slice(0, MAX_STACK) };
}

/** isolated-vm appends the frames of our own process. */
function guestPart(stack: string): string {
  const boundary = stack.indexOf('\n    at (<isolated-vm boundary>)');
  const lines = (boundary < 0 ? stack : stack.slice(0, boundary)).split('\n');
  return lines.filter((line) => !line.includes(GUEST_FILENAME)).join('\n');
}

/** isolated-vm puts the place into the message: `Unexpected token [app:///chat/main.asc:3:7]`. */
function syntaxFault(error: unknown): SyntaxFault {
  const { message } = textsOf(error);
  const [, text, place] = /^(.*) \[(.*?)\]$/s.exec(message) ?? [undefined, message, undefined];
  return { message: text!, stack: place === undefined ? text! : `${text}\n    at ${place}` };
}
