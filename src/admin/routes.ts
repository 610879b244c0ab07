// The administration as JSON: /api/v1/… What each route takes and gives stands beside it, and openapi.ts says it on.
import { APPLICATION_STATES } from '../application/accounts/application-problem.ts';
import type { AppInstance } from '../application/instance/instance.ts';
import type { ClientNumbers } from '../application/instance/statistics.ts';
import { RESTREAM_STATES } from '../application/served/restreams.ts';
import type { SecretMask } from '../log/secrets.ts';
import type { Accounts } from './accounts.ts';
import { type Administered, type AdministeredHost, theHost } from './administered.ts';
import { type Commands, type Json, notFound, requireApplication } from './commands.ts';
import { errorRoutes } from './error-routes.ts';
import type { EventStreams } from './events.ts';
import { hostRoutes } from './host-routes.ts';
import type { ProcessMeter } from './process-meter.ts';
import { HOST, type Route, type RouteCall } from './route.ts';
import { anything, array, boolean, integer, number, object, string } from './schema.ts';
import { SCRIPT, scriptNumbers } from './script-metrics.ts';
import { NET_STREAM, streamRoutes, TRAFFIC } from './stream-routes.ts';
import { TOKEN_MS, type Tokens } from './tokens.ts';

export interface RoutesOptions {
  administered: Administered;
  accounts: Accounts;
  commands: Commands;
  meter: ProcessMeter;
  tokens: Tokens;
  events: EventStreams;
  mask: SecretMask;
}

