// Which streams the server publishes at a script's word, and what has their names before and after.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerPlay } from '../../../src/application/contract/source.ts';
import { MAX_PLAYLIST } from '../../../src/application/served/server-stream.ts';
import { MAX_SERVER_STREAMS, ServerStreams } from '../../../src/application/served/server-streams.ts';
import { StatusError } from '../../../src/errors.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { fakeClient } from '../../support/fake-client.ts';
import { FakeFile, FakeLibrary, pictures, settled } from '../../support/fake-file.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { video } from '../../support/media.ts';
import { type DeskOptions, publishDesk } from '../../support/publish-desk.ts';
import { SlowDirectory } from '../../support/slow-directory.ts';

/** A script that hears of the end may play on within so long. */
const GRACE_MS = 1_000;

function setUp(options: DeskOptions = {}) {
  const desk = publishDesk(options);
  const { clock, streams, publishing, names, script } = desk;
  const library = new FakeLibrary();
  const bugs: unknown[] = [];
  const served = new ServerStreams({
    ...{ application: 'live', instance: '_definst_', chunkBytes: 60_000, log: undefined },
    ...{ clock, streams, recorded: library, publishing, names, script: () => script },
    broke: (error) => bugs.push(error),
  });
  const play = (name: string, request: Partial<ServerPlay> = {}, stream = 'channel') =>
    served.play(stream, { name, start: 0, length: -1, reset: true, ...request });
  /** `Play.Start one`: what the script is told of the stream. */
  const told = (stream = 'channel') =>
    script
      .told('status')
      .filter((notice) => notice.stream === stream)
      .map(({ info }) => `${info.code.replace('NetStream.', '')} ${info.details}`);
  const player = new FakePlayer();
  const watch = () => streams.open('channel').stream.addPlayer(player);
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 40) {
      clock.advance(40);
      await settled();
    }
  };
  library.files.set('one', new FakeFile(pictures(0, 400)));
  return { ...desk, library, served, bugs, play, told, player, watch, pass };
}

describe('a stream that the server publishes', () => {
  test('has its name from the first word on, is on the air with its first message, and gives the name up in the end', async () => {
    const { play, told, holder, streams, player, watch, pass, served, offAir } = setUp();
    watch();
    play('one');
    assert.equal(holder('channel')?.kind, 'server');
    assert.ok(!streams.isOnAir('channel'));
    assert.ok(served.isOpening);
    await settled();
    assert.ok(streams.isOnAir('channel'));
    await pass(480);
    assert.equal(player.sent, 11, 'ten pictures and their header');
    assert.deepEqual(told(), ['Play.Reset one', 'Play.Start one', 'Publish.Start channel', 'Play.Stop one']);
    assert.equal(holder('channel')?.kind, 'server', 'the script may play on');
    await pass(GRACE_MS);
    assert.equal(told().at(-1), 'Unpublish.Success channel');
    assert.equal(holder('channel'), undefined);
    assert.ok(served.isEmpty);
    assert.deepEqual(player.told, ['publish', 'unpublish']);
    assert.deepEqual(offAir, ['channel']);
  });

  test('goes before a client that publishes under its name', async () => {
    const { publish, play, holder, pass } = setUp();
    const { port } = publish('channel');
    play('one');
    await pass(40);
    assert.equal(port.told.at(-1), 'ended the application plays something else under its name');
    assert.equal(holder('channel')?.kind, 'server');
    const later = publish('channel', fakeClient('b'));
    assert.equal(later.port.told[0], 'refused NetStream.Publish.BadName channel');
  });

  test('of which there is no file, or one that cannot be read, is told so; an error of ours is reported as one', async () => {
    const { library, play, told, pass, bugs } = setUp();
    play('nothing');
    await settled();
    assert.equal(told().at(-1), 'Play.StreamNotFound nothing');
    library.trouble = new StatusError('NetStream.Play.FileStructureInvalid', 'no FLV');
    play('one', { reset: false });
    await pass(40);
    assert.equal(told().at(-1), 'Play.FileStructureInvalid one');
    library.trouble = new TypeError('a bug');
    play('one', { reset: false });
    await pass(40);
    assert.equal(told().at(-1), 'Play.Failed one');
    assert.deepEqual(bugs, [library.trouble]);
  });

  test('relays what is live, and never what it feeds itself', async () => {
    const { streams, publish, play, player, watch } = setUp();
    watch();
    publish('guest');
    const { stream } = streams.get('guest')!;
    stream.publish(wireMessage(MessageType.Video, 0, video.keyframe(1)));
    play('guest', { start: -1 });
    await settled();
    assert.equal(player.sent, 1);
    play('channel', { start: -1 }, 'second');
    await settled();
    play('second', { start: -1 });
    await settled();
    assert.equal(streams.get('second')!.stream.sinkCount, 0, 'they would go round in a circle');
  });

  test('is not begun beyond the limit, and its playlist is bounded', () => {
    const { play, told } = setUp();
    for (let i = 0; i < MAX_SERVER_STREAMS; i += 1) play('one', {}, `channel${i}`);
    play('one');
    assert.deepEqual(told(), ['Play.Failed one']);
    for (let i = 0; i < MAX_PLAYLIST; i += 1) play('one', { reset: false }, 'channel0');
    assert.ok(!told('channel0').includes('Play.Failed one'));
    play('one', { reset: false }, 'channel0');
    assert.equal(told('channel0').at(-1), 'Play.Failed one');
  });

  test('that is stopped while its file is looked for lets it go', async () => {
    const { play, served, library, holder, told } = setUp();
    play('one');
    served.stop('channel');
    assert.equal(holder('channel'), undefined);
    await settled();
    assert.ok(library.files.get('one')!.isClosed);
    assert.ok(!told().includes('Play.Start one'));
  });

  test('ends with its instance, and none begins after that', async () => {
    const { play, served, holder, pass, clock } = setUp();
    play('one');
    await pass(40);
    served.close();
    served.close();
    play('one');
    assert.equal(holder('channel'), undefined);
    assert.ok(served.isEmpty);
    await pass(GRACE_MS);
    assert.equal(clock.pending, 0);
  });
});

