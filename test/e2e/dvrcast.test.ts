// applications/dvrcast_origin in the real server: what Flash Media Live Encoder 3 and FLVPlayback 2.5 say to it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AmfObject, type AmfValue, membersOf } from '../../src/protocol/amf/amf.ts';
import { UserControlEvent } from '../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { audio, video } from '../support/media.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const SAMPLE = join(import.meta.dirname, '..', '..', 'applications', 'dvrcast_origin');
const applications = Object.fromEntries(
  readdirSync(SAMPLE, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [`dvrcast_origin/${name}`, readFileSync(join(SAMPLE, name), 'utf8')]),
);
const conf = {
  'Server.xml':
    '<Root><Server><Streams><RecBuffer><MaxFlushTime>1</MaxFlushTime></RecBuffer></Streams></Server></Root>',
};

async function come(server: TestServer): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open(server.port);
  await peer.connect('dvrcast_origin', { flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)' });
  return peer;
}

/** As the encoder publishes: the announcement first. */
async function publish(server: TestServer, name: string): Promise<{ peer: RtmpPeer; id: number }> {
  const peer = await come(server);
  await peer.call('releaseStream', name);
  await peer.call('FCPublish', name);
  const id = await peer.createStream();
  peer.command('publish', 0, [name, 'live'], id);
  await peer.expectStatus('NetStream.Publish.Start');
  return { peer, id };
}

function send({ peer, id }: { peer: RtmpPeer; id: number }, fromMs: number, toMs: number): void {
  if (fromMs === 0) peer.video(id, 0, video.header());
  for (let ms = fromMs; ms < toMs; ms += 100) {
    peer.video(id, ms, ms % 1_000 === 0 ? video.keyframe() : video.frame());
    peer.audio(id, ms, audio.frame());
  }
}

const info = (more: AmfObject = {}): AmfObject => ({
  streamName: 'show',
  callTime: new Date(),
  startRec: new Date(),
  stopRec: new Date(0),
  maxLen: 0,
  begOffset: 0,
  endOffset: 0,
  append: true,
  offline: false,
  ...more,
});

async function ask(
  peer: RtmpPeer,
  method: string,
  ...args: AmfValue[]
): Promise<{ code: AmfValue; data: AmfObject }> {
  const {
    name,
    args: [value],
  } = await peer.call(method, ...args);
  assert.equal(name, '_result');
  const answer = membersOf(value)!;
  return { code: answer.code, data: membersOf(answer.data) ?? {} };
}

