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
        'Whether ports without an address are open on IPv6 as well as on IPv4.',
      ),
    }),
    AdminServer: group('Administration.', {
      HostPort: leaf(
        hostPortOrNowhere(1111),
        '${SERVER.ADMINSERVER_HOSTPORT}',
        'Where the server is administered. It speaks no TLS, so keep it away from the Internet: come by an SSH tunnel, or by a ' +
          'proxy that does.',
      ),
      ...accessLists('the port of the administration'),
      HostNames: leaf(
        commaNames('host names, with commas between them, or nothing'),
        '',
        'Names by which browsers may reach the port, besides localhost and addresses: that of a reverse proxy in front, for ' +
          'example. Other names are refused, because a page of somebody else may have its name point here.',
      ),
      AdminElem: leaf(
        trueOrFalse,
        'false',
        'The items of a list in answers of /admin/…: true: <elem name="0">, false: <_0>.',
      ),
      ...unused('CrossDomainPath', 'IpcHostPort', 'Process', 'RTMP', 'SocketGC'),
    }),
    AutoCloseIdleClients: group('Clients that send and take nothing at all.', {
      '@enable': leaf(trueOrFalse, 'true', 'Whether they are closed.'),
      MaxIdleTime: leaf(seconds(1, 86400), '3600', 'For how long they may be idle.'),
      ...unused('CheckInterval'),
    }),
    ResourceLimits: group('What peers may cost.', {
      Streams: group('Streams of all applications together.', {
        MaxIndexSize: leaf(
          kilobytes(64 * 1024, 64 * 1024 * 1024),
          '2097152',
          'Memory for what is known of all recorded streams that are open: where their keyframes and samples are. One application has ' +
            'three quarters of it at most. Two hours of MP4 take some 30 MB, of FLV less than 1 MB, however many play them. A stream ' +
            'that finds no room is refused.',
        ),
        MaxHeldSize: leaf(
          kilobytes(1024, 64 * 1024 * 1024),
          '262144',
          'Memory for media that players have not read yet. Beyond it, players over their own limit (Backlog in Application.xml) are ' +
            'disconnected. Players on good links need none.',
        ),
      }),
      Input: group(
        'Memory for unfinished input: messages and requests of which a part has arrived, media that wait for a script to decide, ' +
          'calls without an answer, answers that a client does not read. While memory is scarce, the server stops reading ' +
          'connections that hold much and lets them finish one after another.',
        {
          MaxInputSize: leaf(
            kilobytes(16 * 1024, 64 * 1024 * 1024),
            '1048576',
            'Limit for all connections together. The default lets 1,000 publishers of 4K send keyframes of 2 MB at the same time. ' +
              'Of half as much, nothing has to wait.',
          ),
          MaxInputSizePerAddress: leaf(
            kilobytes(1024, 64 * 1024 * 1024),
            '32768',
            'Limit for all connections from one address (IPv6: from one /64 network). A publisher of 4K needs some 2 MB for a ' +
              'moment, a player next to nothing.',
          ),
          SharedAddresses: leaf(
            addresses,
            '',
            'Addresses of many users, such as the proxy of a company or a load balancer without the PROXY protocol: ' +
              'MaxInputSizePerAddress does not apply to them, and their connections share computing time as if each came from ' +
              'an address of its own.',
          ),
          MaxInputBeforeConnect: leaf(
            kilobytes(4, 65536),
            '64',
            'Limit for one connection until its connect command has succeeded. A connect command has some 500 bytes, with a ' +
              'token and arguments a few kB.',
          ),
          FinishTimeout: leaf(
            seconds(1, 600),
            '5',
            'Time to finish a message while other connections of the same address wait for memory. A connection that takes ' +
              'longer is closed, the largest first; one that sends less than 64 kB/s for a second as well.',
          ),
        },
      ),
      Connection: group('One connection.', {
        ConnectTimeout: leaf(seconds(1, 600), '10', 'Time for the handshake and the connect command.'),
        MaxMessageSize: leaf(
          kilobytes(64, 16383),
          '8192',
          'The longest audio, video or aggregate message. A video frame is one message.',
        ),
        MaxPartialMessages: leaf(whole(4, 1024), '64', 'Messages that may be half received at a time.'),
        MaxPartialSize: leaf(
          kilobytes(64, 1048576),
          '16384',
          'Memory for the messages that are half received.',
        ),
        MaxDataDepth: leaf(
          whole(8, 512),
          '64',
          'How deep the values in a command or data message may be nested.',
        ),
        MaxDataValues: leaf(
          whole(100, 10000000),
          '100000',
          'How many values and names of members a command or data message may hold.',
        ),
        MaxDataSize: leaf(
          kilobytes(16, 16383),
          '4096',
          'The longest command or data message, and the size of its values once everything that they refer to is written out. Usual messages have a few kB, calls with a picture some hundred.',
        ),
        MaxDataExpansion: leaf(
          whole(1, 100_000),
          '32',
          'How many times its own size the references of a command or data message may stand for. 16 kB are free. Lists of objects of one class reach 10.',
        ),
        MaxStreams: leaf(whole(1, 1024), '64', 'NetStreams: publishing, playing or idle.'),
        MaxCalls: leaf(
          whole(1, 10_000),
          '3000',
          'Calls of one client that its script has not answered; an instance has room for 10000 of all its clients.',
        ),
        MaxCallSize: leaf(kilobytes(64, 1048576), '16384', 'Memory for them.'),
        MaxCommandRate: leaf(
          orElse(whole(10, 1_000_000), '-1', 'any', undefined),
          '1000',
          'Commands a second of one client, calls of remote methods included; a game or a chat makes some hundred. Commands that ' +
            'open, change or close a stream count as ten. After a pause, the commands of two seconds may come at once. Over the rate the ' +
            'server reads the next command later, and everything that the client sends behind it.',
        ),
        MaxCommandWait: leaf(
          seconds(1, 3600),
          '30',
          'A client that has been over MaxCommandRate for so long without a pause is disconnected.',
        ),
        MaxUnreadSize: leaf(
          kilobytes(64, 1048576),
          '4096',
          'Answers and calls that a client has not read; with more it is disconnected. Media have limits in Application.xml.',
        ),
        CloseTimeout: leaf(
          seconds(1, 60),
          '2',
          'How long a client that is disconnected may take to read why, and what was sent before.',
        ),
        MaxGateSize: leaf(
          kilobytes(0, 65536),
          '2048',
          'Media of one publisher kept while its script decides about it. When it is full, the socket waits.',
        ),
      }),
      Protocol: group('', {
        RTMP: group('', {
          Edge: group('Connections, for each port by itself. Those beyond are closed at once.', {
            MaxConnectionRate: leaf(
              orElse(whole(1, 1000000), '-1', 'any', undefined),
              '-1',
              'New ones a second.',
            ),
            MaxConnectionRatePerAddress: leaf(
              orElse(whole(1, 1000000), '-1', 'any', undefined),
              '-1',
              'New ones a second from one address.',
            ),
            MaxConnections: leaf(
              orElse(whole(1, 1000000), '-1', 'any', undefined),
              '-1',
              'How many may be open.',
            ),
            MaxConnectionsPerAddress: leaf(
              orElse(whole(1, 1000000), '-1', 'any', undefined),
              '-1',
              'How many may be open from one address.',
            ),
            ...unused('MaxIOThreads', 'MinIOThreads', 'SocketOverflowBuckets', 'SocketTableSize'),
          }),
          ...unused('Admin', 'Core', 'DiffServ', 'DiffServMask', 'SocketRcvBuf', 'SocketSndBuf'),
        }),
        ...unused('ACCP', 'ECCP'),
      }),
      Recording: group('What happens to recordings when they are complete.', {
        FinishMp4: leaf(
          trueOrFalse,
          'true',
          'true: an MP4 becomes a plain file, with one table of all samples. false: it stays in fragments, as it was recorded.',
        ),
      }),
      Scripts: group('The processes that run scripts.', {
        DebugPort: leaf(
          whole(0, 65535),
          '${SERVER.DEBUG_PORT}',
          'The port for debuggers, on 127.0.0.1. It is open where there is something to debug: see AllowDebugDefault in ' +
            'Application.xml, and "understudy help start".',
        ),
        MaxSize: leaf(
          kilobytes(128 * 1024, 64 * 1024 * 1024),
          '1572864',
          'A process that has grown beyond it is replaced: its scripts start anew, and the clients stay. At most once in ten ' +
            'minutes, unless a single script is to blame: where many scripts run, they may need as much.',
        ),
        MaxFetches: leaf(
          whole(1, 10_000),
          '256',
          'Maximum number of fetch() requests of all scripts at a time; more wait for their turn within their TimeOut. A request has ' +
            'a socket. A server with a hundred busy applications has some 50.',
        ),
        MaxFetchesPerApplication: leaf(
          whole(1, 10_000),
          '64',
          'How many of them are of one application, so that web servers that are slow for one keep no other waiting.',
        ),
        MaxWatchedFiles: leaf(
          whole(100, 1_000_000),
          '20000',
          'Maximum number of files and folders in an application that the server watches for changes; a tenth of them may be ' +
            'folders. node_modules, streams, store and names with a leading dot do not count. Changes in an application with ' +
            'more files take effect only with "understudy reload". An ordinary application has fewer than 1000.',
        ),
        MaxLogSize: leaf(
          kilobytes(16, 1024 * 1024),
          '1024',
          'What the scripts of one application write to the logs in a second, in all its instances, and ten times as much at once; ' +
            'the same again for errors. The rest is dropped and counted. A line of 100 characters counts 300 bytes, so 1024 are ' +
            'some 3500 lines a second. Most applications write less than 10 kB. Each instance has MaxLogRate of Application.xml ' +
            'besides.',
        ),
        MaxPrograms: leaf(
          whole(1, 100_000),
          '200',
          'Programs of <Exec> that run at a time for one application, in all its instances; a script that starts one more gets an ' +
            'error. MaxRunning of Application.xml counts for each instance. Programs start one after another, and starting them ' +
            'takes a tenth of the time of the media at most.',
        ),
        MaxApplicationShare: leaf(
          whole(1, 99),
          '75',
          'What the scripts of one application may take of MaxSize in the process that applications share, in percent, while the ' +
            'others take nothing; the more they take, the less it is. Beyond it no instance of the application is started, so that ' +
            'the scripts of the others go on. With 75 an application has room for some 480 instances of a small script. Has it more, ' +
            'raise MaxSize or give it a process of its own: Scope in Application.xml.',
        ),
        MaxFileSize: leaf(
          kilobytes(64, 65536),
          '8192',
          'One file that a script is made of: code, JSON, package.json. A larger one is a mistake of the script, and the version ' +
            'before it serves on. Code has some hundred kB at most.',
        ),
        MaxBundleSize: leaf(
          kilobytes(64, 16384),
          '4096',
          'What a script becomes: the bundle of a module, or all .asc and .js files of a folder together. Its files may have four ' +
            'times as much. Most scripts have less than 1 MB.',
        ),
        MaxBuildSize: leaf(
          kilobytes(128 * 1024, 16 * 1024 * 1024),
          '524288',
          'Memory of a process that builds scripts. A build that takes more is a mistake of the script. Most take less than 128 ' +
            'MB. On Linux alone. There are two such processes at most, and none when nothing has been saved for ten minutes.',
        ),
        MaxBuildTime: leaf(
          seconds(1, 600),
          '20',
          'Time for one build; one that takes longer is a mistake of the script. Most take less than 0.1 s. Builds of more than 1 s ' +
            'wait for each other, and no other build for them.',
        ),
        Launcher: leaf(
          commandWords,
          '',
          'A program that starts these processes and shuts them in: /usr/bin/unshare -n -i leaves them without a network, ' +
            'which they do not need; add -U where it is not root who starts the server.',
        ),
      }),
      RecBuffer: group('What is recorded, on its way to the disk.', {
        MaxFlushTime: leaf(
          seconds(1, 60),
          '5',
          'So long it may wait: what a crash of the server costs, and how far a viewer of the growing file is behind.',
        ),
        MaxFlushSize: leaf(
          kilobytes(1, 16384),
          '256',
          'As soon as that much waits for an FLV file it is written. An MP4 file is written picture group by picture group.',
        ),
        ...unused('AllowedVideoLag', 'FilterNonKeyFrames', 'MaxSize', 'MaxTimestampSkew'),
      }),
      ...unused('ApplicationGC', 'CPUMonitor', 'Connector', 'Edge', 'FLVCache', 'FLVCachePurge'),
      ...unused('FLVCacheSize', 'IPCQueues', 'LargeMemPool', 'Master', 'MessageCache', 'MsgPoolGC'),
      ...unused('ProcVMSizeMonitorInterval', 'ProcVMSizeNominal', 'ProcVMSizeWarn', 'SSLSessionCacheGC'),
      ...unused('SegmentsPool', 'SmallMemPool', 'SocketGC', 'ThreadPoolGC'),
    }),
    CrossDomainPath: leaf(
      text('a path, relative to the root folder, or nothing: everybody may'),
      '',
      'The file that Flash Player gets for /crossdomain.xml: whose pages may connect.',
    ),
    Logging: group('All log files; where they lie and what is in them is in Logger.xml.', {
      Time: leaf(choice('local', 'utc'), 'local', 'The zone of the times in them.'),
      TerminatingCharacters: leaf(choice('CRLF', 'LF', 'CR'), 'CRLF', 'What ends a line.'),
      Access: group('The access log.', {
        Enable: leaf(trueOrFalse, 'true', 'Whether there is one.'),
        Scope: leaf(
          choice('server', 'vhost'),
          'server',
          'server: one for all. vhost: one for each virtual host, in a folder that is called like it.',
        ),
        Checkpoints: group(
          'Lines about what goes on, so that long sessions are seen before they end: connect-continue, publish-continue and ' +
            'play-continue.',
          {
            '@enable': leaf(trueOrFalse, 'false', 'Whether there are any.'),
            CheckInterval: leaf(seconds(1, 86400), '60', 'How often it is looked for what goes on.'),
            LogInterval: leaf(seconds(1, 604800), '3600', 'Whatever had no line for so long gets one.'),
          },
        ),
      }),
      Application: group('What scripts say.', {
        Enable: leaf(trueOrFalse, 'true', 'Whether there are files of it.'),
      }),
      Diagnostic: group('What the server says of itself.', {
        Enable: leaf(
          trueOrFalse,
          'true',
          'Whether there are files of it. Standard output has it in any case.',
        ),
      }),
      SecretWords: leaf(
        names('words with ; between them, or nothing'),
        '',
        'A parameter in an address or behind the name of a stream is masked where its name holds one of these words, or one ' +
          'of those that are always meant: key, token, secret, pass, auth, sig and their like.',
      ),
      ...unused('AuthEvent', 'AuthMessage', 'FileIO', 'RecordsNumber', 'RetryNumber', 'RetrySleep'),
    }),
    Mask: leaf(
      orElse(octal, '', 'as whoever starts the server has it (umask)', undefined),
      '',
      'Rights that recordings and other new files do not have: with 017 their group may read and write them, and nobody else.',
    ),
    Process: group('Who the server is. Root is needed for ports below 1024 and for little else.', {
      UID: leaf(
        orElse(whole(1, 4294967294), '', 'root stays root', undefined),
        '${SERVER.PROCESS_UID}',
        'The user, by number, that the server becomes when root has started it, once its ports are open. logs/, run/ and the ' +
          'streams/ and store/ of applications are made his; programs, scripts and certificates have to be readable for ' +
          'him. The processes that run scripts become the same one; where none stands here, they become nobody (65534).',
      ),
      GID: leaf(
        orElse(whole(1, 4294967294), '', "the user's own", undefined),
        '${SERVER.PROCESS_GID}',
        'The group, by number, that it becomes then.',
      ),
    }),
    ...unused('ActiveProfile', 'Admin', 'Httpd', 'LicenseInfo', 'LicenseInfoEx'),
    ...unused('Localhost', 'Plugins', 'PublicIP', 'ReadBufferSize', 'Registry'),
    Security: group('', {
      LoginLimits: group('Administrators who give a wrong password.', {
        MaxFailures: leaf(
          whole(1, 1000),
          '3',
          'After so many failures in a row their address has to wait before it may try again.',
        ),
        RecoveryTime: leaf(seconds(1, 86400), '30', 'How long it has to wait.'),
        LockoutLimit: leaf(
          whole(1, 1000000),
          '300',
          'After so many failures in a row their address is locked out until the server is started anew.',
        ),
      }),
      MaxUrlLength: leaf(
        kilobytes(1, 1024),
        '32',
        'The longest address, or other text, that is taken from a connect command. What is longer is cut.',
      ),
      ...unused('VirtualDirectoryForFile'),
    }),
    SWFVerification: group('SWFs that count for every application that asks for one.', {
      SWFFolder: leaf(
        names('paths between semicolons, relative to the root folder, or nothing: none', true),
        '',
        'Folders with copies of them.',
      ),
      ...swfScan('The folders'),
      ...unused('MinGoodVersion'),
    }),
    SSL: group('TLS of connections that scripts make: rtmps.', {
      SSLClientCtx: group('', {
        SSLVerifyCertificate: leaf(
          trueOrFalse,
          'true',
          'Whether the certificates of other servers are checked. false: anybody may be there.',
        ),
        SSLCACertificateFile: leaf(
          text('a path, relative to the root folder, or nothing: the authorities that Node.js knows'),
          '',
          'Certificates of authorities, in PEM, that count in their place; or the certificate of a server that has made its own.',
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
    "What scripts see as application.hostname. Empty: this machine's name.",
  ),
});

export type ServerValues = Read<typeof SERVER>;
