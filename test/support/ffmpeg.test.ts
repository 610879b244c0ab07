import assert from 'node:assert/strict';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  h264Clip,
  hevcClip,
  playArgs,
  probePackets,
  probeStreams,
  publishArgs,
  recordFor,
  recordUntil,
  startFfmpeg,
} from './ffmpeg.ts';

function temporaryFolder() {
  return mkdtempDisposableSync(join(tmpdir(), 'understudy-'));
}

test('the H.264 clip has B-frames, AAC and a key frame every 2 s', async () => {
  const clip = await h264Clip();
  assert.deepEqual(
    (await probeStreams(clip)).map(({ codecName }) => codecName),
    ['h264', 'aac'],
  );
  const video = (await probePackets(clip)).filter(({ codecType }) => codecType === 'video');
  assert.equal(video.length, 28 * 25);
  assert.ok(video.some(({ pts, dts }) => pts > dts));
  assert.deepEqual(
    video.filter(({ isKeyframe }) => isKeyframe).map(({ dts }) => dts),
    Array.from({ length: 14 }, (_, gop) => gop * 2000),
  );
});

test('the HEVC clip has B-frames', async () => {
  const clip = await hevcClip();
  assert.equal((await probeStreams(clip))[0]?.codecName, 'hevc');
  assert.ok((await probePackets(clip)).some(({ pts, dts }) => pts > dts));
});

test('a played file has the packets and timestamps of its source', async () => {
  using folder = temporaryFolder();
  const clip = await h264Clip();
  const played = join(folder.path, 'played.flv');
  await recordUntil(clip, played, new Promise(() => {}));
  assert.deepEqual(await probePackets(played), await probePackets(clip));
});

test('publishing in a loop goes on until it is stopped, in real time', async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'published.flv');
  await using publisher = startFfmpeg(publishArgs(await h264Clip(), file, { loop: true }));
  await publisher.reached(0.5);
  assert.equal((await publisher.stop()).code, 255);
  const packets = await probePackets(file);
  assert.ok(packets.length > 10 && packets.length < 500, `${packets.length} packets`);
});

test('recordFor ends by itself', async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'recorded.flv');
  await recordFor(await h264Clip(), file, 1);
  assert.ok((await probePackets(file)).length > 0);
});

test('what ffmpeg cannot do says why', async () => {
  using folder = temporaryFolder();
  const missing = join(folder.path, 'missing.flv');
  await using run = startFfmpeg(playArgs(missing, join(folder.path, 'out.flv')));
  await assert.rejects(run.reached(1), /No such file/);
  assert.equal((await run.exited).code, 1);
  await assert.rejects(probePackets(missing), /No such file/);
  await assert.rejects(recordFor(missing, join(folder.path, 'out.flv'), 1), /exit code 1/);
});

test('an ffmpeg that is killed is gone', async () => {
  using folder = temporaryFolder();
  const publisher = startFfmpeg(publishArgs(await h264Clip(), join(folder.path, 'a.flv'), { loop: true }));
  await publisher.reached(0.1);
  assert.equal((await publisher.kill()).signal, 'SIGKILL');
  assert.throws(() => process.kill(publisher.pid, 0), { code: 'ESRCH' });
});
