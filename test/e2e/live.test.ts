// The main job on real input: ffmpeg publishes and plays, and every packet that arrives is compared with the file.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  h264Clip,
  type Packet,
  playArgs,
  probePackets,
  probeStreams,
  publishArgs,
  startFfmpeg,
} from '../support/ffmpeg.ts';
import { assertEndOf, assertSamePackets } from '../support/packets.ts';
import { startServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-live-'));
after(() => rmSync(dir, { recursive: true, force: true }));

test('S-02: a clip with B-frames arrives packet for packet: at one who waited, one who joined in mid-GOP, one after a restart', async () => {
  const clip = await h264Clip();
  const published = await probePackets(clip);
  await using server = await startServer({ applications: { 'live/': '' } });
  const url = server.url('live', 'show');
  const file = (name: string) => join(dir, `${name}.flv`);

  await using early = startFfmpeg(playArgs(url, file('early')));
  await server.waitForLog(({ event }) => event === 'connect');
  await using publisher = startFfmpeg(publishArgs(clip, url));
  await publisher.reached(5); // groups of pictures are 2 s long: the middle of one
  await using late = startFfmpeg(playArgs(url, file('late')));
  await late.reached(0.1);
  const joinedMs = (await publisher.written()) * 1000;
  for (const run of [publisher, early, late]) assert.equal((await run.exited).code, 0, String(run.stderr));

  const whole = await probePackets(file('early'));
  assertSamePackets(whole, published);
  assert.deepEqual((await probeStreams(file('early'))).map(({ codecName }) => codecName).sort(), [
    'aac',
    'h264',
  ]);

  const joined = await probePackets(file('late'));
  assertEndOf(joined, published);
  const first = joined.find(({ codecType }) => codecType === 'video')!;
  assert.ok(first.isKeyframe, 'a late joiner begins with a keyframe');
  assert.ok(
    first.dts >= 2000 && first.dts <= joinedMs,
    `it began at ${first.dts} ms, and came at ${joinedMs} ms`,
  );

  await using again = startFfmpeg(publishArgs(clip, url));
  await again.reached(1);
  await using third = startFfmpeg(playArgs(url, file('third')));
  for (const run of [again, third]) assert.equal((await run.exited).code, 0, String(run.stderr));
  assertEndOf(await probePackets(file('third')), published);
});

test('timestamps beyond 0xFFFFFF arrive as they were sent', async () => {
  const clip = await h264Clip();
  await using server = await startServer({ applications: { 'live/': '' } });
  const url = server.url('live', 'old');
  const file = join(dir, 'old.flv');
  const offsetS = 16_770; // 7 s before the clock needs its extended form

  await using player = startFfmpeg(playArgs(url, file));
  await server.waitForLog(({ event }) => event === 'connect');
  const [destination, ...rest] = publishArgs(clip, url).reverse();
  const args = [...rest.reverse(), '-t', '12', '-output_ts_offset', String(offsetS), destination!];
  await using publisher = startFfmpeg(args);
  for (const run of [publisher, player]) assert.equal((await run.exited).code, 0, String(run.stderr));

  const published = (await probePackets(clip)).filter(({ codecType }) => codecType === 'video');
  const played = (await probePackets(file)).filter(({ codecType }) => codecType === 'video');
  assert.ok(played.length > 250);
  assert.ok(played.at(-1)!.dts > 0xff_ffff && played[0]!.dts < 0xff_ffff, 'the clip crosses the border');
  const sinceFirst = (packets: Packet[]) => packets.map(({ dts, hash }) => [dts - packets[0]!.dts, hash]);
  assert.deepEqual(sinceFirst(played), sinceFirst(published.slice(0, played.length)));
});
