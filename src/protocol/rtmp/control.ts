// Protocol control messages (types 1–6) with the user control events inside type 4. They travel on message stream 0.
import { DecodeError } from '../../errors.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { MessageType } from './message.ts';

/** How the peer shall take the new window. RTMP 1.0 §5.4.5. */
export const LimitType = { Hard: 0, Soft: 1, Dynamic: 2 } as const;
export type LimitType = (typeof LimitType)[keyof typeof LimitType];

/** RTMP 1.0 §7.1.7; from 26 on they are no part of it: Flash Media Server and its clients use them. */
export const UserControlEvent = {
  StreamBegin: 0,
  StreamEof: 1,
  StreamDry: 2,
  SetBufferLength: 3,
  StreamIsRecorded: 4,
  PingRequest: 6,
  PingResponse: 7,
  SwfVerifyRequest: 26,
  SwfVerifyResponse: 27,
  BufferEmpty: 31,
  BufferReady: 32,
} as const;
export type UserControlEvent = (typeof UserControlEvent)[keyof typeof UserControlEvent];

export interface SetChunkSize {
  typeId: typeof MessageType.SetChunkSize;
  /** 1 … 0x7FFFFFFF; what a peer may make us buffer is for the chunk layer to limit. */
  chunkBytes: number;
}

export interface Abort {
  typeId: typeof MessageType.Abort;
  chunkStreamId: number;
}

export interface Acknowledgement {
  typeId: typeof MessageType.Acknowledgement;
  /** All bytes so far; wraps at 2³². */
  receivedBytes: number;
}

export interface WindowAckSize {
  typeId: typeof MessageType.WindowAckSize;
  ackWindowBytes: number;
}

export interface SetPeerBandwidth {
  typeId: typeof MessageType.SetPeerBandwidth;
  ackWindowBytes: number;
  limitType: LimitType;
}

/** Something about one message stream. */
export interface StreamEvent {
  typeId: typeof MessageType.UserControl;
  event:
    | typeof UserControlEvent.StreamBegin
    | typeof UserControlEvent.StreamEof
    | typeof UserControlEvent.StreamDry
    | typeof UserControlEvent.StreamIsRecorded
    | typeof UserControlEvent.BufferEmpty
    | typeof UserControlEvent.BufferReady;
  streamId: number;
}

export interface SetBufferLength {
  typeId: typeof MessageType.UserControl;
  event: typeof UserControlEvent.SetBufferLength;
  streamId: number;
  bufferMs: number;
}

export interface Ping {
  typeId: typeof MessageType.UserControl;
  event: typeof UserControlEvent.PingRequest | typeof UserControlEvent.PingResponse;
  /** The asker's clock, which the response repeats. */
  timestampMs: number;
}

export interface SwfVerifyRequest {
  typeId: typeof MessageType.UserControl;
  event: typeof UserControlEvent.SwfVerifyRequest;
  /** 0 or 1 on the wire; clients take both for the same question. */
  flag: number;
}

export interface SwfVerifyResponse {
  typeId: typeof MessageType.UserControl;
  event: typeof UserControlEvent.SwfVerifyResponse;
  /** SWF_PROOF_BYTES long. */
  proof: Uint8Array;
}

export type UserControl = StreamEvent | SetBufferLength | Ping | SwfVerifyRequest | SwfVerifyResponse;

export type ControlMessage =
  | SetChunkSize
  | Abort
  | Acknowledgement
  | UserControl
  | WindowAckSize
  | SetPeerBandwidth;

/** 01 01, the size of the SWF file twice (u32), an HMAC-SHA256. */
export const SWF_PROOF_BYTES = 42;

export function isControlType(typeId: number): typeId is ControlMessage['typeId'] {
  return typeId >= MessageType.SetChunkSize && typeId <= MessageType.SetPeerBandwidth;
}

