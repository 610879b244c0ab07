// Remote methods: which function a name from the network may reach, and its answer.
import type { ScriptEvent } from '../../wire/wire.ts';
import { formatValue } from '../core/inspect.ts';
import { commandText, putAnswer, putText } from '../core/outbox.ts';
import {
  apply,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  indexOf,
  isFunction,
  isObject,
  ownKeys,
  slice,
  WeakMapConstructor,
  weakMapGet,
  weakMapSet,
} from '../core/primordials.ts';
import { report, whenSettled } from '../core/report.ts';
import { callScript } from '../core/turn.ts';
import { decodeValues, encodeValue, isOurObject } from '../core/wire-value.ts';
import { type ClientState, clientById, isBuiltIn } from './client.ts';
import { cleanReason, FAILED } from './verdict.ts';

type CallEvent = Extract<ScriptEvent, { t: 'call' }>;

const MAX_PATH = 8;
/** They lead from any object to the engine's own, `Function` among them. */
const FORBIDDEN = ['__proto__', 'constructor', 'prototype', '__resolve'];

/** Prototypes of the engine: what is found there belongs to the language and not to the script. */
const enginePrototypes = new WeakMapConstructor<object, boolean>();
collectEnginePrototypes();

function collectEnginePrototypes(): void {
  const names = ownKeys(globalThis);
  for (let i = 0; i < names.length; i++) {
    const value = getOwnPropertyDescriptor(globalThis, names[i]!)?.value;
    if (isObject(value)) {
      const prototype = getOwnPropertyDescriptor(value, 'prototype')?.value;
      for (let at = prototype; isObject(at); at = getPrototypeOf(at)) weakMapSet(enginePrototypes, at, true);
    }
  }
  const samples = [
    function* () {},
    async () => {},
    async function* () {},
    [][Symbol.iterator](),
    new Map().entries(),
  ];
  for (let i = 0; i < samples.length; i++) {
    for (let at = getPrototypeOf(samples[i]); isObject(at); at = getPrototypeOf(at)) {
      weakMapSet(enginePrototypes, at, true);
    }
  }
}

export function call(event: CallEvent): void {
  const client = clientById(event.client);
  if (client === undefined || client.phase !== 'accepted') {
    putAnswer({ op: 'ret', id: event.id, found: false });
    return;
  }
  const where = `client.${formatValue(event.name, 100)}`;
  let value: unknown;
  try {
    const method = findMethod(client, event.name);
    if (method === undefined) {
      putAnswer({ op: 'ret', id: event.id, found: false });
      return;
    }
    value = callScript(where, client.id, method, client.client, decodeValues(event.args));
  } catch (error) {
    answerError(event.id, where, error, client.id);
    return;
  }
  whenSettled(
    value,
    (settled) => answerValue(event.id, where, settled, client.id),
    (error) => answerError(event.id, where, error, client.id),
  );
}

export function answerValue(id: number, where: string, value: unknown, client: string): void {
  let text: string;
  try {
    text = commandText({ op: 'ret', id, found: true, ok: true, value: encodeValue(value) });
  } catch (error) {
    answerError(id, where, error, client);
    return;
  }
  try {
    putText(text, 'its answer');
  } catch (error) {
    answerError(id, where, error, client, 'limit');
  }
}

export function answerError(
  id: number,
  where: string,
  error: unknown,
  client: string,
  kind: 'handler' | 'limit' = 'handler',
): void {
  const { text } = report(kind, where, error, client);
  putAnswer({ op: 'ret', id, found: true, ok: false, description: cleanReason(text) || FAILED });
}

/** The turn ended in the middle of it. */
export function cutCall(id: number): void {
  putAnswer({ op: 'ret', id, found: true, ok: false, description: FAILED });
}

/** `name`, `folder/name` or `folder.name`: own properties first, then Client.prototype, then `__resolve`. */
function findMethod(client: ClientState, name: string): ((...args: unknown[]) => unknown) | undefined {
  if (isBuiltIn(name)) return undefined;
  const direct = memberOf(client.client, name, client.client);
  if (isFunction(direct)) return direct;
  const nested = findNested(client, name);
  if (isFunction(nested)) return nested;
  const resolve = memberOf(client.client, '__resolve', client.client, true);
  const resolved =
    isFunction(resolve) && !isForbidden(name) ? apply(resolve, client.client, [name]) : undefined;
  return isFunction(resolved) ? resolved : undefined;
}

function findNested(client: ClientState, name: string): unknown {
  const separator = indexOf(name, '/') >= 0 ? '/' : '.';
  let at: unknown = client.client;
  let rest = name;
  for (let steps = 0; steps < MAX_PATH; steps++) {
    const end = indexOf(rest, separator);
    const part = end < 0 ? rest : slice(rest, 0, end);
    if (steps === 0 && isBuiltIn(part)) return undefined;
    // Through plain objects only: a path must not lead from a client to another client, the application, or a function's own
    // `call` and `apply`.
    if (typeof at !== 'object' || at === null || (steps > 0 && isOurObject(at))) return undefined;
    at = memberOf(at, part, client.client);
    if (end < 0) return at;
    rest = slice(rest, end + 1);
  }
  return undefined;
}

function isForbiddenWord(name: string): boolean {
  for (let i = 0; i < FORBIDDEN.length; i++) if (FORBIDDEN[i] === name) return true;
  return false;
}

function isForbidden(name: string): boolean {
  return isForbiddenWord(name) || isBuiltIn(name);
}

/** A property that a script has put there, not the engine. */
function memberOf(object: object, name: string, self: object, isInternal = false): unknown {
  if (!isInternal && isForbiddenWord(name)) return undefined;
  for (let at: object | null = object; at !== null; at = getPrototypeOf(at)) {
    if (weakMapGet(enginePrototypes, at) === true) return undefined;
    const descriptor = getOwnPropertyDescriptor(at, name);
    if (descriptor !== undefined)
      return descriptor.get === undefined ? descriptor.value : apply(descriptor.get, self, []);
  }
  return undefined;
}
