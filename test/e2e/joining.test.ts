// What players find that come into the midst of a stream: its tracks and nothing else, and an end when they want one.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeFlvHeader, encodeFlvTag, FlvReader } from '../../src/media/flv.ts';
import { h264Clip, probeStreams, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-joining-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Plays `source` as `channel`, records the publisher's stream as a film, and gives its players all that it can. */
const CHANNEL = `
application.onConnect = (client) => {
  client.audioSampleAccess = client.videoSampleAccess = '/';
  application.acceptConnection(client);
};
application.onPublish = (client, stream) => {
  if (stream.name !== 'source') return;
  const channel = Stream.get('channel');
  channel.play('source', -1);
  setInterval(() => channel.send('@setDataFrame', 'onMetaData', { title: 'news' }), 300);
};
`;

/** Codecs of all tracks that ffprobe finds, data and subtitles among them. */
async function tracks(url: string): Promise<string[]> {
  const found = await probeStreams(url);
  return found.map(({ codecType, codecName }) => `${codecType} ${codecName}`).sort();
}

/** Three seconds into a Matroska file: with a track of which nothing comes it never ends. */
async function threeSeconds(url: string, name: string): Promise<string[]> {
  const file = join(dir, `${name}.mkv`);
  await using player = startFfmpeg(['-i', url, '-c', 'copy', '-t', '3', file]);
  assert.equal((await player.exited).code, 0, String(player.stderr));
  return await tracks(file);
}

const BOTH = ['audio aac', 'video h264'];

async function onAir(server: TestServer, app: string, stream: string) {
  const url = server.url(app, stream);
  const publisher = startFfmpeg(publishArgs(await h264Clip(), url, { loop: true }));
  await publisher.reached(5);
  return { publisher, url };
}

test('who joins a live stream finds the tracks of its media, and can leave after three seconds', {
  timeout: 90_000,
}, async () => {
  await using server = await startServer({ applications: { 'live/': '' } });
  const { publisher, url } = await onAir(server, 'live', 'show');
  await using _ = publisher;
  assert.deepEqual(await tracks(url), BOTH);
  assert.deepEqual(await threeSeconds(url, 'live'), BOTH);
});

test('so does who joins what the server plays, with all sample access that a script can give', {
  timeout: 90_000,
}, async () => {
  await using server = await startServer({ applications: { 'tv/main.js': CHANNEL } });
  const { publisher } = await onAir(server, 'tv', 'source');
  await using _ = publisher;
  const url = server.url('tv', 'channel');
  assert.deepEqual(await tracks(url), BOTH);
  assert.deepEqual(await threeSeconds(url, 'channel'), BOTH);
});

/** The clip as a file whose times begin at five seconds, and that says its metadata twice. */
async function lateFilm(): Promise<Buffer> {
  const tags = [...new FlvReader().push(readFileSync(await h264Clip()))];
  const later = tags.map((tag) => ({ ...tag, timestampMs: tag.timestampMs + 5_000 }));
  const middle = later.findIndex(({ timestampMs }) => timestampMs > 6_000);
  later.splice(middle, 0, { ...tags[0]!, timestampMs: later[middle]!.timestampMs });
  return Buffer.concat([encodeFlvHeader({ hasAudio: true, hasVideo: true }), ...later.map(encodeFlvTag)]);
}

test('so does who plays a file, whatever its times are', { timeout: 90_000 }, async () => {
  await using server = await startServer({ applications: { 'vod/': '' } });
  const folder = join(server.root, 'applications', 'vod', 'streams', '_definst_');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'film.flv'), await lateFilm());
  const url = server.url('vod', 'film');
  assert.deepEqual(await tracks(url), BOTH);
  assert.deepEqual(await threeSeconds(url, 'film'), BOTH);
});
