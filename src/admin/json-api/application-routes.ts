// Applications, running or not.
import { APPLICATION_STATES } from '../../application/accounts/application-problem.ts';
import type { AdministeredHost } from '../administered.ts';
import { requireApplication } from '../commands.ts';
import { array, integer, object, string } from '../schema.ts';
import { SCRIPT, scriptNumbers } from '../script-metrics.ts';
import { TOTALS } from './numbers.ts';
import { HOST, hostOf, type Route } from './route.ts';

const application = object({
  ...TOTALS,
  name: string(),
  'upMs?': integer('Missing: no instance is running.'),
  instancesLoaded: integer(),
  instancesUnloaded: integer(),
  'script?': SCRIPT,
  'problem?': object(
    {
      state: { type: 'string', enum: APPLICATION_STATES },
      reason: string(),
      'file?': string('Path relative to the folder of the application, or absolute if it is outside.'),
      'line?': integer('From 1.'),
      'column?': integer('From 1.'),
      'instance?': string('Missing: all of them.'),
    },
    'The reason why the application does not run as its files define it. closed: its settings have an error, ' +
      'clients cannot connect. quarantined: its script crashed the script process too often. broken: no version of ' +
      'its script can be started. outdated: an earlier version stays in use after an error.',
  ),
});

export const APPLICATION_ROUTES: readonly Route[] = [
  {
    id: 'listApplications',
    method: 'GET',
    path: '/applications',
    summary: 'All applications, running or not',
    audience: 'host',
    status: 200,
    result: array(application),
    query: HOST,
    answer: (call, context) => {
      const host = hostOf(call, context);
      return host.applications().map((name) => shown(host, name));
    },
  },
  {
    id: 'getApplication',
    method: 'GET',
    path: '/applications/{application}',
    summary: 'One application',
    audience: 'host',
    status: 200,
    result: application,
    query: HOST,
    answer: (call, context) => {
      const name = call.path.application!;
      const host = hostOf(call, context);
      requireApplication(host, name);
      return shown(host, name);
    },
  },
  {
    id: 'addApplication',
    method: 'POST',
    path: '/applications',
    summary: 'Makes the folder of a new application',
    audience: 'host',
    body: object({ name: string() }),
    query: HOST,
    status: 201,
    result: object({ name: string() }),
    answer: (call, context) => {
      const { name } = call.body as { name: string };
      context.commands.addApplication(hostOf(call, context), name, call.caller);
      return { name };
    },
  },
  {
    id: 'removeApplication',
    method: 'DELETE',
    path: '/applications/{application}',
    summary: 'Stops an application and moves its folder, including recordings, out of the applications',
    audience: 'host',
    query: HOST,
    status: 200,
    result: object({ movedTo: string("The new path of the folder, on the server's machine.") }),
    answer: async (call, context) => ({
      movedTo: await context.commands.removeApplication(
        hostOf(call, context),
        call.path.application!,
        call.caller,
      ),
    }),
  },
];

function shown(host: AdministeredHost, name: string) {
  return {
    ...host.statistics.application(name),
    script: scriptNumbers(host, name),
    problem: host.problemOf(name),
  };
}
