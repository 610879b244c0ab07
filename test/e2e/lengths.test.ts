// How long files of other people's programs are: what the server says is what ffprobe says.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { membersOf } from '../../src/protocol/amf.ts';
import { probeSeconds, startFfmpeg } from '../support/ffmpeg.ts';
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
