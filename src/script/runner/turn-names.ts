// What a turn is at, for messages about turns that end without a word: the script cannot be asked any more.
import { NOTICES, type NoticeRow } from '../../application/contract/script-table.ts';
import type { RunnerEvent, ScriptEvent } from '../wire/wire.ts';
import type { Batch } from './mailbox.ts';

type AnyEvent = ScriptEvent | RunnerEvent;

const MAX_NAMES = 3;
const MAX_NAME = 100;

/** ` (onConnect, client.send)`: the handlers of its events, in their order. Empty: there are none. */
export function inHandlersOf(batch: Batch | undefined): string {
  if (!batch) return '';
  const events = JSON.parse(batch.text) as AnyEvent[];
  const names = new Set(events.map(handlerOf).filter((name) => name !== undefined));
  if (names.size === 0) return '';
  const more = names.size > MAX_NAMES ? ', …' : '';
  return ` (${[...names].slice(0, MAX_NAMES).join(', ')}${more})`;
}

function handlerOf(event: AnyEvent): string | undefined {
  if (event.t === 'gate') return event.gate;
  if (event.t === 'call') return `client.${event.name.slice(0, MAX_NAME)}`;
  return Object.hasOwn(NOTICES, event.t)
    ? (NOTICES as Record<string, NoticeRow>)[event.t]!.handler
    : NAMES[event.t as keyof typeof NAMES];
}

/** Of the others the table has the handler. */
const NAMES: { readonly [T in Exclude<AnyEvent['t'], keyof typeof NOTICES>]?: string } = {
  start: 'onAppStart',
  save: 'onBeforeReload',
  fault: 'onStatus',
  stop: 'onAppStop',
  timer: 'a timer',
  callResult: 'the result of a call',
  answer: 'a promise',
};
