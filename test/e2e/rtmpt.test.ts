// Tunnels as other people's programs dig them: ffmpeg's rtmpt and librtmp's, with its rtmpdump.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { certificateFor, rootWithCertificate } from '../support/certificate.ts';
import { endsWithUs } from '../support/child.ts';
import { Core } from '../support/core.ts';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, playArgs, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { assertBeginsLike } from '../support/packets.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startStunnel } from '../support/terminator.ts';
import { TunnelClient } from '../support/tunnel-client.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-rtmpt-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const APPLICATIONS = {
  'live/main.ts': `application.onConnect = (client) => {
    trace('came by', client.protocol, client.secure, client.ip);
    return true;
  };`,
};

function tunnels(server: TestServer): unknown[] {
  return server.log.filter(({ event }) => event === 'connect').map(({ protocol }) => protocol);
}

test('S-05: ffmpeg publishes and plays by rtmpt on the port of RTMP, packet for packet; the script sees rtmpt', async () => {
  const clip = await h264Clip();
  await using server = await startServer({ applications: APPLICATIONS });
  const url = `rtmpt://127.0.0.1:${server.port}/live/show`;
  const file = join(dir, 'ffmpeg.flv');
  await using player = startFfmpeg(playArgs(url, file));
  await server.waitForLog(({ event }) => event === 'connect');
  await using publisher = startFfmpeg(publishArgs(clip, url).toSpliced(1, 0, '-t', '6'));
  for (const run of [publisher, player]) assert.equal((await run.exited).code, 0, String(run.stderr));
  await assertBeginsLike(clip, file, 140);
  assert.deepEqual(tunnels(server), ['rtmpt', 'rtmpt']);
  const traced = server.log.map(({ msg }) => String(msg)).filter((msg) => msg.includes('came by'));
  assert.equal(traced.length, 2);
  for (const line of traced) assert.match(line, /came by rtmpt false 127\.0\.0\.1$/);
});

test('S-05: rtmpdump plays by rtmpt what is published by rtmp, packet for packet', {
  skip: lacks('rtmpdump'),
}, async () => {
  const clip = await h264Clip();
  await using server = await startServer({ applications: APPLICATIONS });
  const file = join(dir, 'rtmpdump.flv');
  const url = `rtmpt://127.0.0.1:${server.port}/live/show`;
  const child = endsWithUs(
    spawn(programPath('rtmpdump'), ['--live', '-r', url, '-o', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close');
  await server.waitForLog(({ event }) => event === 'connect');
  const publishing = publishArgs(clip, server.url('live', 'show')).toSpliced(1, 0, '-t', '6');
  await using publisher = startFfmpeg(publishing);
  assert.equal((await publisher.exited).code, 0, String(publisher.stderr));
  await ended; // it leaves when the publisher does
  await assertBeginsLike(clip, file, 140, said);
  assert.deepEqual(tunnels(server), ['rtmpt', 'rtmp']);
});

test('S-12: a tunnel inside TLS that stunnel takes off reaches the plain port, and plays', {
  skip: lacks('stunnel'),
}, async () => {
  await using core = await Core.start();
  await using stunnel = await startStunnel({
    certificate: certificateFor('tv.example.com'),
    target: core.port,
  });
  const client = await TunnelClient.open(stunnel.port, { secure: true });
  await using player = await RtmpPeer.over(client.asSocket);
  assert.equal((await player.connect('live', { tcUrl: 'rtmps://tv.example.com/live' })).name, '_result');
  const id = await player.createStream();
  player.command('play', 0, ['show', -2000], id);
  await player.expectStatus('NetStream.Play.Start');
  const { peer, id: publishing } = await core.publisher('show');
  peer.video(publishing, 0, Buffer.from('170100000042', 'hex'));
  assert.equal(Buffer.from((await player.expectMedia()).media!).toString('hex'), '170100000042');
});

test('S-12: ffmpeg publishes by rtmpts to a port with TLS of its own, and is rtmps to the script', async () => {
  const root = rootWithCertificate(dir, 'rtmpts');
  const clip = await h264Clip();
  await using server = await startServer({
    root,
    set: { 'ADAPTOR.HOSTPORT': '127.0.0.1:0,-0' },
    applications: APPLICATIONS,
  });
  const url = `rtmpts://127.0.0.1:${server.listener('rtmp', true).port}/live/show`;
  await using publisher = startFfmpeg(publishArgs(clip, url, { loop: true }));
  await publisher.reached(2);
  assert.deepEqual(tunnels(server), ['rtmps']);
  const traced = server.log.map(({ msg }) => String(msg)).filter((msg) => msg.includes('came by'));
  assert.match(traced[0]!, /came by rtmps true 127\.0\.0\.1$/);
});
