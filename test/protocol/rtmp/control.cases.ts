// Payloads of types 1–6; RTMP 1.0 §5.4 and §7.1.7.
import { type ControlMessage, LimitType, UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import type { CodecCase } from '../../support/codec.ts';
import { hex } from '../../support/hex.ts';

const proof = hex(`01 01 00 00 00 0c 00 00 00 0c   # the SWF file's size, twice
  66 25 18 26 25 47 d3 b0 ac 01 2d a5 fd d1 1a 85 c3 ca 86 bb f4 30 3a 00 f7 86 8d 02 9b ae b3 b3`);
const typeId = MessageType.UserControl;

/** By message type. */
export const controlCases: CodecCase<ControlMessage | undefined>[] = [
  {
    name: 'Set Chunk Size 4096',
    wire: hex('00 00 10 00'),
    value: { typeId: MessageType.SetChunkSize, chunkBytes: 4096 },
  },
  { name: 'Abort', wire: hex('00 01 00 40'), value: { typeId: MessageType.Abort, chunkStreamId: 65600 } },
  {
    name: 'Acknowledgement of more than 2³¹ bytes',
    wire: hex('ff ff ff fe'),
    value: { typeId: MessageType.Acknowledgement, receivedBytes: 0xffff_fffe },
  },
  {
    name: 'Window Acknowledgement Size 2 500 000',
    wire: hex('00 26 25 a0'),
    value: { typeId: MessageType.WindowAckSize, ackWindowBytes: 2_500_000 },
  },
  {
    name: 'Set Peer Bandwidth 2 500 000, dynamic',
    wire: hex(`00 26 25 a0   # ack window
               02            # dynamic`),
    value: { typeId: MessageType.SetPeerBandwidth, ackWindowBytes: 2_500_000, limitType: LimitType.Dynamic },
  },
  {
    name: 'Stream Begin, stream 0',
    wire: hex('00 00  00 00 00 00'),
    value: { typeId, event: UserControlEvent.StreamBegin, streamId: 0 },
  },
  {
    name: 'Stream EOF',
    wire: hex('00 01  00 00 00 01'),
    value: { typeId, event: UserControlEvent.StreamEof, streamId: 1 },
  },
  {
    name: 'Stream Dry',
    wire: hex('00 02  00 00 00 01'),
    value: { typeId, event: UserControlEvent.StreamDry, streamId: 1 },
  },
  {
    name: 'Set Buffer Length',
    wire: hex(`00 03  00 00 00 01
               00 00 0b b8   # 3 s`),
    value: { typeId, event: UserControlEvent.SetBufferLength, streamId: 1, bufferMs: 3000 },
  },
  {
    name: 'Stream Is Recorded',
    wire: hex('00 04  00 00 00 01'),
    value: { typeId, event: UserControlEvent.StreamIsRecorded, streamId: 1 },
  },
  {
    name: 'Ping Request',
    wire: hex('00 06  fe dc ba 98'),
    value: { typeId, event: UserControlEvent.PingRequest, timestampMs: 0xfedcba98 },
  },
  {
    name: 'Ping Response',
    wire: hex('00 07  fe dc ba 98'),
    value: { typeId, event: UserControlEvent.PingResponse, timestampMs: 0xfedcba98 },
  },
  {
    name: 'SWF verify request',
    wire: hex('00 1a  01'),
    value: { typeId, event: UserControlEvent.SwfVerifyRequest, flag: 1 },
  },
  {
    name: 'SWF verify response',
    wire: Uint8Array.of(0x00, 0x1b, ...proof),
    value: { typeId, event: UserControlEvent.SwfVerifyResponse, proof },
  },
  {
    name: 'Buffer Empty',
    wire: hex('00 1f  00 00 00 01'),
    value: { typeId, event: UserControlEvent.BufferEmpty, streamId: 1 },
  },
  {
    name: 'Buffer Ready',
    wire: hex('00 20  00 00 00 01'),
    value: { typeId, event: UserControlEvent.BufferReady, streamId: 1 },
  },
  {
    name: 'an event of the peer’s own',
    wire: hex('00 05'),
    value: undefined,
    decodeOnly: true,
  },
];
