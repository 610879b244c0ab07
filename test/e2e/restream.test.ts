// Streams that go on to other servers: the sample restream and its targets, a real nginx-rtmp, and ourselves by TLS.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NO_COLOURS } from '../../src/cli/colours.ts';
import { reload } from '../../src/cli/running.ts';
import { status } from '../../src/cli/status.ts';
import { membersOf } from '../../src/protocol/amf/amf.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { rootWithCertificate } from '../support/certificate.ts';
import { Core, until } from '../support/core.ts';
import { lacks } from '../support/debian.ts';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { video } from '../support/media.ts';
import { startNginxRtmp } from '../support/nginx-rtmp.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-restream-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** The sample, with those targets, which it may reach. */
function restream(...targets: { url: string; name: string }[]): Record<string, string> {
  const folder = join(import.meta.dirname, '../../applications/restream');
  const files = Object.fromEntries(
    readdirSync(folder).map((name) => [`restream/${name}`, readFileSync(join(folder, name), 'utf8')]),
  );
  const hosts = /<Hosts>.*<\/Hosts>/;
  assert.match(files['restream/Application.xml']!, hosts);
  return {
    ...files,
    'restream/targets.json': JSON.stringify({ targets }),
    'restream/Application.xml': files['restream/Application.xml']!.replace(
      hosts,
      '<Hosts>127.0.0.1:*</Hosts>',
    ),
  };
}

async function pictures(peer: RtmpPeer, count: number): Promise<{ ms: number; bytes: string }[]> {
  const seen: { ms: number; bytes: string }[] = [];
  while (seen.length < count) {
    const { typeId, timestampMs: ms, media } = await peer.expectMedia();
    if (typeId === MessageType.Video) seen.push({ ms, bytes: Buffer.from(media!).toString('base64') });
  }
  return seen;
}

test('restream: each target gets what is published, one that has gone is tried again, and neither a saved script nor a killed one is noticed', async () => {
  await using far = await Core.start();
  const url = (application: string) => `rtmp://127.0.0.1:${far.port}/${application}`;
  const files = restream({ url: url('live'), name: 'key-{stream}' }, { url: url('other'), name: 'copy' });
  await using server = await startServer({ applications: files });
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('restream', 'show');
  publisher.video(id, 0, video.keyframe(1));
  const { peer: one } = await far.player('key-show', 'live');
  const { peer: two } = await far.player('copy', 'other');
  const mark = async (peer: RtmpPeer) => (await peer.expectMedia()).media!.at(-1);
  assert.deepEqual([await mark(one), await mark(two)], [1, 1]);

  const publishes = () => far.script('live/_definst_').told('publish').length;
  assert.equal(publishes(), 1);
  server.writeApp('restream/main.ts', `${files['restream/main.ts']}\ntrace('saved');`);
  await server.waitForLog(({ event }) => event === 'script-reload');
  publisher.video(id, 40, video.keyframe(2));
  assert.deepEqual([await mark(one), await mark(two)], [2, 2]);
  assert.equal(publishes(), 1);

  const soFar = server.log.length;
  process.kill(await server.runnerPid(), 'SIGKILL');
  const isOn = ({ msg }: { msg?: unknown }) => /NetStream\.Publish\.Start/.test(String(msg));
  await server.waitForLog(isOn, undefined, soFar);
  publisher.video(id, 60, video.keyframe(3));
  assert.deepEqual([await mark(one), await mark(two)], [3, 3]);
  assert.equal(publishes(), 1);

  const [pusher] = [...far.instance('live/_definst_')!.publications];
  far.script('live/_definst_').commands.obey({ op: 'disconnect', client: pusher!.client.id });
  await one.expectStatus('NetStream.Play.UnpublishNotify');
  await until('another try', () => publishes() === 2);
  publisher.video(id, 80, video.keyframe(4));
  assert.deepEqual(
    [await mark(one), await mark(one), await mark(two)],
    [3, 4, 4],
    'it begins with the last keyframe',
  );

  publisher.socket.destroy();
  await Promise.all([one, two].map((peer) => peer.expectStatus('NetStream.Play.UnpublishNotify')));
  await until('the players alone', () => far.sessionCount === 2);
});

