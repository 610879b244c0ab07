// The methods of Flash Media Server's Administration API: GET or POST /admin/METHOD?parameter=value…
import { cpus, totalmem } from 'node:os';
import type { AppInstance } from '../application/instance/instance.ts';
import type {
  ClientNumbers,
  InstanceNumbers,
  NetStreamNumbers,
  StreamNumbers,
  Totals,
} from '../application/instance/statistics.ts';
import { absentMethods } from './absent-methods.ts';
import { AdminError } from './admin-error.ts';
import { type AdministeredHost, hostsOf, theHost } from './administered.ts';
import { type Caller, type Json, notFound, requireApplication } from './commands.ts';
import { hostMethods } from './host-methods.ts';
import type { Call, Method, MethodsOptions } from './method.ts';
import type { Parameters } from './parameters.ts';
import { recordingMethods } from './recording-methods.ts';
import { scriptNumbers } from './script-metrics.ts';
import { formatTimestamp, List, type Value } from './xml.ts';

export class Methods {
  readonly #options: MethodsOptions;
  readonly #table: ReadonlyMap<string, Method>;

  constructor(options: MethodsOptions) {
    this.#options = options;
    this.#table = new Map(
      Object.entries({
        ...this.#queries(),
        ...recordingMethods(options),
        ...this.#changes(),
        ...hostMethods(options),
        ...this.#administrators(),
        ...absentMethods(),
      }),
    );
  }

  get names(): string[] {
    return [...this.#table.keys()];
  }

  /** An AdminError says why not. */
  async call(name: string, parameters: Parameters, caller: Caller): Promise<Value> {
    const method = this.#table.get(name);
    if (!method) throw new AdminError('ERR_ADMIN_METHOD', `there is no method ${JSON.stringify(name)}`);
    return method({ parameters, caller });
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #queries(): Record<string, Method> {
    const { administered, meter, commands, accounts } = this.#options;
    const { statistics } = administered;
    const hostOf = (call: Call) => this.#hostOf(call);
    const instanceOf = (call: Call) => commands.instance(hostOf(call), call.parameters.need('appInst'));
    return {
      ping: () => undefined,
      getApps: (call) => {
        const names = hostOf(call).applications();
        return new List(names, { total_apps: names.length });
      },
      getAppStats: (call) => this.#applicationStats(hostOf(call), call.parameters.need('app')),
      getActiveInstances: (call) => [...hostOf(call).registry.instances].map(({ fullName }) => fullName),
      getInstanceStats: (call) => this.#instanceStats(instanceOf(call)),
      getScriptErrors: (call) => scriptErrors(hostOf(call), call.parameters.need('app')),
      getScriptStats: (call) => scriptStats(statistics.instance(instanceOf(call))),
      getLiveStreams: (call) => statistics.streams(instanceOf(call)).map(({ name }) => name),
      getLiveStreamStats: (call) => this.#streamStats(instanceOf(call), call.parameters.need('stream')),
      getNetStreams: (call) => statistics.netStreams(instanceOf(call)).map(({ id }) => id),
      getNetStreamStats: (call) => this.#netStreamStats(instanceOf(call), call.parameters),
      getUsers: (call) => [...instanceOf(call).clients.keys()],
      getUserStats: (call) => this.#userStats(instanceOf(call), call.parameters.need('userId')),
      getServerStats: () => {
        const { upMs } = statistics.server();
        const { cpuPercent, residentBytes } = meter.numbers();
        return {
          launchTime: this.#ago(upMs),
          uptime: seconds(upMs),
          cpu_Usage: Math.round(cpuPercent / cpus().length),
          memory_Usage: Math.round((residentBytes / totalmem()) * 100),
          io: this.#io(),
        };
      },
      getIOStats: () => this.#io(),
      getLicenseInfo: () => {
        const [name, version] = administered.software.split('/', 2);
        return { name, version, type: 'MIT', max_connections: -1, max_bandwidth: -1 };
      },
      getAdaptors: () => [...new Set(administered.hosts.map(({ adaptor }) => adaptor))],
      getVHosts: ({ parameters }) => this.#vhosts(parameters),
      getActiveVHosts: ({ parameters }) =>
        hostsOf(administered.hosts, parameters.get('adaptor'))
          .filter(({ registry }) => !registry.isSuspended)
          .map(({ name }) => name),
      getVHostStats: (call) => this.#vhostStats(hostOf(call)),
      getActiveVHostStats: (call) => this.#vhostStats(hostOf(call)),
      getAdmins: ({ parameters }) => {
        const wanted = parameters.get('adaptorName') ?? administered.hosts[0]?.adaptor;
        const isOfHosts = (name: string) => accounts.scopeOf(name) !== undefined;
        return {
          server_admins: accounts.names.filter((name) => !isOfHosts(name)),
          vhost_admins: accounts.names.filter((name) => accounts.scopeOf(name)?.adaptor === wanted),
        };
      },
      getAdminContext: (call) => {
        const { adaptor, name } = hostOf(call);
        const admin_type = call.caller.scope ? 'vhost' : 'server';
        return { admin_type, adaptor, vhost: name, connected: true };
      },
    };
  }

  #hostOf({ parameters }: Call): AdministeredHost {
    return theHost(this.#options.administered, parameters.get('adaptor'), parameters.get('vhost'));
  }

  #vhostStats(host: AdministeredHost): Value {
    return { ...totals(host.statistics.server()), total_apps: host.applications().length };
  }

  #applicationStats(host: AdministeredHost, name: string): Value {
    requireApplication(host, name);
    const numbers = host.statistics.application(name);
    const { upMs, instancesLoaded, instancesUnloaded } = numbers;
    const isUp = upMs !== undefined;
    return {
      ...(isUp ? { launch_time: this.#ago(upMs), up_time: seconds(upMs) } : {}),
      ...totals(numbers),
      total_instances_loaded: instancesLoaded,
      total_instances_unloaded: instancesUnloaded,
      script: scriptNumbers(host, name),
      cores: isUp ? [{ pid: process.pid, core_id: 0 }] : [],
    };
  }

  #instanceStats(instance: AppInstance): Value {
    const numbers: InstanceNumbers = this.#options.administered.statistics.instance(instance);
    return {
      launch_time: this.#ago(numbers.upMs),
      up_time: seconds(numbers.upMs),
      ...totals(numbers),
      bw_in: numbers.bytesInPerSecond,
      bw_out: numbers.bytesOutPerSecond,
      pid: process.pid,
      script: scriptStats(numbers),
    };
  }

  #streamStats(instance: AppInstance, name: string): Value {
    const stream: StreamNumbers | undefined = this.#options.administered.statistics.stream(instance, name);
    if (!stream) throw notFound(`no stream ${JSON.stringify(name)} is live in ${instance.fullName}`);
    const { publisher, subscribers } = stream;
    return {
      name,
      publisher: {
        ...this.#netStream(publisher),
        client_type: stream.publisherAgent,
        diffserv_bits: 0,
        publish_time: this.#ago(publisher.upMs),
      },
      subscribers: subscribers.map(({ clientId, upMs }) => ({
        client: clientId,
        subscribe_time: this.#ago(upMs),
      })),
    };
  }

  /** streamids: numbers between commas, or -1: all of them. */
  #netStreamStats(instance: AppInstance, parameters: Parameters): Value {
    const all = this.#options.administered.statistics.netStreams(instance);
    const wanted = parameters
      .need('streamids')
      .replace(/[[\]\s]/g, '')
      .split(',');
    const found = wanted.includes('-1') ? all : all.filter(({ id }) => wanted.includes(String(id)));
    return found.map((one) => this.#netStream(one));
  }

  #netStream({ stream, type, clientId, id, upMs }: NetStreamNumbers): { [name: string]: Value } {
    return { name: stream ?? '', time: this.#ago(upMs), type, client: clientId, stream_id: id };
  }

  #userStats(instance: AppInstance, id: string): Value {
    const clients: ClientNumbers[] = this.#options.administered.statistics.clients(instance);
    const client = clients.find((one) => one.id === id);
    if (!client) throw notFound(`${instance.fullName} has no client ${JSON.stringify(id)}`);
    return {
      connect_time: this.#ago(client.upMs),
      protocol: client.protocol,
      ip: client.ip,
      ...messages(client),
      // what waits is bytes that many players share, and no queue of messages
      msg_queue: { total_queues: 1, audio: 0, video: 0, other: 0, bytes: client.queuedBytes },
      stream_ids: client.netStreams.map((one) => one.id),
      ping_rtt: client.pingMs,
    };
  }

  #io(): Value {
    const { statistics, connections } = this.#options.administered;
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

  #vhosts(parameters: Parameters): readonly string[] {
    return hostsOf(this.#options.administered.hosts, parameters.get('adaptor')).map(({ name }) => name);
  }

  /** When that began. */
  #ago(upMs: number): string {
    return formatTimestamp(new Date(this.#options.nowMs() - upMs));
  }

  // ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────

  #changes(): Record<string, Method> {
    const { commands } = this.#options;
    const hostOf = (call: Call) => this.#hostOf(call);
    const stop: Method = ({ parameters, caller }) => {
      if (parameters.get('mode') === 'restart') {
        throw new AdminError(
          'ERR_ADMIN_ARGUMENT',
          'whoever has started the server can restart it; it cannot itself',
        );
      }
      commands.stop(caller);
      return undefined;
    };
    const disconnect: Method = (call) => {
      const { parameters, caller } = call;
      const instance = commands.instance(hostOf(call), parameters.need('appInst'));
      commands.disconnect(instance, parameters.need('userId'), caller);
      return undefined;
    };
    return {
      addApp: (call) => {
        commands.addApplication(hostOf(call), call.parameters.need('app'), call.caller);
        return undefined;
      },
      startApp: async (call) => {
        await commands.start(hostOf(call), call.parameters.need('appInst', 'app'), call.caller);
        return undefined;
      },
      reloadApp: async (call) => {
        await commands.reload(hostOf(call), call.parameters.need('appInst', 'app'), call.caller);
        return undefined;
      },
      unloadApp: async (call) => {
        await commands.unload(hostOf(call), call.parameters.need('appInst', 'app'), call.caller);
        return undefined;
      },
      disconnectUser: disconnect,
      kill: disconnect,
      broadcastMsg: (call) => {
        const { parameters, caller } = call;
        const scope = parameters.get('scope') ?? '';
        const { registry } = hostOf(call);
        const everywhere = ['', '/', '*'].includes(scope);
        const inScope = [...registry.instances].filter(
          ({ application }) => everywhere || application === scope,
        );
        const instances =
          inScope.length > 0 || everywhere ? inScope : [commands.instance(hostOf(call), scope)];
        const args = parameters.all('arg').map(looseJson);
        return { clients: commands.broadcast(instances, parameters.need('method'), args, caller) };
      },
      stopServer: stop,
      shutdownServer: stop,
    };
  }

  #administrators(): Record<string, Method> {
    const { commands } = this.#options;
    return {
      addAdmin: async ({ parameters, caller }) => {
        if (!['', '/', 'server'].includes(parameters.get('scope') ?? '')) {
          const where = 'Users.xml beside its Vhost.xml';
          throw new AdminError(
            'ERR_ADMIN_ARGUMENT',
            `an administrator of a virtual host alone is made in ${where}`,
          );
        }
        await commands.addAccount(parameters.need('name', 'admin'), parameters.need('password'), caller);
        return undefined;
      },
      changePswd: async ({ parameters, caller }) => {
        await commands.changePassword(parameters.need('name', 'admin'), parameters.need('password'), caller);
        return undefined;
      },
      removeAdmin: ({ parameters, caller }) => {
        commands.removeAccount(parameters.need('name', 'admin'), caller);
        return undefined;
      },
    };
  }
}

