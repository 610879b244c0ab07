// What an edit list leaves of an MP4, and when it is shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSeekMark } from '../../../src/application/contract/seek-marks.ts';
import { inspectVideo } from '../../../src/media/tag.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Mp4Media } from '../../../src/recording/read/mp4-media.ts';
import { type Mp4Options, mp4File } from '../../support/mp4.ts';
import { all, Bytes } from '../../support/readable.ts';

interface Film {
  /** `number@time`, with the time at which it is seen where that is another one. */
  readonly shown: string[];
  /** Between marks. */
  readonly hidden: string[];
  readonly lengthMs: number;
}

/** Pictures are 40 ms, and every tenth is a keyframe. */
async function film(options: Partial<Mp4Options>): Promise<Film> {
  const media = await Mp4Media.open(new Bytes(mp4File({ samples: 50, ...options })), undefined, 60_000);
  const [shown, hidden]: [string[], string[]] = [[], []];
  let isHidden = false;
  for (const message of await all(media)) {
    const tag = message.typeId === MessageType.Video ? inspectVideo(message.head) : undefined;
    if (!tag || tag.isSequenceHeader) continue;
    if (isSeekMark(message)) {
      isHidden = message.head[1] === 0;
      continue;
    }
    const seen = tag.compositionMs === 0 ? '' : `→${message.timestampMs + tag.compositionMs}`;
    (isHidden ? hidden : shown).push(`${message.payload.at(-1)}@${message.timestampMs}${seen}`);
  }
  return { shown, hidden, lengthMs: media.lengthMs };
}

function pictures(from: number, to: number, firstMs: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `${from + i}@${firstMs + i * 40}`);
}

test('a pause delays a track', async () => {
  const { shown, lengthMs } = await film({
    edits: [
      [1_500, -1],
      [2_000, 0],
    ],
  });
  assert.deepEqual(shown, pictures(0, 50, 1_500));
  assert.equal(lengthMs, 3_500);
});

test('a begin at a keyframe cuts what is before it', async () => {
  const { shown, hidden, lengthMs } = await film({ edits: [[1_200, 800]] });
  assert.deepEqual([shown, hidden, lengthMs], [pictures(20, 50, 0), [], 1_200]);
});

test('a begin between two keyframes takes the pictures from the keyframe along, for the decoder only, at the time of the first', async () => {
  const { shown, hidden, lengthMs } = await film({ edits: [[1_000, 1_000]] });
  assert.deepEqual(hidden, ['20@0', '21@0', '22@0', '23@0', '24@0']);
  assert.deepEqual([shown, lengthMs], [pictures(25, 50, 0), 1_000]);
});

test('a picture that has begun before the begin is seen from the begin on', async () => {
  const { shown, hidden } = await film({ edits: [[1_000, 1_030]] });
  assert.deepEqual(hidden, ['20@0', '21@0', '22@0', '23@0', '24@0']);
  assert.deepEqual(shown.slice(0, 3), ['25@0', '26@10', '27@50']);
});

test('an end cuts what is behind it', async () => {
  const { shown, lengthMs } = await film({ edits: [[600, 0]] });
  assert.deepEqual([shown, lengthMs], [pictures(0, 15, 0), 600]);
  const both = await film({ edits: [[500, 400]] });
  assert.deepEqual([both.shown, both.lengthMs], [pictures(10, 23, 0).slice(0, 13), 500]);
});

test('pictures that are not seen in the order of decoding begin when they are seen, none before 0', async () => {
  // decoded I P B B P B B …: seen at 80, 200, 120, 160, 320 …
  const compositions = [80, 160, 40, 40, 160, 40, 40, 160, 40, 40];
  const { shown, hidden, lengthMs } = await film({ compositions, edits: [[2_000, 80]] });
  assert.deepEqual(shown.slice(0, 4), ['0@0→80', '1@40→200', '2@80→120', '3@120→160']);
  assert.deepEqual([hidden, lengthMs], [[], 2_000]);
});

test('parts are shown one behind the other, each from its keyframe on', async () => {
  const { shown, hidden, lengthMs } = await film({
    edits: [
      [400, 0],
      [400, 1_200],
      [100, -1],
      [400, 880],
    ],
  });
  assert.deepEqual(shown, [...pictures(0, 10, 0), ...pictures(30, 40, 400), ...pictures(22, 32, 900)]);
  assert.deepEqual(hidden, ['20@900', '21@900']);
  assert.equal(lengthMs, 1_300);
});

test('parts that follow each other in the track are one', async () => {
  const { shown, hidden } = await film({
    edits: [
      [500, 0],
      [500, 500],
      [1_000, 1_000],
    ],
  });
  assert.deepEqual([shown, hidden], [pictures(0, 50, 0), []]);
});

test('an edit at rate 0 shows one picture', async () => {
  const { shown, hidden } = await film({
    edits: [
      [1_000, 440, 0],
      [400, 800],
    ],
  });
  assert.deepEqual([hidden, shown], [['10@0'], ['11@0', ...pictures(20, 30, 1_000)]]);
});

for (const [what, edits] of [
  [
    'a pause of fifty days',
    [
      [4_294_967_294, -1],
      [2_000, 0],
    ],
  ],
  ['a begin behind its end', [[2_000, 90_000]]],
  ['a media time below 0', [[2_000, -7]]],
  ['no edits', []],
  ['nothing but a pause', [[5_000, -1]]],
  ['no duration', [[0, 0]]],
  ['a duration of weeks', [[4_000_000_000, 0]]],
] as const) {
  test(`an edit list with ${what} is passed over`, async () => {
    const { shown, hidden, lengthMs } = await film({ edits: edits as NonNullable<Mp4Options['edits']> });
    assert.deepEqual([shown, hidden, lengthMs], [pictures(0, 50, 0), [], 2_000]);
  });
}

test('an edit list that claims more edits than it has has those that it has', async () => {
  const { shown } = await film({ edits: [[600, 0]], claimedEdits: 0xffff_ffff });
  assert.deepEqual(shown, pictures(0, 15, 0));
});

test('an edit list of thousands of edits is refused', async () => {
  const edit = [2_000, 0] as const;
  await assert.rejects(film({ edits: Array.from({ length: 2_000 }, () => edit) }), { code: 'ERR_MP4_BOX' });
});

test('a film of fragments is cut at its begin as well', async () => {
  const { shown, hidden } = await film({ isFragmented: true, edits: [[0, 480]] });
  assert.deepEqual(hidden, ['10@0', '11@0']);
  assert.deepEqual(shown, pictures(12, 50, 0));
});

test('a seek in a film that was cut goes by its own time', async () => {
  const file = mp4File({ samples: 50, edits: [[1_000, 1_000]] });
  const media = await Mp4Media.open(new Bytes(file), undefined, 60_000);
  assert.equal((await media.keyframeBefore(700))?.timeMs, 600, 'number 40, 1600 of the track');
  assert.equal((await media.keyframeBefore(100))?.timeMs, 0);
  assert.equal((await media.keyframeFrom(100))?.timeMs, 200);
});
