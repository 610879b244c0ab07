// Events of a turn → the handlers of the script, one after another.

import type { RunnerEvent, ScriptEvent } from '../../wire/wire.ts';
import { answerAsked } from '../core/ask.ts';
import { setHeldTime } from '../core/held-time.ts';
import { hasKeptToTell, tellKept, touchSome } from '../core/keep.ts';
import { plainJson, putAnswer } from '../core/outbox.ts';
import { append, isOneOf, parseJson, removeAt } from '../core/primordials.ts';
import { failCut, report, startTurnOfReports, tellInfo, tellStatus } from '../core/report.ts';
import { answerSettled, settle } from '../core/told.ts';
import { resetTurn, setBlame } from '../core/turn.ts';
import { decodeValue } from '../core/wire-value.ts';
import { answerSubtle } from '../web/subtle.ts';
import { fireTimer } from '../web/timers.ts';
import { setInstanceStats, tell } from './application.ts';
import {
  answerResponder,
  type ClientState,
  clientById,
  dismiss,
  setStats,
  startTurnOfClients,
} from './client.ts';
import { outgoing, sourceNamed } from './connections.ts';
import { cutGate, dropGate, openGate, takePublishedStream } from './gates.ts';
import { save, start, stop } from './lifecycle.ts';
import { call, cutCall } from './remote.ts';
import {
  createStream,
  dropIfUnused,
  enroll,
  noteSource,
  removePlayer,
  type StreamState,
  streamByName,
} from './stream.ts';

type AnyEvent = ScriptEvent | RunnerEvent;

/** Nothing but the end of onAppStart lets gates and calls through: a script decides about nobody before it is ready. */
let phase: 'loaded' | 'starting' | 'running' | 'failed' = 'loaded';
/** Events that came too early. */
const held: AnyEvent[] = [];
/** It has become ready in this turn. */
let isFresh = false;
let current: AnyEvent | undefined;
let begun = 0;

export function deliverEvents(text: string): void {
  begun = 0;
  current = undefined;
  resetTurn();
  startTurnOfReports();
  startTurnOfClients();
  const events = parseJson(text) as AnyEvent[];
  for (let i = 0; i < events.length; i++) {
    // onAppStart may have ended with the event before.
    runHeld();
    begun = i + 1;
    if (isEarly(events[i]!)) append(held, events[i]!);
    else run(events[i]!);
  }
  runHeld();
  touchSome();
}

/** After the turn, its promises included: how far it came. A turn that was cut leaves an event behind that still owes an answer. */
export function finishTurn(): { begun: number; done: boolean; more: boolean } {
  const cut = current;
  const result = { begun, done: cut === undefined, more: nextHeld() >= 0 };
  // Everybody waits for who has just become ready: the rest is for the next turn.
  if (isFresh ? hasKeptToTell() : tellKept(begun)) result.more = true;
  isFresh = false;
  begun = 0;
  current = undefined;
  if (cut !== undefined) answerForCut(cut);
  answerSettled();
  return result;
}

function runHeld(): void {
  for (let at = nextHeld(); at >= 0; at = nextHeld()) {
    const event = held[at]!;
    removeAt(held, at);
    run(event);
  }
}

/** The first that is not early any more, if there is one. */
function nextHeld(): number {
  for (let i = 0; i < held.length; i++) if (!isEarly(held[i]!)) return i;
  return -1;
}

function isEarly({ t }: AnyEvent): boolean {
  if (phase === 'running' || t === 'cut') return false;
  return phase === 'loaded' ? t !== 'start' && t !== 'time' : !isOneOf(WHILE_STARTING, t);
}

function run(event: AnyEvent): void {
  current = event;
  setBlame(event.t, '');
  try {
    handle(event);
  } catch (error) {
    report('handler', event.t, error);
  }
  current = undefined;
}

type Of<T extends AnyEvent['t']> = Extract<AnyEvent, { t: T }>;
type Handlers = { readonly [T in AnyEvent['t']]: (event: Of<T>) => void };

/** What a starting script may wait for. */
const WHILE_STARTING: readonly AnyEvent['t'][] = [
  'timer',
  'time',
  'reply',
  'answer',
  'callResult',
  'clientStats',
  'instanceStats',
];

