import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApplicationConfig, readApplicationConfig } from '../../src/config/application.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ConfigError } from '../../src/errors.ts';
import { rootWith } from './support.ts';

const VHOST = 'conf/_defaultRoot_/_defaultVHost_';
const VHOST_FILE = `${VHOST}/Application.xml`;
const OWN_FILE = 'applications/live/Application.xml';

async function read(root: string, application = 'live'): Promise<ApplicationConfig> {
  const { adaptors } = loadConfig({ root, set: {}, environment: { SECRET: 'hidden' } });
  return readApplicationConfig(adaptors[0]!.vhosts[0]!.defaults, application);
}

test('an application without a file has the settings of its virtual host', async (t) => {
  const root = rootWith(t, { [VHOST_FILE]: '<Application><MaxAppIdleTime>7</MaxAppIdleTime></Application>' });
  const config = await read(root);
  assert.equal(config.maxAppIdleTimeMs, 7000);
  assert.equal(config.client.outChunkSizeBytes, 60_000);
  assert.deepEqual(config.notes, []);
});

test('its own file beats that of the virtual host element by element, under either name of the engine', async (t) => {
  const root = rootWith(t, {
    [VHOST_FILE]:
      '<Application><MaxAppIdleTime>7</MaxAppIdleTime><JSEngine><MaxTimeOut>1</MaxTimeOut><LoadTimeOut>3</LoadTimeOut>' +
      '</JSEngine></Application>',
    [OWN_FILE]:
      '<Application><ScriptEngine><MaxTimeOut>0.5</MaxTimeOut><RuntimeSize>20480</RuntimeSize></ScriptEngine></Application>',
  });
  const { maxAppIdleTimeMs, jsEngine, limits, libraries, processScope, env, exec, debug } = await read(root);
  assert.equal(maxAppIdleTimeMs, 7000);
  assert.deepEqual(limits, {
    ...{ memoryMb: 20, turnMs: 500, loadMs: 3000, gateMs: 10_000 },
    ...{ timers: 1000, queuedEvents: 10_000, queuedBytes: 4 << 20, logLines: 200, fetches: 16 },
  });
  const { fetch, netConnection, gateFailure, callTimeOutMs, reload } = jsEngine;
  assert.deepEqual([gateFailure, callTimeOutMs, processScope], ['closed', 600_000, 'shared']);
  assert.deepEqual(
    [libraries, { ...env }, fetch.hosts, netConnection.hosts, exec, debug.allowDebugDefault],
    [[join(root, 'scriptlib')], {}, [], [], [], false],
  );
  assert.deepEqual({ ...reload }, { policy: 'migrate', drainTimeMs: 600_000 });
});

test('override="no" in the virtual host keeps an application at what it says there, or at the default', async (t) => {
  const root = rootWith(t, {
    [VHOST_FILE]:
      '<Application><JSEngine override="no"><MaxTimeOut>1</MaxTimeOut></JSEngine>' +
      '<Client><Bandwidth override="yes"><ServerToClient>1000</ServerToClient></Bandwidth></Client></Application>',
    [OWN_FILE]:
      '<Application>\n<JSEngine><MaxTimeOut>60</MaxTimeOut><LoadTimeOut>60</LoadTimeOut></JSEngine>' +
      '<Client><Bandwidth><ServerToClient>2000</ServerToClient></Bandwidth></Client></Application>',
  });
  const { limits, client, notes } = await read(root);
  assert.equal(limits.turnMs, 1000);
  assert.equal(limits.loadMs, 2000);
  assert.equal(client.bandwidth.serverToClientBytes, 2000);
  assert.deepEqual(notes, [
    { level: 'warn', text: `${OWN_FILE}:2: <JSEngine> is ignored: ${VHOST_FILE}:1 has override="no"` },
  ]);
});

