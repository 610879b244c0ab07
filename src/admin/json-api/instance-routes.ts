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
  adaptor: string('Of its virtual host.'),
  vhost: string(),
  application: string(),
  name: string('live/_definst_'),
  upMs: integer(),
  streams: integer('On air.'),
  waitingNames: integer('Names that players wait for.'),
  players: integer(),
  outgoing: OUTGOING,
  restreams: array(
    object({
      'stream?': string('Of the instance. Missing: it is not known, or there is none yet.'),
      address: string('Of the other server, without login, query and the name that the stream has there.'),
      state: { type: 'string', enum: RESTREAM_STATES },
      'reason?': string('Why it failed.'),
      'agoMs?': integer('How long ago that was.'),
      isForgotten: boolean('No version of the script has it any more.'),
    }),
    'Streams that go to other servers, and what failed last of those that do not.',
  ),
  forgottenConnections: array(
    object({ address: string(), connections: integer(), streams: array(string()) }),
    'To other servers: made by an earlier version of the script, and taken over by none.',
  ),
  'script?': object(
    {
      open: integer('Questions and calls that it owes an answer.'),
      mostOpen: integer(),
      answered: integer(),
      answerMs: number('The time that its answers took.'),
      longestAnswerMs: number(),
    },
    'Missing: it has none.',
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
    summary: 'Stops an instance: its clients are disconnected, then its script is told (onAppStop)',
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
    summary: 'Stops an instance and starts it anew, with its configuration as it is now',
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
