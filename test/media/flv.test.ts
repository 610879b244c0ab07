import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DURATION_OFFSET,
  decodeOnMetaData,
  emptyIndexBytes,
  encodeFlvHeader,
  encodeFlvTag,
  encodeIndexedMetaData,
  encodeOnMetaData,
  FlvReader,
  type FlvTag,
  ownIndex,
} from '../../src/media/flv.ts';
import { EcmaArray, membersOf } from '../../src/protocol/amf/amf.ts';
import { encodeAmf0 } from '../../src/protocol/amf/amf0.ts';
import { hex, toHex } from '../support/hex.ts';
import { Random } from '../support/random.ts';

/** Header and the beginning of a file as FLV 10.1 annex E lays it out; what ffmpeg's muxer writes too. */
const file = hex(`464c56 01 05 00000009  00000000
                  12 000005 000000 00 000000  02 0002 6869   00000010
                  09 000006 000021 00 000000  17 01 000000 aa  00000011
                  08 000003 ffffff 7f 000000  af 01 bb  0000000e
                  08 000000 000001 80 000000  0000000b`);
const tags = [
  { typeId: 18, timestampMs: 0, payload: '0200026869' },
  { typeId: 9, timestampMs: 0x21, payload: '1701000000aa' },
  { typeId: 8, timestampMs: 0x7fff_ffff, payload: 'af01bb' },
  { typeId: 8, timestampMs: 0x8000_0001, payload: '' },
];

function plain(tag: FlvTag): unknown {
  return { ...tag, payload: toHex(tag.payload) };
}

/** Through one buffer that is overwritten after each push. */
function readPieces(bytes: Uint8Array, pieces: readonly number[], reader = new FlvReader()): FlvTag[] {
  const shared = new Uint8Array(bytes.length);
  const read: FlvTag[] = [];
  let at = 0;
  for (const piece of pieces) {
    const part = bytes.subarray(at, at + piece);
    shared.set(part);
    read.push(...reader.push(shared.subarray(0, part.length)));
    shared.fill(0xee);
    at += piece;
  }
  return read;
}

test('header and tags are encoded as the file has them', () => {
  const encoded = [
    encodeFlvHeader({ hasAudio: true, hasVideo: true }),
    ...tags.map((tag) => encodeFlvTag({ ...tag, payload: hex(tag.payload) })),
  ];
  assert.equal(toHex(Buffer.concat(encoded)), toHex(file));
  assert.equal(encodeFlvHeader({ hasAudio: true, hasVideo: false })[4], 4);
  assert.equal(encodeFlvHeader({ hasAudio: false, hasVideo: true })[4], 1);
});

test('a file is read in one piece, byte by byte, and cut in two anywhere', () => {
  const reader = new FlvReader();
  assert.deepEqual(readPieces(file, [file.length], reader).map(plain), tags);
  assert.deepEqual(reader.header, { hasAudio: true, hasVideo: true });
  assert.deepEqual(readPieces(file, Array(file.length).fill(1)).map(plain), tags);
  for (let cut = 0; cut <= file.length; cut += 1) {
    assert.deepEqual(readPieces(file, [cut, file.length]).map(plain), tags, `cut at ${cut}`);
  }
});

test('a file that ends anywhere yields the tags that are whole', () => {
  for (let length = 0; length < file.length; length += 1) {
    const whole = readPieces(file, [length]).map(plain);
    assert.deepEqual(whole, tags.slice(0, whole.length));
    assert.ok(length < file.length - 4 || whole.length === tags.length);
  }
});

test('long tags in random pieces come out as they went in', () => {
  const random = new Random(5);
  const sent = [3_000_000, 70_000, 1, 0, 65_536].map((length, i) => ({
    typeId: 9,
    timestampMs: i,
    payload: new Uint8Array(length).fill(i + 1),
  }));
  const bytes = Buffer.concat([
    encodeFlvHeader({ hasAudio: false, hasVideo: true }),
    ...sent.map(encodeFlvTag),
  ]);
  const pieces: number[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)!) pieces.push(1 + random.below(100_000));
  assert.deepEqual(readPieces(bytes, pieces).map(plain), sent.map(plain));
});

