// A player that is paused and seeks: the picture of that time comes, and nothing more before it goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Cinema, type Visitor } from '../../support/cinema.ts';
import { flvFile } from '../../support/flv.ts';
import { mp4File } from '../../support/mp4.ts';
import { statusOf } from '../../support/rtmp-peer.ts';

const TEN_SECONDS = flvFile({ ms: 10_000, durationS: 10 });

async function paused(at: Cinema, name = 'show'): Promise<Visitor> {
  const visitor = await at.visitor(name, 0);
  await visitor.quiet();
  visitor.say('pause', true, 400);
  await visitor.quiet();
  return visitor;
}

/** What comes of it, however much time goes by. */
async function soughtPaused(visitor: Visitor, ms: number): Promise<string[]> {
  const from = visitor.peer.heard.length;
  visitor.say('seek', ms);
  await visitor.quiet();
  await visitor.pass(30_000);
  const codes = visitor.peer.heard.slice(from).flatMap(({ command }) => statusOf(command)?.code ?? []);
  assert.ok(codes.includes('NetStream.Seek.Notify'), String(codes));
  assert.ok(!codes.includes('NetStream.Play.Stop'), String(codes));
  return visitor.media(from);
}

function pictures(fromMs: number, toMs: number): string[] {
  return TEN_SECONDS.frames
    .filter(({ kind, timestampMs: ms }) => kind !== 'sound' && ms >= fromMs && ms <= toMs)
    .map(({ timestampMs }) => `${timestampMs}v${(timestampMs / 40) % 200}`);
}

/** Without the marks. */
function withoutMarks(visitor: Visitor, media: readonly string[], from: number): string[] {
  const marks = visitor.peer.heard
    .slice(from)
    .filter(({ typeId, media: one }) => typeId === MessageType.Video && one?.[0] === 0x57)
    .map(({ timestampMs, media: one }) => `${timestampMs}v${one!.at(-1)}`);
  return media.filter((one) => !marks.includes(one));
}

test('a seek while paused sends the keyframe and what leads to the time, between marks, and nothing until the player goes on', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await paused(at);
  const from = visitor.peer.heard.length;
  const media = await soughtPaused(visitor, 6_100);
  // its begin in front of the keyframe, its end in front of the one that is seen at 6100
  assert.deepEqual(media, ['6000v0', '6000v150', '6040v151', '6080v1', '6080v152']);
  const events = visitor.events(from);
  assert.deepEqual(events.slice(-2), ['data onStatus', 'data onMetaData']);
  const more = visitor.peer.heard.length;
  visitor.say('pause', false, 6_100);
  await visitor.quiet();
  assert.deepEqual(visitor.media(more).slice(0, 4), ['6120v153', '6120a153', '6160v154', '6160a154']);
  assert.equal(visitor.lastMs, 8_120);
});

test('a seek while paused to the time of a keyframe sends that one picture', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await paused(at);
  assert.deepEqual(await soughtPaused(visitor, 7_000), ['7000v175']);
  const more = visitor.peer.heard.length;
  visitor.say('pause', false, 7_000);
  await visitor.quiet();
  assert.deepEqual(visitor.media(more).slice(0, 2), ['7000a175', '7040v176']);
});

test('of several seeks while paused each has its picture, and the last one is where the player goes on', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await paused(at);
  for (const ms of [8_000, 5_000, 0]) assert.deepEqual(await soughtPaused(visitor, ms), pictures(ms, ms));
  const from = visitor.peer.heard.length;
  for (const ms of [3_000, 9_000, 1_000]) visitor.say('seek', ms); // faster than the disk
  visitor.say('pause', true, 1_000); // players say it again
  await visitor.quiet();
  assert.equal(visitor.media(from).at(-1), '1000v25');
  const more = visitor.peer.heard.length;
  visitor.say('pause', false, 1_000);
  await visitor.quiet();
  assert.equal(visitor.times(more)[0], 1_000);
  assert.equal(visitor.lastMs, 3_000);
});

test('a seek while paused that goes behind the end shows the last picture, and the file ends when the player goes on', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await paused(at);
  const from = visitor.peer.heard.length;
  const media = await soughtPaused(visitor, 99_000);
  assert.deepEqual(withoutMarks(visitor, media, from), pictures(9_000, 9_960));
  visitor.say('pause', false, 99_000);
  await visitor.untilEvent('Play.Stop');
});

test('a seek while paused in a part that was asked for shows the last picture of that part', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await at.visitor('show', 0, 5_000);
  await visitor.quiet();
  visitor.say('pause', true, 400);
  const from = visitor.peer.heard.length;
  const media = await soughtPaused(visitor, 7_000);
  assert.deepEqual(withoutMarks(visitor, media, from), pictures(4_000, 4_960));
  visitor.say('pause', false, 7_000);
  await visitor.untilEvent('Play.Stop');
});

test('a pause right behind a seek still has its picture', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  const from = visitor.peer.heard.length;
  visitor.say('seek', 6_000);
  visitor.say('pause', true, 6_000);
  await visitor.quiet();
  await visitor.pass(30_000);
  assert.deepEqual(visitor.media(from), ['6000v150']);
});