// 1 | chunk size u32 BE, top bit 0 |      RTMP 1.0 §5.4.1
// 2 | chunk stream id u32 BE |            §5.4.2
// 3 | bytes received u32 BE |             §5.4.3
// 4 | event u16 BE | its data |           §5.4, §7.1.7
// 5 | ack window u32 BE |                 §5.4.4
// 6 | ack window u32 BE | limit type u8 | §5.4.5
export function encodeControl(message: ControlMessage): Uint8Array {
  const out = new ByteWriter(16);
  switch (message.typeId) {
    case MessageType.SetChunkSize:
      return out.u32(message.chunkBytes).done();
    case MessageType.Abort:
      return out.u32(message.chunkStreamId).done();
    case MessageType.Acknowledgement:
      return out.u32(message.receivedBytes).done();
    case MessageType.UserControl:
      return encodeUserControl(message);
    case MessageType.WindowAckSize:
      return out.u32(message.ackWindowBytes).done();
    case MessageType.SetPeerBandwidth:
      return out.u32(message.ackWindowBytes).u8(message.limitType).done();
  }
}

/** `undefined` for a user control event that we do not know: peers have some of their own, to be passed over. */
export function decodeControl(
  typeId: ControlMessage['typeId'],
  payload: Uint8Array,
): ControlMessage | undefined {
  const from = new ByteReader(payload).at('before its value does');
  switch (typeId) {
    case MessageType.SetChunkSize:
      return { typeId, chunkBytes: toChunkBytes(from.u32()) };
    case MessageType.Abort:
      return { typeId, chunkStreamId: from.u32() };
    case MessageType.Acknowledgement:
      return { typeId, receivedBytes: from.u32() };
    case MessageType.UserControl:
      return decodeUserControl(from);
    case MessageType.WindowAckSize:
      return { typeId, ackWindowBytes: from.u32() };
    case MessageType.SetPeerBandwidth:
      return {
        typeId,
        ackWindowBytes: from.u32(),
        limitType: toLimitType(from.at('before its limit type').u8()),
      };
  }
}

// stream events | stream id u32 BE |
// 3             | stream id u32 BE | buffer ms u32 BE |
// 6, 7          | timestamp u32 BE |
// 26            | flag u8 |
// 27            | proof, 42 bytes |
function encodeUserControl(message: UserControl): Uint8Array {
  const out = new ByteWriter().u16(message.event);
  switch (message.event) {
    case UserControlEvent.SetBufferLength:
      return out.u32(message.streamId).u32(message.bufferMs).done();
    case UserControlEvent.PingRequest:
    case UserControlEvent.PingResponse:
      return out.u32(message.timestampMs).done();
    case UserControlEvent.SwfVerifyRequest:
      return out.u8(message.flag).done();
    case UserControlEvent.SwfVerifyResponse:
      return out.bytes(message.proof).done();
    default:
      return out.u32(message.streamId).done();
  }
}

function decodeUserControl(from: ByteReader): UserControl | undefined {
  const typeId = MessageType.UserControl;
  const event = from.at('before its event').u16();
  from.at('before its value does');
  switch (event) {
    case UserControlEvent.StreamBegin:
    case UserControlEvent.StreamEof:
    case UserControlEvent.StreamDry:
    case UserControlEvent.StreamIsRecorded:
    case UserControlEvent.BufferEmpty:
    case UserControlEvent.BufferReady:
      return { typeId, event, streamId: from.u32() };
    case UserControlEvent.SetBufferLength:
      return { typeId, event, streamId: from.u32(), bufferMs: from.at('before its buffer length').u32() };
    case UserControlEvent.PingRequest:
    case UserControlEvent.PingResponse:
      return { typeId, event, timestampMs: from.u32() };
    case UserControlEvent.SwfVerifyRequest:
      return { typeId, event, flag: from.u8() };
    case UserControlEvent.SwfVerifyResponse:
      return { typeId, event, proof: from.take(SWF_PROOF_BYTES).slice() };
    default:
      return undefined;
  }
}

function toChunkBytes(n: number): number {
  if (n >= 1 && n <= 0x7fff_ffff) return n;
  throw new DecodeError('ERR_RTMP_CHUNK_SIZE', `its chunk size ${n} is not in 1 … 0x7fffffff`);
}

function toLimitType(n: number): LimitType {
  if (n === LimitType.Hard || n === LimitType.Soft || n === LimitType.Dynamic) return n;
  throw new DecodeError('ERR_RTMP_LIMIT_TYPE', `its limit type ${n} is not 0, 1 or 2`);
}