test('children of ApplicationObject/config become application.config: texts, symbols replaced, nested as they are', async (t) => {
  const root = rootWith(t, {
    'conf/fms.ini': 'AUTH.URL = http://127.0.0.1/check\nSERVER.ADMIN_PASSWORD = hidden\n',
    [OWN_FILE]:
      '<Application><JSEngine><ApplicationObject>\n<config><url>${AUTH.URL}</url><limits><viewers>3</viewers></limits>' +
      '<__proto__>x</__proto__></config></ApplicationObject></JSEngine>' +
      '</Application>',
  });
  const { jsEngine, notes } = await read(root);
  assert.equal(
    JSON.stringify(jsEngine.applicationObject.config),
    '{"url":"http://127.0.0.1/check","limits":{"viewers":"3"},"__proto__":"x"}',
  );
  assert.deepEqual(notes, []);
});

test('grants that the virtual host locks are none for an application that grants itself everything', async (t) => {
  const locks = ['Exec', 'Fetch', 'NetConnection', 'ScriptLibPath']
    .map((name) => `<${name} override="no"/>`)
    .join('');
  const own = (engine: string) => `<${engine}>
    <Exec name="sh"><Program>sh</Program><Argument>-c</Argument></Exec>
    <Fetch><Hosts>*:*</Hosts><PrivateAddresses>127.0.0.0/8</PrivateAddresses></Fetch>
    <NetConnection><Hosts>*:*</Hosts></NetConnection><ScriptLibPath>/etc</ScriptLibPath></${engine}>`;
  for (const engine of ['JSEngine', 'ScriptEngine']) {
    const root = rootWith(t, {
      [VHOST_FILE]: `<Application><JSEngine>${locks}</JSEngine><Debug override="no"/>
      <StreamManager><StorageDir override="no"/><VirtualDirectory override="no"/></StreamManager></Application>`,
      [OWN_FILE]: `<Application>${own(engine)}
      <Debug><AllowDebugDefault>true</AllowDebugDefault></Debug>
      <StreamManager><StorageDir>/etc</StorageDir>
        <VirtualDirectory><Streams>/;/etc</Streams></VirtualDirectory></StreamManager></Application>`,
    });
    const { jsEngine, exec, libraries, debug, folders } = await read(root);
    const none = await read(root, 'other');
    assert.deepEqual(exec, []);
    assert.deepEqual([jsEngine.fetch.hosts, jsEngine.netConnection.hosts], [[], []]);
    assert.deepEqual([libraries, debug.allowDebugDefault], [none.libraries, false]);
    assert.deepEqual([folders.storageDir, folders.virtual], [undefined, []]);
  }
});

test('a symbol that there is not, or not for applications, is a mistake: no script is handed its name for a secret', async (t) => {
  for (const [value, what] of [
    ['Bearer ${API_TOKEN}', 'there is no symbol API_TOKEN: expected API_TOKEN = … in conf/fms.ini'],
    ['${SERVER.ADMIN_PASSWORD}', 'only files in conf/ may refer to SERVER.ADMIN_PASSWORD'],
    ['${%SECRET%}', 'only files in conf/ may refer to environment variables'],
  ] as const) {
    const own = `<Application><JSEngine><Environment>\n<a>${value}</a></Environment></JSEngine></Application>`;
    const root = rootWith(t, { 'conf/fms.ini': 'SERVER.ADMIN_PASSWORD = hidden\n', [OWN_FILE]: own });
    await assert.rejects(read(root), (error: ConfigError) =>
      error.message.startsWith(`${OWN_FILE}:2: ${what}`),
    );
  }
});

test('application.env takes two hundred values, nested ones and those of .env together: each is looked for in every error', async (t) => {
  const values = (count: number) =>
    Array.from({ length: count }, (_, i) => `<k${i}>secret${i}</k${i}>`).join('');
  const own = (count: number) =>
    `<Application><JSEngine><Environment><a>${values(count)}</a></Environment></JSEngine></Application>`;
  const dotenv = 'A=1\nB=2\n';
  const many = rootWith(t, { [OWN_FILE]: own(198), 'applications/live/.env': dotenv });
  await assert.doesNotReject(read(many));
  const tooMany = rootWith(t, { [OWN_FILE]: own(199), 'applications/live/.env': dotenv });
  await assert.rejects(read(tooMany), (error: ConfigError) =>
    error.message.includes('application.env has 201 values'),
  );
});

