import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../src/application/pace/turns.ts';
import { RecordingError } from '../../../src/errors.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, TURN_CLOCK, until } from '../../support/core.ts';
import { audio, video } from '../../support/media.ts';
import { statusOf } from '../../support/rtmp-peer.ts';
import { asking, holdPublishes, marks, marksOf } from './publishing.ts';

test('a publish begins in the order that clients and scripts rely on', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  const { peer: player } = await core.player('cam');
  const from = player.heard.length;
  const { peer, id } = await asking(core, 'cam?k=v', 'record');
  const asked = await core.script().question('onPublish');
  assert.ok(asked.question.gate === 'onPublish');
  assert.deepEqual(
    { ...asked.question.request, params: { ...asked.question.request.params } },
    { name: 'cam', query: 'k=v', params: { k: 'v' }, type: 'record' },
  );
  const before = peer.heard.length;
  const { commands } = core.script();
  const { client } = asked.question;
  asked.answer({ accepted: true });
  commands.obey({ op: 'clientCall', client, name: 'welcome', args: [] });
  for (const { client: viewer } of core.script().told('play'))
    commands.obey({ op: 'clientCall', client: viewer, name: 'soon', args: [] });
  await peer.settle();
  await player.settle();
  assert.deepEqual(peer.summary().slice(before), [
    'control 4',
    'NetStream.Publish.Start',
    'NetStream.Record.Start',
    'welcome',
    '_result',
  ]);
  const begin = peer.heard[before]!;
  assert.deepEqual(begin.control, {
    typeId: MessageType.UserControl,
    event: UserControlEvent.StreamBegin,
    streamId: id,
  });
  const { level, details, description, clientid } = statusOf(peer.heard[before + 1]!.command)!;
  assert.deepEqual(
    [level, details, description, clientid],
    ['status', 'cam', 'cam is now published.', client],
  );
  assert.equal(peer.heard[before + 1]!.streamId, id);
  assert.deepEqual(player.summary().slice(from), ['soon', 'NetStream.Play.PublishNotify', '_result']);
  assert.deepEqual(core.script().told('publish'), [
    { event: 'publish', client, stream: 'cam', query: 'k=v', gate: asked.id },
  ]);
});

for (const [what, args] of [
  ['a number', [7]],
  ['an object', [{}]],
  ['an empty name', ['']],
  ['a query alone', ['?k=v']],
  ['a control character', ['a\u0000b']],
  ['a very long name', ['x'.repeat(1025)]],
] as [string, AmfValue[]][]) {
  test(`publish with ${what} is a BadName, and the stream stays usable`, async () => {
    await using core = await Core.start();
    const peer = await core.peer();
    await peer.connect('live');
    const id = await peer.createStream();
    peer.command('publish', 0, args, id);
    const { level } = await peer.expectStatus('NetStream.Publish.BadName');
    assert.equal(level, 'error');
    assert.equal(core.script().asked.length, 1);
    peer.command('publish', 0, ['cam'], id);
    await peer.expectStatus('NetStream.Publish.Start');
  });
}

// ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('a refused publisher hears the reason, leaves no trace, and may try again', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  const { peer, id } = await asking(core, 'cam', 'record');
  const { peer: player } = await core.player('cam');
  const asked = await core.script().question('onPublish');
  peer.video(id, 0, video.keyframe(1));
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'record', gate: asked.id });
  asked.answer({ accepted: false, reason: 'no such key' });
  const { level, description, details } = await peer.expectStatus('NetStream.Publish.Denied');
  assert.deepEqual([level, description, details], ['error', 'no such key', 'cam']);
  assert.deepEqual(core.script().told('publish', 'unpublish', 'publishFailed'), []);
  assert.deepEqual(core.recorders.opened, []);
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'record', gate: asked.id }); // a late one
  assert.deepEqual(core.recorders.opened, []);

  core.script().decide = () => ({ accepted: true });
  peer.video(id, 10, video.keyframe(2)); // nobody's
  peer.command('publish', 0, ['cam'], id);
  await peer.expectStatus('NetStream.Publish.Start');
  peer.video(id, 20, video.keyframe(3));
  assert.deepEqual(await marks(player, 1), [3]);
  assert.equal(
    peer.heard.some(({ command }) => statusOf(command)?.code === 'NetStream.Unpublish.Success'),
    false,
  );
});

