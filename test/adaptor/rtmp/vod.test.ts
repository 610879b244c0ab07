import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AmfObject, AmfValue } from '../../../src/protocol/amf/amf.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Cinema } from '../../support/cinema.ts';
import { Core, until } from '../../support/core.ts';
import { type FlvFrame, flvFile, markAt } from '../../support/flv.ts';
import { statusOf } from '../../support/rtmp-peer.ts';

const TEN_SECONDS = flvFile({ ms: 10_000, durationS: 10, metaData: { width: 64 } });

function asHeard(frames: readonly FlvFrame[], startMs = 0): string[] {
  return frames.map(
    ({ kind, timestampMs }) =>
      `${Math.max(0, timestampMs - startMs)}${kind === 'sound' ? 'a' : 'v'}${markAt(timestampMs / 40)}`,
  );
}

async function cinema(name = 'show.flv', { bytes } = TEN_SECONDS): Promise<Cinema> {
  const made = await Cinema.open();
  made.put(name, bytes);
  return made;
}

test('S-19: a recorded stream is announced in its order, then comes what a decoder needs, then the media', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0, -1000, true);
  await visitor.quiet();
  assert.deepEqual(visitor.events().slice(-8), [
    'StreamIsRecorded',
    'StreamBegin',
    'Play.Reset',
    'Play.Start',
    'data |RtmpSampleAccess',
    'data onStatus',
    'data onMetaData',
    'BufferEmpty',
  ]);
  const { values } = visitor.peer.heard.find(({ data }) => data?.name === 'onMetaData')!.data!;
  assert.deepEqual({ ...(values[0] as { entries: AmfObject }).entries }, { duration: 10, width: 64 });
  const [first, second] = visitor.peer.heard.filter(({ media }) => media);
  assert.deepEqual([first?.media?.at(-1), second?.media?.at(-1)], [0xee, 0xee]);
});

test('every packet of the file arrives, in its order, with its time, and then it is complete', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  await visitor.untilEvent('StreamEof');
  assert.deepEqual(visitor.media(), asHeard(TEN_SECONDS.frames));
  assert.deepEqual(visitor.events().slice(-3), ['data onPlayStatus', 'Play.Stop', 'StreamEof']);
  const { values } = visitor.peer.heard.findLast(({ data }) => data?.name === 'onPlayStatus')!.data!;
  const { level, code, duration, bytes } = values[0] as AmfObject;
  assert.deepEqual([level, code, duration], ['status', 'NetStream.Play.Complete', 10]);
  assert.ok(Number(bytes) > 2_000);
});

test('as much is sent as the player buffers, two seconds at least, and from then on as time goes by', async () => {
  await using at = await cinema();
  const visitor = await at.visitor();
  visitor.buffer(5_000);
  visitor.say('play', 'show', 0);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 5_000);
  await visitor.pass(1_000);
  assert.equal(visitor.lastMs, 6_000);
  visitor.buffer(100);
  await visitor.pass(1_000);
  assert.equal(visitor.lastMs, 6_000);
  visitor.buffer(2_500);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 6_000);
  await visitor.pass(2_000);
  assert.ok(visitor.lastMs >= 6_200 && visitor.lastMs <= 6_500, String(visitor.lastMs));
  const pairs = visitor.events().filter((event) => event.startsWith('Buffer'));
  assert.deepEqual(pairs, ['BufferEmpty', 'BufferReady']);
});

for (const [args, expected] of [
  [['show', 3_000], { from: 0, to: 6_960 }],
  [['show', 3_500], { from: 0, to: 6_460 }],
  [['show', 3_000, 2_000], { from: 0, to: 1_960 }],
  [['show', 3_500, 1_000], { from: 0, to: 980 }],
  [['show', 0, 40], { from: 0, to: 0 }],
  [['show', 9_990, -1_000], { from: 0, to: 0 }],
  [['show', -2_000], { from: 0, to: 9_960 }],
  [['show'], { from: 0, to: 9_960 }],
  [['flv:show', 8_000], { from: 0, to: 1_960 }],
  [['show.flv', 8_000], { from: 0, to: 1_960 }],
] as [AmfValue[], { from: number; to: number }][]) {
  test(`play(${args}) sends from ${expected.from} to ${expected.to} ms of what it asked for`, async () => {
    await using at = await cinema();
    const visitor = await at.visitor(...args);
    await visitor.untilEvent('StreamEof');
    assert.deepEqual({ from: visitor.times()[0], to: visitor.lastMs }, expected);
  });
}

