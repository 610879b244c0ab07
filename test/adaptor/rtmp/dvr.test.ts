// What is being recorded, played meanwhile: from a tape that a puppet runs, then from the recorder's own files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import type { WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { Cinema } from '../../support/cinema.ts';
import { until } from '../../support/core.ts';
import { h264Clip } from '../../support/ffmpeg.ts';
import { flvFile } from '../../support/flv.ts';
import { audio, video } from '../../support/media.ts';
import { messagesOf } from '../../support/recording-desk.ts';

const FILM = flvFile({ ms: 60_000, padBytes: 500 });

test('S-16, S-19: a late joiner begins at 0 and does not stop where the file ends for now', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', FILM);
  tape.flush(3_000);
  const visitor = await at.visitor('show', 0, -1_000);
  await visitor.pass(10_000);
  assert.deepEqual([visitor.times()[0], visitor.lastMs], [0, 3_000]);
  assert.ok(!visitor.events().includes('Play.Stop'));
  tape.flush(5_000);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 5_000);
  tape.flush(6_000);
  tape.end();
  await visitor.untilEvent('StreamEof');
  assert.equal(visitor.lastMs, 6_000);
  assert.deepEqual(visitor.events().slice(-3), ['data onPlayStatus', 'Play.Stop', 'StreamEof']);
  const times = visitor.times();
  assert.deepEqual(
    times.toSorted((a, b) => a - b),
    times,
  );
  assert.equal(times.length, FILM.frames.filter(({ timestampMs }) => timestampMs <= 6_000).length);
});

test('S-25: a player that knows nothing of DVR plays what is being recorded live, and hears nothing of it', async () => {
  await using at = await Cinema.open({ flush: { maxMs: 1_000, maxBytes: 256 << 10 } });
  const { peer, id } = await at.core.publisher('show');
  at.core.script().commands.obey({ op: 'record', stream: 'show', mode: 'record' });
  peer.video(id, 90_000, video.header(0xee));
  peer.video(id, 90_000, video.keyframe(7));
  await peer.settle();
  const old = await at.visitor('show');
  await old.quiet();
  peer.video(id, 90_040, video.frame(8));
  await old.quiet();
  assert.deepEqual(old.media(), ['90000v7', '90040v8']);
  const called = old.peer.heard.flatMap(({ command }) => command?.name ?? []);
  assert.deepEqual(new Set(called), new Set(['_result', 'onBWDone', 'onStatus']));
});

test('S-21: what is flushed is with those at the edge in the same moment', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', FILM);
  const visitors = await Promise.all([1, 2, 3].map(() => at.visitor('show', 0)));
  for (const visitor of visitors) await visitor.peer.expectStatus('NetStream.Play.Start');
  for (let ms = 1_000; ms <= 10_000; ms += 1_000) {
    at.core.clock.advance(1_000);
    tape.flush(ms);
    await until('all to have it', () => visitors.every(({ lastMs }) => lastMs === ms));
  }
  assert.equal(at.library.openFiles, 1);
});

test('S-15: after a pause of a minute it goes on from there, not from live', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', FILM);
  const visitor = await at.visitor('show', 0);
  tape.flush(5_000);
  await visitor.pass(3_500);
  assert.equal(visitor.lastMs, 5_000);
  visitor.say('pause', true, 3_500);
  await visitor.quiet();
  const from = visitor.peer.heard.length;
  tape.flush(50_000);
  await visitor.pass(45_000);
  assert.deepEqual(visitor.media(from), []);
  visitor.say('pause', false, 3_500);
  await visitor.quiet();
  const [first] = visitor.times(from);
  assert.ok(first! >= 3_000 && first! <= 3_520, String(first));
  assert.ok(visitor.lastMs <= 5_520, String(visitor.lastMs));
  await visitor.until('the rest', () => visitor.lastMs === 50_000);
});

test('S-16: seek goes anywhere in what there is; behind it to the last keyframe', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', FILM);
  tape.flush(30_000);
  const visitor = await at.visitor('show', 30_000);
  await visitor.quiet();
  assert.deepEqual(visitor.times(), [0, 0]);
  for (const [ms, firstMs] of [
    [0, 0],
    [12_000, 12_000],
    [999_000, 30_000],
  ] as const) {
    const from = visitor.peer.heard.length;
    visitor.say('seek', ms);
    await visitor.quiet();
    assert.equal(visitor.times(from)[0], firstMs);
  }
  tape.flush(32_000);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 32_000);
  assert.ok(!visitor.events().includes('Play.Stop'));
});

test('a player that comes before the first picture waits for it', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', FILM);
  const visitor = await at.visitor('show', 0);
  await visitor.pass(5_000);
  assert.deepEqual(visitor.media(), []);
  tape.flush(1_000);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 1_000);
  const metaData = visitor.events().filter((event) => event === 'data onMetaData');
  assert.equal(metaData.length, 1);
});

