// conf/ and --set → one frozen Config. What is not there has its default.
import { readdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import {
  APPLICATION_FILE,
  type ApplicationDefaults,
  defaultApplicationConfig,
  swfFolders,
} from './application.ts';
import type {
  AccessConfig,
  AdaptorConfig,
  AdminConfig,
  CertificateConfig,
  Config,
  ConnectionLimits,
  ConnectLimits,
  InputConfig,
  PassingOnConfig,
  ProxyConfig,
  ReadFile,
  TlsConfig,
  TunnelConfig,
  UserConfig,
  VhostConfig,
} from './config.ts';
import type { Group, Members, Read } from './element.ts';
import { readXmlIfThere } from './file.ts';
import { freeze } from './freeze.ts';
import { logsConfig } from './logs.ts';
import { CollectedMistakes, type Mistakes, THROWN } from './mistakes.ts';
import type { Note } from './note.ts';
import { Reader } from './reader.ts';
import { ADAPTOR, type AdaptorValues } from './schema/adaptor.ts';
import { LOGGER } from './schema/logger.ts';
import { SERVER, type ServerValues } from './schema/server.ts';
import { SYMBOLS } from './schema/symbols.ts';
import { USERS, type UsersValues } from './schema/users.ts';
import { VHOST, type VhostValues } from './schema/vhost.ts';
import { virtualFolders } from './schema/virtual-directory.ts';
import { loadSymbols, type Symbols } from './symbols.ts';
import type { XmlElement } from './xml.ts';

export const DEFAULT_ADAPTOR = '_defaultRoot_';
export const DEFAULT_VHOST = '_defaultVHost_';
/** Beside Users.xml, of the same form: the server's own, where Users.xml is the operator's. */
const LOCAL_USERS_FILE = 'Users.local.xml';

export interface ConfigSources {
  root: string;
  /** `--set NAME=VALUE`: beats the files. */
  set: Readonly<Record<string, string>>;
  /** For ${%NAME%}; by default that of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** What FMS shipped; it names ciphers that nobody should use any more, and it was not the operator's choice. */
const FMS_CIPHERS = 'ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH';

/** A ConfigError says the first mistake. */
export function loadConfig(sources: ConfigSources): Config {
  return read(sources, THROWN);
}

/** All mistakes in conf/, in the order of the files. `config` is undefined where the rest cannot be read because of them. */
export function inspectConfig(sources: ConfigSources): {
  config: Config | undefined;
  mistakes: ConfigError[];
} {
  const mistakes = new CollectedMistakes();
  const config = mistakes.attempt<Config | undefined>(
    () => read(sources, mistakes),
    () => undefined,
  );
  return { config, mistakes: mistakes.all };
}

function read({ root, set, environment = process.env }: ConfigSources, mistakes: Mistakes): Config {
  const absoluteRoot = resolve(root);
  if (!isFolder(absoluteRoot)) {
    throw new ConfigError('ERR_CONFIG_READ', `the root folder ${absoluteRoot} does not exist`);
  }
  const notes: Note[] = [];
  const symbols = loadSymbols({ root: absoluteRoot, set, environment }, notes, mistakes);
  notes.push(...misspelt(set));
  return freeze(new Loader(absoluteRoot, symbols, notes, mistakes).load());
}

class Loader {
  readonly #root: string;
  readonly #conf: string;
  readonly #symbols: Symbols;
  readonly #notes: Note[];
  readonly #mistakes: Mistakes;
  readonly #files: Record<string, ReadFile> = Object.create(null);

  constructor(root: string, symbols: Symbols, notes: Note[], mistakes: Mistakes) {
    this.#root = root;
    this.#conf = join(root, 'conf');
    this.#symbols = symbols;
    this.#notes = notes;
    this.#mistakes = mistakes;
  }

  load(): Config {
    const { Server, ServerDomain } = this.#read(this.#conf, 'Server.xml', 'Root', SERVER);
    const logger = this.#read(this.#conf, 'Logger.xml', 'Logger', LOGGER);
    const idle = Server.AutoCloseIdleClients;
    const clientIdleMs = idle['@enable'] ? idle.MaxIdleTime : undefined;
    const adaptors = this.#folders(this.#conf, DEFAULT_ADAPTOR, 'Adaptor.xml').map((name) =>
      this.#adaptor(name, clientIdleMs),
    );
    const hostUsers = adaptors.flatMap(({ name: adaptor, vhosts }) =>
      vhosts.flatMap(({ name: vhost }) =>
        this.#hostUsers(join(this.#conf, adaptor, vhost), { adaptor, vhost }),
      ),
    );
    return {
      root: this.#root,
      confDir: this.#conf,
      symbolFiles: this.#symbols.files,
      applicationsDir: adaptors[0]!.vhosts[0]!.appsDir,
      logs: logsConfig(this.#root, logger, Server),
      server: {
        hostname: ServerDomain || hostname(),
        ipv6: Server.NetworkingIPv6['@enable'],
        admin: this.#admin(Server, hostUsers),
        limits: connectionLimits(Server),
        input: inputConfig(Server),
        connects: connectLimits(Server),
        maxHeldBytes: Server.ResourceLimits.Streams.MaxHeldSize,
        maxIndexBytes: Server.ResourceLimits.Streams.MaxIndexSize,
        recording: {
          maxMs: Server.ResourceLimits.RecBuffer.MaxFlushTime,
          maxBytes: Server.ResourceLimits.RecBuffer.MaxFlushSize,
          finishesMp4: Server.ResourceLimits.Recording.FinishMp4,
        },
        crossDomainFile: this.#pathOf(Server.CrossDomainPath),
        clientTls: {
          verifies: Server.SSL.SSLClientCtx.SSLVerifyCertificate,
          caFile: this.#pathOf(Server.SSL.SSLClientCtx.SSLCACertificateFile),
        },
        runners: {
          maxBytes: Server.ResourceLimits.Scripts.MaxSize,
          applicationShare: Server.ResourceLimits.Scripts.MaxApplicationShare / 100,
          debugPort: Server.ResourceLimits.Scripts.DebugPort,
          launcher: Server.ResourceLimits.Scripts.Launcher,
          maxWatchedFiles: Server.ResourceLimits.Scripts.MaxWatchedFiles,
          fetches: {
            max: Server.ResourceLimits.Scripts.MaxFetches,
            maxOfOne: Server.ResourceLimits.Scripts.MaxFetchesPerApplication,
          },
          logBytes: Server.ResourceLimits.Scripts.MaxLogSize,
          maxPrograms: Server.ResourceLimits.Scripts.MaxPrograms,
        },
        builder: {
          maxFileBytes: Server.ResourceLimits.Scripts.MaxFileSize,
          maxBundleBytes: Server.ResourceLimits.Scripts.MaxBundleSize,
          maxRssBytes: Server.ResourceLimits.Scripts.MaxBuildSize,
          maxMs: Server.ResourceLimits.Scripts.MaxBuildTime,
        },
        mask: Server.Mask,
        process: { uid: Server.Process.UID, gid: Server.Process.GID },
        swfs: swfFolders(Server.SWFVerification, this.#root),
        clientIdleMs,
      },
      adaptors,
      symbols: this.#symbols.values,
      files: this.#files,
      notes: this.#notes,
    };
  }

  #admin({ AdminServer, Security }: ServerValues['Server'], hostUsers: readonly UserConfig[]): AdminConfig {
    const { UserList, AdminServer: admin } = this.#read(this.#conf, 'Users.xml', 'Root', USERS);
    const local = this.#read(this.#conf, LOCAL_USERS_FILE, 'Root', USERS);
    const { MaxFailures, RecoveryTime, LockoutLimit } = Security.LoginLimits;
    return {
      listen: AdminServer.HostPort,
      access: accessConfig(AdminServer),
      hostNames: AdminServer.HostNames,
      elemStyle: AdminServer.AdminElem,
      loginLimits: { maxFailures: MaxFailures, recoveryMs: RecoveryTime, lockoutFailures: LockoutLimit },
      methods: admin.HTTPCommands.Enable ? accessConfig(admin.HTTPCommands) : undefined,
      users: this.#withoutTwins([
        ...this.#users(UserList.User, 'Users.xml'),
        ...this.#users(local.UserList.User, LOCAL_USERS_FILE),
        ...hostUsers,
      ]),
      localUsersFile: join(this.#conf, LOCAL_USERS_FILE),
    };
  }

  /** Without those that nobody can log in to. `file`: below conf/. */
  #users(
    users: UsersValues['UserList']['User'],
    file: string,
    scope: UserConfig['scope'] = undefined,
  ): UserConfig[] {
    const isLocal = file === LOCAL_USERS_FILE;
    return users.flatMap((user) => {
      const { '@encrypt': isHashed, '#text': password } = user.Password;
      const name = user['@name'];
      if (name !== '' && password !== '') {
        const login = scope && scope.adaptor !== DEFAULT_ADAPTOR ? `${scope.adaptor}/${name}` : name;
        return [{ name: login, password, isHashed, isLocal, access: accessConfig(user), scope }];
      }
      const text = `${join('conf', file)}: the user ${JSON.stringify(name)} has no ${name === '' ? 'name' : 'password'} and cannot log in`;
      this.#notes.push({ level: 'warn', text });
      return [];
    });
  }

  /** Those of the virtual host alone, in Users.xml beside its Vhost.xml. */
  #hostUsers(folder: string, scope: { adaptor: string; vhost: string }): UserConfig[] {
    const { UserList } = this.#read(folder, 'Users.xml', 'Root', USERS);
    return this.#users(UserList.User, join(scope.adaptor, scope.vhost, 'Users.xml'), scope);
  }

  /** Who logs in must be one. */
  #withoutTwins(users: readonly UserConfig[]): UserConfig[] {
    return users.filter((user, i) => {
      const isFirst = users.findIndex(({ name }) => name === user.name) === i;
      if (!isFirst && !user.isLocal) {
        const text =
          `there is more than one administrator ${user.name}: the first account applies, accounts of the whole ` +
          'server before others';
        this.#notes.push({ level: 'warn', text });
      }
      return isFirst;
    });
  }

  #adaptor(name: string, serverIdleMs: number | undefined): AdaptorConfig {
    const folder = join(this.#conf, name);
    const values = this.#read(folder, 'Adaptor.xml', 'Adaptor', ADAPTOR);
    const vhosts = this.#folders(folder, DEFAULT_VHOST, 'Vhost.xml');
    return {
      name,
      listen: values.HostPortList.HostPort.flatMap((port) => port['#text']),
      access: accessConfig(values),
      proxies: values.ProxyProtocol.From,
      answersRoot: values.HTTPNull['@enable'],
      ident2: { isEnabled: values.HTTPIdent2['@enable'], address: values.HTTPIdent2['#text'] },
      http: {
        waitMs: values.HTTP.WaitTimeout,
        maxHeaderBytes: values.HTTP.MaxHeaderSize,
        redirect: passingOn(values.HTTPTunnel.Redirect),
        proxy: proxyConfig(values.HTTPTunnel.HttpProxy),
      },
      tunnel: tunnelConfig(values.HTTPTunnel),
      rtmpe: values.RTMP.RTMPE['@enabled'],
      altVhost: values.EnableAltVhost,
      tls: tlsConfig(values, folder),
      vhosts: vhosts.map((vhost) => this.#vhost(join(folder, vhost), vhost, serverIdleMs)),
    };
  }

  #vhost(folder: string, name: string, serverIdleMs: number | undefined): VhostConfig {
    const {
      AliasList,
      Allow,
      AppsDir,
      AutoCloseIdleClients: idle,
      ResourceLimits,
      SSL,
      VirtualDirectory,
    } = this.#read(folder, 'Vhost.xml', 'VirtualHost', VHOST);
    const isIdlenessLimited = idle['@enable'] && serverIdleMs !== undefined;
    const appsDir = AppsDir === '' ? join(folder, 'applications') : resolve(this.#root, AppsDir);
    const path = join(folder, APPLICATION_FILE);
    const defaults: ApplicationDefaults = {
      root: this.#root,
      appsDir,
      symbols: this.#symbols,
      path,
      file: this.#xml(path),
      clientIdleMs: isIdlenessLimited ? (idle.MaxIdleTime ?? serverIdleMs) : undefined,
      virtual: virtualFolders(VirtualDirectory, this.#root),
    };
    const application = defaultApplicationConfig(defaults, this.#mistakes);
    this.#notes.push(...application.notes);
    const aliases = AliasList.Alias.map((alias) => alias['@name']).filter((alias) => alias !== '');
    const certificate = certificateConfig(SSL, folder);
    const { MaxConnections: maxConnections } = ResourceLimits;
    const instances = {
      total: ResourceLimits.MaxAppInstances,
      perApplication: ResourceLimits.MaxAppInstancesPerApplication,
      perAddress: ResourceLimits.MaxAppInstancesPerAddress,
      ratePerAddress: ResourceLimits.MaxAppInstanceRatePerAddress,
    };
    const allow = Allow || 'all';
    return {
      name,
      aliases,
      appsDir,
      maxConnections,
      instances,
      allow,
      certificate,
      application,
      defaults,
    };
  }

  #read<M extends Members>(folder: string, file: string, rootName: string, schema: Group<M>): Read<Group<M>> {
    const path = join(folder, file);
    const element = this.#xml(path);
    const layers = element ? [{ element, symbols: this.#symbols }] : [];
    const values = new Reader(this.#symbols, this.#notes, this.#mistakes).read(rootName, schema, layers);
    if (file !== LOCAL_USERS_FILE) this.#files[relative(this.#root, path)] = { schema, values };
    return values;
  }

  #xml(path: string): XmlElement | undefined {
    return this.#mistakes.attempt(
      () => readXmlIfThere(path, relative(this.#root, path)),
      () => undefined,
    );
  }

  /** Absolute; undefined: none is named. */
  #pathOf(path: string): string | undefined {
    return path === '' ? undefined : resolve(this.#root, path);
  }

  /** The folders that hold `file`, and the default one in any case. */
  #folders(parent: string, byDefault: string, file: string): string[] {
    const names = isFolder(parent) ? readdirSync(parent).sort() : [];
    const others = names.filter((name) => name !== byDefault && isFile(join(parent, name, file)));
    return [byDefault, ...others];
  }
}

function connectionLimits({ ResourceLimits, Security }: ServerValues['Server']): ConnectionLimits {
  const { Connection, Input } = ResourceLimits;
  return {
    connectTimeoutMs: Connection.ConnectTimeout,
    messageBytes: Connection.MaxMessageSize,
    partialMessages: Connection.MaxPartialMessages,
    partialBytes: Connection.MaxPartialSize,
    amfDepth: Connection.MaxDataDepth,
    amfValues: Connection.MaxDataValues,
    amfBytes: Connection.MaxDataSize,
    amfExpansion: Connection.MaxDataExpansion,
    netStreams: Connection.MaxStreams,
    connectText: Security.MaxUrlLength,
    openCalls: Connection.MaxCalls,
    openCallBytes: Connection.MaxCallSize,
    commandRate: Connection.MaxCommandRate,
    commandWaitMs: Connection.MaxCommandWait,
    unreadBytes: Connection.MaxUnreadSize,
    closeMs: Connection.CloseTimeout,
    gateMediaBytes: Connection.MaxGateSize,
    earlyBytes: Input.MaxInputBeforeConnect,
  };
}

function inputConfig({ ResourceLimits: { Input } }: ServerValues['Server']): InputConfig {
  return {
    maxBytes: Input.MaxInputSize,
    maxBytesPerAddress: Input.MaxInputSizePerAddress,
    shared: Input.SharedAddresses,
    finishMs: Input.FinishTimeout,
  };
}

function accessConfig(values: {
  readonly Allow: string;
  readonly Deny: string;
  readonly Order: AccessConfig['order'];
}): AccessConfig {
  return { allow: values.Allow || 'all', deny: values.Deny, order: values.Order };
}

function connectLimits({ ResourceLimits }: ServerValues['Server']): ConnectLimits {
  const { Edge } = ResourceLimits.Protocol.RTMP;
  return {
    maxConnections: Edge.MaxConnections,
    maxConnectionsPerAddress: Edge.MaxConnectionsPerAddress,
    maxRate: Edge.MaxConnectionRate,
    maxRatePerAddress: Edge.MaxConnectionRatePerAddress,
  };
}

function tunnelConfig(values: AdaptorValues['HTTPTunnel']): TunnelConfig {
  return {
    admits: values.Enable,
    nodeId: values.NodeID,
    setsCookie: values.SetCookie,
    answerBytes: values.WriteBufferSize,
    maxRequestBytes: values.MaxRequestSize,
    requestMs: values.RequestTimeout,
    maxAhead: values.MaxPipelinedRequests,
    aheadMs: values.PipelineTimeout,
    maxHeaderLine: values.MaxHeaderLineLength,
    holdMs: values.IdleAckInterval,
    pollMs: values.IdlePostInterval,
    idleTimeoutMs: values.IdleTimeout,
    mimeType: values.MimeType,
    maxTunnels: values.MaxTunnels,
    maxTunnelsPerAddress: values.MaxTunnelsPerAddress,
  };
}

function proxyConfig(values: AdaptorValues['HTTPTunnel']['HttpProxy']): ProxyConfig | undefined {
  const config = passingOn(values);
  const { MaxRequests, MaxRequestsPerAddress, MaxUpgrades, MaxUpgradesPerAddress, MinRate } = values;
  const limits = {
    maxRequests: MaxRequests,
    maxRequestsPerAddress: MaxRequestsPerAddress,
    maxUpgrades: MaxUpgrades,
    maxUpgradesPerAddress: MaxUpgradesPerAddress,
    minBytesPerS: MinRate,
  };
  return config && { ...config, limits };
}

function passingOn(values: AdaptorValues['HTTPTunnel']['Redirect']): PassingOnConfig | undefined {
  if (!values['@enable']) return undefined;
  const targets = values.Host.flatMap(({ '@port': port, '#text': to }) => (to ? [{ port, to }] : []));
  return { targets, quietMs: values.Timeout };
}

function tlsConfig({ SSL }: AdaptorValues, folder: string): TlsConfig {
  const { SSLCipherSuite, SSLSessionTimeout } = SSL.SSLServerCtx;
  return {
    certificate: certificateConfig(SSL.SSLServerCtx, folder),
    ciphers: SSLCipherSuite === FMS_CIPHERS ? undefined : SSLCipherSuite || undefined,
    sessionTimeoutMs: SSLSessionTimeout,
  };
}

function certificateConfig(values: VhostValues['SSL'], folder: string): CertificateConfig | undefined {
  const { SSLCertificateFile, SSLCertificateKeyFile, SSLPassPhrase } = values;
  if (SSLCertificateFile === '') return undefined;
  const keyFile = SSLCertificateKeyFile['#text'];
  return {
    certificateFile: resolve(folder, SSLCertificateFile),
    keyFile: keyFile === '' ? undefined : resolve(folder, keyFile),
    passPhrase: SSLPassPhrase || undefined,
  };
}

/** A name like those of our own symbols that is none of them: no file of ours picks it up. */
function misspelt(set: Readonly<Record<string, string>>): Note[] {
  return Object.entries(set)
    .filter(([name]) => name.includes('.') && !Object.hasOwn(SYMBOLS, name))
    .map(([name, value]) => {
      const text =
        `--set ${name}=${value}: there is no setting ${name}; it has no effect unless a configuration file refers ` +
        'to it';
      return { level: 'warn', text };
    });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