test('a length of 0 is one picture', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 2_100, 0);
  await visitor.untilEvent('StreamEof');
  assert.deepEqual(visitor.media(), ['0v50']);
});

test('behind its end there is nothing, and that is complete', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 11_000);
  await visitor.untilEvent('StreamEof');
  assert.deepEqual(visitor.media(), []);
});

test('a file without an index or a length is sought in as well as one with', async () => {
  const padBytes = 5_000; // several blocks and segments
  const plain = flvFile({ ms: 20_000, padBytes, durationS: undefined });
  const indexed = flvFile({ ms: 20_000, padBytes, isIndexed: true, durationS: 20 });
  const wrong = flvFile({
    ms: 20_000,
    padBytes,
    metaData: { keyframes: { times: [17], filepositions: [5_000] } },
  });
  for (const { bytes } of [plain, indexed, wrong]) {
    await using at = await cinema('show.flv', { bytes, frames: [] });
    const visitor = await at.visitor('show', 17_300);
    await visitor.untilEvent('StreamEof');
    const wanted = plain.frames.filter(
      ({ timestampMs, kind }) => timestampMs >= 17_000 || (kind === 'sound' && timestampMs > 17_000),
    );
    assert.deepEqual(visitor.media(), asHeard(wanted, 17_300));
    const length = await visitor.peer.call('getStreamLength', 'show');
    assert.ok(Math.abs(Number(length.args[0]) - 20) < 0.1);
  }
});

test('sound alone is played and sought in', async () => {
  await using at = await cinema('song.flv', flvFile({ ms: 10_000, hasVideo: false }));
  const visitor = await at.visitor('song', 4_500, 0);
  await visitor.untilEvent('StreamEof');
  assert.deepEqual(visitor.media(), ['0a100']);
});

// ── which stream it is ───────────────────────────────────────────────────────────────────────────────────────────

test('S-20: without a file there is no recorded stream, even if there is a live one', async () => {
  await using at = await Cinema.open();
  await at.core.publisher('cam');
  const visitor = await at.visitor('cam', 0, -1_000);
  const { level, description } = await visitor.peer.expectStatus('NetStream.Play.StreamNotFound');
  assert.deepEqual([level, description], ['error', 'Failed to play cam; stream not found.']);
  visitor.say('play', 'cam', -1_000);
  await visitor.peer.expectStatus('NetStream.Play.Start');
});

test('of a name that is both live and recorded -2 and -1 mean the live one, 0 the file', async () => {
  await using at = await cinema('cam.flv');
  const { peer, id } = await at.core.publisher('cam');
  for (const [start, recorded] of [
    [-2_000, false],
    [-1_000, false],
    [0, true],
  ] as const) {
    const visitor = await at.visitor('cam', start);
    await visitor.peer.expectStatus('NetStream.Play.Start');
    await visitor.quiet();
    assert.equal(visitor.events().includes('StreamIsRecorded'), recorded, String(start));
  }
  peer.command('closeStream', 0, [], id);
  await peer.settle();
  const waiting = await at.visitor('cam', -1_000);
  await waiting.peer.expectStatus('NetStream.Play.Start');
  await waiting.quiet();
  assert.deepEqual(waiting.media(), []);
});

for (const name of [
  '../show',
  '/show',
  'a/../show',
  'c:show',
  'exe:show',
  'a\\b',
  '.show',
  'mp4:../x',
  'none',
  'mp4:none.mp4',
  'mp3:none',
]) {
  test(`${name} names no file`, async () => {
    await using at = await cinema();
    const visitor = await at.visitor(name, 0);
    await visitor.peer.expectStatus('NetStream.Play.StreamNotFound');
  });
}

test('the gate is asked about recorded streams as about live ones, and may choose another', async () => {
  await using at = await cinema();
  at.core.scripts.prepare = (script) => {
    script.decide = (question) => {
      if (question.gate !== 'onPlay') return { accepted: true };
      return question.request.name === 'trailer'
        ? { accepted: true, as: 'show' }
        : { accepted: false, reason: 'members only' };
    };
  };
  const visitor = await at.visitor('show', 1_000, 2_000);
  const { description } = await visitor.peer.expectStatus('NetStream.Play.Failed');
  assert.equal(description, 'members only');
  const { question } = await at.core.script().question('onPlay');
  assert.ok(question.gate === 'onPlay');
  assert.deepEqual([question.request.start, question.request.length], [1, 2]);
  visitor.say('play', 'trailer', 0);
  assert.equal((await visitor.peer.expectStatus('NetStream.Play.Start')).details, 'trailer');
  await visitor.untilEvent('StreamEof');
  assert.deepEqual(
    at.core
      .script()
      .told('play', 'stopPlay')
      .map(({ event, stream }) => [event, stream]),
    [
      ['play', 'show'],
      ['stopPlay', 'show'],
    ],
  );
});

