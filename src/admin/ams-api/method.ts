// What a method of /admin/… is: a row of a table. Such tables stand in the files *-methods.ts, one for each subject.
import type { AppInstance } from '../../application/instance/instance.ts';
import type { AdminContext } from '../admin-context.ts';
import { type AdministeredHost, theHost } from '../administered.ts';
import type { Caller } from '../commands.ts';
import type { Audience } from '../scope.ts';
import type { Value } from '../xml.ts';
import type { Parameters } from './parameters.ts';

export interface Call {
  readonly parameters: Parameters;
  readonly caller: Caller;
}

/** Undefined: it only does something. */
type Answer = (call: Call, context: AdminContext) => Value | Promise<Value>;

export interface Method {
  readonly audience: Audience;
  readonly answer: Answer;
}

/** By their names, as Flash Media Server has them. */
export type MethodTable = Readonly<Record<string, Method>>;

export function forServer(answer: Answer): Method {
  return { audience: 'server', answer };
}

export function forHost(answer: Answer): Method {
  return { audience: 'host', answer };
}

/** The virtual host that the parameters name. */
export function hostOf({ parameters }: Call, { administered }: AdminContext): AdministeredHost {
  return theHost(administered, parameters.get('adaptor'), parameters.get('vhost'));
}

/** The running instance that the parameters name. */
export function instanceOf(call: Call, context: AdminContext): AppInstance {
  return context.commands.instance(hostOf(call, context), call.parameters.need('appInst'));
}