test('what the guide for authors shows is on air, both ways, after a save as before, by the same connection', async () => {
  const guide = readFileSync(join(import.meta.dirname, '../../applications/README.md'), 'utf8');
  const snippets = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
  const holding = snippets.filter((code) => /\.connect\('rtmp/.test(code));
  assert.equal(holding.length, 2);
  await using far = await Core.start();
  const url = `rtmp://127.0.0.1:${far.port}/live`;
  const grant = '<NetConnection><Hosts>127.0.0.1:*</Hosts></NetConnection>';
  const files = holding.map((code, i) => ({
    [`guide${i}/main.ts`]: code.replaceAll(/'rtmps?:[^']*'/g, `'${url}'`),
    [`guide${i}/Application.xml`]: `<Application><JSEngine>${grant}</JSEngine></Application>`,
  }));
  await using server = await startServer({ applications: Object.assign({}, ...files) });
  const { peer: source, id: sourceId } = await far.publisher('show');
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('guide0', 'cam');
  await using player = await RtmpPeer.open(server.port);
  await player.play('guide1', 'copy');
  const { peer: there } = await far.player('stream-key-there');
  const mark = async (peer: RtmpPeer) => (await peer.expectMedia()).media!.at(-1);
  const goes = async (n: number) => {
    publisher.video(id, n * 40, video.keyframe(n));
    source.video(sourceId, n * 40, video.keyframe(n));
    assert.deepEqual([await mark(there), await mark(player)], [n, n]);
  };
  await goes(1);
  const sessions = far.sessionCount;
  for (const file of files) {
    const [[name, code]] = Object.entries(file) as [[string, string]];
    const since = server.log.length;
    server.writeApp(name, `${code}\n// saved`);
    await server.waitForLog(({ event }) => event === 'script-reload', undefined, since);
  }
  await goes(2);
  assert.equal(far.sessionCount, sessions);
  assert.equal(far.script().told('publish').length, 2, 'nothing was published anew');
});

test('a save that takes nothing over ends no restream: the log and the status name it, and reload ends it', async () => {
  await using far = await Core.start();
  const url = `rtmp://127.0.0.1:${far.port}/live`;
  const script = `
    const there = new NetConnection();
    const out = new NetStream(there);
    there.onStatus = ({ code }) => { if (code === 'NetConnection.Connect.Success') out.publish('secret-key'); };
    application.onPublish = (client, stream) => { out.attach(stream); there.connect('${url}?token=hidden'); };`;
  const grant =
    '<Application><JSEngine><NetConnection><Hosts>127.0.0.1:*</Hosts></NetConnection></JSEngine></Application>';
  await using server = await startServer({
    applications: { 'show/main.ts': script, 'show/Application.xml': grant },
  });
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('show', 'cam');
  publisher.video(id, 0, video.keyframe(1));
  const { peer: player } = await far.player('secret-key');
  const mark = async () => (await player.expectMedia()).media!.at(-1);
  assert.equal(await mark(), 1);
  server.writeApp('show/main.ts', `${script}\n// saved`);
  const warning = await server.waitForLog(({ event }) => event === 'outgoing-forgotten');
  const { level, application, address, streams, msg } = warning;
  assert.deepEqual(
    { level, application, address, streams },
    {
      ...{ level: 'warn', application: 'show', address: url, streams: ['cam'] },
    },
  );
  assert.match(String(msg), /onAppStart/);
  publisher.video(id, 40, video.keyframe(2));
  assert.equal(await mark(), 2);
  const lines: string[] = [];
  await status(server.root, false, { print: (line) => lines.push(line), colours: NO_COLOURS });
  assert.ok(
    lines.some((line) => line.includes(url) && line.includes('cam')),
    lines.join('\n'),
  );
  assert.doesNotMatch(`${lines} ${JSON.stringify(server.log)}`, /secret-key|hidden/);
  await reload(server.root, 'show');
  await player.expectStatus('NetStream.Play.UnpublishNotify');
  await until('the player alone', () => far.sessionCount === 1);
});

test('a real nginx-rtmp is published to: its players see what ours see', {
  skip: lacks('nginx', 'ngx_rtmp_module.so'),
}, async () => {
  await using nginx = await startNginxRtmp();
  const url = `rtmp://127.0.0.1:${nginx.port}/live`;
  await using server = await startServer({ applications: restream({ url, name: 'copy' }) });
  await using there = await RtmpPeer.open(nginx.port);
  await there.play('live', 'copy');
  await using here = await RtmpPeer.open(server.port);
  await here.play('restream', 'show');
  await using publisher = startFfmpeg(publishArgs(await h264Clip(), server.url('restream', 'show')));
  assert.ok(publisher);
  assert.deepEqual(await pictures(there, 50), await pictures(here, 50));
  assert.ok(there.heard.some(({ media, typeId }) => media && typeId === MessageType.Audio));
  const metaData = (peer: RtmpPeer) => {
    const found = peer.heard.find(({ data }) => data?.name === 'onMetaData');
    const { width, height, videocodecid } = membersOf(found?.data?.values[0])!;
    return { width, height, videocodecid };
  };
  assert.deepEqual(metaData(there), metaData(here));
});

test('a stream of a real nginx-rtmp is published here, until its publisher goes', {
  skip: lacks('nginx', 'ngx_rtmp_module.so'),
}, async () => {
  await using nginx = await startNginxRtmp();
  const url = `rtmp://127.0.0.1:${nginx.port}/live`;
  await using server = await startServer({
    applications: {
      'pull/Application.xml': `<Application><JSEngine><NetConnection><Hosts>127.0.0.1:*</Hosts></NetConnection></JSEngine>
        </Application>`,
      'pull/main.ts': `
        const nc = new NetConnection();
        nc.onStatus = ({ code }) => {
          if (code === 'NetConnection.Connect.Success') Stream.get('copy')!.play('show', -1, -1, true, nc);
        };
        application.onAppStart = () => void nc.connect('${url}');
        Client.prototype.source = () => Stream.get('copy')!.source;`,
    },
  });
  await using here = await RtmpPeer.open(server.port);
  await here.play('pull', 'copy');
  while ((await here.call('source')).args[0] !== 'show');
  await using there = await RtmpPeer.open(nginx.port);
  await there.play('live', 'show');
  await using publisher = startFfmpeg(publishArgs(await h264Clip(), `${url}/show`));
  const [ours, theirs] = [await pictures(here, 50), await pictures(there, 50)];
  assert.deepEqual(
    ours.map(({ bytes }) => bytes),
    theirs.map(({ bytes }) => bytes),
  );
  const delay = ours[0]!.ms - theirs[0]!.ms;
  assert.deepEqual(
    ours.map(({ ms }) => ms - delay),
    theirs.map(({ ms }) => ms),
  );
  assert.ok(here.heard.some(({ data }) => data?.name === 'onMetaData'));
  await publisher.stop();
  await here.expectStatus('NetStream.Play.UnpublishNotify');
});

test('by rtmps a stream goes where the certificate is one that is trusted, and nowhere else', async () => {
  const root = rootWithCertificate(dir, 'far');
  await using far = await startServer({
    root,
    applications: { 'live/': '' },
    set: { 'ADAPTOR.HOSTPORT': '127.0.0.1:0,-0' },
  });
  const { port } = far.listener('rtmp', true);
  const applications = restream({ url: `rtmps://127.0.0.1:${port}/live`, name: 'copy' });
  const trusted = `<Root><Server><SSL><SSLClientCtx><SSLCACertificateFile>${join(root, 'conf/_defaultRoot_/cert.pem')}
    </SSLCACertificateFile></SSLClientCtx></SSL></Server></Root>`;
  await using server = await startServer({ applications, conf: { 'Server.xml': trusted } });
  await using player = await RtmpPeer.open(far.port);
  await player.play('live', 'copy');
  await using publisher = await RtmpPeer.open(server.port);
  publisher.video(await publisher.publish('restream', 'show'), 0, video.keyframe(7));
  assert.equal((await player.expectMedia()).media!.at(-1), 7);
  assert.ok(far.log.some(({ event, protocol }) => event === 'publish' && protocol === 'rtmps'));

  await using strict = await startServer({ applications });
  await using refused = await RtmpPeer.open(strict.port);
  await refused.publish('restream', 'show');
  const { reason } = await strict.waitForLog(({ event }) => event === 'outgoing-end');
  assert.match(String(reason), /self.signed/i);
});

test('a script follows a server that says where to connect instead', async () => {
  await using far = await Core.start();
  far.scripts.prepare = (script) => {
    const redirect = `rtmp://127.0.0.1:${far.port}/other`;
    script.decide = (question) =>
      question.gate === 'onConnect' && question.client.uri.endsWith('/live')
        ? { accepted: false, reason: 'over there', redirect }
        : { accepted: true };
  };
  const grant = '<NetConnection><Hosts>127.0.0.1:*</Hosts></NetConnection>';
  await using server = await startServer({
    applications: {
      'walker/Application.xml': `<Application><JSEngine>${grant}</JSEngine></Application>`,
      'walker/main.ts': `
        application.onAppStart = () => {
          const there = new NetConnection();
          there.onStatus = ({ code, ex }) => {
            trace(code + ' ' + ex?.code + ' ' + ex?.redirect);
            if (code === 'NetConnection.Connect.Rejected' && ex?.redirect) there.connect(ex.redirect);
          };
          there.connect('rtmp://127.0.0.1:${far.port}/live');
        };`,
    },
  });
  await using visitor = await RtmpPeer.open(server.port);
  await visitor.connect('walker');
  const rejected = `NetConnection.Connect.Rejected 302 rtmp://127.0.0.1:${far.port}/other`;
  await server.waitForLog(({ msg }) => String(msg) === rejected);
  await server.waitForLog(({ msg }) => String(msg).startsWith('NetConnection.Connect.Success'));
  assert.ok(far.instance('other/_definst_'));
});
