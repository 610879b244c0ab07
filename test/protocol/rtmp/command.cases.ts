// Payloads of command and data messages.
import { type AmfValue, EcmaArray } from '../../../src/protocol/amf/amf.ts';
import type { Command, DataMessage } from '../../../src/protocol/rtmp/command.ts';
import { bare } from '../../support/amf.ts';
import type { CodecCase } from '../../support/codec.ts';
import { hex } from '../../support/hex.ts';

/** Type 20. */
export const amf0CommandCases: CodecCase<Command>[] = [
  {
    name: '_result of connect, its properties',
    wire: hex(`02 00 07 5f 72 65 73 75 6c 74   00 3f f0 00 00 00 00 00 00
      03
      00 06 66 6d 73 56 65 72   02 00 0c 46 4d 53 2f 35 2c 30 2c 31 37 2c 31
      00 0c 63 61 70 61 62 69 6c 69 74 69 65 73   00 40 6f e0 00 00 00 00 00
      00 04 6d 6f 64 65   00 3f f0 00 00 00 00 00 00
      00 00 09`),
    value: {
      name: '_result',
      transactionId: 1,
      object: bare({ fmsVer: 'FMS/5,0,17,1', capabilities: 255, mode: 1 }),
      args: [],
    },
    wholeAt: [19],
  },
  {
    name: 'onBWDone',
    wire: hex('02 00 08 6f 6e 42 57 44 6f 6e 65   00 00 00 00 00 00 00 00 00   05'),
    value: { name: 'onBWDone', transactionId: 0, object: null, args: [] },
    wholeAt: [20],
  },
  {
    name: 'publish',
    wire: hex(`02 00 07 70 75 62 6c 69 73 68   00 40 14 00 00 00 00 00 00   05
      02 00 04 63 61 6d 31   02 00 04 6c 69 76 65`),
    value: { name: 'publish', transactionId: 5, object: null, args: ['cam1', 'live'] },
    wholeAt: [19, 20, 27],
  },
];

/** Type 17. */
export const amf3CommandCases: CodecCase<Command>[] = [
  {
    name: 'a call with an object',
    wire: hex(`00
      02 00 01 66   00 40 00 00 00 00 00 00 00   05
      02 00 01 61
      11 0a 0b 01 03 6b 06 00 01   # k: "k", a reference
      11 09 03 01 06 03 6b         # "k" again: the tables are new
      00 3f f0 00 00 00 00 00 00`),
    value: { name: 'f', transactionId: 2, object: null, args: ['a', bare({ k: 'k' }), ['k'], 1] },
    wholeAt: [14, 15, 19, 28, 35],
  },
];

/** Type 18. */
export const amf0DataCases: CodecCase<DataMessage>[] = [
  {
    name: '@setDataFrame',
    wire: hex(`02 00 0d 40 73 65 74 44 61 74 61 46 72 61 6d 65
      02 00 0a 6f 6e 4d 65 74 61 44 61 74 61
      08 00 00 00 01  00 05 77 69 64 74 68 00 40 9e 00 00 00 00 00 00  00 00 09`),
    value: {
      name: '@setDataFrame',
      values: ['onMetaData', new EcmaArray(bare({ width: 1920 }))],
    },
    wholeAt: [16, 29, 50],
  },
  {
    name: '|RtmpSampleAccess',
    wire: hex('02 00 11 7c 52 74 6d 70 53 61 6d 70 6c 65 41 63 63 65 73 73  01 00  01 00'),
    value: { name: '|RtmpSampleAccess', values: [false, false] },
    wholeAt: [20, 22],
  },
];

/** Type 15. */
export const amf3DataCases: CodecCase<DataMessage>[] = [
  {
    name: 'a handler with bytes',
    wire: hex('00  02 00 01 66  11 0c 05 01 02  05'),
    value: { name: 'f', values: [Uint8Array.of(1, 2), null] as AmfValue[] },
    wholeAt: [5, 10],
  },
];
