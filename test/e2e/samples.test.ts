// The applications that come along, as they come along, in the real server.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AmfValue, membersOf } from '../../src/protocol/amf/amf.ts';
import { h264Clip, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { flvFile } from '../support/flv.ts';
import { video } from '../support/media.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', 'applications');

/** The files of a sample, for `startServer`. */
function sample(name: string): Record<string, string> {
  const files = readdirSync(join(SAMPLES, name), { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((file) => [`${name}/${file.name}`, readFileSync(join(SAMPLES, name, file.name), 'utf8')]),
  );
}

async function connected(server: TestServer, application: string, ...args: AmfValue[]): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open(server.port);
  const answer = await peer.connect(application, {}, ...args);
  assert.equal(answer.name, '_result');
  return peer;
}

async function nextMedia(player: RtmpPeer): Promise<Buffer> {
  return Buffer.from((await player.expectMedia()).media!);
}

/** What it is told after asking: the code of the first status with one of these, and its description. */
async function outcome(
  peer: RtmpPeer,
  command: 'publish' | 'play',
  name: string,
): Promise<[code: AmfValue, AmfValue]> {
  const id = await peer.createStream();
  peer.command(command, 0, command === 'publish' ? [name, 'live'] : [name, -2000], id);
  const codes = [
    'NetStream.Publish.Start',
    'NetStream.Publish.Denied',
    'NetStream.Play.Start',
    'NetStream.Play.Failed',
  ];
  const heard = await peer.expect(`the outcome of ${command}`, (one) => {
    const info = one.streamId === id ? membersOf(one.command?.args[0]) : undefined;
    return codes.includes(String(info?.code));
  });
  const info = membersOf(heard.command?.args[0])!;
  return [info.code, info.description];
}

test('live: whoever comes may publish and play', async () => {
  await using server = await startServer({ applications: sample('live') });
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('live', 'show');
  publisher.video(id, 0, video.header());
  publisher.video(id, 40, video.keyframe());
  await using player = await RtmpPeer.open(server.port);
  await player.play('live', 'show');
  assert.deepEqual(await nextMedia(player), Buffer.from(video.header()));
  assert.deepEqual(await nextMedia(player), Buffer.from(video.keyframe()));
});

test('auth: as it comes along, nobody may publish and nobody may play', async () => {
  await using server = await startServer({ applications: sample('auth') });
  await using peer = await connected(server, 'auth');
  assert.deepEqual(await outcome(peer, 'publish', 'cam1'), [
    'NetStream.Publish.Denied',
    'unknown stream key',
  ]);
  const [code] = await outcome(peer, 'play', 'cam1?expires=99999999999&token=');
  assert.equal(code, 'NetStream.Play.Failed');
});

test('auth: a stream key publishes under its public name, a signed link plays until it expires', async () => {
  const key = '6d1c2f5f0f6b4a3e';
  const linkSecret = '0b6c8ee7a0f5f2e49be5a7f6c0a15f3c';
  const keys = JSON.stringify({ streamKeys: { [key]: 'cam1' }, linkSecret });
  const sign = (action: string, name: string, expires: number) => {
    const token = createHmac('sha256', linkSecret).update(`${action}:${name}:${expires}`).digest('hex');
    return `${name}?expires=${expires}&token=${token}`;
  };
  const later = Math.floor(Date.now() / 1000) + 3600;

  await using server = await startServer({ applications: { ...sample('auth'), 'auth/keys.json': keys } });
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('auth', key);
  publisher.video(id, 0, video.header());
  publisher.video(id, 40, video.keyframe());

  await using player = await connected(server, 'auth');
  assert.deepEqual(await outcome(player, 'play', sign('play', 'cam1', later)), [
    'NetStream.Play.Start',
    'Started playing cam1.',
  ]);
  assert.deepEqual(await nextMedia(player), Buffer.from(video.header()));

  await using stranger = await connected(server, 'auth');
  const invalid = ['NetStream.Play.Failed', 'this link is not valid, or not any longer'];
  for (const link of [
    'cam1',
    sign('play', 'cam1', 1_600_000_000),
    sign('play', 'cam2', later).replace('cam2', 'cam1'),
    sign('publish', 'cam1', later),
    `${sign('play', 'cam1', later).slice(0, -2)}`,
    'cam1?expires=constructor&token=__proto__',
  ]) {
    assert.deepEqual(await outcome(stranger, 'play', link), invalid, link);
  }
  for (const name of ['cam1', 'wrong-key', sign('play', 'cam9', later), 'toString', '__proto__']) {
    const denied = ['NetStream.Publish.Denied', 'unknown stream key'];
    assert.deepEqual(await outcome(stranger, 'publish', name), denied, name);
  }
  assert.equal(
    (await outcome(stranger, 'publish', sign('publish', 'cam9', later)))[0],
    'NetStream.Publish.Start',
  );
  const applicationLog = join(server.root, 'logs/_defaultVHost_/auth/_definst_/application.00.log');
  await server.stop();
  assert.match(readFileSync(applicationLog, 'utf8'), /127\.0\.0\.1 may not publish/);
  for (const log of [JSON.stringify(server.log), readFileSync(applicationLog, 'utf8')]) {
    assert.ok(!log.includes(key), 'the key stands in a log');
  }
});

