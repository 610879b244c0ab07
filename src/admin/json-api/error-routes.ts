// What has gone wrong in scripts: the last hundred of an application, and whatever comes from now on.
import { ERROR_KINDS } from '../../application/accounts/error-records.ts';
import type { AdministeredHost } from '../administered.ts';
import { requireApplication } from '../commands.ts';
import { array, integer, object, string } from '../schema.ts';
import { FILTER, HOST, hostOf, type Route, wantedHosts } from './route.ts';

const place = {
  'file?': string('From the folder of the application.'),
  'line?': integer('From 1.'),
  'column?': integer('From 1.'),
};
const error = object({
  adaptor: string('Of its virtual host.'),
  vhost: string(),
  id: integer('Later ones have greater ids, whatever their application.'),
  time: string('Of the first time, ISO 8601.'),
  lastTime: string('Of the last time.'),
  count: integer('How often, as long as it kept coming within a minute of the time before.'),
  application: string(),
  'instance?': string('Missing: all of them, as where a script does not bundle.'),
  kind: { type: 'string', enum: ERROR_KINDS },
  'handler?': string('onPublish, client.sendMessage, timer…'),
  message: string('Without what is secret in it.'),
  'code?': string('The limit that was met (turnMs, memoryMb), or the class of what was thrown (TypeError).'),
  ...place,
  'lineText?': string('That line, where it does not bundle.'),
  frames: array(object({ 'function?': string(), ...place }), 'In the sources, the innermost first.'),
  'client?': string('Whom it was about, the last time.'),
});

export const ERROR_ROUTES: readonly Route[] = [
  {
    id: 'listErrors',
    method: 'GET',
    path: '/errors',
    summary: 'What has gone wrong in scripts: the last hundred of each application, the oldest first',
    audience: 'host',
    query: FILTER,
    status: 200,
    result: array(error),
    answer: (call, context) =>
      wantedHosts(call, context)
        .flatMap((host) => errorsOf(host, call.query.get('application') ?? undefined))
        .sort((a, b) => a.id - b.id),
  },
  {
    id: 'listErrorsOfApplication',
    method: 'GET',
    path: '/applications/{application}/errors',
    summary: 'The last hundred errors of its script, the oldest first',
    audience: 'host',
    query: HOST,
    status: 200,
    result: array(error),
    answer: (call, context) => {
      const host = hostOf(call, context);
      requireApplication(host, call.path.application!);
      return errorsOf(host, call.path.application!);
    },
  },
  {
    id: 'listen',
    method: 'GET',
    path: '/events',
    summary:
      'Server-Sent Events: "script-error" with an error as above, again with its count when it comes again; "dropped" with ' +
      'the number of those that were too many. With Last-Event-ID those after it come first',
    audience: 'host',
    query: FILTER,
    status: 200,
    stream: (call, context) => {
      const { caller, lastEventId, query } = call;
      const application = query.get('application') ?? undefined;
      const after = lastEventId === undefined ? undefined : Number(lastEventId);
      return context.events.open(caller.name, { hosts: wantedHosts(call, context), application, after });
    },
  },
];

function errorsOf({ adaptor, name, errors }: AdministeredHost, application: string | undefined) {
  return errors.recent(application).map((record) => ({ adaptor, vhost: name, ...record }));
}