test('media before the verdict is kept, and delivered in its order', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  const { peer: player } = await core.player('cam');
  const { peer, id } = await asking(core, 'cam');
  const asked = await core.script().question('onPublish');
  peer.data('@setDataFrame', ['onMetaData', { width: 640 }], id);
  peer.video(id, 0, video.header());
  peer.video(id, 0, video.keyframe(1));
  peer.audio(id, 10, audio.frame(1));
  peer.video(id, 20, video.frame(2));
  await peer.settle();
  assert.equal(core.instance()?.streams.get('cam')?.stream.stats.messagesIn, 0);
  asked.answer({ accepted: true });
  peer.video(id, 40, video.frame(3));
  await marks(player, 4);
  const from = player.summary().indexOf('NetStream.Play.PublishNotify');
  assert.deepEqual(player.summary().slice(from), [
    'NetStream.Play.PublishNotify',
    'data onMetaData',
    'video',
    'video',
    'audio',
    'video',
    'video',
  ]);
  assert.deepEqual(marksOf(player), [0, 1, 2, 3]);
});

test('media beyond the limit rests in the socket until the verdict, and nothing of it is lost', async () => {
  // the player gets 20 MB at once and shall not count as slow
  const backlog = { softSizeBytes: 64 << 20, hardSizeBytes: 64 << 20 };
  await using core = await Core.start({
    session: { maxHeldBytes: 100_000 },
    settings: { client: { backlog } },
  });
  holdPublishes(core);
  const { peer: player } = await core.player('cam');
  const { peer, id } = await asking(core, 'cam');
  const asked = await core.script().question('onPublish');
  const payload = Buffer.alloc(50_000, 0x27);
  payload[1] = 1;
  const count = 400;
  for (let i = 0; i < count; i += 1) {
    payload.writeUInt32BE(i, payload.length - 4);
    payload[0] = i % 50 === 0 ? 0x17 : 0x27;
    peer.video(id, i, payload);
  }
  await until('the socket to be full', () => peer.socket.writableLength > 0);
  await untilStill(() => peer.socket.writableLength);
  assert.ok(peer.socket.writableLength > count * 25_000, 'the server goes on reading');
  asked.answer({ accepted: true });
  const heard = () => player.heard.filter(({ media }) => media);
  await until('all of it', () => heard().length === count);
  assert.deepEqual(
    heard().map(({ media }) => Buffer.from(media!).readUInt32BE(media!.length - 4)),
    Array.from({ length: count }, (_, i) => i),
  );
});

test('empty messages before the verdict count as well', async () => {
  await using core = await Core.start({ session: { maxHeldBytes: 100_000 } });
  holdPublishes(core);
  const { peer, id } = await asking(core, 'cam');
  await core.script().question('onPublish');
  peer.audio(id, 0, new Uint8Array(0));
  // a chunk of fmt 3 repeats the message before it: one byte each
  peer.socket.write(Buffer.alloc(32 << 20, 0xc4));
  await until('the socket to be full', () => peer.socket.writableLength > 0);
  await untilStill(() => peer.socket.bytesRead + peer.socket.writableLength);
  assert.ok(peer.socket.writableLength > 16 << 20, 'a million messages are kept');
});

/** Resolves when `value` has not changed for a hundred turns. */
async function untilStill(value: () => number): Promise<void> {
  let last = value();
  let turns = 0;
  await until('an end of the change', () => {
    turns = value() === last ? turns + 1 : 0;
    last = value();
    return turns > 100;
  });
}

