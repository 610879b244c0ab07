// What references stand for is counted while a message is read.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeLimitError } from '../../../src/errors.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import {
  AMF_LIMITS,
  type AmfLimits,
  DecodeBudget,
  FREE_EXPANSION_BYTES,
} from '../../../src/protocol/amf/amf-budget.ts';
import { decodeAmf0 } from '../../../src/protocol/amf/amf0.ts';
import { decodeAmf3, encodeAmf3 } from '../../../src/protocol/amf/amf3.ts';
import { commandHead, dataHead, decodeCommand, decodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { hex } from '../../support/hex.ts';

const MEGABYTE = 1 << 20;

const bytes = (...parts: (string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)));
const times = (count: number, part: string): Uint8Array => hex(part.repeat(count));

/** | value·2+1 U29 | */
function u29(value: number): Uint8Array {
  const n = value * 2 + 1;
  return Uint8Array.of((n >> 22) | 0x80, ((n >> 15) & 0x7f) | 0x80, ((n >> 8) & 0x7f) | 0x80, n & 0xff);
}

/** AMF3: without its marker. */
const text = (length: number): Uint8Array => bytes(u29(length), Buffer.alloc(length, 'x'));
/** AMF3: an array whose items follow. */
const array = (count: number): Uint8Array => bytes('09', u29(count), '01');

function refused(run: () => unknown, code: string): void {
  assert.throws(run, (error: unknown) => error instanceof DecodeLimitError && error.code === code);
}

/** Of each kind: what is referred to has `length` bytes, `count` references follow it. */
const KINDS: Record<string, (length: number, count: number) => Uint8Array> = {
  'a string': (length, count) => bytes(array(count + 1), '06', text(length), times(count, '06 00')),
  'the class of objects': (length, count) =>
    bytes(array(count + 1), '0a 03', text(length), times(count, '0a 01')),
  'names of sealed members': (length, count) =>
    bytes(array(count + 1), '0a 13 03 61', text(length), '01', times(count, '0a 01 01')),
  'the name of a member': (length, count) =>
    bytes(array(count + 1), '0a 0b 01', text(length), '01 01', times(count, '0a 01 00 01 01')),
  'a name of an associative array': (length, count) =>
    bytes(array(count + 1), '09 01', text(length), '01 01', times(count, '09 01 00 01 01')),
  'the class of a vector': (length, count) =>
    bytes(array(count + 1), '10 01 00', text(length), times(count, '10 01 00 00')),
  'a byte array': (length, count) => bytes(array(count + 1), '0c', text(length), times(count, '0c 02')),
  XML: (length, count) => bytes(array(count + 1), '0b', text(length), times(count, '0b 02')),
  'an object': (length, count) =>
    bytes(array(count + 1), '0a 0b 01 03 61 06', text(length), '01', times(count, '0a 02')),
  'an array of references': (length, count) =>
    bytes(array(count + 1), array(2), '06', text(length >> 1), '06 00', times(count, '09 02')),
  'a dictionary': (length, count) =>
    bytes(array(count + 1), '11 03 00 01 06', text(length), times(count, '11 02')),
};

describe('references of AMF3', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    test(`${kind} of a megabyte is refused when four references stand for it`, () => {
      decodeAmf3(make(MEGABYTE, 2));
      refused(() => decodeAmf3(make(MEGABYTE, 4)), 'ERR_AMF_BYTES');
    });
    test(`${kind} is refused when references stand for many times the message`, () => {
      decodeAmf3(make(500, 30));
      refused(() => decodeAmf3(make(1_000, 500)), 'ERR_AMF_EXPANSION');
    });
  }

  test('references inside what is referred to count each time', () => {
    // each array has the one before it twice: 2 to the power of 40 strings
    const levels = Array.from({ length: 40 }, (_, i) =>
      bytes(
        array(2),
        '09',
        u29(i + 1).map((byte, at) => (at === 3 ? byte - 1 : byte)),
        '09',
        u29(i + 1).map((byte, at) => (at === 3 ? byte - 1 : byte)),
      ),
    );
    refused(() => decodeAmf3(bytes(array(41), array(1), '06', text(100), ...levels)), 'ERR_AMF_EXPANSION');
  });

  test('a cycle costs nothing, however often it is closed', () => {
    const wire = bytes(array(50_000), times(50_000, '09 00'));
    const value = decodeAmf3(wire) as AmfValue[];
    assert.equal(value[49_999], value);
  });

  test('a list of objects of one class is as good as ever', () => {
    const rows = Array.from({ length: 2_000 }, (_, i) => ({ name: 'a name', state: 'PENDING_APPROVAL', i }));
    assert.equal((decodeAmf3(encodeAmf3(rows)) as AmfValue[]).length, 2_000);
  });
});

