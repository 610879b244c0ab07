// What an administrator of one virtual host sees and may do: the host is all there is, and each route and method says whose it is.
import { AdminError } from './admin-error.ts';
import type { Administered } from './administered.ts';

/** Undefined wherever it may be missing: the whole server. */
export interface Scope {
  readonly adaptor: string;
  readonly vhost: string;
}

/** Whose a route or a method is: `server` for administrators of the whole server, `host` for those of one virtual host as well. */
export type Audience = 'server' | 'host';

export function requireAudience(scope: Scope | undefined, audience: Audience): void {
  if (scope && audience === 'server') throw notHis();
}

export function notHis(): AdminError {
  return new AdminError('ERR_ADMIN_SCOPE', 'an administrator of a virtual host may not do that');
}

/** The server as it is for him. */
export function viewOf(administered: Administered, scope: Scope | undefined): Administered {
  if (!scope) return administered;
  const hosts = administered.hosts.filter(
    ({ adaptor, name }) => adaptor === scope.adaptor && name === scope.vhost,
  );
  const [host] = hosts;
  if (!host) throw new AdminError('ERR_ADMIN_NOT_FOUND', `${scope.adaptor}/${scope.vhost} is not served`);
  return {
    software: administered.software,
    hosts,
    statistics: host.statistics,
    settings: administered.settings,
    limits: administered.limits,
    connections: () => host.statistics.server().connected,
    stop() {
      throw notHis();
    },
  };
}
