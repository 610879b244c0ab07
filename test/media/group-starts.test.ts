import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupStarts } from '../../src/media/group-starts.ts';
import { audioTracks, inspectVideo, videoTracks } from '../../src/media/tag.ts';
import { audio, track, tracks, video } from '../support/media.ts';

/** Begins of groups, by the place of the picture that shows them. */
function begins(pictures: readonly (readonly [ms: number, payload: Uint8Array])[]): [number, number][] {
  const starts = new GroupStarts();
  return pictures.flatMap(([ms, payload], at) => {
    const beginAt = starts.take(inspectVideo(payload)!, payload, ms, at);
    return beginAt === undefined ? [] : [[at, beginAt]];
  });
}

test('the tracks of a message are those that it names, in its order; 0 where it names none', () => {
  assert.deepEqual(videoTracks(video.keyframe()), [0]);
  assert.deepEqual(videoTracks(track.frame(7)), [7]);
  assert.deepEqual(videoTracks(tracks('frame', [3, 1, 200], 0, { trackBytes: 300 })), [3, 1, 200]);
  assert.deepEqual(videoTracks(tracks('frame', [3, 1], 0, { ownCodecs: true, trackBytes: 5 })), [3, 1]);
  const withModEx = Buffer.concat([Buffer.of(0x97, 0x02, 0, 0, 1, 0x06), track.frame(9).subarray(1)]);
  assert.deepEqual(videoTracks(withModEx), [9]);
  assert.deepEqual(videoTracks(new Uint8Array(0)), [0]);
  assert.deepEqual(audioTracks(audio.frame()), [0]);
  assert.deepEqual(
    audioTracks(Buffer.of(0x95, 0x11, ...Buffer.from('Opus'), 2, 0, 0, 1, 0xaa, 5, 0, 0, 1, 0xbb)),
    [2, 5],
  );
});

test('of a message that is cut off the tracks are those that can be seen, and never millions', () => {
  const whole = tracks('keyframe', [4, 2, 9], 0, { trackBytes: 100 });
  assert.deepEqual(videoTracks(whole.subarray(0, 120)), [4, 2]);
  for (let length = 0; length < whole.length; length += 1) videoTracks(whole.subarray(0, length));
  const nothing = Buffer.concat([Buffer.of(0x96, 0x13), Buffer.from('hvc1'), new Uint8Array(4 << 20)]);
  assert.ok(videoTracks(nothing).length <= 256);
});

for (const [what, pictures, wanted] of [
  [
    'one track: each keyframe',
    [
      [0, video.keyframe()],
      [40, video.frame()],
      [80, video.keyframe()],
    ],
    [
      [0, 0],
      [2, 2],
    ],
  ],
  [
    'the lead track’s keyframe, from the earliest picture of its timestamp on',
    [
      [0, video.keyframe()],
      [0, track.keyframe(1)],
      [80, track.keyframe(2)],
      [80, track.keyframe(1)],
      [80, video.keyframe()],
    ],
    [
      [0, 0],
      [4, 2],
    ],
  ],
  [
    'no further track’s',
    [
      [0, video.keyframe()],
      [40, track.keyframe(1)],
      [80, track.keyframe(2)],
    ],
    [[0, 0]],
  ],
  [
    'nor does it reach behind the lead track’s picture before',
    [
      [0, video.keyframe()],
      [0, track.frame(1)],
      [0, video.frame()],
      [0, track.frame(1)],
      [0, video.keyframe()],
    ],
    [
      [0, 0],
      [4, 3],
    ],
  ],
  [
    'with the first group its tracks show one by one',
    [
      [0, track.keyframe(2)],
      [0, track.keyframe(1)],
      [0, video.keyframe()],
    ],
    [[0, 0]],
  ],
  [
    'what comes before any keyframe begins none',
    [
      [0, video.frame()],
      [0, video.keyframe()],
    ],
    [[1, 1]],
  ],
  [
    'of many tracks in one message the lowest counts',
    [
      [0, tracks('keyframe', [2, 1, 0])],
      [40, tracks('keyframe', [2, 1])],
      [80, tracks('keyframe', [1, 0])],
    ],
    [
      [0, 0],
      [2, 2],
    ],
  ],
  [
    'across the wrap of 32 bits',
    [
      [0xffff_ff00, video.keyframe()],
      [0xffff_ff00, track.keyframe(1)],
      [100, track.keyframe(1)],
    ],
    [[0, 0]],
  ],
] as [string, [number, Uint8Array][], [number, number][]][]) {
  test(`a group of pictures begins with: ${what}`, () => assert.deepEqual(begins(pictures), wanted));
}
