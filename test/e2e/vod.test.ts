// Files that are there, played by other people's programs: what arrives is compared with the file, packet by packet.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, hevcClip, type Packet, probePackets, recordFor, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-vod-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Copies one of the clips into another container. */
async function remux(from: string, to: string, ...args: string[]): Promise<string> {
  const file = join(dir, to);
  const { exited, stderr } = startFfmpeg(['-i', from, '-c', 'copy', ...args, file]);
  assert.equal((await exited).code, 0, String(stderr));
  return file;
}

let server: TestServer;
let clip: string;
before(async () => {
  server = await startServer({ applications: { 'vod/': '' } });
  clip = await h264Clip();
  const streams = join(server.root, 'applications', 'vod', 'streams', '_definst_');
  mkdirSync(join(streams, 'films'), { recursive: true });
  copyFileSync(clip, join(streams, 'show.flv'));
  copyFileSync(clip, join(streams, 'films', 'show.flv')); // ffmpeg takes the folder for an instance
  copyFileSync(await remux(clip, 'show.mp4'), join(streams, 'show.mp4'));
  copyFileSync(
    await remux(clip, 'front.f4v', '-f', 'mp4', '-movflags', 'faststart'),
    join(streams, 'front.f4v'),
  );
  copyFileSync(
    await remux(clip, 'parts.mp4', '-movflags', 'frag_keyframe+empty_moov'),
    join(streams, 'parts.mp4'),
  );
  copyFileSync(await remux(clip, 'show.mov'), join(streams, 'show.mov'));
  copyFileSync(await hevcClip(), join(streams, 'new.mp4'));
  const song = join(dir, 'song.mp3');
  const made = startFfmpeg(['-i', clip, '-vn', '-c:a', 'libmp3lame', '-metadata', 'title=Tune', song]);
  assert.equal((await made.exited).code, 0, String(made.stderr));
  copyFileSync(song, join(streams, 'song.mp3'));
});
after(() => server?.[Symbol.asyncDispose]());

/** As fast as the server sends: the player says that it buffers a minute. */
async function played(name: string, ...options: string[]): Promise<Packet[]> {
  const file = join(dir, `${name.replaceAll(/\W/g, '-')}-${options.length}.flv`);
  const url = server.url('vod', name);
  const player = startFfmpeg([
    ...['-rtmp_buffer', '60000', ...options, '-copyts', '-i', url],
    ...['-map', '0:v?', '-map', '0:a?', '-c', 'copy', '-f', 'flv', file],
  ]);
  assert.equal((await player.exited).code, 0, String(player.stderr));
  return probePackets(file);
}

function payloads(packets: readonly Packet[], type: Packet['codecType']): string[] {
  return packets.filter(({ codecType }) => codecType === type).map(({ size, hash }) => `${size} ${hash}`);
}

function times(packets: readonly Packet[], type: Packet['codecType']): number[] {
  return packets.filter(({ codecType }) => codecType === type).map(({ dts }) => dts);
}

/** Of each kind as the file has it, but for the one step by which all of it is moved so that nothing is before 0. */
function assertSteps(packets: readonly Packet[], file: readonly Packet[]): void {
  const moves = (['video', 'audio'] as const).flatMap((type) => {
    const got = times(packets, type);
    const wanted = file.filter(({ codecType }) => codecType === type);
    return got.map((ms, i) => ms - wanted[i]!.dtsSeconds * 1000);
  });
  assert.ok(
    Math.max(...moves) - Math.min(...moves) <= 2,
    `moved by ${Math.min(...moves)} … ${Math.max(...moves)}`,
  );
}

test('FLV: ffmpeg gets every packet of the file with its time', async () => {
  const [got, wanted] = [await played('show'), await probePackets(clip)];
  const facts = ({ codecType, pts, dts, size, hash }: Packet) => `${codecType} ${pts} ${dts} ${size} ${hash}`;
  assert.deepEqual(got.map(facts).sort(), wanted.map(facts).sort());
});

for (const [name, file] of [
  ['mp4:show.mp4', 'show.mp4'],
  ['mp4:show', 'show.mp4'],
  ['mp4:front.f4v', 'front.f4v'],
  ['mp4:parts.mp4', 'parts.mp4'],
  ['mp4:show.mov', 'show.mov'],
] as const) {
  test(`${name}: ffmpeg gets every packet, sound and picture side by side`, async () => {
    const [got, wanted] = [await played(name), await probePackets(clip)];
    for (const type of ['video', 'audio'] as const) {
      assert.deepEqual(payloads(got, type), payloads(wanted, type));
    }
    assertSteps(got, await probePackets(join(dir, file)));
  });
}

test('mp3: ffmpeg gets every frame of it', async () => {
  const [got, wanted] = [await played('mp3:song'), await probePackets(join(dir, 'song.mp3'))];
  assert.deepEqual(payloads(got, 'audio'), payloads(wanted, 'audio'));
});