function messages(
  numbers: Pick<Totals, 'messagesIn' | 'messagesOut' | 'messagesDropped' | 'bytesIn' | 'bytesOut'>,
) {
  return {
    msg_in: numbers.messagesIn,
    msg_out: numbers.messagesOut,
    msg_dropped: numbers.messagesDropped,
    bytes_in: numbers.bytesIn,
    bytes_out: numbers.bytesOut,
  };
}

function totals(numbers: Totals) {
  return {
    ...messages(numbers),
    accepted: numbers.accepted,
    rejected: numbers.rejected,
    connected: numbers.connected,
    total_connects: numbers.connects,
    total_disconnects: numbers.disconnects,
  };
}

/** Our own: Flash Media Server had its log for that. */
function scriptErrors(host: AdministeredHost, name: string): Value {
  requireApplication(host, name);
  return host.errors.recent(name).map(({ frames, ...record }) => ({
    ...record,
    frames: frames.map((frame) => ({ ...frame })),
  }));
}

/** Times in ms. Of an instance without a script: nothing has ever been asked. */
function scriptStats({ script }: InstanceNumbers): Value {
  return {
    time_high_water_mark: Math.round(script?.longestAnswerMs ?? 0),
    queue_size: script?.open ?? 0,
    total_processed: script?.answered ?? 0,
    total_process_time: Math.round(script?.answerMs ?? 0),
    queue_high_water_mark: script?.mostOpen ?? 0,
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** `5`, `true`, `"text"` and objects are what they look like; anything else is a text. */
function looseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
