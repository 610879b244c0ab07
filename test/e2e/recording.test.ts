// Recordings of the real server: begun by a script while the publisher is on air, cut off by kill -9, whole after the next start.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeOnMetaData, FlvReader, ownIndex } from '../../src/media/flv.ts';
import {
  complaintsAbout,
  h264Clip,
  type Packet,
  probePackets,
  probeStreams,
  publishArgs,
  startFfmpeg,
} from '../support/ffmpeg.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const SCRIPT = `
application.onPublish = (client, stream) => {
  if (stream.name.startsWith('mp4:')) stream.record();
};
application.onRecord = (stream, file) => trace('record ' + JSON.stringify(file));
application.onRecordError = (stream, error) => trace('error ' + JSON.stringify(error));
Client.prototype.record = (name, how) => Stream.get(name).record(how);
Client.prototype.about = async (name) => [await Stream.length(name), await Stream.size(name)];
Client.prototype.clear = (name) => Stream.get(name).clear();
`;
const FLUSH_EVERY_SECOND = `<Root><Server><ResourceLimits><RecBuffer>
<MaxFlushTime>1</MaxFlushTime></RecBuffer></ResourceLimits></Server></Root>`;

/** Of each stream of the file, in the order of decoding. */
function assertTimesGrow(packets: readonly Packet[]): void {
  for (const type of ['video', 'audio']) {
    const stream = packets.filter(({ codecType }) => codecType === type);
    assert.ok(stream.length > 0, `no ${type}`);
    stream.forEach(({ dts }, i) => {
      assert.ok(i === 0 || dts > stream[i - 1]!.dts, `${type} ${i}: ${stream[i - 1]?.dts}, then ${dts}`);
    });
  }
}

const lengthMs = (packets: readonly Packet[]) =>
  Math.max(...packets.map(({ dtsSeconds }) => dtsSeconds)) * 1000;

/** When the last picture has been shown, 25 of which are a second. */
const shownMs = (packets: readonly Packet[]) =>
  Math.max(...packets.map(({ ptsSeconds }) => ptsSeconds)) * 1000 + 40;

test('S-22: a script records a live stream when it is asked to; kill -9 costs what was not flushed, and the next start makes the files whole', async () => {
  const root = mkdtempSync(join(tmpdir(), 'understudy-recording-e2e-'));
  const streams = join(root, 'applications', 'rec', 'streams', '_definst_');
  const [flv, mp4] = [join(streams, 'cam.flv'), join(streams, 'cam.f4v')];
  try {
    const files = {
      root,
      applications: { 'rec/main.ts': SCRIPT },
      conf: { 'Server.xml': FLUSH_EVERY_SECOND },
    };
    const clip = await h264Clip();
    {
      await using server = await startServer(files);
      await using publisher = startFfmpeg(publishArgs(clip, server.url('rec', 'cam')));
      await using another = startFfmpeg(publishArgs(clip, server.url('rec', 'mp4:cam.f4v')));
      await publisher.reached(1);
      assert.equal(existsSync(flv), false, 'it is live, and nobody has asked for more');
      await using peer = await RtmpPeer.open(server.port);
      await peer.connect('rec');
      assert.equal((await peer.call('record', 'cam', 'record')).args[0], true);
      await publisher.reached(5.5);
      await another.reached(5.5);
      const [seconds, bytes] = (await peer.call('about', 'cam')).args[0] as number[];
      assert.ok(seconds! > 2 && seconds! < 6, `${seconds} s, and growing`);
      assert.ok(bytes! > 50_000);
      await server.kill9();
    }
    assert.equal(readdirSync(join(root, 'run', 'recordings')).length, 2);
    const cutOff = await Promise.all([flv, mp4].map((file) => probePackets(file)));
    for (const packets of cutOff) {
      assertTimesGrow(packets);
      assert.ok(lengthMs(packets) > 2_500, `${lengthMs(packets)} ms`);
    }

    await using server = await startServer(files);
    for (const [i, file] of [flv, mp4].entries()) {
      const repaired = await server.waitForLog(
        ({ event, path }) => event === 'record-repaired' && path === file,
      );
      assert.equal(repaired.level, 'info');
      assert.equal(repaired.sizeBytes, statSync(file).size);
      const packets = await probePackets(file);
      assertTimesGrow(packets);
      assert.equal(packets.length, cutOff[i]!.length, 'nothing that could be played is lost');
      assert.ok(Math.abs(lengthMs(packets) - (repaired.lengthMs as number)) < 50);
      const codecs = (await probeStreams(file)).map(({ codecName }) => codecName).sort();
      assert.deepEqual(codecs, ['aac', 'h264']);
      assert.equal(await complaintsAbout(file), '');
    }
    const [first] = [...new FlvReader().push(readFileSync(flv))];
    const metaData = decodeOnMetaData(first!.payload)!;
    assert.ok(ownIndex(metaData.keyframes)!.length >= 2);
    assert.ok((metaData.duration as number) > 2.5);
    assert.deepEqual(readdirSync(join(root, 'run', 'recordings')), []);

    await using peer = await RtmpPeer.open(server.port);
    await peer.connect('rec');
    const [seconds] = (await peer.call('about', 'mp4:cam.f4v')).args[0] as number[];
    assert.ok(
      Math.abs(seconds! * 1000 - shownMs(cutOff[1]!)) < 50,
      'its length is that of what is shown of it',
    );
    assert.equal((await peer.call('clear', 'cam')).args[0], true);
    assert.equal(existsSync(flv), false);
    assert.equal((await peer.call('clear', 'cam')).args[0], false, 'there is none any more');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
