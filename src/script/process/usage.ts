// A Usage frame, checked: much of it was an isolate's.
import type { ScriptUsage } from '../../application/accounts/script-metrics.ts';
import { DecodeError } from '../../errors.ts';
import { decodeBody } from '../wire/frames.ts';
import { HANDLER_BOUNDS_MS, MAX_HANDLER_NAMES, TURN_BOUNDS_MS } from '../wire/wire.ts';

const MAX_NAME = 100;

export function parseUsage(body: Buffer): ScriptUsage {
  const { cpuMs, heapBytes, turns, handlers } = objectIn(decodeBody(body));
  const names = Object.entries(objectIn(handlers)).slice(0, MAX_HANDLER_NAMES + 1);
  return {
    cpuMs: amount(cpuMs),
    heapBytes: heapBytes === undefined ? undefined : amount(heapBytes),
    turns: durations(turns, TURN_BOUNDS_MS.length + 1),
    handlers: new Map(
      names.map(([name, times]) => [
        name.slice(0, MAX_NAME).toWellFormed(),
        durations(times, HANDLER_BOUNDS_MS.length + 1),
      ]),
    ),
  };
}

function durations(value: unknown, max: number): { counts: number[]; sumMs: number } {
  const { counts, sumMs } = objectIn(value);
  if (!Array.isArray(counts) || counts.length > max) throw malformed();
  return { counts: counts.map(amount), sumMs: amount(sumMs) };
}

function amount(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0) || value > Number.MAX_SAFE_INTEGER) throw malformed();
  return value;
}

function objectIn(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw malformed();
  return value as Record<string, unknown>;
}

function malformed(): DecodeError {
  return new DecodeError('ERR_SCRIPT_FRAME', 'a Usage frame that cannot be read');
}
