// How a play request becomes a viewer of a stream, live, recorded or still to come, and ends again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PlayRequest } from '../../../src/application/contract/script.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { PlaybackState } from '../../../src/application/play/playback.ts';
import { Playing } from '../../../src/application/play/playing.ts';
import type { Holder } from '../../../src/application/publish/stream-table.ts';
import { StreamTable } from '../../../src/application/publish/stream-table.ts';
import { StatusError } from '../../../src/errors.ts';
import { AccessStatus } from '../../../src/log/access-status.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { PuppetScript, STREAM_OPTIONS, TURN_CLOCK, until } from '../../support/core.ts';
import { FakePlayerPort, fakeClient, playRequest } from '../../support/fake-client.ts';
import { FakeFile, FakeLibrary, pictures, settled } from '../../support/fake-file.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { video } from '../../support/media.ts';
import { testSettings } from '../../support/settings.ts';

function setUp({
  scripted = false,
  keys = [] as string[],
  maxWaitingStreams = 100,
  maxPlayers = undefined as number | undefined,
} = {}) {
  const clock = new ManualClock();
  const streams = new StreamTable({ clock, ...STREAM_OPTIONS });
  const library = new FakeLibrary();
  const script = new PuppetScript('live/_definst_', undefined as never);
  script.decide = () => undefined;
  const playing = new Playing({
    ...{ application: 'live', instance: '_definst_', clock, streams, chunkBytes: 60_000 },
    ...{ turns: new Turns(TURN_CLOCK), recorded: library, journal: undefined },
    settings: () => testSettings({ streamManager: { live: { maxWaitingStreams, maxPlayers } } }),
    script: () => (scripted ? script : undefined),
    isKey: (name) => keys.includes(name),
  });
  /** Asked for, and begun as soon as it may. */
  const play = (name: string, request: Partial<PlayRequest> = {}, by = fakeClient('a')) => {
    const port = new FakePlayerPort();
    const refusals: string[] = [];
    let done = 0;
    const playback = playing.ask(by, playRequest(name, request), port, {
      refused: (code) => refusals.push(code),
      ready: () => playing.begin(playback, { bufferMs: 1_000 }, true),
      hasNext: () => false,
      done: () => {
        done += 1;
      },
    });
    playing.open(playback);
    return { port, playback, refusals, by, done: () => done };
  };
  const air = (name: string) => {
    const entry = streams.open(name);
    entry.holder = { kind: 'server', isOnAir: true, sinceMs: 0, item: undefined, close() {} } as Holder;
    const picture = (ms: number, payload: Uint8Array) =>
      entry.stream.publish(wireMessage(MessageType.Video, ms, payload));
    return { entry, picture };
  };
  return { clock, streams, library, script, playing, play, air };
}

describe('MaxPlayers', () => {
  test('refuses the next player of a live stream, and lets one in when another has left', () => {
    const { play, playing, air } = setUp({ maxPlayers: 2 });
    air('show');
    const first = play('show', {}, fakeClient('a'));
    play('show', {}, fakeClient('b'));
    const third = play('show', {}, fakeClient('c'));
    assert.deepEqual(third.refusals, ['NetStream.Play.Failed']);
    assert.deepEqual(third.port.told, ['refused NetStream.Play.Failed show']);
    assert.deepEqual(play('other', { start: -1 }, fakeClient('c')).port.told, ['started other']);
    playing.stop(third.playback, AccessStatus.Ok); // it had no place to give back
    assert.deepEqual(play('show', {}, fakeClient('d')).refusals, ['NetStream.Play.Failed']);
    playing.stopAll(first.by);
    assert.deepEqual(play('show', {}, fakeClient('d')).port.told, ['started show']);
  });

  test('counts players that wait for a publisher, and none of recordings', async () => {
    const { play, library } = setUp({ maxPlayers: 1 });
    play('show', { start: -1 }, fakeClient('a'));
    assert.deepEqual(play('show', { start: -1 }, fakeClient('b')).refusals, ['NetStream.Play.Failed']);
    library.files.set('show', new FakeFile(pictures(0, 400)));
    const recorded = play('show', { start: 0 }, fakeClient('c'));
    await settled();
    assert.deepEqual(recorded.refusals, []);
    assert.equal(recorded.port.told[0], 'started show recorded');
  });

  test('counts by the name that the script gives, not by the one that was asked for', () => {
    const { play, script, air } = setUp({ scripted: true, maxPlayers: 1 });
    air('show');
    const ports = ['token-1', 'token-2'].map((name, i) => {
      const { port } = play(name, {}, fakeClient(`${i}`));
      script.asked[i]!.answer({ accepted: true, as: 'show' });
      return port;
    });
    assert.deepEqual(ports[0]!.told, ['started show']);
    assert.match(ports[1]!.told[0]!, /^refused NetStream\.Play\.Failed/);
  });
});

