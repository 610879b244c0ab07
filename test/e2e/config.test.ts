// The files of conf/ and of applications, in the real server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRunFile } from '../../src/admin/run-file.ts';
import { membersOf } from '../../src/protocol/amf/amf.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { endsWithUs } from '../support/child.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { type LogRecord, startServer, type TestServer } from '../support/server.ts';

function isReload(application: string): (record: LogRecord) => boolean {
  return ({ event, application: of }) => event === 'script-reload' && of === application;
}

/** Why the application's script refuses. */
async function reason(server: TestServer, application: string): Promise<unknown> {
  await using peer = await RtmpPeer.open(server.port);
  const { name, args } = await peer.connect(application);
  assert.equal(name, '_error');
  return membersOf(args[0]!)?.description;
}

test("a script sees its own Application.xml as application.config, and the virtual host's without one", async () => {
  const config = (inner: string) =>
    `<Application><JSEngine><ApplicationObject><config>${inner}</config></ApplicationObject></JSEngine></Application>`;
  const script = 'application.onConnect = () => ({ deny: JSON.stringify(application.config) });';
  await using server = await startServer({
    conf: {
      'fms.ini': 'AUTH.URL = http://127.0.0.1/check\n',
      '_defaultRoot_/_defaultVHost_/Application.xml': config('<color>red</color>'),
    },
    applications: {
      'own/main.ts': script,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a symbol of fms.ini
      'own/Application.xml': config('<url>${AUTH.URL}</url><limits><viewers>3</viewers></limits>'),
      'plain/main.ts': script,
    },
  });
  assert.equal(await reason(server, 'own'), '{"url":"http://127.0.0.1/check","limits":{"viewers":"3"}}');
  assert.equal(await reason(server, 'plain'), '{"color":"red"}');
  // saved, it counts for whoever comes next
  server.writeApp('own/Application.xml', config('<url>elsewhere</url>'));
  await server.waitForLog(isReload('own'));
  assert.equal(await reason(server, 'own/another'), '{"url":"elsewhere"}');
});

test('a saved Application.xml, of an application or of all, counts for instances that run; a bad one is reported', async () => {
  const script = `
    application.onConnect = (client: Client) => { client.color = () => application.config.color; return true; };
    application.onClientResume = application.onConnect;`;
  const file = (color: string, window: number) => `<Application>
    <Client><Bandwidth><ClientToServer>${window}</ClientToServer></Bandwidth></Client>
    <JSEngine><ApplicationObject><config><color>${color}</color></config></ApplicationObject></JSEngine>
  </Application>`;
  await using server = await startServer({
    applications: {
      'own/main.ts': script,
      'own/Application.xml': file('red', 100000),
      'plain/main.ts': script,
    },
  });
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('own');
  await using other = await RtmpPeer.open(server.port);
  await other.connect('plain');

  server.writeApp('own/Application.xml', file('green', 200000));
  await server.waitForLog(isReload('own'));
  assert.equal((await peer.call('color')).args[0], 'green', 'its client is still there');
  await using late = await RtmpPeer.open(server.port);
  await late.connect('own');
  const windows = (one: RtmpPeer) =>
    one.heard.flatMap(({ control }) =>
      control?.typeId === MessageType.WindowAckSize ? control.ackWindowBytes : [],
    );
  assert.deepEqual([windows(peer), windows(late)], [[100000], [200000]]);

  server.writeApp(
    'own/Application.xml',
    '<Application>\n<Client><OutChunkSize>many</OutChunkSize></Client></Application>',
  );
  const { msg } = await server.waitForLog(({ level, event }) => event === 'config' && level === 'error');
  assert.match(
    String(msg),
    /own\/Application\.xml:2: .*OutChunkSize.*; the previous settings stay in effect$/,
  );
  assert.equal((await peer.call('color')).args[0], 'green');

  server.writeConf('_defaultRoot_/_defaultVHost_/Application.xml', file('blue', 300000));
  await server.waitForLog(isReload('plain'));
  assert.equal((await other.call('color')).args[0], 'blue');
  assert.equal((await peer.call('color')).args[0], 'green');
});

test('an application with LoadOnStartup runs before anybody has come', async () => {
  await using server = await startServer({
    applications: {
      'early/main.ts': "application.onAppStart = () => console.log('up early');",
      'early/Application.xml': '<Application><LoadOnStartup>true</LoadOnStartup></Application>',
      'late/main.ts': "application.onAppStart = () => console.log('up late');",
    },
  });
  await server.waitForLog(({ msg }) => String(msg).includes('up early'));
  assert.ok(!server.log.some(({ msg }) => String(msg).includes('up late')));
});

