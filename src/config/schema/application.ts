// Application.xml: of a virtual host (the defaults of its applications), and of one application in its folder.
import { free, group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import { execArgument } from '../exec-argument.ts';
import {
  bytes,
  choice,
  commaNames,
  fileName,
  fractionsOfSeconds,
  hostPatterns,
  kilobytes,
  milliseconds,
  names,
  orElse,
  seconds,
  subnets,
  text,
  trueOrFalse,
  whole,
} from '../value.ts';
import { swfScan } from './swf-scan.ts';
import { virtualDirectory } from './virtual-directory.ts';

export const DEFAULT_CHUNK_BYTES = 60_000;
export const DEFAULT_MEMORY_KB = 65536;
/** Less than this is no room for V8 and what every script is given. FMS's own default is 1024. */
export const MIN_MEMORY_KB = 8192;
const MIB_KB = 1024;

const bandwidth = (who: string) => leaf(bytes(1000, 2147483647), '2500000', `After so many bytes ${who}.`);

const duration = orElse(seconds(0, 31536000), '-1', 'any', undefined);
const size = orElse(kilobytes(0, 2147483647), '-1', 'any', undefined);

const connections = orElse(whole(0, 1000000), '-1', 'any number', undefined);

const sampleAccess = (meaning: string) =>
  group(meaning, {
    '@enabled': leaf(
      trueOrFalse,
      'false',
      'Whether there are any. The script may say otherwise of each client.',
    ),
    '#text': leaf(
      text('folders of streams between semicolons, / for all, or nothing: none'),
      '',
      'Which ones.',
    ),
  });

export const APPLICATION = group('', {
  MaxAppIdleTime: leaf(seconds(1, 31536000), '1200', 'An instance without clients for so long is unloaded.'),
  AutoCloseIdleClients: group('Clients that send and take nothing at all.', {
    '@enable': leaf(
      trueOrFalse,
      'true',
      'Whether they are closed. Only where the virtual host and Server.xml close them too.',
    ),
    MaxIdleTime: leaf(
      orElse(seconds(1, 86400), '0', 'what the virtual host or Server.xml says', undefined),
      '0',
      'For how long they may be idle.',
    ),
    ...unused('CheckInterval'),
  }),
  JSEngine: group(
    'The script of an instance. The element may also be called ScriptEngine, as from Flash Media Server 4 on.',
    {
      RuntimeSize: leaf(
        memory(),
        String(DEFAULT_MEMORY_KB),
        `Memory of the script of one instance. Less than ${MIN_MEMORY_KB} (Flash Media Server had 1024) is taken for ` +
          `${DEFAULT_MEMORY_KB}.`,
      ),
      MaxTimeOut: leaf(
        orElse(fractionsOfSeconds(0.001, 60), '0', '0.25', 250),
        '0.25',
        'How long a script may compute without a pause.',
      ),
      LoadTimeOut: leaf(
        fractionsOfSeconds(0.001, 60),
        '2',
        'The same for its top-level code, while it is being loaded.',
      ),
      GateTimeOut: leaf(
        fractionsOfSeconds(0.1, 600),
        '10',
        'How long an onConnect, onPublish or onPlay may take to decide, waiting included; then the answer is no.',
      ),
      GateFailure: leaf(
        choice('closed', 'open'),
        'closed',
        'What is answered to clients at a gate when the script that is to decide has crashed and does not come back within ' +
          'GateTimeOut. closed: no. open: yes, to everybody, as if there were no handler.',
      ),
      CallTimeOut: leaf(
        orElse(fractionsOfSeconds(0.1, 86400), '0', 'any time', undefined),
        '600',
        'How long a method that a client calls may take until its promise has settled; then the client gets an error. Raise it where ' +
          'methods wait for jobs that take longer.',
      ),
      MaxTimers: leaf(whole(1, 100000), '1000', 'Timers of one instance; setting one more throws.'),
      MaxQueuedEvents: leaf(
        whole(100, 1000000),
        '10000',
        'How many calls, gates and notices may wait for the script of an instance that is busy. From half of it on the server reads ' +
          'the next commands of clients later; beyond it, calls of clients fail.',
      ),
      MaxQueuedSize: leaf(
        kilobytes(64, 1_048_576),
        '4096',
        'The same for their size as JSON: twice to four times the size of the messages. A chat or a game has a few kB there, an ' +
          'upload in calls some hundred.',
      ),
      MaxLogRate: leaf(
        whole(1, 100000),
        '200',
        'Lines that an instance may log a second, ten times as many in a burst; the rest is dropped and counted.',
      ),
      Reload: group('What a change of the script does to instances that run.', {
        Policy: leaf(
          choice('migrate', 'drain', 'restart', 'off'),
          'migrate',
          'migrate: the new version takes over at once, clients stay. drain: who comes from then on gets it, who is here stays ' +
            'with the one before. restart: it starts anew, clients are disconnected. off: only when an administrator reloads it.',
        ),
        DrainTime: leaf(
          seconds(1, 86400),
          '600',
          'With drain: for how long clients stay with the version before; then they are disconnected.',
        ),
      }),
      ApplicationObject: group('What the operator tells the script.', {
        config: free(
          'Elements of your own: <key>value</key> here is application.config.key there, a string.',
        ),
      }),
      Environment: free(
        'Elements of your own, for secrets: <NAME>${NAME}</NAME> here, with NAME set in fms.ini, is application.env.NAME there.',
      ),
      Fetch: group('What fetch() of the script may reach: nothing, until Hosts names it.', {
        Hosts: leaf(
          hostPatterns,
          '',
          'Hosts, with commas between them: api.example.com, *.example.com (any under it), * (any). Ports 80 and 443, unless one ' +
            'is named (:8080) or all are (:*).',
        ),
        PrivateAddresses: leaf(
          subnets,
          '',
          'Hosts whose names lead to private networks or to this machine are refused, but for these addresses: 10.1.0.0/16, ' +
            '127.0.0.1. What Hosts names as an address is not refused.',
        ),
        TimeOut: leaf(
          fractionsOfSeconds(0.1, 300),
          '10',
          'For a request from its beginning to the end of its answer.',
        ),
        MaxSize: leaf(
          kilobytes(1, 8 * MIB_KB),
          '1024',
          'The longest answer, unpacked, and the longest request body.',
        ),
        MaxRunning: leaf(
          whole(1, 1000),
          '16',
          'Requests of one instance at a time; more wait for their turn.',
        ),
      }),
      NetConnection: group(
        'Where NetConnection of the script may connect, to pass streams on or to fetch them: nowhere, until Hosts names it.',
        {
          Hosts: leaf(
            hostPatterns,
            '',
            'Hosts, with commas between them: live.example.com, *.example.com (any under it), * (any). Ports 1935 for rtmp and 443 ' +
              'for rtmps, unless one is named (:1936) or all are (:*). Scripts that connect to this server itself, by ' +
              'rtmp://localhost/… or rtmp:/…, need localhost here and 127.0.0.1 in PrivateAddresses.',
          ),
          PrivateAddresses: leaf(
            subnets,
            '',
            'Hosts whose names lead to private networks or to this machine are refused, but for these addresses: 10.1.0.0/16, ' +
              '127.0.0.1. What Hosts names as an address is not refused.',
          ),
          TimeOut: leaf(
            fractionsOfSeconds(0.1, 300),
            '10',
            'From the beginning until the other server has answered.',
          ),
          MaxConnections: leaf(whole(1, 10000), '32', 'Of one instance at a time.'),
          ...unused('ObjectEncoding'),
        },
      ),
      Exec: list(
        group('A program that the script may start.', {
          '@name': leaf(
            fileName('a name'),
            'thumb',
            'What the script calls it by, as in application.exec("thumb", { input: "show" }). It runs in the folder of the ' +
              'application, and ends with the instance at the latest.',
            { isRequired: true },
          ),
          Program: leaf(
            text('a program, with its path or to be found by PATH'),
            'ffmpeg',
            'Started as it is, without a shell.',
            { isRequired: true },
          ),
          Argument: list(
            leaf(
              execArgument,
              'streams/_definst_/{input}.flv',
              'One of its arguments. {input} stands for what the script gives: a plain name, as a/b or Ann’s show, without ' +
                ': @ = , | \\ < > and .., and not beginning with - + / ~ . or a blank. {input:file} takes the path of a file in ' +
                'the folder of the application, or in those of its streams; {target:url} an http, https, rtmp or rtmps address ' +
                'on a host that Fetch or NetConnection grants; {size:small|large} one of these; {n:/\\d{1,3}/} what the whole ' +
                'pattern matches.',
              { isSecret: true }, // it may be the address of a stream on another server, key and all
            ),
          ),
          TimeOut: leaf(
            orElse(fractionsOfSeconds(0.1, 86400), '0', 'none', undefined),
            '0',
            'After so long it is ended.',
          ),
          MaxRunning: leaf(whole(1, 1000), '4', 'Of one instance at a time.'),
        }),
        { key: '@name' },
      ),
      ScriptLibPath: leaf(
        names('folders between semicolons, relative to the root folder, or nothing', true),
        'scriptlib',
        'Where load() of classic scripts (.asc, .js) looks for what is not in the folder of the application: components.asc, ' +
          'netservices.asc and others that you have from Flash Media Server. Folders that are not there hold nothing.',
      ),
      Security: group('', {
        RPC: group('What clients may call.', {
          '@enable': leaf(
            trueOrFalse,
            'false',
            'Whether they may call nothing but what is named here. Else they may call whatever the script offers.',
          ),
          Client: group('', {
            Method: list(
              group('', {
                Allow: list(
                  leaf(
                    text('a text, upper and lower case as they are'),
                    'chat.',
                    'How the names of methods begin that they may call.',
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
    'Logins of encoders, as Flash Media Live Encoder, OBS and ffmpeg make them: rtmp://user:password@host/application. They ' +
      'keep the password off the wire, and are no more than that: use RTMPS where others can listen.',
    {
      Mode: leaf(
        choice('off', 'publishers', 'everybody'),
        'off',
        'Who has to log in. publishers: the programs in Agents; all others may come in and play, but not publish, unless the ' +
          'script gives them a writeAccess. everybody: all clients, players too.',
      ),
      Scheme: leaf(
        choice('adobe', 'llnw'),
        'adobe',
        'How: authmod=adobe, which every encoder knows, or authmod=llnw of Limelight.',
      ),
      Agents: leaf(
        names('beginnings of names between semicolons'),
        'FMLE/;FME/;Wirecast/',
        'With publishers: how the names begin that programs give themselves when they have come to publish.',
      ),
      Users: leaf(
        text('a path, relative to the root folder'),
        'conf/users',
        'The file of users: lines name:plain:PASSWORD, name:adobe:SALT:HASH or name:llnw:HASH, which "understudy user" ' +
          'writes. Of a user who is not in it the script is asked, application.onAuthenticate.',
      ),
    },
  ),
  StreamManager: group('Streams.', {
    Live: group('What is published live.', {
      PublishTimeout: leaf(
        orElse(milliseconds(0, 60000), '-1', 'never', undefined),
        '2000',
        'When a name is published that is on air already, its publisher is asked for a sign of life: any byte will do. ' +
          'Without one in this time the newcomer takes over.',
      ),
      TakeOverInterval: leaf(
        milliseconds(1000, 3_600_000),
        '10000',
        'A publisher that took over a living one, because onPublish returned { takeOver: true }, is safe from the next such ' +
          'verdict for this time. Each further take-over of the name in a row doubles it, up to an hour.',
      ),
      Flush: group('When media leaves for the players. Every flush costs one write for every player.', {
        Mode: leaf(
          choice('frame', 'merge', 'instant'),
          'frame',
          'frame: at each picture. merge: whatever came in MergeDelay, for many players. instant: at once, for few.',
        ),
        AudioDelay: leaf(
          milliseconds(0, 1000),
          '40',
          'With frame: how long audio may wait to leave together with the next picture.',
        ),
        MergeDelay: leaf(milliseconds(1, 5000), '100', 'With merge: how long media is gathered.'),
      }),
      AccumulatedIFrames: group(
        'The pictures since the last keyframe are kept: they give new players their first picture at once.',
        {
          MaxTime: leaf(
            orElse(seconds(0, 600), '-1', '20', 20_000),
            '-1',
            'What one stream may keep as a length of time.',
          ),
          MaxSize: leaf(
            orElse(kilobytes(0, 1024 * MIB_KB), '-1', '16384', 16384 * 1024),
            '-1',
            'The same as memory. 0 keeps none.',
          ),
        },
      ),
      KeyframeWait: leaf(
        milliseconds(0, 3_600_000),
        '10000',
        'Longest wait for a keyframe of a player that has none to begin with: one that joins while the group of pictures is ' +
          'longer than AccumulatedIFrames keeps, that was too slow, or that ends a pause. It gets sound at once, and pictures ' +
          'from the next keyframe on, or after this time without one. 0: at once. Encoders with intra refresh send no keyframes.',
      ),
      MaxWaitingStreams: leaf(
        whole(1, 1000000),
        '1000',
        'Stream names that nobody publishes and players wait for, in one instance.',
      ),
      EraseOnPublish: leaf(
        trueOrFalse,
        'false',
        'Whether publishing live deletes what was recorded under the same name. Flash Media Server shipped true.',
      ),
      ...unused('AssumeAbsoluteTime', 'MaxLatency', 'Queue', 'StartClockOnPublish'),
    }),
    EnhancedSeek: group('Seeking in recorded streams.', {
      '#text': leaf(
        trueOrFalse,
        'true',
        'Pictures between the keyframe and the time that was sought are marked as not to be shown.',
      ),
      ...unused('@zone'),
    }),
    SendDuplicateStart: leaf(
      trueOrFalse,
      'true',
      'Whether players hear NetStream.Play.Start also after a seek, and when a pause ends.',
    ),
    SendDuplicateOnMetaData: leaf(
      choice('true', 'false', 'once'),
      'true',
      'Whether players get onMetaData again after a seek, and when a pause ends. once is false.',
    ),
    MaxSwitchTime: leaf(
      milliseconds(100, 60000),
      '10000',
      'How long play2 may wait for a keyframe of the stream that it switches to; then it switches without.',
    ),
    Recording: group('What is recorded.', {
      MaxDuration: leaf(duration, '-1', 'The longest recording, where the script names no limit.'),
      MaxDurationCap: leaf(duration, '-1', 'The longest that a script may ask for. 0: nothing is recorded.'),
      MaxSize: leaf(size, '-1', 'The largest recording, where the script names no limit.'),
      MaxSizeCap: leaf(size, '-1', 'The largest that a script may ask for. 0: nothing is recorded.'),
    }),
    StorageDir: leaf(
      text('a folder, relative to the root folder, or nothing: streams in the folder of the application'),
      '',
      'Recorded streams, in a folder for each instance. A slash in the name of an instance is %2F in that of its folder.',
    ),
    VirtualDirectory: virtualDirectory,
    QualifiedStreamsMapping: group('', { '@enable': unsupported('false') }),
    DuplicateDir: group('', { '@appName': unsupported('true'), '#text': unsupported('') }),
    ...unused('Audio', 'CachePrefix', 'CacheUpdateInterval', 'FilterNonKeyFrames'),
    ...unused('KeyFrameInterval', 'MaxBufferRetries', 'MaxStreamsBeforeGC'),
    ...unused('StreamMetaGCInterval', 'ThrottleBoundaryRequest'),
    ...unused('ThrottleDisplayInterval', 'ThrottleLoads'),
  }),
  Client: group('Every client.', {
    OutChunkSize: leaf(
      bytes(128, 65536),
      String(DEFAULT_CHUNK_BYTES),
      'Bytes in a chunk of what the server sends. Smaller chunks cost work for every picture; Flash Media Server had 4096.',
    ),
    Bandwidth: group('How often either side says what has arrived. It limits nothing.', {
      ServerToClient: bandwidth('the client acknowledges what the server sends'),
      ClientToServer: bandwidth('the server acknowledges what the client sends'),
    }),
    Backlog: group('Players that are slower than the stream.', {
      SoftSize: leaf(
        kilobytes(16, 1024 * MIB_KB),
        '512',
        'What may wait for one slow player before pictures up to the next keyframe are left out.',
      ),
      SoftTime: leaf(
        milliseconds(100, 60000),
        '2000',
        'The same as a length of time at the bitrate of the stream; the larger of the two counts.',
      ),
      HardSize: leaf(
        kilobytes(64, 4096 * MIB_KB),
        '4096',
        'A player for whom more than this waits is disconnected.',
      ),
      StallTime: leaf(
        milliseconds(100, 600000),
        '5000',
        'A player that takes nothing at all for so long, with more than the soft limit waiting, is disconnected.',
      ),
    }),
    MsgQueue: group('What is sent ahead of its time.', {
      Recorded: group('Of recorded streams.', {
        MinBufferTime: leaf(
          milliseconds(0, 3600000),
          '2000',
          'A player is taken to buffer this much at least, whatever it says.',
        ),
      }),
      ...unused('Diagnostic', 'Live', 'Server'),
    }),
    Access: group('', {
      AudioSampleAccess: sampleAccess('Streams whose sound Flash Player may hand to its program.'),
      VideoSampleAccess: sampleAccess('The same for pictures.'),
      FolderAccess: unsupported('false'),
    }),
    ...unused('AggregateMessages', 'BandwidthCap', 'BandwidthDetection', 'HTTPTunnel'),
    ...unused('MaxMessageSizeLosslessVideo', 'UserAgent', 'WindowsPerAck'),
  }),
  LoadOnStartup: leaf(
    trueOrFalse,
    'false',
    'Whether its default instance is started with the server, before anybody comes.',
  ),
  SharedObjManager: group('', {
    StorageDir: unsupported(''),
    ...unused('AutoCommit', 'ClientAccess', 'DuplicateDir', 'LockTimeOut', 'MaxProperties'),
    ...unused('MaxPropertySize', 'ResyncDepth'),
  }),
  AllowHTTPTunnel: leaf(
    choice('true', 'false', 'http1.1only', 'keepalive'),
    'true',
    'Whose tunnels may come in: all, none, those by HTTP/1.1, or those whose connections stay open. Only where Adaptor.xml ' +
      'takes them too.',
  ),
  DisallowedProtocols: leaf(
    commaNames('names of protocols with , between them, such as rtmp,rtmpt, or nothing'),
    '',
    'What this application is not served by: rtmp, rtmps, rtmpt, rtmpe, rtmpte. A tunnel in TLS is rtmps.',
  ),
  SWFVerification: group(
    'Players have to show that they run a SWF of which there is a copy here. It keeps out other SWFs; it cannot keep out ' +
      'programs that have got hold of a copy as well. Until then, what a client asks for waits.',
    {
      '@enabled': leaf(trueOrFalse, 'false', 'Whether they have to.'),
      SWFFolder: leaf(
        names(
          'paths between semicolons, relative to the root folder, or nothing: SWFs, in the folder of the application',
          true,
        ),
        '',
        'Folders with copies. Those of Server.xml count as well.',
      ),
      ...swfScan('The folders'),
      MinGoodVersion: leaf(whole(0, 255), '0', 'The lowest version of this conversation; there is but 1.'),
      FirstHashTimeout: leaf(
        seconds(1, 3600),
        '5',
        'How long a client may take to answer at all. After a wrong answer it is asked again as much later: it may still be ' +
          'loading its SWF.',
      ),
      FinalHashTimeout: leaf(seconds(1, 3600), '60', 'How long a client may take to answer rightly.'),
      UserAgentExceptions: group(
        'Programs that are not asked, encoders for example, since they run no SWF.',
        {
          Exception: list(
            group('', {
              '@from': leaf(text('a name and a version'), '', 'From this version on: FMLE/0.0.'),
              '@to': leaf(text('a name and a version'), '', 'Up to that: FMLE/9.9.'),
            }),
          ),
        },
      ),
      ...unused('ConnectionBlocking'),
    },
  ),
  Process: group(
    'The process that the script runs in. A script that ends it takes all others along that run there.',
    {
      Scope: leaf(
        choice('shared', 'application', 'adaptor', 'vhost', 'app', 'inst'),
        'shared',
        'shared: one process for all applications. application: one of its own for all instances of this one, some 50 MB. ' +
          'The names of Flash Media Server are understood: adaptor and vhost are shared, app and inst are application.',
      ),
      ...unused('Distribute', 'LifeTime', 'MaxFailures', 'RecoveryTime'),
    },
  ),
  Debug: group('Debuggers, such as Chrome and VS Code.', {
    AllowDebugDefault: leaf(
      trueOrFalse,
      'false',
      'Whether they may attach to the script: everybody on this machine can then do with it what he likes.',
    ),
    ...unused('MaxPendingDebugConnections'),
  }),
  ResourceLimits: group(
    'Clients of all instances of the application together. A client beyond a limit is refused; those connected stay.',
    {
      MaxConnections: leaf(connections, '-1', 'Clients in all.'),
      MaxConnectionsPerAddress: leaf(
        connections,
        '-1',
        'Clients from one IPv4 address, or from one IPv6 network (/64). Many people can share the address of a router.',
      ),
      MaxConnectionsPerUser: leaf(
        connections,
        '-1',
        'Clients that have logged in under one name, where Authentication asks for logins.',
      ),
    },
  ),
  ...unused('HTTP', 'Logging'),
});

export type ApplicationValues = Read<typeof APPLICATION>;

function memory() {
  const value = kilobytes(1, 4096 * MIB_KB);
  const parse = (text: string) => {
    const memoryBytes = value.parse(text);
    return memoryBytes < MIN_MEMORY_KB * 1024 ? DEFAULT_MEMORY_KB * 1024 : memoryBytes;
  };
  return { ...value, parse };
}
