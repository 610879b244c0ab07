// How long files of other people's programs are: what the server says is what ffprobe says.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { isSeekMark } from '../../src/application/contract/seek-marks.ts';
import { inspectVideo } from '../../src/media/tag.ts';
import { membersOf } from '../../src/protocol/amf/amf.ts';
import { UserControlEvent } from '../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { buildWireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import { h264Clip, type Packet, probePackets, probeSeconds, startFfmpeg } from '../support/ffmpeg.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-lengths-'));
after(() => rmSync(dir, { recursive: true, force: true }));

let server: TestServer;
before(async () => {
  server = await startServer({ applications: { 'vod/': '' } });
});
after(() => server?.[Symbol.asyncDispose]());

function place(name: string): string {
  const file = join(server.root, 'applications', 'vod', 'streams', '_definst_', name);
  mkdirSync(dirname(file), { recursive: true });
  return file;
}

async function make(file: string, ...args: string[]): Promise<string> {
  const { exited, stderr } = startFfmpeg([...args, file]);
  assert.equal((await exited).code, 0, String(stderr));
  return file;
}

/** Seconds, as getStreamLength, onMetaData and Stream.length have it. */
async function lengthsOf(name: string): Promise<number[]> {
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('vod');
  const { args } = await peer.call('getStreamLength', name);
  const id = await peer.createStream();
  peer.command('play', 0, [name, 0], id);
  const { data } = await peer.expect('its metadata', ({ data: said }) => said?.name === 'onMetaData');
  return [Number(args[0]), Number(membersOf(data!.values[0])?.duration)];
}

/** Half a minute that is quiet, and ten seconds that are anything but. */
const QUIET_START = ['-f', 'lavfi', '-i', "aevalsrc='if(lt(t,30),0,random(0)-0.5)':d=40:s=44100"];

for (const [name, args] of [
  ['quiet', ['-q:a', '4']],
  ['mono', ['-q:a', '4', '-ac', '1']],
  ['half', ['-q:a', '4', '-ar', '22050']],
  ['quarter', ['-q:a', '6', '-ar', '11025', '-ac', '1']],
  ['tagged', ['-q:a', '4', '-metadata', `title=${'x'.repeat(5_000)}`, '-write_id3v1', '1']],
  ['bare', ['-q:a', '4', '-write_xing', '0']],
  ['constant', ['-b:a', '128k']],
] as const) {
  test(`an MP3 of LAME (${args.join(' ').slice(0, 40)}) is as long as ffprobe says`, async () => {
    const file = await make(place(`${name}.mp3`), ...QUIET_START, '-c:a', 'libmp3lame', ...args);
    // without a header ffprobe guesses by the bitrate of the first frames
    const wanted = name === 'bare' ? 40.05 : await probeSeconds(file);
    for (const seconds of await lengthsOf(`mp3:${name}`)) {
      assert.ok(Math.abs(seconds - wanted) < 0.06, `${seconds} for ${wanted}`);
    }
  });
}

interface Sent {
  readonly kind: 'video' | 'audio';
  readonly hash: string;
  readonly ptsMs: number;
  readonly isHidden: boolean;
}

/** Everything that is sent of a film, headers left out. */
async function sentOf(name: string): Promise<Sent[]> {
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('vod');
  const id = await peer.createStream();
  const { SetBufferLength: event } = UserControlEvent;
  peer.control({ typeId: MessageType.UserControl, event, streamId: id, bufferMs: 60_000 });
  peer.command('play', 0, [name, 0], id);
  await peer.expectStatus('NetStream.Play.Stop');
  const sent: Sent[] = [];
  let isHidden = false;
  for (const { typeId, timestampMs, media } of peer.heard) {
    if (!media) continue;
    if (typeId === MessageType.Audio) {
      if (media[1] !== 0)
        sent.push({ kind: 'audio', hash: md5(media, 2), ptsMs: timestampMs, isHidden: false });
      continue;
    }
    const tag = inspectVideo(media);
    if (!tag || tag.isSequenceHeader) continue;
    if (isSeekMark(buildWireMessage({ typeId: MessageType.Video, timestampMs, payload: media }))) {
      isHidden = media[1] === 0;
      continue;
    }
    sent.push({ kind: 'video', hash: md5(media, 5), ptsMs: timestampMs + tag.compositionMs, isHidden });
  }
  return sent;
}

function md5(bytes: Uint8Array, from: number): string {
  return createHash('md5').update(bytes.subarray(from)).digest('hex');
}

/** Of the pictures; a frame of sound is shorter. */
const FRAME_MS = 41;

for (const [what, first, second] of [
  ['cut at its begin', ['-ss', '3'], undefined],
  ['cut at both ends', ['-ss', '3', '-t', '5.5'], undefined],
  ['cut at its end', ['-t', '4.2'], undefined],
  ['whose sound is late', [], ['-itsoffset', '2']],
  ['as it was made', [], undefined],
] as const) {
  test(`an MP4 of ffmpeg ${what} is presented as ffprobe says`, async () => {
    const name = `${what.replaceAll(' ', '-')}.mp4`;
    const whole = await make(
      join(dir, `whole-${name}`),
      '-i',
      await h264Clip(),
      '-t',
      '12',
      '-c:v',
      'copy',
      '-c:a',
      'aac',
    );
    const inputs = second
      ? ['-i', whole, ...second, '-i', whole, '-map', '0:v', '-map', '1:a']
      : ['-i', whole];
    const file = await make(place(name), ...first, ...inputs, '-c', 'copy');
    const packets = await probePackets(file);
    const sent = await sentOf(`mp4:${name}`);
    const byHash = new Map(sent.map((one) => [`${one.kind} ${one.hash}`, one]));
    const moves: Record<Packet['codecType'], number[]> = { video: [], audio: [], data: [] };
    for (const { codecType, hash, isDiscarded, ptsSeconds } of packets) {
      const found = byHash.get(`${codecType} ${hash.replace('MD5:', '')}`);
      const ms = ptsSeconds * 1000;
      const isThere = found !== undefined && !found.isHidden;
      // ffmpeg leaves out what is seen when the part begins, and has begun before
      if (isDiscarded) assert.ok(!isThere || (ms > -FRAME_MS && ms < 0), `${codecType} at ${ms} is sent`);
      else assert.ok(found, `${codecType} at ${ms} is not sent`);
      if (isThere && !isDiscarded && ms >= 0) moves[codecType].push(found.ptsMs - ms);
    }
    const steps = [moves.video, moves.audio].map((all) => {
      assert.ok(
        Math.max(...all) - Math.min(...all) <= 2,
        `${what}: ${Math.min(...all)} … ${Math.max(...all)}`,
      );
      return all[0]!;
    });
    // both by one step, so that no picture is decoded before 0
    assert.ok(Math.abs(steps[0]! - steps[1]!) < FRAME_MS, `${steps}`);
    assert.ok(Math.max(...steps) < 200, `${steps}`);
    const wanted = await probeSeconds(file);
    for (const seconds of await lengthsOf(`mp4:${name}`)) {
      assert.ok(Math.abs(seconds - wanted) < 0.06, `${seconds} for ${wanted}`);
    }
  });
}