const totals = {
  ...TRAFFIC,
  bytesInPerSecond: integer('Over the last five seconds.'),
  bytesOutPerSecond: integer('Over the last five seconds.'),
  connects: integer('Who has asked to connect since the start.'),
  accepted: integer(),
  rejected: integer(),
  disconnects: integer(),
  connected: integer('Who is here now.'),
};
const OUTGOING = object(
  {
    connections: integer(),
    streams: integer('Published there.'),
    bytesIn: integer(),
    bytesOut: integer(),
    bytesInPerSecond: integer('Over the last five seconds.'),
    bytesOutPerSecond: integer('Over the last five seconds.'),
  },
  'What scripts have to do with other servers. Clients and their traffic are not in it.',
);
const server = object({
  ...totals,
  software: string(),
  pid: integer(),
  upMs: integer(),
  connections: integer('Open connections, in any state.'),
  instances: integer(),
  streams: integer('On air.'),
  players: integer(),
  outgoing: OUTGOING,
  load: object({
    widenedMs: integer('How long messages gather before a flush; 0: as the applications say.'),
    sweepShare: number('Share of the time that goes into flushes.'),
    heldBytes: integer('Memory that slow players keep from being freed.'),
    sweeps: integer('Flushes of a stream to all its players.'),
    sweepMs: number('Time that went into them.'),
  }),
  process: object({
    cpuPercent: number('Of one core.'),
    residentBytes: integer(),
    heapBytes: integer(),
    lagMs: object({ mean: number(), p50: number(), p99: number(), max: number() }, 'How late timers are.'),
  }),
});
const application = object({
  ...totals,
  name: string(),
  'upMs?': integer('Missing: no instance of it runs.'),
  instancesLoaded: integer(),
  instancesUnloaded: integer(),
  'script?': SCRIPT,
  'problem?': object(
    {
      state: { type: 'string', enum: APPLICATION_STATES },
      reason: string(),
      'file?': string('From the folder of the application, or absolute where it lies elsewhere.'),
      'line?': integer('From 1.'),
      'column?': integer('From 1.'),
      'instance?': string('Missing: all of them.'),
    },
    'Why it is not what its files say. closed: its settings are wrong, nobody can connect. quarantined: its script ended the ' +
      'hard way too often. broken: no version of its script can be started. outdated: what was right before goes on.',
  ),
});
const instance = object({
  ...totals,
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
const client = object({
  ...TRAFFIC,
  id: string(),
  ip: string(),
  agent: string(),
  protocol: string(),
  isSecure: boolean(),
  uri: string('Without what is secret in it.'),
  isAccepted: boolean(),
  upMs: integer(),
  pingMs: integer(),
  queuedBytes: integer(),
  netStreams: array(NET_STREAM),
});

export function makeRoutes({
  administered,
  accounts,
  commands,
  meter,
  tokens,
  events,
  mask,
}: RoutesOptions): Route[] {
  const { statistics } = administered;
  const hostOf = ({ query }: RouteCall) => theHost(administered, query.get('adaptor'), query.get('vhost'));
  const instanceOf = (call: RouteCall) => commands.instance(hostOf(call), call.path.instance!);
  const shown = ({ adaptor, name, statistics: own }: AdministeredHost, one: AppInstance) => ({
    ...own.instance(one),
    adaptor,
    vhost: name,
  });
  const applicationOf = (host: AdministeredHost, name: string) => ({
    ...host.statistics.application(name),
    script: scriptNumbers(host, name),
    problem: host.problemOf(name),
  });
  const show = ({ uri, ...rest }: ClientNumbers) => ({ ...rest, uri: mask.uri(uri) });
  return [
    {
      id: 'getServer',
      method: 'GET',
      path: '/server',
      summary: 'The server as a whole',
      status: 200,
      result: server,
      answer: () => ({
        ...statistics.server(),
        software: administered.software,
        pid: process.pid,
        connections: administered.connections(),
        process: meter.numbers(),
      }),
    },
    {
      id: 'stopServer',
      method: 'POST',
      path: '/server/stop',
      summary: 'Stops the server in order',
      status: 202,
      answer: ({ caller }) => commands.stop(caller),
    },
    {
      id: 'listApplications',
      method: 'GET',
      path: '/applications',
      summary: 'All applications, running or not',
      status: 200,
      result: array(application),
      query: HOST,
      answer: (call) => {
        const host = hostOf(call);
        return host.applications().map((name) => applicationOf(host, name));
      },
    },
    {
      id: 'getApplication',
      method: 'GET',
      path: '/applications/{application}',
      summary: 'One application',
      status: 200,
      result: application,
      query: HOST,
      answer: (call) => {
        const name = call.path.application!;
        const host = hostOf(call);
        requireApplication(host, name);
        return applicationOf(host, name);
      },
    },
    ...errorRoutes(administered, events),
    ...hostRoutes(administered, commands),
    {
      id: 'listInstances',
      method: 'GET',
      path: '/instances',
      summary: 'The running instances',
      query: {
        application: 'Only those of this application.',
        adaptor: 'Only its own.',
        vhost: 'Only its own.',
      },
      status: 200,
      result: array(instance),
      answer: ({ query }) => {
        const isWanted = (name: string, value: string) => (query.get(name) ?? value) === value;
        return administered.hosts
          .filter(({ adaptor, name }) => isWanted('adaptor', adaptor) && isWanted('vhost', name))
          .flatMap((host) =>
            [...host.registry.instances]
              .filter(({ application }) => isWanted('application', application))
              .map((one) => shown(host, one)),
          );
      },
    },
    {
      id: 'startInstance',
      method: 'POST',
      path: '/instances',
      summary: 'Starts an instance, unless it is running',
      body: object({ name: string('live, or live/room') }),
      status: 201,
      result: instance,
      query: HOST,
      answer: async (call) => {
        const { name } = call.body as { name: string };
        const host = hostOf(call);
        return shown(host, await commands.start(host, name, call.caller));
      },
    },
    {
      id: 'getInstance',
      method: 'GET',
      path: '/instances/{instance}',
      summary: 'One instance, as live%2F_definst_ or live',
      status: 200,
      result: instance,
      query: HOST,
      answer: (call) => shown(hostOf(call), instanceOf(call)),
    },
    {
      id: 'stopInstance',
      method: 'DELETE',
      path: '/instances/{instance}',
      summary: 'Stops an instance: its clients are disconnected, then its script is told (onAppStop)',
      query: HOST,
      status: 204,
      answer: async (call) => {
        await commands.unload(hostOf(call), instanceOf(call).fullName, call.caller);
      },
    },
    {
      id: 'reloadInstance',
      method: 'POST',
      path: '/instances/{instance}/reload',
      summary: 'Stops an instance and starts it anew, with its configuration as it is now',
      status: 200,
      result: instance,
      query: HOST,
      answer: async (call) => {
        const host = hostOf(call);
        return shown(host, await commands.reload(host, call.path.instance!, call.caller));
      },
    },
    {
      id: 'broadcast',
      method: 'POST',
      path: '/instances/{instance}/broadcast',
      summary: 'Calls a method of all its clients',
      body: object({ method: string(), 'args?': array(anything('Any JSON.')) }),
      query: HOST,
      status: 200,
      result: object({ clients: integer() }),
      answer: (call) => {
        const { method, args = [] } = call.body as { method: string; args?: Json[] };
        return { clients: commands.broadcast([instanceOf(call)], method, args, call.caller) };
      },
    },
    {
      id: 'listClients',
      method: 'GET',
      path: '/instances/{instance}/clients',
      summary: 'Its clients',
      query: HOST,
      status: 200,
      result: array(client),
      answer: (call) => statistics.clients(instanceOf(call)).map(show),
    },
    ...streamRoutes(statistics, instanceOf),
    {
      id: 'getClient',
      method: 'GET',
      path: '/clients/{client}',
      summary: 'One client, of whichever instance',
      status: 200,
      result: client,
      answer: ({ path }) => {
        const { home, id } = homeOf(path.client!);
        return show(statistics.clients(home).find((one) => one.id === id)!);
      },
    },
    {
      id: 'disconnectClient',
      method: 'DELETE',
      path: '/clients/{client}',
      summary: 'Disconnects a client',
      status: 204,
      answer: ({ path, caller }) => {
        const { home, id } = homeOf(path.client!);
        commands.disconnect(home, id, caller);
      },
    },
    {
      id: 'listUsers',
      method: 'GET',
      path: '/users',
      summary: 'The administrators',
      status: 200,
      result: array(
        object({
          name: string(),
          'adaptor?': string('Missing: the whole server is his.'),
          'vhost?': string('The virtual host that is his.'),
        }),
      ),
      answer: () => accounts.names.map((name) => ({ name, ...accounts.scopeOf(name) })),
    },
    {
      id: 'addUser',
      method: 'POST',
      path: '/users',
      summary: 'Adds an administrator',
      body: object({ name: string(), password: string() }),
      status: 201,
      result: object({ name: string() }),
      answer: async ({ body, caller }) => {
        const { name, password } = body as { name: string; password: string };
        await commands.addAccount(name, password, caller);
        return { name };
      },
    },
    {
      id: 'changePassword',
      method: 'PUT',
      path: '/users/{user}/password',
      summary: "Changes an administrator's password",
      body: object({ password: string() }),
      status: 204,
      answer: ({ path, body, caller }) =>
        commands.changePassword(path.user!, (body as { password: string }).password, caller),
    },
    {
      id: 'removeUser',
      method: 'DELETE',
      path: '/users/{user}',
      summary: 'Removes an administrator',
      status: 204,
      answer: ({ path, caller }) => commands.removeAccount(path.user!, caller),
    },
    {
      id: 'makeToken',
      method: 'POST',
      path: '/tokens',
      summary: 'A token to be shown instead of the password: Authorization: Bearer …',
      status: 201,
      result: object({ token: string(), lastsMs: integer() }),
      answer: ({ caller }) => ({ token: tokens.issue(caller.name), lastsMs: TOKEN_MS }),
    },
    {
      id: 'revokeToken',
      method: 'DELETE',
      path: '/tokens/current',
      summary: 'The token that is shown with this request is no longer good',
      status: 204,
      answer: ({ token }) => {
        if (token === undefined) throw notFound('no token is shown');
        tokens.revoke(token);
      },
    },
  ];

  function homeOf(id: string): { home: AppInstance; id: string } {
    const all = administered.hosts.flatMap(({ registry }) => [...registry.instances]);
    const home = all.find(({ clients }) => clients.has(id));
    if (!home) throw notFound(`there is no client ${JSON.stringify(id)}`);
    return { home, id };
  }
}
