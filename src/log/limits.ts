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
  MaxQueuedEvents: { bounds: 'what waits for the script of an instance' },
  MaxQueuedSize: { bounds: 'the size of what waits for the script of an instance' },
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
  MaxDataDepth: { bounds: 'how deep the values of a message are nested', code: 'ERR_AMF_DEPTH' },
  MaxDataValues: { bounds: 'how many values a message has', code: 'ERR_AMF_VALUES' },
  MaxDataSize: {
    bounds: 'the bytes of a command or data message, references written out',
    code: 'ERR_AMF_BYTES',
  },
  MaxDataExpansion: {
    bounds: 'what the references of a message stand for, compared with its own bytes',
    code: 'ERR_AMF_EXPANSION',
  },
  OpenFiles: { bounds: 'how many files and sockets the process may have open (RLIMIT_NOFILE)' },
  MaxRecordingFiles: { bounds: 'files a second in which one recording goes on' },
  MaxProxyRequests: { bounds: 'requests under way to a web server of HttpProxy, in all and of one address' },
  MaxProxyUpgrades: {
    bounds: 'connections to a web server of HttpProxy that were upgraded, in all and of one address',
  },
  MaxHttpHeaderSize: {
    bounds: 'the head of an HTTP request: MaxHeaderSize of HTTP, MaxHeaderLineLength of HTTPTunnel',
  },
  HttpWaitTimeout: { bounds: 'how long the head of an HTTP request may take to arrive' },
  HttpSyntax: { bounds: 'what an HTTP request may look like: RFC 9112' },
  MinProxyRate: {
    bounds: 'how slow the body of a request or an answer of HttpProxy may be: MinRate of HttpProxy',
  },
  MaxUnansweredRequests: { bounds: 'HTTP requests of one connection that have no answer yet' },
  MaxWatchedFiles: { bounds: 'how many files of an application are watched for changes' },
  MaxFileEvents: { bounds: 'how many changes of files of an application are looked at in a second' },
  MaxAppInstances: { bounds: 'instances of all applications of a virtual host' },
  MaxAppInstancesPerApplication: { bounds: 'instances of one application' },
  MaxAppInstancesPerAddress: { bounds: 'instances that clients of one address have started' },
  MaxAppInstanceRatePerAddress: { bounds: 'instances a second that clients of one address start' },
  MaxApplicationShare: { bounds: 'memory of a script process that one application takes' },
  MaxAdminConnections: { bounds: 'connections of the administration' },
  MaxInspectorConnections: { bounds: 'connections of the port for debuggers' },
  MaxTlsRenegotiations: { bounds: 'handshakes of one TLS connection: none after the first' },
  MaxPrograms: { bounds: 'programs of <Exec> of one application' },
  MaxLogRate: { bounds: 'lines and errors of one instance that are logged' },
  MaxLogSize: { bounds: 'what all scripts of an application log' },
  MaxIndexSize: { bounds: 'memory for what is known of recorded streams that are open' },
  MaxFileSize: { bounds: 'the size of a file that a script is made of' },
  MaxBundleSize: { bounds: 'the size of a script, and of all its files together' },
  MaxBuildSize: { bounds: 'the memory that building a script takes' },
  MaxFetches: { bounds: 'requests of fetch of all scripts, and of one application' },
  MaxFetchedSize: { bounds: 'memory for answers to fetch of scripts, in all and of one application' },
  MaxBuildTime: { bounds: 'the time that building a script takes' },
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
