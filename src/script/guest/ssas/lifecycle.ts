// The beginning and the end of an instance's script: start, hand-over to a new version, stop.
import type { ScriptEvent, WireSnapshot } from '../../wire/wire.ts';
import { keep } from '../core/keep.ts';
import { JsonText, plainJson, putAnswer } from '../core/outbox.ts';
import { append, defineProperty, hasOwn, isObject, keys, parseJson, quote } from '../core/primordials.ts';
import { report, whenSettled } from '../core/report.ts';
import { callScript } from '../core/turn.ts';
import { decodeValue, encodeState } from '../core/wire-value.ts';
import { application, handlerOf } from './application.ts';
import {
  type ClientState,
  clientById,
  clientList,
  createClient,
  isFact,
  setStats,
  stateOf,
} from './client.ts';
import { answerError, answerValue } from './remote.ts';
import { createStream, enroll } from './stream.ts';

type StartEvent = Extract<ScriptEvent, { t: 'start' }>;
type SaveEvent = Extract<ScriptEvent, { t: 'save' }>;
type StopEvent = Extract<ScriptEvent, { t: 'stop' }>;

const NOTHING = '{"$":"undefined"}';
/** What all clients together may hand over. */
const MAX_SAVED_CHARACTERS = 4 << 20;

/** onAppStart, then onClientResume for whoever was there before; `done` when their promises have settled. */
export function start(event: StartEvent, done: (ok: boolean) => void): void {
  const clients = restore(event.snapshot);
  const state = hasOwn(event, 'state') ? decodeValue(event.state) : undefined;
  const info = { reload: event.why === 'reload', restored: event.why === 'restored', state };
  const finish = (ok: boolean): void => {
    putAnswer({ op: 'ready', id: event.id, ok });
    done(ok);
  };
  const fail = (error: unknown): void => {
    report('handler', 'onAppStart', error);
    finish(false);
  };
  let result: unknown;
  try {
    const handler = handlerOf('onAppStart');
    result = handler && callScript('onAppStart', '', handler, application, [info]);
  } catch (error) {
    fail(error);
    return;
  }
  whenSettled(result, () => resume(clients, finish), fail);
}

/** One client's trouble is its own: it is reported, and the new version goes on. */
function resume(clients: ClientState[], finish: (ok: boolean) => void): void {
  let waitingFor = 1;
  const settled = (): void => {
    waitingFor -= 1;
    if (waitingFor === 0) finish(true);
  };
  for (let i = 0; i < clients.length; i++) {
    const { id, client } = clients[i]!;
    const fail = (error: unknown): void => {
      report('handler', 'onClientResume', error, id);
      settled();
    };
    waitingFor += 1;
    try {
      const handler = handlerOf('onClientResume');
      whenSettled(handler && callScript('onClientResume', id, handler, application, [client]), settled, fail);
    } catch (error) {
      fail(error);
    }
  }
  settled();
}

function restore(snapshot: WireSnapshot): ClientState[] {
  const clients: ClientState[] = [];
  for (let i = 0; i < snapshot.clients.length; i++) {
    const entry = snapshot.clients[i]!;
    const state = createClient(entry.facts, 0);
    setStats(state, entry.stats);
    if (hasOwn(entry, 'saved')) assignOwn(state.client, decodeValue(entry.saved));
    if (hasOwn(entry, 'data')) state.data.value = decodeValue(parseJson(entry.data!));
    keep(state.data);
    append(clients, state);
  }
  for (let i = 0; i < snapshot.streams.length; i++) {
    const { name, query, publisher, source, players } = snapshot.streams[i]!;
    const stream = createStream(
      name,
      query,
      publisher === undefined ? undefined : clientById(publisher)?.client,
    );
    stream.source = source;
    for (let p = 0; p < players.length; p++) {
      const player = clientById(players[p]!);
      if (player !== undefined) append(stream.players, player.client);
    }
    enroll(stream);
  }
  return clients;
}

