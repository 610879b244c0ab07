// The composition of the server: builds the rooms, connects them, starts them bottom-up and stops them top-down.
import { type Adaptor, type AdaptorOptions, openAdaptors } from './adaptor/adaptor.ts';
import { pacedBy } from './adaptor/link/paced-stream.ts';
import { systemResolver } from './adaptor/link/reverse-dns.ts';
import { addressesOf } from './adaptor/ports/addresses.ts';
import { bindError } from './adaptor/ports/bind-error.ts';
import { type CertificateFiles, loadAuthorities } from './adaptor/ports/certificate.ts';
import type { ListenerAddress } from './adaptor/ports/listener.ts';
import { InputBudget, type InputLimits } from './adaptor/rtmp/input-budget.ts';
import { Logins } from './adaptor/rtmp/logins.ts';
import type { SessionOptions } from './adaptor/rtmp/session-options.ts';
import type { NewAccount } from './admin/accounts.ts';
import { Admin, type AdminOptions } from './admin/admin.ts';
import type { Administered } from './admin/administered.ts';
import type { AdminAddress } from './admin/port.ts';
import type { Registry } from './application/instance/registry.ts';
import { Statistics } from './application/instance/statistics.ts';
import { LoadGovernor } from './application/live/flush.ts';
import { FairTurns } from './application/pace/fair-turns.ts';
import { Turns } from './application/pace/turns.ts';
import { version } from './cli/manifest.ts';
import { systemClock } from './clock.ts';
import { AddressList, type AddressRules, admitsNames } from './config/address-rules.ts';
import type { AccessConfig, AdaptorConfig, CertificateConfig, Config, InputConfig } from './config/config.ts';
import { Settings } from './config/settings.ts';
import { ACCESS_EVENTS, ACCESS_FIELDS, type AccessEvent } from './log/access-fields.ts';
import { portLines } from './log/edge.ts';
import { LineLimit } from './log/line-limit.ts';
import type { Log } from './log/log.ts';
import { SecretMask } from './log/secrets.ts';
import { ServerLogs, type ServerLogsOptions } from './log/server-logs.ts';
import { IndexMemory } from './recording/read/index-memory.ts';
import { FileRecorders } from './recording/write/recorder.ts';
import { Inspector, type InspectorAddress } from './script/inspect/inspector.ts';
import { Runners } from './script/process/runners.ts';
import type { BuildRequest } from './script/source/build-outcome.ts';
import { Builder } from './script/source/builder.ts';
import { VirtualHost } from './virtual-host.ts';
import { Descriptors } from './wiring/descriptors.ts';
import { giveUpRoot } from './wiring/give-up-root.ts';
import { amfLimits, chunkLimits } from './wiring/limits.ts';
import { openFanOut } from './wiring/open-fan-out.ts';
import { serverUser, setFileMask } from './wiring/privileges.ts';
import { RunFolder } from './wiring/run-folder.ts';
import { clientSettings } from './wiring/settings.ts';
import { edgePorts, sayNotes, sayStarted, sayStopped } from './wiring/start-report.ts';
import { watchConfig } from './wiring/watch-config.ts';

/** What clients are told that they talk to: the last Flash Media Server's number, for they read features from it. */
const FMS_VERSION = '5,0,17,1';

/** Whom the processes of scripts become when root has started the server and Process of Server.xml names nobody. */
const NOBODY = { uid: 65534, gid: 65534 };

export interface RunningServer {
  readonly listeners: readonly (ListenerAddress | AdminAddress | InspectorAddress)[];
  /** Made because there was none. Its password is for the operator's eyes, now, and for no log. */
  readonly firstAccount: NewAccount | undefined;
  /** Somebody has moved the log files away: what follows goes to new ones. */
  reopenLogs(): void;
  /** Clients told, files flushed, onAppStop. */
  close(): Promise<void>;
}

export interface ServerOptions {
  config: Config;
  /** Reads conf/ anew, in the same way. Throws a ConfigError. */
  reload(): Config;
  log: Log;
  /** The application that debuggers may attach to; empty: all of them; undefined: those whose settings say so. */
  inspect: string | undefined;
  /** An administrator wants the server to end. */
  stop(why: string): void;
}

