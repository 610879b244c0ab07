// AMF3 values; sections are those of Adobe's "Action Message Format -- AMF 3".
import {
  type AmfValue,
  Dictionary,
  EcmaArray,
  TypedObject,
  Vector,
  XmlDocument,
} from '../../../src/protocol/amf/amf.ts';
import { bare } from '../../support/amf.ts';
import type { CodecCase } from '../../support/codec.ts';
import { hex } from '../../support/hex.ts';

function integer(wire: string, value: number): CodecCase<AmfValue> {
  return { name: `integer ${value}`, wire: hex(`04 ${wire}`), value };
}

const sealed = { sealed: ['x'], isDynamic: false };

export const amf3Cases: CodecCase<AmfValue>[] = [
  { name: 'undefined (§3.2)', wire: hex('00'), value: undefined },
  { name: 'null (§3.3)', wire: hex('01'), value: null },
  { name: 'false (§3.4)', wire: hex('02'), value: false },
  { name: 'true (§3.5)', wire: hex('03'), value: true },
  // The borders of each length of a U29 (§1.3.1), and of its sign (§3.6).
  integer('00', 0),
  integer('7f', 0x7f),
  integer('81 00', 0x80),
  integer('ff 7f', 0x3fff),
  integer('81 80 00', 0x4000),
  integer('ff ff 7f', 0x1f_ffff),
  integer('80 c0 80 00', 0x20_0000),
  integer('bf ff ff ff', 0xfff_ffff),
  integer('c0 80 80 00', -0x1000_0000),
  integer('ff ff ff ff', -1),
  { name: '2²⁸ is a double (§3.7)', wire: hex('05 41 b0 00 00 00 00 00 00'), value: 0x1000_0000 },
  { name: '−2²⁸−1 is a double', wire: hex('05 c1 b0 00 00 01 00 00 00'), value: -0x1000_0001 },
  { name: 'minus zero is a double', wire: hex('05 80 00 00 00 00 00 00 00'), value: -0 },
  { name: 'string (§3.8)', wire: hex('06 09  6c c3 a4 6e'), value: 'län' },
  { name: 'empty string', wire: hex('06 01'), value: '' },
  { name: 'XMLDocument (§3.9)', wire: hex('07 09  3c 61 2f 3e'), value: new XmlDocument('<a/>', true) },
  {
    name: 'date (§3.10)',
    wire: hex('08 01  42 71 f7 1f b0 45 00 00'),
    value: new Date(1_234_567_890_000),
  },
  { name: 'array (§3.11)', wire: hex('09 05 01  03  06 03 61'), value: [true, 'a'] },
  {
    name: 'array with named entries',
    wire: hex(`09 05
      03 6b  04 01   # k: 1
      01
      02 03`),
    value: new EcmaArray(bare({ k: 1 }), [false, true]),
  },
  {
    name: 'anonymous object (§3.12)',
    wire: hex(`0a 0b 01      # inline, dynamic, no sealed members, no class
      03 61  04 01           # a: 1
      01`),
    value: bare({ a: 1 }),
  },
  {
    name: 'anonymous object with sealed members',
    wire: hex('0a 13 01 03 61  04 01'),
    value: bare({ a: 1 }),
    decodeOnly: true,
  },
  {
    name: 'instances of one class: the second refers to the traits of the first',
    wire: hex(`09 05 01
      0a 13 07 61 2e 42 03 78  04 01   # a.B with sealed x
      0a 01  04 02`),
    value: [new TypedObject('a.B', bare({ x: 1 }), sealed), new TypedObject('a.B', bare({ x: 2 }), sealed)],
  },
  {
    name: 'sealed and dynamic members',
    wire: hex(`0a 1b 07 61 2e 42 03 78
      04 01                # x
      03 79 04 02  01      # y`),
    value: new TypedObject('a.B', bare({ x: 1, y: 2 }), { sealed: ['x'], isDynamic: true }),
  },
  {
    name: 'ArrayCollection, externalizable',
    wire: hex(`0a 07
      43 66 6c 65 78 2e 6d 65 73 73 61 67 69 6e 67 2e 69 6f 2e 41 72 72 61 79 43 6f 6c 6c 65 63 74 69 6f 6e
      09 03 01 04 07`),
    value: new TypedObject('flex.messaging.io.ArrayCollection', bare({ source: [7] })),
  },
  { name: 'XML (§3.13)', wire: hex('0b 09  3c 61 2f 3e'), value: new XmlDocument('<a/>', false) },
  { name: 'byte array (§3.14)', wire: hex('0c 07  00 ff 80'), value: Uint8Array.of(0, 0xff, 0x80) },
  {
    name: 'vector of ints (§3.15)',
    wire: hex('0d 05 00  ff ff ff ff  7f ff ff ff'),
    value: new Vector('int', [-1, 0x7fff_ffff]),
  },
  {
    name: 'vector of uints, fixed',
    wire: hex('0e 05 01  ff ff ff ff  00 00 00 00'),
    value: new Vector('uint', [0xffff_ffff, 0], true),
  },
  {
    name: 'vector of doubles',
    wire: hex('0f 03 00  3f f8 00 00 00 00 00 00'),
    value: new Vector('double', [1.5]),
  },
  {
    name: 'vector of objects',
    wire: hex('10 05 00 07 61 2e 42  01  0a 13 00 03 78 04 01'),
    value: new Vector('object', [null, new TypedObject('a.B', bare({ x: 1 }), sealed)], false, 'a.B'),
  },
  {
    name: 'dictionary (§3.16)',
    wire: hex(`11 05 01
      0a 0b 01 01  06 03 61   # {}: "a"
      04 05        03         # 5: true`),
    value: new Dictionary(
      [
        [bare({}), 'a'],
        [5, true],
      ],
      true,
    ),
  },
];
