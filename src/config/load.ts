// conf/ and --set → one frozen Config. What is not there has its default.
import { readdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import {
  APPLICATION_FILE,
  type ApplicationConfig,
  type ApplicationDefaults,
  defaultApplicationConfig,
  type SwfFolders,
  swfFolders,
} from './application.ts';
import type { Group, Members, Read } from './element.ts';
import { readXmlIfThere } from './file.ts';
import { freeze } from './freeze.ts';
import type { ListenAddress } from './hostport.ts';
import { type LogsConfig, logsConfig } from './logs.ts';
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

export const DEFAULT_ADAPTOR = '_defaultRoot_';
export const DEFAULT_VHOST = '_defaultVHost_';
/** Beside Users.xml, of the same form: the server's own, where Users.xml is the operator's. */
const LOCAL_USERS_FILE = 'Users.local.xml';

/** Time in ms, sizes in bytes, folders absolute. What each field means: schema/. */
export interface Config {
  readonly root: string;
  readonly confDir: string;
  /** Files outside of conf/ that define symbols, or may: those that its substitution.xml names. */
  readonly symbolFiles: readonly string[];
  /** Of the default virtual host. */
  readonly applicationsDir: string;
  readonly logs: LogsConfig;
  readonly server: {
    /** What scripts see as application.hostname. */
    readonly hostname: string;
    readonly ipv6: boolean;
    readonly admin: AdminConfig;
    readonly limits: ConnectionLimits;
    /** For each port by itself. */
    readonly connects: ConnectLimits;
    /** What slow players may keep in memory, bytes. */
    readonly maxHeldBytes: number;
    /** Undefined: everybody may. */
    readonly crossDomainFile: string | undefined;
    /** How long, and how much of, what is recorded may wait; whether MP4 files become plain ones. */
    readonly recording: { readonly maxMs: number; readonly maxBytes: number; readonly finishesMp4: boolean };
    readonly runners: RunnersConfig;
    /** Rights that new files do not have; undefined: as whoever starts the server has it. */
    readonly mask: number | undefined;
    /** Whom the server becomes when root has started it. */
    readonly process: { readonly uid: number | undefined; readonly gid: number | undefined };
    /** Of connections to other servers. `caFile`: undefined: the authorities that Node.js knows. */
    readonly clientTls: { readonly verifies: boolean; readonly caFile: string | undefined };
    /** What every application knows that asks players for their SWF. */
    readonly swfs: SwfFolders;
    /** For clients of no application yet. Undefined: for ever. */
    readonly clientIdleMs: number | undefined;
  };
  /** The default one first. */
  readonly adaptors: readonly AdaptorConfig[];
  /** Every symbol as its text, the operator's own included. */
  readonly symbols: Readonly<Record<string, string>>;
  /** What each file of the operator says, but for Application.xml; by its path from the root folder. */
  readonly files: Readonly<Record<string, ReadFile>>;
  /** What looks like a mistake and stops nothing, and what is not used. */
  readonly notes: readonly Note[];
}

/** Of a file that is not there, the defaults. */
export interface ReadFile {
  readonly schema: Group<Members>;
  readonly values: unknown;
}

export interface RunnersConfig {
  readonly maxBytes: number;
  /** For debuggers. */
  readonly debugPort: number;
  /** A program and its arguments that starts them; none: nothing does. */
  readonly launcher: readonly string[];
}

export interface AdminConfig {
  readonly listen: readonly ListenAddress[];
  readonly access: AccessConfig;
  /** Lists in answers are of <elem name="0">. */
  readonly elemStyle: boolean;
  readonly loginLimits: {
    readonly maxFailures: number;
    readonly recoveryMs: number;
    readonly lockoutFailures: number;
  };
  /** Methods of /admin/…; undefined: there are none. */
  readonly methods: AccessConfig | undefined;
  readonly users: readonly UserConfig[];
  /** Where the server keeps accounts of its own. */
  readonly localUsersFile: string;
}

/** An account of an administrator. */
export interface UserConfig {
  readonly name: string;
  /** As it is, or as admin/password.ts hashes it. */
  readonly password: string;
  readonly isHashed: boolean;
  readonly access: AccessConfig;
  /** In Users.local.xml. */
  readonly isLocal: boolean;
  /** What he administers; undefined: the whole server. */
  readonly scope: { readonly adaptor: string; readonly vhost: string } | undefined;
}

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly messageBytes: number;
  readonly partialMessages: number;
  readonly partialBytes: number;
  readonly amfDepth: number;
  readonly amfValues: number;
  readonly netStreams: number;
  readonly connectText: number;
  readonly openCalls: number;
  readonly openCallBytes: number;
  readonly unreadBytes: number;
  readonly closeMs: number;
  readonly gateMediaBytes: number;
}

