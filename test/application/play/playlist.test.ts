// What one message stream plays: one entry after the other, and one in another one's place.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PlayRequest } from '../../../src/application/contract/script.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { Playing } from '../../../src/application/play/playing.ts';
import { type Play2Request, Playlist } from '../../../src/application/play/playlist.ts';
import { type Holder, StreamTable } from '../../../src/application/publish/stream-table.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { STREAM_OPTIONS, TURN_CLOCK } from '../../support/core.ts';
import { FakePlayerPort, fakeClient, playRequest } from '../../support/fake-client.ts';
import { FakeFile, FakeLibrary, pictures, settled } from '../../support/fake-file.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { video } from '../../support/media.ts';
import { testSettings } from '../../support/settings.ts';

const HEADER = 0xee;

function setUp() {
  const clock = new ManualClock();
  const streams = new StreamTable({ clock, ...STREAM_OPTIONS });
  const library = new FakeLibrary();
  const playing = new Playing({
    ...{ application: 'live', instance: '_definst_', clock, streams, chunkBytes: 60_000 },
    ...{ turns: new Turns(TURN_CLOCK), recorded: library, journal: undefined },
    settings: () => testSettings(),
    script: () => undefined,
    isKey: () => false,
  });
  /** One for each request, in order. */
  const ports: FakePlayerPort[] = [];
  const said: string[] = [];
  const playlist = new Playlist({
    ...{ playing, client: fakeClient('a') },
    portFor: ({ name }: PlayRequest) => {
      const port = new FakePlayerPort();
      ports.push(port);
      const { push } = port.told;
      port.told.push = (...words: string[]) => {
        said.push(...words.map((one) => `${name}: ${one}`));
        return push.apply(port.told, words);
      };
      return port;
    },
  });
  const file = (name: string, ms: number) => library.files.set(name, new FakeFile(pictures(0, ms)));
  const play = (name: string, reset = false) => playlist.play(playRequest(name, { reset, start: 0 }));
  const play2 = (name: string, request: Partial<Play2Request>) =>
    playlist.play2({
      ...playRequest(name, { start: -2, reset: false }),
      ...{ transition: 'switch', oldName: undefined, offsetMs: undefined },
      ...request,
    });
  const air = (name: string) => {
    const entry = streams.open(name);
    entry.holder = { kind: 'server', isOnAir: true, sinceMs: 0, item: undefined, close() {} } as Holder;
    return (ms: number, payload: Uint8Array) =>
      entry.stream.publish(wireMessage(MessageType.Video, ms, payload));
  };
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 200) {
      clock.advance(200);
      await settled();
    }
  };
  /** What is not about buffers. */
  const story = () => said.filter((one) => !one.includes('buffer'));
  const times = (port: FakePlayerPort) =>
    port
      .messages()
      .filter(({ payload }) => payload.at(-1) !== HEADER)
      .map(({ timestampMs }) => timestampMs);
  return { clock, streams, library, playing, playlist, ports, file, play, play2, air, pass, story, times };
}

describe('a playlist', () => {
  test('plays its entries behind each other, on one line of time', async () => {
    const { playlist, file, play, pass, story, ports, times } = setUp();
    file('one', 400);
    file('two', 400);
    play('one');
    play('two');
    assert.equal(ports.length, 1, 'the second is not asked about before its turn');
    await pass(1_000);
    assert.deepEqual(story(), [
      'one: started one recorded',
      'one: completed 0.36, more follows',
      'two: started two recorded',
      'two: completed 0.36',
    ]);
    assert.deepEqual([times(ports[0]!)[0], times(ports[0]!).at(-1)], [0, 360]);
    assert.deepEqual([times(ports[1]!)[0], times(ports[1]!).at(-1)], [361, 721]);
    assert.ok(playlist.isOpen, 'what has come to its end can be sought in');
  });

  test('goes on behind an entry that cannot be played', async () => {
    const { file, play, pass, story } = setUp();
    file('two', 400);
    play('one');
    play('two');
    await pass(200);
    assert.deepEqual(story().slice(0, 2), [
      'one: refused NetStream.Play.StreamNotFound one',
      'two: started two recorded',
    ]);
  });

  test('begins anew with a reset, and forgets what was to follow', async () => {
    const { file, play, pass, story, library } = setUp();
    for (const name of ['one', 'two', 'three']) file(name, 4_000);
    play('one');
    play('two');
    await pass(200);
    play('three', true);
    await pass(10_000);
    assert.deepEqual(story(), [
      'one: started one recorded',
      'one: stopped',
      'three: started three recorded',
      'three: completed 3.96',
    ]);
    assert.ok(library.files.get('one')!.isClosed);
  });

  test('is bounded', async () => {
    const { play, story, file } = setUp();
    file('one', 4_000);
    for (let i = 0; i <= 1_001; i += 1) play('one');
    await settled();
    assert.equal(story().filter((one) => one === 'one: refused NetStream.Play.Failed one').length, 1);
  });

  test('that is closed stops what it plays, and nothing of it follows', async () => {
    const { playlist, file, play, pass, story, library, clock } = setUp();
    file('one', 4_000);
    file('two', 400);
    play('one');
    play('two');
    await pass(200);
    playlist.close();
    playlist.close();
    await pass(5_000);
    assert.deepEqual(story(), ['one: started one recorded', 'one: stopped']);
    assert.ok(library.files.get('one')!.isClosed);
    assert.ok(!playlist.isOpen);
    assert.equal(clock.pending, 0);
  });

  test('that is closed while a file is looked for lets it go', async () => {
    const { playlist, file, play, story, library } = setUp();
    file('one', 400);
    play('one');
    playlist.close();
    await settled();
    assert.deepEqual(story(), []);
    assert.ok(library.files.get('one')!.isClosed);
  });

  test('seeks in what it plays, and in nothing else', async () => {
    const { playlist, file, play, pass, story } = setUp();
    assert.equal(playlist.seek(100), false);
    file('one', 4_000);
    play('one');
    await pass(200);
    assert.equal(playlist.seek(2_000), true);
    assert.equal(story().at(-1), 'one: sought 2000');
  });
});

