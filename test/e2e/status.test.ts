// `understudy status` of a real server, to which real ffmpeg publishes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readStatus, type Status, status } from '../../src/cli/status.ts';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** What the command prints into a pipe. */
async function printed(server: TestServer, ...args: string[]): Promise<string> {
  const command = [MAIN, 'status', ...args, '--root', server.root];
  return (await promisify(execFile)(process.execPath, command)).stdout;
}

async function inRed(server: TestServer): Promise<string[]> {
  const lines: string[] = [];
  const colours = { red: (text: string) => `<${text}>` };
  await status(server.root, false, { print: (line) => lines.push(line), colours });
  return lines.filter((line) => line.startsWith('<')).map((line) => line.slice(1, -1));
}

async function statusWith(
  server: TestServer,
  what: string,
  isThere: (status: Status) => boolean,
): Promise<Status> {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = await readStatus(server.root);
    if (isThere(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`no ${what}`);
}

const streamOf = ({ instances }: Status, name: string) =>
  instances.flatMap(({ streams }) => streams).find((one) => one.name === name);

/** Sends what is published on, and plays it under another name as well. */
const RELAY = `
  const far = new NetConnection();
  application.onPublish = (client, stream) => {
    if (stream.name !== 'show') return true;
    Stream.get('copy').play('show', -1);
    far.onStatus = (info) => {
      if (info.code !== 'NetConnection.Connect.Success') return;
      const out = new NetStream(far);
      out.attach(stream);
      out.publish('s3cret');
    };
    far.connect(application.config.target);
    return true;
  };`;

test('status shows codecs, size, rates, publisher, players and restreams of what ffmpeg publishes, and all of it as JSON', async () => {
  await using far = await startServer({ applications: { 'live/': '' } });
  const target = far.url('live', '').replace(/\/$/, '');
  const settings = `<Application><JSEngine>
    <NetConnection><Hosts>127.0.0.1:*</Hosts></NetConnection>
    <ApplicationObject><config><target>${target}</target></config></ApplicationObject>
  </JSEngine></Application>`;
  await using server = await startServer({
    applications: { 'relay/main.ts': RELAY, 'relay/Application.xml': settings },
  });
  await using player = await RtmpPeer.open(server.port);
  await player.play('relay', 'show');
  await using _ = startFfmpeg(publishArgs(await h264Clip(), server.url('relay', 'show'), { loop: true }));
  const isMeasured = (found: Status) => {
    const [show, copy] = [streamOf(found, 'show'), streamOf(found, 'copy')];
    const isFull = (show?.video[0]?.frameRate.tenSeconds ?? 0) > 15 && (copy?.rates.in.tenSeconds ?? 0) > 0;
    const restreams = found.instances.flatMap((instance) => instance.restreams);
    return (
      isFull &&
      restreams.some(({ state }) => state === 'sending') &&
      show?.video[0]?.keyframeIntervalMs === 2_000
    );
  };
  const found = await statusWith(server, 'whole seconds of it', isMeasured);

  const show = streamOf(found, 'show')!;
  const { frameRate, keyframeIntervalMs: _every, ...picture } = show.video[0]!;
  assert.ok(frameRate.tenSeconds < 40, `${frameRate.tenSeconds} frames a second`);
  assert.deepEqual(picture, { id: 0, codec: 'avc', profile: 'High', level: '1.3', width: 320, height: 180 });
  assert.deepEqual(show.audio, [{ id: 0, codec: 'aac', profile: 'LC', sampleRate: 44_100, channels: 2 }]);
  assert.equal(show.publisherIp, '127.0.0.1');
  assert.equal(show.subscribers.length, 1);
  assert.ok(show.rates.in.tenSeconds > 10_000 && show.rates.out.tenSeconds > 10_000);
  const copy = streamOf(found, 'copy')!;
  assert.deepEqual(
    [copy.publisherIp, copy.item, copy.video[0]?.width],
    ['', 'show', 320],
    'the server publishes it',
  );

  const text = await printed(server);
  assert.match(
    text,
    / {2}show: H\.264 High 320x180 at [\d.]+ frames\/s with a keyframe every 2 s, AAC LC 44\.1 kHz stereo\n/,
  );
  assert.match(text, / {4}in [\d.]+ [kM]bit\/s \(video .*, audio .*\) from 127\.0\.0\.1 \(.+\), for \d+ s\n/);
  assert.match(text, / {4}out [\d.]+ [kM]bit\/s, 1 player\n/);
  assert.ok(text.includes(`    ${target} receives it\n`), text);
  assert.match(text, / from the server, playing show, for /);
  assert.ok(!text.includes('s3cret'), 'the name of the stream there is its key');
  assert.ok(!text.includes('\u001b'), 'a pipe gets no colours');
  const json = JSON.parse(await printed(server, '--json')) as Status;
  assert.deepEqual(Object.keys(json), ['server', 'applications', 'instances']);
  assert.equal(streamOf(json, 'show')!.video[0]!.height, 180);
  await statusWith(
    server,
    'bitrate to other servers',
    ({ server: { outgoing } }) => outgoing.bytesOutPerSecond > 10_000,
  );
});

test('an application that is closed, broken, or goes on as it was before a mistake stands in red, with file and line', async () => {
  const wrong = '<Application>\n  <Nonsense/>\n</Application>';
  await using server = await startServer({
    applications: {
      'closed/Application.xml': wrong,
      'unbuilt/main.ts': 'application.onConnect = () => true;\nconst = 1;\n',
      'throws/main.ts': "const before = 1;\nthrow new Error('not today');\n",
      'fine/main.ts': 'application.onConnect = () => true;\n',
      'saved/Application.xml': '<Application/>',
    },
  });
  for (const name of ['throws', 'saved']) {
    await using peer = await RtmpPeer.open(server.port);
    await peer.connect(name);
  }
  const first = await inRed(server);
  assert.equal(first.length, 3, first.join('\n'));
  assert.match(
    first[0]!,
    /^closed is closed by an error in its settings: closed\/Application\.xml:2: .*Nonsense/,
  );
  assert.match(first[1]!, /^throws refuses all clients, .*: throws\/main\.ts:2:\d+: .*not today/);
  assert.match(first[2]!, /^unbuilt refuses all clients, .*: unbuilt\/main\.ts:2:\d+: /);
  const all = await printed(server);
  assert.match(all, /understudy.* errors --root /, 'what to type to see more');

  server.writeApp('closed/Application.xml', '<Application/>');
  server.writeApp('unbuilt/main.ts', 'application.onConnect = () => true;\n');
  server.writeApp('throws/main.ts', '');
  server.writeApp('saved/Application.xml', wrong);
  await statusWith(server, 'all mended but one', ({ applications }) => {
    const ill = applications.filter(({ problem }) => problem !== undefined);
    return ill.length === 1 && ill[0]!.problem!.state === 'outdated';
  });
  assert.match(
    (await inRed(server))[0]!,
    /^saved runs an earlier version because of an error: saved\/Application\.xml:2: /,
  );
});