test('what the virtual host tells all scripts gives way to what an application tells its own', async (t) => {
  const config = (inner: string) =>
    `<Application><JSEngine><ApplicationObject><config>${inner}</config></ApplicationObject></JSEngine></Application>`;
  const root = rootWith(t, {
    [VHOST_FILE]: config('<who>${%SECRET%}</who>'),
    [OWN_FILE]: config('<who>me</who>'),
  });
  assert.deepEqual({ ...(await read(root)).jsEngine.applicationObject.config }, { who: 'me' });
  assert.deepEqual({ ...(await read(root, 'other')).jsEngine.applicationObject.config }, { who: 'hidden' });
});

test('values of FMS that mean no limit are the limits of this server, in its units', async (t) => {
  const fms =
    '<Application><JSEngine><RuntimeSize>1024</RuntimeSize><MaxTimeOut>0</MaxTimeOut></JSEngine><StreamManager><Live>' +
    '<AccumulatedIFrames><MaxTime>-1</MaxTime><MaxSize>-1</MaxSize></AccumulatedIFrames></Live><Recording>' +
    '<MaxSize>-1</MaxSize><MaxDuration>-1</MaxDuration></Recording></StreamManager></Application>';
  const { streamManager, limits } = await read(rootWith(t, { [OWN_FILE]: fms }));
  const { live, recording } = streamManager;
  assert.deepEqual(live.accumulatedIFrames, { maxSizeBytes: 16 << 20, maxTimeMs: 20_000 });
  assert.equal(limits.memoryMb, 64);
  assert.equal(limits.turnMs, 250);
  assert.deepEqual(new Set(Object.values(recording)), new Set([undefined]));
});

test('a small OutChunkSize is obeyed, and said with its place', async (t) => {
  const chunks = (size: number) =>
    `<Application><Client>\n<OutChunkSize>${size}</OutChunkSize></Client></Application>`;
  const text = (file: string) =>
    `${file}:2: OutChunkSize = 4096: accepted, but 60000 would need less CPU time`;
  const own = await read(rootWith(t, { [OWN_FILE]: chunks(4096) }));
  assert.equal(own.client.outChunkSizeBytes, 4096);
  assert.deepEqual(own.notes, [{ level: 'info', text: text(OWN_FILE) }]);

  const root = rootWith(t, { [VHOST_FILE]: chunks(4096), [OWN_FILE]: '<Application/>' });
  assert.equal((await read(root)).client.outChunkSizeBytes, 4096);
  assert.deepEqual((await read(root)).notes, []);
  assert.deepEqual(loadConfig({ root, set: {} }).notes, [{ level: 'info', text: text(VHOST_FILE) }]);
});

test('a RuntimeSize that Flash Media Server may have had is too small for this engine: the default, and a note', async (t) => {
  for (const engine of ['JSEngine', 'ScriptEngine']) {
    const file = `<Application>\n<${engine}><RuntimeSize>1024</RuntimeSize></${engine}></Application>`;
    const { limits, notes } = await read(rootWith(t, { [OWN_FILE]: file }));
    assert.equal(limits.memoryMb, 64);
    const text = `${OWN_FILE}:2: RuntimeSize = 1024: replaced by 65536 kB, since less than 8192 kB is too little`;
    assert.deepEqual(notes, [{ level: 'info', text }]);
  }
});

for (const [server, vhost, own, expected] of [
  ['enable="true"><MaxIdleTime>60</MaxIdleTime', '', '', 60_000],
  ['enable="true"><MaxIdleTime>60</MaxIdleTime', '><MaxIdleTime>50</MaxIdleTime', '', 50_000],
  ['enable="true"', '><MaxIdleTime>50</MaxIdleTime', '><MaxIdleTime>40</MaxIdleTime', 40_000],
  ['enable="true"', '', 'enable="false"', undefined],
  ['enable="true"', 'enable="false"', 'enable="true"><MaxIdleTime>40</MaxIdleTime', undefined],
  ['enable="false"', 'enable="true"', 'enable="true"><MaxIdleTime>40</MaxIdleTime', undefined],
] as const) {
  const element = (inner: string) => {
    const [attribute, child] = inner.includes('>') ? inner.split(/>(.*)/s) : [inner, ''];
    return `<AutoCloseIdleClients ${attribute}>${child ? `${child}>` : ''}</AutoCloseIdleClients>`;
  };
  test(`idle clients: server ${server}, virtual host ${vhost}, application ${own}: ${expected} ms`, async (t) => {
    const root = rootWith(t, {
      'conf/Server.xml': `<Root><Server>${element(server)}</Server></Root>`,
      [`${VHOST}/Vhost.xml`]: `<VirtualHost>${element(vhost)}</VirtualHost>`,
      [OWN_FILE]: `<Application>${element(own)}</Application>`,
    });
    assert.equal((await read(root)).clientIdleMs, expected);
  });
}

