import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';
import { audio, video } from '../../support/media.ts';
import { type RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';

/** Connected, with a stream, and `play` said. */
async function asking(core: Core, ...args: AmfValue[]): Promise<{ peer: RtmpPeer; id: number }> {
  const peer = await core.peer();
  await peer.connect('live');
  const id = await peer.createStream();
  peer.command('play', 0, args, id);
  return { peer, id };
}

/** Kind and last byte of the media heard on that stream. */
function marks(peer: RtmpPeer, streamId?: number): string[] {
  return peer.heard.flatMap(({ media, typeId, streamId: on }) =>
    media && (streamId === undefined || on === streamId)
      ? [`${typeId === MessageType.Video ? 'v' : 'a'}${media.at(-1)}`]
      : [],
  );
}

async function heard(peer: RtmpPeer, wanted: string[], streamId?: number): Promise<void> {
  await until(`${wanted}`, () => marks(peer, streamId).length >= wanted.length);
  assert.deepEqual(marks(peer, streamId), wanted);
}

test('play begins with Stream Begin, Reset, Start, and the server’s own data', async () => {
  await using core = await Core.start();
  const { peer, id } = await asking(core, 'cam?k=v', -2000);
  await peer.expectData('onStatus');
  const from = peer.heard.findIndex(
    ({ control, streamId, typeId }) =>
      typeId === MessageType.UserControl &&
      streamId === 0 &&
      control &&
      'streamId' in control &&
      control.streamId === id,
  );
  assert.deepEqual(peer.summary().slice(from), [
    'control 4',
    'NetStream.Play.Reset',
    'NetStream.Play.Start',
    'data |RtmpSampleAccess',
    'data onStatus',
  ]);
  const [begin, reset, start, access, data] = peer.heard.slice(from);
  assert.deepEqual(begin?.control, {
    typeId: MessageType.UserControl,
    event: UserControlEvent.StreamBegin,
    streamId: id,
  });
  assert.deepEqual([reset?.streamId, access?.streamId, data?.streamId], [id, id, id]);
  const { level, description, details, clientid } = statusOf(start?.command)!;
  assert.deepEqual([level, description, details], ['status', 'Started playing cam.', 'cam']);
  assert.equal(typeof clientid, 'string');
  assert.equal(statusOf(reset?.command)?.description, 'Playing and resetting cam.');
  assert.deepEqual(access?.data?.values, [false, false]);
  assert.deepEqual({ ...(data?.data?.values[0] as object) }, { code: 'NetStream.Data.Start' });
  assert.deepEqual(
    core
      .script()
      .told('play')
      .map(({ stream }) => stream),
    ['cam'],
  );
});

test('|RtmpSampleAccess says what the client has been given of that stream, as sound and as pictures', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const [clientId] = core.instance()!.clients.keys();
  core.script().commands.obey({
    op: 'access',
    client: clientId!,
    audioSampleAccess: 'open;films',
    videoSampleAccess: 'films',
  });
  const given = async (name: string) => {
    const id = await peer.createStream();
    peer.command('play', 0, [name], id);
    return (await peer.expectData('|RtmpSampleAccess')).values;
  };
  assert.deepEqual(await given('open/cam'), [true, false]);
  assert.deepEqual(await given('mp4:films/a.f4v'), [true, true]);
  assert.deepEqual(await given('cam'), [false, false]);
});

for (const [who, facts, given, wanted] of [
  ['a program that runs no SWF hears nothing of it', { flashVer: 'own/1.0' }, '', []],
  ['unless it has been given something', { flashVer: 'own/1.0' }, '/', ['|RtmpSampleAccess']],
  ['ffmpeg makes tracks of data that it does not know: none', { flashVer: 'LNX 9,0,124,2' }, '/', []],
  ['nor librtmp', { flashVer: 'LNX 10,0,32,18' }, '/', []],
  [
    'a Flash Player of that name has an SWF',
    { swfUrl: 'app:/tv.swf' },
    '/',
    ['|RtmpSampleAccess', 'onStatus'],
  ],
] as [string, Record<string, AmfValue>, string, string[]][]) {
  test(`sample access: ${who}`, async () => {
    await using core = await Core.start();
    const peer = await core.peer();
    await peer.connect('live', { swfUrl: undefined, ...facts });
    const [clientId] = core.instance()!.clients.keys();
    core
      .script()
      .commands.obey({ op: 'access', client: clientId!, audioSampleAccess: given, videoSampleAccess: given });
    peer.command('play', 0, ['cam'], await peer.createStream());
    await peer.expectStatus('NetStream.Play.Start');
    await peer.settle();
    assert.deepEqual(
      peer.heard.flatMap(({ data }) => (data ? [data.name] : [])),
      wanted,
    );
  });
}

