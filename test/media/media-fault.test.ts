import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageFault } from '../../src/media/media-fault.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { hex, toHex } from '../support/hex.ts';
import {
  AVC_CONFIGURATION,
  audio,
  HEVC_CONFIGURATION,
  OPUS_CONFIGURATION,
  track,
  tracks,
  video,
} from '../support/media.ts';

const avc = toHex(AVC_CONFIGURATION);
const hevc = toHex(HEVC_CONFIGURATION);
const opus = toHex(OPUS_CONFIGURATION);
const fourCc = (name: string) => toHex(Buffer.from(name));

const faults: [what: string, typeId: number, wire: string, text: RegExp][] = [
  [
    'an empty AVC configuration',
    9,
    '17 00 000000',
    /^the AVC configuration of 0 bytes configures nothing: it is empty$/,
  ],
  ['an AVC configuration without composition time', 9, '17 00', /it is empty/],
  ['an AVC configuration of zeros', 9, '17 00 000000 00000000000000', /version 0 is not 1/],
  [
    'an AVC configuration that is cut in its SPS',
    9,
    `17 00 000000 ${avc.slice(0, 24)}`,
    /configures nothing/,
  ],
  ['an AVC configuration without an SPS', 9, '17 00 000000 0142000affe000', /without an SPS/],
  ['an AVC configuration whose SPS ends too early', 9, '17 00 000000 0142000affe1 0003 674200 00', /no more/],
  [
    'an AVC configuration whose SPS is no SPS',
    9,
    '17 00 000000 0142000affe1 0004 68ce3880 00',
    /is not an SPS/,
  ],
  ['an empty HEVC configuration', 9, '1c 00 000000', /^the HEVC configuration of 0 bytes .* it is empty$/],
  [
    'an Enhanced RTMP sequence start with nothing in it',
    9,
    `90 ${fourCc('hvc1')}`,
    /^the HEVC .* it is empty$/,
  ],
  ['an HEVC configuration that is cut off', 9, `90 ${fourCc('hvc1')} ${hevc.slice(0, 80)}`, /^the HEVC/],
  [
    'an HEVC configuration without an SPS',
    9,
    `90 ${fourCc('hvc1')} ${hevc.slice(0, 44)}00`,
    /without an SPS/,
  ],
  ['an empty AV1 configuration', 9, `90 ${fourCc('av01')}`, /^the AV1 .* it is empty$/],
  ['an AV1 configuration of zeros', 9, `90 ${fourCc('av01')} 00000000`, /another version than 1/],
  [
    'half a VP9 configuration',
    9,
    `90 ${fourCc('vp09')} 01000000 000a82`,
    /^the VP9 configuration of 7 bytes/,
  ],
  ['an empty configuration of a further track', 9, `96 00 ${fourCc('hvc1')} 01`, /it is empty/],
  [
    'an empty AAC configuration',
    8,
    'af 00',
    /^the AAC configuration of 0 bytes configures nothing: it is empty$/,
  ],
  ['half an AAC configuration', 8, 'af 00 12', /^the AAC configuration of 1 byte configures nothing/],
  ['an AAC configuration of a reserved rate', 8, 'af 00 1690', /sample rate index 13 is reserved/],
  ['an AAC configuration of zeros', 8, 'af 00 0000', /an AAC object type of 0/],
  ['an AAC configuration of 0 Hz', 8, 'af 00 1780000010', /0 samples a second/],
  ['an Enhanced RTMP AAC configuration with nothing in it', 8, `90 ${fourCc('mp4a')}`, /it is empty/],
  ['an Opus configuration that is none', 8, `90 ${fourCc('Opus')} 0000000000000000`, /without OpusHead/],
  ['half an Opus configuration', 8, `90 ${fourCc('Opus')} ${opus.slice(0, 24)}`, /^the OPUS/],
  ['half a video head', 9, '17', /^video of 1 byte cannot be read: its head is cut off or unknown$/],
  ['a picture without a composition time', 9, '27 01 00', /^video of 3 bytes cannot be read/],
  ['half an Enhanced RTMP head', 9, '91 6876', /cannot be read/],
  ['a head of an unknown kind of multitrack', 9, `96 30 ${fourCc('hvc1')} 00 00`, /cannot be read/],
  ['half an audio head', 8, 'af', /^audio of 1 byte cannot be read/],
];

