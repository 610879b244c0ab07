// What check says of members that are not there and of rights that are not granted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rootWith, said, understudy } from './support.ts';

/** Place and beginning of each line that check prints for an application of that name. */
async function linesOf(root: string, name: string): Promise<string[]> {
  const { printed } = await understudy('check', name, '--root', root);
  const own = `${said(root, name)}/`;
  return printed.filter((line) => line.startsWith(own)).map((line) => line.slice(own.length));
}

test('check names each class, function and member of Flash Media Server that is not there, and what to use', async (t) => {
  const root = rootWith(t, {
    'old/main.asc': [
      'load("netservices.asc");',
      'application.onAppStart = function() {',
      '  this.users = SharedObject.get("users", false);',
      '  application.clearStreams("/");',
      '  application.registerClass("Foo", Foo);',
      '};',
      'application.onConnect = function(who) {',
      '  who.setBandwidthLimit(1, 1);',
      '  application.room = Stream.get("room");',
      '  application.room.destroy;',
      '  who.file = new File("log.txt");',
      '  var nc = new NetConnection();',
      '  nc.call("x", null);',
      '  who.name.type = 1;',
      '  return true;',
      '};',
      'Client.prototype.getStreamLength = function(name) { return 1; };',
      'application.onPeerLookup = function() {};',
      'function Foo() {}',
      'var own = { File: 1, XML: 2 }; own.File = own.XML;',
    ].join('\n'),
  });
  const lines = await linesOf(root, 'old');
  const heads = lines.map((line) => line.replace(/(is not there|came with Flash Media Server).*/, '$1'));
  assert.deepEqual(heads.sort(), [
    'main.asc:10:3: Stream.destroy is not there',
    'main.asc:11:18: File is not there',
    'main.asc:13:3: NetConnection.call is not there',
    'main.asc:18:1: application.onPeerLookup is not there',
    'main.asc:1:1: load("netservices.asc"): the file came with Flash Media Server',
    'main.asc:3:16: SharedObject is not there',
    'main.asc:4:3: application.clearStreams is not there',
    'main.asc:5:3: application.registerClass is not there',
    'main.asc:8:3: Client.setBandwidthLimit is not there',
  ]);
  assert.match(lines.join('\n'), /File is not there: .*application\.store/);
});

test('a class that the script defines itself is there', async (t) => {
  const root = rootWith(t, {
    'own/main.asc':
      'function File(name) { this.name = name; }\nvar XML = {}; new File("x"); XML.y = new XML();',
  });
  assert.deepEqual(await linesOf(root, 'own'), []);
});

test('a syntax error hides nothing else of its file', async (t) => {
  const root = rootWith(t, { 'bad/main.asc': 'var x = (;\nnew LoadVars();\nload("gone.asc");' });
  const lines = await linesOf(root, 'bad');
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^main\.asc:1:/);
  assert.match(lines.join('\n'), /main\.asc:2:5: LoadVars is not there/);
  assert.match(lines.join('\n'), /main\.asc:3:1: load\("gone\.asc"\): there is no such file/);
});

test('in a module the compiler’s mistake says what to use as well, where the author wrote it', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': [
      "import { open } from './rooms.ts';",
      'application.onConnect = (client) => {',
      '  open();',
      '  application.gc();',
      '  return true;',
      '};',
    ].join('\n'),
    'tv/rooms.ts':
      'interface Room { n: number }\nexport const open = (): Room => SharedObject.get("rooms");\n',
  });
  const lines = await linesOf(root, 'tv');
  assert.equal(lines.length, 2, lines.join('\n'));
  assert.match(lines.join('\n'), /^rooms\.ts:2:33: TS2304: .*SharedObject is not there: keep the state/m);
  assert.match(lines.join('\n'), /^main\.ts:4:15: TS2339: .*application\.gc is not there: garbage/m);
});

const GRANTS = `<Application><JSEngine>
  <Fetch><Hosts>api.example.com</Hosts></Fetch>
  <NetConnection><Hosts>live.example.com:1936</Hosts></NetConnection>
  <Environment><KEY>k</KEY></Environment>
  <Exec name="thumb"><Program>/usr/bin/true</Program></Exec>
</JSEngine></Application>`;

const USES = `
application.onPublish = async (client, stream, request) => {
  await fetch('https://api.example.com/may');
  await fetch('https://api.example.com:8443/may');
  await fetch('https://other.example.com/');
  await fetch(request.params.url ?? '');
  application.exec('thumb');
  application.exec('convert');
  const key = application.env.KEY + application.env.TOKEN + (application.env.MAYBE ?? '');
  const connection = new NetConnection();
  connection.connect('rtmp://live.example.com:1936/app');
  connection.connect('rtmp://elsewhere.example.com/app');
  return key !== '';
};
`;

