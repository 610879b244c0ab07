import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { PROXY_LIMITS } from '../support/raw-site.ts';
import { rootWith } from './support.ts';

const APPLICATION = 'conf/_defaultRoot_/_defaultVHost_/Application.xml';

function load(root: string, set: Record<string, string> = {}): Config {
  return loadConfig({ root, set, environment: {} });
}

function important({ notes }: Config): string[] {
  return notes.filter(({ level }) => level !== 'debug').map(({ text }) => text);
}

test('S-09: by default RTMP is served on 1935, on every address of IPv4', (t) => {
  const [adaptor, ...more] = load(rootWith(t)).adaptors;
  assert.deepEqual(adaptor!.listen, [{ host: undefined, port: 1935, secure: false }]);
  assert.deepEqual(more, []);
});

test('a root without conf/ has the defaults, in ms and bytes', (t) => {
  const root = rootWith(t);
  const config = load(root);
  assert.equal(config.root, root);
  assert.equal(config.applicationsDir, join(root, 'applications'));
  const file = (name: string) => ({
    directory: join(root, 'logs'),
    fileName: `${name}.[NN].log`,
    zone: 'local',
    rotation: {
      maxBytes: 10_240 << 10,
      schedule: { type: 'daily', hour: 0, minute: 0 },
      history: 5,
      rename: true,
    },
    collector: undefined,
  });
  const { access, ...files } = config.logs;
  assert.deepEqual(files, {
    level: 'info',
    lineEnd: '\r\n',
    secretWords: [],
    ...Object.fromEntries(['application', 'master', 'edge', 'admin'].map((name) => [name, file(name)])),
  });
  assert.deepEqual(access?.file, file('access'));
  assert.deepEqual([access.isPerVhost, access.checkpoints], [false, undefined]);
  const { delimiter, quoteFields, escapeFields } = access.format;
  assert.deepEqual([delimiter, quoteFields, escapeFields], ['\t', false, true]);
  assert.deepEqual(access.fields, ['*']);
  assert.equal(access.events.length, 25);
  assert.deepEqual(config.server, {
    hostname: hostname(),
    ipv6: false,
    admin: {
      listen: [{ host: '127.0.0.1', port: 1111, secure: false }],
      access: { allow: 'all', deny: '', order: 'Allow,Deny' },
      hostNames: [],
      elemStyle: false,
      loginLimits: { maxFailures: 3, recoveryMs: 30_000, lockoutFailures: 300 },
      methods: { allow: 'All', deny: '', order: 'Allow,Deny' },
      users: [],
      localUsersFile: join(root, 'conf/Users.local.xml'),
    },
    limits: {
      connectTimeoutMs: 10_000,
      messageBytes: 8 << 20,
      partialMessages: 64,
      partialBytes: 16 << 20,
      amfDepth: 64,
      amfValues: 100_000,
      amfBytes: 4 << 20,
      amfExpansion: 32,
      netStreams: 64,
      connectText: 32 << 10,
      openCalls: 3_000,
      openCallBytes: 16 << 20,
      commandRate: 1000,
      commandWaitMs: 30_000,
      unreadBytes: 4 << 20,
      closeMs: 2_000,
      gateMediaBytes: 2 << 20,
      earlyBytes: 64 << 10,
    },
    input: { maxBytes: 1 << 30, maxBytesPerAddress: 32 << 20, shared: '', finishMs: 5_000 },
    connects: {
      maxConnections: undefined,
      maxConnectionsPerAddress: undefined,
      maxRate: undefined,
      maxRatePerAddress: undefined,
    },
    maxHeldBytes: 256 << 20,
    maxIndexBytes: 2 * 2 ** 30,
    crossDomainFile: undefined,
    recording: { maxMs: 5_000, maxBytes: 256 << 10, finishesMp4: true },
    builder: { maxFileBytes: 8 << 20, maxBundleBytes: 4 << 20, maxRssBytes: 512 << 20, maxMs: 20_000 },
    runners: {
      maxBytes: 1536 << 20,
      applicationShare: 0.75,
      debugPort: 9229,
      maxWatchedFiles: 20_000,
      logBytes: 1 << 20,
      fetches: { max: 256, maxOfOne: 64 },
      maxPrograms: 200,
      launcher: [],
    },
    mask: undefined,
    process: { uid: undefined, gid: undefined },
    clientTls: { verifies: true, caFile: undefined },
    swfs: { folders: [], levels: 1, maxWaitMs: 5_000, keepMs: 86_400_000, refreshMs: 300_000 },
    clientIdleMs: 3_600_000,
  });
  const { vhosts, ...adaptor } = config.adaptors[0]!;
  assert.deepEqual(adaptor, {
    name: '_defaultRoot_',
    listen: [{ host: undefined, port: 1935, secure: false }],
    access: { allow: 'all', deny: '', order: 'Allow,Deny' },
    proxies: '',
    answersRoot: false,
    ident2: { isEnabled: true, address: '' },
    http: { waitMs: 15_000, maxHeaderBytes: 16_384, redirect: undefined, proxy: undefined },
    tunnel: {
      admits: 'true',
      nodeId: '',
      setsCookie: false,
      answerBytes: 262_144,
      maxRequestBytes: 4_194_304,
      requestMs: 30_000,
      maxAhead: 5,
      aheadMs: 5_000,
      maxHeaderLine: 8_192,
      holdMs: 512,
      pollMs: 512,
      idleTimeoutMs: 60_000,
      mimeType: 'application/x-fcs',
      maxTunnels: 10_000,
      maxTunnelsPerAddress: 256,
    },
    rtmpe: true,
    altVhost: false,
    tls: { certificate: undefined, ciphers: undefined, sessionTimeoutMs: 300_000 },
  });
  const { name, aliases, appsDir } = vhosts[0]!;
  assert.deepEqual(
    { name, aliases, appsDir },
    { name: '_defaultVHost_', aliases: [], appsDir: join(root, 'applications') },
  );
  assert.equal(config.adaptors.length + vhosts.length, 2);
  assert.deepEqual(config.notes, []);
});