test('record: what is published becomes a playable file, and recordings() answers it', async () => {
  await using server = await startServer({ applications: sample('record') });
  await using asker = await connected(server, 'record');
  assert.deepEqual((await asker.call('recordings')).args, [[]]);
  await using publisher = startFfmpeg(publishArgs(await h264Clip(), server.url('record', 'show')));
  const watching = await asker.createStream();
  asker.command('play', 0, ['show', -2000], watching);
  while ((await asker.expectMedia()).timestampMs < 3_000); // what a player has seen, the server has had
  await publisher.stop();

  let recordings: AmfValue[] = [];
  while (recordings.length === 0) {
    const { args } = await asker.call('recordings'); // until the server has seen the publisher go
    recordings = args[0] as AmfValue[];
  }
  assert.equal(recordings.length, 1);
  const { name, file } = membersOf(recordings[0])!;
  assert.deepEqual([name, file], ['show', 'streams/_definst_/show.flv']);
  await server.stop(); // which flushes the files
  const packets = await probePackets(join(server.root, 'applications/record', String(file)));
  assert.ok(packets.filter(({ codecType }) => codecType === 'video').length >= 70);
  assert.ok(packets.some(({ codecType }) => codecType === 'audio'));
});

test('chat: names are unique in a room, and everybody in it hears what is said', async () => {
  await using server = await startServer({ applications: sample('chat') });
  await using ann = await connected(server, 'chat/kitchen', 'Ann');
  assert.deepEqual((await ann.expectCommand('welcome')).args, [['Ann']]);
  await using bob = await connected(server, 'chat/kitchen', 'Bob<script>');
  assert.deepEqual((await bob.expectCommand('welcome')).args, [['Ann', 'Bobscript']]);
  assert.deepEqual((await ann.expectCommand('joined')).args, ['Bobscript']);
  await using elsewhere = await connected(server, 'chat/garden', 'Ann');
  assert.deepEqual((await elsewhere.expectCommand('welcome')).args, [['Ann']]);

  for (const [args, message] of [
    [['Ann'], 'Ann is here already'],
    [[], 'say who you are'],
  ] as [AmfValue[], string][]) {
    await using late = await RtmpPeer.open(server.port);
    const answer = await late.connect('chat/kitchen', {}, ...args);
    const info = membersOf(answer.args[0])!;
    assert.deepEqual([answer.name, info.code], ['_error', 'NetConnection.Connect.Rejected']);
    assert.deepEqual({ ...membersOf(info.application) }, { message });
  }

  assert.deepEqual((await bob.call('say', 'hello')).args, [true]);
  assert.deepEqual((await ann.expectCommand('said')).args, ['Bobscript', 'hello']);
  assert.deepEqual((await ann.call('who')).args, [['Ann', 'Bobscript']]);
  bob.socket.destroy();
  assert.deepEqual((await ann.expectCommand('left')).args, ['Bobscript']);
  await elsewhere.settle();
  assert.ok(!elsewhere.summary().includes('said'));
});

