// Two who publish one name, against the real server: real sockets, the real clock, and an encoder that is stopped in its tracks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { h264Clip, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { audio } from '../support/media.ts';
import { RtmpPeer, statusOf } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

function codes(peer: RtmpPeer): string[] {
  return peer.heard.flatMap(({ command }) => (statusOf(command) ? [String(statusOf(command)!.code)] : []));
}

async function asking(port: number, name: string): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open(port);
  await peer.connect('live');
  peer.command('publish', 0, [name, 'live'], await peer.createStream());
  return peer;
}

test('a publisher that sends and answers no ping keeps its name', async () => {
  await using server = await startServer({ applications: { 'live/': '' } });
  await using holder = await RtmpPeer.open(server.port);
  const id = await holder.publish('live', 'show');
  await using newcomer = await asking(server.port, 'show');
  for (let ms = 0; codes(newcomer).length === 0; ms += 1) {
    holder.audio(id, ms, audio.frame(1));
    await turn();
  }
  assert.deepEqual(codes(newcomer), ['NetStream.Publish.BadName']);
  assert.deepEqual(codes(holder), ['NetStream.Publish.Start']);
});

test('an encoder that hangs is taken over, and the log says by whom', async () => {
  await using server = await startServer({ applications: { 'live/': '' } });
  await using hanging = startFfmpeg(
    publishArgs(await h264Clip(), server.url('live', 'show'), { loop: true }),
  );
  await hanging.reached(1);
  process.kill(hanging.pid, 'SIGSTOP');
  await using newcomer = await asking(server.port, 'show');
  await newcomer.expectStatus('NetStream.Publish.Start');
  const line = await server.waitForLog(({ event }) => event === 'taken-over');
  const connects = server.log.filter(({ event }) => event === 'connect');
  assert.deepEqual(
    [line.client, line.byClient],
    connects.map(({ client }) => client),
  );
});