test('conf/fms.ini beats the defaults, --set beats conf/fms.ini, whether or not files refer to them', (t) => {
  const ini = 'VHOST.APPSDIR = /srv/apps\nSERVER.DOMAIN = tv.example\nADAPTOR.HOSTPORT = :1\n';
  const port = '<Adaptor><HostPortList><HostPort>${ADAPTOR.HOSTPORT}</HostPort></HostPortList></Adaptor>';
  for (const files of [{}, { 'conf/_defaultRoot_/Adaptor.xml': port }] as Record<string, string>[]) {
    const config = load(rootWith(t, { 'conf/fms.ini': ini, ...files }), {
      'ADAPTOR.HOSTPORT': '127.0.0.1:0',
    });
    assert.equal(config.applicationsDir, '/srv/apps');
    assert.equal(config.server.hostname, 'tv.example');
    assert.deepEqual(config.adaptors[0]!.listen, [{ host: '127.0.0.1', port: 0, secure: false }]);
  }
});

test('nothing, 0 and -1 switch off what can be off', (t) => {
  const root = rootWith(t, {
    'conf/Server.xml': '<Root><Server><AutoCloseIdleClients enable="false"/></Server></Root>',
    [APPLICATION]:
      '<Application><StreamManager><Live><PublishTimeout>-1</PublishTimeout></Live></StreamManager></Application>',
  });
  const config = load(root, { 'SERVER.ADMINSERVER_HOSTPORT': '' });
  assert.deepEqual(config.server.admin.listen, []);
  assert.equal(config.server.clientIdleMs, undefined);
  assert.equal(config.adaptors[0]!.vhosts[0]!.application.streamManager.live.publishTimeoutMs, undefined);
});