test('flush policies', async (t) => {
  const flush = async (inner: string) => {
    const file = `<Application><StreamManager><Live><Flush>${inner}</Flush></Live></StreamManager></Application>`;
    return (await read(rootWith(t, { [OWN_FILE]: file }))).streamManager.live.flush;
  };
  const byDefault = { mode: 'frame', audioDelayMs: 40, mergeDelayMs: 100 };
  assert.deepEqual(await flush(''), byDefault);
  assert.deepEqual(await flush('<Mode>merge</Mode><MergeDelay>350</MergeDelay>'), {
    ...{ ...byDefault, mode: 'merge', mergeDelayMs: 350 },
  });
  assert.deepEqual(await flush('<Mode>instant</Mode>'), { ...byDefault, mode: 'instant' });
});

test('the file is read anew each time; a bad one is a ConfigError with its place', async (t) => {
  const root = rootWith(t, { [OWN_FILE]: '<Application><MaxAppIdleTime>1</MaxAppIdleTime></Application>' });
  const { defaults } = loadConfig({ root, set: {} }).adaptors[0]!.vhosts[0]!;
  assert.equal((await readApplicationConfig(defaults, 'live')).maxAppIdleTimeMs, 1000);
  writeFileSync(join(root, OWN_FILE), '<Application><MaxAppIdleTime>2</MaxAppIdleTime></Application>');
  assert.equal((await readApplicationConfig(defaults, 'live')).maxAppIdleTimeMs, 2000);
  writeFileSync(join(root, OWN_FILE), '<Application>\n<MaxAppIdle>2</MaxAppIdle></Application>');
  await assert.rejects(readApplicationConfig(defaults, 'live'), {
    name: 'ConfigError',
    message:
      /^applications\/live\/Application\.xml:2: <MaxAppIdle> is unknown in <Application>: expected one of /,
  });
});

test('what a script may fetch, and its secrets, are read from its file', async (t) => {
  const root = rootWith(t, {
    'conf/fms.ini': 'TOKEN = abc',
    [OWN_FILE]:
      '<Application><JSEngine><Environment><TOKEN>${TOKEN}</TOKEN></Environment>' +
      '<Fetch><Hosts>api.Example.com, *.cdn.net:8443,[::1]:*</Hosts><PrivateAddresses>10.0.0.0/8, ::1</PrivateAddresses>' +
      '<TimeOut>2.5</TimeOut><MaxSize>64</MaxSize></Fetch></JSEngine></Application>',
  });
  const { env, jsEngine } = await read(root);
  assert.deepEqual({ ...env }, { TOKEN: 'abc' });
  assert.deepEqual(jsEngine.fetch, {
    hosts: ['api.example.com', '*.cdn.net:8443', '[::1]:*'],
    privateAddresses: [
      { address: '10.0.0.0', prefix: 8 },
      { address: '::1', prefix: 128 },
    ],
    timeOutMs: 2500,
    maxSizeBytes: 65_536,
    maxRunning: 16,
  });
});

test('access to samples, what clients may call, and libraries of scripts are read from its file', async (t) => {
  const own = (inner: string) => `<Application>${inner}</Application>`;
  const root = rootWith(t, {
    [OWN_FILE]: own(
      '<Client><Access><AudioSampleAccess enabled="true">/</AudioSampleAccess>' +
        '<VideoSampleAccess enabled="false">/</VideoSampleAccess></Access></Client>' +
        '<JSEngine><ScriptLibPath>lib; /srv/more</ScriptLibPath><Security><RPC enable="true"><Client>' +
        '<Method><Allow>chat.</Allow><Allow></Allow></Method><Method><Allow>say</Allow></Method></Client></RPC></Security></JSEngine>',
    ),
  });
  const { sampleAccess, methods, libraries } = await read(root);
  assert.deepEqual(sampleAccess, { audioSampleAccess: '/', videoSampleAccess: '' });
  assert.deepEqual(methods, ['chat.', 'say']);
  assert.deepEqual(libraries, [join(root, 'lib'), '/srv/more']);
  writeFileSync(join(root, OWN_FILE), own(''));
  assert.equal((await read(root)).methods, undefined);
});