test('readAccess is about names, not about prefixes', async () => {
  await using at = await cinema('private/show.flv');
  const visitor = await at.visitor();
  const clientId = [...at.core.instance()!.clients.keys()][0]!;
  at.core.script().commands.obey({ op: 'access', client: clientId, readAccess: 'public' });
  visitor.say('play', 'flv:private/show', 0);
  await visitor.peer.expectStatus('NetStream.Play.Failed');
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'private/show')).args, [0]);
  at.core.script().commands.obey({ op: 'access', client: clientId, readAccess: 'private' });
  visitor.say('play', 'flv:private/show', 0);
  await visitor.peer.expectStatus('NetStream.Play.Start');
});

test('getStreamLength is what the file says, 0 without one, and the script’s own if it has such a method', async () => {
  await using at = await cinema();
  const visitor = await at.visitor();
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'show?x=1')).args, [10]);
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'none')).args, [0]);
  at.core.script().method = () => ({ found: true, ok: true, value: 77 });
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'show')).args, [77]);
});

// ── pause and seek ───────────────────────────────────────────────────────────────────────────────────────────────

test('a pause is kept as long as the player likes; then it goes on from where the player is', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  visitor.say('pause', true, 1_500);
  await visitor.pass(20_000);
  assert.equal(visitor.lastMs, 2_000);
  const from = visitor.peer.heard.length;
  visitor.say('pause', false, 1_500);
  await visitor.quiet();
  const told = visitor.events().filter((event) => !event.startsWith('Buffer'));
  assert.deepEqual(told.slice(-6), [
    'StreamEof',
    'Pause.Notify',
    'StreamBegin',
    'Unpause.Notify',
    'Play.Start',
    'data onMetaData',
  ]);
  assert.equal(visitor.times(from)[0], 1_000);
  assert.equal(visitor.lastMs, 3_480);
});

test('pauseRaw, and a pause of one who has played all that it got, repeat nothing', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  for (const [command, ms] of [
    ['pauseRaw', 500],
    ['pause', 2_000],
  ] as const) {
    await visitor.quiet();
    const before = visitor.lastMs;
    visitor.say(command, true, command === 'pause' ? before + 1 : ms);
    await visitor.pass(60_000);
    const from = visitor.peer.heard.length;
    visitor.say(command, false, command === 'pause' ? before + 1 : ms);
    await visitor.quiet();
    const [first] = visitor.times(from);
    assert.ok(first! >= before && first! <= before + 40, `${first} behind ${before}`);
  }
});

test('a seek is announced in its order; pictures before its time are between marks, sound is not there', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  const from = visitor.peer.heard.length;
  visitor.say('seek', 7_500);
  await visitor.quiet();
  assert.deepEqual(visitor.events(from), [
    'StreamEof',
    'StreamIsRecorded',
    'StreamBegin',
    'Seek.Notify',
    'Play.Start',
    'data |RtmpSampleAccess',
    'data onStatus',
    'data onMetaData',
    'BufferEmpty',
  ]);
  const notify = visitor.peer.heard.findLast(
    ({ command }) => statusOf(command)?.code === 'NetStream.Seek.Notify',
  );
  assert.equal(statusOf(notify?.command)?.description, `Seeking 7500 (stream ID: ${visitor.id}).`);
  const video = visitor.peer.heard
    .slice(from)
    .filter(({ typeId, media }) => typeId === MessageType.Video && media?.at(-1) !== 0xee);
  const marks = video.flatMap(({ media }, i) => (media![0] === 0x57 ? [[i, media![1]]] : []));
  assert.deepEqual(marks, [
    [0, 0],
    [14, 1],
  ]);
  assert.deepEqual([video[1]?.timestampMs, video[15]?.timestampMs], [7_000, 7_520]);
  const sounds = visitor.peer.heard
    .slice(from)
    .filter(({ typeId, media }) => typeId === MessageType.Audio && media?.at(-1) !== 0xee);
  assert.equal(sounds[0]?.timestampMs, 7_520);
  assert.equal(visitor.lastMs, 9_480);
});

test('behind the end a seek goes to the end; one that has come to its end can go back', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  visitor.say('seek', 99_000);
  await visitor.untilEvent('Play.Stop');
  const from = visitor.peer.heard.length;
  visitor.say('seek', 5_000);
  await visitor.until('the end again', () => visitor.events(from).includes('Play.Stop'));
  const wanted = TEN_SECONDS.frames.filter(({ timestampMs }) => timestampMs >= 5_000);
  assert.deepEqual(visitor.media(from), asHeard(wanted));
});

