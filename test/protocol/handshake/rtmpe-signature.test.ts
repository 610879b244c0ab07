import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Blowfish } from '../../../src/protocol/handshake/blowfish.ts';
import { hideSignature, xteaEncrypt } from '../../../src/protocol/handshake/rtmpe-signature.ts';
import { hex, toHex } from '../../support/hex.ts';

// E. Young's vectors, as Schneier publishes them
for (const [key, clear, cipher] of [
  ['0000000000000000', '0000000000000000', '4ef997456198dd78'],
  ['ffffffffffffffff', 'ffffffffffffffff', '51866fd5b85ecb8a'],
  ['3000000000000000', '1000000000000001', '7d856f9a613063f2'],
  ['0123456789abcdef', '1111111111111111', '61f9c3802281b096'],
  ['fedcba9876543210', '0123456789abcdef', '0aceab0fc6a0a28d'],
  ['f0e1d2c3b4a5968778695a4b3c2d1e0f0011223344556677', 'fedcba9876543210', '05044b62fa52d080'],
] as const) {
  test(`Blowfish: ${clear} with ${key}`, () => {
    const block = words(clear);
    new Blowfish(hex(key)).encrypt(block);
    assert.equal(textOf(block), cipher);
  });
}

for (const [key, clear, cipher] of [
  ['000102030405060708090a0b0c0d0e0f', '4142434445464748', '497df3d072612cb5'],
  ['00000000000000000000000000000000', '0000000000000000', 'dee9d4d8f7131ed9'],
] as const) {
  test(`XTEA: ${clear} with ${key}`, () => {
    const block = words(clear);
    const [a, b] = [words(key.slice(0, 16)), words(key.slice(16))];
    xteaEncrypt(block, [...a, ...b]);
    assert.equal(textOf(block), cipher);
  });
}

test('a key of Blowfish has 4 to 56 bytes', () => {
  for (const length of [3, 57]) assert.throws(() => new Blowfish(new Uint8Array(length)), RangeError);
});

test('a signature of version 6 is not hidden', () => {
  const signature = Uint8Array.from({ length: 32 }, (_, i) => i);
  hideSignature(6, signature, new Uint8Array(32));
  assert.deepEqual(
    signature,
    Uint8Array.from({ length: 32 }, (_, i) => i),
  );
});

test('of each eight bytes, the first byte of the key there chooses the key, of fifteen', () => {
  const zeros = new Uint8Array(32);
  for (const version of [8, 9]) {
    const hidden = (first: number) => {
      const signature = zeros.slice();
      hideSignature(
        version,
        signature,
        Uint8Array.from({ length: 32 }, (_, i) => (i === 8 ? first : 0)),
      );
      return [0, 8, 16, 24].map((at) => toHex(signature.subarray(at, at + 8)));
    };
    const [a, b, c] = [hidden(0), hidden(1), hidden(15)];
    assert.equal(new Set(a).size, 1);
    assert.notEqual(b![1], a![1]);
    assert.deepEqual([b![0], b![2], b![3]], [a![0], a![2], a![3]]);
    assert.deepEqual(c, a);
    const all = Array.from({ length: 15 }, (_, i) => hidden(i)[1]);
    assert.equal(new Set(all).size, 15);
  }
});

function words(text: string): [number, number] {
  return [Number.parseInt(text.slice(0, 8), 16), Number.parseInt(text.slice(8), 16)];
}

function textOf(block: readonly number[]): string {
  return block.map((word) => word.toString(16).padStart(8, '0')).join('');
}
