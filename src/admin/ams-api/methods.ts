// The methods of Flash Media Server's Administration API: GET or POST /admin/METHOD?parameter=value…

import type { AdminContext } from '../admin-context.ts';
import { AdminError } from '../admin-error.ts';
import { requireAudience } from '../scope.ts';
import type { Value } from '../xml.ts';
import { ABSENT_METHODS } from './absent-methods.ts';
import { ACCOUNT_METHODS } from './account-methods.ts';
import { APPLICATION_METHODS } from './application-methods.ts';
import { HOST_METHODS } from './host-methods.ts';
import { INSTANCE_METHODS } from './instance-methods.ts';
import type { Call, Method, MethodTable } from './method.ts';
import { RECORDING_METHODS } from './recording-methods.ts';
import { SERVER_METHODS } from './server-methods.ts';
import { SETTING_METHODS } from './setting-methods.ts';
import { STREAM_METHODS } from './stream-methods.ts';

export const METHOD_TABLES: readonly MethodTable[] = [
  SERVER_METHODS,
  HOST_METHODS,
  APPLICATION_METHODS,
  INSTANCE_METHODS,
  STREAM_METHODS,
  RECORDING_METHODS,
  SETTING_METHODS,
  ACCOUNT_METHODS,
  ABSENT_METHODS,
];

const METHODS: ReadonlyMap<string, Method> = new Map(METHOD_TABLES.flatMap(Object.entries));

/** An AdminError says why not. */
export async function callMethod(name: string, call: Call, context: AdminContext): Promise<Value> {
  const method = METHODS.get(name);
  // one that is not there is said to be not his as well
  requireAudience(call.caller.scope, method?.audience ?? 'server');
  if (!method) throw new AdminError('ERR_ADMIN_METHOD', `there is no method ${JSON.stringify(name)}`);
  return method.answer(call, context);
}
