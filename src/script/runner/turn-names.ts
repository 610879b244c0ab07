// What a turn is at, for messages about turns that end without a word: the script cannot be asked any more.
import type { RunnerEvent, ScriptEvent } from '../wire/wire.ts';
import type { Batch } from './mailbox.ts';

const MAX_NAMES = 3;
const MAX_NAME = 100;

/** ` (onConnect, client.send)`: the handlers of its events, in their order. Empty: there are none. */
export function inHandlersOf(batch: Batch | undefined): string {
  if (!batch) return '';
  const events = JSON.parse(batch.text) as (ScriptEvent | RunnerEvent)[];
  const names = new Set(events.map(handlerOf).filter((name) => name !== undefined));
  if (names.size === 0) return '';
  const more = names.size > MAX_NAMES ? ', …' : '';
  return ` (${[...names].slice(0, MAX_NAMES).join(', ')}${more})`;
}

function handlerOf(event: ScriptEvent | RunnerEvent): string | undefined {
  if (event.t === 'gate') return event.gate;
  if (event.t === 'call') return `client.${event.name.slice(0, MAX_NAME)}`;
  return HANDLERS[event.t];
}

const HANDLERS: { readonly [T in (ScriptEvent | RunnerEvent)['t']]?: string } = {
  start: 'onAppStart',
  save: 'onBeforeReload',
  disconnect: 'onDisconnect',
  unpublish: 'onUnpublish',
  stopPlay: 'onStop',
  recorded: 'onRecord',
  recordFailed: 'onRecordError',
  status: 'onStatus',
  fault: 'onStatus',
  stop: 'onAppStop',
  timer: 'a timer',
  callResult: 'the result of a call',
  answer: 'a promise',
};
