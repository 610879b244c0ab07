// Applications, by the names of Flash Media Server.
import type { AdministeredHost } from '../administered.ts';
import { requireApplication } from '../commands.ts';
import { scriptNumbers } from '../script-metrics.ts';
import { List, type Value } from '../xml.ts';
import { forHost, hostOf, type MethodTable } from './method.ts';
import { ago, seconds, totals } from './method-numbers.ts';

export const APPLICATION_METHODS: MethodTable = {
  getApps: forHost((call, context) => {
    const names = hostOf(call, context).applications();
    return new List(names, { total_apps: names.length });
  }),
  getAppStats: forHost((call, context) => {
    const host = hostOf(call, context);
    const name = call.parameters.need('app');
    requireApplication(host, name);
    const numbers = host.statistics.application(name);
    const { upMs, instancesLoaded, instancesUnloaded } = numbers;
    const isUp = upMs !== undefined;
    return {
      ...(isUp ? { launch_time: ago(upMs, context), up_time: seconds(upMs) } : {}),
      ...totals(numbers),
      total_instances_loaded: instancesLoaded,
      total_instances_unloaded: instancesUnloaded,
      script: scriptNumbers(host, name),
      cores: isUp ? [{ pid: process.pid, core_id: 0 }] : [],
    };
  }),
  getScriptErrors: forHost((call, context) =>
    scriptErrors(hostOf(call, context), call.parameters.need('app')),
  ),
  addApp: forHost((call, context) => {
    context.commands.addApplication(hostOf(call, context), call.parameters.need('app'), call.caller);
  }),
  removeApp: forHost(async (call, context) => {
    const { parameters, caller } = call;
    const place = await context.commands.removeApplication(
      hostOf(call, context),
      parameters.need('app'),
      caller,
    );
    return { moved_to: place };
  }),
};

/** Our own: Flash Media Server had its log for that. */
function scriptErrors(host: AdministeredHost, name: string): Value {
  requireApplication(host, name);
  return host.errors.recent(name).map(({ frames, ...record }) => ({
    ...record,
    frames: frames.map((frame) => ({ ...frame })),
  }));
}
