// Secrets and symbols that change while the server runs.
import assert from 'node:assert/strict';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { type LogRecord, startServer, type TestServer } from '../support/server.ts';

const SCRIPT = `
let kept = 0;
application.onConnect = () => true;
application.onBeforeReload = () => ({ kept });
application.onAppStart = (info) => { kept = (info.data?.kept ?? 0) + 1; };
Client.prototype.secret = (name: string) => application.env[name] ?? null;
`;
const SETTINGS =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of symbols in Application.xml
  '<Application><JSEngine><Environment><KEY>${KEY}</KEY></Environment></JSEngine></Application>';

async function secret(server: TestServer, name: string): Promise<unknown> {
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('shop');
  return (await peer.call('secret', name)).args[0];
}

async function after(server: TestServer, change: () => void, fits: (record: LogRecord) => boolean) {
  const since = server.log.length;
  change();
  return server.waitForLog(fits, undefined, since);
}

const served = ({ event }: LogRecord) => event === 'script-reload';

test('a symbol of fms.ini that an application uses counts when it is saved, without a restart', async () => {
  await using server = await startServer({
    applications: { 'shop/main.ts': SCRIPT, 'shop/Application.xml': SETTINGS },
    conf: { 'fms.ini': 'KEY = first\n' },
  });
  await using watching = await RtmpPeer.open(server.port);
  await watching.connect('shop');
  assert.equal(await secret(server, 'KEY'), 'first');
  await after(server, () => server.writeConf('fms.ini', 'KEY = second\n'), served);
  assert.equal(await secret(server, 'KEY'), 'second');
  assert.equal(watching.isClosed, false);

  const { msg } = await after(
    server,
    () => server.writeConf('fms.ini', 'KEY : third\n'),
    ({ level, event }) => level === 'error' && event === 'config',
  );
  assert.match(
    String(msg),
    /^conf\/fms.ini:1: .*expected NAME = value; the previous settings stay in effect/,
  );
  assert.equal(await secret(server, 'KEY'), 'second');
});

test('.env beside Application.xml fills application.env; Environment wins, and a change counts when it is saved', async () => {
  await using server = await startServer({
    applications: {
      'shop/main.ts': SCRIPT,
      'shop/Application.xml': SETTINGS,
      'shop/.env': '# ours\nKEY=of .env\nexport TOKEN="a # b"\nPLAIN=x # comment\n',
    },
    conf: { 'fms.ini': 'KEY = of fms.ini\n' },
  });
  const file = join(server.root, 'applications', 'shop', '.env');
  const warned = await server.waitForLog(
    ({ level, msg }) => level === 'warn' && /\.env: every user/.test(String(msg)),
  );
  assert.ok(warned);
  assert.equal(await secret(server, 'KEY'), 'of fms.ini');
  assert.equal(await secret(server, 'TOKEN'), 'a # b');
  assert.equal(await secret(server, 'PLAIN'), 'x');

  chmodSync(file, 0o600);
  await after(server, () => server.writeApp('shop/.env', 'TOKEN=new'), served);
  assert.equal(await secret(server, 'TOKEN'), 'new');
  assert.equal(await secret(server, 'PLAIN'), null);

  const isMistake = ({ level, event }: LogRecord) => level === 'error' && event === 'config';
  const { msg } = await after(server, () => server.writeApp('shop/.env', 'TOKEN=z\nhush'), isMistake);
  assert.match(
    String(msg),
    /^applications\/shop\/\.env:2: expected NAME=value.*; the previous settings stay in effect$/,
  );
  assert.doesNotMatch(JSON.stringify(server.log), /hush/);
  assert.equal(await secret(server, 'TOKEN'), 'new');

  await after(server, () => rmSync(file), served);
  assert.equal(await secret(server, 'TOKEN'), null);
});

test('a setting that waits for a restart is named when it is saved, a mistake with its line, and going back is said as well', async () => {
  await using server = await startServer({ applications: { 'shop/': '' } });
  const isConfig = ({ event }: LogRecord) => event === 'config';
  const ipv6 = (value: string) => `<Root><Server><NetworkingIPv6 enable="${value}"/></Server></Root>`;
  const saved = await after(server, () => server.writeConf('Server.xml', ipv6('true')), isConfig);
  assert.equal(saved.msg, 'conf/Server.xml: Server/NetworkingIPv6@enable: takes effect at the next start');
  const wrong = await after(server, () => server.writeConf('Server.xml', ipv6('many')), isConfig);
  assert.match(String(wrong.msg), /^conf\/Server.xml:1: .*NetworkingIPv6@enable = many: expected /);
  const mended = await after(server, () => server.writeConf('Server.xml', ipv6('true')), isConfig);
  assert.equal(mended.msg, saved.msg, 'a mistake that is undone is said to be');
  const gone = await after(
    server,
    () => renameSync(join(server.root, 'conf', 'Server.xml'), join(server.root, 'conf', 'Server.xml~')),
    isConfig,
  );
  assert.equal(gone.msg, 'conf/ is unchanged since the server started');
});