describe('a player', () => {
  test('of a stream on the air is started and becomes its viewer', () => {
    const { play, air, playing } = setUp();
    const { entry, picture } = air('show');
    picture(0, video.keyframe(1));
    const { port, playback } = play('show');
    assert.deepEqual(port.told, ['started show']);
    assert.equal(port.messages().length, 1);
    assert.equal(entry.stream.viewers.size, 1);
    assert.deepEqual(playing.clientsOf(entry.stream), ['a']);
    playing.stop(playback, AccessStatus.Ok);
    playing.stop(playback, AccessStatus.Ok);
    assert.equal(entry.stream.viewers.size, 0);
    assert.deepEqual([...playing.playing()], []);
  });

  test('without read access is refused, and neither script nor disk is asked', () => {
    const { play, script, library } = setUp({ scripted: true });
    const { port, refusals } = play('show', {}, fakeClient('a', { readAccess: 'other' }));
    assert.deepEqual(refusals, ['NetStream.Play.Failed']);
    assert.deepEqual(port.told, ['refused NetStream.Play.Failed undefined']);
    assert.equal(script.asked.length + library.asked.length, 0);
  });

  test('plays what the script says, and the script hears of its beginning and end', () => {
    const { play, playing, script, air } = setUp({ scripted: true });
    air('secret');
    const { port, playback } = play('show');
    assert.deepEqual(port.told, []);
    script.asked[0]!.answer({ accepted: true, as: 'secret' });
    assert.deepEqual(port.told, ['started secret']);
    playing.stop(playback, AccessStatus.Ok);
    assert.deepEqual(script.notices, [
      { event: 'play', client: 'a', stream: 'secret' },
      { event: 'stopPlay', client: 'a', stream: 'secret' },
    ]);
  });

  test('that the script refuses ends', () => {
    const { play, script, streams } = setUp({ scripted: true });
    const { playback, refusals } = play('show');
    script.asked[0]!.answer({ accepted: false, reason: 'no' });
    assert.deepEqual(refusals, ['NetStream.Play.Failed']);
    assert.equal(playback.state, PlaybackState.Ended);
    assert.equal(streams.get('show'), undefined);
  });

  test('that leaves while the script is asked is forgotten, and a late answer changes nothing', () => {
    const { play, playing, script, streams } = setUp({ scripted: true });
    const { port, by } = play('show');
    playing.stopAll(by);
    assert.ok(script.asked[0]!.isDropped);
    script.asked[0]!.answer({ accepted: true });
    assert.deepEqual(port.told, []);
    assert.equal(streams.get('show'), undefined);
  });

  test('of a name that nobody publishes waits, and after ten seconds the log is told; not the name, where it is a key', async () => {
    for (const [name, shown] of [
      ['show', 'show'],
      ['key', undefined],
    ] as const) {
      const { play, clock } = setUp({ keys: ['key'] });
      const { port } = play(name);
      await settled();
      assert.deepEqual(port.told, [`started ${name}`]);
      clock.advance(9_999);
      assert.equal(port.told.length, 1);
      clock.advance(1);
      assert.deepEqual(port.told.slice(1), [`still waits ${shown} 10000`]);
    }
  });

  test('that leaves while it waits is not spoken of later, and its name is forgotten', async () => {
    const { play, playing, clock, streams } = setUp();
    const { port, by } = play('show');
    await settled();
    playing.stopAll(by);
    clock.advance(60_000);
    assert.deepEqual(port.told, ['started show']);
    assert.equal(streams.get('show'), undefined);
  });

  test('is refused where too many names are waited for, and not one that is waited for already', async () => {
    const { play, air } = setUp({ maxWaitingStreams: 1 });
    air('show');
    play('a');
    await settled();
    const [same, other, live] = [play('a'), play('b'), play('show')];
    await settled();
    assert.deepEqual(same.port.told, ['started a']);
    assert.deepEqual(other.port.told, ['refused NetStream.Play.Failed b']);
    assert.deepEqual(live.port.told, ['started show']);
  });

  test('of a part of a live stream has come to its end behind it', () => {
    const { play, air, clock } = setUp();
    const { picture } = air('show');
    const { port } = play('show', { length: 1 });
    for (let ms = 0; ms <= 1_200; ms += 400) picture(ms, ms === 0 ? video.keyframe(1) : video.frame(2));
    clock.advance(0);
    assert.deepEqual(
      port.messages().map(({ timestampMs }) => timestampMs),
      [0, 400, 800],
    );
    assert.deepEqual(port.told.slice(1), ['completed 1']);
  });

  test('cannot seek in what is live', () => {
    const { play, air, playing } = setUp();
    air('show');
    const { port, playback } = play('show');
    playing.seek(playback, 5_000);
    assert.equal(port.told.at(-1), 'seek failed 5000');
  });
});

