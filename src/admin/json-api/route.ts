// What a route of the JSON API is: a row of a table. Such tables stand in the files *-routes.ts, one for each subject.
import type { AppInstance } from '../../application/instance/instance.ts';
import type { AdminContext } from '../admin-context.ts';
import { type AdministeredHost, theHost } from '../administered.ts';
import type { Caller } from '../commands.ts';
import type { Stream } from '../port.ts';
import type { ObjectSchema, Schema } from '../schema.ts';
import type { Audience } from '../scope.ts';

/** Which virtual host is meant; the default one unless they say so. */
export const HOST = { adaptor: 'The adaptor of its virtual host.', vhost: 'Its virtual host.' };

/** For routes that answer about all virtual hosts. */
export const FILTER = {
  application: 'Only those of this application.',
  adaptor: 'Only its own.',
  vhost: 'Only its own.',
};

export interface RouteCall {
  /** By the names in the braces of the path. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** As `Route.body` says. */
  readonly body: unknown;
  readonly caller: Caller;
  /** Undefined: he has shown a password. */
  readonly token: string | undefined;
  /** The last event that he has heard of. HTML §9.2.3. */
  readonly lastEventId: string | undefined;
}

export interface Route {
  /** For generated clients. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below /api/v1; `{name}` is one segment, percent-encoded. */
  readonly path: string;
  readonly summary: string;
  readonly audience: Audience;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: ObjectSchema;
  readonly status: 200 | 201 | 202 | 204;
  /** Undefined: nothing. */
  readonly result?: Schema;
  /** Or, with `stream`, what it says from then on: text/event-stream. */
  answer?(call: RouteCall, context: AdminContext): unknown;
  stream?(call: RouteCall, context: AdminContext): Stream;
}

/** The virtual host that the query names. */
export function hostOf({ query }: RouteCall, { administered }: AdminContext): AdministeredHost {
  return theHost(administered, query.get('adaptor'), query.get('vhost'));
}

/** The running instance that the path names. */
export function instanceOf(call: RouteCall, context: AdminContext): AppInstance {
  return context.commands.instance(hostOf(call, context), call.path.instance!);
}

/** Those of a query by FILTER. */
export function wantedHosts({ query }: RouteCall, { administered }: AdminContext): AdministeredHost[] {
  return administered.hosts.filter(
    ({ adaptor, name }) => isWanted(query, 'adaptor', adaptor) && isWanted(query, 'vhost', name),
  );
}

/** Whether a query asks for this value, or for none. */
export function isWanted(query: URLSearchParams, name: string, value: string): boolean {
  return (query.get(name) ?? value) === value;
}

/** The route of a path below /api/v1, and what stands in the places of its braces. */
export function findRoutes(
  routes: readonly Route[],
  pathname: string,
): { route: Route; path: Record<string, string> }[] {
  const segments = pathname.split('/').map(decoded);
  return routes.flatMap((route) => {
    const pattern = route.path.split('/');
    if (pattern.length !== segments.length) return [];
    const path: Record<string, string> = {};
    for (const [i, part] of pattern.entries()) {
      const segment = segments[i];
      const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
      if (segment === undefined || (name === undefined && part !== segment)) return [];
      if (name !== undefined) path[name] = segment;
    }
    return [{ route, path }];
  });
}

/** Undefined: it is not percent-encoded text. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
