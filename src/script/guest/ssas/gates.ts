// The three gates that clients come to: asks the handler, reads its verdict, sends it.
import type { ScriptEvent, WireCurrentPublisher, WirePlay } from '../../wire/wire.ts';
import { presentMs } from '../core/held-time.ts';
import { isClassic } from '../core/load.ts';
import { type Position, position, putAnswer, putAnswerAt } from '../core/outbox.ts';
import {
  DateConstructor,
  exec,
  freeze,
  MapConstructor,
  mapDelete,
  mapGet,
  mapSet,
  sourceOf,
} from '../core/primordials.ts';
import { report, whenSettled } from '../core/report.ts';
import { callScript } from '../core/turn.ts';
import { decodeValues } from '../core/wire-value.ts';
import { accept, application, handlerOf, refuse, setConnecting } from './application.ts';
import { askForSecret, cutSecret, dropSecret } from './authenticate.ts';
import { type ClientState, clientById, createClient, dismiss, pendingClient } from './client.ts';
import {
  admitStream,
  createStream,
  forgetStream,
  openStreamGate,
  type StreamState,
  streamByName,
} from './stream.ts';
import { type ClientGate, type Decision, FAILED, readVerdict } from './verdict.ts';

export type GateEvent = Extract<ScriptEvent, { t: 'gate' }>;

interface Gate {
  readonly id: number;
  readonly name: ClientGate;
  readonly client: ClientState;
  /** onPublish: the stream that the publish will have. */
  readonly stream: StreamState | undefined;
  /** What was asked. */
  handler?: (...args: unknown[]) => unknown;
  isOpen: boolean;
}

/** Of streams (a pending client is its own gate). Those of onPublish stay until the publish has happened or failed. */
const gates = new MapConstructor<number, Gate>();

export function openGate(event: GateEvent): void {
  if (event.gate === 'onAuthenticate') {
    askForSecret(event.id, event.user);
    return;
  }
  if (event.gate === 'onConnect') {
    askConnect(event);
    return;
  }
  const client = clientById(event.client);
  if (client === undefined) {
    putAnswer({ op: 'verdict', id: event.id, accepted: false, reason: FAILED });
    return;
  }
  if (event.gate === 'onPublish') askPublish(event, client);
  else askPlay(event.id, client, event.request);
}

function askConnect(event: Extract<GateEvent, { gate: 'onConnect' }>): void {
  const client = createClient(event.client, event.id);
  client.args = decodeValues(event.args);
  const gate: Gate = { id: event.id, name: 'onConnect', client, stream: undefined, isOpen: true };
  setConnecting(client);
  ask(gate, [client.client, ...client.args]);
  setConnecting(undefined);
}

function askPublish(
  { id, request, current }: Extract<GateEvent, { gate: 'onPublish' }>,
  client: ClientState,
): void {
  const stream = createStream(request.name, request.query, client.client);
  openStreamGate(stream, id);
  const gate: Gate = { id, name: 'onPublish', client, stream, isOpen: true };
  mapSet(gates, id, gate);
  ask(gate, [
    client.client,
    stream.stream,
    frozen(current === undefined ? request : { ...request, current: currentOf(current) }),
  ]);
}

/** Who publishes now, as scripts see it: `PublishRequest.current`. */
function currentOf({ client, sinceMs, lastByteMs }: WireCurrentPublisher): object {
  const nowMs = presentMs();
  return freeze({
    client: client === undefined ? undefined : clientById(client)?.client,
    since: new DateConstructor(nowMs - sinceMs),
    lastByte: new DateConstructor(nowMs - lastByteMs),
  });
}

function askPlay(id: number, client: ClientState, request: WirePlay): void {
  const stream = streamByName(request.name) ?? createStream(request.name, '', undefined);
  const gate: Gate = { id, name: 'onPlay', client, stream: undefined, isOpen: true };
  mapSet(gates, id, gate);
  ask(gate, [client.client, stream.stream, frozen(request)]);
}

function frozen<R extends { params: object }>(request: R): R {
  freeze(request.params);
  return freeze(request) as R;
}

