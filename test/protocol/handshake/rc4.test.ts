import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rc4 } from '../../../src/protocol/handshake/rc4.ts';
import { hex, toHex } from '../../support/hex.ts';
import { Random } from '../../support/random.ts';

// RFC 6229 §2: what comes out at these offsets
for (const [key, offsets] of [
  [
    '0102030405',
    {
      0: 'b2396305f03dc027ccc3524a0a1118a8',
      16: '6982944f18fc82d589c403a47a0d0919',
      240: '28cb1132c96ce286421dcaadb8b69eae',
      1536: 'd8729db41882259bee4f825325f5a130',
      4096: 'ff25b58995996707e51fbdf08b34d875',
    },
  ],
  [
    '0102030405060708090a0b0c0d0e0f10',
    {
      0: '9ac7cc9a609d1ef7b2932899cde41b97',
      16: '5248c4959014126a6e8a84f11d1a9e1c',
      240: '065902e4b620f6cc36c8589f66432f2b',
      1536: 'ffa0b514647ec04f6306b892ae661181',
      4096: 'a36a4c301ae8ac13610ccbc12256cacc',
    },
  ],
] as const) {
  test(`the key stream of ${key} is that of RFC 6229`, () => {
    const stream = new Uint8Array(4112);
    new Rc4(hex(key)).apply(stream, stream);
    for (const [at, bytes] of Object.entries(offsets)) {
      assert.equal(toHex(stream.subarray(Number(at), Number(at) + 16)), bytes, `at ${at}`);
    }
  });
}

test('pieces are one stream, and what is encrypted twice is in clear again', () => {
  const random = new Random(1);
  const text = random.bytes(10_000);
  const key = random.bytes(16);
  const whole = new Uint8Array(text.length);
  new Rc4(key).apply(text, whole);
  assert.notDeepEqual(whole, text);
  const pieces = whole.slice();
  const cipher = new Rc4(key);
  for (let at = 0; at < pieces.length; ) {
    const piece = pieces.subarray(at, at + random.below(700));
    cipher.apply(piece, piece);
    at += piece.length;
  }
  assert.deepEqual(pieces, text);
});

test('a key has 1 to 256 bytes', () => {
  for (const length of [0, 257]) assert.throws(() => new Rc4(new Uint8Array(length)), RangeError);
});