export async function startServer({
  config,
  reload,
  log,
  inspect,
  stop,
}: ServerOptions): Promise<RunningServer> {
  const descriptors = new Descriptors();
  const hasRoom = () => descriptors.hasRoom();
  sayNotes(config.notes, log);
  if (config.server.mask !== undefined) setFileMask(config.server.mask);
  const runFolder = RunFolder.of(config.root);
  runFolder.claim(log);
  const clock = systemClock;
  const software = `Understudy/${version()}`;
  const lines = new LineLimit(clock);
  const input = new InputBudget(inputLimits(config.server.input), clock);
  const logs = new ServerLogs(logOptions(config, software, log), (path, error) =>
    log.error({ event: 'log-file', path, err: error }, `a log cannot be written: ${error.message}`),
  );
  const { caFile } = config.server.clientTls;
  const authorities = caFile === undefined ? undefined : await loadAuthorities(caFile);
  const { maxBytes, applicationShare, launcher, debugPort } = config.server.runners;
  const user = serverUser(config.server.process);
  const { uid } = config.server.process;
  if (uid !== undefined && !user && uid !== process.getuid?.()) {
    log.warn(
      { event: 'process', uid },
      `Process/UID = ${uid}: only root can switch to another user; the server keeps its user`,
    );
  }
  const runners = new Runners({
    ...{ clock, log, maxRssBytes: maxBytes, applicationShare, launcher },
    user: user ?? NOBODY,
  });
  const builder = new Builder({ clock, log, user, ...config.server.builder });
  const governor = new LoadGovernor(
    clock,
    ({ widenedMs, sweepShare }) =>
      log.warn(
        { event: 'load', widenedMs, sweepShare },
        `under load: streams gather for ${widenedMs} ms before they are sent`,
      ),
    config.server.maxHeldBytes,
  );
  const fanOut = openFanOut(log);
  const turns = new Turns(clock, {
    isShared: addressSet(config.server.input.shared),
    sweepMs: () => governor.sweepMs,
  });
  const paced = pacedBy(turns);
  const inspector = new Inspector({ port: debugPort, software, log, lines, paced, bindError });
  const recorders = new FileRecorders({
    log,
    clock,
    runFolder: runFolder.recordings,
    flush: config.server.recording,
    finishesMp4: config.server.recording.finishesMp4,
    lines,
    hasRoom,
  });
  let lastErrorId = 0;
  const shared = {
    mask: new SecretMask(config.logs.secretWords),
    nextErrorId: () => ++lastErrorId,
    config,
    software,
    log,
    lines,
    hasRoom,
    indexes: new IndexMemory(config.server.maxIndexBytes),
    fetchTurns: new FairTurns(config.server.runners.fetches),
    logs,
    clock,
    governor,
    turns,
    fanOut,
    runners,
    build: (request: BuildRequest) => builder.build(request),
    recorders,
    inspector,
    authorities,
    inspected: inspect,
  };
  const hosts = config.adaptors.map(({ name, vhosts }) => {
    const ofAdaptor: VirtualHost[] = [];
    const isTaken = (alias: string) => ofAdaptor.some((host) => host.isCalled(alias));
    ofAdaptor.push(...vhosts.map((vhost) => new VirtualHost(name, vhost, shared, isTaken)));
    return ofAdaptor;
  });
  const allHosts = hosts.flat();
  const statistics = new Statistics({
    registries: allHosts.map(({ registry }) => registry),
    governor,
    clock,
  });
  let adaptors: Adaptor[] = [];
  let admin: Admin | undefined;
  let inspectorAddress: InspectorAddress | undefined;
  const configWatch = watchConfig(config, reload, hosts, log, clock);
  const close = async () => {
    const configClosed = configWatch.close();
    await inspector.close(); // a script that is paused could not take its leave
    const adminClosed = admin?.close();
    statistics.close();
    for (const adaptor of adaptors) adaptor.stopAccepting();
    await Promise.all(allHosts.map((host) => host.shutdown()));
    await Promise.all(adaptors.map((adaptor) => adaptor.close('the server is shutting down')));
    await recorders.close();
    if (adaptors.length > 0) for (const host of allHosts) host.noteStop();
    await Promise.all(allHosts.map((host) => host.close()));
    await Promise.all([runners.close(), builder.close()]);
    await adminClosed;
    await configClosed;
    lines.close();
    if (adaptors.length > 0) sayStopped(logs);
    await logs.close();
    runFolder.release();
  };
  try {
    if (inspect !== undefined) inspectorAddress = await inspector.open();
    await Promise.all([runners.start(), configWatch.ready, ...allHosts.map((host) => host.start())]);
    for (const host of allHosts) host.loadOnStartup();
    const session = { ...sessionOptions(config, log), lines, turns, fanOut, input };
    adaptors = await openAdaptors(
      config.adaptors.map((adaptor, i) => ({
        ...adaptorOptions(config, adaptor, { ...session, registryOf: registryOf(hosts[i]!) }, logs),
        maxDescriptor: descriptors.maxConnection,
        hasRoom,
      })),
    );
    if (config.server.admin.listen.length > 0) {
      const administered: Administered = {
        software,
        hosts: allHosts,
        statistics,
        settings: new Settings(config),
        limits: () => lines.limitCounts(),
        connections: () => adaptors.reduce((sum, { sessionCount }) => sum + sessionCount, 0),
        stop,
      };
      admin = await Admin.open(
        await adminOptions(config, administered, { log, lines, paced, runFile: runFolder.adminFile }, logs),
      );
    }
    if (user) {
      const ownFolders = allHosts.flatMap((host) => host.ownFolders());
      await giveUpRoot(user, { config, ownFolders, runFolder, logs, log });
    }
    void recorders.repair(); // the lock of run/ says that no other server is recording these
  } catch (error) {
    await close();
    throw error;
  }
  const listeners = [
    ...adaptors.flatMap((adaptor) => adaptor.listeners.map(({ address }) => address)),
    ...(admin?.addresses ?? []),
    ...(inspectorAddress ? [inspectorAddress] : []),
  ];
  sayStarted(logs, software, config, adaptors);
  for (const host of allHosts) host.noteStart();
  return { listeners, firstAccount: admin?.firstAccount, close, reopenLogs: () => logs.reopen() };
}

