// How long an MP3 is, and where in it a time is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import { decodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Mp3Media } from '../../../src/recording/read/mp3-media.ts';
import { apeTag, ID3_BEHIND, id3, type Mp3Kind, mp3Frame, mp3Header } from '../../support/mp3.ts';
import { all, Bytes } from '../../support/readable.ts';

async function opened(...parts: readonly Uint8Array[]) {
  const file = new Bytes(Buffer.concat(parts));
  return { file, media: await Mp3Media.open(file, 60_000, false) };
}

function many(count: number, kind: Mp3Kind): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => mp3Frame(kind)));
}

/** A minute that is quiet for the most part: what its first frame says of the bitrate is wrong. */
const QUIET_START = [many(2_000, 'quiet'), many(300, 'loud')];
const QUIET_FRAMES = 2_300;
const quietBytes = Buffer.concat(QUIET_START).length;

function lengthOf(frames: number, samples = 1152, rate = 44_100): number {
  return Math.round((frames * samples * 1000) / rate);
}

for (const [kind, samples, rate] of [
  ['stereo', 1152, 44_100],
  ['mono', 1152, 44_100],
  ['checked', 1152, 44_100],
  ['half', 576, 22_050],
  ['halfMono', 576, 22_050],
  ['quarter', 576, 11_025],
] as const) {
  for (const name of ['Xing', 'Info', 'VBRI'] as const) {
    test(`an MP3 (${kind}) is as long as its ${name} header says, which is no sound`, async () => {
      const frames = [mp3Frame(kind), many(1_000, kind)];
      const { bytes } = { bytes: Buffer.concat(frames).length };
      const { media } = await opened(
        id3(300),
        mp3Header(kind, name, { frames: 1_010, bytes }),
        many(1_000, kind),
      );
      assert.equal(media.lengthMs, lengthOf(1_010, samples, rate));
      const sounds = (await all(media)).filter(({ typeId }) => typeId === MessageType.Audio);
      assert.equal(sounds.length, 1_000);
      assert.equal(sounds[0]?.timestampMs, 0);
    });
  }
}

test('the length of an MP3 of variable bitrate is that of its header, without all of it being read', async () => {
  const header = mp3Header('quiet', 'Xing', { frames: QUIET_FRAMES, bytes: quietBytes + 104 });
  const { file, media } = await opened(header, ...QUIET_START, many(2_000, 'quiet'), many(300, 'loud'));
  assert.ok(
    Math.abs(media.lengthMs - lengthOf(2 * QUIET_FRAMES)) < 5,
    'two files that were joined: it is looked through',
  );
  const one = await opened(header, ...QUIET_START);
  assert.equal(one.media.lengthMs, lengthOf(QUIET_FRAMES));
  assert.ok(one.file.bytesRead < quietBytes / 2 + 200_000, String(one.file.bytesRead));
  assert.ok(file.bytesRead > quietBytes);
});

for (const [what, claims] of [
  ['no frames', { frames: 0 }],
  ['no number of frames', { bytes: quietBytes }],
  ['four thousand million frames', { frames: 0xffff_ffff }],
  ['a single frame', { frames: 1 }],
  ['three times its frames', { frames: 3 * QUIET_FRAMES }],
  ['a third of its frames', { frames: Math.round(QUIET_FRAMES / 3) }],
  ['twice its bytes', { frames: QUIET_FRAMES * 2, bytes: quietBytes * 2 }],
] as const) {
  test(`an MP3 whose header claims ${what} is looked through`, async () => {
    for (const name of ['Xing', 'VBRI'] as const) {
      const { media } = await opened(mp3Header('quiet', name, claims), ...QUIET_START);
      assert.equal(media.lengthMs, lengthOf(QUIET_FRAMES));
    }
  });
}

test('an MP3 of variable bitrate without a header is looked through; one of constant bitrate is not', async () => {
  const { media } = await opened(...QUIET_START);
  assert.equal(media.lengthMs, lengthOf(QUIET_FRAMES));
  const constant = await opened(many(20_000, 'stereo'));
  // real ones have a byte more in most frames, and are of their bitrate to the millisecond
  const off = Math.abs(constant.media.lengthMs / lengthOf(20_000) - 1);
  assert.ok(off < 0.003, String(off));
  assert.ok(constant.file.bytesRead < 400_000, String(constant.file.bytesRead));
});

test('tags in front and behind are no part of the length, and no sound, whatever they look like', async () => {
  const tags = [id3(4_000), id3(50)];
  const { media } = await opened(...tags, many(1_000, 'stereo'), apeTag(300_000), ID3_BEHIND);
  assert.ok(Math.abs(media.lengthMs - lengthOf(1_000)) < 80, String(media.lengthMs));
  assert.equal((await all(media)).filter(({ typeId }) => typeId === MessageType.Audio).length, 1_000);
});

test('a tag that claims to be longer than the file is none', async () => {
  const liar = id3(100);
  liar.fill(0x7f, 6, 10);
  const { media } = await opened(liar, many(100, 'stereo'));
  assert.equal(media.lengthMs, lengthOf(100));
});

test('what looks like the header of a frame in rubbish is not one', async () => {
  const rubbish = Buffer.alloc(3_000, 0x41);
  mp3Frame('loud').copy(rubbish, 500, 0, 4);
  const { media } = await opened(rubbish, many(100, 'stereo'));
  const sounds = (await all(media)).filter(({ typeId }) => typeId === MessageType.Audio);
  assert.equal(sounds.length, 100);
  assert.equal(sounds[0]?.length, 418);
});

test('a seek in an MP3 of variable bitrate goes to the frame of that time, and onMetaData has the length', async () => {
  const header = mp3Header('quiet', 'Xing', { frames: QUIET_FRAMES, bytes: quietBytes + 104 });
  const { media } = await opened(header, ...QUIET_START);
  const place = await media.keyframeBefore(55_500);
  assert.ok(place && place.timeMs > 54_400 && place.timeMs <= 55_500, String(place?.timeMs));
  const segment = await media.read(place.at);
  assert.equal(segment?.messages[0]?.length, 1045, 'a loud one');
  assert.equal(segment.messages[0]?.timestampMs, place.timeMs);
  const { values } = decodeData(MessageType.DataAmf0, place.headers[0]!.payload);
  assert.equal(membersOf(values[0])?.duration, lengthOf(QUIET_FRAMES) / 1000);
});
