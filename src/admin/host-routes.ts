// Virtual hosts, settings and recordings as JSON: what more there is than instances and who is in them.
import { type Administered, type AdministeredHost, theHost } from './administered.ts';
import type { Commands } from './commands.ts';
import { readRecording, recordingNames } from './recordings.ts';
import { HOST, type Route, type RouteCall } from './route.ts';
import { anything, array, boolean, integer, object, string } from './schema.ts';
import { asked, settingPlace } from './setting-place.ts';

const host = object({
  adaptor: string(),
  name: string(),
  aliases: array(string()),
  isServing: boolean(),
  applications: integer('Running or not.'),
  cache: object(
    {
      bytes: integer(),
      segments: integer('Pieces of files.'),
      hits: integer(),
      reads: integer('Pieces that had to be read.'),
    },
    'What was read of recorded streams, kept for whoever plays them next.',
  ),
});
const recording = object({
  name: string('As players ask for it.'),
  lengthMs: integer(),
  sizeBytes: integer(),
  isGrowing: boolean('It is being recorded.'),
  hasVideo: boolean(),
});
const SETTING = {
  scope:
    'Which file, as Flash Media Server says it: Server, Users, Logger, Adaptor:NAME, …/VirtualHost:NAME, …/App:NAME.',
  key: 'Names of elements with / between them, @name for an attribute; nothing: the whole file.',
};

export function hostRoutes(administered: Administered, commands: Commands): Route[] {
  const hostOf = ({ query }: RouteCall) => theHost(administered, query.get('adaptor'), query.get('vhost'));
  const ofPath = ({ path }: RouteCall) => theHost(administered, path.adaptor, path.vhost);
  const shown = (one: AdministeredHost) => ({
    ...{ adaptor: one.adaptor, name: one.name, aliases: one.aliases },
    isServing: !one.registry.isSuspended,
    applications: one.applications().length,
    cache: one.recorded.cacheStats,
  });
  const instanceOf = (call: RouteCall) => commands.instanceName(hostOf(call), call.path.instance!);
  return [
    {
      id: 'listHosts',
      method: 'GET',
      path: '/hosts',
      summary: 'The virtual hosts of all adaptors',
      status: 200,
      result: array(host),
      answer: () => administered.hosts.map(shown),
    },
    {
      id: 'startHost',
      method: 'POST',
      path: '/hosts/{adaptor}/{vhost}/start',
      summary: 'Lets clients of a virtual host in again',
      status: 204,
      answer: (call) => commands.startHost(ofPath(call), call.caller),
    },
    {
      id: 'stopHost',
      method: 'POST',
      path: '/hosts/{adaptor}/{vhost}/stop',
      summary: 'Stops the instances of a virtual host and lets nobody in',
      status: 204,
      answer: (call) => commands.stopHost(ofPath(call), call.caller),
    },
    {
      id: 'addAlias',
      method: 'PUT',
      path: '/hosts/{adaptor}/{vhost}/aliases/{alias}',
      summary: 'Gives a virtual host one more name, until the server ends',
      status: 204,
      answer: (call) => commands.addAlias(ofPath(call), call.path.alias!, call.caller),
    },
    {
      id: 'removeAlias',
      method: 'DELETE',
      path: '/hosts/{adaptor}/{vhost}/aliases/{alias}',
      summary: 'Takes such a name back',
      status: 204,
      answer: (call) => commands.removeAlias(ofPath(call), call.path.alias!, call.caller),
    },
    {
      id: 'addApplication',
      method: 'POST',
      path: '/applications',
      summary: 'Makes the folder of a new application',
      body: object({ name: string() }),
      query: HOST,
      status: 201,
      result: object({ name: string() }),
      answer: (call) => {
        const { name } = call.body as { name: string };
        commands.addApplication(hostOf(call), name, call.caller);
        return { name };
      },
    },
    {
      id: 'removeApplication',
      method: 'DELETE',
      path: '/applications/{application}',
      summary: 'Stops an application and puts its folder aside, recordings and all',
      query: HOST,
      status: 200,
      result: object({ movedTo: string('A path on the machine of the server.') }),
      answer: async (call) => ({
        movedTo: await commands.removeApplication(hostOf(call), call.path.application!, call.caller),
      }),
    },
    {
      id: 'listRecordings',
      method: 'GET',
      path: '/instances/{instance}/recordings',
      summary: 'The recorded streams of an instance, running or not',
      query: HOST,
      status: 200,
      result: array(string()),
      answer: (call) => recordingNames(hostOf(call), instanceOf(call)),
    },
    {
      id: 'getRecording',
      method: 'GET',
      path: '/instances/{instance}/recordings/{recording}',
      summary: 'One of them',
      query: HOST,
      status: 200,
      result: recording,
      answer: (call) => readRecording(hostOf(call), instanceOf(call), call.path.recording!),
    },
    {
      id: 'deleteRecording',
      method: 'DELETE',
      path: '/instances/{instance}/recordings/{recording}',
      summary: 'Deletes what was recorded under that name',
      query: HOST,
      status: 204,
      answer: (call) =>
        commands.clearRecording(hostOf(call), call.path.instance!, call.path.recording!, call.caller),
    },
    {
      id: 'getSetting',
      method: 'GET',
      path: '/settings',
      summary: 'What a file of settings says now; what is secret is ***',
      query: SETTING,
      status: 200,
      result: object({ value: anything('A text, or what is in the element.') }),
      answer: ({ query, caller }) => {
        const { file, path } = settingPlace(query.get('scope') ?? '', query.get('key') ?? '', caller.scope);
        return { value: asked(() => administered.settings.read(file, path)) };
      },
    },
    {
      id: 'changeSetting',
      method: 'PUT',
      path: '/settings',
      summary:
        'Changes a number or a switch in an Application.xml, which counts as if it had been saved by hand',
      body: object({ scope: string(SETTING.scope), key: string(SETTING.key), value: string() }),
      status: 204,
      answer: ({ body, caller }) => {
        const { scope, key, value } = body as { scope: string; key: string; value: string };
        commands.changeSetting(settingPlace(scope, key, caller.scope), value, caller);
      },
    },
    {
      id: 'collect',
      method: 'POST',
      path: '/server/collect',
      summary: 'Unloads instances without clients, without waiting for their time',
      status: 200,
      result: object({ instances: integer() }),
      answer: async ({ caller }) => ({ instances: await commands.collect(caller) }),
    },
  ];
}
