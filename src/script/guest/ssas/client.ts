// Client, and what the guest knows of each one. Who a client is stays in a hidden state: scripts may overwrite `client.id`.
import type { Json, WireAccess, WireClient } from '../../wire/wire.ts';
import { forget, type Kept, keep, newKept, touch } from '../core/keep.ts';
import { commandText, put, putText } from '../core/outbox.ts';
import {
  append,
  assign,
  create,
  defineProperty,
  isFunction,
  isObject,
  keys,
  MapConstructor,
  mapDelete,
  mapEach,
  mapFirstKey,
  mapGet,
  mapSet,
  mapSize,
  ownKeys,
  removeAt,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from '../core/primordials.ts';
import { callReporting } from '../core/turn.ts';
import { decodeValue, encodeValues } from '../core/wire-value.ts';

/** Calls to one client that wait for its answer. Beyond, the oldest is given up: that client does not answer. */
const MAX_RESPONDERS = 1000;
/** Commands to a client that is not accepted yet. */
const MAX_HELD = 1000;

type Stats = Record<string, number>;
type ClientCommand = Parameters<typeof put>[0];

export interface ClientState {
  readonly id: string;
  readonly client: Client;
  readonly facts: WireClient;
  phase: 'pending' | 'accepted' | 'gone';
  /** The gate that asks about it, while it is pending, and what it connected with. */
  readonly gate: number;
  args: unknown[];
  readonly access: WireAccess;
  stats: Stats;
  /** Commands made while it was pending: they follow the verdict, or are forgotten with it. */
  held: string[];
  /** Undefined: none so far. */
  responders: Map<number, unknown> | undefined;
  /** `client.data`. */
  readonly data: Kept;
  /** Its numbers have been asked for in this turn. */
  isAsked: boolean;
}

const states = new WeakMapConstructor<object, ClientState>();
/** Pending and accepted ones. */
const known = new MapConstructor<string, ClientState>();
/** Pending ones by the gate that asks about them. */
const pending = new MapConstructor<number, ClientState>();
const responderOwners = new MapConstructor<number, ClientState>();
let lastResponder = 0;
let asked: ClientState[] = [];

/** `application.clients`: one array for ever, scripts keep it. */
export const clientList: Client[] = [];

export class Client {
  get readAccess(): string {
    return stateOf(this)?.access.readAccess ?? '';
  }
  set readAccess(value: unknown) {
    setAccess(stateOf(this), 'readAccess', `${value}`);
  }

  get writeAccess(): string {
    return stateOf(this)?.access.writeAccess ?? '';
  }
  set writeAccess(value: unknown) {
    setAccess(stateOf(this), 'writeAccess', `${value}`);
  }

  get audioSampleAccess(): string {
    return stateOf(this)?.access.audioSampleAccess ?? '';
  }
  set audioSampleAccess(value: unknown) {
    setAccess(stateOf(this), 'audioSampleAccess', `${value}`);
  }

  get videoSampleAccess(): string {
    return stateOf(this)?.access.videoSampleAccess ?? '';
  }
  set videoSampleAccess(value: unknown) {
    setAccess(stateOf(this), 'videoSampleAccess', `${value}`);
  }

  /** `responder`: an object with onResult and onStatus, or a function for the result. */
  call(name: unknown, responder?: unknown, ...args: unknown[]): boolean {
    const state = stateOf(this);
    if (state === undefined || state.phase === 'gone') return false;
    const encoded = encodeValues(args, 0);
    const id = isObject(responder) ? addResponder(state, responder) : undefined;
    return send(state, { op: 'clientCall', client: state.id, name: `${name}`, args: encoded, responder: id });
  }

  /** FMS waits for the answer; this asks, and `getStats().ping_rtt` has it later. */
  ping(): boolean {
    const state = stateOf(this);
    if (state === undefined || state.phase === 'gone') return false;
    return send(state, { op: 'ping', client: state.id });
  }

  /** The numbers last heard; asking has them refreshed. */
  getStats(): Stats {
    const state = stateOf(this);
    const stats: Stats = {};
    const names = ['bytes_in', 'bytes_out', 'msg_in', 'msg_out', 'msg_dropped', 'ping_rtt'];
    for (let i = 0; i < names.length; i++) stats[names[i]!] = state?.stats[names[i]!] ?? 0;
    if (state?.phase === 'accepted' && !state.isAsked) {
      state.isAsked = true;
      append(asked, state);
      put({ op: 'ping', client: state.id });
    }
    return stats;
  }
}

/** Names that no client may call, whatever a script puts there. */
const builtInNames: Record<PropertyKey, boolean> = create(null);
{
  const names = ownKeys(Client.prototype);
  for (let i = 0; i < names.length; i++) builtInNames[names[i]!] = true;
}
export function isBuiltIn(name: string): boolean {
  return builtInNames[name] === true;
}

export function stateOf(client: unknown): ClientState | undefined {
  return isObject(client) ? weakMapGet(states, client) : undefined;
}

export function clientById(id: string): ClientState | undefined {
  return mapGet(known, id);
}

export function pendingClient(gate: number): ClientState | undefined {
  return mapGet(pending, gate);
}

/** Whoever reads it may change it. */
const DATA: PropertyDescriptor = {
  get(this: unknown): unknown {
    const kept = stateOf(this)?.data;
    if (kept !== undefined) touch(kept);
    return kept?.value;
  },
  set(this: unknown, value: unknown): void {
    const kept = stateOf(this)?.data;
    if (kept === undefined) return;
    kept.value = value;
    touch(kept);
  },
  enumerable: true,
  configurable: true,
};

type ShownFacts = Omit<WireClient, keyof WireAccess>;

/** Own properties of the client; the others have setters. Written out: in a new version all code is cold, and this is for each. */
function shownFacts(facts: WireClient): ShownFacts {
  const { id, ip, agent, referrer, pageUrl, uri, protocol, secure, virtualKey, user, objectEncoding } = facts;
  return { id, ip, agent, referrer, pageUrl, uri, protocol, secure, virtualKey, user, objectEncoding };
}
function accessOf({ readAccess, writeAccess, audioSampleAccess, videoSampleAccess }: WireClient): WireAccess {
  return { readAccess, writeAccess, audioSampleAccess, videoSampleAccess };
}
function setAccess(state: ClientState | undefined, name: keyof WireAccess, value: string): void {
  if (state === undefined) return;
  state.access[name] = value;
  send(state, { op: 'access', client: state.id, [name]: value });
}
const SHOWN: Record<string, boolean> = create(null);
{
  const names = keys(shownFacts({} as WireClient));
  for (let i = 0; i < names.length; i++) SHOWN[names[i]!] = true;
}
const NO_STATS: Stats = create(null);

/** `gate`: the question about it; 0 for one that has been accepted before. */
export function createClient(facts: WireClient, gate: number): ClientState {
  const client = new Client();
  const state: ClientState = {
    id: facts.id,
    client,
    facts,
    phase: gate === 0 ? 'accepted' : 'pending',
    gate,
    args: [],
    access: accessOf(facts),
    stats: NO_STATS,
    held: [],
    responders: undefined,
    data: newKept(facts.id),
    isAsked: false,
  };
  weakMapSet(states, client, state);
  mapSet(known, facts.id, state);
  assign(client, shownFacts(facts));
  defineProperty(client, 'data', DATA);
  if (gate === 0) append(clientList, client);
  else mapSet(pending, gate, state);
  return state;
}

/** The verdict has been sent: what the script did to the client meanwhile goes after it. */
export function admit(state: ClientState): void {
  state.phase = 'accepted';
  mapDelete(pending, state.gate);
  append(clientList, state.client);
  keep(state.data);
  const { held } = state;
  state.held = [];
  for (let i = 0; i < held.length; i++) putText(held[i]!);
}

/** It was refused, or has left. */
export function dismiss(state: ClientState): void {
  state.phase = 'gone';
  forget(state.data);
  state.held = [];
  mapDelete(pending, state.gate);
  mapDelete(known, state.id);
  if (state.responders !== undefined) mapEach(state.responders, (_, id) => mapDelete(responderOwners, id));
  for (let i = 0; i < clientList.length; i++) {
    if (clientList[i] === state.client) removeAt(clientList, i);
  }
}

/** Fresh from JSON.parse; nobody else has them. */
export function setStats(state: ClientState, stats: Json): void {
  state.stats = isObject(stats) ? (stats as unknown as Stats) : NO_STATS;
}

export function startTurnOfClients(): void {
  for (let i = 0; i < asked.length; i++) asked[i]!.isAsked = false;
  asked = [];
}

/** The client's answer to a `call`. */
export function answerResponder(id: number, ok: boolean, value: unknown): void {
  const state = mapGet(responderOwners, id);
  if (state === undefined) return;
  const responders = state.responders!;
  const responder = mapGet(responders, id) as { onResult?: unknown; onStatus?: unknown };
  mapDelete(responderOwners, id);
  mapDelete(responders, id);
  const name = ok ? 'onResult' : 'onStatus';
  try {
    const handler = isFunction(responder) ? (ok ? responder : undefined) : responder[name];
    if (isFunction(handler)) callReporting(name, state.id, handler, responder, [decodeValue(value)]);
  } catch {
    // a getter in place of the handler: the script is told nothing it does not know
  }
}

function addResponder(state: ClientState, responder: unknown): number {
  state.responders ??= new MapConstructor();
  const { responders } = state;
  if (mapSize(responders) >= MAX_RESPONDERS) {
    const oldest = mapFirstKey(responders)!;
    mapDelete(responders, oldest);
    mapDelete(responderOwners, oldest);
  }
  lastResponder += 1;
  mapSet(responders, lastResponder, responder);
  mapSet(responderOwners, lastResponder, state);
  return lastResponder;
}

function send(state: ClientState, command: ClientCommand): boolean {
  if (state.phase === 'accepted') {
    put(command);
    return true;
  }
  if (state.phase === 'gone' || state.held.length >= MAX_HELD) return false;
  append(state.held, commandText(command));
  return true;
}

/** A property that is as the client came with it, not the script's. */
export function isFact(state: ClientState, name: string, value: unknown): boolean {
  return SHOWN[name] === true && state.facts[name as keyof WireClient] === value;
}