test('every folder with an Adaptor.xml is an adaptor, every one in it with a Vhost.xml a virtual host', (t) => {
  const root = rootWith(t, {
    'conf/_defaultRoot_/tv.example/Vhost.xml':
      '<VirtualHost><AliasList><Alias name="a.example"/><Alias name=""/></AliasList><AppsDir></AppsDir></VirtualHost>',
    'conf/_defaultRoot_/certs/a.pem': '',
    'conf/second/Adaptor.xml':
      '<Adaptor><HostPortList><HostPort name="edge1">:1936,-443</HostPort><HostPort>[::1]:1937</HostPort></HostPortList>' +
      '<Allow>10.60</Allow><Deny>10.60.1.1</Deny><Order>Deny,Allow</Order></Adaptor>',
    'conf/second/b.example/Vhost.xml': '<VirtualHost/>',
    'conf/notes/Vhost.xml': '<VirtualHost/>',
  });
  const { adaptors } = load(root);
  assert.deepEqual(
    adaptors.map(({ name, vhosts }) => [name, ...vhosts.map((vhost) => vhost.name)]),
    [
      ['_defaultRoot_', '_defaultVHost_', 'tv.example'],
      ['second', '_defaultVHost_', 'b.example'],
    ],
  );
  const tv = adaptors[0]!.vhosts[1]!;
  assert.deepEqual(tv.aliases, ['a.example']);
  assert.equal(tv.appsDir, join(root, 'conf/_defaultRoot_/tv.example/applications'));
  assert.deepEqual(adaptors[1]!.access, { allow: '10.60', deny: '10.60.1.1', order: 'Deny,Allow' });
  assert.deepEqual(adaptors[1]!.listen, [
    { host: undefined, port: 1936, secure: false },
    { host: undefined, port: 443, secure: true },
    { host: '::1', port: 1937, secure: false },
  ]);
});

test('a Users.xml beside a Vhost.xml names administrators of that host; twins of those of the server do not count', (t) => {
  const users = (...names: string[]) => {
    const list = names.map((name) => `<User name="${name}"><Password>secret</Password></User>`);
    return `<Root><UserList>${list.join('')}</UserList></Root>`;
  };
  const root = rootWith(t, {
    'conf/Users.xml': users('ann'),
    'conf/_defaultRoot_/show.example.com/Vhost.xml': '<VirtualHost/>',
    'conf/_defaultRoot_/show.example.com/Users.xml': users('bob', 'ann', ''),
    'conf/second/Adaptor.xml': '<Adaptor/>',
    'conf/second/_defaultVHost_/Users.xml': users('bob'),
  });
  const { server, notes } = load(root);
  assert.deepEqual(
    server.admin.users.map(({ name, scope }) => [name, scope?.adaptor, scope?.vhost]),
    [
      ['ann', undefined, undefined],
      ['bob', '_defaultRoot_', 'show.example.com'],
      ['second/bob', 'second', '_defaultVHost_'],
    ],
  );
  assert.deepEqual(
    notes.map(({ text }) => text.slice(0, 70)),
    [
      'conf/_defaultRoot_/show.example.com/Users.xml: the user "" has no name'.slice(0, 70),
      'there is more than one administrator ann: the first account applies, a',
    ],
  );
});

test('S-06: a minus in ADAPTOR.HOSTPORT flows into Adaptor.xml, and may stand there as well', (t) => {
  const secure = [
    { host: undefined, port: 1935, secure: false },
    { host: undefined, port: 443, secure: true },
  ];
  const ini = load(rootWith(t, { 'conf/fms.ini': 'ADAPTOR.HOSTPORT = :1935, -443\n' }));
  assert.deepEqual(ini.adaptors[0]!.listen, secure);
  const xml = '<Adaptor><HostPortList><HostPort>:1935,-443</HostPort></HostPortList></Adaptor>';
  assert.deepEqual(load(rootWith(t, { 'conf/_defaultRoot_/Adaptor.xml': xml })).adaptors[0]!.listen, secure);
});

test('S-13: an SSL section without a certificate is none, and nothing to warn of', (t) => {
  const ssl =
    '<Adaptor><SSL><SSLServerCtx><SSLCertificateFile></SSLCertificateFile><SSLCertificateKeyFile type="PEM"/>' +
    '<SSLPassPhrase/><SSLCipherSuite>ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH</SSLCipherSuite></SSLServerCtx></SSL></Adaptor>';
  const config = load(rootWith(t, { 'conf/_defaultRoot_/Adaptor.xml': ssl }));
  assert.equal(config.adaptors[0]!.tls.certificate, undefined);
  assert.deepEqual(important(config), []);
});