test('vod: files are played and counted, nobody publishes, what is not there is an error at once', async () => {
  await using server = await startServer({ applications: sample('vod') });
  const folder = join(server.root, 'applications', 'vod', 'streams', '_definst_');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'show.flv'), flvFile({ ms: 1_000 }).bytes);
  await using peer = await connected(server, 'vod');
  assert.deepEqual(await outcome(peer, 'publish', 'show'), [
    'NetStream.Publish.Denied',
    'files are put here by the operator',
  ]);
  assert.deepEqual((await outcome(peer, 'play', 'show'))[0], 'NetStream.Play.Start');
  await peer.expectStatus('NetStream.Play.Stop');
  const id = await peer.createStream();
  peer.command('play', 0, ['none', 0], id);
  await peer.expectStatus('NetStream.Play.StreamNotFound');
  const { args } = await peer.call('plays');
  assert.deepEqual({ ...membersOf(args[0]) }, { show: 1, none: 1 });
});

test('webhook: a Web server allows, renames and refuses', async () => {
  const calls: string[] = [];
  const web = createServer(async (request, response) => {
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    calls.push(
      `${form.get('call')} ${form.get('app')} ${form.get('name')} ${form.get('addr')} ${form.get('key')}`,
    );
    if (form.get('name') === 'renamed') response.writeHead(302, { location: 'public' });
    else if (form.get('name') === 'banned') response.writeHead(403);
    response.end();
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  try {
    const files = sample('webhook');
    const { port } = web.address() as AddressInfo;
    files['webhook/Application.xml'] = files['webhook/Application.xml']!.replaceAll('8080', String(port));
    await using server = await startServer({ applications: files });
    await using peer = await connected(server, 'webhook');
    assert.equal((await outcome(peer, 'publish', 'banned'))[1], 'the callback answered 403');
    assert.equal((await outcome(peer, 'publish', 'renamed?key=k'))[0], 'NetStream.Publish.Start');
    assert.equal((await outcome(peer, 'play', 'banned'))[0], 'NetStream.Play.Failed');
    assert.equal((await outcome(peer, 'play', 'public'))[0], 'NetStream.Play.Start');
    assert.deepEqual(calls, [
      'connect webhook null 127.0.0.1 null',
      'publish webhook banned 127.0.0.1 null',
      'publish webhook renamed 127.0.0.1 k',
      'play webhook banned 127.0.0.1 null',
      'play webhook public 127.0.0.1 null',
    ]);
  } finally {
    web.close();
  }
});

test('channel: files in turn, without a gap and for ever; a publisher breaks in, and the programme goes on', async () => {
  const items = [{ name: 'one' }, { name: 'two', start: 0, length: 0.4 }];
  const own = sample('channel');
  const files = { ...own, 'channel/playlist.json': JSON.stringify({ items }) };
  await using server = await startServer({ applications: files });
  const folder = join(server.root, 'applications', 'channel', 'streams', '_definst_');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'one.flv'), flvFile({ ms: 400 }).bytes);
  writeFileSync(join(folder, 'two.flv'), flvFile({ ms: 2_000 }).bytes);
  await using viewer = await RtmpPeer.open(server.port);
  await viewer.play('channel', 'channel', -1000);
  const times: number[] = [];
  while ((times.at(-1) ?? 0) < 1_500) times.push((await viewer.expectMedia()).timestampMs);
  const steps = times.slice(1).map((ms, at) => ms - times[at]!);
  assert.deepEqual(new Set(steps), new Set([0, 40]));

  await using studio = await RtmpPeer.open(server.port);
  const id = await studio.publish('channel', 'studio');
  studio.video(id, 7_000, video.keyframe(222));
  const isLive = (media: Uint8Array | undefined) => media?.at(-1) === 222;
  const live = await viewer.expect('what is live', ({ media }) => isLive(media));
  assert.ok(live.timestampMs >= times.at(-1)! && live.timestampMs < 60_000, `${live.timestampMs}`);
  server.writeApp('channel/main.ts', `${own['channel/main.ts']}\ntrace('saved');`);
  await server.waitForLog(({ event }) => event === 'script-reload');
  studio.video(id, 7_040, video.keyframe(222));
  const next = await viewer.expect('what is live still', ({ media }) => isLive(media));
  assert.equal(next.timestampMs, live.timestampMs + 40);
  await studio[Symbol.asyncDispose]();
  const back = await viewer.expect('the programme', ({ media }) => media !== undefined && !isLive(media));
  assert.ok(back.timestampMs >= next.timestampMs);
  assert.ok(!viewer.summary().includes('NetStream.Play.UnpublishNotify'));
});
