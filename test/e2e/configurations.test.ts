// Cameras that send empty decoder configurations before the real ones, and again behind them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { h264Clip, probePackets, probeStreams } from '../support/ffmpeg.ts';
import { hex } from '../support/hex.ts';
import { messagesOf } from '../support/recording-desk.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const SCRIPT = 'application.onPublish = (client, stream) => { stream.record(); };';
const BEFORE_MS = 4_000;

test('empty configurations before and behind the real ones cost neither recordings nor players anything', async () => {
  const clip = messagesOf(await h264Clip()).filter(
    ({ typeId, timestampMs }) => typeId !== MessageType.DataAmf0 && timestampMs < BEFORE_MS,
  );
  await using server = await startServer({ applications: { 'rec/main.ts': SCRIPT } });
  const streams = join(server.root, 'applications', 'rec', 'streams', '_definst_');
  const probed: [string, number][][] = [];
  for (const [name, file] of [
    ['plain', 'plain.flv'],
    ['mp4:film.f4v', 'film.f4v'],
  ] as const) {
    await using publisher = await RtmpPeer.open(server.port);
    const id = await publisher.publish('rec', name);
    const sendEmpty = (timestampMs: number) => {
      publisher.video(id, timestampMs, hex('17 00 000000'));
      publisher.audio(id, timestampMs, hex('af 00'));
    };
    sendEmpty(0);
    const send = (messages: typeof clip) => {
      for (const { typeId, timestampMs, payload } of messages) {
        publisher.send({ typeId, streamId: id, timestampMs, payload }, typeId === MessageType.Video ? 6 : 4);
      }
    };
    send(clip.slice(0, 100));
    sendEmpty(clip[100]!.timestampMs);
    await publisher.settle();
    await using player = await RtmpPeer.open(server.port);
    await player.play('rec', name);
    const headers = [await player.expectMedia(), await player.expectMedia()].map(
      ({ media }) => media!.length,
    );
    assert.ok(
      headers.every((length) => length > 5),
      `a joiner has got headers of ${headers} bytes`,
    );
    send(clip.slice(100));
    await publisher[Symbol.asyncDispose]();
    const { path } = await server.waitForLog(
      ({ event, path }) => event === 'record-stop' && String(path).endsWith(file),
    );
    assert.equal(path, join(streams, file));
    const packets = await probePackets(String(path));
    probed.push(
      (await probeStreams(String(path))).map(({ codecName, codecType }) => [
        String(codecName),
        packets.filter((packet) => packet.codecType === codecType).length,
      ]),
    );
  }
  const frames = (type: number) => clip.filter(({ typeId }) => typeId === type).length - 1;
  const whole = [
    ['h264', frames(MessageType.Video)],
    ['aac', frames(MessageType.Audio)],
  ];
  assert.deepEqual(probed, [whole, whole]);
});
