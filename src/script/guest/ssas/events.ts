// Events of a turn → the handlers of the script, one after another.

import type { RunnerEvent, ScriptEvent } from '../../wire/wire.ts';
import { answerAsked } from '../core/ask.ts';
import { setHeldTime } from '../core/held-time.ts';
import { hasKeptToTell, tellKept, touchSome } from '../core/keep.ts';
import { plainJson, putAnswer } from '../core/outbox.ts';
import { append, hasOwn, parseJson, removeAt } from '../core/primordials.ts';
import { failCut, report, startTurnOfReports, tellInfo, tellStatus } from '../core/report.ts';
import { answerSettled, settle } from '../core/told.ts';
import { resetTurn, setBlame } from '../core/turn.ts';
import { decodeValue } from '../core/wire-value.ts';
import { answerSubtle } from '../web/subtle.ts';
import { fireTimer } from '../web/timers.ts';
import { setInstanceStats, tell } from './application.ts';
import { answerResponder, clientById, dismiss, setStats, startTurnOfClients } from './client.ts';
import { outgoing, sourceNamed } from './connections.ts';
import { cutGate, dropGate, openGate, takePublishedStream } from './gates.ts';
import { save, start, stop } from './lifecycle.ts';
import { call, cutCall } from './remote.ts';
import { createStream, dropIfUnused, enroll, noteSource, removePlayer, streamByName } from './stream.ts';

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

function isEarly(event: AnyEvent): boolean {
  if (phase === 'running' || event.t === 'cut') return false;
  if (phase === 'loaded') return event.t !== 'start' && event.t !== 'time';
  // What a starting script may wait for.
  return (
    event.t !== 'timer' &&
    event.t !== 'time' &&
    event.t !== 'reply' &&
    event.t !== 'answer' &&
    event.t !== 'callResult' &&
    event.t !== 'clientStats' &&
    event.t !== 'instanceStats'
  );
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

function handle(event: AnyEvent): void {
  switch (event.t) {
    case 'start':
      phase = 'starting';
      start(event, (ok) => {
        phase = ok ? 'running' : 'failed';
        isFresh = true;
      });
      return;
    case 'save':
      save(event);
      return;
    case 'gate':
      openGate(event);
      return;
    case 'gateDropped':
      dropGate(event.id);
      return;
    case 'call':
      call(event);
      return;
    case 'callResult':
      answerResponder(event.responder, event.ok, event.value);
      return;
    case 'settle':
      settle(event);
      return;
    case 'stop':
      stop(event);
      return;
    case 'status':
      streamStatus(event);
      return;
    case 'outgoing':
      outgoing(event);
      return;
    case 'recorded':
      tell('onRecord', '', streamOf(event.stream), event.file);
      return;
    case 'recordFailed':
      tell('onRecordError', '', streamOf(event.stream), event.error);
      return;
    case 'instanceStats':
      setInstanceStats(event.stats);
      return;
    case 'timer':
      fireTimer(event.id);
      return;
    case 'time':
      setHeldTime(event.ms);
      return;
    case 'reply':
      answerSubtle(event);
      return;
    case 'answer':
      answerAsked(event);
      return;
    case 'fault':
      tellStatus(event);
      return;
    case 'cut':
      failCut();
      return;
    default:
      handleNotice(event);
  }
}

type Notice = Exclude<
  AnyEvent,
  {
    t:
      | 'start'
      | 'save'
      | 'gate'
      | 'gateDropped'
      | 'call'
      | 'callResult'
      | 'settle'
      | 'stop'
      | 'status'
      | 'outgoing'
      | 'recorded'
      | 'recordFailed'
      | 'instanceStats'
      | 'timer'
      | 'time'
      | 'reply'
      | 'answer'
      | 'fault'
      | 'cut';
  }
>;

function handleNotice(event: Notice): void {
  if (event.t === 'publishFailed') {
    dropGate(event.gate);
    return;
  }
  const client = clientById(event.client);
  if (event.t === 'publish') {
    const asked = hasOwn(event, 'gate') ? takePublishedStream(event.gate!) : undefined;
    const stream = asked ?? streamByName(event.stream) ?? createStream(event.stream, event.query, undefined);
    stream.name = event.stream;
    stream.query = event.query;
    stream.publisher = client?.client;
    enroll(stream);
    sourceNamed(stream.stream);
    return;
  }
  if (client === undefined) return;
  if (event.t === 'disconnect') {
    dismiss(client);
    tell('onDisconnect', client.id, client.client);
    return;
  }
  if (event.t === 'clientStats') {
    setStats(client, event.stats);
    return;
  }
  handleStreamNotice(event, client);
}

function streamStatus({ info: wire, stream: name }: Extract<AnyEvent, { t: 'status' }>): void {
  const info = decodeValue(wire) as { code?: unknown; details?: unknown };
  const stream = name === undefined ? undefined : streamByName(name);
  if (stream !== undefined) noteSource(stream, info);
  tellInfo(info, stream?.stream);
}

/** One that nobody uses any more has an object all the same. */
function streamOf(name: string): unknown {
  return (streamByName(name) ?? createStream(name, '', undefined)).stream;
}

function handleStreamNotice(
  event: Extract<Notice, { t: 'unpublish' | 'play' | 'stopPlay' }>,
  client: NonNullable<ReturnType<typeof clientById>>,
): void {
  let stream = streamByName(event.stream);
  if (event.t === 'play') {
    stream ??= createStream(event.stream, '', undefined);
    append(stream.players, client.client);
    enroll(stream);
    return;
  }
  if (stream === undefined) return;
  if (event.t === 'stopPlay') {
    removePlayer(stream, client.client);
    tell('onStop', client.id, client.client, stream.stream);
  } else {
    tell('onUnpublish', client.id, client.client, stream.stream);
    stream.publisher = undefined;
  }
  dropIfUnused(stream);
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