test('a longer header is skipped', () => {
  const longer = hex('464c56 01 01 0000000c aabbcc 00000000  09 000001 000000 00 000000 27 0000000c');
  assert.deepEqual(readPieces(longer, Array(longer.length).fill(1)).map(plain), [
    { typeId: 9, timestampMs: 0, payload: '27' },
  ]);
});

test('what is no FLV, or an encrypted one, is refused', () => {
  const refused = (wire: string, code: string) =>
    assert.throws(() => readPieces(hex(wire), [1000]), { name: 'DecodeError', code });
  refused('464c55 01 05 00000009', 'ERR_FLV_SIGNATURE');
  refused('464c56 02 05 00000009', 'ERR_FLV_SIGNATURE');
  refused('464c56 01 05 00000008', 'ERR_FLV_HEADER_BYTES');
  refused('464c56 01 05 00000009 00000000 29 000001 000000 00 000000', 'ERR_FLV_ENCRYPTED');
});

test('a tag longer than its size field can say is not written', () => {
  const payload = new Uint8Array(0x100_0000);
  assert.throws(() => encodeFlvTag({ typeId: 9, timestampMs: 0, payload }), RangeError);
});

test('onMetaData has its duration where it can be patched, whatever else there is', () => {
  const given = { width: 1280, duration: 5, encoder: 'x', 0: 'index', stereo: true };
  const payload = encodeOnMetaData(given);
  new DataView(payload.buffer, payload.byteOffset).setFloat64(DURATION_OFFSET, 12.5);
  assert.deepEqual(
    { ...decodeOnMetaData(payload) },
    { duration: 12.5, width: 1280, encoder: 'x', stereo: true },
  );
  assert.deepEqual({ ...decodeOnMetaData(encodeOnMetaData({}, 3)) }, { duration: 3 });
});

test('onMetaData is read from an object as well as from an associative array, and nothing else is onMetaData', () => {
  const script = (name: string, value: unknown) =>
    Buffer.concat([encodeAmf0(name), encodeAmf0(value as EcmaArray)]);
  assert.deepEqual({ ...decodeOnMetaData(script('onMetaData', { width: 2 })) }, { width: 2 });
  assert.deepEqual({ ...decodeOnMetaData(script('onMetaData', new EcmaArray({ width: 2 }))) }, { width: 2 });
  assert.equal(decodeOnMetaData(script('onCuePoint', { width: 2 })), undefined);
  assert.equal(decodeOnMetaData(script('onMetaData', 7)), undefined);
});

test('an index has the size that was kept for it, with no text in it that ffmpeg would stumble over', () => {
  const entries = { width: 1280 };
  const empty = emptyIndexBytes(entries);
  const keyframes = Array.from({ length: 100 }, (_, i) => ({ timeMs: 40 * i, at: 1000 * i }));
  for (let free = 0; free < 4000; free += free < 50 ? 1 : 37) {
    const payload = encodeIndexedMetaData(entries, 4, keyframes, empty + free);
    if (!payload) {
      assert.ok(free === 1 || free === 2, `${free} bytes`);
      continue;
    }
    assert.equal(payload.length, empty + free);
    const { keyframes: index } = decodeOnMetaData(payload)!;
    const { filler } = membersOf(index)!;
    assert.ok((filler as string[]).every((text) => /^ {0,1000}$/.test(text)));
    const kept = ownIndex(index)!;
    assert.ok(
      kept.length >= Math.min(100, Math.floor(free / 36)),
      `${kept.length} keyframes in ${free} bytes`,
    );
    assert.ok(kept.every(({ timeMs, at }) => at === timeMs * 25));
  }
  assert.equal(encodeIndexedMetaData(entries, 4, keyframes, empty - 1), undefined);
});

test('the index of a file from when it was filled up by one long text is known as well', () => {
  const index = { times: [0, 2], filepositions: [100, 200], filler: '   ' };
  assert.deepEqual(ownIndex(index), [
    { timeMs: 0, at: 100 },
    { timeMs: 2000, at: 200 },
  ]);
  assert.equal(ownIndex({ ...index, filler: 3 }), undefined);
});
