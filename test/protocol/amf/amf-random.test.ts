// What must hold for any value and any bytes, tried on many of them; the seeds make each run the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { decodeAmf0, encodeAmf0 } from '../../../src/protocol/amf/amf0.ts';
import { decodeAmf3, encodeAmf3 } from '../../../src/protocol/amf/amf3.ts';
import { randomAmf } from '../../support/amf.ts';
import { toHex } from '../../support/hex.ts';
import { Random } from '../../support/random.ts';

const CODECS = [
  { name: 'AMF0', amf3: false, decode: decodeAmf0, encode: encodeAmf0 },
  { name: 'AMF3', amf3: true, decode: decodeAmf3, encode: encodeAmf3 },
  {
    name: 'AMF3 inside AMF0',
    amf3: true,
    decode: decodeAmf0,
    encode: (value: Parameters<typeof encodeAmf0>[0]) => encodeAmf0(value, { avmPlus: true }),
  },
];

for (const { name, amf3, decode, encode } of CODECS) {
  test(`${name}: random values come back as they were, shared parts and cycles included`, () => {
    const random = new Random(1);
    for (let round = 0; round < 2_000; round += 1) {
      const value = randomAmf(random, { amf3 });
      const wire = encode(value);
      const back = decode(wire);
      assert.deepEqual(back, value);
      assert.equal(toHex(encode(back)), toHex(wire));
    }
  });

  test(`${name}: damaged and random bytes give a value or a DecodeError`, () => {
    const random = new Random(2);
    let refused = 0;
    for (let round = 0; round < 4_000; round += 1) {
      const wire = random.oneIn(2) ? random.bytes(1 + random.below(60)) : encode(randomAmf(random, { amf3 }));
      for (let hits = random.below(3); hits > 0; hits -= 1)
        wire[random.below(wire.length)] = random.below(0x14);
      try {
        decode(wire);
      } catch (error) {
        assert.ok(error instanceof DecodeError, `${toHex(wire)}: ${error}`);
        refused += 1;
      }
    }
    assert.ok(refused > 1_000, `only ${refused} of 4000 were refused: the damage does not reach the decoder`);
  });
}
