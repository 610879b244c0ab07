// One table of (wire bytes, value) serves four times: it decodes, it encodes, each truncation is a DecodeError, and its
// wire bytes seed the fuzzer. A table that the fuzzer wants lives in its own `*.cases.ts` beside the test, so that reading
// it does not run the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../src/errors.ts';
import { toHex } from './hex.ts';

export interface Codec<T> {
  decode(wire: Uint8Array): T;
  encode(value: T): Uint8Array;
}

export interface CodecCase<T> {
  name: string;
  wire: Uint8Array;
  value: T;
  /** A form that peers write and we only read: encoding the value gives other bytes. */
  decodeOnly?: boolean;
  /** Lengths at which the wire bytes, cut, are a whole value of their own (optional trailing parts). */
  wholeAt?: number[];
}

/** Registers the tests of a table. */
export function codecCases<T>(codec: Codec<T>, cases: readonly CodecCase<T>[]): void {
  for (const { name, wire, value, decodeOnly, wholeAt } of cases) {
    test(`${name}: decodes`, () => {
      assert.deepEqual(codec.decode(wire), value);
    });
    if (!decodeOnly) {
      test(`${name}: encodes`, () => {
        assert.equal(toHex(codec.encode(value)), toHex(wire));
      });
    }
    test(`${name}: every truncation is a DecodeError`, () => {
      for (let length = 0; length < wire.length; length += 1) {
        if (wholeAt?.includes(length)) continue;
        assert.throws(
          () => codec.decode(wire.subarray(0, length)),
          DecodeError,
          `${length} of ${wire.length} bytes were taken for a whole value`,
        );
      }
    });
  }
}

/** The wire bytes of tables: what a fuzzer starts from. */
export function seedsOf(...tables: readonly (readonly CodecCase<unknown>[])[]): Uint8Array[] {
  return tables.flatMap((cases) => cases.map((entry) => entry.wire));
}