test('check compares what a script uses with what is granted: hosts, programs, secrets', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': USES,
    'tv/Application.xml': GRANTS,
    'tv/.env': '# nothing yet',
  });
  const lines = await linesOf(root, 'tv');
  assert.deepEqual(
    lines.map((line) => line.replace(/(is not granted|is not set|no <Exec>).*/, '$1')),
    [
      'main.ts:4:9: fetch: api.example.com:8443 is not granted',
      'main.ts:5:9: fetch: other.example.com is not granted',
      "main.ts:8:3: application.exec('convert'): there is no <Exec>",
      'main.ts:9:37: application.env.TOKEN is not set',
      'main.ts:12:3: NetConnection.connect: elsewhere.example.com is not granted',
    ],
  );
});

test('check says which hole of a command does not take what the script gives, and what to write there', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': `
application.onPublish = (client, stream) => {
  application.exec('copy', { input: stream.name, size: 'small', target: 'rtmp://live.example.com/x' });
  application.exec('copy', { input: 'streams/' + stream.name, size: \`\${stream.name}\`, target: stream.name });
  application.exec('copy', { input: \`rtmp://127.0.0.1/tv/\${stream.name}\`, size: 'small', target: '' });
  application.exec('copy', { input: '../' + stream.name, size: 'large', target: '' });
};
`,
    'tv/Application.xml': `<Application><JSEngine>
  <Exec name="copy"><Program>/usr/bin/true</Program>
    <Argument>{input}</Argument><Argument>{size:small|big}</Argument><Argument>{target:url}</Argument></Exec>
</JSEngine></Application>`,
  });
  const grant = '<Exec name="copy"> in applications/tv/Application.xml:2';
  const plain = `The placeholder accepts a plain name only; ${grant} accepts more with`;
  assert.deepEqual(await linesOf(root, 'tv'), [
    `main.ts:5:37: application.exec('copy'): "rtmp://127.0.0.1/tv/x" for {input}: it has the character ":". ${plain} {input:url}`,
    `main.ts:6:37: application.exec('copy'): "../x" for {input}: it begins with ".". ${plain} {input:file}`,
    `main.ts:6:64: application.exec('copy'): "large" for {size:small|big}: it is none of small, big; see ${grant}`,
  ]);
});

test('without any grant each use is a mistake, also where the place is made while the script runs', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': USES,
    'old/main.js': 'var nc = new NetConnection(); nc.connect("rtmp://" + host);',
  });
  assert.equal((await linesOf(root, 'tv')).length, 10);
  assert.match(
    (await linesOf(root, 'old'))[0]!,
    /^main\.js:1:31: NetConnection\.connect: no host is granted/,
  );
});

test('check looks at conf/ as well, says so, and tells all mistakes there are', async (t) => {
  const root = rootWith(t, {
    'live/main.ts': 'trace(1);',
    'live/Application.xml':
      '<Application><Mystery/><Client><OutChunkSize>7</OutChunkSize></Client></Application>',
    '../conf/fms.ini': 'A = 1\nnonsense\n= 2\n',
    '../conf/Server.xml':
      '<Root>\n<Server>\n<Mystery/>\n<NetworkingIPv6 enable="maybe"/>\n</Server>\n</Root>',
    '../conf/Logger.xml': '<Logger>',
    '../conf/_defaultRoot_/Adaptor.xml': '<Adaptor><Order>Any</Order></Adaptor>',
  });
  const { printed, exitCode } = await understudy('check', '--root', root);
  assert.equal(exitCode, 1);
  const places = printed.flatMap((line) => /([\w.]+\.(?:ini|xml)(?::\d+)?): /.exec(line)?.[1] ?? []);
  assert.deepEqual(places, [
    ...['fms.ini:2', 'fms.ini:3', 'Server.xml:3', 'Server.xml:4', 'Logger.xml:1', 'Adaptor.xml:1'],
    ...['Application.xml:1', 'Application.xml:1'],
  ]);
  assert.ok(
    printed.some((line) => /conf: 6 mistakes$/.test(line)),
    printed.join('\n'),
  );
  assert.equal(printed.at(-1), 'live: 2 mistakes');
});

test('check tells a symbol with a mistake once, and goes on with what stands behind it', async (t) => {
  const root = rootWith(t, {
    'live/main.ts': 'trace(1)',
    'live/Application.xml': '<Application><Mystery/></Application>',
    '../conf/fms.ini': 'LOGGER.LEVEL = loud\nSERVER.DEBUG_PORT = many\n',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of symbols in files of conf/
    '../conf/Logger.xml': '<Logger><Diagnostic><Level>${LOGGER.LEVEL}</Level></Diagnostic></Logger>',
  });
  const { printed } = await understudy('check', '--root', root);
  const told = printed.map((line) => /(\w+ = \w+|<Mystery>|[a-z]+: \d mistakes?$)/.exec(line)?.[0] ?? line);
  assert.deepEqual(told.toSorted(), [
    ...['<Mystery>', 'DEBUG_PORT = many', 'Level = loud', 'conf: 2 mistakes', 'live: 1 mistake'],
  ]);
});

test('check says that conf/ is right where it is', async (t) => {
  const root = rootWith(t, { 'live/': '', '../conf/fms.ini': 'A = 1\n' });
  const { printed, exitCode } = await understudy('check', '--root', root);
  assert.equal(exitCode, 0);
  assert.match(printed[0]!, /conf: ok$/);
});
