// What a gate's handler returned → what it decided. The rule of all three gates: whatever is not clearly a yes is a no.
import { RECORD_MODES } from '../../../application/contract/script-limits.ts';
import type { RecordMode, ScriptEvent } from '../../wire/wire.ts';
import { cut, formatValue } from '../core/inspect.ts';
import { requireLength } from '../core/outbox.ts';
import {
  charCodeAt,
  fromCharCode,
  getPrototypeOf,
  isObject,
  isOneOf,
  keys,
  ObjectPrototype,
  slice,
} from '../core/primordials.ts';

/** onAuthenticate has no client yet, and other answers: authenticate.ts. */
export type ClientGate = Exclude<Extract<ScriptEvent, { t: 'gate' }>['gate'], 'onAuthenticate'>;

const MAX_REASON = 200;
const MAX_VALUE = 100;

export type Decision =
  | { kind: 'accept'; as?: string; record?: RecordMode; takeOver?: boolean }
  | { kind: 'deny'; reason: string }
  /** onConnect may decide later. */
  | { kind: 'pending' }
  /** No verdict that we know: refuses, and `why` is reported, after the name of the gate. */
  | { kind: 'wrong'; why: string };

export const REFUSED = 'refused by the application';
export const FAILED = 'application error';

/**
 * `isClassic`: FMS ignored what onPublish and onPlay returned, and took only booleans from onConnect; old scripts return all
 * sorts of things by accident. `isLate`: the value of a promise.
 */
export function readVerdict(gate: ClientGate, value: unknown, isClassic: boolean, isLate: boolean): Decision {
  if (value === true) return { kind: 'accept' };
  if (value === false) return { kind: 'deny', reason: REFUSED };
  if (value === undefined) {
    if (gate !== 'onConnect') return { kind: 'accept' };
    if (!isLate) return { kind: 'pending' };
    return {
      kind: 'wrong',
      why: 'its promise ended without a decision: return true or false, or call application.acceptConnection',
    };
  }
  if (isClassic && !isOurs(value)) return gate === 'onConnect' ? { kind: 'pending' } : { kind: 'accept' };
  if (typeof value !== 'object' || value === null) return wrong(value);
  return readTerms(gate, value);
}

/** An object that nobody returns by accident. */
function isOurs(value: unknown): boolean {
  if (!isObject(value)) return false;
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    if (names[i] === 'deny' || names[i] === 'as' || isPublishTerm(names[i]!)) return true;
  }
  return false;
}

function isPublishTerm(name: string): boolean {
  return name === 'record' || name === 'takeOver';
}

function readTerms(gate: ClientGate, value: object): Decision {
  const { deny, as, record, takeOver } = value as Record<'deny' | 'as' | 'record' | 'takeOver', unknown>;
  const names = keys(value);
  let isDenial = false;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (name === 'deny') isDenial = true;
    else if (!(name === 'as' && gate !== 'onConnect') && !(isPublishTerm(name) && gate === 'onPublish')) {
      return {
        kind: 'wrong',
        why: `returned ${formatValue(value, MAX_VALUE)}: ${name} is not known there`,
      };
    }
  }
  if (isDenial) {
    const reason = typeof deny === 'string' ? cleanReason(deny) : '';
    return reason === '' || names.length > 1 ? wrong(value) : { kind: 'deny', reason };
  }
  // An array, a Date or an Error shows no names either.
  if (names.length === 0 && (gate === 'onConnect' || !isPlain(value))) return wrong(value);
  if (as !== undefined && (typeof as !== 'string' || as === '')) return wrong(value);
  if (typeof as === 'string') requireLength('as', as);
  if (record !== undefined && !isOneOf(RECORD_MODES, record)) return wrong(value);
  if (takeOver !== undefined && typeof takeOver !== 'boolean') return wrong(value);
  return { kind: 'accept', as, record, takeOver };
}

function isPlain(value: object): boolean {
  const prototype = getPrototypeOf(value);
  return prototype === ObjectPrototype || prototype === null;
}

function wrong(value: unknown): Decision {
  return { kind: 'wrong', why: `returned ${formatValue(value, MAX_VALUE)}, which is no verdict` };
}

/** A reason as it reaches the client: one printable line. */
export function cleanReason(text: string): string {
  let clean = '';
  const all = slice(text, 0, 4 * MAX_REASON);
  for (let i = 0; i < all.length; i++) {
    const code = charCodeAt(all, i);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;
    clean += isControl ? '' : fromCharCode(code);
  }
  return cut(clean, MAX_REASON);
}
