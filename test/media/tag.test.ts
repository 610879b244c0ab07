import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type AudioTag,
  fourCcNumber,
  inspectAudio,
  inspectVideo,
  type VideoTag,
} from '../../src/media/tag.ts';
import { hex } from '../support/hex.ts';
import { Random } from '../support/random.ts';

const video: VideoTag = {
  codec: undefined,
  fourCc: undefined,
  isSequenceHeader: false,
  isSequenceEnd: false,
  trackId: undefined,
  dataOffset: 0,
  isKeyframe: false,
  isDisposable: false,
  isCommandFrame: false,
  isMetadata: false,
  compositionMs: 0,
};
const audio: AudioTag = {
  codec: undefined,
  fourCc: undefined,
  isSequenceHeader: false,
  isSequenceEnd: false,
  trackId: undefined,
  dataOffset: 0,
  isMultichannelConfig: false,
};

const avc1 = '61766331';
const hvc1 = '68766331';
const vvc1 = '76766331';
const av01 = '61763031';
const vp09 = '76703039';
const opus = '4f707573';
const mp4a = '6d703461';

const videoCases: [name: string, head: string, tag: Partial<VideoTag>][] = [
  // classic
  ['AVC sequence header', '17 00 000000 01640028', { codec: 'avc', isSequenceHeader: true, dataOffset: 5 }],
  ['AVC keyframe', '17 01 000050 00', { codec: 'avc', isKeyframe: true, dataOffset: 5, compositionMs: 80 }],
  ['AVC inter frame', '27 01 ffffd8 00', { codec: 'avc', dataOffset: 5, compositionMs: -40 }],
  ['AVC disposable', '37 01 000000', { codec: 'avc', isDisposable: true, dataOffset: 5 }],
  ['AVC end of sequence', '17 02 000000', { codec: 'avc', isSequenceEnd: true, dataOffset: 5 }],
  ['AVC end of sequence, short', '17 02', { codec: 'avc', isSequenceEnd: true, dataOffset: 5 }],
  ['pre-standard HEVC header', '1c 00 000000', { codec: 'hevc', isSequenceHeader: true, dataOffset: 5 }],
  ['pre-standard HEVC frame', '2c 01 000021', { codec: 'hevc', dataOffset: 5, compositionMs: 33 }],
  ['pre-standard AV1 keyframe', '1d 01 000000', { codec: 'av1', isKeyframe: true, dataOffset: 5 }],
  ['H.263 keyframe', '12 00 00', { codec: 'h263', isKeyframe: true, dataOffset: 1 }],
  ['H.263 disposable', '32 00', { codec: 'h263', isDisposable: true, dataOffset: 1 }],
  ['VP6 keyframe, one byte', '14', { codec: 'vp6', isKeyframe: true, dataOffset: 1 }],
  ['VP6 with alpha', '25 00', { codec: 'vp6a', dataOffset: 1 }],
  ['Screen Video', '23 00', { codec: 'screen', dataOffset: 1 }],
  ['generated keyframe', '44 00', { codec: 'vp6', isKeyframe: true, dataOffset: 1 }],
  ['a seek command', '57 00', { codec: 'avc', isCommandFrame: true, dataOffset: 1 }],
  ['a codec nobody knows', '1f 00', { isKeyframe: true, dataOffset: 1 }],
  // Enhanced RTMP
  [
    'hvc1 sequence start',
    `90 ${hvc1} 01`,
    { codec: 'hevc', fourCc: 'hvc1', isSequenceHeader: true, dataOffset: 5 },
  ],
  [
    'hvc1 coded keyframe',
    `91 ${hvc1} 000042 00`,
    { codec: 'hevc', fourCc: 'hvc1', isKeyframe: true, dataOffset: 8, compositionMs: 66 },
  ],
  [
    'hvc1 coded inter frame, shown before it is decoded',
    `a1 ${hvc1} ffffff`,
    { codec: 'hevc', fourCc: 'hvc1', dataOffset: 8, compositionMs: -1 },
  ],
  [
    'hvc1 keyframe without offset',
    `93 ${hvc1} 00`,
    { codec: 'hevc', fourCc: 'hvc1', isKeyframe: true, dataOffset: 5 },
  ],
  ['hvc1 sequence end', `92 ${hvc1}`, { codec: 'hevc', fourCc: 'hvc1', isSequenceEnd: true, dataOffset: 5 }],
  ['hvc1 disposable', `b3 ${hvc1} 00`, { codec: 'hevc', fourCc: 'hvc1', isDisposable: true, dataOffset: 5 }],
  [
    'avc1 coded frames',
    `a1 ${avc1} 000001`,
    { codec: 'avc', fourCc: 'avc1', dataOffset: 8, compositionMs: 1 },
  ],
  [
    'vvc1 coded frames',
    `91 ${vvc1} 000002`,
    { codec: 'vvc', fourCc: 'vvc1', isKeyframe: true, dataOffset: 8, compositionMs: 2 },
  ],
  [
    'av01 sequence start',
    `90 ${av01} 81`,
    { codec: 'av1', fourCc: 'av01', isSequenceHeader: true, dataOffset: 5 },
  ],
  [
    'av01 MPEG-2 TS sequence start',
    `95 ${av01} 80`,
    { codec: 'av1', fourCc: 'av01', isSequenceHeader: true, dataOffset: 5 },
  ],
  [
    'av01 keyframe, no composition time',
    `91 ${av01} 120000`,
    { codec: 'av1', fourCc: 'av01', isKeyframe: true, dataOffset: 5 },
  ],
  ['vp09 inter frame', `a1 ${vp09} 820000`, { codec: 'vp9', fourCc: 'vp09', dataOffset: 5 }],
  ['vp08 keyframe', '91 76703038 00', { codec: 'vp8', fourCc: 'vp08', isKeyframe: true, dataOffset: 5 }],
  ['a FourCC nobody knows', '91 78787878 00', { fourCc: 'xxxx', isKeyframe: true, dataOffset: 5 }],
  ['colour information', `94 ${hvc1} 02`, { codec: 'hevc', fourCc: 'hvc1', isMetadata: true, dataOffset: 5 }],
  [
    'colour information, whose frame type means nothing',
    `d4 ${hvc1} 02`,
    { codec: 'hevc', fourCc: 'hvc1', isMetadata: true, dataOffset: 5 },
  ],
  ['a seek command', 'd1 01', { isCommandFrame: true, dataOffset: 1 }],
  [
    'ModEx: nanoseconds',
    `97 02 0f423f 01 ${hvc1} 000042`,
    { codec: 'hevc', fourCc: 'hvc1', isKeyframe: true, dataOffset: 13, compositionMs: 66 },
  ],
  [
    'ModEx twice, of a type nobody knows, then a sequence start',
    `97 00 aa f7 01 bbbb 00 ${av01}`,
    { codec: 'av1', fourCc: 'av01', isSequenceHeader: true, dataOffset: 12 },
  ],
  [
    'ModEx of 256 bytes',
    `a7 ff 00ff ${'00'.repeat(256)} 03 ${hvc1}`,
    { codec: 'hevc', fourCc: 'hvc1', dataOffset: 265 },
  ],
  [
    'one track',
    `96 01 ${hvc1} 07 000042 00`,
    { codec: 'hevc', fourCc: 'hvc1', trackId: 7, isKeyframe: true, dataOffset: 10, compositionMs: 66 },
  ],
  [
    'many tracks of one codec: sequence starts',
    `96 10 ${av01} 01 000002 8100 02 000001 81`,
    { codec: 'av1', fourCc: 'av01', trackId: 1, isSequenceHeader: true, dataOffset: 10 },
  ],
  [
    'many tracks of many codecs',
    `a6 23 ${vp09} 03 000001 aa ${hvc1} 04 000001 bb`,
    { codec: 'vp9', fourCc: 'vp09', trackId: 3, dataOffset: 10 },
  ],
];