for (const [args, request] of [
  [['cam'], { start: -2, length: -1, reset: true }],
  [['cam', -2000], { start: -2, length: -1, reset: true }],
  [['cam', -2], { start: -2, length: -1, reset: true }],
  [['cam', -1000], { start: -1, length: -1, reset: true }],
  [['cam', -1, -1, true], { start: -1, length: -1, reset: true }],
  [['cam', -5], { start: -2, length: -1, reset: true }],
  [['cam', Number.NaN, 3000, false], { start: -2, length: 3, reset: false }],
  [['cam', 'x', 'y', 0], { start: -2, length: -1, reset: false }],
  [['cam', 1500, 0, 1], { start: 1.5, length: 0, reset: true }],
  [['cam', {}, {}, {}], { start: -2, length: -1, reset: true }],
] as [AmfValue[], object][]) {
  test(`play(${JSON.stringify(args)}) asks for ${JSON.stringify(request)}`, async () => {
    await using core = await Core.start();
    await asking(core, ...args);
    const { question } = await core.script().question('onPlay');
    assert.ok(question.gate === 'onPlay');
    const { start, length, reset, name } = question.request;
    assert.deepEqual({ start, length, reset }, request);
    assert.equal(name, 'cam');
  });
}

test('without reset there is no Play.Reset', async () => {
  await using core = await Core.start();
  const { peer } = await asking(core, 'cam', -2000, -1, false);
  await peer.expectStatus('NetStream.Play.Start');
  assert.equal(peer.summary().includes('NetStream.Play.Reset'), false);
});

test('a recorded stream that is not there is not found', async () => {
  await using core = await Core.start();
  const { peer, id } = await asking(core, 'cam', 0);
  const { level, details } = await peer.expectStatus('NetStream.Play.StreamNotFound');
  assert.deepEqual([level, details], ['error', 'cam']);
  assert.equal(core.instance()?.streams.get('cam'), undefined);
  peer.command('play', 0, ['cam'], id);
  await peer.expectStatus('NetStream.Play.Start');
});

for (const name of [7, '', {}, 'a\nb', 'x'.repeat(1025)] as AmfValue[]) {
  test(`play(${JSON.stringify(name).slice(0, 20)}) fails`, async () => {
    await using core = await Core.start();
    const { peer } = await asking(core, name);
    await peer.expectStatus('NetStream.Play.Failed');
    await peer.settle();
  });
}

// ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('a refused player hears the reason, and may try again', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) =>
      gate === 'onPlay' ? { accepted: false, reason: 'pay first' } : { accepted: true };
  };
  const { peer, id } = await asking(core, 'cam');
  const { level, description } = await peer.expectStatus('NetStream.Play.Failed');
  assert.deepEqual([level, description], ['error', 'pay first']);
  assert.deepEqual(core.script().told('play', 'stopPlay'), []);
  core.script().decide = () => ({ accepted: true });
  peer.command('play', 0, ['cam'], id);
  await peer.expectStatus('NetStream.Play.Start');
});

test('a player that leaves before the verdict takes the question along', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) => (gate === 'onPlay' ? undefined : { accepted: true });
  };
  const { peer, id } = await asking(core, 'cam');
  const asked = await core.script().question('onPlay');
  peer.command('play', 0, [false], id);
  await peer.settle();
  assert.equal(asked.isDropped, true);
  asked.answer({ accepted: true });
  assert.equal(core.instance()?.streams.get('cam'), undefined);
  assert.deepEqual(core.script().told('play', 'stopPlay'), []);
});

test('a player is given another stream under the name that it asked for', async () => {
  await using core = await Core.start();
  const { peer: publisher, id: publishing } = await core.publisher('cam-hd');
  core.script().decide = () => ({ accepted: true, as: 'cam-hd' });
  const { peer } = await asking(core, 'cam');
  const { details } = await peer.expectStatus('NetStream.Play.Start');
  assert.equal(details, 'cam');
  publisher.video(publishing, 0, video.keyframe(1));
  await heard(peer, ['v1']);
  publisher.command('closeStream', 0, [], publishing);
  const { details: last, description } = await peer.expectStatus('NetStream.Play.UnpublishNotify');
  assert.deepEqual([last, description], ['cam', 'cam is now unpublished.']);
});

