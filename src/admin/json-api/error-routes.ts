// What has gone wrong in scripts: the last hundred of an application, and whatever comes from now on.
import { ERROR_KINDS } from '../../application/accounts/error-records.ts';
import type { AdministeredHost } from '../administered.ts';
import { requireApplication } from '../commands.ts';
import { array, integer, object, string } from '../schema.ts';
import { FILTER, HOST, hostOf, type Route, wantedHosts } from './route.ts';

const place = {
  'file?': string('Path relative to the folder of the application.'),
  'line?': integer('From 1.'),
  'column?': integer('From 1.'),
};
const error = object({
  adaptor: string('The adaptor of its virtual host.'),
  vhost: string(),
  id: integer('Ids increase over time, across all applications.'),
  time: string('Time of the first occurrence, ISO 8601.'),
  lastTime: string('Time of the last occurrence, ISO 8601.'),
  count: integer('Number of occurrences, each within a minute of the one before.'),
  application: string(),
  'instance?': string('Missing: all instances, for example if the script does not bundle.'),
  kind: { type: 'string', enum: ERROR_KINDS },
  'handler?': string('onPublish, client.sendMessage, timer…'),
  message: string('Secrets are masked.'),
  'code?': string('The limit that was reached (turnMs, memoryMb), or the class of the error (TypeError).'),
  ...place,
  'lineText?': string('The source line, if the script does not bundle.'),
  frames: array(
    object({ 'function?': string(), ...place }),
    'Frames in the source files, the innermost first.',
  ),
  'client?': string('The client concerned in the last occurrence.'),
});

export const ERROR_ROUTES: readonly Route[] = [
  {
    id: 'listErrors',
    method: 'GET',
    path: '/errors',
    summary: 'Errors of scripts: the last hundred of each application, the oldest first',
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
      'Server-Sent Events: "script-error" with an error as above, sent again with its count if the error recurs; ' +
      '"dropped" with the number of events that the server did not send. With Last-Event-ID the events after it ' +
      'come first',
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