test('certificates lie beside their Adaptor.xml; the cipher list that FMS shipped is nobody’s choice', (t) => {
  const context = (inner: string) => `<Adaptor><SSL><SSLServerCtx>${inner}</SSLServerCtx></SSL></Adaptor>`;
  const root = rootWith(t, {
    'conf/_defaultRoot_/Adaptor.xml': context(
      '<SSLCertificateFile>tv.pem</SSLCertificateFile><SSLCertificateKeyFile type="ASN1">/etc/tv.key</SSLCertificateKeyFile>' +
        '<SSLPassPhrase>pass</SSLPassPhrase><SSLCipherSuite>ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH</SSLCipherSuite>',
    ),
    'conf/other/Adaptor.xml': context(
      '<SSLCertificateFile>a.pem</SSLCertificateFile><SSLCipherSuite>ECDHE+AESGCM</SSLCipherSuite>',
    ),
  });
  const [first, second] = load(root).adaptors;
  assert.deepEqual(first!.tls, {
    certificate: {
      certificateFile: join(root, 'conf/_defaultRoot_/tv.pem'),
      keyFile: '/etc/tv.key',
      passPhrase: 'pass',
    },
    ciphers: undefined,
    sessionTimeoutMs: 300_000,
  });
  assert.deepEqual(second!.tls.certificate, {
    certificateFile: join(root, 'conf/other/a.pem'),
    keyFile: undefined,
    passPhrase: undefined,
  });
  assert.equal(second!.tls.ciphers, 'ECDHE+AESGCM');
});

test('where HTTP that is not ours goes, and what tunnels are called', (t) => {
  const tunnel = (inner: string) => `<Adaptor><HTTPTunnel>${inner}</HTTPTunnel></Adaptor>`;
  const { http, tunnel: named } = load(
    rootWith(t, {
      'conf/fms.ini': 'HTTPPROXY.HOST = :8134\n',
      'conf/_defaultRoot_/Adaptor.xml': tunnel(
        '<NodeID>tv.1/a</NodeID><HttpProxy enable="true" maxbuf="16384"><Host port="80">${HTTPPROXY.HOST}</Host>' +
          '<Host>[::1]:81</Host><Host/></HttpProxy><Redirect enable="false"><Host port="443">web:8443</Host></Redirect>',
      ),
    }),
  ).adaptors[0]!;
  assert.equal(named.nodeId, 'tv_1-a');
  assert.equal(http.redirect, undefined);
  assert.deepEqual(http.proxy, {
    targets: [
      { port: 80, to: { host: '127.0.0.1', port: 8134 } },
      { port: undefined, to: { host: '::1', port: 81 } },
    ],
    quietMs: 60_000,
    limits: PROXY_LIMITS,
  });
  for (const wrong of ['<NodeID>a b</NodeID>', '<HttpProxy><Host>web:-443</Host></HttpProxy>']) {
    const root = rootWith(t, { 'conf/_defaultRoot_/Adaptor.xml': tunnel(wrong) });
    assert.throws(() => load(root), /Adaptor\.xml:1: .*expected (up to 9 letters|host:port, or nothing)/);
  }
});