test('a publisher that leaves before the verdict takes the question along', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  const { peer, id } = await asking(core, 'cam');
  const asked = await core.script().question('onPublish');
  peer.video(id, 0, video.keyframe());
  peer.command('closeStream', 0, [], id);
  await peer.settle();
  assert.equal(asked.isDropped, true);
  asked.answer({ accepted: true });
  assert.equal(core.instance()?.streams.get('cam'), undefined);
  peer.socket.destroy();
  await until('the end', () => core.sessionCount === 0);
  assert.deepEqual(core.script().told('publish', 'unpublish', 'publishFailed'), []);
});

test('what was kept before the verdict is delivered in turns: a gate that opens for many holds nobody up', async () => {
  let nowMs = 0;
  // each look at the clock finds that the work so far has taken four milliseconds
  const turns = new Turns({ ...TURN_CLOCK, now: () => (nowMs += 4) });
  await using core = await Core.start({ session: { turns } });
  holdPublishes(core);
  const { peer: player } = await core.player('cam');
  const { peer, id } = await asking(core, 'cam');
  const asked = await core.script().question('onPublish');
  for (let i = 0; i < 20; i += 1) peer.video(id, i, video.keyframe(i));
  await peer.settle();
  asked.answer({ accepted: true });
  const { stats } = core.instance()!.streams.get('cam')!.stream;
  let before = 0;
  let most = 0;
  await until('all of it', () => {
    most = Math.max(most, stats.messagesIn - before);
    before = stats.messagesIn;
    return before === 20;
  });
  assert.ok(most < 10, `${most} messages in one go`);
  peer.video(id, 20, video.keyframe(20));
  assert.deepEqual(
    await marks(player, 21),
    Array.from({ length: 21 }, (_, i) => i),
  );
});

test('media held for one publish never reaches the next on the same stream', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  const { peer: player } = await core.player('b');
  const { peer, id } = await asking(core, 'a');
  await core.script().question('onPublish');
  peer.video(id, 0, video.keyframe(1));
  peer.command('publish', 0, ['b'], id);
  peer.video(id, 0, video.keyframe(2));
  await until(
    'the second question',
    () => core.script().asked.filter(({ question }) => question.gate === 'onPublish').length === 2,
  );
  await peer.settle();
  (await core.script().question('onPublish')).answer({ accepted: true });
  assert.deepEqual(await marks(player, 1), [2]);
});

test('commands made while the gate is open wait for the publish, and act on it alone', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  await core.player('cam'); // somebody waits for the name, so it exists
  const { peer } = await asking(core, 'key');
  const asked = await core.script().question('onPublish');
  const { commands } = core.script();
  commands.obey({ op: 'record', stream: 'key', mode: 'append', gate: asked.id, maxDurationS: 60 });
  asked.answer({ accepted: true, as: 'cam' });
  await peer.expectStatus('NetStream.Record.Start');
  const [recording] = core.recorders.opened;
  const { client, ...request } = recording!.request;
  assert.deepEqual(request, {
    application: 'live',
    instance: '_definst_',
    stream: 'cam',
    mode: 'append',
    limits: { maxDurationS: 60 },
  });
  assert.equal(client?.ip, '127.0.0.1');
  peer.command('closeStream', 0, [], 1);
  await peer.expectStatus('NetStream.Record.Stop');
  assert.equal(recording?.isClosed, true);
  commands.obey({ op: 'record', stream: 'cam', mode: 'record', gate: asked.id }); // that publish is over
  commands.obey({ op: 'record', stream: 'cam', mode: 'record' }); // and nobody else publishes it
  assert.equal(core.recorders.opened.length, 1);
});

test('a script that takes the publisher off its stream closes it', async () => {
  await using core = await Core.start();
  const { peer } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  core.script().commands.obey({ op: 'streamDisconnect', stream: 'cam', reason: 'enough' });
  const { description } = await peer.expectStatus('NetStream.Publish.Denied');
  assert.equal(description, 'enough');
  await peer.closed();
  await player.expectStatus('NetStream.Play.UnpublishNotify');
  await until('the notices', () => core.script().told('disconnect').length === 1);
  assert.deepEqual(
    core
      .script()
      .told('publish', 'unpublish', 'disconnect')
      .map(({ event }) => event),
    ['publish', 'unpublish', 'disconnect'],
  );
});

