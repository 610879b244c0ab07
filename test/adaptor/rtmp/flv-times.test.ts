// FLV files whose times begin anywhere: they are played, sought and measured from their first picture or sound on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFlvTag } from '../../../src/media/flv.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Cinema } from '../../support/cinema.ts';
import { type FlvOptions, flvFile } from '../../support/flv.ts';
import { audio } from '../../support/media.ts';
import { statusOf } from '../../support/rtmp-peer.ts';

const BEGINS = [
  ['below 0', -40],
  ['far below 0', -100_000],
  ['fifteen hours late', 54_000_000],
  ['where times go over 32 bits', 0xffff_f000],
  ['beyond 31 bits', 3_000_000_000],
  ['at five seconds', 5_000],
] as const;
const FILES = [
  ['without an index or a length', {}],
  ['with a length', { durationS: 20 }],
  ['with an index that counts from its timestamps', { durationS: 20, isIndexed: true }],
  ['with an index that counts from its begin', { durationS: 20, isIndexed: true, isIndexFromBegin: true }],
] as const;

async function cinema(options: Partial<FlvOptions>): Promise<Cinema> {
  const at = await Cinema.open();
  at.put('show.flv', flvFile({ ms: 20_000, padBytes: 5_000, ...options }).bytes);
  return at;
}

for (const [where, beginMs] of BEGINS) {
  for (const [what, options] of FILES) {
    test(`an FLV that begins ${where}, ${what}, is twenty seconds long, and is played and sought from 0 on`, async () => {
      const claimed = 'durationS' in options && beginMs > 0 ? { durationS: 20 + beginMs / 1000 } : {};
      await using at = await cinema({ beginMs, ...options, ...claimed });
      const visitor = await at.visitor('show', 0);
      await visitor.quiet();
      assert.deepEqual([visitor.times()[0], visitor.lastMs], [0, 2_000]);
      const { args } = await visitor.peer.call('getStreamLength', 'show');
      const seconds = Number(args[0]);
      assert.ok(seconds >= 19.9 && seconds <= 20, String(seconds));
      visitor.say('seek', 17_300);
      await visitor.peer.expectStatus('NetStream.Seek.Notify');
      const from = visitor.peer.heard.findIndex(
        ({ command }) => statusOf(command)?.code === 'NetStream.Seek.Notify',
      );
      await visitor.until('the picture', () => visitor.media(from).includes('17000v25'));
      assert.equal(visitor.times(from)[0], 17_000);
      await visitor.untilEvent('Play.Stop');
      assert.equal(visitor.lastMs, 19_960);
    });
  }
}

test('what comes before the first picture or sound of a file, and behind its last, says nothing of its time', async () => {
  const { bytes } = flvFile({ ms: 10_000, beginMs: 54_000_000 });
  const data = (timestampMs: number) =>
    encodeFlvTag({ typeId: MessageType.DataAmf0, timestampMs, payload: Buffer.from('\x02\x00\x02hi') });
  await using at = await Cinema.open();
  at.put(
    'show.flv',
    Buffer.concat([bytes.subarray(0, 13), data(0), bytes.subarray(13), data(4_000_000_000)]),
  );
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  assert.deepEqual([visitor.times()[0], visitor.lastMs], [0, 2_000]);
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'show')).args, [9.96]);
});

test('sound that is a hair before the first picture is at 0', async () => {
  const { bytes, frames } = flvFile({ ms: 4_000 });
  const sound = encodeFlvTag({
    typeId: MessageType.Audio,
    timestampMs: -23 >>> 0,
    payload: audio.frame(7),
  });
  const second = frames[1]!.at;
  await using at = await Cinema.open();
  at.put('show.flv', Buffer.concat([bytes.subarray(0, second), sound, bytes.subarray(second)]));
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  assert.deepEqual(visitor.media().slice(0, 3), ['0v0', '0a7', '0a0']);
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'show')).args, [3.96]);
});

test('what is being appended to a file that begins below 0 is sought in by the same times', async () => {
  const film = flvFile({ ms: 10_000, beginMs: -3_000 });
  const frames = film.frames.map((frame) => ({ ...frame, timestampMs: frame.timestampMs - 3_000 }));
  await using at = await Cinema.open();
  const tape = at.tape('show.flv', { bytes: film.bytes, frames });
  tape.flush(4_500);
  const visitor = await at.visitor('show', 0);
  await visitor.quiet();
  assert.equal(visitor.times()[0], 0);
  assert.deepEqual((await visitor.peer.call('getStreamLength', 'show')).args, [7.48]);
  const from = visitor.peer.heard.length;
  visitor.say('seek', 6_000);
  await visitor.quiet();
  assert.deepEqual([visitor.times(from)[0], visitor.lastMs], [6_000, 7_480]);
});
