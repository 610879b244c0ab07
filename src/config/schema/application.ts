// Application.xml: of a virtual host (the defaults of its applications), and of one application in its folder.
import { free, group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import type { Named } from '../named.ts';
import {
  bytes,
  choice,
  commaNames,
  fractionsOfSeconds,
  kilobytes,
  milliseconds,
  names,
  orElse,
  seconds,
  text,
  trueOrFalse,
  whole,
} from '../value.ts';
import { grants } from './grants.ts';
import { swfScan } from './swf-scan.ts';
import { virtualDirectory } from './virtual-directory.ts';

export const DEFAULT_OUT_CHUNK_BYTES = 60_000;
export const DEFAULT_MEMORY_KB = 65536;
/** Less than this is no room for V8 and what every script is given. FMS's own default is 1024. */
export const MIN_MEMORY_KB = 8192;
const MIB_KB = 1024;

const bandwidth = (who: string) =>
  leaf(bytes(1000, 2147483647), '2500000', `Number of bytes after which ${who}.`);

const duration = orElse(seconds(0, 31536000), '-1', 'any', undefined);
const size = orElse(kilobytes(0, 2147483647), '-1', 'any', undefined);

const connections = orElse(whole(0, 1000000), '-1', 'any number', undefined);

const sampleAccess = (meaning: string) =>
  group(meaning, {
    '@enabled': leaf(
      trueOrFalse,
      'false',
      'Enable sampling. The script may decide otherwise for each client.',
    ),
    '#text': leaf(
      text('folders of streams, separated by semicolons, / for all, or nothing: none'),
      '',
      'Streams that may be sampled.',
    ),
  });

export const APPLICATION = group('', {
  MaxAppIdleTime: leaf(
    seconds(1, 31536000),
    '1200',
    'Time without clients after which an instance is unloaded.',
  ),
  AutoCloseIdleClients: group(
    'Disconnection of idle clients. A client is idle while it neither sends nor receives anything.',
    {
      '@enable': leaf(
        trueOrFalse,
        'true',
        'Disconnect idle clients. Takes effect only if the virtual host and Server.xml enable it too.',
      ),
      MaxIdleTime: leaf(
        orElse(seconds(1, 86400), '0', 'the value of the virtual host or of Server.xml', undefined),
        '0',
        'Idle time after which a client is disconnected.',
      ),
      ...unused('CheckInterval'),
    },
  ),
  JSEngine: group(
    'The script of an instance. The element may also be named ScriptEngine, as in Flash Media Server 4 and later.',
    {
      RuntimeSize: leaf(
        memory(),
        String(DEFAULT_MEMORY_KB),
        `Memory limit of the script of one instance. Values below ${MIN_MEMORY_KB} (the default in Flash Media ` +
          `Server was 1024) are replaced by ${DEFAULT_MEMORY_KB}.`,
      ),
      MaxTimeOut: leaf(
        orElse(fractionsOfSeconds(0.001, 60), '0', '0.25', 250),
        '0.25',
        'Longest time that a script may compute without a pause.',
      ),
      LoadTimeOut: leaf(
        fractionsOfSeconds(0.001, 60),
        '2',
        'Longest time that the top-level code of a script may compute while it is being loaded.',
      ),
      GateTimeOut: leaf(
        fractionsOfSeconds(0.1, 600),
        '10',
        'Timeout for the decision of onConnect, onPublish or onPlay, including the time in the queue. On a ' +
          'timeout the request is refused.',
      ),
      GateFailure: leaf(
        choice('closed', 'open'),
        'closed',
        'Decision for clients if the script has crashed and does not restart within GateTimeOut. closed: refuse ' +
          'all. open: accept all, as if there were no handler.',
      ),
      CallTimeOut: leaf(
        orElse(fractionsOfSeconds(0.1, 86400), '0', 'any time', undefined),
        '600',
        'Timeout for a method that a client calls, until its promise settles; then the client gets an error. ' +
          'Raise it if methods wait for jobs that take longer.',
      ),
      MaxTimers: leaf(
        whole(1, 100000),
        '1000',
        'Maximum number of timers of one instance. Setting one more throws an error.',
      ),
      MaxQueuedEvents: leaf(
        whole(100, 1000000),
        '10000',
        'Maximum number of calls, decisions and notifications in the queue for the script of one instance. Above ' +
          'half of it the server delays the next commands of clients. Above it, calls of clients fail.',
      ),
      MaxQueuedSize: leaf(
        kilobytes(64, 1_048_576),
        '4096',
        'Maximum size of this queue, measured as JSON, which is two to four times the size of the messages. A ' +
          'chat or a game has a few kB there, an upload in calls some hundred kB.',
      ),
      MaxLogRate: leaf(
        whole(1, 100000),
        '200',
        'Rate limit for log lines of one instance, per second. A burst of ten times as many is allowed. Lines ' +
          'above the limit are dropped and counted.',
      ),
      Reload: group('Effect of a changed script on running instances.', {
        Policy: leaf(
          choice('migrate', 'drain', 'restart', 'off'),
          'migrate',
          'migrate: the new version takes over at once and clients stay connected. drain: new clients get the new ' +
            'version, connected clients stay with the old one. restart: the instance restarts and its clients are ' +
            'disconnected. off: the script changes only when an administrator reloads the application.',
        ),
        DrainTime: leaf(
          seconds(1, 86400),
          '600',
          'With drain: time after which clients of the old version are disconnected.',
        ),
      }),
      ApplicationObject: group('Values from the operator for the script.', {
        config: free(
          'Elements with names of your choice: <key>value</key> is application.config.key in the script, a ' +
            'string.',
        ),
      }),
      Environment: free(
        'Elements with names of your choice, for secrets: <NAME>${NAME}</NAME>, with NAME set in fms.ini, is ' +
          'application.env.NAME in the script.',
      ),
      ...grants,
      ScriptLibPath: leaf(
        names('folders, separated by semicolons, relative to the root folder, or nothing', true),
        'scriptlib',
        'Folders in which load() of classic scripts (.asc, .js) searches for files that the folder of the ' +
          'application does not have: components.asc, netservices.asc and others from your copy of Flash Media ' +
          'Server. Folders that do not exist are ignored.',
      ),
      Security: group('', {
        RPC: group('Methods that clients may call.', {
          '@enable': leaf(
            trueOrFalse,
            'false',
            'true: clients may call only the methods named here. false: clients may call every method that the ' +
              'script offers.',
          ),
          Client: group('', {
            Method: list(
              group('', {
                Allow: list(
                  leaf(
                    text('a text, case-sensitive'),
                    'chat.',
                    'Prefix of the names of methods that clients may call.',
                  ),
                ),
              }),
            ),
          }),
          ...unused('NetConnection', 'SharedObject', 'Stream'),
        }),
        ...unused('MaxUrlLength'),
      }),
      ...unused('AdaptorId', 'FileObject', 'MaxGCSkipCount', 'MaxTime', 'XMLSocket'),
    },
    { alias: 'ScriptEngine' },
  ),
  Authentication: group(
    'Logins of encoders such as Flash Media Live Encoder, OBS and ffmpeg: rtmp://user:password@host/application. ' +
      'The password itself is not sent, but nothing else is protected: use RTMPS on networks that others can listen ' +
      'to.',
    {
      Mode: leaf(
        choice('off', 'publishers', 'everybody'),
        'off',
        'Clients that must log in. publishers: programs that match Agents; other clients may connect and play, ' +
          'but may not publish unless the script gives them a writeAccess. everybody: all clients, including ' +
          'players.',
      ),
      Scheme: leaf(
        choice('adobe', 'llnw'),
        'adobe',
        'Login method: authmod=adobe, which every encoder supports, or authmod=llnw of Limelight.',
      ),
      Agents: leaf(
        names('prefixes of names, separated by semicolons'),
        'FMLE/;FME/;Wirecast/',
        'With publishers: prefixes of the names by which publishing programs identify themselves.',
      ),
      Users: leaf(
        text('a path, relative to the root folder'),
        'conf/users',
        'File of users, with lines name:plain:PASSWORD, name:adobe:SALT:HASH or name:llnw:HASH, which "understudy ' +
          'user" writes. For a user who is not in the file the server calls application.onAuthenticate of the ' +
          'script.',
      ),
    },
  ),
  StreamManager: group('Streams.', {
    Live: group('Live streams.', {
      PublishTimeout: leaf(
        orElse(milliseconds(0, 60000), '-1', 'never', undefined),
        '2000',
        'When a client publishes a name that another client already publishes, the server checks whether the ' +
          'other one is alive: any byte counts. If it sends nothing within this time, the new publisher takes over.',
      ),
      TakeOverInterval: leaf(
        milliseconds(1000, 3_600_000),
        '10000',
        'Time for which a publisher that took over a live stream (onPublish returned { takeOver: true }) is ' +
          'protected from the next take-over. Each further take-over of the name in a row doubles it, up to an ' +
          'hour.',
      ),
      Flush: group('Times at which media is sent to players. Each flush costs one write for every player.', {
        Mode: leaf(
          choice('frame', 'merge', 'instant'),
          'frame',
          'frame: at each video frame. merge: media of MergeDelay together, for many players. instant: at once, ' +
            'for few players.',
        ),
        AudioDelay: leaf(
          milliseconds(0, 1000),
          '40',
          'With frame: longest time that audio waits to be sent together with the next video frame.',
        ),
        MergeDelay: leaf(milliseconds(1, 5000), '100', 'With merge: time over which media is gathered.'),
      }),
      AccumulatedIFrames: group(
        'Buffer of the video frames since the last keyframe (GOP cache). New players get their first picture from ' +
          'it at once.',
        {
          MaxTime: leaf(
            orElse(seconds(0, 600), '-1', '20', 20_000),
            '-1',
            'Maximum duration of the buffer of one stream.',
          ),
          MaxSize: leaf(
            orElse(kilobytes(0, 1024 * MIB_KB), '-1', '16384', 16384 * 1024),
            '-1',
            'Maximum size of the buffer of one stream. 0: no buffer.',
          ),
        },
      ),
      KeyframeWait: leaf(
        milliseconds(0, 3_600_000),
        '10000',
        'Longest time that a player waits for a keyframe if it has none to begin with: it joined while the group ' +
          'of pictures is longer than AccumulatedIFrames keeps, it was too slow, or it ends a pause. It gets audio ' +
          'at once, and video from the next keyframe on, or after this time without one. 0: at once. Encoders with ' +
          'intra refresh send no keyframes.',
      ),
      MaxPlayers: leaf(
        orElse(whole(0, 1_000_000), '-1', 'any number', undefined),
        '-1',
        'Maximum number of clients that play one live stream, or wait for it, in one instance. The next one gets ' +
          'NetStream.Play.Failed. Streams to other servers and recordings do not count. A lower number counts for ' +
          'new players.',
      ),
      MaxWaitingStreams: leaf(
        whole(1, 1000000),
        '1000',
        'Maximum number of unpublished stream names that players wait for, in one instance.',
      ),
      EraseOnPublish: leaf(
        trueOrFalse,
        'false',
        'Delete the recording of the same name when a client publishes live. The default in Flash Media Server ' +
          'was true.',
      ),
      ...unused('AssumeAbsoluteTime', 'MaxLatency', 'Queue', 'StartClockOnPublish'),
    }),
    EnhancedSeek: group('Seeking in recorded streams.', {
      '#text': leaf(
        trueOrFalse,
        'true',
        'After a seek, mark the video frames between the keyframe and the requested time as not to be displayed.',
      ),
      ...unused('@zone'),
    }),
    SendDuplicateStart: leaf(
      trueOrFalse,
      'true',
      'Send NetStream.Play.Start to players also after a seek and at the end of a pause.',
    ),
    SendDuplicateOnMetaData: leaf(
      choice('true', 'false', 'once'),
      'true',
      'Send onMetaData to players again after a seek and at the end of a pause. once means false.',
    ),
    MaxSwitchTime: leaf(
      milliseconds(100, 60000),
      '10000',
      'Longest time that play2 waits for a keyframe of the stream that it switches to; then it switches without ' +
        'one.',
    ),
    Recording: group('Limits for recordings.', {
      MaxDuration: leaf(duration, '-1', 'Maximum duration of a recording if the script sets no limit.'),
      MaxDurationCap: leaf(
        duration,
        '-1',
        'Highest duration limit that a script may set. 0: nothing is recorded.',
      ),
      MaxSize: leaf(size, '-1', 'Maximum size of a recording if the script sets no limit.'),
      MaxSizeCap: leaf(size, '-1', 'Highest size limit that a script may set. 0: nothing is recorded.'),
    }),
    StorageDir: leaf(
      text('a folder, relative to the root folder, or nothing: streams in the folder of the application'),
      '',
      'Folder of recorded streams, with one subfolder for each instance. A slash in the name of an instance is ' +
        'written %2F in the name of its subfolder.',
    ),
    VirtualDirectory: virtualDirectory,
    QualifiedStreamsMapping: group('', { '@enable': unsupported('false') }),
    DuplicateDir: group('', { '@appName': unsupported('true'), '#text': unsupported('') }),
    ...unused('Audio', 'CachePrefix', 'CacheUpdateInterval', 'FilterNonKeyFrames'),
    ...unused('KeyFrameInterval', 'MaxBufferRetries', 'MaxStreamsBeforeGC'),
    ...unused('StreamMetaGCInterval', 'ThrottleBoundaryRequest'),
    ...unused('ThrottleDisplayInterval', 'ThrottleLoads'),
  }),
  Client: group('Settings for every client.', {
    OutChunkSize: leaf(
      bytes(128, 65536),
      String(DEFAULT_OUT_CHUNK_BYTES),
      'RTMP chunk size of outgoing messages. Smaller chunks cost CPU time for every video frame. The default in ' +
        'Flash Media Server was 4096.',
    ),
    Bandwidth: group('Interval of acknowledgements in each direction. It does not limit the bandwidth.', {
      ServerToClient: bandwidth('the client acknowledges what the server sends'),
      ClientToServer: bandwidth('the server acknowledges what the client sends'),
    }),
    Backlog: group('Limits for players that are slower than the stream.', {
      SoftSize: leaf(
        kilobytes(16, 1024 * MIB_KB),
        '512',
        'Size of unsent data of one slow player above which video up to the next keyframe is dropped.',
      ),
      SoftTime: leaf(
        milliseconds(100, 60000),
        '2000',
        'The same limit as a duration at the bitrate of the stream. The larger of the two applies.',
      ),
      HardSize: leaf(
        kilobytes(64, 4096 * MIB_KB),
        '4096',
        'Size of unsent data above which a player is disconnected.',
      ),
      StallTime: leaf(
        milliseconds(100, 600000),
        '5000',
        'Time after which a player that reads nothing is disconnected, if its unsent data exceeds the soft limit.',
      ),
    }),
    MsgQueue: group('Data sent ahead of its time.', {
      Recorded: group('For recorded streams.', {
        MinBufferTime: leaf(
          milliseconds(0, 3600000),
          '2000',
          'Minimum buffer time that the server assumes for a player, even if the player reports less.',
        ),
      }),
      ...unused('Diagnostic', 'Live', 'Server'),
    }),
    Access: group('', {
      AudioSampleAccess: sampleAccess('Streams whose audio Flash Player may sample.'),
      VideoSampleAccess: sampleAccess('Streams whose video Flash Player may sample.'),
      FolderAccess: unsupported('false'),
    }),
    ...unused('AggregateMessages', 'BandwidthCap', 'BandwidthDetection', 'HTTPTunnel'),
    ...unused('MaxMessageSizeLosslessVideo', 'UserAgent', 'WindowsPerAck'),
  }),
  LoadOnStartup: leaf(
    trueOrFalse,
    'false',
    'Start the default instance together with the server, before a client connects.',
  ),
  SharedObjManager: group('', {
    StorageDir: unsupported(''),
    ...unused('AutoCommit', 'ClientAccess', 'DuplicateDir', 'LockTimeOut', 'MaxProperties'),
    ...unused('MaxPropertySize', 'ResyncDepth'),
  }),
  AllowHTTPTunnel: leaf(
    choice('true', 'false', 'http1.1only', 'keepalive'),
    'true',
    'Accepted tunnels: all, none, those by HTTP/1.1 only, or those of persistent connections only. Takes effect ' +
      'only if Adaptor.xml accepts them too.',
  ),
  DisallowedProtocols: leaf(
    commaNames('names of protocols, separated by commas, such as rtmp,rtmpt, or nothing'),
    '',
    'Protocols that this application refuses: rtmp, rtmps, rtmpt, rtmpe, rtmpte. A tunnel with TLS counts as ' +
      'rtmps.',
  ),
  SWFVerification: group(
    'SWF verification: players must prove that they run a SWF that the server has a copy of. It keeps out other ' +
      'SWFs, but not programs that have a copy themselves. Requests of a client wait until it has been verified.',
    {
      '@enabled': leaf(trueOrFalse, 'false', 'Enable SWF verification.'),
      SWFFolder: leaf(
        names(
          'paths, separated by semicolons, relative to the root folder, or nothing: SWFs, in the folder of the ' +
            'application',
          true,
        ),
        '',
        'Folders with copies of the SWF files. The folders in Server.xml are used as well.',
      ),
      ...swfScan('The folders'),
      MinGoodVersion: leaf(
        whole(0, 255),
        '0',
        'Lowest accepted version of the verification protocol. The only version is 1.',
      ),
      FirstHashTimeout: leaf(
        seconds(1, 3600),
        '5',
        'Timeout for the first response. After a wrong response the client is challenged again after the same ' +
          'interval, since it may still be loading its SWF.',
      ),
      FinalHashTimeout: leaf(seconds(1, 3600), '60', 'Timeout for the correct response.'),
      UserAgentExceptions: group(
        'Programs that are exempt from verification, for example encoders, since they run no SWF.',
        {
          Exception: list(
            group('', {
              '@from': leaf(text('a name and a version'), '', 'Lowest exempt version: FMLE/0.0.'),
              '@to': leaf(text('a name and a version'), '', 'Highest exempt version: FMLE/9.9.'),
            }),
          ),
        },
      ),
      ...unused('ConnectionBlocking'),
    },
  ),
  Process: group(
    'The process in which the script runs. If a script crashes its process, all other scripts in that process ' +
      'restart with it.',
    {
      Scope: leaf(
        choice('shared', 'application', 'adaptor', 'vhost', 'app', 'inst'),
        'shared',
        'shared: one process for all applications. application: a separate process for all instances of this ' +
          'application, some 50 MB. The names from Flash Media Server are accepted: adaptor and vhost mean shared, ' +
          'app and inst mean application.',
      ),
      ...unused('Distribute', 'LifeTime', 'MaxFailures', 'RecoveryTime'),
    },
  ),
  Debug: group('Debuggers, such as Chrome and VS Code.', {
    AllowDebugDefault: leaf(
      trueOrFalse,
      'false',
      'Let debuggers attach to the script. Every user on this machine can then control the script completely.',
    ),
    ...unused('MaxPendingDebugConnections'),
  }),
  ResourceLimits: group(
    'Client limits, for all instances of the application together. A client above a limit is refused; connected ' +
      'clients stay.',
    {
      MaxConnections: leaf(connections, '-1', 'Maximum number of clients.'),
      MaxConnectionsPerAddress: leaf(
        connections,
        '-1',
        'Maximum number of clients from one IPv4 address or one IPv6 /64 network. Many people can share the ' +
          'address of a router.',
      ),
      MaxConnectionsPerUser: leaf(
        connections,
        '-1',
        'Maximum number of clients that are logged in under one name, if Authentication requires logins.',
      ),
    },
  ),
  ...unused('HTTP', 'Logging'),
});

export type ApplicationValues = Read<typeof APPLICATION>;
export type ApplicationRows = Named<typeof APPLICATION>;

function memory() {
  const value = kilobytes(1, 4096 * MIB_KB);
  const parse = (text: string) => {
    const memoryBytes = value.parse(text);
    return memoryBytes < MIN_MEMORY_KB * 1024 ? DEFAULT_MEMORY_KB * 1024 : memoryBytes;
  };
  return { ...value, parse };
}
