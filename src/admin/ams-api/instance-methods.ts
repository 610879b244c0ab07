// Instances of applications and their clients, by the names of Flash Media Server.
import { type Json, notFound } from '../commands.ts';
import { forHost, hostOf, instanceOf, type Method, type MethodTable } from './method.ts';
import { ago, messages, scriptStats, seconds, totals } from './method-numbers.ts';

const disconnect: Method = forHost((call, context) => {
  const { parameters, caller } = call;
  context.commands.disconnect(instanceOf(call, context), parameters.need('userId'), caller);
});

function change(command: 'start' | 'reload' | 'unload'): Method {
  return forHost(async (call, context) => {
    const { parameters, caller } = call;
    await context.commands[command](hostOf(call, context), parameters.need('appInst', 'app'), caller);
  });
}

export const INSTANCE_METHODS: MethodTable = {
  getActiveInstances: forHost((call, context) =>
    [...hostOf(call, context).registry.instances].map(({ fullName }) => fullName),
  ),
  getInstanceStats: forHost((call, context) => {
    const numbers = context.administered.statistics.instance(instanceOf(call, context));
    return {
      launch_time: ago(numbers.upMs, context),
      up_time: seconds(numbers.upMs),
      ...totals(numbers),
      bw_in: numbers.bytesInPerSecond,
      bw_out: numbers.bytesOutPerSecond,
      pid: process.pid,
      script: scriptStats(numbers),
    };
  }),
  getScriptStats: forHost((call, context) =>
    scriptStats(context.administered.statistics.instance(instanceOf(call, context))),
  ),
  getUsers: forHost((call, context) => [...instanceOf(call, context).clients.keys()]),
  getUserStats: forHost((call, context) => {
    const instance = instanceOf(call, context);
    const id = call.parameters.need('userId');
    const client = context.administered.statistics.clients(instance).find((one) => one.id === id);
    if (!client) throw notFound(`${instance.fullName} has no client ${JSON.stringify(id)}`);
    return {
      connect_time: ago(client.upMs, context),
      protocol: client.protocol,
      ip: client.ip,
      ...messages(client),
      // what waits is bytes that many players share, and no queue of messages
      msg_queue: { total_queues: 1, audio: 0, video: 0, other: 0, bytes: client.queuedBytes },
      stream_ids: client.netStreams.map((one) => one.id),
      ping_rtt: client.pingMs,
    };
  }),
  startApp: change('start'),
  reloadApp: change('reload'),
  unloadApp: change('unload'),
  disconnectUser: disconnect,
  kill: disconnect,
  broadcastMsg: forHost((call, context) => {
    const { parameters, caller } = call;
    const scope = parameters.get('scope') ?? '';
    const host = hostOf(call, context);
    const everywhere = ['', '/', '*'].includes(scope);
    const inScope = [...host.registry.instances].filter(
      ({ application }) => everywhere || application === scope,
    );
    const instances = inScope.length > 0 || everywhere ? inScope : [context.commands.instance(host, scope)];
    const args = parameters.all('arg').map(looseJson);
    return { clients: context.commands.broadcast(instances, parameters.need('method'), args, caller) };
  }),
  // true as long as there are none
  getSharedObjects: forHost((call, context) => {
    instanceOf(call, context);
    return { persistent: [], volatile: [] };
  }),
};

/** `5`, `true`, `"text"` and objects are what they look like; anything else is a text. */
function looseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