test('readAccess refuses without asking', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const clientId = [...core.instance()!.clients.keys()][0]!;
  core.script().commands.obey({ op: 'access', client: clientId, readAccess: 'public' });
  const id = await peer.createStream();
  peer.command('play', 0, ['private/cam'], id);
  await peer.expectStatus('NetStream.Play.Failed');
  peer.command('play', 0, ['public/cam'], id);
  await peer.expectStatus('NetStream.Play.Start');
  assert.equal(core.script().asked.length, 2);
});

// ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('players wait for a publisher, and for the next', async () => {
  await using core = await Core.start();
  const { peer: player } = await core.player('cam');
  for (const mark of [1, 2]) {
    const { peer, id } = await core.publisher('cam');
    peer.video(id, 0, video.header(mark));
    peer.video(id, 0, video.keyframe(mark));
    await until('them', () => marks(player).length === mark * 2);
    peer.socket.destroy();
    await player.expectStatus('NetStream.Play.UnpublishNotify');
  }
  const from = player.summary().indexOf('NetStream.Play.PublishNotify');
  const round = ['NetStream.Play.PublishNotify', 'video', 'video', 'NetStream.Play.UnpublishNotify'];
  assert.deepEqual(player.summary().slice(from), [...round, ...round]);
  await heard(player, ['v1', 'v1', 'v2', 'v2']);
});

test('an instance has room for so many names that nobody publishes', async () => {
  await using core = await Core.start({ settings: { streamManager: { live: { maxWaitingStreams: 2 } } } });
  await core.publisher('on air');
  await core.player('a');
  const { peer: b } = await core.player('b');
  const { peer, id } = await asking(core, 'c');
  await peer.expectStatus('NetStream.Play.Failed');
  peer.command('play', 0, ['a'], id); // somebody waits for it already
  await peer.expectStatus('NetStream.Play.Start');
  const { peer: other } = await asking(core, 'on air');
  await other.expectStatus('NetStream.Play.Start');
  b.socket.destroy();
  await until('room', () => core.instance()?.streams.get('b') === undefined);
  const { peer: late } = await asking(core, 'c');
  await late.expectStatus('NetStream.Play.Start');
});

test('a name that nobody uses any more is forgotten', async () => {
  await using core = await Core.start();
  const { peer: publisher, id } = await core.publisher('cam');
  const { peer: player, id: playing } = await core.player('cam');
  publisher.audio(id, 0, audio.frame());
  await publisher.settle();
  publisher.command('deleteStream', 0, [id]);
  await publisher.settle();
  assert.ok(core.instance()?.streams.get('cam'));
  player.command('deleteStream', 0, [playing]);
  await player.settle();
  assert.deepEqual([...core.instance()!.streams.values()], []);
  assert.deepEqual(
    core
      .script()
      .told('play', 'stopPlay', 'unpublish')
      .map(({ event }) => event),
    ['play', 'unpublish', 'stopPlay'],
  );
});

// ── what reaches a player ────────────────────────────────────────────────────────────────────────────────────────

test('a late joiner gets metadata, headers and the last group of pictures at once', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  peer.data('@setDataFrame', ['onMetaData', { width: 640 }], id);
  peer.video(id, 0, video.header(9));
  peer.video(id, 0, video.keyframe(1));
  peer.video(id, 40, video.keyframe(2));
  peer.video(id, 80, video.frame(3));
  await peer.settle();
  const { peer: player } = await core.player('cam');
  const { values } = await player.expectData('onMetaData');
  assert.equal((values[0] as Record<string, AmfValue>).width, 640);
  await heard(player, ['v9', 'v2', 'v3']);
  assert.equal(player.summary().includes('NetStream.Play.PublishNotify'), false);
});

test('timestamps pass 0xFFFFFF, and the end of 32 bits', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const times = [0xff_fffe, 0xff_ffff, 0x1_00_00_00, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0, 40];
  const large = Buffer.concat([video.keyframe(), Buffer.alloc(130_000)]); // several chunks on the way out, many on the way in
  for (const time of times) peer.video(id, time, large);
  await until('all', () => marks(player).length === times.length);
  const got = player.heard.filter(({ media }) => media);
  assert.deepEqual(
    got.map(({ timestampMs }) => timestampMs),
    times,
  );
  for (const { media } of got) assert.equal(media?.length, large.length);
});

