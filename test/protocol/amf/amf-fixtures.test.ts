// Bytes that two AMF implementations wrote, neither of them ours: each fixture names the library, its version and the
// expression in its language that was written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAmf0, encodeAmf0 } from '../../../src/protocol/amf/amf0.ts';
import { decodeAmf3, encodeAmf3 } from '../../../src/protocol/amf/amf3.ts';
import { fromNotation } from '../../support/amf-notation.ts';
import { hex, toHex } from '../../support/hex.ts';
import blazeds from '../fixtures/blazeds.json' with { type: 'json' };
import py3amf from '../fixtures/py3amf.json' with { type: 'json' };

interface Fixture {
  name: string;
  encoding: number;
  source: string;
  wire: string;
  /** In the notation of test/support/amf-notation.ts. */
  value: unknown;
  /** AMF0 that switches to AMF3 for objects. */
  avmPlus?: boolean;
  /** What the library writes otherwise than we do, where both are right. */
  differs?: string;
}

for (const { writer, cases } of [py3amf, blazeds]) {
  const library = writer.split(',')[0];
  for (const { name, encoding, wire, value, avmPlus, differs } of cases as Fixture[]) {
    const isAmf3 = encoding === 3;
    const decode = isAmf3 ? decodeAmf3 : decodeAmf0;
    const encode = isAmf3 ? encodeAmf3 : (v: ReturnType<typeof decode>) => encodeAmf0(v, { avmPlus });
    const title = `${library}, AMF${encoding}: ${name}`;

    test(`${title} is read`, () => {
      assert.deepEqual(decode(hex(wire)), fromNotation(value));
    });

    // Equal bytes mean, among other things, that what was read as one object is written as one.
    test(`${title} is written ${differs === undefined ? 'alike' : `in our way (${differs})`}`, () => {
      const decoded = decode(hex(wire));
      const ours = encode(decoded);
      if (differs === undefined) assert.equal(toHex(ours), wire);
      else assert.notEqual(toHex(ours), wire);
      assert.deepEqual(decode(ours), decoded);
      assert.equal(toHex(encode(decode(ours))), toHex(ours));
    });
  }
}