function logOptions({ logs }: Config, software: string, log: Log): ServerLogsOptions {
  const { level: _, secretWords, access, ...files } = logs;
  if (!access) return { ...files, software, access };
  const everyEvent = Object.keys(ACCESS_EVENTS) as AccessEvent[];
  const chosen = <T extends string>(names: readonly string[], all: readonly T[], what: string): T[] => {
    if (names.includes('*')) return [...all];
    const unknown = names.filter((name) => !all.some((one) => one === name));
    if (unknown.length > 0) {
      log.warn({ event: 'config' }, `Logger.xml: the access log has no ${what} ${unknown.join(', ')}`);
    }
    return names.flatMap((name) => all.filter((one) => one === name));
  };
  const events = chosen(access.events, everyEvent, 'event');
  const fields = chosen(access.fields, ACCESS_FIELDS, 'field');
  return { ...files, software, access: { ...access, events, fields, mask: new SecretMask(secretWords) } };
}

function adaptorOptions(
  config: Config,
  adaptor: AdaptorConfig,
  session: Omit<SessionOptions, 'rtmpe' | 'altVhost'>,
  { edge }: ServerLogs,
): Omit<AdaptorOptions, 'maxDescriptor' | 'hasRoom'> {
  const { name, listen, access, tls, vhosts } = adaptor;
  const hosts = vhosts.flatMap(({ certificate, name: host, aliases }) =>
    certificate ? [host, ...aliases].map((alias) => [alias, certificateFiles(certificate)] as const) : [],
  );
  return {
    name,
    listen,
    ipv6: config.server.ipv6,
    tls: {
      certificate: tls.certificate && certificateFiles(tls.certificate),
      hosts: new Map(hosts),
      ciphers: tls.ciphers ?? '',
      sessionTimeoutMs: tls.sessionTimeoutMs,
    },
    proxies: AddressList.parse(adaptor.proxies),
    rules: {
      allow: AddressList.parse(access.allow),
      deny: AddressList.parse(access.deny),
      order: access.order,
    },
    resolver: systemResolver,
    limits: config.server.connects,
    player: {
      crossDomainFile: config.server.crossDomainFile,
      ident2: adaptor.ident2,
      answersRoot: adaptor.answersRoot,
    },
    http: adaptor.http,
    tunnel: {
      ...adaptor.tunnel,
      limits: {
        ...config.server.connects,
        maxConnections: adaptor.tunnel.maxTunnels,
        maxConnectionsPerAddress: adaptor.tunnel.maxTunnelsPerAddress,
      },
    },
    session: { ...session, rtmpe: adaptor.rtmpe, altVhost: adaptor.altVhost },
    onLate(opened) {
      for (const [status, text] of portLines(edgePorts(name, opened))) edge.write(status, text);
    },
  };
}