test('a publisher that was taken off its stream while it was being admitted is off', async () => {
  await using core = await Core.start();
  holdPublishes(core);
  const { peer } = await asking(core, 'cam');
  const asked = await core.script().question('onPublish');
  core.script().commands.obey({ op: 'streamDisconnect', stream: 'cam', reason: 'enough', gate: asked.id });
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'record', gate: asked.id });
  asked.answer({ accepted: true });
  await peer.expectStatus('NetStream.Publish.Denied');
  await peer.closed();
  assert.deepEqual(core.recorders.opened, []);
  assert.equal(core.instance()?.streams.get('cam'), undefined);
});

test('writeAccess refuses without asking', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const clientId = [...core.instance()!.clients.keys()][0]!;
  core.script().commands.obey({ op: 'access', client: clientId, writeAccess: 'studio;guests/' });
  const id = await peer.createStream();
  peer.command('publish', 0, ['cam'], id);
  await peer.expectStatus('NetStream.Publish.Denied');
  peer.command('publish', 0, ['studios/cam'], id);
  await peer.expectStatus('NetStream.Publish.Denied');
  peer.command('publish', 0, ['studio/cam'], id);
  await peer.expectStatus('NetStream.Publish.Start');
  assert.equal(core.script().asked.length, 2);
});

// ── recording ────────────────────────────────────────────────────────────────────────────────────────────────────

test('the verdict’s terms decide about the recording', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = (question) =>
      question.gate === 'onPublish' ? { accepted: true, record: 'append' } : { accepted: true };
  };
  const { peer, id } = await core.publisher('cam');
  await peer.expectStatus('NetStream.Record.Start');
  assert.equal(core.recorders.opened[0]?.request.mode, 'append');
  peer.video(id, 0, video.header());
  peer.video(id, 0, video.keyframe(1));
  peer.audio(id, 5, audio.frame(2));
  peer.command('deleteStream', 0, [id]);
  await peer.settle();
  assert.deepEqual(peer.summary().slice(-3), [
    'NetStream.Record.Stop',
    'NetStream.Unpublish.Success',
    '_result',
  ]);
  const [recording] = core.recorders.opened;
  assert.equal(recording?.isClosed, true);
  assert.equal(recording?.taken.length, 3, 'the audio that was still waiting is in the file');
});

test('a recording that is refused does not stop the stream, and the script hears of it', async () => {
  await using core = await Core.start();
  core.recorders.refusal = new RecordingError('NetStream.Record.NoAccess', 'read-only');
  const { peer } = await asking(core, 'cam', 'record');
  await peer.expectStatus('NetStream.Publish.Start');
  const { level, description } = await peer.expectStatus('NetStream.Record.NoAccess');
  assert.deepEqual([level, description], ['error', 'read-only']);
  const [{ info } = assert.fail()] = core.script().told('status');
  assert.deepEqual(info, {
    code: 'NetStream.Record.NoAccess',
    level: 'error',
    description: 'read-only',
    details: 'cam',
  });
  assert.ok(core.instance()?.streams.get('cam')?.publication);
});

test('a recording that fails stops, and the stream goes on', async () => {
  await using core = await Core.start();
  const { peer, id } = await asking(core, 'cam', 'record');
  await peer.expectStatus('NetStream.Record.Start');
  const { peer: player } = await core.player('cam');
  const [opened] = core.recorders.opened;
  opened!.events.failed('NetStream.Record.Failed', 'the disk is full', opened!.file);
  const { description } = await peer.expectStatus('NetStream.Record.Failed');
  assert.equal(description, 'the disk is full');
  peer.video(id, 0, video.keyframe(9));
  assert.deepEqual(await marks(player, 1), [9]);
  assert.deepEqual(core.recorders.opened[0]!.taken, []);
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'append' }); // another try
  await peer.expectStatus('NetStream.Record.Start');
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: false });
  await peer.expectStatus('NetStream.Record.Stop');
  assert.equal(core.recorders.opened[1]!.isClosed, true);
  assert.deepEqual(
    core
      .script()
      .told('status')
      .map(({ info, stream }) => [stream, info.code]),
    ['Start', 'Failed', 'Start', 'Stop'].map((what) => ['cam', `NetStream.Record.${what}`]),
  );
});

