// Files as streams, without a server: what is read of them, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../../src/errors.ts';
import { encodeFlvHeader, encodeFlvTag, encodeOnMetaData } from '../../../src/media/flv.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { FlvMedia } from '../../../src/recording/read/flv-media.ts';
import { Mp3Media } from '../../../src/recording/read/mp3-media.ts';
import { Mp4Media } from '../../../src/recording/read/mp4-media.ts';
import { flvFile } from '../../support/flv.ts';
import { video } from '../../support/media.ts';
import { box, mp4File, u32 } from '../../support/mp4.ts';
import { all, Bytes } from '../../support/readable.ts';

const FOUR_GB = 4 * 2 ** 30;

test('of an FLV of 4 GB no more is read before its first picture than of a small one', async () => {
  const { bytes } = flvFile({ ms: 60_000, padBytes: 4_000, durationS: 36_000 });
  const sizes: number[] = [];
  for (const file of [new Bytes(bytes), new Bytes(bytes, FOUR_GB)]) {
    const media = await FlvMedia.open(file, undefined, 60_000);
    const place = await media.keyframeBefore(0);
    assert.ok((await media.read(place!.at))!.messages.length > 50);
    sizes.push(file.bytesRead);
  }
  assert.ok(sizes[1]! <= sizes[0]! + 4 && sizes[1]! < 500_000, String(sizes));
});

test('of an indexed FLV no more is read for a seek to its end', async () => {
  const { bytes } = flvFile({ ms: 120_000, padBytes: 4_000, isIndexed: true, durationS: 120 });
  const file = new Bytes(bytes);
  const media = await FlvMedia.open(file, undefined, 60_000);
  const place = await media.keyframeBefore(118_500);
  assert.equal(place?.timeMs, 118_000);
  assert.ok(file.bytesRead < bytes.length / 10, `${file.bytesRead} of ${bytes.length}`);
});

test('of an MP4 of 4 GB what describes it is read, and the samples that are wanted', async () => {
  const film = mp4File({ samples: 100 });
  const file = new Bytes(film, film.length);
  // moov first, then 4 GB of something else, as films have it that were prepared for the web
  const large = new Bytes(
    Buffer.concat([film, Buffer.from([0, 0, 0, 1]), Buffer.from('free'), u32(1, 0)]),
    film.length + 2 ** 32,
  );
  for (const one of [file, large]) {
    const media = await Mp4Media.open(one, undefined, 60_000);
    assert.equal((await all(media)).filter(({ typeId }) => typeId === MessageType.Video).length, 101);
    assert.ok(one.bytesRead < 20_000, String(one.bytesRead));
  }
});

test('codecs of old pass through, whatever is in their frames', async () => {
  const payloads = [
    [MessageType.Video, [0x14, 0, 1, 2]], // VP6
    [MessageType.Audio, [0xb2, 7, 8]], // Speex
    [MessageType.Video, [0x22, 9]], // H.263
    [MessageType.Audio, [0x5a, 3]], // Nellymoser
    [MessageType.Video, [0x13, 4]], // Screen Video
  ] as const;
  const tags = payloads.map(([typeId, bytes], i) =>
    encodeFlvTag({ typeId, timestampMs: i * 40, payload: Uint8Array.from(bytes) }),
  );
  const media = await FlvMedia.open(
    new Bytes(Buffer.concat([encodeFlvHeader({ hasAudio: true, hasVideo: true }), ...tags])),
    undefined,
    60_000,
  );
  const got = (await all(media)).map(({ typeId, timestampMs, payload }) => [
    typeId,
    timestampMs,
    [...payload],
  ]);
  assert.deepEqual(
    got,
    payloads.map(([typeId, bytes], i) => [typeId, i * 40, [...bytes]]),
  );
  assert.equal((await media.keyframeBefore(170))?.timeMs, 160);
});

test('a decoder configuration that changes on the way is the latest one, wherever a player begins', async () => {
  const { header } = video;
  const key = (mark: number) => Uint8Array.of(0x17, 1, 0, 0, 0, mark);
  const parts: [number, Uint8Array][] = [
    [0, header(1)],
    [0, key(10)],
    [1_000, header(2)],
    [1_000, key(20)],
    [2_000, key(21)],
  ];
  const tags = parts.map(([timestampMs, payload]) =>
    encodeFlvTag({ typeId: MessageType.Video, timestampMs, payload }),
  );
  const file = new Bytes(Buffer.concat([encodeFlvHeader({ hasAudio: false, hasVideo: true }), ...tags]));
  const media = await FlvMedia.open(file, undefined, 60_000);
  const marks = async (ms: number) => (await all(media, ms)).map(({ payload }) => payload.at(-1));
  assert.deepEqual(await marks(0), [1, 10, 2, 20, 21]);
  assert.deepEqual(await marks(2_500), [2, 21]);
});