for (const [what, typeId, wire, text] of faults) {
  test(`${what} is of no use`, () => {
    assert.match(messageFault(typeId, hex(wire))?.text ?? '', text);
  });
}

const fine: [what: string, typeId: number, payload: Uint8Array][] = [
  ['an AVC configuration', 9, video.header()],
  ['an HEVC configuration, classic', 9, hex(`1c 00 000000 ${hevc}`)],
  ['an HEVC configuration', 9, hex(`90 ${fourCc('hvc1')} ${hevc}`)],
  ['configurations of several tracks in one message', 9, tracks('header', [0, 1])],
  ['the same, each with its codec', 9, tracks('header', [0, 1], 0, { ownCodecs: true })],
  ['that of one track', 9, track.header(1)],
  [
    'an AV1 configuration as ffmpeg writes it',
    9,
    hex(`90 ${fourCc('av01')} 81000c000a0a00000002aff79f7f3008`),
  ],
  ['an AV1 configuration as MPEG-2 TS has it', 9, hex(`95 ${fourCc('av01')} 8004 81000c00`)],
  ['a VP9 configuration, its version before it', 9, hex(`90 ${fourCc('vp09')} 01000000000a820202020000`)],
  ['a VP9 configuration without that', 9, hex(`90 ${fourCc('vp09')} 000a820202020000`)],
  ['a configuration of a codec that nobody here knows', 9, hex(`90 ${fourCc('abcd')}`)],
  ['an AAC configuration', 8, audio.header()],
  ['one of HE-AAC', 8, hex('af 00 2b920800')],
  ['an Opus configuration', 8, hex(`90 ${fourCc('Opus')} ${opus}`)],
  ['the end of a sequence', 9, hex('17 02 000000')],
  ['half the end of a sequence', 9, hex('17 02')],
  ['silence', 8, new Uint8Array(0)],
  ['no picture', 9, new Uint8Array(0)],
  ['a keyframe', 9, video.keyframe()],
  ['a sound', 8, audio.frame()],
  ['a codec that has no packet types', 9, hex('22')],
  ['a codec that nobody here knows', 9, hex('1f 00')],
];

for (const [what, typeId, payload] of fine) {
  test(`${what} is as it should be`, () => {
    assert.equal(messageFault(typeId, payload), undefined);
  });
}

test('of several tracks in one message each is looked at', () => {
  const whole = tracks('header', [0, 1]);
  const bad = Buffer.concat([whole.subarray(0, 6), hex('00 000002 0101'), whole.subarray(6)]);
  assert.equal(messageFault(9, whole), undefined);
  assert.match(messageFault(9, bad)?.text ?? '', /the HEVC configuration of 2 bytes configures nothing/);
  const behind = Buffer.concat([whole, hex('02 000000')]);
  assert.match(messageFault(9, behind)?.text ?? '', /of 0 bytes configures nothing/);
});

test('decoder configurations of more than 64 kB are of no use, whatever is in them', () => {
  const long = (head: Uint8Array) => Buffer.concat([head, Buffer.alloc(64 << 10)]);
  for (const [typeId, head] of [
    [9, video.header()],
    [9, tracks('header', [0, 1])],
    [9, hex(`90 ${fourCc('abcd')}`)],
    [8, audio.header()],
  ] as const) {
    assert.match(
      messageFault(typeId, long(head))?.text ?? '',
      /^the (video|audio) configuration of 65\d{3} bytes is too long/,
    );
  }
  assert.equal(messageFault(9, long(video.keyframe())), undefined);
});

test('what is in a data message is not its affair', () => {
  assert.equal(messageFault(MessageType.DataAmf0, hex('17')), undefined);
});