function ask(gate: Gate, args: unknown[]): void {
  const at = position();
  let value: unknown;
  try {
    const handler = handlerOf(gate.name);
    if (handler === undefined) {
      decide(gate, { kind: 'accept' }, at);
      return;
    }
    gate.handler = handler;
    value = callScript(gate.name, gate.client.id, handler, application, args);
  } catch (error) {
    fail(gate, 'handler', error, at);
    return;
  }
  whenSettled(
    value,
    (settled, wasPromise) => judge(gate, settled, wasPromise, wasPromise ? undefined : at),
    (error) => fail(gate, 'handler', error, undefined),
  );
}

function judge(gate: Gate, value: unknown, wasPromise: boolean, at: Position | undefined): void {
  if (!isUndecided(gate)) return;
  try {
    decide(gate, readVerdict(gate.name, value, isClassic(), wasPromise), at);
  } catch (error) {
    fail(gate, 'verdict', error, at);
  }
}

/** An error refuses; if the script had decided before it, it is only reported. */
function fail(gate: Gate, kind: 'handler' | 'verdict', error: unknown, at: Position | undefined): void {
  report(kind, gate.name, error, gate.client.id);
  if (!isUndecided(gate)) return;
  decide(gate, isNotice(gate) ? { kind: 'accept' } : { kind: 'deny', reason: FAILED }, at);
}

/**
 * COMPAT: in FMS `onPublish` and `onPlay` only told what had happened, and with an error in them the show went on. So it does
 * where an old handler has nothing in it by which it could refuse.
 */
function isNotice({ name, handler }: Gate): boolean {
  if (!isClassic() || name === 'onConnect' || handler === undefined) return false;
  return exec(/=>|\basync\b|\breturn\b\s*[^\s;}]|\[native code\]/, sourceOf(handler)) === null;
}

function isUndecided(gate: Gate): boolean {
  return gate.isOpen && (gate.name !== 'onConnect' || gate.client.phase === 'pending');
}

/** `at`: where this handler's commands begin, if it decided without waiting; the verdict of a stream goes before them. */
function decide(gate: Gate, decision: Decision, at: Position | undefined): void {
  if (decision.kind === 'pending') return;
  if (decision.kind === 'wrong') {
    report('verdict', gate.name, decision.why, gate.client.id);
    decide(gate, { kind: 'deny', reason: FAILED }, at);
    return;
  }
  gate.isOpen = false;
  if (gate.name === 'onConnect') {
    if (decision.kind === 'accept') accept(gate.client);
    else refuse(gate.client, decision.reason, {});
    return;
  }
  const verdict = verdictOf(gate.id, decision);
  if (at === undefined) putAnswer(verdict);
  else putAnswerAt(at, verdict);
  if (gate.stream === undefined || decision.kind === 'deny') closeGate(gate);
  else admitStream(gate.stream, decision.as);
}

function verdictOf(id: number, decision: Extract<Decision, { kind: 'accept' | 'deny' }>) {
  if (decision.kind === 'deny') {
    return { op: 'verdict', id, accepted: false, reason: decision.reason } as const;
  }
  const { as, record, takeOver } = decision;
  return { op: 'verdict', id, accepted: true, as, record, takeOver } as const;
}

function closeGate(gate: Gate): void {
  gate.isOpen = false;
  mapDelete(gates, gate.id);
  if (gate.stream !== undefined) forgetStream(gate.stream);
}

/** Nobody waits any more: the asker has left, or its time is over. */
export function dropGate(id: number): void {
  dropSecret(id);
  const gate = mapGet(gates, id);
  if (gate !== undefined) closeGate(gate);
  const client = pendingClient(id);
  if (client !== undefined) dismiss(client);
}

/** The publish that the gate admitted has happened: its stream, no longer the gate's. */
export function takePublishedStream(id: number): StreamState | undefined {
  const gate = mapGet(gates, id);
  mapDelete(gates, id);
  if (gate?.stream?.gate !== undefined) gate.stream.gate = undefined;
  return gate?.stream;
}

/** The turn ended in the middle of this event's handler. */
export function cutGate(id: number): void {
  cutSecret(id);
  setConnecting(undefined);
  const gate = mapGet(gates, id);
  if (gate !== undefined && isUndecided(gate)) decide(gate, { kind: 'deny', reason: FAILED }, undefined);
  const client = pendingClient(id);
  if (client !== undefined) refuse(client, FAILED, {});
}
