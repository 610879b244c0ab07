import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError, DecodeError } from '../../../src/errors.ts';
import { type AmfObject, type AmfValue, TypedObject } from '../../../src/protocol/amf/amf.ts';
import { AMF_LIMITS, type AmfLimits } from '../../../src/protocol/amf/amf-budget.ts';
import { decodeAmf3, encodeAmf3 } from '../../../src/protocol/amf/amf3.ts';
import { bare } from '../../support/amf.ts';
import { codecCases } from '../../support/codec.ts';
import { hex, toHex } from '../../support/hex.ts';
import { amf3Cases } from './amf3.cases.ts';

codecCases({ decode: decodeAmf3, encode: encodeAmf3 }, amf3Cases);

function refusal(wire: Uint8Array, code: string, text: RegExp = /./): void {
  assert.throws(
    () => decodeAmf3(wire),
    (error: unknown) => error instanceof DecodeError && error.code === code && text.test(error.message),
  );
}

test('a string that was there before is a reference, the empty one never is', () => {
  const wire = hex('09 0b 01  06 03 61  06 01  06 03 62  06 00  06 02');
  const value = ['a', '', 'b', 'a', 'b'];
  assert.deepEqual(decodeAmf3(wire), value);
  assert.equal(toHex(encodeAmf3(value)), toHex(wire));
});

test('all complex values share one table, in the order in which they begin', () => {
  const wire = hex(`09 11 01                # 0
    08 01 00 00 00 00 00 00 00 00           # 1, a date
    0c 03 07                                # 2, bytes
    0b 01                                   # 3, XML
    0a 0b 01 01                             # 4, an object
    08 02  0c 04  0b 06  0a 08`);
  const value = decodeAmf3(wire) as AmfValue[];
  assert.equal(value.length, 8);
  for (const i of [0, 1, 2, 3]) assert.equal(value[i + 4], value[i]);
  assert.equal(toHex(encodeAmf3(value)), toHex(wire));
});

test('an object that holds itself comes back holding itself', () => {
  const object = decodeAmf3(hex('0a 0b 01  09 73 65 6c 66 0a 00  01')) as AmfObject;
  assert.equal(object.self, object);
  const array = decodeAmf3(hex('09 01 03 61 09 00 01'));
  assert.equal((array as unknown as { entries: AmfObject }).entries.a, array);
});

test('bytes that were read do not change with the buffer that they came in', () => {
  const wire = hex('0c 03 07');
  const bytes = decodeAmf3(wire) as Uint8Array;
  wire.fill(0);
  assert.deepEqual(bytes, Uint8Array.of(7));
});

test('a typed object without traits is written with all its members sealed', () => {
  const wire = encodeAmf3(new TypedObject('a.B', bare({ x: 1 })));
  assert.equal(toHex(wire), '0a13' + '07612e42' + '0378' + '0401');
});

test('a member that a sealed class does not know makes it dynamic, one that is gone is undefined', () => {
  const typed = new TypedObject('a.B', bare({ y: 2 }), { sealed: ['x'], isDynamic: false });
  assert.equal(toHex(encodeAmf3(typed)), '0a1b' + '07612e42' + '0378' + '00' + '03790402' + '01');
});

test('a member without a name is left out: it would end the object', () => {
  assert.equal(toHex(encodeAmf3({ '': 1, a: 2 })), '0a0b01' + '03610402' + '01');
});

test('an externalizable class that we do not know is refused by its name', () => {
  refusal(hex('0a 07 0b 61 2e 42 2e 43  04 01'), 'ERR_AMF_CLASS', /"a\.B\.C"/);
});

test('references beyond their table are refused', () => {
  refusal(hex('06 00'), 'ERR_AMF_REFERENCE', /string reference 0 of 0/);
  refusal(hex('09 02'), 'ERR_AMF_REFERENCE', /object reference 1 of 0/);
  refusal(hex('0a 05'), 'ERR_AMF_REFERENCE', /traits reference 1 of 0/);
});

test('unknown markers are refused', () => {
  refusal(hex('12 01'), 'ERR_AMF_MARKER', /marker 18 at offset 0/);
  refusal(hex('ff 01'), 'ERR_AMF_MARKER');
});

test('counts that the remaining bytes cannot hold are refused before anything is made for them', () => {
  refusal(hex('09 ff ff ff ff 01'), 'ERR_AMF_COUNT', /268435455 items/);
  refusal(hex('0a ff ff ff fb 01'), 'ERR_AMF_COUNT');
  refusal(hex('0d 05 00  00 00 00 00  00 00 00'), 'ERR_AMF_COUNT', /2 items in 7 bytes/);
  refusal(hex('0f 05 00  00 00 00 00 00 00 00 00'), 'ERR_AMF_COUNT');
  refusal(hex('10 7f 00 01'), 'ERR_AMF_COUNT');
  refusal(hex('11 05 00 01 01 01'), 'ERR_AMF_COUNT');
});

test('64 values inside each other are read and written, 65 are refused, whatever they are', () => {
  for (const open of ['09 03 01', '0a 13 01 03 61', '10 03 00 01', '11 03 00 01']) {
    const [first, ...later] = [open, open.replace('03 61', '00')];
    const nested = (depth: number) => hex(`${first} ${later.join('').repeat(depth - 1)} 01`);
    const value = decodeAmf3(nested(64));
    assert.deepEqual(decodeAmf3(encodeAmf3(value)), value);
    refusal(nested(65), 'ERR_AMF_DEPTH');
  }
  let tooDeep: AmfValue = [];
  for (let i = 0; i < 64; i += 1) tooDeep = [tooDeep];
  assert.throws(
    () => encodeAmf3(tooDeep),
    (error: unknown) => error instanceof CodedError && error.code === 'ERR_AMF_DEPTH',
  );
});

test('numbers in a vector count as values', () => {
  const vector = new Uint8Array(6 + 4 * 100_000);
  vector.set(hex('0d 8c 9a 41 00')); // 100_000 · 2 + 1
  refusal(vector, 'ERR_AMF_VALUES');
});

const ENOUGH: AmfLimits = { ...AMF_LIMITS, bytes: 2 ** 30, expansion: 1_000 };

test('one long string a thousand times is one string and references', () => {
  const text = 'x'.repeat(1_000_000);
  const wire = encodeAmf3(Array.from({ length: 1_000 }, () => text));
  assert.ok(wire.length < 1_010_000);
  assert.equal((decodeAmf3(wire, ENOUGH) as AmfValue[])[999], text);
});

test('bytes beyond the largest message are refused before they are copied', () => {
  assert.throws(
    () => encodeAmf3(new Uint8Array(0x100_0000)),
    (error: unknown) => error instanceof CodedError && error.code === 'ERR_AMF_SIZE',
  );
});
