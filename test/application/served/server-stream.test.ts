// What the server publishes itself, at a script's word: Stream.play and its like.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerPlay, SourceEvents } from '../../../src/application/contract/source.ts';
import { Statistics } from '../../../src/application/instance/statistics.ts';
import { MAX_PLAYLIST } from '../../../src/application/served/server-stream.ts';
import { MAX_SERVER_STREAMS } from '../../../src/application/served/server-streams.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { buildWireMessage, type WireType } from '../../../src/protocol/rtmp/wire-message.ts';
import { Cinema, type Visitor } from '../../support/cinema.ts';
import { type CoreOptions, STREAM_OPTIONS } from '../../support/core.ts';
import { flvFile } from '../../support/flv.ts';
import { audio, video } from '../../support/media.ts';

const ONE = flvFile({ ms: 1_000, durationS: 1, metaData: { width: 64 } });
const TWO = flvFile({ ms: 2_000, durationS: 2, metaData: { width: 32 } });

async function studio(options: CoreOptions = {}) {
  const cinema = await Cinema.open(options);
  cinema.put('one.flv', ONE.bytes);
  cinema.put('two.flv', TWO.bytes);
  const visitor = await cinema.visitor('channel', -1);
  await visitor.quiet();
  const script = cinema.core.script();
  const streams = cinema.core.instance()!.serverStreams;
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

for (const { what, timeOf } of [
  { what: 'a timestamp that is 15 h off', timeOf: (ms: number) => ms + (ms === 1_000 ? 54_000_000 : 0) },
  { what: 'a clock that jumps 15 h', timeOf: (ms: number) => ms + (ms >= 1_000 ? 54_000_000 : 0) },
  { what: 'a clock that begins anew', timeOf: (ms: number) => ms + (ms >= 1_000 ? 0 : 54_000_000) },
]) {
  test(`${what} in a live stream that the server plays does not show in what its players get`, async () => {
    const { cinema, core, visitor, play } = await studio();
    await using _ = cinema;
    const { peer, id } = await core.publisher('guest');
    play('guest', { start: -1 });
    for (let ms = 0; ms < 3_000; ms += 40) {
      const at = timeOf(ms);
      peer.video(id, at, ms % 1_000 === 0 ? video.keyframe(1) : video.frame(2));
      peer.audio(id, at + 10, audio.frame(3));
      await peer.settle();
      await visitor.pass(40);
    }
    await visitor.pass(200);
    const times = visitor.times();
    assert.equal(times.length, 150);
    assert.deepEqual(new Set(times.slice(1).map((ms, at) => ms - times[at]!)), new Set([10, 30]));
    const told = core.log.filter(({ event }) => event === 'play-clock');
    assert.deepEqual(
      told.map(({ stream, item, offMs, level }) => [stream, item, Math.abs(offMs as number), level]),
      [['channel', 'guest', 54_000_000, 'warn']],
    );
  });
}

test('metadata with time 0 in front of a live stream that is an hour old does not begin its time', async () => {
  const { cinema, core, visitor, streams } = await studio();
  await using _ = cinema;
  let events: SourceEvents | undefined;
  const open = async () => ({
    isLive: true,
    begin(told: SourceEvents) {
      events = told;
    },
    close() {},
  });
  streams.playItem('channel', { name: 'far', lengthMs: 100, liveName: undefined, open }, true);
  await visitor.quiet();
  const message = (typeId: WireType, timestampMs: number, payload: Uint8Array) =>
    events!.take(buildWireMessage({ typeId, timestampMs, payload, chunkBytes: 60_000 }));
  message(MessageType.DataAmf0, 0, encodeData({ name: 'onMetaData', values: [{ width: 9 }] }, 0).payload);
  message(MessageType.Video, 0, video.header(0xee));
  message(MessageType.Video, 3_600_000, video.keyframe(1));
  message(MessageType.DataAmf0, 0, encodeData({ name: 'onMetaData', values: [{ width: 8 }] }, 0).payload);
  message(MessageType.Video, 3_600_040, video.frame(2));
  await visitor.pass(40);
  assert.deepEqual(visitor.media(), ['0v1', '40v2']);
  assert.deepEqual(
    core.log.filter(({ event }) => event === 'play-clock'),
    [],
  );
});

test('a part is played: from the keyframe before its start, and exactly as long as it was to be', async () => {
  const { cinema, visitor, play } = await studio();
  await using _ = cinema;
  play('two', { start: 1.5, length: 0.4 });
  play('two', { length: 0, reset: false });
  play('one', { reset: false });
  await pass(visitor, 600);
  const pictures = visitor.media().filter((one) => one.includes('v'));
  const ofTwo = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((at) => `${at * 40}v${25 + at}`);
  assert.deepEqual(pictures.slice(0, 13), [...ofTwo, '400v0', '400v0', '440v1']);
});

test('what cannot be played is said so, and the next item has its turn', async () => {
  const { cinema, visitor, play, told } = await studio();
  await using _ = cinema;
  cinema.put('broken.flv', Buffer.from('no film at all'));
  play('nothing');
  play('broken', { reset: false });
  play('one', { reset: false });
  await pass(visitor, 200);
  assert.deepEqual(told().slice(0, 6), [
    'Play.Reset nothing',
    'Play.StreamNotFound nothing',
    'Play.Switch broken',
    'Play.FileStructureInvalid broken',
    'Play.Switch one',
    'Play.Start one',
  ]);
});

test('start -2 is live when it is on air, else the file, else whoever comes; without an end it waits for him again', async () => {
  const { cinema, core, visitor, play, told } = await studio();
  await using _ = cinema;
  play('guest', { start: -2 });
  await pass(visitor, 40);
  assert.ok(!visitor.events().includes('Play.PublishNotify'));
  for (const mark of [1, 2]) {
    const { peer, id } = await core.publisher('guest');
    peer.video(id, 50, video.keyframe(mark));
    await visitor.quiet();
    await peer[Symbol.asyncDispose]();
    await visitor.quiet();
    assert.ok(core.instance()!.streams.isOnAir('channel'));
    await pass(visitor, 1_040, 260);
  }
  assert.deepEqual(visitor.media(), ['0v1', '0v2']);
  const about = ['Play.PublishNotify guest', 'Publish.Start channel'];
  const end = ['Play.UnpublishNotify guest', 'Unpublish.Success channel'];
  assert.deepEqual(told(), ['Play.Reset guest', 'Play.Start guest', ...about, ...end, ...about, ...end]);
  play('one', { start: -2 });
  await pass(visitor, 80);
  assert.equal(visitor.media().at(-1), '80v2');
});

test('the server goes before a client under a name, and no client gets it while the server has it', async () => {
  const { cinema, core, visitor, streams, play } = await studio();
  await using _ = cinema;
  const { peer, id } = await core.publisher('channel');
  peer.video(id, 0, video.keyframe(1));
  await visitor.quiet();
  play('two');
  await peer.closed();
  await pass(visitor, 80);
  assert.ok(visitor.media().includes('40v1'));
  const second = await core.peer();
  await second.connect('live');
  const stream = await second.createStream();
  second.command('publish', 0, ['channel', 'live'], stream);
  await second.expectStatus('NetStream.Publish.BadName');
  streams.stop('channel');
  await visitor.quiet();
  second.command('publish', 0, ['channel', 'live'], stream);
  await second.expectStatus('NetStream.Publish.Start');
});

test('it is on air as any stream is: recorded, counted, found by -2 and by a script that is reloaded', async () => {
  const { cinema, core, visitor, streams, script, play } = await studio();
  await using _ = cinema;
  play('two');
  await pass(visitor, 200);
  const instance = core.instance()!;
  assert.ok(instance.streams.isOnAir('channel'));
  script.commands.obey({ op: 'record', stream: 'channel', mode: 'record' });
  await pass(visitor, 200);
  const [recording] = core.recorders.opened;
  assert.ok(recording!.taken.length > 10);
  const statistics = new Statistics({
    registries: [core.registry],
    governor: STREAM_OPTIONS.governor,
    clock: core.clock,
  });
  const [numbers, ...others] = statistics.streams(instance);
  assert.deepEqual([numbers?.name, numbers?.publisher.clientId, others], ['channel', '', []]);
  assert.equal(numbers?.isRecorded, true);
  assert.equal(statistics.instance(instance).streams, 1);
  statistics.close();
  assert.deepEqual(
    script.commands.snapshot().streams.map(({ name, source }) => [name, source]),
    [['channel', 'two']],
  );
  const second = await cinema.visitor('channel', -2);
  await second.quiet();
  assert.ok(second.media().length > 0);
  streams.stop('channel');
  assert.ok(recording!.isClosed);
  assert.equal(instance.streams.get('channel')?.server, undefined);
});

test('sound or pictures can be left out; pictures come back with a keyframe', async () => {
  const { cinema, visitor, streams, play } = await studio();
  await using _ = cinema;
  play('two');
  streams.receive('channel', { audio: false });
  await pass(visitor, 400);
  assert.ok(visitor.media().length > 5);
  assert.ok(visitor.media().every((one) => one.includes('v')));
  streams.receive('channel', { audio: true, video: false });
  const before = visitor.peer.heard.length;
  await pass(visitor, 200);
  streams.receive('channel', { video: true });
  await pass(visitor, 600);
  const kinds = visitor.media(before);
  const first = kinds.findIndex((one) => one.includes('v'));
  assert.ok(first > 3 && kinds[first]!.endsWith('v25'), kinds.join());
});

test('send reaches all who play, with the time of the stream; @setDataFrame reaches those who come later, too', async () => {
  const { cinema, visitor, streams, play } = await studio();
  await using _ = cinema;
  play('two');
  await pass(visitor, 200);
  streams.send('channel', 'onCue', ['now', 7], undefined);
  streams.send('channel', '@setDataFrame', ['onTitle', 'News'], undefined);
  await pass(visitor, 80);
  const cue = visitor.peer.heard.find(({ data }) => data?.name === 'onCue')!;
  assert.deepEqual([cue.data!.values, cue.timestampMs], [['now', 7], 200]);
  const second = await cinema.visitor('channel');
  await second.quiet();
  assert.deepEqual(second.peer.heard.find(({ data }) => data?.name === 'onTitle')!.data!.values, ['News']);
  streams.send('channel', '@clearDataFrame', ['onTitle'], undefined);
  const third = await cinema.visitor('channel');
  await third.quiet();
  assert.ok(!third.events().includes('data onTitle'));
});

test('streams that relay each other in a circle are not begun', async () => {
  const { cinema, visitor, streams, told } = await studio();
  await using _ = cinema;
  const live = { start: -1, length: -1, reset: true };
  streams.play('other', { name: 'third', ...live });
  streams.play('third', { name: 'channel', ...live });
  await visitor.quiet();
  streams.play('channel', { name: 'other', ...live });
  streams.play('channel', { name: 'channel', ...live, reset: false });
  await visitor.quiet();
  assert.deepEqual(told(), [
    'Play.Reset other',
    'Play.StreamNotFound other',
    'Play.Switch channel',
    'Play.StreamNotFound channel',
  ]);
});

test('a playlist has an end, and so has the number of streams', async () => {
  const { cinema, visitor, script, streams, play } = await studio();
  await using _ = cinema;
  for (let at = 0; at <= MAX_PLAYLIST + 1; at += 1) play('one', { reset: at === 0 });
  const refused = () => script.told('status').filter(({ info }) => info.code === 'NetStream.Play.Failed');
  assert.equal(refused().length, 1);
  for (let at = 0; at < MAX_SERVER_STREAMS; at += 1)
    streams.play(`wall ${at}`, { name: 'cam', start: -1, length: -1, reset: true });
  assert.deepEqual(
    refused().map(({ stream }) => stream),
    ['channel', `wall ${MAX_SERVER_STREAMS - 1}`],
  );
  await visitor.quiet();
});

test('a file that is being recorded is followed, and ends when it does', async () => {
  const { cinema, visitor, play, told } = await studio();
  await using _ = cinema;
  const tape = cinema.tape('tape.flv', TWO);
  tape.flush(400);
  play('tape');
  await pass(visitor, 600);
  assert.equal(visitor.lastMs, 400);
  tape.flush(2_000);
  await pass(visitor, 80);
  assert.ok(visitor.lastMs >= 600);
  tape.end();
  await pass(visitor, 2_000);
  assert.ok(told().includes('Play.Stop tape'));
});

test('a script that changes its mind all the time has one file opened at a time, and gets the last', async () => {
  const opened: string[] = [];
  const { cinema, visitor, play, told } = await studio();
  await using _ = cinema;
  const { open } = cinema.library;
  let [now, most] = [0, 0];
  cinema.library.open = async (request) => {
    opened.push(request.name);
    now += 1;
    most = Math.max(most, now);
    try {
      return await open.call(cinema.library, request);
    } finally {
      now -= 1;
    }
  };
  for (let at = 0; at < 500; at += 1) play(at % 2 ? 'two' : 'one');
  await pass(visitor, 80);
  assert.deepEqual([opened, most], [['one', 'two'], 1]);
  assert.deepEqual(told().slice(-2), ['Play.Start two', 'Publish.Start channel']);
});

test('a recording that is asked for with the play, or before, begins with its first message; one that is taken back does not', async () => {
  const { cinema, core, visitor, streams, script, play } = await studio();
  await using _ = cinema;
  for (const isBefore of [false, true]) {
    for (const taken of [true, false]) {
      if (!isBefore) play('one');
      script.commands.obey({ op: 'record', stream: 'channel', mode: 'record' });
      if (taken) script.commands.obey({ op: 'record', stream: 'channel', mode: false });
      if (isBefore) play('one');
      await pass(visitor, 200);
      assert.equal(core.recorders.opened.length, (isBefore ? 1 : 0) + (taken ? 0 : 1));
      streams.stop('channel');
    }
  }
  const [first] = core.recorders.opened[0]!.taken.filter(({ typeId }) => typeId === MessageType.Video);
  assert.equal(first?.head.at(-1), 0xee);
});

test('a live stream without keyframes is played with its sound, and with its pictures after the wait', async () => {
  const { cinema, core, visitor, play } = await studio();
  await using _ = cinema;
  const { peer, id } = await core.publisher('guest');
  peer.video(id, 1_000, video.frame(1));
  await peer.settle();
  play('guest', { start: -1 });
  const before = visitor.peer.heard.length;
  const step = async (ms: number, mark: number) => {
    peer.audio(id, ms, audio.frame(mark));
    peer.video(id, ms, video.frame(mark + 1));
    await peer.settle();
    await visitor.pass(40);
  };
  await step(1_040, 2);
  await visitor.pass(10_000);
  await step(11_080, 4);
  const marks = visitor.media(before).map((one) => one.replace(/^\d+/, ''));
  assert.deepEqual(marks, ['a2', 'a4', 'v5']);
});
