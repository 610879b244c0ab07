import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from './hex.ts';

test('hex ignores blanks and comments', () => {
  assert.deepEqual(
    hex(`00 ff   # ack
         1 2     # split digits join`),
    Uint8Array.of(0x00, 0xff, 0x12),
  );
});

test('hex refuses half a byte and strangers', () => {
  assert.throws(() => hex('0'), /odd number/);
  assert.throws(() => hex('zz'), /not a hex digit: zz/);
});

test('toHex writes what hex reads, from a view into a larger buffer as well', () => {
  assert.equal(toHex(hex('00 0a ff 07').subarray(1, 3)), '0aff');
});