test('connection limits, the cross-domain file, proxies, ident2 and the certificates of virtual hosts', (t) => {
  const edge =
    '<MaxConnectionRate>100</MaxConnectionRate><MaxConnectionsPerAddress>20</MaxConnectionsPerAddress>';
  const root = rootWith(t, {
    'conf/Server.xml':
      `<Root><Server><ResourceLimits><Protocol><RTMP><Edge>${edge}</Edge></RTMP></Protocol></ResourceLimits>` +
      '<CrossDomainPath>conf/crossdomain.xml</CrossDomainPath><SSL><SSLClientCtx>' +
      '<SSLVerifyCertificate>false</SSLVerifyCertificate><SSLCACertificateFile>conf/ca.pem</SSLCACertificateFile>' +
      '</SSLClientCtx></SSL></Server></Root>',
    'conf/_defaultRoot_/Adaptor.xml':
      '<Adaptor><ProxyProtocol><From>10.0.0.1</From></ProxyProtocol><HTTPIdent2 enable="false">10.0.0.2</HTTPIdent2></Adaptor>',
    'conf/_defaultRoot_/tv.example/Vhost.xml':
      '<VirtualHost><SSL><SSLCertificateFile>tv.pem</SSLCertificateFile></SSL></VirtualHost>',
  });
  const { server, adaptors } = load(root);
  assert.deepEqual(server.connects, {
    maxConnections: undefined,
    maxConnectionsPerAddress: 20,
    maxRate: 100,
    maxRatePerAddress: undefined,
  });
  assert.equal(server.crossDomainFile, join(root, 'conf/crossdomain.xml'));
  assert.deepEqual(server.clientTls, { verifies: false, caFile: join(root, 'conf/ca.pem') });
  assert.equal(adaptors[0]!.proxies, '10.0.0.1');
  assert.deepEqual(adaptors[0]!.ident2, { isEnabled: false, address: '10.0.0.2' });
  const [byDefault, tv] = adaptors[0]!.vhosts;
  assert.equal(byDefault!.certificate, undefined);
  assert.equal(tv!.certificate!.certificateFile, join(root, 'conf/_defaultRoot_/tv.example/tv.pem'));
});

for (const [form, server] of [
  ['self-closing', '<NetworkingIPv6 enable="true" />'],
  ['open and close', '<NetworkingIPv6 enable="true"></NetworkingIPv6>'],
] as const) {
  test(`S-29: NetworkingIPv6 is read from Server.xml, ${form}`, (t) => {
    const root = rootWith(t, { 'conf/Server.xml': `<Root><Server>${server}</Server></Root>` });
    assert.equal(load(root).server.ipv6, true);
  });
}

test('S-27: without it, IPv6 is off', (t) => {
  assert.equal(load(rootWith(t, { 'conf/Server.xml': '<Root><Server/></Root>' })).server.ipv6, false);
});

test('log files: Logger.xml, with the zone and the ends of lines of Server.xml', (t) => {
  const root = rootWith(t, {
    'conf/fms.ini': 'LOGGER.LOGDIR = /var/log/tv\n',
    'conf/Server.xml':
      '<Root><Server><Logging><Time>utc</Time><TerminatingCharacters>LF</TerminatingCharacters></Logging></Server></Root>',
    'conf/Logger.xml':
      '<Logger><Access><FileName>tv.[YYYY][MM][DD].log</FileName><Time>local</Time><Events>connect; disconnect;</Events>' +
      '<Fields>date;time;x-event</Fields><Delimiter>|</Delimiter><QuoteFields>enable</QuoteFields>' +
      '<EscapeFields>disable</EscapeFields></Access><Application><Directory>own</Directory><Rotation>' +
      '<MaxSize>1</MaxSize><Schedule type="duration">90</Schedule><History>9</History><Rename>false</Rename></Rotation>' +
      '</Application></Logger>',
  });
  const { access, application, edge, lineEnd } = load(root).logs;
  assert.equal(lineEnd, '\n');
  assert.deepEqual(application, {
    directory: join(root, 'own'),
    fileName: 'application.[NN].log',
    zone: 'utc',
    rotation: { maxBytes: 1024, schedule: { type: 'duration', minutes: 90 }, history: 9, rename: false },
    collector: undefined,
  });
  assert.equal(edge?.directory, '/var/log/tv');
  const { file, ...rest } = access!;
  assert.equal(file.fileName, 'tv.[YYYY][MM][DD].log');
  assert.equal(file.zone, 'local');
  assert.deepEqual(rest, {
    isPerVhost: false,
    checkpoints: undefined,
    format: { delimiter: '|', quoteFields: true, escapeFields: false, lineEnd: '\n' },
    events: ['connect', 'disconnect'],
    fields: ['date', 'time', 'x-event'],
  });
});

