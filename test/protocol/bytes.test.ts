import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../src/errors.ts';
import { ByteReader, ByteWriter } from '../../src/protocol/bytes.ts';
import { hex, toHex } from '../support/hex.ts';

test('each integer has its width, sign and byte order', () => {
  const reader = new ByteReader(hex('fe ff fe ff fe ff fe fd ff fe fd ff fe fd fc ff fe fd fc fc fd fe ff'));
  assert.equal(reader.u8(), 0xfe);
  assert.equal(reader.u16(), 0xfffe);
  assert.equal(reader.i16(), -2);
  assert.equal(reader.u24(), 0xfffefd);
  assert.equal(reader.i24(), -259);
  assert.equal(reader.u32(), 0xfffefdfc);
  assert.equal(reader.i32(), -66052);
  assert.equal(reader.u32le(), 0xfffefdfc);
  assert.equal(reader.remaining, 0);
});

test('the writer writes what the reader reads', () => {
  const wire = new ByteWriter(1)
    .u8(0xfe)
    .u16(0xfffe)
    .i16(-2)
    .u24(0xfffefd)
    .u32(0xfffefdfc)
    .i32(-66052)
    .u32le(0xfffefdfc)
    .f64(0.5)
    .utf8('é')
    .bytes(hex('0102'))
    .done();
  assert.equal(toHex(wire), 'fefffefffefffefdfffefdfcfffefdfcfcfdfeff3fe0000000000000c3a90102');
});

test('a read past the end throws, says how much was there, and does not move', () => {
  const reader = new ByteReader(hex('01 02 03'));
  reader.u8();
  assert.throws(
    () => reader.u24(),
    (error: unknown) =>
      error instanceof DecodeError &&
      error.code === 'ERR_BYTES_SHORT' &&
      error.message === '3 bytes wanted at offset 1, 2 left',
  );
  assert.equal(reader.u16(), 0x0203);
});

test('the reader respects the bounds of a view into a larger buffer', () => {
  const reader = new ByteReader(hex('00 01 02 03').subarray(1, 3));
  assert.equal(reader.u16(), 0x0102);
  assert.throws(() => reader.u8(), DecodeError);
});

test('malformed UTF-8 becomes U+FFFD and a byte order mark stays', () => {
  assert.equal(new ByteReader(hex('61 ff 62')).utf8(3), 'a\ufffdb');
  assert.equal(new ByteReader(hex('ef bb bf 61')).utf8(4), '\ufeffa');
});