test('the chunk size and the windows of a connection are those of its application', async () => {
  const client = (inner: string) => `<Application><Client>${inner}</Client></Application>`;
  const bandwidth = '<ServerToClient>300000</ServerToClient><ClientToServer>200000</ClientToServer>';
  await using server = await startServer({
    applications: {
      'plain/': '',
      'old/Application.xml': client(`<OutChunkSize>4096</OutChunkSize><Bandwidth>${bandwidth}</Bandwidth>`),
    },
  });
  const announced = async (application: string) => {
    await using peer = await RtmpPeer.open(server.port);
    await peer.connect(application);
    const [window, peerBandwidth, chunks] = peer.heard.flatMap(({ control }) => control ?? []);
    assert.ok(window?.typeId === MessageType.WindowAckSize);
    assert.ok(peerBandwidth?.typeId === MessageType.SetPeerBandwidth);
    assert.ok(chunks?.typeId === MessageType.SetChunkSize);
    return [window.ackWindowBytes, peerBandwidth.ackWindowBytes, chunks.chunkBytes];
  };
  assert.deepEqual(await announced('plain'), [2_500_000, 2_500_000, 60_000]);
  assert.deepEqual(await announced('old'), [200_000, 300_000, 4096]);

  // what is relayed is cut as announced, whoever publishes it
  await using publisher = await RtmpPeer.open(server.port);
  const stream = await publisher.publish('old', 'show');
  await using player = await RtmpPeer.open(server.port);
  await player.play('old', 'show');
  const picture = new Uint8Array(10_000).fill(7);
  picture.set([0x17, 1, 0, 0, 0]);
  publisher.video(stream, 0, picture);
  const heard = await player.expect('the picture', ({ media }) => media?.length === picture.length);
  assert.deepEqual(Buffer.from(heard.media!), Buffer.from(picture));
});

test('an application whose Application.xml is bad at the start is closed until it is right; others are served', async () => {
  await using server = await startServer({
    applications: {
      'live/Application.xml':
        '<Application>\n<Client><OutChunkSize>tiny</OutChunkSize></Client></Application>',
      'other/main.ts': '',
    },
  });
  const answerTo = async (app: string) => {
    await using peer = await RtmpPeer.open(server.port);
    return (await peer.connect(app)).name;
  };
  for (const app of ['live', 'live/b', 'live']) assert.equal(await answerTo(app), '_error');
  assert.equal(await answerTo('other'), '_result');
  const said = server.log.filter(({ event, level }) => event === 'config' && level === 'error');
  assert.deepEqual(
    said.map(({ msg }) => msg),
    [
      'applications/live/Application.xml:2: OutChunkSize = tiny: expected a whole number of bytes from 128 to 65536; ' +
        'clients cannot connect to the application until the error is corrected',
    ],
  );
  const { url, token } = readRunFile(server.runFile)!;
  const asked = await fetch(`${url}/api/v1/errors`, { headers: { authorization: `Bearer ${token}` } });
  const records = (await asked.json()) as { application: string; kind: string; line: number }[];
  assert.deepEqual(
    records.map(({ application, kind, line }) => [application, kind, line]),
    [['live', 'settings', 2]],
  );

  writeFileSync(join(server.root, 'applications/live/Application.xml'), '<Application/>');
  await server.waitForLog(({ msg }) => msg === 'the settings of live are valid: clients can connect to it');
  assert.equal(await answerTo('live'), '_result');
});

test('a bad file of the server ends it with exit code 1 and the place of the mistake', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'understudy-config-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'conf'));
  writeFileSync(join(root, 'conf', 'Server.xml'), '<Root>\n<Sevrer/></Root>');
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = endsWithUs(spawn(process.execPath, [main, 'start', '--root', root]));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(
    said,
    /conf\/Server\.xml:2: <Sevrer> is unknown in <Root>: expected one of Server, ServerDomain/,
  );
});

test('a busy port for debuggers or administrators is said with its holder, and the server runs without', async () => {
  await using holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  await using server = await startServer({
    args: ['--inspect'],
    set: { 'SERVER.DEBUG_PORT': String(port), 'SERVER.ADMINSERVER_HOSTPORT': `127.0.0.1:${port}` },
  });
  const why = `port 127.0.0.1:${port} is in use by node (process ${process.pid})`;
  assert.deepEqual(
    server.log.filter(({ event }) => event === 'port-closed').map(({ msg }) => msg),
    [`scripts cannot be debugged: ${why}`, `administration: ${why}`],
  );
  assert.deepEqual(
    server.listeners.map(({ kind }) => kind),
    ['rtmp'],
  );
});

test('with 30 files and sockets the server says in a sentence that it needs more, and ends with 1', async () => {
  const root = mkdtempSync(join(tmpdir(), 'understudy-few-'));
  try {
    const program = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
    const child = spawn(
      'sh',
      ['-c', 'ulimit -n 30; exec "$0" "$@"', process.execPath, program, 'start', '--root', root],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    endsWithUs(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.match(said, /may have 30 files and sockets open: expected at least 128/);
    assert.doesNotMatch(said, /"kind":"bug"|\n {4}at /);
  } finally {
    rmSync(root, { recursive: true });
  }
});
