// What the turn is at: whom to blame when it is cut short, and what waits for the running handler to return.
import { count } from './meter.ts';
import { append, apply, nowMs } from './primordials.ts';
import { report } from './report.ts';

let where = '';
let client = '';
/** Script functions on the stack that we called. */
let depth = 0;
/** The outermost of them: which it is, and since when it runs. */
let outermost = '';
let sinceMs = 0;
const waiting: (() => void)[] = [];

export function blame(): { where: string; client: string } {
  return { where, client };
}

export function setBlame(name: string, clientId: string): void {
  where = name;
  client = clientId;
}

/** After a turn that was cut: what had not returned never will. */
export function countCut(): void {
  if (depth > 0) count(outermost, nowMs() - sinceMs);
  depth = 0;
}

/** After a turn that was cut: the stack it had is gone. */
export function resetTurn(): void {
  depth = 0;
  waiting.length = 0;
}

/** Calls a function of the script. Throws what it throws. */
export function callScript(
  name: string,
  clientId: string,
  fn: (...args: unknown[]) => unknown,
  self: unknown,
  args: unknown[],
): unknown {
  setBlame(name, clientId);
  if (depth === 0) {
    outermost = name;
    sinceMs = nowMs();
  }
  depth += 1;
  try {
    return apply(fn, self, args);
  } finally {
    depth -= 1;
    if (depth === 0) {
      count(outermost, nowMs() - sinceMs);
      runWaiting();
    }
  }
}

/** The same for a function whose result nobody wants; its errors are reported. */
export function callReporting(
  name: string,
  clientId: string,
  fn: (...args: unknown[]) => unknown,
  self: unknown,
  args: unknown[],
): unknown {
  try {
    return callScript(name, clientId, fn, self, args);
  } catch (error) {
    report('handler', name, error, clientId);
    return undefined;
  }
}

/** Runs `action` once the handler that is running now has returned: handlers do not nest. */
export function afterHandler(action: () => void): void {
  if (depth === 0) action();
  else append(waiting, action);
}

function runWaiting(): void {
  while (waiting.length > 0) {
    const action = waiting[0]!;
    for (let i = 1; i < waiting.length; i++) waiting[i - 1] = waiting[i]!;
    waiting.length -= 1;
    action();
  }
}