test('where a script may connect is read from its file', async (t) => {
  const root = rootWith(t, {
    [OWN_FILE]:
      '<Application><JSEngine><NetConnection><Hosts>live.example.com, [::1]:1936</Hosts>' +
      '<PrivateAddresses>127.0.0.1</PrivateAddresses><TimeOut>3</TimeOut><MaxConnections>2</MaxConnections>' +
      '<ObjectEncoding>AMF3</ObjectEncoding></NetConnection></JSEngine></Application>',
  });
  assert.deepEqual((await read(root)).jsEngine.netConnection, {
    hosts: ['live.example.com', '[::1]:1936'],
    privateAddresses: [{ address: '127.0.0.1', prefix: 32 }],
    timeOutMs: 3000,
    maxConnections: 2,
  });
});

for (const [element, text] of [
  ['Hosts', 'http://api.example.com'],
  ['Hosts', 'a..b'],
  ['PrivateAddresses', '10.0.0.0/33'],
  ['PrivateAddresses', 'localhost'],
]) {
  test(`<${element}>${text}</${element}> is refused with its place`, async (t) => {
    const root = rootWith(t, {
      [OWN_FILE]: `<Application>\n<JSEngine><Fetch><${element}>${text}</${element}></Fetch></JSEngine></Application>`,
    });
    await assert.rejects(read(root), {
      code: 'ERR_CONFIG_VALUE',
      message: new RegExp(`^${OWN_FILE}:2: .*not `),
    });
  });
}

test('a setting of an application is no longer than its file can be read for, and what is said of it is short', async (t) => {
  const list = (characters: number) => 'a;'.repeat(characters / 2);
  for (const [text, what] of [
    [list(64 << 10), undefined],
    [list((64 << 10) + 2), 'ScriptLibPath has 65538 characters: expected at most 65536'],
  ] as const) {
    const file = `<Application><JSEngine><ScriptLibPath>${text}</ScriptLibPath></JSEngine></Application>`;
    const root = rootWith(t, { [OWN_FILE]: file });
    if (what === undefined) assert.equal((await read(root)).libraries.length, text.length / 2);
    else await assert.rejects(read(root), { message: `${OWN_FILE}:1: ${what}` });
  }
  const root = rootWith(t, {
    [OWN_FILE]: `<Application><MaxAppIdleTime>${'x'.repeat(60_000)}</MaxAppIdleTime></Application>`,
  });
  await assert.rejects(read(root), ({ message }: Error) => message.length < 2200);
});

test('an application says by which ways clients may come', async (t) => {
  const byDefault = await read(rootWith(t, {}));
  assert.deepEqual([byDefault.allowHTTPTunnel, byDefault.disallowedProtocols], ['true', []]);
  const root = rootWith(t, {
    [OWN_FILE]:
      '<Application><AllowHTTPTunnel>http1.1only</AllowHTTPTunnel>' +
      '<DisallowedProtocols>RTMP, rtmpe,</DisallowedProtocols></Application>',
  });
  const { allowHTTPTunnel, disallowedProtocols } = await read(root);
  assert.deepEqual([allowHTTPTunnel, disallowedProtocols], ['http1.1only', ['rtmp', 'rtmpe']]);
});