test('two streams of one connection play side by side, under their own ids', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const second = await player.createStream();
  player.command('play', 0, ['cam'], second);
  await player.expectStatus('NetStream.Play.Start');
  peer.video(id, 0, video.keyframe(1));
  peer.audio(id, 10, audio.frame(2));
  peer.video(id, 40, video.frame(3));
  const all = ['v1', 'a2', 'v3'];
  await heard(player, all, second);
  await heard(player, all, 1);
  player.command('deleteStream', 0, [1]);
  await player.settle();
  peer.video(id, 80, video.frame(4));
  await heard(player, [...all, 'v4'], second);
  assert.deepEqual(marks(player, 1), all);
});

test('pause and unpause are told, and end and begin what is sent', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player, id: playing } = await core.player('cam');
  player.command('pause', 0, [true, 0], playing);
  assert.equal((await player.expectStatus('NetStream.Pause.Notify')).details, 'cam');
  peer.video(id, 0, video.keyframe(1));
  await peer.settle();
  player.command('pauseRaw', 0, [false, 0], playing);
  await player.expectStatus('NetStream.Unpause.Notify');
  peer.video(id, 40, video.frame(2));
  peer.video(id, 80, video.keyframe(3));
  await heard(player, ['v3']);
});

test('receiveAudio and receiveVideo leave out the one or the other', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player, id: playing } = await core.player('cam');
  player.command('receiveAudio', 0, [false], playing);
  await player.settle();
  peer.video(id, 0, video.keyframe(1));
  peer.audio(id, 10, audio.frame(2));
  peer.video(id, 40, video.frame(3));
  await heard(player, ['v1', 'v3']);
  player.command('receiveAudio', 0, [true], playing);
  player.command('receiveVideo', 0, [false], playing);
  await player.settle();
  peer.video(id, 80, video.frame(4));
  peer.audio(id, 90, audio.frame(5));
  peer.video(id, 120, video.frame(6));
  await heard(player, ['v1', 'v3', 'a5']);
});

test('seek of a live stream fails and changes nothing', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player, id: playing } = await core.player('cam');
  player.command('seek', 0, [5_000], playing);
  await player.expectStatus('NetStream.Seek.Failed');
  peer.video(id, 0, video.keyframe(1));
  await heard(player, ['v1']);
});

test('a play on a stream that plays already takes its place', async () => {
  await using core = await Core.start();
  const { peer: a, id: idA } = await core.publisher('a');
  const { peer: b, id: idB } = await core.publisher('b');
  const { peer: player, id } = await core.player('a');
  player.command('play', 0, ['b'], id);
  assert.equal((await player.expectStatus('NetStream.Play.Stop')).details, 'a');
  assert.equal((await player.expectStatus('NetStream.Play.Start')).details, 'b');
  a.video(idA, 0, video.keyframe(1));
  await a.settle();
  b.video(idB, 0, video.keyframe(2));
  await heard(player, ['v2']);
});

// ── one that stops reading ───────────────────────────────────────────────────────────────────────────────────────

test('a player that stops reading is disconnected, and its neighbour misses nothing', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: stalled } = await core.player('cam');
  const { peer: neighbour } = await core.player('cam');
  stalled.socket.pause();
  const payload = Buffer.concat([video.keyframe(), Buffer.alloc(100_000)]);
  let sent = 0;
  const isGone = () =>
    core.log.some(
      ({ event, reason }) => event === 'disconnect' && reason === 'the player did not read the stream',
    );
  while (!isGone()) {
    peer.video(id, sent * 40, payload);
    sent += 1;
    await until('the neighbour to have it', () => marks(neighbour).length === sent);
    core.clock.advance(40); // also the grace that a peer has for its last bytes
    assert.ok(sent < 1_000, 'it is still there');
  }
  assert.ok(core.instance()!.streams.get('cam')!.stream.stats.skipped > 0);
  assert.equal(core.instance()!.streams.get('cam')!.stream.viewers.size, 1);
  assert.equal(neighbour.summary().includes('NetStream.Play.InsufficientBW'), false);
  assert.deepEqual(core.script().told('stopPlay', 'disconnect').length, 2);
});
