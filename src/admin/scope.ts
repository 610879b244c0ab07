// What an administrator of one virtual host sees and may do: his host is all there is, and what is not named here is not his.
import { AdminError } from './admin-error.ts';
import type { Administered } from './administered.ts';

/** Undefined wherever it may be missing: the whole server. */
export interface Scope {
  readonly adaptor: string;
  readonly vhost: string;
}

const HOST_METHODS: ReadonlySet<string> = new Set([
  'ping',
  'getActiveInstances',
  'getActiveVHostStats',
  'getActiveVHosts',
  'getAdminContext',
  'getAppStats',
  'getApps',
  'getInstanceStats',
  'getLiveStreamStats',
  'getLiveStreams',
  'getNetStreamStats',
  'getNetStreams',
  'getScriptErrors',
  'getConfig',
  'getConfig2',
  'getFLVCacheStats',
  'getFileCacheStats',
  'getRecordedStreamStats',
  'getRecordedStreams',
  'getScriptStats',
  'getSharedObjects',
  'getUserStats',
  'getUsers',
  'getVHostStats',
  'getVHosts',
  'addApp',
  'startApp',
  'reloadApp',
  'unloadApp',
  'disconnectUser',
  'kill',
  'broadcastMsg',
  'clearStreams',
  'gc',
  'removeApp',
  'setConfig',
  'setConfig2',
]);

const HOST_ROUTES: ReadonlySet<string> = new Set([
  'listApplications',
  'getApplication',
  'listErrors',
  'listErrorsOfApplication',
  'listen',
  'listInstances',
  'startInstance',
  'getInstance',
  'stopInstance',
  'reloadInstance',
  'broadcast',
  'listClients',
  'listStreams',
  'getStream',
  'getClient',
  'disconnectClient',
  'listHosts',
  'addApplication',
  'removeApplication',
  'listRecordings',
  'getRecording',
  'deleteRecording',
  'getSetting',
  'changeSetting',
  'collect',
  'makeToken',
  'revokeToken',
]);

export function requireMethod(scope: Scope | undefined, method: string): void {
  if (scope && !HOST_METHODS.has(method)) throw notHis();
}

export function requireRoute(scope: Scope | undefined, id: string): void {
  if (scope && !HOST_ROUTES.has(id)) throw notHis();
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