test('there may be no files of any kind of log', (t) => {
  const off = (kind: string) => `<${kind}><Enable>false</Enable></${kind}>`;
  const server = (inner: string) => ({
    'conf/Server.xml': `<Root><Server><Logging>${inner}</Logging></Server></Root>`,
  });
  const none = load(rootWith(t, server(off('Access') + off('Application')))).logs;
  assert.deepEqual([none.access, none.application, typeof none.master], [undefined, undefined, 'object']);
  const { application, master, edge, admin } = load(rootWith(t, server(off('Diagnostic')))).logs;
  assert.deepEqual([typeof application, master, edge, admin], ['object', undefined, undefined, undefined]);
});

test('who collects the lines of a log, besides its file', (t) => {
  const logger = (inner: string) => ({
    'conf/Logger.xml': `<Logger><Access><LogServer enable="true" type="tcp">${inner}</LogServer></Access></Logger>`,
  });
  const named =
    '<HostPort>[::1]:5140</HostPort><ServerID>tv1</ServerID><DisplayFieldsHeader>7</DisplayFieldsHeader>';
  const { access, edge } = load(rootWith(t, logger(named))).logs;
  assert.deepEqual(access?.file.collector, {
    type: 'tcp',
    host: '::1',
    port: 5140,
    serverId: 'tv1',
    linesPerHead: 7,
  });
  assert.equal(edge?.collector, undefined);
  assert.throws(() => load(rootWith(t, logger(''))), /Logger\.xml: LogServer needs a HostPort/);
});

test('checkpoints, the scope of the access log, and words of secrets', (t) => {
  const { access, secretWords } = load(
    rootWith(t, {
      'conf/Server.xml':
        '<Root><Server><Logging><Access><Scope>vhost</Scope><Checkpoints enable="true"><CheckInterval>10</CheckInterval>' +
        '<LogInterval>600</LogInterval></Checkpoints></Access><SecretWords>pin; Ausweis</SecretWords></Logging></Server></Root>',
    }),
  ).logs;
  assert.equal(access?.isPerVhost, true);
  assert.deepEqual(access?.checkpoints, { checkMs: 10_000, lineMs: 600_000 });
  assert.deepEqual(secretWords, ['pin', 'Ausweis']);
});

test('what is not used is noted; what promises something that does not happen is a warning', (t) => {
  const root = rootWith(t, {
    'conf/Server.xml': '<Root><Server>\n<ReadBufferSize>4096</ReadBufferSize></Server></Root>',
    [APPLICATION]:
      '<Application>\n\n<SharedObjManager><StorageDir>/so</StorageDir></SharedObjManager></Application>',
  });
  assert.deepEqual(load(root).notes, [
    { level: 'debug', text: 'conf/Server.xml:2: Server/ReadBufferSize is not used' },
    {
      level: 'warn',
      text: `${APPLICATION}:3: SharedObjManager/StorageDir = /so: not supported, it has no effect`,
    },
  ]);
});

test('a name of --set that is like a setting and is none is warned about', (t) => {
  const root = rootWith(t);
  assert.deepEqual(important(load(root, { 'ADAPTOR.HOSTPROT': ':1', 'NO.SUCH': '1', MINE: 'x' })), [
    '--set ADAPTOR.HOSTPROT=:1: there is no setting ADAPTOR.HOSTPROT; it has no effect unless a configuration file refers to it',
    '--set NO.SUCH=1: there is no setting NO.SUCH; it has no effect unless a configuration file refers to it',
  ]);
});

test('the config is frozen to its leaves', (t) => {
  const config = load(rootWith(t));
  assert.throws(() => Object.assign(config.server.limits, { amfDepth: 1 }), TypeError);
  assert.throws(() => Object.assign(config.adaptors[0]!.listen[0]!, { port: 1 }), TypeError);
  const { application } = config.adaptors[0]!.vhosts[0]!;
  assert.throws(() => Object.assign(application.streamManager.live.flush, { mode: 'merge' }), TypeError);
});