function assignOwn(target: object, saved: unknown): void {
  if (!isObject(saved)) return;
  const names = keys(saved);
  for (let i = 0; i < names.length; i++) {
    const value = (saved as Record<string, unknown>)[names[i]!];
    // It has a setter, which stays.
    if (names[i] === 'data') (target as { data: unknown }).data = value;
    else defineProperty(target, names[i]!, { value, writable: true, enumerable: true, configurable: true });
  }
}

/** What the next version shall have: the result of onBeforeReload, and what scripts have put on their clients. */
export function save(event: SaveEvent): void {
  const finish = (value: unknown): void => {
    const lost: string[] = [];
    const state = value === undefined ? undefined : savedState(value, lost);
    const clients = new JsonText(`{${savedClients(lost)}}`);
    const command = { op: 'saved', id: event.id, clients, lost: plainJson(withoutRepeats(lost)) } as const;
    putAnswer(state === undefined ? command : { ...command, state: new JsonText(state) });
  };
  const fail = (error: unknown): void => {
    report('handler', 'onBeforeReload', error);
    finish(undefined);
  };
  let result: unknown;
  try {
    const handler = handlerOf('onBeforeReload');
    result = handler && callScript('onBeforeReload', '', handler, application, []);
  } catch (error) {
    fail(error);
    return;
  }
  whenSettled(result, finish, fail);
}

function savedState(value: unknown, lost: string[]): string | undefined {
  try {
    return savedText(value, 'state', lost);
  } catch (error) {
    report('handler', 'onBeforeReload', error);
    append(lost, 'state');
    return undefined;
  }
}

function savedClients(lost: string[]): string {
  let text = '';
  for (let i = 0; i < clientList.length; i++) {
    const state = stateOf(clientList[i]);
    const saved = state === undefined ? '' : savedClient(state, lost);
    if (state === undefined || saved === '') continue;
    if (text.length + saved.length > MAX_SAVED_CHARACTERS) {
      append(lost, 'client (more state than can be handed over)');
      break;
    }
    text += `${text === '' ? '' : ','}${quote(state.id)}:{${saved}}`;
  }
  return text;
}

/** Property by property: one that cannot be read spoils only itself. */
function savedClient(state: ClientState, lost: string[]): string {
  const own = state.client as unknown as Record<string, unknown>;
  const names = keys(own);
  let text = '';
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    let value: string | undefined;
    try {
      // To read client.data is to say that it may have changed.
      const property = name === 'data' ? state.data.value : own[name];
      if (isFact(state, name, property)) continue;
      // An object with such a key has another form on the wire.
      if (name === '$' || name === '__proto__') append(lost, `client.${name}`);
      else value = savedText(property, `client.${name}`, lost);
    } catch {
      append(lost, `client.${name}`);
    }
    if (value !== undefined) text += `${text === '' ? '' : ','}${quote(name)}:${value}`;
  }
  return text;
}

/** Undefined when nothing of it can be carried. */
function savedText(value: unknown, path: string, lost: string[]): string | undefined {
  const lostBefore = lost.length;
  const { json } = encodeState(value, path, lost);
  return json === NOTHING && lost.length > lostBefore ? undefined : json;
}

function withoutRepeats(names: string[]): string[] {
  const once: string[] = [];
  for (let i = 0; i < names.length; i++) {
    let isNew = true;
    for (let o = 0; o < once.length && isNew; o++) isNew = once[o] !== names[i];
    if (isNew && once.length < 100) append(once, names[i]!);
  }
  return once;
}

/** FMS: `false` asks to stay; what becomes of it is for the host to decide. */
export function stop(event: StopEvent): void {
  let result: unknown;
  try {
    const handler = handlerOf('onAppStop');
    result =
      handler && callScript('onAppStop', '', handler, application, [{ code: event.code, level: 'status' }]);
  } catch (error) {
    answerError(event.id, 'onAppStop', error, '');
    return;
  }
  whenSettled(
    result,
    (value) => answerValue(event.id, 'onAppStop', value, ''),
    (error) => answerError(event.id, 'onAppStop', error, ''),
  );
}