test('one that has come to its end is paused, sought in, and goes on to its end again', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await at.visitor('show', 8_000);
  await visitor.untilEvent('Play.Stop');
  visitor.say('pause', true, 1_000);
  assert.deepEqual(await soughtPaused(visitor, 9_000), ['9000v25']);
  const from = visitor.peer.heard.length;
  visitor.say('pause', false, 9_000);
  await visitor.until('the end again', () => visitor.events(from).includes('Play.Stop'));
  assert.deepEqual(visitor.media(from)[0], '9000a25');
});

test('without enhanced seek a seek while paused sends the keyframe, and goes on from there', async () => {
  const settings = {
    client: { msgQueue: { recorded: { minBufferTimeMs: 0 } } },
    streamManager: { enhancedSeek: { text: false }, maxSwitchTimeMs: 1 },
  };
  await using at = await Cinema.open({ settings });
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await paused(at);
  assert.deepEqual(await soughtPaused(visitor, 6_900), ['6000v150']);
  const more = visitor.peer.heard.length;
  visitor.say('pause', false, 6_900);
  await visitor.pass(40);
  assert.deepEqual(visitor.media(more).slice(0, 2), ['6000a150', '6040v151']);
});

test('sound alone, and a player that wants no pictures, get nothing before they go on', async () => {
  await using at = await Cinema.open();
  at.put('song.flv', flvFile({ ms: 10_000, hasVideo: false }).bytes);
  at.put('show.flv', TEN_SECONDS.bytes);
  for (const name of ['song', 'show']) {
    const visitor = await at.visitor(name, 0);
    await visitor.quiet();
    visitor.say('receiveVideo', false);
    visitor.say('pause', true, 400);
    await visitor.quiet();
    assert.deepEqual(await soughtPaused(visitor, 6_000), []);
    const from = visitor.peer.heard.length;
    visitor.say('pause', false, 6_000);
    await visitor.quiet();
    assert.equal(visitor.media(from)[0], '6000a150');
  }
});

test('a seek while paused in what is being recorded shows the latest picture, and does not wait for more', async () => {
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', TEN_SECONDS);
  tape.flush(4_100);
  const visitor = await paused(at);
  const from = visitor.peer.heard.length;
  const media = await soughtPaused(visitor, 60_000);
  assert.deepEqual(withoutMarks(visitor, media, from), pictures(4_000, 4_080));
  tape.flush(5_000);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 4_080);
  visitor.say('pause', false, 60_000);
  await visitor.quiet();
  assert.equal(visitor.lastMs, 5_000);
});

test('a seek while paused in an MP4 sends its keyframe and what leads to the time', async () => {
  await using at = await Cinema.open();
  at.put('show.mp4', mp4File({ samples: 100 }));
  const visitor = await paused(at, 'mp4:show.mp4');
  const from = visitor.peer.heard.length;
  const media = await soughtPaused(visitor, 2_470);
  // the configuration ends with 0x20
  assert.deepEqual(withoutMarks(visitor, media, from), ['2400v32', '2400v60', '2440v61']);
  visitor.say('pause', false, 2_470);
  await visitor.untilEvent('Play.Stop');
});

test('behind another one in a playlist a seek while paused shows the picture of that time of the file', async () => {
  await using at = await Cinema.open();
  at.put('first.flv', flvFile({ ms: 1_000 }).bytes);
  at.put('show.flv', TEN_SECONDS.bytes);
  const visitor = await at.visitor('first', 0);
  visitor.say('play', 'show', 0, -1, false);
  await visitor.until('the second', () => visitor.lastMs > 2_000);
  visitor.say('pause', true, 2_000);
  await visitor.quiet();
  assert.deepEqual(await soughtPaused(visitor, 6_000), ['6000v150']);
});

const CUT = mp4File({ samples: 50, edits: [[1_000, 1_000]] });

test('a film that was cut between two keyframes is played with marks around what leads to its begin, and paused at it', async () => {
  await using at = await Cinema.open();
  at.put('cut.mp4', CUT);
  const visitor = await at.visitor('mp4:cut.mp4', 0);
  await visitor.quiet();
  const begin = ['0v32', '0v0', '0v20', '0v21', '0v22', '0v23', '0v24', '0v1', '0v25', '40v26'];
  assert.deepEqual(visitor.media().slice(0, begin.length), begin);
  visitor.say('pause', true, 0);
  await visitor.quiet();
  const from = visitor.peer.heard.length;
  const media = await soughtPaused(visitor, 100);
  // one pair of marks, around all that is not seen at 100
  assert.deepEqual(media, [
    '0v32',
    '0v0',
    ...['20', '21', '22', '23', '24', '25', '26'].map((n, i) => `${i < 6 ? 0 : 40}v${n}`),
    '80v1',
    '80v27',
  ]);
  assert.ok(from > 0);
});

test('without enhanced seek there are no marks in a film that was cut, and one picture of it is the one that is seen', async () => {
  const settings = {
    client: { msgQueue: { recorded: { minBufferTimeMs: 0 } } },
    streamManager: { enhancedSeek: { text: false }, maxSwitchTimeMs: 1 },
  };
  await using at = await Cinema.open({ settings });
  at.put('cut.mp4', CUT);
  const visitor = await at.visitor('mp4:cut.mp4', 0, 0);
  await visitor.untilEvent('StreamEof');
  assert.deepEqual(visitor.media(), ['0v32', '0v20', '0v21', '0v22', '0v23', '0v24', '0v25']);
});
