// Adaptors and virtual hosts, by the names of Flash Media Server.
import { AdminError } from '../admin-error.ts';
import { hostsOf } from '../administered.ts';
import { forHost, forServer, hostOf, type Method, type MethodTable } from './method.ts';
import { totals } from './method-numbers.ts';

const stats: Method = forHost((call, context) => {
  const host = hostOf(call, context);
  return { ...totals(host.statistics.server()), total_apps: host.applications().length };
});

function alias(change: 'addAlias' | 'removeAlias'): Method {
  return forServer((call, context) => {
    const { parameters, caller } = call;
    if (parameters.get('persist') === 'true') {
      const text = 'an alias that stays belongs in Vhost.xml; by command it lasts until the server ends';
      throw new AdminError('ERR_ADMIN_ARGUMENT', text);
    }
    context.commands[change](hostOf(call, context), parameters.need('alias'), caller);
  });
}

export const HOST_METHODS: MethodTable = {
  getAdaptors: forServer((_call, { administered }) => [
    ...new Set(administered.hosts.map(({ adaptor }) => adaptor)),
  ]),
  getVHosts: forHost(({ parameters }, { administered }) =>
    hostsOf(administered.hosts, parameters.get('adaptor')).map(({ name }) => name),
  ),
  getActiveVHosts: forHost(({ parameters }, { administered }) =>
    hostsOf(administered.hosts, parameters.get('adaptor'))
      .filter(({ registry }) => !registry.isSuspended)
      .map(({ name }) => name),
  ),
  getVHostStats: stats,
  getActiveVHostStats: stats,
  startVHost: forServer((call, context) => {
    context.commands.startHost(hostOf(call, context), call.caller);
  }),
  stopVHost: forServer(async (call, context) => {
    await context.commands.stopHost(hostOf(call, context), call.caller);
  }),
  restartVHost: forServer(async (call, context) => {
    const host = hostOf(call, context);
    await context.commands.stopHost(host, call.caller);
    context.commands.startHost(host, call.caller);
  }),
  addVHostAlias: alias('addAlias'),
  removeVHostAlias: alias('removeAlias'),
};