test('S-14, S-22, S-24: an encoder says what is recorded; a player subscribes, asks, plays from 0 and follows', async () => {
  await using server = await startServer({ applications, conf });
  const file = join(server.root, 'applications', 'dvrcast_origin', 'streams', '_definst_', 'show.flv');
  await using viewer = await come(server);
  assert.equal((await ask(viewer, 'DVRGetStreamInfo', 'show')).code, 'NetStream.DVRStreamInfo.Failed');
  viewer.command('DVRSubscribe', 0, ['show']);
  const unknown = membersOf((await viewer.expectCommand('onDVRSubscribe')).args[0])!;
  assert.deepEqual([unknown.code, unknown.description], ['NetStream.Play.StreamNotFound', 'show']);

  const encoder = await publish(server, 'show');
  send(encoder, 0, 1_000);
  await encoder.peer.settle();
  assert.equal(existsSync(file), false, 'nobody asked for a recording yet');
  const early = await ask(viewer, 'DVRGetStreamInfo', 'show');
  assert.deepEqual([early.code, early.data.retry], ['NetStream.DVRStreamInfo.Retry', 3]);

  const stranger = await ask(viewer, 'DVRSetStreamInfo', info({ offline: true }));
  assert.equal(stranger.code, 'NetStream.DVRStreamInfo.Failed');
  const set = await ask(encoder.peer, 'DVRSetStreamInfo', info());
  assert.equal(set.code, 'NetStream.DVRStreamInfo.Success');
  send(encoder, 1_000, 9_000);

  const subscribed = await viewer.call('DVRSubscribe', 'show');
  assert.equal(subscribed.name, '_result');
  const told = membersOf((await viewer.expectCommand('onDVRSubscribe')).args[0])!;
  assert.deepEqual([told.code, told.description], ['NetStream.Play.Start', 'show']);
  const { code, data } = await ask(viewer, 'DVRGetStreamInfo', 'show');
  assert.equal(code, 'NetStream.DVRStreamInfo.Success');
  for (const name of ['callTime', 'startRec', 'stopRec', 'lastUpdate']) {
    assert.ok(data[name] instanceof Date, `${name} is a date`);
  }
  for (const name of ['currLen', 'begOffset', 'endOffset', 'maxLen'])
    assert.equal(typeof data[name], 'number');
  assert.deepEqual([data.streamName, data.isRec, data.offline, data.append], ['show', true, false, true]);

  const id = await viewer.createStream();
  viewer.control({
    typeId: MessageType.UserControl,
    event: UserControlEvent.SetBufferLength,
    streamId: id,
    bufferMs: 60_000,
  });
  viewer.command('play', 0, ['show', 0, -1_000], id);
  await viewer.expectStatus('NetStream.Play.Start');
  const first = await viewer.expectMedia();
  assert.equal(first.timestampMs, 0);
  await viewer.expect(
    'what was sent two seconds later',
    ({ media, timestampMs }) => media !== undefined && timestampMs >= 1_900,
  );
  assert.ok(statSync(file).size > 0);
  assert.ok(!viewer.summary().includes('NetStream.Play.Stop'));

  // the operator stops: no more is recorded, the live stream goes on
  const over = await ask(
    encoder.peer,
    'DVRSetStreamInfo',
    info({ startRec: data.startRec!, stopRec: new Date(), callTime: new Date() }),
  );
  assert.equal(over.data.isRec, false);
  await viewer.expectStatus('NetStream.Play.Stop');
  const length = await viewer.call('getStreamLength', 'show');
  assert.ok(Number(length.args[0]) > 7, `${length.args[0]} s`);
  const unsubscribed = await viewer.call('DVRUnsubscribe', 'show');
  assert.equal(unsubscribed.name, '_result');
  assert.equal(
    membersOf((await viewer.expectCommand('onDVRUnsubscribe')).args[0])!.code,
    'NetStream.Play.Stop',
  );
  encoder.peer.socket.destroy();
});

test('S-17: the fields of the stream’s info say what players see', async () => {
  await using server = await startServer({ applications, conf });
  const encoder = await publish(server, 'mp4:show.f4v');
  await using viewer = await come(server);
  const set = async (more: AmfObject) =>
    ask(encoder.peer, 'DVRSetStreamInfo', info({ streamName: 'mp4:show.f4v', ...more }));
  const get = () => ask(viewer, 'DVRGetStreamInfo', 'show');
  const past = new Date(Date.now() - 60_000);
  const future = new Date(Date.now() + 3_600_000);

  await set({ startRec: future });
  assert.equal((await get()).code, 'NetStream.DVRStreamInfo.Retry', 'it begins in an hour');
  // an encoder whose clock is an hour slow
  const slow = (ms: number) => new Date(ms - 3_600_000);
  const { data } = await set({
    startRec: slow(Date.now()),
    callTime: slow(Date.now()),
    begOffset: 12,
    endOffset: 7,
    maxLen: 90,
  });
  assert.ok(Math.abs((data.startRec as Date).getTime() - Date.now()) < 5_000, String(data.startRec));
  assert.deepEqual([data.begOffset, data.endOffset, data.maxLen], [12, 7, 90]);
  await set({ startRec: past, offline: true });
  const id = await viewer.createStream();
  viewer.command('play', 0, ['mp4:show.f4v', 0, -1_000], id);
  assert.equal((await viewer.expectStatus('NetStream.Play.Failed')).description, 'not available');
  encoder.peer.socket.destroy();
});
