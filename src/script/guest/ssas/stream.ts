// Stream: a named stream of the instance, as scripts see it.

import { canonicalStreamName } from '../../../protocol/rtmp/stream-prefix.ts';
import { type JsonText, put } from '../core/outbox.ts';
import {
  append,
  create,
  define,
  defineProperty,
  hasOwn,
  isFiniteNumber,
  keys,
  MapConstructor,
  mapDelete,
  mapFirstKey,
  mapGet,
  mapSet,
  mapSize,
  removeAt,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from '../core/primordials.ts';
import { encodeValues } from '../core/wire-value.ts';
import type { Client } from './client.ts';
import { type RecordTerms, readRecordTerms } from './record-terms.ts';
import { clearRecorded, flushRecorded, lengthOf, mapFolder, sizeOf } from './recordings.ts';
import { cleanReason } from './verdict.ts';

/** What a script did to a stream whose publish is still being decided. */
type StreamCommand =
  | ({ op: 'record' } & RecordTerms)
  | { op: 'streamDisconnect'; reason: string }
  | { op: 'streamSend'; name: string; args: JsonText };

/** The publish that a stream waits for: `asked`, then admitted until the publish event, or over. */
export interface StreamGate {
  readonly id: number;
  phase: 'asked' | 'admitted' | 'over';
  held: StreamCommand[];
}

export interface StreamState {
  readonly stream: Stream;
  name: string;
  query: string;
  publisher: Client | undefined;
  players: Client[];
  gate: StreamGate | undefined;
  /** What the server plays into it. */
  source: string | undefined;
  wantsAudio: boolean;
  wantsVideo: boolean;
  bufferTime: number;
  /** The script has asked for it by name: it is there although nobody uses it. */
  isHeld: boolean;
}

const MAX_HELD = 100;
/** Streams that nobody uses, and a script has asked for. Beyond, the first of them is no longer the one of its name. */
const MAX_IDLE = 10_000;

const states = new WeakMapConstructor<object, StreamState>();
const known = new MapConstructor<string, StreamState>();
const idle = new MapConstructor<string, StreamState>();

/** `application.streams`: name → Stream. */
export const streamsByName: Record<string, Stream> = create(null);

/** Of a NetConnection that is there, or under way. */
let connectionIdOf: (value: unknown) => number | undefined = () => undefined;
export function setConnectionIds(idOf: (value: unknown) => number | undefined): void {
  connectionIdOf = idOf;
}

export class Stream {
  /** The stream of that name, whether anybody uses it or not. */
  static get(name?: unknown): Stream | undefined {
    if (typeof name !== 'string' || name === '') return undefined;
    const own = canonicalStreamName(name);
    let state = streamByName(own);
    if (state === undefined) {
      state = createStream(own, '', undefined);
      mapSet(known, own, state);
      keepIdle(state);
    }
    state.isHeld = true;
    return state.stream;
  }

  get name(): string {
    return stateOf(this)?.name ?? '';
  }
  get publisher(): Client | undefined {
    return stateOf(this)?.publisher;
  }
  get players(): Client[] {
    return stateOf(this)?.players ?? [];
  }
  get publishQueryString(): string {
    return stateOf(this)?.query ?? '';
  }

  /** What the server plays into it at the moment. */
  get source(): string | undefined {
    return stateOf(this)?.source;
  }

  /** FMS: `reset` 2 and 3 are 0 and 1 whose data comes at once. Here all of it comes at its time. */
  play(
    source?: unknown,
    start: unknown = -2,
    length: unknown = -1,
    reset: unknown = true,
    connection?: unknown,
  ): boolean {
    const state = stateOf(this);
    if (state === undefined || state.name === '') return false;
    const stream = state.name;
    if (source === false) {
      put({ op: 'streamStop', stream });
      return true;
    }
    if (typeof source !== 'string' || source === '') return false;
    const asked = number(start);
    const from = asked >= 0 || asked === -1 ? asked : -2;
    const seconds = number(length) >= 0 ? number(length) : -1;
    const resets = reset === true || reset === 1 || reset === 3;
    const isRemote = connection !== undefined && connection !== null;
    const by = isRemote ? connectionIdOf(connection) : undefined;
    if (isRemote && by === undefined) return false;
    put({
      ...{ op: 'streamPlay', stream, source, start: from },
      ...{ length: seconds, reset: resets, connection: by },
    });
    return true;
  }

  /** To all who play it; its publisher does not get it. */
  send(name?: unknown, ...args: unknown[]): boolean {
    const state = stateOf(this);
    if (state === undefined || typeof name !== 'string' || name === '') return false;
    return send(state, { op: 'streamSend', name, args: encodeValues(args, 0) });
  }

  get receiveAudio(): boolean {
    return stateOf(this)?.wantsAudio ?? true;
  }
  set receiveAudio(wanted: unknown) {
    const state = stateOf(this);
    if (state === undefined) return;
    state.wantsAudio = wanted === true;
    put({ op: 'streamReceive', stream: state.name, audio: state.wantsAudio });
  }
  get receiveVideo(): boolean {
    return stateOf(this)?.wantsVideo ?? true;
  }
  set receiveVideo(wanted: unknown) {
    const state = stateOf(this);
    if (state === undefined) return;
    state.wantsVideo = wanted === true;
    put({ op: 'streamReceive', stream: state.name, video: state.wantsVideo });
  }

  get bufferTime(): number {
    return stateOf(this)?.bufferTime ?? 0;
  }
  setBufferTime(seconds?: unknown): void {
    const state = stateOf(this);
    if (state === undefined || !(number(seconds) >= 0)) return;
    state.bufferTime = number(seconds);
    put({ op: 'streamBuffer', stream: state.name, seconds: state.bufferTime });
  }

  /** `maxDuration` in seconds, `maxSize` in kilobytes; or all of it in one object. */
  record(how?: unknown, maxDuration?: unknown, maxSize?: unknown): boolean {
    const state = stateOf(this);
    const terms = readRecordTerms(how, maxDuration, maxSize);
    return state !== undefined && terms !== undefined && send(state, { op: 'record', ...terms });
  }

  /** Deletes what was recorded under its name. */
  clear(): Promise<boolean> {
    return clearRecorded(this.name, this);
  }
  /** What was recorded so far is in the file then. */
  flush(): Promise<boolean> {
    return flushRecorded(this.name);
  }
  setVirtualPath(virtualPath?: unknown, directory?: unknown): boolean {
    return mapFolder(virtualPath, directory);
  }

  /** Seconds of what is recorded under that name; 0: nothing. */
  static length(name?: unknown): Promise<number> {
    return lengthOf(name);
  }
  /** Bytes. */
  static size(name?: unknown): Promise<number> {
    return sizeOf(name);
  }

  /** Takes the publisher off the stream. */
  disconnect(reason?: unknown): boolean {
    const state = stateOf(this);
    if (state === undefined) return false;
    return send(state, {
      op: 'streamDisconnect',
      reason: reason === undefined ? '' : cleanReason(`${reason}`),
    });
  }
}

/** NaN: it is none that can be used. */
function number(value: unknown): number {
  return isFiniteNumber(value) ? (value as number) : Number.NaN;
}

/** What the server has begun to play into a stream, or has stopped. */
export function noteSource(
  state: StreamState,
  { code, details }: { code?: unknown; details?: unknown },
): void {
  if (code === 'NetStream.Play.Start') {
    state.source = details as string;
    enroll(state);
  } else if (code === 'NetStream.Play.Stop') {
    state.source = undefined;
    dropIfUnused(state);
  }
}

function stateOf(stream: Stream): StreamState | undefined {
  return weakMapGet(states, stream);
}

export function isStream(value: object): boolean {
  return weakMapGet(states, value) !== undefined;
}

function send(state: StreamState, command: StreamCommand): boolean {
  const { gate } = state;
  if (gate === undefined || gate.phase === 'admitted') {
    putStreamCommand(state, command);
    return true;
  }
  if (gate.phase === 'over' || gate.held.length >= MAX_HELD) return false;
  append(gate.held, command);
  return true;
}

function putStreamCommand(state: StreamState, command: StreamCommand): void {
  put({ ...command, stream: state.name, gate: state.gate?.id });
}

/** A stream that nobody can look up yet. */
export function createStream(name: string, query: string, publisher: Client | undefined): StreamState {
  const stream = new Stream();
  const state: StreamState = {
    ...{ stream, name, query, publisher, players: [], gate: undefined, isHeld: false },
    ...{ source: undefined, wantsAudio: true, wantsVideo: true, bufferTime: 2 },
  };
  weakMapSet(states, stream, state);
  return state;
}

export function streamByName(name: string): StreamState | undefined {
  return mapGet(known, name);
}

/** The stream of that name from now on. Players that waited there are its players. */
export function enroll(state: StreamState): void {
  const before = mapGet(known, state.name);
  mapDelete(idle, state.name);
  if (before !== undefined && before !== state) takeOver(before, state);
  mapSet(known, state.name, state);
  defineProperty(streamsByName, state.name, {
    value: state.stream,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** The object that a script has from before shows the same stream from now on; what it has put there is on both. */
function takeOver(before: StreamState, state: StreamState): void {
  state.players = before.players;
  if (!before.isHeld) return;
  state.isHeld = true;
  weakMapSet(states, before.stream, state);
  const own = before.stream as unknown as Record<string, unknown>;
  const names = keys(own);
  for (let i = 0; i < names.length; i++) {
    if (!hasOwn(state.stream, names[i]!)) define(state.stream, names[i]!, own[names[i]!]);
  }
}

function keepIdle(state: StreamState): void {
  mapSet(idle, state.name, state);
  if (mapSize(idle) <= MAX_IDLE) return;
  const oldest = mapFirstKey(idle)!;
  mapDelete(idle, oldest);
  mapDelete(known, oldest);
}

/** Streams live as long as somebody, be it the server, publishes them, somebody plays them, or a script has asked for them. */
export function dropIfUnused(state: StreamState): void {
  if (state.publisher !== undefined || state.source !== undefined || state.players.length > 0) return;
  if (mapGet(known, state.name) !== state) return;
  delete streamsByName[state.name];
  if (state.isHeld) keepIdle(state);
  else mapDelete(known, state.name);
}

export function removePlayer(state: StreamState, client: Client): void {
  for (let i = 0; i < state.players.length; i++) {
    if (state.players[i] === client) {
      removeAt(state.players, i);
      return;
    }
  }
}

export function openStreamGate(state: StreamState, id: number): StreamGate {
  const gate: StreamGate = { id, phase: 'asked', held: [] };
  state.gate = gate;
  return gate;
}

/** The verdict has been sent; what the script did to the stream goes after it, under its public name. */
export function admitStream(state: StreamState, as: string | undefined): void {
  const { gate } = state;
  if (gate === undefined) return;
  if (as !== undefined) state.name = canonicalStreamName(as);
  gate.phase = 'admitted';
  const { held } = gate;
  gate.held = [];
  for (let i = 0; i < held.length; i++) putStreamCommand(state, held[i]!);
}

/** Refused, or failed after all: forgotten with whatever was done to it. */
export function forgetStream(state: StreamState): void {
  if (state.gate === undefined) return;
  state.gate.phase = 'over';
  state.gate.held = [];
  state.publisher = undefined;
}
