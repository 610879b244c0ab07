// Handlers of news that have not ended: an async one goes on when it has returned, and the script is to end only after it.
import type { ScriptEvent } from '../../wire/wire.ts';
import { putAnswer } from './outbox.ts';
import { append } from './primordials.ts';
import { whenSettled } from './report.ts';

let open = 0;
/** Questions that wait for the last of them. */
let waiting: number[] = [];

/** What a handler has returned. `fail`: its promise was rejected. */
export function follow(result: unknown, fail: (error: unknown) => void): void {
  open += 1;
  whenSettled(result, ended, (error) => {
    ended();
    fail(error);
  });
}

function ended(): void {
  open -= 1;
}

export function settle({ id }: Extract<ScriptEvent, { t: 'settle' }>): void {
  append(waiting, id);
}

/** At the end of a turn, promises included: what the script has asked for in it is said before. */
export function answerSettled(): void {
  if (open > 0) return;
  for (let i = 0; i < waiting.length; i++) putAnswer({ op: 'ret', id: waiting[i]!, found: false });
  waiting = [];
}
