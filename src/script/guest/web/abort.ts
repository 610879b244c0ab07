// AbortController and AbortSignal. DOM Standard §3.
import { errorFromHere, namedError } from '../core/errors.ts';
import { append, expose, isFunction } from '../core/primordials.ts';
import { callListener, Event, EventTarget } from './event-target.ts';
import { startTimer } from './timers.ts';

let abort: (signal: AbortSignal, reason: unknown) => void;
let listen: (signal: AbortSignal, action: (reason: unknown) => void) => () => void;
let isConstructing = false;

export class AbortSignal extends EventTarget {
  onabort: unknown = null;
  #isAborted = false;
  #reason: unknown;
  /** The library's own listeners: they come first, and nothing that scripts do to EventTarget keeps the signal from them. */
  #actions: ((reason: unknown) => void)[] = [];

  constructor() {
    if (!isConstructing)
      throw new TypeError('AbortSignal is made by an AbortController, or by abort, any or timeout');
    super();
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = newSignal();
    abort(signal, reason);
    return signal;
  }

  static timeout(ms: unknown): AbortSignal {
    const signal = newSignal();
    const makeError = errorFromHere();
    startTimer(() => abort(signal, makeError('TimeoutError', 'the time is over')), ms, false);
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const any = newSignal();
    const undo: (() => void)[] = [];
    for (const signal of signals) {
      append(
        undo,
        listen(signal, (reason) => {
          for (let i = 0; i < undo.length; i++) undo[i]!();
          abort(any, reason);
        }),
      );
      if (any.aborted) break;
    }
    return any;
  }

  get aborted(): boolean {
    return this.#isAborted;
  }
  get reason(): unknown {
    return this.#reason;
  }
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }
  override get [Symbol.toStringTag](): string {
    return 'AbortSignal';
  }

  static {
    abort = (signal, reason) => {
      if (signal.#isAborted) return;
      signal.#isAborted = true;
      signal.#reason = reason === undefined ? namedError('AbortError', 'aborted') : reason;
      const actions = signal.#actions;
      signal.#actions = [];
      for (let i = 0; i < actions.length; i++) actions[i]!(signal.#reason);
      const event = new Event('abort');
      if (isFunction(signal.onabort)) callListener(signal, event, signal.onabort);
      signal.dispatchEvent(event);
    };
    listen = (signal, action) => {
      if (signal.#isAborted) {
        action(signal.#reason);
        return () => {};
      }
      append(signal.#actions, action);
      return () => {
        signal.#actions = without(signal.#actions, action);
      };
    };
  }
}

function without<T>(list: readonly T[], item: T): T[] {
  const rest: T[] = [];
  for (let i = 0; i < list.length; i++) if (list[i] !== item) append(rest, list[i]!);
  return rest;
}

function newSignal(): AbortSignal {
  isConstructing = true;
  try {
    return new AbortSignal();
  } finally {
    isConstructing = false;
  }
}

class AbortController {
  readonly #signal = newSignal();

  get signal(): AbortSignal {
    return this.#signal;
  }
  abort(reason?: unknown): void {
    abort(this.#signal, reason);
  }
  get [Symbol.toStringTag](): string {
    return 'AbortController';
  }
}

/**
 * For what can be aborted: calls `action` once, at once if it is too late. Returns its own undo. Throws a TypeError at what
 * is no AbortSignal.
 */
export function onAbort(signal: unknown, action: (reason: unknown) => void): () => void {
  if (!(signal instanceof AbortSignal)) throw new TypeError('signal is not an AbortSignal');
  return listen(signal, action);
}

export function defineAbort(): void {
  expose('AbortSignal', AbortSignal);
  expose('AbortController', AbortController);
}
