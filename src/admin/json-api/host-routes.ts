// Virtual hosts.

import type { AdminContext } from '../admin-context.ts';
import { type AdministeredHost, theHost } from '../administered.ts';
import { array, boolean, integer, object, string } from '../schema.ts';
import type { Route, RouteCall } from './route.ts';

const host = object({
  adaptor: string(),
  name: string(),
  aliases: array(string()),
  isServing: boolean(),
  applications: integer('All applications, running or not.'),
  cache: object(
    {
      bytes: integer(),
      segments: integer('Pieces of files.'),
      hits: integer(),
      reads: integer('Pieces that had to be read.'),
    },
    'Cache of recorded data for the next players.',
  ),
});

export const HOST_ROUTES: readonly Route[] = [
  {
    id: 'listHosts',
    method: 'GET',
    path: '/hosts',
    summary: 'The virtual hosts of all adaptors',
    audience: 'host',
    status: 200,
    result: array(host),
    answer: (_call, { administered }) => administered.hosts.map(shown),
  },
  {
    id: 'startHost',
    method: 'POST',
    path: '/hosts/{adaptor}/{vhost}/start',
    summary: 'Starts a virtual host: clients may connect again',
    audience: 'server',
    status: 204,
    answer: (call, context) => context.commands.startHost(ofPath(call, context), call.caller),
  },
  {
    id: 'stopHost',
    method: 'POST',
    path: '/hosts/{adaptor}/{vhost}/stop',
    summary: 'Stops a virtual host: its instances end, and it refuses clients',
    audience: 'server',
    status: 204,
    answer: (call, context) => context.commands.stopHost(ofPath(call, context), call.caller),
  },
  {
    id: 'addAlias',
    method: 'PUT',
    path: '/hosts/{adaptor}/{vhost}/aliases/{alias}',
    summary: 'Adds an alias to a virtual host, until the server ends',
    audience: 'server',
    status: 204,
    answer: (call, context) =>
      context.commands.addAlias(ofPath(call, context), call.path.alias!, call.caller),
  },
  {
    id: 'removeAlias',
    method: 'DELETE',
    path: '/hosts/{adaptor}/{vhost}/aliases/{alias}',
    summary: 'Removes such an alias',
    audience: 'server',
    status: 204,
    answer: (call, context) =>
      context.commands.removeAlias(ofPath(call, context), call.path.alias!, call.caller),
  },
];

function ofPath({ path }: RouteCall, { administered }: AdminContext): AdministeredHost {
  return theHost(administered, path.adaptor, path.vhost);
}

function shown(one: AdministeredHost) {
  return {
    ...{ adaptor: one.adaptor, name: one.name, aliases: one.aliases },
    isServing: !one.registry.isSuspended,
    applications: one.applications().length,
    cache: one.recorded.cacheStats,
  };
}
