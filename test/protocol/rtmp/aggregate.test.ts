import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { decodeAggregate } from '../../../src/protocol/rtmp/aggregate.ts';
import { hex, toHex } from '../../support/hex.ts';

function parts(payload: Uint8Array, timestampMs = 1_000) {
  const aggregate = { typeId: 22, streamId: 5, timestampMs, payload };
  return [...decodeAggregate(aggregate)].map(({ typeId, streamId, timestampMs, payload }) => [
    typeId,
    streamId,
    timestampMs,
    toHex(payload),
  ]);
}

const TWO_PARTS = hex(`
  08 000003 0003e8 00 000000  af0101   0000000e  # audio at 1000 ms
  09 000002 0003fc 00 000007  2701     0000000d  # video at 1020 ms, of another message stream
`);

// RTMP 1.0 §7.1.6: the offset between the aggregate's time and its first part's renormalizes the others
test('an aggregate is its parts, on its own message stream, from its own time on', () => {
  assert.deepEqual(parts(TWO_PARTS), [
    [8, 5, 1_000, 'af0101'],
    [9, 5, 1_020, '2701'],
  ]);
  assert.deepEqual(
    parts(TWO_PARTS, 50).map((part) => part[2]),
    [50, 70],
  );
  assert.deepEqual(
    parts(TWO_PARTS, 0xffff_fff6).map((part) => part[2]),
    [0xffff_fff6, 10],
    'over the end of 32 bits',
  );
});

test('timestamps of parts have their high byte behind the others', () => {
  const payload = hex(`
    08 000001 ffffff 7f 000000  aa  0000000c
    08 000001 000000 80 000000  bb  0000000c
  `);
  assert.deepEqual(
    parts(payload, 0).map((part) => part[2]),
    [0, 1],
  );
});

test('an empty aggregate has no parts, and an empty part is one', () => {
  assert.deepEqual(parts(hex('')), []);
  assert.deepEqual(parts(hex('08 000000 000000 00 000000 0000000b')), [[8, 5, 1_000, '']]);
});

test('the last back pointer may be missing', () => {
  assert.deepEqual(parts(TWO_PARTS.subarray(0, -4)), parts(TWO_PARTS));
});

test('every other truncation is a DecodeError', () => {
  const whole = [0, 14, 18, TWO_PARTS.length - 4];
  for (let length = 0; length < TWO_PARTS.length; length += 1) {
    if (whole.includes(length)) continue;
    assert.throws(() => parts(TWO_PARTS.subarray(0, length)), DecodeError, `${length} bytes`);
  }
});

test('an aggregate in an aggregate is a DecodeError', () => {
  assert.throws(() => parts(hex('16 000000 000000 00 000000 0000000b')), DecodeError);
});
