// What conf/ comes to: one frozen value, as load.ts reads it.
import type { ApplicationConfig, ApplicationDefaults, SwfFolders } from './application.ts';
import type { Group, Members } from './element.ts';
import type { ListenAddress } from './hostport.ts';
import type { LogsConfig } from './logs.ts';
import type { Note } from './note.ts';

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
    readonly input: InputConfig;
    /** For each port by itself. */
    readonly connects: ConnectLimits;
    /** What slow players may keep in memory, bytes. */
    readonly maxHeldBytes: number;
    /** Of recorded streams that are open: what is known of them, bytes. */
    readonly maxIndexBytes: number;
    /** Undefined: everybody may. */
    readonly crossDomainFile: string | undefined;
    /** How long, and how much of, what is recorded may wait; whether MP4 files become plain ones. */
    readonly recording: { readonly maxMs: number; readonly maxBytes: number; readonly finishesMp4: boolean };
    readonly runners: RunnersConfig;
    readonly builder: BuilderConfig;
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
  /** What one application may take of a process that several share, 0 to 1. */
  readonly applicationShare: number;
  /** For debuggers. */
  readonly debugPort: number;
  /** A program and its arguments that starts them; none: nothing does. */
  readonly launcher: readonly string[];
  /** Of each application. */
  readonly maxWatchedFiles: number;
  /** Requests of fetch() at a time. */
  readonly fetches: { readonly max: number; readonly maxOfOne: number };
  /** A second, of what all scripts of an application log. */
  readonly logBytes: number;
  /** Of each application, at a time. */
  readonly maxPrograms: number;
}

/** The processes that build scripts. */
export interface BuilderConfig {
  /** Of one file. */
  readonly maxFileBytes: number;
  /** Of what comes of them. */
  readonly maxBundleBytes: number;
  /** Of one process. */
  readonly maxRssBytes: number;
  /** For one build. */
  readonly maxMs: number;
}

export interface AdminConfig {
  readonly listen: readonly ListenAddress[];
  readonly access: AccessConfig;
  /** That browsers may use, in lower case. */
  readonly hostNames: readonly string[];
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
  readonly amfBytes: number;
  readonly amfExpansion: number;
  readonly netStreams: number;
  readonly connectText: number;
  readonly openCalls: number;
  readonly openCallBytes: number;
  /** Commands a second of one client, and how long it may be over that. Undefined: any. */
  readonly commandRate: number | undefined;
  readonly commandWaitMs: number;
  readonly unreadBytes: number;
  readonly closeMs: number;
  readonly gateMediaBytes: number;
  /** Until its connect command has succeeded. */
  readonly earlyBytes: number;
}

/** What connections may hold together of input that is not finished. */
export interface InputConfig {
  readonly maxBytes: number;
  readonly maxBytesPerAddress: number;
  /** List of addresses without a limit of their own. */
  readonly shared: string;
  readonly finishMs: number;
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
  readonly proxy: ProxyConfig | undefined;
}

export interface PassingOnConfig {
  /** `port` undefined: of every port. */
  readonly targets: readonly { readonly port: number | undefined; readonly to: WebServerConfig }[];
  readonly quietMs: number;
}

export interface ProxyConfig extends PassingOnConfig {
  /** Requests and upgrades under way to one web server, and the least rate of their bodies: bytes per second, 0 for none. */
  readonly limits: {
    readonly maxRequests: number;
    readonly maxRequestsPerAddress: number;
    readonly maxUpgrades: number;
    readonly maxUpgradesPerAddress: number;
    readonly minBytesPerS: number;
  };
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
  /** Undefined: any number. The rate is a second. */
  readonly instances: {
    readonly total: number;
    readonly perApplication: number | undefined;
    readonly perAddress: number | undefined;
    readonly ratePerAddress: number | undefined;
  };
  /** As an Allow list has it. */
  readonly allow: string;
  /** Undefined: that of the adaptor. */
  readonly certificate: CertificateConfig | undefined;
  /** The settings of an application that has no file of its own. */
  readonly application: ApplicationConfig;
  /** What `readApplicationConfig` begins with. */
  readonly defaults: ApplicationDefaults;
}
