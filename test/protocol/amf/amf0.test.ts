import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError, DecodeError } from '../../../src/errors.ts';
import { type AmfValue, Dictionary, EcmaArray, Vector } from '../../../src/protocol/amf/amf.ts';
import { AMF_LIMITS, DecodeBudget } from '../../../src/protocol/amf/amf-budget.ts';
import { Amf0Reader, Amf0Writer, decodeAmf0, encodeAmf0 } from '../../../src/protocol/amf/amf0.ts';
import { ByteReader, ByteWriter } from '../../../src/protocol/bytes.ts';
import { bare } from '../../support/amf.ts';
import { codecCases } from '../../support/codec.ts';
import { hex, toHex } from '../../support/hex.ts';
import { amf0Cases } from './amf0.cases.ts';

codecCases({ decode: decodeAmf0, encode: encodeAmf0 }, amf0Cases);

function refusal(wire: Uint8Array, code: string, text: RegExp = /./): void {
  assert.throws(
    () => decodeAmf0(wire),
    (error: unknown) => error instanceof DecodeError && error.code === code && text.test(error.message),
  );
}

function failure(value: AmfValue, code: string): void {
  assert.throws(
    () => encodeAmf0(value),
    (error: unknown) => error instanceof CodedError && error.code === code,
  );
}

test('text becomes a long string at 65536 bytes, not characters', () => {
  const short = encodeAmf0('x'.repeat(65_535));
  assert.equal(toHex(short.subarray(0, 4)), '02ffff78');
  const long = encodeAmf0('ä'.repeat(32_768));
  assert.equal(toHex(long.subarray(0, 7)), '0c00010000c3a4');
  assert.equal(decodeAmf0(long), 'ä'.repeat(32_768));
});

test('a reference is the object itself, in any of the values of a message', () => {
  const reader = new Amf0Reader(new ByteReader(hex('03 00 00 09  0a 00 00 00 01 07 00 00  07 00 01')));
  const object = reader.read();
  const array = reader.read() as AmfValue[];
  assert.equal(array[0], object);
  assert.equal(reader.read(), array);
  assert.equal(reader.isAtEnd, true);
});

test('objects, both kinds of array and typed objects are counted, dates and XML are not', () => {
  const wire = hex(`0a 00 00 00 06                       # 0
    0b 00 00 00 00 00 00 00 00 00 00
    0f 00 00 00 00
    08 00 00 00 00 00 00 09                              # 1
    10 00 01 41 00 00 09                                 # 2
    07 00 01
    07 00 02`);
  const [, , ecma, typed, ecmaAgain, typedAgain] = decodeAmf0(wire) as AmfValue[];
  assert.equal(ecmaAgain, ecma);
  assert.equal(typedAgain, typed);
  assert.notEqual(ecma, typed);
});

test('the writer refers to an object that it wrote in an earlier value', () => {
  const out = new ByteWriter();
  const writer = new Amf0Writer(out);
  const shared = bare({});
  writer.write(shared);
  writer.write([shared]);
  assert.equal(toHex(out.done()), '03000009' + '0a00000001070000');
});

test('past 65536 objects the writer repeats, as references end there', () => {
  const last = {};
  const value = [...Array.from({ length: 65_535 }, () => ({})), last, last];
  const wire = encodeAmf0(value);
  assert.equal(toHex(wire.subarray(-8)), '0300000903000009');
  const within = encodeAmf0([...value.slice(1, -2), last, last]);
  assert.equal(toHex(within.subarray(-7)), '0300000907ffff');
});

test('an array in two parts is written as entries, the dense ones by their numbers', () => {
  const value = new EcmaArray(bare({ name: 'n' }), [true]);
  assert.equal(toHex(encodeAmf0(value)), `0800000002${'0001300101'}${'00046e616d650200016e'}000009`);
});

test('what AMF0 cannot say is marked unsupported, or sent as AMF3 to a peer that reads it', () => {
  for (const value of [Uint8Array.of(7), new Vector('int', [1]), new Dictionary()]) {
    assert.equal(toHex(encodeAmf0(value)), '0d');
    const wire = encodeAmf0(value, { avmPlus: true });
    assert.equal(wire[0], 0x11);
    assert.deepEqual(decodeAmf0(wire), value);
  }
});

test('ordinary values stay AMF0 for a peer that reads AMF3', () => {
  for (const value of ['a', 1, true, null, undefined]) {
    assert.equal(toHex(encodeAmf0(value, { avmPlus: true })), toHex(encodeAmf0(value)));
  }
});

test('ordinary objects are written by their own members only', () => {
  class Point {
    x = 1;
    get far(): boolean {
      return true;
    }
  }
  const wire = encodeAmf0(new Point() as unknown as AmfValue);
  assert.deepEqual(decodeAmf0(wire), bare({ x: 1 }));
});

test('movie clips, record sets, stray ends and unknown markers are refused', () => {
  for (const marker of [0x04, 0x09, 0x0e, 0x12, 0xff]) {
    refusal(Uint8Array.of(marker, 0, 0, 0, 0), 'ERR_AMF_MARKER', new RegExp(`marker ${marker} at offset 0`));
  }
});

test('a reference to what has not begun is refused', () => {
  refusal(hex('07 00 00'), 'ERR_AMF_REFERENCE');
  refusal(hex('0a 00 00 00 01  07 00 01'), 'ERR_AMF_REFERENCE');
});

test('an array of more items than bytes is refused by its count', () => {
  refusal(hex('0a ff ff ff ff  05 05 05'), 'ERR_AMF_COUNT', /4294967295 array items in 3 bytes/);
});

test('64 objects inside each other are read and written, 65 are refused', () => {
  const nested = (depth: number) => hex(`${'0a 00 00 00 01'.repeat(depth)} 05`);
  assert.equal(toHex(encodeAmf0(decodeAmf0(nested(64)))), toHex(nested(64)));
  refusal(nested(65), 'ERR_AMF_DEPTH');
  let tooDeep: AmfValue = [];
  for (let i = 0; i < 64; i += 1) tooDeep = [tooDeep];
  failure(tooDeep, 'ERR_AMF_DEPTH');
});

test('depth counts through the switch to AMF3', () => {
  refusal(hex(`${'0a 00 00 00 01'.repeat(63)} 11 09 03 01 09 01 01`), 'ERR_AMF_DEPTH');
});

test('a message of more than 100 000 values is refused, whichever values they are', () => {
  const array = (count: number) => {
    const wire = new Uint8Array(5 + count).fill(0x05);
    new DataView(wire.buffer).setUint32(1, count);
    wire[0] = 0x0a;
    return wire;
  };
  assert.equal((decodeAmf0(array(99_996)) as AmfValue[]).length, 99_996);
  refusal(array(99_997), 'ERR_AMF_VALUES');

  const reader = new Amf0Reader(
    new ByteReader(hex('05 05 11 01 05')),
    new DecodeBudget({ ...AMF_LIMITS, depth: 1, values: 4 }),
  );
  for (let i = 0; i < 3; i += 1) reader.read();
  assert.throws(() => reader.read(), DecodeError, 'the switch and what follows it are two values');
});

test('a value that references blow up beyond a message is refused while it is written', () => {
  const text = 'x'.repeat(1_000_000);
  failure(
    Array.from({ length: 20 }, () => text),
    'ERR_AMF_SIZE',
  );
});

test('a name too long for its 16 bits is refused', () => {
  failure({ ['n'.repeat(65_536)]: 1 }, 'ERR_AMF_NAME');
});

test('a function is a bug of the caller', () => {
  assert.throws(() => encodeAmf0((() => 1) as unknown as AmfValue), TypeError);
});