/** One for each event that there is. */
const HANDLERS: Handlers = {
  start(event) {
    phase = 'starting';
    start(event, (ok) => {
      phase = ok ? 'running' : 'failed';
      isFresh = true;
    });
  },
  save,
  gate: openGate,
  gateDropped: ({ id }) => dropGate(id),
  call,
  callResult: ({ responder, ok, value }) => answerResponder(responder, ok, value),
  settle,
  stop,
  disconnect: ({ client: id }) =>
    ofClient(id, (client) => {
      dismiss(client);
      tell('onDisconnect', id, client.client);
    }),
  publish: published,
  publishFailed: ({ gate }) => dropGate(gate),
  unpublish: ({ client: id, stream: name }) =>
    ofStream(id, name, (client, stream) => {
      tell('onUnpublish', id, client.client, stream.stream);
      stream.publisher = undefined;
    }),
  play: ({ client: id, stream: name }) =>
    ofClient(id, (client) => {
      const stream = streamByName(name) ?? createStream(name, '', undefined);
      append(stream.players, client.client);
      enroll(stream);
    }),
  stopPlay: ({ client: id, stream: name }) =>
    ofStream(id, name, (client, stream) => {
      removePlayer(stream, client.client);
      tell('onStop', id, client.client, stream.stream);
    }),
  pause: ({ client: id, stream, isPaused }) =>
    ofClient(id, ({ client }) => tell('onPause', id, client, streamOf(stream), isPaused)),
  recorded: ({ stream, file }) => tell('onRecord', '', streamOf(stream), file),
  recordFailed: ({ stream, error }) => tell('onRecordError', '', streamOf(stream), error),
  outgoing,
  status: streamStatus,
  clientStats: ({ client: id, stats }) => ofClient(id, (client) => setStats(client, stats)),
  instanceStats: ({ stats }) => setInstanceStats(stats),
  answer: answerAsked,
  timer: ({ id }) => fireTimer(id),
  time: ({ ms }) => setHeldTime(ms),
  reply: answerSubtle,
  fault: tellStatus,
  cut: failCut,
};

function handle<T extends AnyEvent['t']>(event: Of<T> & { t: T }): void {
  const handler: (event: Of<T>) => void = HANDLERS[event.t];
  handler(event);
}

/** A client that has left meanwhile hears of nothing. */
function ofClient(id: string, run: (client: ClientState) => void): void {
  const client = clientById(id);
  if (client !== undefined) run(client);
}

/** The end of something that a client did with a stream. */
function ofStream(id: string, name: string, run: (client: ClientState, stream: StreamState) => void): void {
  const stream = streamByName(name);
  if (stream === undefined) return;
  ofClient(id, (client) => {
    run(client, stream);
    dropIfUnused(stream);
  });
}

function published({ client, stream: name, query, gate }: Of<'publish'>): void {
  const asked = gate === undefined ? undefined : takePublishedStream(gate);
  const stream = asked ?? streamByName(name) ?? createStream(name, query, undefined);
  stream.name = name;
  stream.query = query;
  stream.publisher = clientById(client)?.client;
  enroll(stream);
  sourceNamed(stream.stream);
}

function streamStatus({ info: wire, stream: name }: Of<'status'>): void {
  const info = decodeValue(wire) as { code?: unknown; details?: unknown };
  const stream = name === undefined ? undefined : streamByName(name);
  if (stream !== undefined) noteSource(stream, info);
  tellInfo(info, stream?.stream);
}

/** One that nobody uses any more has an object all the same. */
function streamOf(name: string): unknown {
  return (streamByName(name) ?? createStream(name, '', undefined)).stream;
}

function answerForCut(event: AnyEvent): void {
  if (event.t === 'gate') cutGate(event.id);
  else if (event.t === 'call' || event.t === 'stop') cutCall(event.id);
  else if (event.t === 'start') {
    phase = 'failed';
    putAnswer({ op: 'ready', id: event.id, ok: false });
  } else if (event.t === 'save') {
    putAnswer({ op: 'saved', id: event.id, clients: plainJson({}), lost: plainJson(['state', 'client']) });
  }
}
