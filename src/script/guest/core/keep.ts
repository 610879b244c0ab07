// `client.data` on its way to the host, which keeps a copy for the case that this isolate, or its whole process, is lost.
//
// To look at everybody's data after every turn would cost more than the turn. What was read in a turn may have been changed
// in it, so that is looked at; and a few others by turns, for scripts keep references.
import { MAX_KEPT_CHARACTERS } from '../../../application/contract/script-limits.ts';
import { putAnswer } from './outbox.ts';
import { append, nowMs } from './primordials.ts';
import { log } from './report.ts';
import { encodeState } from './wire-value.ts';

export interface Kept {
  readonly client: string;
  value: unknown;
  /** As the host has it; what a client comes with need not be told. */
  text: string;
  /** In `active`; -1: the host is not told. */
  index: number;
  isDue: boolean;
}

const NOTHING = '{}';
/** Of one turn; the rest follows in the next: nobody shall wait for it. Besides these, as many as the turn had events. */
const CLIENTS_A_TURN = 32;
const MAX_CHARACTERS_A_TURN = 512 << 10;
const MAX_MS_A_TURN = 2;
const LOOKED_AT_BY_TURNS = 4;

const active: Kept[] = [];
const due: Kept[] = [];
let turns = 0;
/** A getter in it may not have come to an end. */
let underway: Kept | undefined;
let hasWarned = false;

export function newKept(client: string): Kept {
  return { client, value: {}, text: NOTHING, index: -1, isDue: false };
}

/** From now on the host has a copy. */
export function keep(kept: Kept): void {
  kept.index = active.length;
  append(active, kept);
  touch(kept);
}

/** The client has gone; so has the host's copy. */
export function forget(kept: Kept): void {
  if (kept.index < 0) return;
  const last = active[active.length - 1]!;
  active[kept.index] = last;
  last.index = kept.index;
  active.length -= 1;
  kept.index = -1;
}

export function touch(kept: Kept): void {
  if (kept.isDue || kept.index < 0) return;
  kept.isDue = true;
  append(due, kept);
}

export function hasKeptToTell(): boolean {
  return due.length > 0;
}

/** After a turn of so many events and its promises. True: there is more, for another turn. */
export function tellKept(events: number): boolean {
  if (underway !== undefined) giveUp(underway, 'reading it did not end');
  underway = undefined;
  const untilMs = nowMs() + MAX_MS_A_TURN;
  let left = CLIENTS_A_TURN + events;
  for (let characters = 0; due.length > 0 && characters < MAX_CHARACTERS_A_TURN && left > 0; left--) {
    if (characters > 0 && nowMs() > untilMs) break;
    const kept = due[due.length - 1]!;
    due.length -= 1;
    kept.isDue = false;
    characters += tell(kept);
  }
  return due.length > 0;
}

export function touchSome(): void {
  for (let i = 0; i < LOOKED_AT_BY_TURNS && i < active.length; i++) {
    turns += 1;
    touch(active[turns % active.length]!);
  }
}

function tell(kept: Kept): number {
  if (kept.index < 0) return 0;
  underway = kept;
  let text: string | undefined;
  try {
    text = encodeState(kept.value, '', [], MAX_KEPT_CHARACTERS).json;
  } catch (error) {
    giveUp(kept, error instanceof RangeError ? `it is too large: ${error.message}` : 'it cannot be read');
  }
  underway = undefined;
  if (text === undefined || text === kept.text) return 0;
  kept.text = text;
  putAnswer({ op: 'keep', client: kept.client, data: text });
  return text.length;
}

function giveUp(kept: Kept, why: string): void {
  forget(kept);
  putAnswer({ op: 'keep', client: kept.client });
  if (hasWarned) return;
  hasWarned = true;
  log('warn', [`client.data of ${kept.client} will not survive a crash: ${why}`]);
}