describe('play2', () => {
  test('switches from live to live at the next keyframe, and the player’s time goes on', () => {
    const { playlist, play2, air, story, ports } = setUp();
    const [low, high] = [air('low'), air('high')];
    playlist.play(playRequest('low'));
    low(0, video.keyframe(1));
    low(40, video.frame(2));
    high(50_000, video.keyframe(3));
    play2('high', {});
    high(50_040, video.frame(4));
    low(80, video.frame(5));
    high(50_080, video.keyframe(6));
    low(120, video.frame(7));
    assert.deepEqual(story(), ['low: started low', 'high: transition', 'high: transition complete']);
    const heard = ports.map((port) => port.messages().map((one) => [one.timestampMs, one.payload.at(-1)]));
    assert.deepEqual(heard[0], [
      [0, 1],
      [40, 2],
      [80, 5],
    ]);
    assert.deepEqual(heard[1], [[81, 6]]);
  });

  test('keeps the times of two that are one programme', () => {
    const { playlist, play2, air, ports } = setUp();
    const [low, high] = [air('low'), air('high')];
    playlist.play(playRequest('low'));
    low(1_000, video.keyframe(1));
    play2('high', {});
    high(1_100, video.keyframe(2));
    assert.deepEqual(
      ports[1]!.messages().map(({ timestampMs }) => timestampMs),
      [1_100],
    );
  });

  test('is forced when no keyframe comes in time', () => {
    const { playlist, play2, air, story, clock } = setUp();
    const [low, high] = [air('low'), air('high')];
    playlist.play(playRequest('low'));
    low(0, video.keyframe(1));
    high(0, video.keyframe(2));
    play2('high', {});
    clock.advance(testSettings().streamManager.maxSwitchTimeMs);
    assert.deepEqual(story().slice(-2), ['high: forced transition', 'high: transition complete']);
  });

  test('to what is not there is refused, and the old one goes on', async () => {
    const { playlist, play2, air, story, ports } = setUp();
    const low = air('low');
    playlist.play(playRequest('low'));
    play2('high', {});
    await settled();
    assert.equal(story().at(-1), 'high: refused NetStream.Play.Failed high');
    low(0, video.keyframe(1));
    assert.equal(ports[0]!.sent, 1);
  });

  test('gives way to a later switch', () => {
    const { playlist, play2, air, story } = setUp();
    const [, , top] = [air('low'), air('high'), air('top')];
    playlist.play(playRequest('low'));
    play2('high', {});
    play2('top', {});
    assert.ok(story().includes('high: refused NetStream.Play.Failed high'));
    top(0, video.keyframe(1));
    assert.equal(story().at(-1), 'top: transition complete');
  });

  test('of a recorded one goes on with a keyframe of the new one, on the same clock', async () => {
    const { file, play, play2, pass, story, ports, times } = setUp();
    file('low', 6_000);
    file('high', 6_000);
    play('low');
    await pass(200);
    play2('high', {});
    await pass(4_000);
    assert.deepEqual(
      story().filter((one) => one.startsWith('high')),
      ['high: transition', 'high: transition complete', 'high: completed 5.96'],
    );
    const [low, high] = [times(ports[0]!), times(ports[1]!)];
    assert.equal(high[0]! % 1_000, 0);
    assert.equal(low.at(-1)! + 40, high[0]);
  });

  test('swaps an entry that waits, and refuses one that is not in the playlist', async () => {
    const { file, play, play2, pass, story } = setUp();
    for (const name of ['one', 'two', 'three']) file(name, 400);
    play('one');
    play('two');
    play2('three', { transition: 'swap', oldName: 'two', start: 0 });
    play2('four', { transition: 'swap', oldName: 'nine' });
    await pass(1_000);
    assert.deepEqual(
      story().filter((one) => /started|refused/.test(one)),
      [
        'four: refused NetStream.Play.Failed four',
        'one: started one recorded',
        'three: started three recorded',
      ],
    );
  });

  test('appends, waits, stops and resumes', async () => {
    const { file, play2, pass, story, ports, times } = setUp();
    file('one', 3_000);
    file('two', 3_000);
    play2('one', { transition: 'appendAndWait', start: 0 });
    await pass(200);
    assert.deepEqual(story(), []);
    play2('two', { transition: 'append', start: 0 });
    await pass(200);
    assert.deepEqual(story(), ['one: started one recorded']);
    play2('one', { transition: 'stop' });
    await pass(200);
    assert.deepEqual(story().slice(1), ['one: stopped', 'two: started two recorded']);
    play2('one', { transition: 'resume', offsetMs: 2_000 });
    await pass(200);
    assert.equal(times(ports.at(-1)!)[0], 0, 'a part of a file begins with time 0');
  });
});