test('metadata goes without the index, with the length', async () => {
  const { bytes } = flvFile({ ms: 2_000, isIndexed: true, durationS: 2, metaData: { author: 'x' } });
  const media = await FlvMedia.open(new Bytes(bytes), undefined, 60_000);
  const place = await media.keyframeBefore(0);
  assert.deepEqual([...place!.headers[0]!.payload], [...encodeOnMetaData({ author: 'x' }, 2)]);
});

// ── MP4 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

for (const isFragmented of [false, true]) {
  test(`an MP4 ${isFragmented ? 'of fragments' : 'in one piece'}: each sample, its time, its keyframes`, async () => {
    const media = await Mp4Media.open(new Bytes(mp4File({ samples: 50, isFragmented })), undefined, 60_000);
    const pictures = (await all(media)).filter(({ typeId }) => typeId === MessageType.Video).slice(1);
    assert.deepEqual(
      pictures.map(({ payload, timestampMs }) => [timestampMs, payload[0], payload.at(-1)]),
      Array.from({ length: 50 }, (_, i) => [i * 40, i % 10 === 0 ? 0x17 : 0x27, i]),
    );
    assert.equal((await media.keyframeBefore(1_000))?.timeMs, 800);
    assert.equal((await media.keyframeFrom(1_000))?.timeMs, 1_200);
    assert.equal(media.lengthMs, 2_000);
  });
}

for (const [what, bytes, code] of [
  ['nothing', Buffer.alloc(0), 'ERR_MP4_BOX'],
  ['no film', box('ftyp', u32(0)), 'ERR_MP4_BOX'],
  [
    'a box that is smaller than itself',
    Buffer.concat([u32(4), Buffer.from('moov'), u32(0, 0)]),
    'ERR_MP4_BOX',
  ],
  [
    'a film without tracks',
    box('moov', box('mvhd', u32(0, 0, 0, 1000, 0), Buffer.alloc(80))),
    'NetStream.Play.NoSupportedTrackFound',
  ],
  [
    'a clock that does not tick',
    box('moov', box('mvhd', u32(0, 0, 0, 0, 0), Buffer.alloc(80))),
    'ERR_MP4_BOX',
  ],
] as const) {
  test(`an MP4 with ${what} is refused`, async () => {
    await assert.rejects(Mp4Media.open(new Bytes(bytes), undefined, 60_000), (error) => {
      assert.ok(error instanceof CodedError);
      assert.equal(error.code, code);
      return true;
    });
  });
}

test('an MP4 that claims four thousand million samples has those that it has', async () => {
  const film = mp4File({ samples: 20, claimedCount: 0xffff_ffff });
  const media = await Mp4Media.open(new Bytes(film), undefined, 60_000);
  assert.equal((await all(media)).filter(({ typeId }) => typeId === MessageType.Video).length, 21);
});

test('an MP4 that was cut off is played as far as it goes', async () => {
  const film = mp4File({ samples: 50 });
  const media = await Mp4Media.open(new Bytes(film.subarray(0, film.length - 60)), undefined, 60_000);
  const { length } = (await all(media)).filter(({ typeId }) => typeId === MessageType.Video);
  assert.equal(length, 41);
});

// ── MP3 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** 128 kbit/s at 44,100 Hz: 417 bytes for 26 ms. */
const MP3_FRAME = Buffer.concat([Buffer.from('fffb9000', 'hex'), Buffer.alloc(413, 1)]);
const TITLE = Buffer.from(
  '\x49\x44\x33\x04\x00\x00\x00\x00\x00\x0f\x54\x49\x54\x32\x00\x00\x00\x05\x00\x00\x03Tune',
  'latin1',
);

test('an MP3 is played and sought in; rubbish around its frames is passed over', async () => {
  const frames = Array.from({ length: 500 }, () => MP3_FRAME);
  const bytes = Buffer.concat([TITLE, ...frames, Buffer.from('TAG and rubbish')]);
  const media = await Mp3Media.open(new Bytes(bytes), 60_000, false);
  const sounds = (await all(media)).slice(1);
  assert.equal(sounds.length, 500);
  assert.deepEqual([...sounds[1]!.payload], [0x2f, ...MP3_FRAME]);
  assert.equal(sounds.at(-1)!.timestampMs, Math.round((499 * 1152 * 1000) / 44_100));
  assert.ok(Math.abs(media.lengthMs - 13_061) < 50, String(media.lengthMs));
  const place = await media.keyframeBefore(6_500);
  assert.ok(place!.timeMs > 5_900 && place!.timeMs <= 6_500, String(place!.timeMs));
});

test('id3: is what the tag says, and no sound', async () => {
  const media = await Mp3Media.open(new Bytes(Buffer.concat([TITLE, MP3_FRAME])), 60_000, true);
  const messages = await all(media);
  assert.deepEqual(
    messages.map(({ typeId }) => typeId),
    [MessageType.DataAmf0],
  );
  assert.match(Buffer.from(messages[0]!.payload).toString('latin1'), /onId3.*TIT2.*Tune/s);
});

test('what is no MP3 is refused', async () => {
  await assert.rejects(Mp3Media.open(new Bytes(Buffer.alloc(5_000)), 60_000, false), {
    code: 'ERR_MP3_FRAME',
  });
});
