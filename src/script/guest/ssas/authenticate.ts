// The gate without a client: what does the script know of a user who logs in?
import type { WireSecret } from '../../wire/wire.ts';
import { plainJson, putAnswer } from '../core/outbox.ts';
import { isObject, MapConstructor, mapDelete, mapSet } from '../core/primordials.ts';
import { report, whenSettled } from '../core/report.ts';
import { callScript } from '../core/turn.ts';
import { application, handlerOf } from './application.ts';

const HANDLER = 'onAuthenticate';

/** Asked and not answered yet. */
const open = new MapConstructor<number, true>();

export function askForSecret(id: number, user: string): void {
  mapSet(open, id, true);
  const fail = (error: unknown): void => {
    report('handler', HANDLER, error);
    answer(id, undefined);
  };
  let value: unknown;
  try {
    const handler = handlerOf(HANDLER);
    value = handler && callScript(HANDLER, '', handler, application, [user]);
  } catch (error) {
    fail(error);
    return;
  }
  whenSettled(
    value,
    (settled) => {
      try {
        answer(id, readSecret(settled));
      } catch (error) {
        fail(error); // a getter of what it returned
      }
    },
    fail,
  );
}

/** Undefined: there is no such user. */
function readSecret(value: unknown): WireSecret | undefined {
  if (value === undefined || value === null || value === false) return undefined;
  if (typeof value === 'string' && value !== '') return { kind: 'plain', password: value };
  if (isObject(value)) {
    const { salt, hash, ha1 } = value as { salt?: unknown; hash?: unknown; ha1?: unknown };
    if (typeof salt === 'string' && typeof hash === 'string') return { kind: 'adobe', salt, hash };
    if (typeof ha1 === 'string') return { kind: 'llnw', hash: ha1 };
  }
  // without the value: what is almost a password is in no log either
  report('verdict', HANDLER, 'returned neither a password, nor { salt, hash }, nor { ha1 }');
  return undefined;
}

function answer(id: number, secret: WireSecret | undefined): void {
  if (!mapDelete(open, id)) return;
  if (secret === undefined) putAnswer({ op: 'verdict', id, accepted: false, reason: 'unknown user' });
  else putAnswer({ op: 'verdict', id, accepted: true, secret: plainJson(secret) });
}

/** Nobody waits any more. */
export function dropSecret(id: number): void {
  mapDelete(open, id);
}

/** The turn ended in the middle of it. */
export function cutSecret(id: number): void {
  answer(id, undefined);
}
