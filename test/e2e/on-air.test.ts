// The promise of the product: whatever happens to a script, the show goes on.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { h264Clip, playArgs, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { assertSamePackets } from '../support/packets.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-on-air-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** The next record of that kind, of those that come after `act`. */
async function logged(server: TestServer, event: string, act: () => void): Promise<Record<string, unknown>> {
  const since = server.log.length;
  act();
  return server.waitForLog((record) => record.event === event, 10_000, since);
}

const version = (n: number) => `
application.onConnect = (client) => true;
application.onPublish = (client, stream, request) => request.name === 'show' || { deny: 'not the show' };
application.onPlay = () => true;
Client.prototype.version = () => ${n};
application.onAppStart = (info) => trace('version ${n}, reload ' + info.reload);
`;

test('five edits, two of them broken, and one kill of the runner lose no packet of ffmpeg at any of three players', async () => {
  const clip = await h264Clip();
  await using server = await startServer({ applications: { 'stage/main.ts': version(1) } });
  const url = server.url('stage', 'show');
  const files = ['a', 'b', 'c'].map((name) => join(dir, `${name}.flv`));
  const players = files.map((file) => startFfmpeg(playArgs(url, file)));
  for (let known = 0, at = 0; known < 3; known += 1) {
    await server.waitForLog(({ event }) => event === 'play', 10_000, at);
    at = server.log.findIndex(({ event }, i) => i >= at && event === 'play') + 1;
  }
  await using publisher = startFfmpeg(publishArgs(clip, url));
  await publisher.reached(2);
  await using witness = await RtmpPeer.open(server.port);
  await witness.connect('stage');
  const serving = async () => (await witness.call('version')).args[0];

  const edit = (text: string) => () => server.writeApp('stage/main.ts', text);
  await logged(server, 'script-reload', edit(version(2)));
  assert.equal(await serving(), 2);
  const broken = await logged(server, 'script-error', edit(`${version(3)}\nlet = ;`));
  assert.equal(broken.file, 'main.ts');
  assert.equal(await serving(), 2);
  await logged(server, 'script-reload', edit(version(4)));
  assert.equal(await serving(), 4);
  const thrown = await logged(server, 'script-error', edit(`${version(5)}\nthrow new Error('not yet');`));
  assert.match(String(thrown.message), /not yet/);
  assert.equal(await serving(), 4);
  await logged(server, 'script-reload', edit(version(6)));
  assert.equal(await serving(), 6);

  const runner = await server.runnerPid();
  await logged(server, 'runner', () => process.kill(runner, 'SIGKILL'));
  assert.equal(await serving(), 6);

  for (const run of [publisher, ...players]) assert.equal((await run.exited).code, 0, String(run.stderr));
  const published = await probePackets(clip);
  for (const file of files) assertSamePackets(await probePackets(file), published);
});

test('an application that has had a script never runs without one', async () => {
  const strict = `application.onConnect = (client, key) => key === 'right' || { deny: 'wrong key' };`;
  await using server = await startServer({ applications: { 'door/main.ts': strict } });
  const file = join(server.root, 'applications', 'door', 'main.ts');
  const knock = async (key: string) => {
    await using peer = await RtmpPeer.open(server.port);
    return (await peer.connect('door', {}, key)).name;
  };
  assert.equal(await knock('right'), '_result');
  assert.equal(await knock('wrong'), '_error');

  await logged(server, 'script', () => unlinkSync(file)); // says that the last version goes on
  for (let i = 0; i < 20; i += 1) assert.equal(await knock('wrong'), '_error');
  assert.equal(await knock('right'), '_result');

  await logged(server, 'script-reload', () =>
    server.writeApp('door/main.ts', strict.replace("'right'", "'new'")),
  );
  assert.equal(await knock('right'), '_error');
  assert.equal(await knock('new'), '_result');
});

test('with a script that has never worked, everybody is refused until a save heals it', async () => {
  await using server = await startServer({ applications: { 'new/main.ts': 'this is no script' } });
  await using first = await RtmpPeer.open(server.port);
  const refusal = await first.connect('new');
  assert.equal(refusal.name, '_error');
  await logged(server, 'script', () => server.writeApp('new/main.ts', 'application.onConnect = () => true;'));
  await using second = await RtmpPeer.open(server.port);
  assert.equal((await second.connect('new')).name, '_result');
});

test('a stream key shows in no log, no file of logs, and nothing that players are told', async () => {
  const key = 'k3y-that-nobody-may-see';
  const script = `
    application.onPublish = (client, stream, request) => ({ as: 'cam1', record: 'record' });
    application.onUnpublish = (client, stream) => trace('gone: ' + stream.name);
  `;
  await using server = await startServer({
    applications: { 'keys/main.ts': script },
    set: { 'LOGGER.LEVEL': 'trace' },
  });
  await using player = await RtmpPeer.open(server.port);
  await player.play('keys', 'cam1');
  await using curious = await RtmpPeer.open(server.port);
  await curious.play('keys', key);
  {
    await using publisher = await RtmpPeer.open(server.port);
    const id = await publisher.publish('keys', key);
    assert.equal((await player.expectStatus('NetStream.Play.PublishNotify')).details, 'cam1');
    publisher.command('closeStream', 0, [], id);
    await publisher.expectStatus('NetStream.Unpublish.Success');
  }
  await player.expectStatus('NetStream.Play.UnpublishNotify');
  await curious.settle();
  assert.ok(!curious.summary().includes('NetStream.Play.PublishNotify'), 'the key is not a name to play');
  await server.waitForLog(({ msg }) => String(msg).includes('gone: cam1'));
  const heard = JSON.stringify(player.heard);
  assert.ok(!heard.includes(key));
  const said = JSON.stringify(server.log);
  assert.ok(!said.includes(key), said.slice(Math.max(0, said.indexOf(key) - 300), said.indexOf(key) + 100));
});

test('no runner survives kill -9 of the server', async () => {
  const server = await startServer({
    applications: { 'app/main.ts': 'application.onConnect = () => true;' },
  });
  const runner = await server.runnerPid();
  await server.kill9();
  const isAlive = () => {
    try {
      process.kill(runner, 0);
      return true;
    } catch {
      return false;
    }
  };
  const patience = AbortSignal.timeout(10_000);
  while (isAlive()) {
    if (patience.aborted) assert.fail('the runner is still there');
    await new Promise((resolve) => setImmediate(resolve));
  }
  server.removeRoot();
});
