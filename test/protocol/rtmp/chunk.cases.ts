// Chunk streams as bytes, and the messages in them. Seeds for the fuzzer as well.
import type { RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { hex } from '../../support/hex.ts';

export interface ChunkCase {
  name: string;
  wire: Uint8Array;
  messages: RtmpMessage[];
}

/** Recognisable filler: 00 01 02 … */
export function ramp(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i + from) & 0xff);
}

function rampHex(length: number, from = 0): string {
  return Buffer.from(ramp(length, from)).toString('hex');
}

/** A sequence of messages of one type, stream and payload. */
function series(typeId: number, streamId: number, payload: Uint8Array, ...times: number[]): RtmpMessage[] {
  return times.map((timestampMs) => ({ typeId, streamId, timestampMs, payload }));
}

const abc = hex('61 62 63');

export const chunkCases: ChunkCase[] = [
  {
    name: 'RTMP 1.0 §5.3.2.1, four audio messages of which only the first needs a whole header',
    wire: hex(`03  0003e8 000020 08 39300000  ${rampHex(32)}   # 44 bytes; message stream 12345, little-endian
               83  000014                     ${rampHex(32)}   # 36
               c3                             ${rampHex(32)}   # 33
               c3                             ${rampHex(32)}   # 33`),
    messages: series(8, 12345, ramp(32), 1000, 1020, 1040, 1060),
  },
  {
    name: 'RTMP 1.0 §5.3.2.2, a video message longer than a chunk',
    wire: hex(`04  0003e8 000133 09 3a300000  ${rampHex(128)}        # 140 bytes
               c4                             ${rampHex(128, 128)}   # 129
               c4                             ${rampHex(51, 256)}    # 52`),
    messages: series(9, 12346, ramp(307), 1000),
  },
  {
    name: 'Window Acknowledgement Size 2 500 000',
    wire: hex('02 000000 000004 05 00000000 002625a0'),
    messages: series(5, 0, hex('002625a0'), 0),
  },
  {
    name: 'Set Peer Bandwidth 2 500 000, dynamic',
    wire: hex('02 000000 000005 06 00000000 002625a0 02'),
    messages: series(6, 0, hex('002625a002'), 0),
  },
  {
    name: 'Stream Begin 0',
    wire: hex('02 000000 000006 04 00000000 0000 00000000'),
    messages: series(4, 0, hex('0000 00000000'), 0),
  },
  {
    name: 'Set Chunk Size 4096 holds for the next chunk',
    wire: hex(`02 000000 000004 01 00000000 00001000
               04 000000 0000c8 09 01000000 ${rampHex(200)}`),
    messages: [...series(1, 0, hex('00001000'), 0), ...series(9, 1, ramp(200), 0)],
  },
  {
    name: 'Set Chunk Size holds for the rest of a message on another chunk stream',
    wire: hex(`04 000000 00012c 09 01000000 ${rampHex(128)}   # 300 bytes, the first 128
               02 000000 000004 01 00000000 000000a0          # chunk size 160
               c4 ${rampHex(160, 128)}
               c4 ${rampHex(12, 288)}`),
    messages: [...series(1, 0, hex('000000a0'), 0), ...series(9, 1, ramp(300), 0)],
  },
  {
    name: 'chunk stream ids of one, two and three bytes',
    wire: hex(`3f        000001 000003 12 01000000 616263   # 63
               00 00     000002 000003 12 01000000 616263   # 64
               00 ff     000003 000003 12 01000000 616263   # 319
               01 00 01  000004 000003 12 01000000 616263   # 320
               01 ff ff  000005 000003 12 01000000 616263   # 65599
               c1 00 01  616263                              # 320 again
               c1 00 00  616263                              # 64, in the longer form`),
    messages: series(18, 1, abc, 1, 2, 3, 4, 5, 8, 4),
  },
  {
    name: 'fmt 1 keeps the message stream, fmt 3 repeats its difference',
    wire: hex(`05 000064 000003 12 07000000 616263
               45 00000a 000002 08          6162
               c5                           6162`),
    messages: [...series(18, 7, abc, 100), ...series(8, 7, hex('6162'), 110, 120)],
  },
  {
    name: 'fmt 3 after fmt 0 takes the time for the difference',
    wire: hex(`05 000028 000003 12 01000000 616263
               c5 616263`),
    messages: series(18, 1, abc, 40, 80),
  },
  {
    name: 'interleaved chunk streams',
    wire: hex(`04 000010 000096 09 01000000 ${rampHex(128)}   # video, 150 bytes
               05 000011 000082 08 01000000 ${rampHex(128)}   # audio, 130 bytes
               06 000012 000003 12 01000000 616263
               c5 ${rampHex(2, 128)}
               c4 ${rampHex(22, 128)}`),
    messages: [...series(18, 1, abc, 18), ...series(8, 1, ramp(130), 17), ...series(9, 1, ramp(150), 16)],
  },
  {
    name: 'empty messages: silence, and its repetition',
    wire: hex('04 000010 000000 08 01000000  84 000017  c4'),
    messages: series(8, 1, new Uint8Array(0), 16, 39, 62),
  },
  {
    name: 'an extended timestamp, repeated on each chunk of the message',
    wire: hex(`04 ffffff 00012c 09 01000000 01000000 ${rampHex(128)}
               c4 01000000 ${rampHex(128, 128)}
               c4 01000000 ${rampHex(44, 256)}
               44 000028 000003 09 616263`),
    messages: [...series(9, 1, ramp(300), 0x1000000), ...series(9, 1, abc, 0x1000028)],
  },
  {
    name: 'exactly 0xFFFFFF is extended, one less is not',
    wire: hex(`04 fffffe 000003 09 01000000 616263
               05 ffffff 000003 09 01000000 00ffffff 616263`),
    messages: series(9, 1, abc, 0xfffffe, 0xffffff),
  },
  {
    name: 'an extended difference, used again by a fmt 3 that begins a message',
    wire: hex(`04 000001 000003 09 01000000 616263
               84 ffffff 01000000 616263
               c4 01000000 616263`),
    messages: series(9, 1, abc, 1, 0x1000001, 0x2000001),
  },
  {
    name: 'an extended timestamp that the encoder does not repeat',
    wire: hex(`04 ffffff 00012c 09 01000000 01000000 ${rampHex(128)}
               c4 ${rampHex(128, 128)}
               c4 ${rampHex(44, 256)}
               04 ffffff 000081 09 01000000 02000000 ${rampHex(128)}
               c4 02                                  # its last byte looks like the beginning of one
               05 000000 000003 12 01000000 616263`),
    messages: [
      ...series(9, 1, ramp(300), 0x1000000),
      ...series(9, 1, Uint8Array.of(...ramp(128), 2), 0x2000000),
      ...series(18, 1, abc, 0),
    ],
  },
  {
    name: 'timestamps wrap after 32 bits',
    wire: hex(`04 ffffff 000003 09 01000000 fffffff0 616263
               84 000028 616263
               c4 616263`),
    messages: series(9, 1, abc, 0xfffffff0, 0x18, 0x40),
  },
  {
    name: 'Abort discards the half-received message of the chunk stream it names',
    wire: hex(`04 000000 00012c 09 01000000 ${rampHex(128)}
               05 000000 000082 08 01000000 ${rampHex(128)}
               02 000000 000004 02 00000000 00000004
               c5 ${rampHex(2, 128)}
               44 00000a 000003 09 616263`),
    messages: [...series(2, 0, hex('00000004'), 0), ...series(8, 1, ramp(130), 0), ...series(9, 1, abc, 10)],
  },
  {
    name: 'a whole header in the middle of a message, saying the same, is that of the next chunk',
    wire: hex(`04 000005 000082 09 01000000 ${rampHex(128)}
               04 000005 000082 09 01000000 ${rampHex(2, 128)}`),
    messages: series(9, 1, ramp(130), 5),
  },
  {
    name: 'a whole header in the middle of a message, saying something else, begins another',
    wire: hex(`04 000005 000082 09 01000000 ${rampHex(128)}
               04 000009 000003 09 01000000 616263`),
    messages: series(9, 1, abc, 9),
  },
  {
    name: 'a chunk stream that begins with fmt 1 is on message stream 0 (librtmp)',
    wire: hex('42 000000 000006 04 0003 00000001'),
    messages: series(4, 0, hex('0003 00000001'), 0),
  },
];
