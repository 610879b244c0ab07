// conf/Server.xml: the whole server.
import { group, leaf, type Read, unused } from '../element.ts';
import {
  choice,
  commaNames,
  commandWords,
  hostPortOrNowhere,
  kilobytes,
  names,
  octal,
  orElse,
  seconds,
  text,
  trueOrFalse,
  whole,
} from '../value.ts';
import { accessLists, addresses } from './access-lists.ts';
import { swfScan } from './swf-scan.ts';

export const SERVER = group('', {
  Server: group('', {
    NetworkingIPv6: group('IPv6.', {
      '@enable': leaf(
        trueOrFalse,
        'false',
        'Listen on IPv6 as well as on IPv4 on ports that are configured without an address.',
      ),
    }),
    AdminServer: group('Administration.', {
      HostPort: leaf(
        hostPortOrNowhere(1111),
        '${SERVER.ADMINSERVER_HOSTPORT}',
        'Address and port of the administration server. It has no TLS: do not expose it to the Internet. Connect ' +
          'through an SSH tunnel or a reverse proxy with TLS.',
      ),
      ...accessLists('the administration port'),
      HostNames: leaf(
        commaNames('host names, separated by commas, or nothing'),
        '',
        'Host names under which browsers may reach the administration port, besides localhost and IP addresses; ' +
          'for example the name of a reverse proxy. Requests with other Host headers are refused, which protects ' +
          'against DNS rebinding.',
      ),
      AdminElem: leaf(
        trueOrFalse,
        'false',
        'Format of list items in /admin/… responses. true: <elem name="0">. false: <_0>.',
      ),
      ...unused('CrossDomainPath', 'IpcHostPort', 'Process', 'RTMP', 'SocketGC'),
    }),
    AutoCloseIdleClients: group(
      'Disconnection of idle clients. A client is idle while it neither sends nor receives anything.',
      {
        '@enable': leaf(trueOrFalse, 'true', 'Disconnect idle clients.'),
        MaxIdleTime: leaf(seconds(1, 86400), '3600', 'Idle time after which a client is disconnected.'),
        ...unused('CheckInterval'),
      },
    ),
    ResourceLimits: group('Resource limits for clients and for other servers.', {
      Streams: group('Memory limits for the streams of all applications together.', {
        MaxIndexSize: leaf(
          kilobytes(64 * 1024, 64 * 1024 * 1024),
          '2097152',
          'Memory limit for the indexes (positions of keyframes and samples) of all open recordings. One ' +
            'application may use at most three quarters of it. Two hours of MP4 take some 30 MB, two hours of FLV ' +
            'less than 1 MB, however many clients play them. A recording whose index does not fit is refused.',
        ),
        MaxHeldSize: leaf(
          kilobytes(1024, 64 * 1024 * 1024),
          '262144',
          'Memory limit for unsent media of all slow players. Above it, players that exceed their own limit ' +
            '(Backlog in Application.xml) are disconnected. Players on good links use none of it.',
        ),
      }),
      Input: group(
        'Memory limits for unfinished input: partly received messages and requests, media that wait for a ' +
          'decision of a script, unanswered calls, and responses that a client does not read. While memory is ' +
          'scarce, the server stops reading from the connections that use the most and lets them finish one after ' +
          'another.',
        {
          MaxInputSize: leaf(
            kilobytes(16 * 1024, 64 * 1024 * 1024),
            '1048576',
            'Limit for all connections together. The default lets 1,000 publishers of 4K send keyframes of 2 MB ' +
              'at the same time. Below half of the limit no connection waits.',
          ),
          MaxInputSizePerAddress: leaf(
            kilobytes(1024, 64 * 1024 * 1024),
            '32768',
            'Limit for all connections from one IPv4 address or one IPv6 /64 network. A publisher of 4K needs ' +
              'some 2 MB for a moment, a player almost nothing.',
          ),
          SharedAddresses: leaf(
            addresses,
            '',
            'Addresses that many users share, such as a company proxy or a load balancer without the PROXY ' +
              'protocol. MaxInputSizePerAddress does not apply to them, and each of their connections gets its own ' +
              'share of computing time.',
          ),
          MaxInputBeforeConnect: leaf(
            kilobytes(4, 65536),
            '64',
            'Limit for one connection until its connect command has succeeded. A connect command has some 500 ' +
              'bytes; with a token and arguments it has a few kB.',
          ),
          FinishTimeout: leaf(
            seconds(1, 600),
            '5',
            'Timeout for finishing a message while other connections of the same address wait for memory. ' +
              'Connections that take longer are closed, the largest first. A connection that sends less than 64 ' +
              'kB/s for one second is closed as well.',
          ),
        },
      ),
      Connection: group('Limits for one connection.', {
        ConnectTimeout: leaf(seconds(1, 600), '10', 'Timeout for the handshake and the connect command.'),
        MaxMessageSize: leaf(
          kilobytes(64, 16383),
          '8192',
          'Maximum size of an audio, video or aggregate message. A video frame is one message.',
        ),
        MaxPartialMessages: leaf(whole(4, 1024), '64', 'Maximum number of partly received messages.'),
        MaxPartialSize: leaf(kilobytes(64, 1048576), '16384', 'Memory limit for partly received messages.'),
        MaxDataDepth: leaf(
          whole(8, 512),
          '64',
          'Maximum nesting depth of the values in a command or data message.',
        ),
        MaxDataValues: leaf(
          whole(100, 10000000),
          '100000',
          'Maximum number of values and member names in a command or data message.',
        ),
        MaxDataSize: leaf(
          kilobytes(16, 16383),
          '4096',
          'Maximum size of a command or data message. It also limits the size of the values after all references ' +
            'are expanded. Usual messages have a few kB, calls with a picture some hundred kB.',
        ),
        MaxDataExpansion: leaf(
          whole(1, 100_000),
          '32',
          'Maximum ratio of the expanded size of a command or data message (all references resolved) to its own ' +
            'size. The first 16 kB are exempt. Lists of objects of one class reach 10.',
        ),
        MaxStreams: leaf(
          whole(1, 1024),
          '64',
          'Maximum number of NetStreams, whether they publish, play or are idle.',
        ),
        MaxCalls: leaf(
          whole(1, 10_000),
          '3000',
          'Maximum number of calls of one client that the script has not answered. An instance has a limit of ' +
            '10000 for all its clients.',
        ),
        MaxCallSize: leaf(
          kilobytes(64, 1048576),
          '16384',
          'Memory limit for the unanswered calls of one client.',
        ),
        MaxCommandRate: leaf(
          orElse(whole(10, 1_000_000), '-1', 'any', undefined),
          '1000',
          'Rate limit for the commands of one client, per second, including calls of remote methods. A game or a ' +
            'chat sends some hundred. Commands that open, change or close a stream count as ten. After a pause a ' +
            "burst of two seconds' worth is allowed. Above the rate the server delays the next command, and " +
            'everything that the client sends after it.',
        ),
        MaxCommandWait: leaf(
          seconds(1, 3600),
          '30',
          'Time without interruption above MaxCommandRate after which a client is disconnected.',
        ),
        MaxUnreadSize: leaf(
          kilobytes(64, 1048576),
          '4096',
          'Maximum size of the responses and calls that a client has not read. A client with more is ' +
            'disconnected. The limits for media are in Application.xml.',
        ),
        CloseTimeout: leaf(
          seconds(1, 60),
          '2',
          'Time in which a client that is being disconnected may read the reason and the data sent before it.',
        ),
        MaxGateSize: leaf(
          kilobytes(0, 65536),
          '2048',
          'Buffer for the media of one publisher while the script decides about it. When the buffer is full, the ' +
            'server stops reading from the socket.',
        ),
      }),
      Protocol: group('', {
        RTMP: group('', {
          Edge: group(
            'Connection limits, counted separately for each port. Connections above a limit are closed at once.',
            {
              MaxConnectionRate: leaf(
                orElse(whole(1, 1000000), '-1', 'any', undefined),
                '-1',
                'Maximum number of new connections per second.',
              ),
              MaxConnectionRatePerAddress: leaf(
                orElse(whole(1, 1000000), '-1', 'any', undefined),
                '-1',
                'Maximum number of new connections per second from one address.',
              ),
              MaxConnections: leaf(
                orElse(whole(1, 1000000), '-1', 'any', undefined),
                '-1',
                'Maximum number of open connections.',
              ),
              MaxConnectionsPerAddress: leaf(
                orElse(whole(1, 1000000), '-1', 'any', undefined),
                '-1',
                'Maximum number of open connections from one address.',
              ),
              ...unused('MaxIOThreads', 'MinIOThreads', 'SocketOverflowBuckets', 'SocketTableSize'),
            },
          ),
          ...unused('Admin', 'Core', 'DiffServ', 'DiffServMask', 'SocketRcvBuf', 'SocketSndBuf'),
        }),
        ...unused('ACCP', 'ECCP'),
      }),
      Recording: group('Processing of complete recordings.', {
        FinishMp4: leaf(
          trueOrFalse,
          'true',
          'true: an MP4 recording is rewritten as a plain file with one table of all samples. false: it stays a ' +
            'fragmented MP4, as it was recorded.',
        ),
      }),
      Scripts: group('Processes that run and build scripts.', {
        DebugPort: leaf(
          whole(0, 65535),
          '${SERVER.DEBUG_PORT}',
          'Port for debuggers, on 127.0.0.1. It is open only while a script may be debugged: see ' +
            'AllowDebugDefault in Application.xml, and "understudy help start".',
        ),
        MaxSize: leaf(
          kilobytes(128 * 1024, 64 * 1024 * 1024),
          '1572864',
          'Memory limit of a script process. A process above it is replaced: its scripts restart and the clients ' +
            'stay connected. This happens at most once in ten minutes, unless a single script is the cause. Raise ' +
            'the limit if you run many scripts.',
        ),
        MaxFetches: leaf(
          whole(1, 10_000),
          '256',
          'Maximum number of concurrent fetch() requests of all scripts. More requests wait in a queue, within ' +
            'their TimeOut. Each request uses a socket. A server with a hundred busy applications has some 50.',
        ),
        MaxFetchesPerApplication: leaf(
          whole(1, 10_000),
          '64',
          'Maximum number of concurrent fetch() requests of one application, so that slow web servers of one ' +
            'application do not delay the others.',
        ),
        MaxWatchedFiles: leaf(
          whole(100, 1_000_000),
          '20000',
          'Maximum number of files and folders in an application that the server watches for changes; a tenth of ' +
            'them may be folders. node_modules, streams, store and names with a leading dot do not count. Changes ' +
            'in an application with more files take effect only with "understudy reload". An ordinary application ' +
            'has fewer than 1000.',
        ),
        MaxLogSize: leaf(
          kilobytes(16, 1024 * 1024),
          '1024',
          'Rate limit for the log output of the scripts of one application, per second, in all its instances. A ' +
            'burst of ten times as much is allowed. Errors have a separate limit of the same size. Lines above the ' +
            'limit are dropped and counted. A line of 100 characters counts as 300 bytes, so 1024 allows some 3500 ' +
            'lines a second. Most applications write less than 10 kB. MaxLogRate in Application.xml limits each ' +
            'instance in addition.',
        ),
        MaxPrograms: leaf(
          whole(1, 100_000),
          '200',
          'Maximum number of <Exec> programs of one application that run at the same time, in all its instances. ' +
            'A script that starts one more gets an error. MaxRunning in Application.xml limits each instance in ' +
            'addition. Programs start one after another, and starting them uses at most a tenth of the media ' +
            "process's time.",
        ),
        MaxApplicationShare: leaf(
          whole(1, 99),
          '75',
          'Maximum share of MaxSize, in percent, for the scripts of one application in the shared process while ' +
            'other applications use nothing. The share shrinks as the others use more. Above it no new instance of ' +
            'the application starts, so that the scripts of the others go on. With 75 an application has room for ' +
            'some 480 instances of a small script. If it needs more, raise MaxSize or give it a process of its own: ' +
            'Scope in Application.xml.',
        ),
        MaxFileSize: leaf(
          kilobytes(64, 65536),
          '8192',
          'Maximum size of one source file of a script: code, JSON, package.json. A larger file is reported as an ' +
            'error of the script, and the version before it stays in use. Code has some hundred kB at most.',
        ),
        MaxBundleSize: leaf(
          kilobytes(64, 16384),
          '4096',
          'Maximum size of a built script: the bundle of a module, or all .asc and .js files of a folder ' +
            'together. Its source files may have four times as much. Most scripts have less than 1 MB.',
        ),
        MaxBuildSize: leaf(
          kilobytes(128 * 1024, 16 * 1024 * 1024),
          '524288',
          'Memory limit of a process that builds scripts. A build that exceeds it is reported as an error of the ' +
            'script. Most builds use less than 128 MB. It takes effect on Linux only. There are at most two such ' +
            'processes, and none when nothing has been saved for ten minutes.',
        ),
        MaxBuildTime: leaf(
          seconds(1, 600),
          '20',
          'Timeout for one build. A build that takes longer is reported as an error of the script. Most take less ' +
            'than 0.1 s. Builds of more than 1 s wait for each other; other builds do not wait for them.',
        ),
        Launcher: leaf(
          commandWords,
          '',
          'Program that starts the script processes in isolation. /usr/bin/unshare -n -i gives them no network, ' +
            'which they do not need; add -U if the server is not started by root.',
        ),
      }),
      RecBuffer: group('Write buffer of recordings.', {
        MaxFlushTime: leaf(
          seconds(1, 60),
          '5',
          'Longest time that recorded data waits before it is written. It is what a crash of the server loses, ' +
            'and how far a viewer of the growing file is behind.',
        ),
        MaxFlushSize: leaf(
          kilobytes(1, 16384),
          '256',
          'Size of buffered data at which an FLV file is written. An MP4 file is written one group of pictures at ' +
            'a time.',
        ),
        ...unused('AllowedVideoLag', 'FilterNonKeyFrames', 'MaxSize', 'MaxTimestampSkew'),
      }),
      ...unused('ApplicationGC', 'CPUMonitor', 'Connector', 'Edge', 'FLVCache', 'FLVCachePurge'),
      ...unused('FLVCacheSize', 'IPCQueues', 'LargeMemPool', 'Master', 'MessageCache', 'MsgPoolGC'),
      ...unused('ProcVMSizeMonitorInterval', 'ProcVMSizeNominal', 'ProcVMSizeWarn', 'SSLSessionCacheGC'),
      ...unused('SegmentsPool', 'SmallMemPool', 'SocketGC', 'ThreadPoolGC'),
    }),
    CrossDomainPath: leaf(
      text('a path, relative to the root folder, or nothing: all sites may connect'),
      '',
      'File served as /crossdomain.xml. It tells Flash Player which sites may connect.',
    ),
    Logging: group('All log files. Their folders and contents are configured in Logger.xml.', {
      Time: leaf(choice('local', 'utc'), 'local', 'Time zone of the times in log files.'),
      TerminatingCharacters: leaf(choice('CRLF', 'LF', 'CR'), 'CRLF', 'Line terminator.'),
      Access: group('The access log.', {
        Enable: leaf(trueOrFalse, 'true', 'Write the access log.'),
        Scope: leaf(
          choice('server', 'vhost'),
          'server',
          'server: one access log for all virtual hosts. vhost: one for each virtual host, in a folder named ' +
            'after it.',
        ),
        Checkpoints: group(
          'Checkpoint lines for sessions in progress, so that long sessions are visible before they end: ' +
            'connect-continue, publish-continue and play-continue.',
          {
            '@enable': leaf(trueOrFalse, 'false', 'Write checkpoint lines.'),
            CheckInterval: leaf(seconds(1, 86400), '60', 'Interval at which sessions are checked.'),
            LogInterval: leaf(
              seconds(1, 604800),
              '3600',
              'Time without a line after which a session gets one.',
            ),
          },
        ),
      }),
      Application: group('Log output of scripts.', {
        Enable: leaf(trueOrFalse, 'true', 'Write the log files of applications.'),
      }),
      Diagnostic: group('Diagnostic log of the server.', {
        Enable: leaf(
          trueOrFalse,
          'true',
          'Write the diagnostic log files. The server writes the same lines to standard output in any case.',
        ),
      }),
      SecretWords: leaf(
        names('words separated by ; or nothing'),
        '',
        'Further words that mark a secret. The value of a parameter in a URL or stream name is masked in logs if ' +
          "the parameter's name contains one of these words, or a built-in one: key, token, secret, pass, auth, sig " +
          'and similar.',
      ),
      ...unused('AuthEvent', 'AuthMessage', 'FileIO', 'RecordsNumber', 'RetryNumber', 'RetrySleep'),
    }),
    Mask: leaf(
      orElse(octal, '', 'the umask of the process that starts the server', undefined),
      '',
      'Permissions withheld from recordings and other new files (umask). With 017 the owner and the group may ' +
        'read and write them, and nobody else.',
    ),
    Process: group(
      'User and group of the server process. Root is needed for ports below 1024 and for little else.',
      {
        UID: leaf(
          orElse(whole(1, 4294967294), '', 'the server stays root', undefined),
          '${SERVER.PROCESS_UID}',
          'Numeric ID of the user that the server switches to when root has started it, once its ports are open. ' +
            'The server changes the owner of logs/, run/ and the streams/ and store/ of applications to this user. ' +
            'Programs, scripts and certificates must be readable by it. Script processes run as the same user; if ' +
            'this setting is empty, they run as nobody (65534).',
        ),
        GID: leaf(
          orElse(whole(1, 4294967294), '', "the user's own", undefined),
          '${SERVER.PROCESS_GID}',
          'Numeric ID of the group that the server switches to at the same time.',
        ),
      },
    ),
    ...unused('ActiveProfile', 'Admin', 'Httpd', 'LicenseInfo', 'LicenseInfoEx'),
    ...unused('Localhost', 'Plugins', 'PublicIP', 'ReadBufferSize', 'Registry'),
    Security: group('', {
      LoginLimits: group('Limits on failed administrator logins.', {
        MaxFailures: leaf(
          whole(1, 1000),
          '3',
          'Number of consecutive failures after which an address must wait before its next attempt.',
        ),
        RecoveryTime: leaf(seconds(1, 86400), '30', 'Waiting time after MaxFailures.'),
        LockoutLimit: leaf(
          whole(1, 1000000),
          '300',
          'Number of consecutive failures after which an address is locked out until the server restarts.',
        ),
      }),
      MaxUrlLength: leaf(
        kilobytes(1, 1024),
        '32',
        'Maximum length of a URL or other text in a connect command. Longer texts are truncated.',
      ),
      ...unused('VirtualDirectoryForFile'),
    }),
    SWFVerification: group('SWF verification: SWF files that are valid for every application that uses it.', {
      SWFFolder: leaf(
        names('paths, separated by semicolons, relative to the root folder, or nothing: none', true),
        '',
        'Folders with copies of these SWF files.',
      ),
      ...swfScan('The folders'),
      ...unused('MinGoodVersion'),
    }),
    SSL: group('TLS for outgoing connections of scripts (rtmps).', {
      SSLClientCtx: group('', {
        SSLVerifyCertificate: leaf(
          trueOrFalse,
          'true',
          "Verify the certificates of other servers. false: a server's identity is not checked, so anyone can " +
            'impersonate it.',
        ),
        SSLCACertificateFile: leaf(
          text('a path, relative to the root folder, or nothing: the CA certificates of Node.js'),
          '',
          'CA certificates, in PEM, that replace those of Node.js; or the self-signed certificate of a server.',
        ),
        ...unused('SSLCACertificatePath', 'SSLCipherSuite', 'SSLVerifyDepth'),
      }),
      ...unused('SSLEngine', 'SSLRandomSeed', 'SSLSessionCacheGC'),
    }),
    ...unused('ScriptAdaptors', 'Services', 'StreamAdaptors'),
    ...unused('Streams'),
  }),
  ServerDomain: leaf(
    text('a host name, or nothing'),
    '${SERVER.DOMAIN}',
    'Value of application.hostname in scripts. Empty: the host name of this machine.',
  ),
});

export type ServerValues = Read<typeof SERVER>;