async function adminOptions(
  { server, logs: { secretWords } }: Config,
  administered: Administered,
  { log, lines, paced, runFile }: Pick<AdminOptions, 'log' | 'lines' | 'paced' | 'runFile'>,
  logs: ServerLogs,
): Promise<AdminOptions> {
  const { listen, access, hostNames, users, loginLimits, localUsersFile, methods, elemStyle } = server.admin;
  const secure = listen.filter((place) => place.secure);
  if (secure.length > 0) {
    log.error(
      { event: 'port-closed', kind: 'admin' },
      `administration: port ${secure.map(({ port }) => port).join(', ')} with TLS stays closed: the ` +
        'administration has no TLS',
    );
  }
  const places = listen
    .filter((place) => !place.secure)
    .map(async ({ host, port }) =>
      (await addressesOf(host, server.ipv6)).map((address) => ({ host: address, port })),
    );
  return {
    administered,
    bindError,
    listen: (await Promise.all(places)).flat(),
    admits: addressTest(access, 'the administration', log),
    hostNames,
    paced,
    users: users.map(({ access: own, ...user }) => ({
      ...user,
      admits: addressTest(own, `the administrator ${user.name}`, log),
    })),
    loginLimits,
    usersFile: localUsersFile,
    mayCall: (method) => methods !== undefined && admitsMethod(methods, method),
    isElemStyle: elemStyle,
    runFile,
    clock: systemClock,
    nowMs: () => Date.now(),
    log,
    lines,
    write: (status, text) => logs.admin.write(status, text),
    mask: new SecretMask(secretWords),
  };
}

/** By address alone: who administers a server does not depend on what a DNS says. */
function addressTest({ allow, deny, order }: AccessConfig, what: string, log: Log): (ip: string) => boolean {
  const rules: AddressRules = { allow: AddressList.parse(allow), deny: AddressList.parse(deny), order };
  if (rules.allow.hasNames || rules.deny.hasNames) {
    log.warn({ event: 'config' }, `Allow and Deny of ${what}: host names are ignored there, use addresses`);
  }
  return (ip) => admitsNames(rules, ip, []);
}

function admitsMethod({ allow, deny, order }: AccessConfig, method: string): boolean {
  const isIn = (list: string) =>
    list.split(',').some((name) => name.trim() === method || name.trim().toLowerCase() === 'all');
  return order === 'Allow,Deny' ? isIn(allow) && !isIn(deny) : !isIn(deny) || isIn(allow);
}

function certificateFiles(config: CertificateConfig): CertificateFiles {
  const { certificateFile, keyFile, passPhrase } = config;
  return { certFile: certificateFile, keyFile, passphrase: passPhrase };
}

/** The host that a client names; one that there is not is the default one. */
function registryOf(hosts: readonly VirtualHost[]): (host: string) => Registry {
  return (name) => (hosts.find((host) => host.isCalled(name)) ?? hosts[0]!).registry;
}

function inputLimits({ shared, ...limits }: InputConfig): InputLimits {
  return { ...limits, isShared: addressSet(shared) };
}

function addressSet(list: string): (address: string) => boolean {
  const addresses = AddressList.parse(list);
  return (address) => addresses.has(address);
}

function sessionOptions(
  config: Config,
  log: Log,
): Omit<SessionOptions, 'rtmpe' | 'altVhost' | 'registryOf' | 'lines' | 'turns' | 'input'> {
  const { limits, clientIdleMs } = config.server;
  const { client } = config.adaptors[0]!.vhosts[0]!.application;
  return {
    logins: new Logins(systemClock),
    resolver: systemResolver,
    log,
    clock: systemClock,
    fmsVersion: FMS_VERSION,
    chunks: chunkLimits(limits),
    amf: amfLimits(limits),
    ...clientSettings({ client, clientIdleMs }),
    maxNetStreams: limits.netStreams,
    maxConnectText: limits.connectText,
    maxOpenCalls: limits.openCalls,
    maxOpenCallBytes: limits.openCallBytes,
    maxCommandRate: limits.commandRate,
    maxCommandWaitMs: limits.commandWaitMs,
    maxUnreadBytes: limits.unreadBytes,
    closeGraceMs: limits.closeMs,
    maxHeldBytes: limits.gateMediaBytes,
    maxEarlyBytes: limits.earlyBytes,
    handshakeTimeoutMs: limits.connectTimeoutMs,
    wireDumpFolder: process.env.UNDERSTUDY_WIRE_DUMP || undefined,
  };
}
