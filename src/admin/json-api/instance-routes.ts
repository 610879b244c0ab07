// Instances of applications.
import type { AppInstance } from '../../application/instance/instance.ts';
import { RESTREAM_STATES } from '../../application/served/restreams.ts';
import type { AdministeredHost } from '../administered.ts';
import type { Json } from '../commands.ts';
import { anything, array, boolean, integer, number, object, string } from '../schema.ts';
import { OUTGOING, TOTALS } from './numbers.ts';
import { FILTER, HOST, hostOf, instanceOf, isWanted, type Route, wantedHosts } from './route.ts';

const instance = object({
  ...TOTALS,
  adaptor: string('The adaptor of its virtual host.'),
  vhost: string(),
  application: string(),
  name: string('live/_definst_'),
  upMs: integer(),
  streams: integer('Live streams.'),
  waitingNames: integer('Unpublished stream names that players wait for.'),
  players: integer(),
  outgoing: OUTGOING,
  restreams: array(
    object({
      'stream?': string('The stream of the instance. Missing: it is unknown, or there is none yet.'),
      address: string('The URL of the other server, without login, query and stream name.'),
      state: { type: 'string', enum: RESTREAM_STATES },
      'reason?': string('Reason of the failure.'),
      'agoMs?': integer('Time since the failure, in milliseconds.'),
      isForgotten: boolean('No version of the script has taken over the connection.'),
    }),
    'Streams sent to other servers, and the last failure of those that are not sent.',
  ),
  forgottenConnections: array(
    object({ address: string(), connections: integer(), streams: array(string()) }),
    'Connections to other servers that an earlier version of the script opened and no later version has taken ' +
      'over.',
  ),
  'script?': object(
    {
      open: integer('Requests and calls that the script has not answered.'),
      mostOpen: integer(),
      answered: integer(),
      answerMs: number('Response times of the script.'),
      longestAnswerMs: number(),
    },
    'Missing: there is none.',
  ),
});

export const INSTANCE_ROUTES: readonly Route[] = [
  {
    id: 'listInstances',
    method: 'GET',
    path: '/instances',
    summary: 'The running instances',
    audience: 'host',
    query: FILTER,
    status: 200,
    result: array(instance),
    answer: (call, context) =>
      wantedHosts(call, context).flatMap((host) =>
        [...host.registry.instances]
          .filter(({ application }) => isWanted(call.query, 'application', application))
          .map((one) => shown(host, one)),
      ),
  },
  {
    id: 'startInstance',
    method: 'POST',
    path: '/instances',
    summary: 'Starts an instance, unless it is running',
    audience: 'host',
    body: object({ name: string('live, or live/room') }),
    status: 201,
    result: instance,
    query: HOST,
    answer: async (call, context) => {
      const { name } = call.body as { name: string };
      const host = hostOf(call, context);
      return shown(host, await context.commands.start(host, name, call.caller));
    },
  },
  {
    id: 'getInstance',
    method: 'GET',
    path: '/instances/{instance}',
    summary: 'One instance, as live%2F_definst_ or live',
    audience: 'host',
    status: 200,
    result: instance,
    query: HOST,
    answer: (call, context) => shown(hostOf(call, context), instanceOf(call, context)),
  },
  {
    id: 'stopInstance',
    method: 'DELETE',
    path: '/instances/{instance}',
    summary: 'Stops an instance: disconnects its clients, then calls onAppStop of its script',
    audience: 'host',
    query: HOST,
    status: 204,
    answer: async (call, context) => {
      await context.commands.unload(hostOf(call, context), instanceOf(call, context).fullName, call.caller);
    },
  },
  {
    id: 'reloadInstance',
    method: 'POST',
    path: '/instances/{instance}/reload',
    summary: 'Restarts an instance with its current configuration',
    audience: 'host',
    status: 200,
    result: instance,
    query: HOST,
    answer: async (call, context) => {
      const host = hostOf(call, context);
      return shown(host, await context.commands.reload(host, call.path.instance!, call.caller));
    },
  },
  {
    id: 'broadcast',
    method: 'POST',
    path: '/instances/{instance}/broadcast',
    summary: 'Calls a method of all its clients',
    audience: 'host',
    body: object({ method: string(), 'args?': array(anything('Any JSON.')) }),
    query: HOST,
    status: 200,
    result: object({ clients: integer() }),
    answer: (call, context) => {
      const { method, args = [] } = call.body as { method: string; args?: Json[] };
      return { clients: context.commands.broadcast([instanceOf(call, context)], method, args, call.caller) };
    },
  },
];

function shown({ adaptor, name, statistics }: AdministeredHost, one: AppInstance) {
  return { ...statistics.instance(one), adaptor, vhost: name };
}