describe('a recorded stream', () => {
  test('is played when nothing of its name is on the air, and what is on the air goes before it', async () => {
    const { play, library, air } = setUp();
    library.files.set('show', new FakeFile(pictures(0, 400)));
    const recorded = play('show');
    await settled();
    assert.equal(recorded.port.told[0], 'started show recorded');
    air('show');
    const live = play('show');
    assert.equal(live.port.told[0], 'started show');
    assert.deepEqual(library.asked, ['show']);
  });

  test('is let go when somebody has begun to publish its name meanwhile', async () => {
    const { play, library, air } = setUp();
    const file = new FakeFile(pictures(0, 400));
    library.files.set('show', file);
    const { port } = play('show');
    air('show');
    await settled();
    assert.deepEqual(port.told, ['started show']);
    assert.ok(file.isClosed);
  });

  test('is let go when its player has left meanwhile', async () => {
    const { play, library, playing } = setUp();
    const file = new FakeFile(pictures(0, 400));
    library.files.set('show', file);
    const { port, by } = play('show', { start: 0 });
    playing.stopAll(by);
    await settled();
    assert.deepEqual(port.told, []);
    assert.ok(file.isClosed);
  });

  test('that is not there, cannot be played or breaks is refused with its own code, or is an error of ours', async () => {
    const { play, library } = setUp();
    const missing = play('show', { start: 0 });
    await settled();
    assert.deepEqual(missing.refusals, ['NetStream.Play.StreamNotFound']);
    library.trouble = new StatusError('NetStream.Play.FileStructureInvalid', 'no FLV');
    const broken = play('show', { start: 0 });
    await settled();
    assert.deepEqual(broken.port.told, ['refused NetStream.Play.FileStructureInvalid show']);
    library.trouble = new TypeError('a bug');
    const bug = play('show', { start: 0 });
    await settled();
    assert.deepEqual(bug.port.broken, [library.trouble]);
    assert.deepEqual(bug.port.told, []);
  });

  test('is finished at its end, can be sought in then, and is stopped once for the script', async () => {
    const { play, library, playing, script, clock } = setUp({ scripted: true });
    library.files.set('show', new FakeFile(pictures(0, 400)));
    const { port, playback } = play('show', { start: 0 });
    script.asked[0]!.answer({ accepted: true });
    await settled();
    assert.equal(playback.state, PlaybackState.Finished);
    assert.ok(port.told.includes('completed 0.36'));
    playing.seek(playback, 0);
    assert.equal(playback.state, PlaybackState.Playing);
    await settled();
    playing.stop(playback, AccessStatus.Ok);
    assert.deepEqual(
      script.notices.map(({ event }) => event),
      ['play', 'stopPlay', 'play', 'stopPlay'],
    );
    clock.advance(60_000);
    assert.equal(clock.pending, 0);
  });

  test('is paused and goes on where its player is', async () => {
    const { play, library, playing, script } = setUp({ scripted: true });
    script.decide = () => ({ accepted: true });
    library.files.set('show', new FakeFile(pictures(0, 20_000)));
    const { port, playback } = play('show', { start: 0 });
    await until('the player', () => script.told('play').length === 1);
    await settled();
    playing.pause(playback, true, undefined);
    const from = port.writes.length;
    playing.pause(playback, false, 1_000);
    await settled();
    assert.deepEqual(
      port.told.filter((one) => /paused/.test(one)),
      ['paused recorded', 'unpaused recorded'],
    );
    assert.deepEqual(script.told('pause'), [
      { event: 'pause', client: 'a', stream: 'show', isPaused: true },
      { event: 'pause', client: 'a', stream: 'show', isPaused: false },
    ]);
    assert.equal(port.messages(from).find(({ payload }) => payload.at(-1) !== 0xee)!.timestampMs, 1_000);
  });

  test('has a length, and none for whom it is not or where it cannot be read', async () => {
    const { library, playing } = setUp();
    const file = new FakeFile(pictures(0, 400));
    library.files.set('show', file);
    assert.equal(await playing.recordedLengthMs(fakeClient('a'), 'show'), 360);
    assert.ok(file.isClosed);
    assert.equal(await playing.recordedLengthMs(fakeClient('a', { readAccess: 'x' }), 'show'), 0);
    assert.equal(await playing.recordedLengthMs(fakeClient('a'), 'other'), 0);
    library.trouble = new StatusError('NetStream.Play.Failed', 'no');
    assert.equal(await playing.recordedLengthMs(fakeClient('a'), 'show'), 0);
  });
});