test('without enhanced seek, and without duplicates, a seek is as short as it can be', async () => {
  const settings = {
    client: { msgQueue: { recorded: { minBufferTimeMs: 0 } } },
    streamManager: {
      enhancedSeek: { text: false },
      sendDuplicateStart: false,
      sendDuplicateOnMetaData: 'false',
      maxSwitchTimeMs: 1,
    },
  } as const;
  await using at = await Cinema.open({ settings });
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 0);
  const from = visitor.peer.heard.length;
  visitor.say('seek', 7_500);
  await visitor.quiet();
  const events = visitor.events(from);
  assert.ok(!events.includes('Play.Start') && !events.includes('data onMetaData'), String(events));
  assert.equal(visitor.media(from)[0], '7000v175');
});

test('receiveVideo leaves pictures out; when they are wanted again they begin at a keyframe', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  visitor.say('receiveVideo', false);
  await visitor.peer.settle();
  const from = visitor.peer.heard.length;
  await visitor.pass(1_000);
  assert.ok(visitor.media(from).every((one) => one.includes('a')));
  visitor.say('receiveVideo', true);
  await visitor.peer.expectStatus('NetStream.Seek.Notify');
  await visitor.pass(500);
  assert.ok(visitor.media(from).some((one) => one.includes('v')));
});

// ── many players, other streams ──────────────────────────────────────────────────────────────────────────────────

test('all players of a file read it once, from one open file', async () => {
  await using at = await cinema('show.flv', flvFile({ ms: 10_000, padBytes: 5_000 }));
  const visitors = await Promise.all(Array.from({ length: 8 }, () => at.visitor('show', 0)));
  for (const visitor of visitors) await visitor.quiet();
  assert.equal(at.library.openFiles, 1);
  await visitors[0]!.until('all of them', () => visitors.every((one) => one.events().includes('Play.Stop')));
  const { reads, segments } = at.library.cache.stats;
  assert.equal(reads, segments);
  const first = visitors[0]!.media();
  for (const visitor of visitors) assert.deepEqual(visitor.media(), first);
});

test('on another message stream than the first, the same arrives', async () => {
  await using at = await cinema();
  const visitor = await at.visitor();
  const id = await visitor.peer.createStream();
  visitor.peer.command('play', 0, ['show', 0], id);
  await visitor.until('its end', () => visitor.peer.summary().includes('NetStream.Play.Stop'));
  const frames = visitor.peer.heard.filter(({ media, streamId }) => media && streamId === id);
  assert.equal(frames.length, TEN_SECONDS.frames.length + 2);
});

test('one who leaves, stops, or plays something else lets go of the file', async () => {
  await using at = await cinema();
  const [a, b, c] = [await at.visitor('show', 0), await at.visitor('show', 0), await at.visitor('show', 0)];
  for (const one of [a, b, c]) await one.peer.expectStatus('NetStream.Play.Start');
  assert.equal(at.library.openFiles, 1);
  a.peer.socket.destroy();
  b.say('closeStream');
  c.say('play', 'cam', -1_000);
  await until('it', () => at.library.openFiles === 0);
  await b.untilEvent('Play.Stop');
});

test('a player that leaves while its file is being opened leaves nothing behind', async () => {
  await using at = await cinema();
  for (let i = 0; i < 5; i += 1) {
    const visitor = await at.visitor();
    visitor.say('play', 'show', 0);
    if (i % 2 === 0) visitor.say('closeStream');
    else visitor.peer.socket.destroy();
  }
  await until('all to be let go', () => at.library.openFiles === 0);
});

// ── playlists ────────────────────────────────────────────────────────────────────────────────────────────────────

test('without reset a stream is played behind the one before, in a time that goes on', async () => {
  await using at = await cinema('a.flv', flvFile({ ms: 1_000 }));
  at.put('b.flv', flvFile({ ms: 2_000 }).bytes);
  const visitor = await at.visitor('a', 0);
  visitor.say('play', 'none', 0, -1, false);
  visitor.say('play', 'b', 1_000, -1, false);
  await visitor.untilEvent('StreamEof');
  const names = visitor.events().filter((event) => !event.startsWith('Buffer'));
  assert.deepEqual(names.slice(names.indexOf('data onPlayStatus')), [
    'data onPlayStatus',
    'Play.StreamNotFound',
    'StreamIsRecorded',
    'StreamBegin',
    'Play.Start',
    'data |RtmpSampleAccess',
    'data onStatus',
    'data onMetaData',
    'data onPlayStatus',
    'Play.Stop',
    'StreamEof',
  ]);
  const codes = visitor.peer.heard.flatMap(({ data }) =>
    data?.name === 'onPlayStatus' ? [(data.values[0] as AmfObject).code] : [],
  );
  assert.deepEqual(codes, ['NetStream.Play.Switch', 'NetStream.Play.Complete']);
  const times = visitor.times();
  assert.deepEqual(
    times.toSorted((a, b) => a - b),
    times,
  );
  assert.deepEqual([times[49], times[50], times.at(-1)], [960, 961, 1_921]);
});