test('sound that is being recorded is played and sought in as well', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('song.flv', flvFile({ ms: 20_000, hasVideo: false }));
  tape.flush(10_000);
  const visitor = await at.visitor('song', 8_500);
  await visitor.quiet();
  assert.deepEqual([visitor.times()[0], visitor.lastMs], [0, 1_500]);
  tape.flush(12_000);
  tape.end();
  await visitor.untilEvent('StreamEof');
  assert.equal(visitor.lastMs, 12_000 - 8_500);
});

test('getStreamLength is the length as of now', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', FILM);
  const visitor = await at.visitor();
  for (const ms of [4_000, 9_000]) {
    tape.flush(ms);
    assert.deepEqual((await visitor.peer.call('getStreamLength', 'show')).args, [ms / 1000]);
  }
});

test('the next recording of a name is another file, to those who come then', async () => {
  await using at = await Cinema.open();
  const first = at.tape('show.flv', FILM);
  first.flush(3_000);
  const early = await at.visitor('show', 0);
  await early.quiet();
  first.end();
  await early.untilEvent('StreamEof');
  const second = at.tape('show.flv', flvFile({ ms: 1_000 }));
  second.flush(400);
  const late = await at.visitor('show', 0);
  await late.quiet();
  assert.equal(late.lastMs, 400);
});

for (const maxMs of [1_000, 5_000]) {
  test(`S-21: flushed each ${maxMs} ms, the edge is no further behind than that and a group of pictures`, async () => {
    await using at = await Cinema.open({ flush: { maxMs, maxBytes: 256 << 10 } });
    const { core } = at;
    const publisher = await core.peer();
    const id = await publisher.publish('live', 'show', 'record');
    const send = async (ms: number) => {
      publisher.video(id, ms, ms % 2_000 === 0 ? video.keyframe() : video.frame());
      publisher.audio(id, ms, audio.frame());
      await publisher.settle();
    };
    publisher.video(id, 0, video.header(0xee));
    await send(0);
    const viewer = await at.visitor('show', 0, -1_000);
    await viewer.peer.expectStatus('NetStream.Play.Start');
    let furthestMs = 0;
    for (let ms = 100; ms <= 20_000; ms += 100) {
      core.clock.advance(100);
      await send(ms);
      await viewer.quiet();
      furthestMs = Math.max(furthestMs, ms - viewer.lastMs);
    }
    assert.ok(furthestMs <= maxMs + 2_000, `${furthestMs} ms behind`);
    const late = await at.visitor('show', 0);
    await late.quiet();
    assert.equal(late.times()[0], 0);
    publisher.command('closeStream', 0, [], id);
    await publisher.settle();
    await viewer.untilEvent('StreamEof');
    assert.deepEqual([viewer.lastMs, viewer.times().length], [20_000, 402]);
    await late.untilEvent('StreamEof');
    assert.deepEqual(late.media(), viewer.media());
  });
}

test('S-16, S-23: an MP4 that is being recorded is played to its edge, and to its end when it has become a plain file', async () => {
  await using at = await Cinema.open({ flush: { maxMs: 1_000, maxBytes: 256 << 10 } });
  const { core } = at;
  const publisher = await core.peer();
  const id = await publisher.publish('live', 'mp4:show.f4v', 'record');
  const clip = messagesOf(await h264Clip()).filter(
    ({ typeId }) => typeId === MessageType.Video || typeId === MessageType.Audio,
  );
  const send = async (fromMs: number, toMs: number) => {
    for (const { typeId, timestampMs, payload } of clip) {
      if (timestampMs < fromMs || timestampMs >= toMs) continue;
      if (typeId === MessageType.Video) publisher.video(id, timestampMs, payload);
      else publisher.audio(id, timestampMs, payload);
    }
    await publisher.settle();
  };
  await send(0, 5_000);
  core.clock.advance(1_000);
  const viewer = await at.visitor('mp4:show.f4v', 0, -1_000);
  await viewer.until('the edge', () => viewer.lastMs >= 4_900);
  assert.ok(!viewer.events().includes('Play.Stop'));
  await send(5_000, 7_500);
  publisher.command('closeStream', 0, [], id);
  await viewer.untilEvent('Play.Stop');
  const isCounted = ({ payload }: WireMessage) => payload.at(-1) !== 0xee; // as visitors count
  const sent = clip.filter((message) => message.timestampMs < 7_500 && isCounted(message)).length;
  assert.equal(viewer.times().length, sent, 'every picture and sound');
  const late = await at.visitor('mp4:show.f4v', 4_000, -1_000);
  await late.untilEvent('Play.Stop');
  assert.ok(late.times().length > 0);
});
