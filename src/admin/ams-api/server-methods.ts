// The server as a whole, by the names of Flash Media Server.
import { cpus, totalmem } from 'node:os';
import type { AdminContext } from '../admin-context.ts';
import { AdminError } from '../admin-error.ts';
import type { Value } from '../xml.ts';
import { forHost, forServer, hostOf, type Method, type MethodTable } from './method.ts';
import { ago, messages, seconds } from './method-numbers.ts';

const stop: Method = forServer(({ parameters, caller }, { commands }) => {
  if (parameters.get('mode') === 'restart') {
    throw new AdminError(
      'ERR_ADMIN_ARGUMENT',
      'the server cannot restart itself; use the service manager or command that started it',
    );
  }
  commands.stop(caller);
});

export const SERVER_METHODS: MethodTable = {
  ping: forHost(() => undefined),
  getServerStats: forServer((_call, context) => {
    const { upMs } = context.administered.statistics.server();
    const { cpuPercent, residentBytes } = context.meter.numbers();
    return {
      launchTime: ago(upMs, context),
      uptime: seconds(upMs),
      cpu_Usage: Math.round(cpuPercent / cpus().length),
      memory_Usage: Math.round((residentBytes / totalmem()) * 100),
      io: io(context),
    };
  }),
  getIOStats: forServer((_call, context) => io(context)),
  getLicenseInfo: forServer((_call, { administered }) => {
    const [name, version] = administered.software.split('/', 2);
    return { name, version, type: 'MIT', max_connections: -1, max_bandwidth: -1 };
  }),
  getAdminContext: forHost((call, context) => {
    const { adaptor, name } = hostOf(call, context);
    const admin_type = call.caller.scope ? 'vhost' : 'server';
    return { admin_type, adaptor, vhost: name, connected: true };
  }),
  gc: forHost(async ({ caller }, { commands }) => ({ instances: await commands.collect(caller) })),
  stopServer: stop,
  shutdownServer: stop,
};

function io({ administered: { statistics, connections } }: AdminContext): Value {
  const numbers = statistics.server();
  return {
    ...messages(numbers),
    connected: connections(),
    total_connects: numbers.connects,
    total_disconnects: numbers.disconnects,
    bw_in: numbers.bytesInPerSecond,
    bw_out: numbers.bytesOutPerSecond,
  };
}