test('an encoder that publishes live is not told that the recording of a script has failed', async () => {
  await using core = await Core.start();
  const { peer } = await asking(core, 'cam', 'live');
  await peer.expectStatus('NetStream.Publish.Start');
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'record' });
  await peer.expectStatus('NetStream.Record.Start');
  const [opened] = core.recorders.opened;
  opened!.events.failed('NetStream.Record.Failed', 'the disk is full', opened!.file);
  core.recorders.refusal = new RecordingError('NetStream.Record.NoAccess', 'read-only');
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'record' });
  await peer.settle();
  const errors = peer.heard.filter(({ command }) => statusOf(command)?.level === 'error');
  assert.deepEqual(errors, []);
  assert.deepEqual(
    core
      .script()
      .told('recordFailed')
      .map(({ error }) => error.code),
    ['NetStream.Record.Failed', 'NetStream.Record.NoAccess'],
  );
  assert.ok(core.instance()?.streams.get('cam')?.publication);
});

test('the script hears of files that are whole, and of recordings that failed', async () => {
  await using core = await Core.start();
  const { peer } = await asking(core, 'cam', 'appendWithGap');
  await peer.expectStatus('NetStream.Record.Start');
  const [opened] = core.recorders.opened;
  assert.equal(opened!.request.mode, 'appendWithGap');
  const { events, file } = opened!;
  events.completed({ ...file, lengthMs: 1_500, sizeBytes: 10, codecs: ['avc'], reason: 'segment' });
  events.failed('NetStream.Record.NoAccess', 'read-only', file);
  await peer.expectStatus('NetStream.Record.NoAccess');
  assert.deepEqual(
    core
      .script()
      .told('recorded')
      .map((notice) => notice.file),
    [
      {
        name: 'show',
        path: 'streams/_definst_/show.flv',
        duration: 1.5,
        bytes: 10,
        codecs: ['avc'],
        reason: 'segment',
      },
    ],
  );
  const error = { code: 'NetStream.Record.NoAccess', description: 'read-only', path: file.place };
  assert.deepEqual(core.script().told('recordFailed')[0], { event: 'recordFailed', stream: 'cam', error });
});

test('publishing live deletes no recording, unless EraseOnPublish says so', async () => {
  for (const erasesOnPublish of [false, true]) {
    await using core = await Core.start({
      settings: { streamManager: { live: { eraseOnPublish: erasesOnPublish } } },
    });
    await core.publisher('cam');
    assert.deepEqual(core.recorders.cleared, erasesOnPublish ? ['cam'] : []);
  }
});

test('a recording that ends with what it is given first leaves nothing behind', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  peer.video(id, 0, video.keyframe(1));
  await peer.settle();
  const { recorders } = core;
  const open = recorders.open.bind(recorders);
  recorders.open = (request, events) => {
    const recording = open(request, events);
    recording.take = () => {
      events.stopped(); // its limit
      recording.close();
    };
    return recording;
  };
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'append', maxSizeBytes: 1 });
  await peer.expectStatus('NetStream.Record.Start');
  await peer.expectStatus('NetStream.Record.Stop');
  const entry = core.instance()!.streams.get('cam')!;
  assert.deepEqual([entry.recording, entry.stream.sinkCount], [undefined, 0]);
});

test('who publishes and records again at once gets its file again', async () => {
  await using core = await Core.start();
  const { peer } = await asking(core, 'cam', 'record');
  await peer.expectStatus('NetStream.Record.Start');
  core.script().commands.obey({ op: 'record', stream: 'cam', mode: 'append' });
  await peer.expectStatus('NetStream.Record.Stop');
  await peer.expectStatus('NetStream.Record.Start');
  assert.deepEqual(
    core.recorders.opened.map(({ isClosed }) => isClosed),
    [true, false],
  );
});
