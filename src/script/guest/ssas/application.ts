// `application`: the instance as its script sees it, and the admission of clients.
import type { ApplicationFacts, Json } from '../../wire/wire.ts';
import { limits } from '../core/limits.ts';
import { put, putAnswer, requireLength, requireSize } from '../core/outbox.ts';
import { defineProperty, freeze, isFunction, isObject, keys } from '../core/primordials.ts';
import { log, report, setStatusListener } from '../core/report.ts';
import { follow } from '../core/told.ts';
import { afterHandler, callReporting } from '../core/turn.ts';
import { encodeValue, encodeValues } from '../core/wire-value.ts';
import { admit, type Client, type ClientState, clientList, dismiss, stateOf } from './client.ts';
import { exec, jobs } from './exec.ts';
import { store } from './store.ts';
import { type Stream, streamsByName } from './stream.ts';
import { cleanReason, REFUSED } from './verdict.ts';

/** The client whose onConnect is running: FMS scripts may leave it out of acceptConnection(). */
let connecting: ClientState | undefined;
export function setConnecting(state: ClientState | undefined): void {
  connecting = state;
}

const STATS = [
  ...['bytes_in', 'bytes_out', 'msg_in', 'msg_out', 'msg_dropped'],
  ...['total_connects', 'total_disconnects'],
];
let stats: Record<string, number> = {};
/** They are on their way. */
let isAsked = false;
export function setInstanceStats(numbers: Json): void {
  isAsked = false;
  stats = numbers as Record<string, number>;
}

export class Application {
  declare readonly name: string;
  declare readonly server: string;
  declare readonly hostname: string;
  declare readonly config: unknown;
  declare readonly env: unknown;
  declare readonly clients: Client[];
  declare readonly streams: Record<string, Stream>;
  declare readonly store: typeof store;

  acceptConnection(client?: unknown): void {
    const state = askedFor(client);
    if (state !== undefined) accept(state);
  }

  /** Either `(client, description, info)` or, as FMS 2 had it, `(client, info)`. */
  rejectConnection(client?: unknown, description?: unknown, info?: unknown): void {
    const state = askedFor(client);
    if (state === undefined) return;
    if (typeof description === 'string') refuse(state, description, { info });
    else refuse(state, '', { info: description });
  }

  redirectConnection(client: unknown, url?: unknown, description?: unknown, info?: unknown): void {
    const state = askedFor(client);
    if (state === undefined) return;
    const redirect = url === undefined || url === null ? undefined : `${url}`;
    refuse(state, typeof description === 'string' ? description : '', { info, redirect });
  }

  disconnect(client: unknown): boolean {
    const state = stateOf(client);
    if (state === undefined || state.phase === 'gone') return false;
    if (state.phase === 'pending') refuse(state, '', {});
    else put({ op: 'disconnect', client: state.id });
    return true;
  }

  broadcastMsg(name: unknown, ...args: unknown[]): void {
    put({ op: 'broadcast', name: `${name}`, args: encodeValues(args, 0) });
  }

  /** The numbers last heard; asking has them refreshed. */
  getStats(): Record<string, number> {
    if (!isAsked) {
      put({ op: 'stats' });
      isAsked = true;
    }
    const numbers: Record<string, number> = {};
    for (let i = 0; i < STATS.length; i++) numbers[STATS[i]!] = stats[STATS[i]!] ?? 0;
    return numbers;
  }

  shutdown(): void {
    put({ op: 'shutdown' });
  }

  exec(name: unknown, values?: unknown, options?: { until?: unknown }): unknown {
    return exec(name, values, options);
  }
  jobs(): Promise<unknown> {
    return jobs();
  }

  /** The engine collects when it wants to. */
  gc(): void {}
}

export const application = new Application();

export function setApplicationFacts(facts: ApplicationFacts): void {
  const all = { ...facts, limits, clients: clientList, streams: streamsByName, store };
  const names = keys(all);
  for (let i = 0; i < names.length; i++) {
    const value = all[names[i]! as keyof typeof all];
    defineProperty(application, names[i]!, { value, writable: false, enumerable: true, configurable: true });
  }
  freeze(limits);
  if (isObject(facts.config)) freeze(facts.config);
  if (isObject(facts.env)) freeze(facts.env);
}

/** A handler as the script has it now; scripts replace them at any time. Throws what a getter in its place throws. */
export function handlerOf(name: string): ((...args: unknown[]) => unknown) | undefined {
  const handler = (application as unknown as Record<string, unknown>)[name];
  return isFunction(handler) ? handler : undefined;
}

/** Calls a handler whose answer does not matter; an async one may go on, its rejection is reported. */
export function tell(name: string, clientId: string, ...args: unknown[]): void {
  try {
    const handler = handlerOf(name);
    if (handler === undefined) return;
    const result = callReporting(name, clientId, handler, application, args);
    follow(result, (error) => report('handler', name, error, clientId));
  } catch (error) {
    report('handler', name, error, clientId);
  }
}

setStatusListener(tellStatusOf);

/** A stream that has a handler of its own is told of what is about it; the application of everything else. */
function tellStatusOf(info: object, about?: object): void {
  if (about === undefined || !tellOwn(about, 'Stream.onStatus', info)) tell('onStatus', '', info);
}

/** To `onStatus` of that object, which errors call `name`. False: it has none. */
export function tellOwn(target: object, name: string, info: object): boolean {
  try {
    const handler = (target as { onStatus?: unknown }).onStatus;
    if (!isFunction(handler)) return false;
    const result = callReporting(name, '', handler, target, [info]);
    follow(result, (error) => report('handler', name, error));
  } catch (error) {
    report('handler', name, error);
  }
  return true;
}

function askedFor(client: unknown): ClientState | undefined {
  const state = client === undefined ? connecting : stateOf(client);
  if (state === undefined) log('warn', ['a connection was decided about that is no client:', client]);
  return state;
}

/** Once; a client that has been decided about, or has left, is not asked about any more. */
export function accept(state: ClientState): void {
  if (state.phase !== 'pending') return;
  putAnswer({ op: 'verdict', id: state.gate, accepted: true });
  admit(state);
  afterHandler(() => tell('onConnectAccept', state.id, state.client, ...state.args));
}

export function refuse(
  state: ClientState,
  description: string,
  { info, redirect }: { info?: unknown; redirect?: string },
): void {
  if (state.phase !== 'pending') return;
  const reason = cleanReason(description) || REFUSED;
  // First: what cannot be sent is the script's error, and the client is still undecided then.
  const details = info === undefined ? undefined : encodeValue(info);
  if (details) requireSize(details.json, 'the text for the client');
  if (redirect !== undefined) requireLength('redirect', redirect);
  dismiss(state);
  putAnswer({ op: 'verdict', id: state.gate, accepted: false, reason, application: details, redirect });
  afterHandler(() => tell('onConnectReject', state.id, state.client, ...state.args));
}