for (const [path, text, message] of [
  [
    'conf/fms.ini',
    'A = 1\nADAPTOR.HOSTPORT = :99999',
    'conf/fms.ini:2: ADAPTOR.HOSTPORT = :99999: "99999" is not a port: expected 0 to 65535, "-" before it for TLS',
  ],
  [
    'conf/fms.ini',
    'LOGGER.LEVEL = loud',
    'conf/fms.ini:1: LOGGER.LEVEL = loud: expected trace, debug, info, warn or error',
  ],
  [
    'conf/Server.xml',
    '<Root>\n<Server>\n<Mystery/></Server></Root>',
    /^conf\/Server\.xml:3: <Mystery> is unknown in <Server>: expected one of NetworkingIPv6, AdminServer, /,
  ],
  ['conf/Logger.xml', '<Logger', /^conf\/Logger\.xml:1: /],
  [
    'conf/Logger.xml',
    '<Logger><Access><Rotation><Schedule type="duration">00:00</Schedule></Rotation></Access></Logger>',
    'conf/Logger.xml: Schedule of type duration: expected hh:mm with daily; a whole number of minutes from 1 to 10080 with duration',
  ],
  [
    'conf/Logger.xml',
    '<Logger><Access><FileName>../x.log</FileName></Access></Logger>',
    'conf/Logger.xml:1: FileName = ../x.log: expected a file name; [NN] is the number of the file, [YYYY], [MM] and [DD] are its date',
  ],
  ['conf/Users.xml', '<Users/>', 'conf/Users.xml:1: <Users>: expected <Root>'],
  [
    'conf/second/Adaptor.xml',
    '<Adaptor><Order>Any</Order></Adaptor>',
    'conf/second/Adaptor.xml:1: Order = Any: expected Allow,Deny or Deny,Allow',
  ],
  [
    'conf/_defaultRoot_/Adaptor.xml',
    '<Adaptor>\n<Deny>10.0.0.0/8, 300.1.1.1</Deny></Adaptor>',
    /^conf\/_defaultRoot_\/Adaptor\.xml:2: Deny = 10\.0\.0\.0\/8, 300\.1\.1\.1: "300\.1\.1\.1": expected "all", /,
  ],
  [
    'conf/Users.xml',
    '<Root><UserList>\n<User name="ann"><Password>x</Password><Allow>10.0.0.0/99</Allow></User></UserList></Root>',
    /^conf\/Users\.xml:2: Allow = 10\.0\.0\.0\/99: "10\.0\.0\.0\/99": expected "all", /,
  ],
  [
    APPLICATION,
    '<Application>\n<Client><OutChunkSize>70000</OutChunkSize></Client></Application>',
    `${APPLICATION}:2: OutChunkSize = 70000: expected a whole number of bytes from 128 to 65536`,
  ],
] as const) {
  test(`a bad server file says file, line and what was expected: ${path}: ${text.replaceAll('\n', ' ')}`, (t) => {
    assert.throws(() => load(rootWith(t, { [path]: text })), { name: 'ConfigError', message });
  });
}

test('a bad --set says so', (t) => {
  assert.throws(() => load(rootWith(t), { 'LOGGER.LEVEL': 'loud' }), {
    code: 'ERR_CONFIG_VALUE',
    message: '--set LOGGER.LEVEL=loud: expected trace, debug, info, warn or error',
  });
});

test('a root that is not there is refused', (t) => {
  assert.throws(() => load(join(rootWith(t), 'nowhere')), { code: 'ERR_CONFIG_READ' });
});

for (const file of ['fms.ini', 'Server.xml']) {
  test(`a conf/${file} that cannot be read is an error, not the defaults`, (t) => {
    const root = rootWith(t);
    mkdirSync(join(root, 'conf', file), { recursive: true });
    assert.throws(() => load(root), { code: 'ERR_CONFIG_READ', message: new RegExp(`conf/${file}`) });
  });
}

test('an adaptor may switch RTMPE off', (t) => {
  const root = rootWith(t, {
    'conf/_defaultRoot_/Adaptor.xml': '<Adaptor><RTMP><RTMPE enabled="false"></RTMPE></RTMP></Adaptor>',
  });
  assert.equal(loadConfig({ root, set: {}, environment: {} }).adaptors[0]!.rtmpe, false);
});
