// NetConnection and NetStream: connections to other servers, and streams that are published there. The media side has them;
// here are the objects that scripts hold. Every attempt to connect or publish has a number of its own, so that nothing is
// told of an earlier one.
import { PUBLISH_TYPES } from '../../../application/contract/script-limits.ts';
import type { PublishType, ScriptEvent } from '../../wire/wire.ts';
import { put } from '../core/outbox.ts';
import {
  exec,
  expose,
  isFiniteNumber,
  isObject,
  isOneOf,
  MapConstructor,
  mapDelete,
  mapEach,
  mapGet,
  mapSet,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from '../core/primordials.ts';
import { decodeValue, encodeValues } from '../core/wire-value.ts';
import { tell, tellOwn } from './application.ts';
import { isStream, type Stream, setConnectionIds } from './stream.ts';

type OutgoingEvent = Extract<ScriptEvent, { t: 'outgoing' }>;

interface ConnectionState {
  readonly kind: 'NetConnection';
  readonly object: NetConnection;
  /** Of the latest attempt; 0: there is none. */
  id: number;
  uri: string;
  isConnected: boolean;
}

interface StreamState {
  readonly kind: 'NetStream';
  readonly object: NetStream;
  readonly connection: ConnectionState;
  /** Of what is published; 0: nothing is. */
  id: number;
  /** The connection that it is published by. */
  by: number;
  source: Stream | undefined;
  /** Its name, as the media side knows it. */
  sourceName: string | undefined;
  bufferTime: number;
}

const states = new WeakMapConstructor<object, ConnectionState | StreamState>();
/** What is under way, by number: as long as it is, nobody need keep the object. */
const live = new MapConstructor<number, ConnectionState | StreamState>();
let lastId = 0;

function nextId(state: ConnectionState | StreamState): number {
  lastId += 1;
  state.id = lastId;
  mapSet(live, lastId, state);
  return lastId;
}

export class NetConnection {
  constructor() {
    weakMapSet(states, this, { kind: 'NetConnection', object: this, id: 0, uri: '', isConnected: false });
  }

  /** What earlier versions of the script have connected, and this one has not taken over. */
  static closeForgotten(): void {
    put({ op: 'outForget' });
  }

  get isConnected(): boolean {
    return connectionOf(this)?.isConnected ?? false;
  }
  get uri(): string {
    return connectionOf(this)?.uri ?? '';
  }

  /** What becomes of it is a status. False: that is no address that can be connected to. */
  connect(uri: unknown, ...args: unknown[]): boolean {
    const state = connectionOf(this);
    if (state === undefined || typeof uri !== 'string') return false;
    if (exec(/^rtmps?:/i, uri) === null) {
      tellStatus(state, {
        code: 'NetConnection.Call.BadVersion',
        level: 'error',
        description: 'Only rtmp: and rtmps: are spoken here.',
      });
      return false;
    }
    const encoded = encodeValues(args, 0);
    leave(state);
    state.uri = uri;
    put({ op: 'outConnect', id: nextId(state), uri, args: encoded });
    return true;
  }

  close(): void {
    const state = connectionOf(this);
    if (state === undefined || state.id === 0) return;
    if (state.isConnected) put({ op: 'outClose', id: state.id });
    else leave(state);
  }
}

export class NetStream {
  constructor(connection: unknown) {
    const state = isObject(connection) ? connectionOf(connection) : undefined;
    if (state === undefined) throw new TypeError('new NetStream wants a NetConnection');
    weakMapSet(states, this, {
      ...{ kind: 'NetStream', object: this, connection: state, id: 0, by: 0 },
      ...{ source: undefined, sourceName: undefined, bufferTime: 2 },
    });
  }

  get bufferTime(): number {
    return netStreamOf(this)?.bufferTime ?? 0;
  }
  /** As in Flash Media Server it is remembered; what waits for a slow server is bounded by Application.xml. */
  setBufferTime(seconds: unknown): void {
    const state = netStreamOf(this);
    if (state !== undefined && isFiniteNumber(seconds)) state.bufferTime = seconds as number;
  }

  /** `false`: nothing any more. */
  attach(stream: unknown): boolean {
    const state = netStreamOf(this);
    const isNone = stream === false || stream === null || stream === undefined;
    if (state === undefined || !(isNone || (isObject(stream) && isStream(stream)))) return false;
    state.source = isNone ? undefined : (stream as Stream);
    if (state.id !== 0) attachNow(state);
    return true;
  }

  publish(name: unknown, howToPublish: unknown = 'live'): boolean {
    const state = netStreamOf(this);
    if (state === undefined) return false;
    if (name === false || name === null || name === undefined) return stop(state);
    const type = publishType(howToPublish);
    if (type === undefined || state.connection.id === 0 || `${name}` === '') return false;
    drop(state);
    state.by = state.connection.id;
    state.sourceName = state.source?.name;
    put({
      op: 'outPublish',
      id: nextId(state),
      connection: state.by,
      name: `${name}`,
      type,
      source: state.sourceName,
    });
    return true;
  }

  close(): void {
    const state = netStreamOf(this);
    if (state !== undefined) stop(state);
  }
}

function publishType(how: unknown): PublishType | undefined {
  return isOneOf(PUBLISH_TYPES, how) ? how : undefined;
}

function connectionOf(object: object): ConnectionState | undefined {
  const state = weakMapGet(states, object);
  return state?.kind === 'NetConnection' ? state : undefined;
}

function netStreamOf(object: object): StreamState | undefined {
  const state = weakMapGet(states, object);
  return state?.kind === 'NetStream' ? state : undefined;
}

export function isOutgoing(value: object): boolean {
  return weakMapGet(states, value) !== undefined;
}

/** Without a word to the script. */
function leave(state: ConnectionState): void {
  if (state.id === 0) return;
  put({ op: 'outClose', id: state.id });
  ended(state);
}

function ended(state: ConnectionState): void {
  const { id } = state;
  mapDelete(live, id);
  state.id = 0;
  state.isConnected = false;
  mapEach(live, (other) => {
    if (other.kind === 'NetStream' && other.by === id) unpublished(other);
  });
}

function unpublished(state: StreamState): void {
  mapDelete(live, state.id);
  state.id = 0;
}

/** The script is told when that is done. */
function stop(state: StreamState): boolean {
  if (state.id === 0) return false;
  put({ op: 'outUnpublish', id: state.id });
  return true;
}

/** Without a word to it. */
function drop(state: StreamState): void {
  if (stop(state)) unpublished(state);
}

function attachNow(state: StreamState): void {
  state.sourceName = state.source?.name;
  put({ op: 'outAttach', id: state.id, source: state.sourceName });
}

/** It is published under its public name from now on; what has asked for it in onPublish could not know that. */
export function sourceNamed(stream: Stream): void {
  mapEach(live, (state) => {
    if (state.kind !== 'NetStream' || state.source !== stream) return;
    if (state.sourceName !== stream.name) attachNow(state);
  });
}

/** Something has become of a connection, or of what is published by it. */
export function outgoing(event: OutgoingEvent): void {
  const state = mapGet(live, event.id);
  if (state === undefined) return;
  const info = decodeValue(event.info) as { code?: unknown };
  if (event.isOver) {
    if (state.kind === 'NetConnection') ended(state);
    else unpublished(state);
  } else if (state.kind === 'NetConnection' && info.code === 'NetConnection.Connect.Success')
    state.isConnected = true;
  tellStatus(state, info);
}

/** As in Flash Media Server: what has no handler of its own is for the application. */
function tellStatus(state: ConnectionState | StreamState, info: object): void {
  if (!tellOwn(state.object, `${state.kind}.onStatus`, info)) tell('onStatus', '', info);
}

export function defineConnections(): void {
  setConnectionIds((value) => (isObject(value) && connectionOf(value)?.id) || undefined);
  expose('NetConnection', NetConnection);
  expose('NetStream', NetStream);
}