describe('references of AMF0', () => {
  test('an object of a megabyte is refused when four references stand for it', () => {
    const make = (count: number) =>
      bytes(
        `0a 0000000${count + 1}`,
        '0a 00000001 0c 00100000',
        Buffer.alloc(MEGABYTE, 'x'),
        times(count, '07 0001'),
      );
    decodeAmf0(make(2));
    refused(() => decodeAmf0(make(4)), 'ERR_AMF_BYTES');
  });

  test('they count over all arguments of a command, and over AMF3 inside', () => {
    const head = '02 0001 61 00 3ff0000000000000 05';
    const object = bytes('03 0001 61 11 09', u29(3), '01 06', text(1_000), '06 00 06 00', '00 00 09');
    const call = (count: number) => bytes(head, object, times(count, '07 0000'));
    assert.equal(decodeCommand(MessageType.CommandAmf0, call(5)).args.length, 6);
    refused(() => decodeCommand(MessageType.CommandAmf0, call(200)), 'ERR_AMF_EXPANSION');
  });

  test('a cycle costs nothing', () => {
    decodeAmf0(bytes('0a 0000c350', times(50_000, '07 0000')));
  });
});

describe('the limits', () => {
  const LIMITS: AmfLimits = { ...AMF_LIMITS, bytes: 20_000, values: 5, expansion: 2 };

  test('a message that is too long is refused before it is read', () => {
    refused(() => decodeData(MessageType.DataAmf0, Buffer.alloc(20_001), LIMITS), 'ERR_AMF_BYTES');
    refused(() => decodeCommand(MessageType.CommandAmf0, Buffer.alloc(20_001), LIMITS), 'ERR_AMF_BYTES');
  });

  /** Neither more nor less. */
  const spends = (decode: typeof decodeAmf0, wire: string, values: number) => {
    decode(hex(wire), { ...AMF_LIMITS, values });
    refused(() => decode(hex(wire), { ...AMF_LIMITS, values: values - 1 }), 'ERR_AMF_VALUES');
  };

  test('a number, a text or nothing is one value', () => {
    spends(decodeAmf0, '05', 1);
    spends(decodeAmf0, '02 0001 61', 1);
    spends(decodeAmf3, '06 03 61', 1);
  });

  test('an object of any kind counts four', () => {
    for (const wire of ['03 000009', '0a 00000000', '08 00000000 000009', '10 0001 61 000009', '0f 00000000'])
      spends(decodeAmf0, wire, 4);
    spends(decodeAmf0, '0b 0000000000000000 0000', 4);
    for (const wire of ['09 01 01', '0a 0b 01 01', '0c 01', '0b 01', '08 01 0000000000000000', '11 01 00'])
      spends(decodeAmf3, wire, 4);
  });

  test('a name counts as a value, each after the 64th of one object as three', () => {
    const object = (count: number) =>
      `03 ${Array.from({ length: count }, (_, i) => `0001 ${(0x30 + i).toString(16).padStart(2, '0')} 05`).join(' ')} 000009`;
    spends(decodeAmf0, object(1), 4 + 2);
    spends(decodeAmf0, object(66), 4 + 66 + 64 + 2 * 3);
  });

  test('members that a class names count in each of its instances', () => {
    spends(decodeAmf3, '0a 23 01 03 61 03 62 01 01', 4 + 2 + 2 + 2);
    spends(decodeAmf3, '09 05 01 0a 23 01 03 61 03 62 01 01 0a 01 01 01', 4 + 10 + 4 + 2 + 2);
  });

  test('a small message may expand to 16 kB whatever it has', () => {
    const budget = new DecodeBudget(LIMITS).begin(10);
    budget.expand(FREE_EXPANSION_BYTES);
    refused(() => budget.expand(1), 'ERR_AMF_EXPANSION');
  });

  test('parts of one message have one budget', () => {
    const budget = new DecodeBudget(LIMITS);
    const part = hex('02 0001 61 05 05');
    decodeData(MessageType.DataAmf0, part, budget);
    refused(() => decodeData(MessageType.DataAmf0, part, budget), 'ERR_AMF_VALUES');
  });
});

test('a part of a message that ends in the midst of objects leaves the others their depth', () => {
  const budget = new DecodeBudget(AMF_LIMITS);
  const cut = hex('02 0001 61  03 0001 61 03 0001 61 03 0001 61 00'); // "a" {a: {a: {a: …
  for (let i = 0; i < 100; i += 1) {
    assert.throws(() => decodeData(MessageType.DataAmf0, cut, budget), { code: 'ERR_BYTES_SHORT' });
  }
  assert.deepEqual(decodeData(MessageType.DataAmf0, hex('02 0001 61  03 000009'), budget).name, 'a');
});

test('the head of a message that was refused is read without the rest', () => {
  const values = bytes('0a 000186a0', times(100_000, '05'));
  const command = bytes('02 0001 61 00 4000000000000000', values);
  assert.deepEqual(commandHead(MessageType.CommandAmf0, command), { name: 'a', transactionId: 2 });
  assert.equal(
    dataHead(MessageType.DataAmf0, bytes('02 000a', Buffer.from('onTextData'), values)),
    'onTextData',
  );
  const long = bytes('0c 00300000', Buffer.alloc(3 * MEGABYTE, 'x'));
  assert.deepEqual(commandHead(MessageType.CommandAmf0, long), { name: undefined, transactionId: 0 });
});