describe('data that a script sends', () => {
  test('reaches the players of a stream, and with a gate none but those of the publish that the gate let in', () => {
    const { served, publish, answer, player, watch } = setUp({ scripted: true });
    watch();
    const { publication } = publish('channel');
    served.send('channel', 'cue', [1], publication.gate!.id);
    assert.equal(player.sent, 0, 'it is not decided yet');
    answer({ accepted: true });
    served.send('channel', 'cue', [2], 99);
    served.send('nothing', 'cue', [3], undefined);
    served.send('channel', 'cue', [4], undefined);
    publication.stream!.flush();
    assert.equal(player.sent, 2);
  });

  test('is kept for later players as a data frame until it is cleared', () => {
    const { served, publish, streams } = setUp();
    publish('channel');
    const { stream } = streams.get('channel')!;
    const joined = () => {
      stream.flush();
      const one = new FakePlayer();
      stream.removePlayer(stream.addPlayer(one));
      return one.sent;
    };
    served.send('channel', '@setDataFrame', ['onMetaData', { width: 1 }], undefined);
    assert.equal(joined(), 1);
    served.send('channel', '@clearDataFrame', ['onMetaData'], undefined);
    assert.equal(joined(), 0);
  });
});

describe('with a directory that takes its time', () => {
  test('nothing is played before the name is granted, and the name is given back in the end', async () => {
    const directory = new SlowDirectory();
    const { play, library, streams, served, pass } = setUp({ directory });
    play('one');
    await pass(400);
    assert.deepEqual(library.asked, []);
    assert.equal(directory.asked[0]!.claim.takesOver, true);
    directory.asked[0]!.answer(true);
    await settled();
    assert.ok(streams.isOnAir('channel'));
    served.stop('channel');
    assert.deepEqual(directory.released, ['channel']);
  });

  test('its refusal is BadName for the script, and the name is free', async () => {
    const directory = new SlowDirectory();
    const { play, library, told, holder, pass } = setUp({ directory });
    play('one');
    directory.asked[0]!.answer(false);
    await settled();
    assert.equal(told().at(-1), 'Publish.BadName one');
    await pass(GRACE_MS + 40);
    assert.equal(holder('channel'), undefined);
    assert.deepEqual(library.asked, []);
    assert.deepEqual(directory.released, []);
  });

  test('one that is stopped meanwhile withdraws its claim', () => {
    const directory = new SlowDirectory();
    const { play, served } = setUp({ directory });
    play('one');
    served.stop('channel');
    assert.ok(directory.asked[0]!.isWithdrawn);
  });

  test('one whose name another node takes over ends', async () => {
    const directory = new SlowDirectory();
    const { play, holder, told } = setUp({ directory });
    play('one');
    directory.asked[0]!.answer(true);
    await settled();
    directory.move('channel', 'node-2');
    assert.equal(holder('channel'), undefined);
    assert.equal(told().at(-1), 'Unpublish.Success channel');
    assert.deepEqual(directory.released, []);
  });
});