/** Undefined: any. Rates are a second. */
export interface ConnectLimits {
  readonly maxConnections: number | undefined;
  readonly maxConnectionsPerAddress: number | undefined;
  readonly maxRate: number | undefined;
  readonly maxRatePerAddress: number | undefined;
}

/** Lists of addresses and names, as they stand in the file. */
export interface AccessConfig {
  readonly allow: string;
  readonly deny: string;
  readonly order: 'Allow,Deny' | 'Deny,Allow';
}

export interface AdaptorConfig {
  readonly name: string;
  readonly listen: readonly ListenAddress[];
  readonly access: AccessConfig;
  /** List of addresses that put a PROXY header before each connection. */
  readonly proxies: string;
  /** `address` empty: the one that the player has reached. */
  readonly ident2: { readonly isEnabled: boolean; readonly address: string };
  /** GET / is answered. */
  readonly answersRoot: boolean;
  readonly http: HttpConfig;
  readonly tunnel: TunnelConfig;
  /** Whether clients may encrypt with it. */
  readonly rtmpe: boolean;
  /** Whether they may name another virtual host than the one that they have reached. */
  readonly altVhost: boolean;
  readonly tls: TlsConfig;
  /** The default one first. */
  readonly vhosts: readonly VhostConfig[];
}

export interface HttpConfig {
  readonly waitMs: number;
  readonly maxHeaderBytes: number;
  /** Undefined: nothing is passed on in this way. */
  readonly redirect: PassingOnConfig | undefined;
  readonly proxy: PassingOnConfig | undefined;
}

export interface PassingOnConfig {
  /** `port` undefined: of every port. */
  readonly targets: readonly { readonly port: number | undefined; readonly to: WebServerConfig }[];
  readonly quietMs: number;
}

export interface WebServerConfig {
  readonly host: string;
  readonly port: number;
}

/** RTMP in HTTP. */
export interface TunnelConfig {
  readonly admits: 'true' | 'false' | 'http1.1only' | 'keepalive';
  readonly nodeId: string;
  readonly setsCookie: boolean;
  readonly answerBytes: number;
  readonly maxRequestBytes: number;
  readonly requestMs: number;
  readonly maxAhead: number;
  readonly aheadMs: number;
  readonly maxHeaderLine: number;
  readonly holdMs: number;
  readonly pollMs: number;
  /** Undefined: never. */
  readonly idleTimeoutMs: number | undefined;
  readonly mimeType: string;
  readonly maxTunnels: number;
  readonly maxTunnelsPerAddress: number;
}

export interface CertificateConfig {
  readonly certificateFile: string;
  /** Undefined: in the certificate's file. */
  readonly keyFile: string | undefined;
  readonly passPhrase: string | undefined;
}

export interface TlsConfig {
  /** Undefined: there is none but those of virtual hosts. */
  readonly certificate: CertificateConfig | undefined;
  /** Undefined: Node's own choice. */
  readonly ciphers: string | undefined;
  readonly sessionTimeoutMs: number;
}

export interface VhostConfig {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly appsDir: string;
  /** Undefined: any number. */
  readonly maxConnections: number | undefined;
  readonly maxInstances: number;
  /** As an Allow list has it. */
  readonly allow: string;
  /** Undefined: that of the adaptor. */
  readonly certificate: CertificateConfig | undefined;
  /** The settings of an application that has no file of its own. */
  readonly application: ApplicationConfig;
  /** What `readApplicationConfig` begins with. */
  readonly defaults: ApplicationDefaults;
}