const audioCases: [name: string, head: string, tag: Partial<AudioTag>][] = [
  ['AAC sequence header', 'af 00 1210', { codec: 'aac', isSequenceHeader: true, dataOffset: 2 }],
  ['AAC frame', 'af 01 21', { codec: 'aac', dataOffset: 2 }],
  ['MP3', '2f ff', { codec: 'mp3', dataOffset: 1 }],
  ['MP3, 8 kHz', 'e2 ff', { codec: 'mp3', dataOffset: 1 }],
  ['Speex', 'b2', { codec: 'speex', dataOffset: 1 }],
  ['Nellymoser, 16 kHz', '42 00', { codec: 'nellymoser', dataOffset: 1 }],
  ['µ-law', '82 00', { codec: 'g711u', dataOffset: 1 }],
  ['a format nobody knows', 'c0 00', { dataOffset: 1 }],
  [
    'Opus sequence start',
    `90 ${opus} 4f70757348656164`,
    { codec: 'opus', fourCc: 'Opus', isSequenceHeader: true, dataOffset: 5 },
  ],
  ['Opus frames', `91 ${opus} fc`, { codec: 'opus', fourCc: 'Opus', dataOffset: 5 }],
  [
    'AAC by FourCC, sequence start',
    `90 ${mp4a} 1210`,
    { codec: 'aac', fourCc: 'mp4a', isSequenceHeader: true, dataOffset: 5 },
  ],
  ['FLAC sequence end', '92 664c6143', { codec: 'flac', fourCc: 'fLaC', isSequenceEnd: true, dataOffset: 5 }],
  ['AC-3', '91 61632d33 0b77', { codec: 'ac-3', fourCc: 'ac-3', dataOffset: 5 }],
  ['E-AC-3', '91 65632d33 0b77', { codec: 'ec-3', fourCc: 'ec-3', dataOffset: 5 }],
  ['MP3 by FourCC', '91 2e6d7033 ff', { codec: 'mp3', fourCc: '.mp3', dataOffset: 5 }],
  [
    'channel layout',
    `94 ${opus} 01 02`,
    { codec: 'opus', fourCc: 'Opus', isMultichannelConfig: true, dataOffset: 5 },
  ],
  ['ModEx', `97 02 000001 01 ${opus}`, { codec: 'opus', fourCc: 'Opus', dataOffset: 10 }],
  [
    'one track (type 5, not video’s 6)',
    `95 00 ${opus} 02 4f`,
    { codec: 'opus', fourCc: 'Opus', trackId: 2, isSequenceHeader: true, dataOffset: 7 },
  ],
  ['many tracks', `95 11 ${mp4a} 00 000001 21`, { codec: 'aac', fourCc: 'mp4a', trackId: 0, dataOffset: 10 }],
];

