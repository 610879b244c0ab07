// What the server publishes itself, at a script's word: Stream.play and its like.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerPlay } from '../../src/application/source.ts';
import { Cinema, type Visitor } from '../support/cinema.ts';
import type { CoreOptions } from '../support/core.ts';
import { flvFile } from '../support/flv.ts';
import { audio, video } from '../support/media.ts';

const ONE = flvFile({ ms: 1_000, durationS: 1, metaData: { width: 64 } });
const TWO = flvFile({ ms: 2_000, durationS: 2, metaData: { width: 32 } });

async function studio(options: CoreOptions = {}) {
  const cinema = await Cinema.open(options);
  cinema.put('one.flv', ONE.bytes);
  cinema.put('two.flv', TWO.bytes);
  const visitor = await cinema.visitor('channel', -1);
  await visitor.quiet();
  const script = cinema.core.script();
  const streams = script.commands.serverStreams;
  const play = (name: string, request: Partial<ServerPlay> = {}) =>
    streams.play('channel', { name, start: 0, length: -1, reset: true, ...request });
  /** `Start one`: codes of the stream's onStatus, with what they are about. */
  const told = () =>
    script
      .told('status')
      .filter(({ stream }) => stream === 'channel')
      .map(({ info }) => `${info.code.replace('NetStream.', '')} ${info.details}`);
  return { cinema, core: cinema.core, visitor, script, streams, play, told };
}

/** Step by step, so that what a step has asked of the disk is there before the next. */
async function pass(visitor: Visitor, ms: number, stepMs = 40): Promise<void> {
  for (let at = 0; at < ms; at += stepMs) await visitor.pass(stepMs);
}

test('the server publishes a file: players are told, get headers and metadata, and then media as time goes by', async () => {
  const { cinema, visitor, play, told } = await studio();
  await using _ = cinema;
  play('one');
  await pass(visitor, 400);
  assert.ok(visitor.events().includes('Play.PublishNotify'));
  assert.equal(visitor.lastMs, 400);
  const metaData = visitor.peer.heard.findLast(({ data }) => data?.name === 'onMetaData');
  assert.ok(JSON.stringify(metaData?.data).includes('64'));
  assert.equal(visitor.peer.heard.filter(({ media }) => media?.at(-1) === 0xee).length, 2);
  assert.deepEqual(told(), ['Play.Reset one', 'Play.Start one', 'Publish.Start channel']);
  await pass(visitor, 2_000);
  assert.deepEqual(told().slice(3), ['Play.Stop one', 'Unpublish.Success channel']);
  assert.ok(visitor.events().includes('Play.UnpublishNotify'));
});

test('items follow each other without a gap, headers and metadata of each first, and none is later than the clock', async () => {
  const { cinema, visitor, play, told } = await studio();
  await using _ = cinema;
  play('one');
  play('two', { reset: false });
  play('one', { reset: false });
  await pass(visitor, 4_100);
  const times = visitor.times();
  const steps = times.slice(1).map((ms, at) => ms - times[at]!);
  assert.deepEqual(new Set(steps), new Set([0, 40]));
  assert.equal(times.length, 2 * ((1_000 + 2_000 + 1_000) / 40));
  assert.equal(visitor.peer.heard.filter(({ media }) => media?.at(-1) === 0xee).length, 6);
  const starts = told().filter((one) => /Start|Stop|Switch/.test(one));
  assert.deepEqual(starts, [
    'Play.Start one',
    'Publish.Start channel',
    'Play.Stop one',
    'Play.Switch two',
    'Play.Start two',
    'Play.Stop two',
    'Play.Switch one',
    'Play.Start one',
    'Play.Stop one',
  ]);
});

test('a script that plays on when it hears of the end leaves no gap', async () => {
  const { cinema, visitor, play, told } = await studio();
  await using _ = cinema;
  play('one');
  for (let rounds = 1; rounds <= 3; rounds += 1) {
    while (told().filter((one) => one === 'Play.Stop one').length < rounds) await pass(visitor, 40);
    await pass(visitor, 120); // it takes its time
    play('one');
  }
  await pass(visitor, 500);
  const times = visitor.times();
  const steps = times.slice(1).map((ms, at) => ms - times[at]!);
  assert.deepEqual(new Set(steps), new Set([0, 40]));
  assert.ok(times.at(-1)! > 3_400);
  assert.ok(!visitor.events().includes('Play.UnpublishNotify'));
});

test('a live stream breaks in, from its last keyframe on, and time goes on', async () => {
  const { cinema, core, visitor, play, told } = await studio();
  await using _ = cinema;
  play('two');
  await pass(visitor, 400);
  const { peer, id } = await core.publisher('guest');
  peer.video(id, 90_000, video.header(0xee));
  peer.video(id, 90_000, video.keyframe(7));
  peer.audio(id, 90_010, audio.frame(8));
  await visitor.quiet();
  const before = visitor.peer.heard.length;
  play('guest', { start: -1 });
  peer.video(id, 90_040, video.frame(9));
  await visitor.pass(40);
  assert.deepEqual(visitor.media(before), ['400a10', '440v7', '450a8', '480v9']);
  play('one', { reset: false });
  await peer[Symbol.asyncDispose]();
  await pass(visitor, 200);
  assert.ok(visitor.media(before)[4]!.startsWith('520v0'), visitor.media(before).join());
  assert.deepEqual(told().slice(-6), [
    'Play.Start guest',
    'Play.PublishNotify guest',
    'Play.UnpublishNotify guest',
    'Play.Stop guest',
    'Play.Switch one',
    'Play.Start one',
  ]);
});