test('logins are off unless asked for; their users stand in a file under the root', async (t) => {
  assert.equal((await read(rootWith(t, {}))).login, undefined);
  const file = (rest: string) => ({
    [OWN_FILE]: `<Application><Authentication>${rest}</Authentication></Application>`,
  });
  const root = rootWith(t, file('<Mode>publishers</Mode>'));
  assert.deepEqual((await read(root)).login, {
    mode: 'adobe',
    of: 'publishers',
    agents: ['FMLE/', 'FME/', 'Wirecast/'],
    usersFile: join(root, 'conf/users'),
  });
  const own = rootWith(
    t,
    file('<Mode>everybody</Mode><Scheme>llnw</Scheme><Agents>OBS</Agents><Users>/etc/users</Users>'),
  );
  assert.deepEqual((await read(own)).login, {
    mode: 'llnw',
    of: 'everybody',
    agents: ['OBS'],
    usersFile: '/etc/users',
  });
});

test('SWFs are not asked for unless it is said; folders stand under the root', async (t) => {
  assert.equal((await read(rootWith(t, {}))).swf, undefined);
  const file = (rest: string) => ({
    [OWN_FILE]: `<Application><SWFVerification enabled="true">${rest}</SWFVerification></Application>`,
  });
  assert.deepEqual((await read(rootWith(t, file('')))).swf, {
    minGoodVersion: 0,
    firstHashTimeoutMs: 5_000,
    finalHashTimeoutMs: 60_000,
    exceptions: [],
    library: { folders: [], levels: 1, maxWaitMs: 5_000, keepMs: 86_400_000, refreshMs: 300_000 },
  });
  const own = rootWith(
    t,
    file(
      '<SWFFolder>swfs; /srv/swfs</SWFFolder><DirLevelSWFScan>0</DirLevelSWFScan><Cache><TTL>1</TTL></Cache>' +
        '<UserAgentExceptions><Exception from="FME/0.0" to="FME/1.0"></Exception></UserAgentExceptions>',
    ),
  );
  const { exceptions, library } = (await read(own)).swf!;
  assert.deepEqual(exceptions, [{ from: 'FME/0.0', to: 'FME/1.0' }]);
  assert.deepEqual(library.folders, [join(own, 'swfs'), '/srv/swfs']);
  assert.deepEqual([library.levels, library.keepMs], [0, 60_000]);
});

test('folders of streams: those of the application, then those of its virtual host, relative to the root', async (t) => {
  const root = rootWith(t, {
    [`${VHOST}/Vhost.xml`]:
      '<VirtualHost><VirtualDirectory><Streams>/common/;media</Streams></VirtualDirectory></VirtualHost>',
    [OWN_FILE]:
      '<Application><StreamManager><StorageDir>store</StorageDir><VirtualDirectory><Streams>/;/srv/all</Streams>' +
      '<Streams></Streams></VirtualDirectory><Live><EraseOnPublish>true</EraseOnPublish></Live></StreamManager></Application>',
  });
  const { folders, streamManager } = await read(root);
  assert.deepEqual(folders, {
    storageDir: join(root, 'store'),
    virtual: [
      { prefix: '', folder: '/srv/all' },
      { prefix: 'common', folder: join(root, 'media') },
    ],
  });
  assert.equal(streamManager.live.eraseOnPublish, true);
  const other = await read(root, 'other');
  assert.deepEqual([other.folders.storageDir, other.streamManager.live.eraseOnPublish], [undefined, false]);
  assert.equal(other.folders.virtual.length, 1);
});

test('a folder of streams without a beginning of names is refused with its place', async (t) => {
  const root = rootWith(t, {
    [OWN_FILE]:
      '<Application><StreamManager><VirtualDirectory>\n<Streams>/srv/films</Streams></VirtualDirectory></StreamManager></Application>',
  });
  await assert.rejects(read(root), /Application\.xml:2: .*films;\/srv\/films/s);
});

test('a command says where it stands, and a hole with a pattern that is none is a mistake', async (t) => {
  const exec = (argument: string) =>
    `<Application><JSEngine>\n<Exec name="a"><Program>true</Program><Argument>${argument}</Argument></Exec></JSEngine></Application>`;
  const root = rootWith(t, { [OWN_FILE]: exec('%{pts:hms} {x:/a{1,2}/} {y:a|b} {z:file}') });
  const [command] = (await read(root)).exec;
  assert.deepEqual(command?.place, { file: OWN_FILE, line: 2 });
  const broken = rootWith(t, { [OWN_FILE]: exec('{x:/(/}') });
  await assert.rejects(read(broken), /Application.xml:2: .*Invalid regular expression/);
});