// ── hostile files ────────────────────────────────────────────────────────────────────────────────────────────────

for (const [what, bytes] of [
  ['what is no FLV', Buffer.from('<html>no</html>'.repeat(10))],
  ['an empty file', Buffer.alloc(0)],
  ['half a header', TEN_SECONDS.bytes.subarray(0, 5)],
  [
    'an encrypted one',
    Buffer.concat([TEN_SECONDS.bytes.subarray(0, 13), Buffer.from([0x29]), TEN_SECONDS.bytes.subarray(14)]),
  ],
] as const) {
  test(`${what} is refused with its reason`, async () => {
    await using at = await cinema('show.flv', { bytes: Buffer.from(bytes), frames: [] });
    const visitor = await at.visitor('show', 0);
    const { description } = await visitor.peer.expectStatus('NetStream.Play.FileStructureInvalid');
    assert.match(String(description), /^The file is damaged: /);
    assert.equal(at.log.filter(({ event }) => event === 'file-refused').length, 1);
    visitor.say('play', 'cam', -1_000);
    await visitor.peer.expectStatus('NetStream.Play.Start');
  });
}

for (const [what, end] of [
  ['cut off in a tag', (bytes: Buffer) => bytes.subarray(0, bytes.length - 7)],
  ['with zeros behind it', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -20), Buffer.alloc(5_000)])],
] as const) {
  test(`a file ${what} is played as far as it goes`, async () => {
    await using at = await cinema('show.flv', { bytes: end(TEN_SECONDS.bytes), frames: [] });
    const visitor = await at.visitor('show', 0);
    await visitor.untilEvent('StreamEof');
    assert.equal(visitor.lastMs, 9_960);
  });
}

test('in the middle of something else the player hears where it is damaged', async () => {
  const { bytes, frames } = flvFile({ ms: 10_000, padBytes: 3_000 });
  const broken = Buffer.from(bytes);
  broken.fill(0x55, frames[300]!.at, frames[300]!.at + 100);
  await using at = await cinema('show.flv', { bytes: broken, frames });
  const visitor = await at.visitor('show', 0);
  await visitor.until('it', () => visitor.events().includes('Play.FileStructureInvalid'));
  const last = visitor.peer.heard.findLast(({ command }) => command?.name === 'onStatus');
  assert.match(String(statusOf(last?.command)?.description), /no tag at byte \d+/);
});

test('of many seeks that come at once those beyond a few wait, and of those the last counts', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  const from = visitor.peer.heard.length;
  for (let i = 1; i <= 500; i += 1) visitor.say('seek', i);
  visitor.say('seek', 7_000);
  const notified = () =>
    visitor.peer.heard.slice(from).flatMap(({ command }) => {
      const { code, description } = statusOf(command) ?? {};
      return code === 'NetStream.Seek.Notify' ? [/Seeking (\d+)/.exec(String(description))?.[1]] : [];
    });
  await visitor.peer.settle();
  const atOnce = notified();
  assert.ok(atOnce.length < 15, `${atOnce.length} seeks at once`);
  at.core.clock.advance(100);
  await until('the last seek', () => notified().at(-1) === '7000');
  assert.ok(notified().length <= atOnce.length + 2);
  await visitor.quiet();
  assert.ok(visitor.lastMs > 7_000);
});

test('calls that look into files count as open until they are answered', async () => {
  let asked = 0;
  const open = () => {
    asked += 1;
    return new Promise<undefined>(() => {});
  };
  await using core = await Core.start({ session: { maxOpenCalls: 2 }, registry: { recorded: { open } } });
  const peer = await core.peer();
  await peer.connect('live');
  for (const id of [100, 101]) peer.command('getStreamLength', id, ['show']);
  await until('both files to be looked for', () => asked === 2);
  assert.equal((await peer.call('getStreamLength', 'show')).name, '_error');
  assert.equal(asked, 2);
});