test('ffmpeg seeks: it gets what follows the keyframe before', async () => {
  // with all of a file in its buffer it takes the end of what it had for the end of what it sought
  const got = await played('show', '-rtmp_buffer', '3000', '-ss', '11', '-t', '2');
  const video = times(got, 'video');
  assert.ok(video[0]! >= 9_900 && video[0]! <= 11_000, `from ${video[0]}`);
  const wanted = (await probePackets(clip)).filter(({ codecType }) => codecType === 'video');
  const from = wanted.findIndex(({ dts }) => dts === video[0]);
  assert.deepEqual(payloads(got, 'video'), payloads(wanted.slice(from, from + video.length), 'video'));
});

/** Behind the first tag that ends beyond that part of the file. */
function endOfTagAt(bytes: Buffer, part: number): number {
  let end = 13;
  while (end < bytes.length * part) end += 15 + bytes.readUIntBE(end + 1, 3);
  return end;
}

/** It says 2 when it has less than the whole, asked for or not. */
async function rtmpdump(args: readonly string[]): Promise<void> {
  const run = promisify(execFile)(programPath('rtmpdump'), ['-q', ...args], { timeout: 60_000 });
  await run.catch((error) => assert.equal(error.code, 2, String(error)));
}

test('rtmpdump fetches a file, a part of one, and the rest of one', { skip: lacks('rtmpdump') }, async () => {
  const wanted = await probePackets(clip);
  const url = ['-r', server.url('vod', 'x').replace(/x$/, ''), '-y', 'films/show'];
  const whole = join(dir, 'dumped.flv');
  await rtmpdump([...url, '-o', whole]);
  assert.deepEqual(payloads(await probePackets(whole), 'video'), payloads(wanted, 'video'));
  assert.deepEqual(payloads(await probePackets(whole), 'audio'), payloads(wanted, 'audio'));

  const part = join(dir, 'part.flv');
  await rtmpdump([...url, '--start', '10', '--stop', '15', '-o', part]);
  const cut = await probePackets(part);
  assert.deepEqual(
    payloads(cut, 'video'),
    payloads(
      wanted.filter(({ codecType, dts }) => codecType === 'video' && dts >= 10_000 && dts < 15_000),
      'video',
    ),
  );

  truncateSync(whole, endOfTagAt(readFileSync(whole), 0.5)); // it takes up no file that ends in a tag
  await rtmpdump([...url, '--resume', '-o', whole]);
  assert.deepEqual(payloads(await probePackets(whole), 'video'), payloads(wanted, 'video'));
});

test('mpv plays a file from where it is told to, and to its end', { skip: lacks('mpv') }, async () => {
  const quiet = ['--no-config', '--vo=null', '--ao=null', '--untimed', '--no-audio'];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is mpv's own
  const said = ['--term-playing-msg=', '--term-status-msg=AT ${=time-pos}', '--terminal=yes'];
  const run = promisify(execFile)(
    programPath('mpv'),
    [...quiet, ...said, '--start=12', '--length=4', server.url('vod', 'mp4:show.mp4')],
    { timeout: 60_000 },
  );
  const { stdout, stderr } = await run;
  const places = [...`${stdout}${stderr}`.matchAll(/AT ([\d.]+)/g)].map(([, seconds]) => Number(seconds));
  assert.ok(places.length > 0 && places.every((at) => at >= 11.8 && at <= 16.3), String(places));
});

test('a channel of an FLV and an MP4 in turn is one stream to ffmpeg: time goes on, and every picture can be decoded', async () => {
  const script = `
    const channel = Stream.get('channel');
    const items = ['short', 'mp4:short.mp4'];
    let next = 0;
    channel.onStatus = ({ code }) => { if (code === 'NetStream.Play.Start') show(false); };
    const show = (now) => channel.play(items[next++ % 2], 0, 1.2, now);
    application.onAppStart = () => show(true);`;
  await using tv = await startServer({ applications: { 'tv/main.ts': script } });
  const streams = join(tv.root, 'applications', 'tv', 'streams', '_definst_');
  mkdirSync(streams, { recursive: true });
  for (const name of ['short.flv', 'short.mp4']) copyFileSync(await remux(clip, name), join(streams, name));
  const file = join(dir, 'seen.flv');
  await recordFor(tv.url('tv', 'channel'), file, 5);
  const packets = await probePackets(file);
  for (const kind of ['video', 'audio']) {
    const times = packets.filter(({ codecType }) => codecType === kind).map(({ dts }) => dts);
    const steps = times.slice(1).map((time, at) => time - times[at]!);
    assert.ok(
      steps.every((step) => step > 0 && step < 120),
      `${kind}: ${steps.join(' ')}`,
    );
  }
  const { exited, stderr } = startFfmpeg(['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
  assert.equal((await exited).code, 0);
  // An item that is cut between pictures that refer to each other may show two at the same time; all the same they can be decoded.
  assert.doesNotMatch(String(stderr), /\[(h264|aac)/);
});
