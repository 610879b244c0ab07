// The limits that a peer, an author of scripts or another server can reach. Each has a warning `"event":"limit"` and is counted in
// `understudy_limits_reached_total`: LineLimit.limit(). A row is added where a limit is added.

interface LimitRow {
  readonly bounds: string;
  /** Of the DecodeLimitError that says so, where a decoder finds out. */
  readonly code?: string;
}

/** The name is that of the setting; a limit that has no setting has a name of the same kind. */
export const LIMITS = {
  MaxCommandRate: { bounds: 'commands a second of one client' },
  MaxCalls: { bounds: 'calls of one client that its script has not answered' },
  MaxCallSize: { bounds: 'the size of calls of one client that its script has not answered' },
  MaxOpenCalls: { bounds: 'calls of all clients of an instance that its script has not answered' },
  MaxQueuedEvents: { bounds: 'events in the queue for the script of an instance' },
  MaxQueuedSize: { bounds: 'size of the events in the queue for the script of an instance' },
  MaxMessageSize: { bounds: 'the longest message', code: 'ERR_CHUNK_MESSAGE_BYTES' },
  MaxPartialMessages: {
    bounds: 'unfinished messages of one connection',
    code: 'ERR_CHUNK_HALF_RECEIVED',
  },
  MaxPartialSize: {
    bounds: 'memory for unfinished messages of one connection',
    code: 'ERR_CHUNK_HALF_RECEIVED_BYTES',
  },
  MaxInputSize: { bounds: 'unfinished input of all connections' },
  MaxInputSizePerAddress: { bounds: 'unfinished input of all connections from one address' },
  MaxInputBeforeConnect: {
    bounds: 'unfinished input of a connection before its connect command has succeeded',
    code: 'ERR_CHUNK_EARLY_BYTES',
  },
  MaxDataDepth: { bounds: 'nesting depth of the values of a message', code: 'ERR_AMF_DEPTH' },
  MaxDataValues: { bounds: 'number of values in a message', code: 'ERR_AMF_VALUES' },
  MaxDataSize: {
    bounds: 'size of a command or data message with its references expanded',
    code: 'ERR_AMF_BYTES',
  },
  MaxDataExpansion: {
    bounds: 'ratio of the expanded references of a message to its own size',
    code: 'ERR_AMF_EXPANSION',
  },
  OpenFiles: { bounds: 'number of open files and sockets of the process (RLIMIT_NOFILE)' },
  MaxRecordingFiles: { bounds: 'new files per second of one recording' },
  MaxProxyRequests: {
    bounds: 'concurrent requests to a web server of HttpProxy, in all and for one address',
  },
  MaxProxyUpgrades: {
    bounds: 'connections to a web server of HttpProxy that were upgraded, in all and of one address',
  },
  MaxHttpHeaderSize: {
    bounds: 'the head of an HTTP request: MaxHeaderSize of HTTP, MaxHeaderLineLength of HTTPTunnel',
  },
  HttpWaitTimeout: { bounds: 'time for the head of an HTTP request' },
  HttpSyntax: { bounds: 'syntax of HTTP requests: RFC 9112' },
  MinProxyRate: {
    bounds: 'minimum transfer rate of request and response bodies: MinRate of HttpProxy',
  },
  MaxUnansweredRequests: { bounds: 'unanswered HTTP requests of one connection' },
  MaxWatchedFiles: { bounds: 'number of watched files of an application' },
  MaxFileEvents: { bounds: 'file changes of an application per second' },
  MaxAppInstances: { bounds: 'instances of all applications of a virtual host' },
  MaxAppInstancesPerApplication: { bounds: 'instances of one application' },
  MaxAppInstancesPerAddress: { bounds: 'instances that clients of one address have started' },
  MaxAppInstanceRatePerAddress: { bounds: 'instances per second that clients of one address start' },
  MaxApplicationShare: { bounds: 'memory of a script process that one application takes' },
  MaxAdminConnections: { bounds: 'connections of the administration' },
  MaxInspectorConnections: { bounds: 'connections of the port for debuggers' },
  MaxTlsRenegotiations: { bounds: 'TLS renegotiation: none is allowed' },
  MaxPrograms: { bounds: 'programs of <Exec> of one application' },
  MaxLogRate: { bounds: 'logged lines and errors of one instance' },
  MaxLogSize: { bounds: 'log output of all scripts of an application' },
  MaxIndexSize: { bounds: 'memory for the indexes of open recordings' },
  MaxFileSize: { bounds: 'size of a source file of a script' },
  MaxBundleSize: { bounds: 'size of a script, and of all its source files together' },
  MaxBuildSize: { bounds: 'memory for building a script' },
  MaxFetches: { bounds: 'concurrent fetch requests of all scripts, and of one application' },
  MaxFetchedSize: { bounds: 'memory for responses to fetch, of all scripts and of one application' },
  MaxBuildTime: { bounds: 'time for building a script' },
} as const satisfies Record<string, LimitRow>;

export type LimitName = keyof typeof LIMITS;

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

const BY_CODE: ReadonlyMap<string, LimitName> = new Map(
  LIMIT_NAMES.flatMap((name) => {
    const { code }: LimitRow = LIMITS[name];
    return code === undefined ? [] : [[code, name]];
  }),
);

export function limitOfCode(code: string): LimitName | undefined {
  return BY_CODE.get(code);
}