export interface ConfigSources {
  root: string;
  /** `--set NAME=VALUE`: beats the files. */
  set: Readonly<Record<string, string>>;
  /** For ${%NAME%}; by default that of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** What FMS shipped; it names ciphers that nobody should use any more, and it was not the operator's choice. */
const FMS_CIPHERS = 'ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH';

export function loadConfig({ root, set, environment = process.env }: ConfigSources): Config {
  const absoluteRoot = resolve(root);
  if (!isFolder(absoluteRoot)) {
    throw new ConfigError('ERR_CONFIG_READ', `the root folder ${absoluteRoot} does not exist`);
  }
  const notes: Note[] = [];
  const symbols = loadSymbols({ root: absoluteRoot, set, environment }, notes);
  notes.push(...misspelt(set));
  return freeze(new Loader(absoluteRoot, symbols, notes).load());
}

class Loader {
  readonly #root: string;
  readonly #conf: string;
  readonly #symbols: Symbols;
  readonly #notes: Note[];
  readonly #files: Record<string, ReadFile> = Object.create(null);

  constructor(root: string, symbols: Symbols, notes: Note[]) {
    this.#root = root;
    this.#conf = join(root, 'conf');
    this.#symbols = symbols;
    this.#notes = notes;
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
        connects: connectLimits(Server),
        maxHeldBytes: Server.ResourceLimits.Streams.MaxHeldSize,
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
          debugPort: Server.ResourceLimits.Scripts.DebugPort,
          launcher: Server.ResourceLimits.Scripts.Launcher,
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
        const text = `there is more than one administrator ${user.name}: the first counts, those of the whole server before others`;
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
        proxy: passingOn(values.HTTPTunnel.HttpProxy),
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
      file: readXmlIfThere(path, relative(this.#root, path)),
      clientIdleMs: isIdlenessLimited ? (idle.MaxIdleTime ?? serverIdleMs) : undefined,
      virtual: virtualFolders(VirtualDirectory, this.#root),
    };
    const application = defaultApplicationConfig(defaults);
    this.#notes.push(...application.notes);
    const aliases = AliasList.Alias.map((alias) => alias['@name']).filter((alias) => alias !== '');
    const certificate = certificateConfig(SSL, folder);
    const { MaxConnections: maxConnections, MaxAppInstances: maxInstances } = ResourceLimits;
    const allow = Allow || 'all';
    return {
      name,
      aliases,
      appsDir,
      maxConnections,
      maxInstances,
      allow,
      certificate,
      application,
      defaults,
    };
  }

  #read<M extends Members>(folder: string, file: string, rootName: string, schema: Group<M>): Read<Group<M>> {
    const path = join(folder, file);
    const element = readXmlIfThere(path, relative(this.#root, path));
    const layers = element ? [{ element, symbols: this.#symbols }] : [];
    const values = new Reader(this.#symbols, this.#notes).read(rootName, schema, layers);
    if (file !== LOCAL_USERS_FILE) this.#files[relative(this.#root, path)] = { schema, values };
    return values;
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
  const { Connection } = ResourceLimits;
  return {
    connectTimeoutMs: Connection.ConnectTimeout,
    messageBytes: Connection.MaxMessageSize,
    partialMessages: Connection.MaxPartialMessages,
    partialBytes: Connection.MaxPartialSize,
    amfDepth: Connection.MaxDataDepth,
    amfValues: Connection.MaxDataValues,
    netStreams: Connection.MaxStreams,
    connectText: Security.MaxUrlLength,
    openCalls: Connection.MaxCalls,
    openCallBytes: Connection.MaxCallSize,
    unreadBytes: Connection.MaxUnreadSize,
    closeMs: Connection.CloseTimeout,
    gateMediaBytes: Connection.MaxGateSize,
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

function passingOn(values: AdaptorValues['HTTPTunnel']['HttpProxy']): PassingOnConfig | undefined {
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
      const text = `--set ${name}=${value}: there is no setting ${name}; it changes nothing unless a file refers to it`;
      return { level: 'warn', text };
    });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
