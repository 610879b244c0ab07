// AMF0 values; sections are those of Adobe's "Action Message Format -- AMF 0".
import { type AmfValue, EcmaArray, TypedObject, XmlDocument } from '../../../src/protocol/amf/amf.ts';
import { bare } from '../../support/amf.ts';
import type { CodecCase } from '../../support/codec.ts';
import { hex } from '../../support/hex.ts';

export const amf0Cases: CodecCase<AmfValue>[] = [
  { name: 'number (§2.2)', wire: hex('00 3f f8 00 00 00 00 00 00'), value: 1.5 },
  { name: 'true (§2.3)', wire: hex('01 01'), value: true },
  { name: 'false (§2.3)', wire: hex('01 00'), value: false },
  { name: 'true, another way', wire: hex('01 7f'), value: true, decodeOnly: true },
  { name: 'string (§2.4)', wire: hex('02 00 04  6c c3 a4 6e'), value: 'län' },
  { name: 'empty string', wire: hex('02 00 00'), value: '' },
  {
    name: 'object (§2.5)',
    wire: hex(`03
      00 05 6c 65 76 65 6c  02 00 05 65 72 72 6f 72   # level: "error"
      00 01 6e              05                        # n: null
      00 00 09`),
    value: bare({ level: 'error', n: null }),
  },
  { name: 'empty object', wire: hex('03  00 00 09'), value: bare({}) },
  {
    name: 'object with a member without a name',
    wire: hex('03  00 00 02 00 01 61  00 00 09'),
    value: bare({ '': 'a' }),
  },
  {
    name: 'object with a member __proto__',
    wire: hex(`03
      00 09 5f 5f 70 72 6f 74 6f 5f 5f  03 00 01 61 01 01 00 00 09   # __proto__: { a: true }
      00 00 09`),
    value: Object.assign(Object.create(null), { ['__proto__']: bare({ a: true }) }),
  },
  { name: 'null (§2.7)', wire: hex('05'), value: null },
  { name: 'undefined (§2.8)', wire: hex('06'), value: undefined },
  {
    name: 'associative array (§2.10)',
    wire: hex(`08 00 00 00 01
      00 07 76 65 72 73 69 6f 6e  02 00 03 33 2c 35   # version: "3,5"
      00 00 09`),
    value: new EcmaArray(bare({ version: '3,5' })),
    wholeAt: [20],
  },
  {
    name: 'associative array that announces nothing',
    wire: hex('08 00 00 00 00  00 01 61 05  00 00 09'),
    value: new EcmaArray(bare({ a: null })),
    decodeOnly: true,
  },
  {
    name: 'associative array that announces too much',
    wire: hex('08 ff ff ff ff  00 01 61 05  00 00 09'),
    value: new EcmaArray(bare({ a: null })),
    decodeOnly: true,
  },
  {
    name: 'associative array without an end, at the end of the message',
    wire: hex('08 00 00 00 01  00 01 61 05'),
    value: new EcmaArray(bare({ a: null })),
    decodeOnly: true,
  },
  { name: 'strict array (§2.12)', wire: hex('0a 00 00 00 03  01 01  05  02 00 00'), value: [true, null, ''] },
  {
    name: 'date (§2.13)',
    wire: hex(`0b 42 71 f7 1f b0 45 00 00   # 1_234_567_890_000 ms
                  00 00`),
    value: new Date(1_234_567_890_000),
  },
  {
    name: 'date with a time zone, which means nothing',
    wire: hex('0b 42 71 f7 1f b0 45 00 00  ff 88'),
    value: new Date(1_234_567_890_000),
    decodeOnly: true,
  },
  {
    name: 'short text as a long string (§2.14)',
    wire: hex('0c 00 00 00 01 61'),
    value: 'a',
    decodeOnly: true,
  },
  { name: 'unsupported (§2.15)', wire: hex('0d'), value: undefined, decodeOnly: true },
  {
    name: 'XML document (§2.17)',
    wire: hex('0f 00 00 00 04  3c 61 2f 3e'),
    value: new XmlDocument('<a/>'),
  },
  {
    name: 'typed object (§2.18)',
    wire: hex('10 00 03 61 2e 42  00 01 78 01 00  00 00 09'),
    value: new TypedObject('a.B', bare({ x: false })),
  },
  {
    name: 'an AMF3 value (§3.1)',
    wire: hex('11  06 03 61'),
    value: 'a',
    decodeOnly: true,
  },
];