describe('inspectVideo', () => {
  for (const [name, head, tag] of videoCases) {
    test(`${name}: ${head.slice(0, 40)}`, () => {
      assert.deepEqual(inspectVideo(hex(head)), { ...video, ...tag });
    });
  }
});

describe('inspectAudio', () => {
  for (const [name, head, tag] of audioCases) {
    test(`${name}: ${head.slice(0, 40)}`, () => {
      assert.deepEqual(inspectAudio(hex(head)), { ...audio, ...tag });
    });
  }
});

test('heads that are cut off or make no sense have no tag', () => {
  for (const head of ['', '17', '90', '90 687663', '97', '97 05 00', '97 ff 00', '97 ff ffff 00']) {
    assert.equal(inspectVideo(hex(head)), undefined, head);
  }
  for (const head of [
    '96',
    `96 01 ${hvc1}`,
    `96 11 ${hvc1} 00 0000`,
    `96 06 ${hvc1} 00`,
    `96 31 ${hvc1} 00000000`,
  ]) {
    assert.equal(inspectVideo(hex(head)), undefined, head);
  }
  for (const head of ['', 'af', '90', '91 4f7075', '97 01', `95 05 ${opus} 00`]) {
    assert.equal(inspectAudio(hex(head)), undefined, head);
  }
});

test('no bytes make an inspection throw, or point behind the head', () => {
  const random = new Random(11);
  for (let i = 0; i < 20_000; i += 1) {
    const head = random.bytes(random.below(24));
    if (head.length > 0 && random.oneIn(2)) head[0] = random.pick([0x90, 0x91, 0x95, 0x96, 0x97, 0x17, 0xaf]);
    // Four bytes of slack: a classic AVC end of sequence may stop short of its composition time.
    assert.ok((inspectVideo(head)?.dataOffset ?? 0) <= head.length + 4);
    assert.ok((inspectAudio(head)?.dataOffset ?? 0) <= head.length);
  }
});

test('a FourCC as the number that metadata carries', () => {
  assert.equal(fourCcNumber('av01'), 1635135537);
  assert.equal(fourCcNumber('hvc1'), 1752589105);
  assert.equal(fourCcNumber('Opus'), 1332770163);
  assert.equal(fourCcNumber('.mp3'), 778924083);
});
