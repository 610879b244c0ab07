// Clients of instances.
import type { AppInstance } from '../../application/instance/instance.ts';
import type { ClientNumbers } from '../../application/instance/statistics.ts';
import type { AdminContext } from '../admin-context.ts';
import { notFound } from '../commands.ts';
import { array, boolean, integer, object, string } from '../schema.ts';
import { TRAFFIC } from './numbers.ts';
import { HOST, instanceOf, type Route } from './route.ts';
import { NET_STREAM } from './stream-routes.ts';

const client = object({
  ...TRAFFIC,
  id: string(),
  ip: string(),
  agent: string(),
  protocol: string(),
  isSecure: boolean(),
  uri: string('Secrets are masked.'),
  isAccepted: boolean(),
  upMs: integer(),
  pingMs: integer(),
  queuedBytes: integer(),
  netStreams: array(NET_STREAM),
});

export const CLIENT_ROUTES: readonly Route[] = [
  {
    id: 'listClients',
    method: 'GET',
    path: '/instances/{instance}/clients',
    summary: 'Its clients',
    audience: 'host',
    query: HOST,
    status: 200,
    result: array(client),
    answer: (call, context) =>
      context.administered.statistics.clients(instanceOf(call, context)).map((one) => shown(one, context)),
  },
  {
    id: 'getClient',
    method: 'GET',
    path: '/clients/{client}',
    summary: 'One client of any instance',
    audience: 'host',
    status: 200,
    result: client,
    answer: ({ path }, context) => {
      const { home, id } = homeOf(path.client!, context);
      const found = context.administered.statistics.clients(home).find((one) => one.id === id)!;
      return shown(found, context);
    },
  },
  {
    id: 'disconnectClient',
    method: 'DELETE',
    path: '/clients/{client}',
    summary: 'Disconnects a client',
    audience: 'host',
    status: 204,
    answer: ({ path, caller }, context) => {
      const { home, id } = homeOf(path.client!, context);
      context.commands.disconnect(home, id, caller);
    },
  },
];

function shown({ uri, ...rest }: ClientNumbers, { mask }: AdminContext) {
  return { ...rest, uri: mask.uri(uri) };
}

function homeOf(id: string, { administered }: AdminContext): { home: AppInstance; id: string } {
  const all = administered.hosts.flatMap(({ registry }) => [...registry.instances]);
  const home = all.find(({ clients }) => clients.has(id));
  if (!home) throw notFound(`there is no client ${JSON.stringify(id)}`);
  return { home, id };
}
