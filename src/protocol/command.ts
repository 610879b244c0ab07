// Command messages (types 20 and 17: connect, publish, _result, onStatus, …) and data messages (types 18 and 15:
// @setDataFrame, onMetaData, …). RTMP 1.0 §7.1.1, §7.1.2 and §7.2.
import { DecodeError } from '../errors.ts';
import { AMF_LIMITS, type AmfLimits, type AmfValue } from './amf.ts';
import { Amf0Reader, Amf0Writer } from './amf0.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { MessageType } from './message.ts';

/** What a peer chose in connect: whether it reads AMF3. It may send either at any time. */
export const ObjectEncoding = { Amf0: 0, Amf3: 3 } as const;
export type ObjectEncoding = (typeof ObjectEncoding)[keyof typeof ObjectEncoding];

export interface Command {
  name: string;
  /** Chosen by the caller; 0 wants no answer. Answers repeat it. */
  transactionId: number;
  /** Null but for connect and its answer, and whatever a peer thinks up. */
  object: AmfValue;
  args: AmfValue[];
}

export interface DataMessage {
  /** The handler that is called with the values: `onMetaData`, `@setDataFrame`, … */
  name: string;
  values: AmfValue[];
}

export interface EncodedMessage {
  typeId: MessageType;
  payload: Uint8Array;
}

export function isCommandType(typeId: number): boolean {
  return typeId === MessageType.CommandAmf0 || typeId === MessageType.CommandAmf3;
}

export function isDataType(typeId: number): boolean {
  return typeId === MessageType.DataAmf0 || typeId === MessageType.DataAmf3;
}

// | 00, type 17 only | name | transaction id | object or null | arguments… |    AMF0, with AMF3 values behind 0x11
export function decodeCommand(typeId: number, payload: Uint8Array, limits: AmfLimits = AMF_LIMITS): Command {
  const values = openValues(typeId === MessageType.CommandAmf3, payload, limits);
  const name = readName(values);
  const transactionId = values.read();
  if (typeof transactionId !== 'number') {
    throw new DecodeError('ERR_RTMP_COMMAND', `command "${name.slice(0, 100)}" without a transaction id`);
  }
  // COMPAT: a command that needs no arguments may end here.
  const object = values.isAtEnd ? null : values.read();
  return { name, transactionId, object, args: readRest(values) };
}

export function encodeCommand(command: Command, objectEncoding: ObjectEncoding): EncodedMessage {
  const { name, transactionId, object, args } = command;
  const payload = encodeValues([name, transactionId, object, ...args], objectEncoding);
  const isAmf3 = objectEncoding === ObjectEncoding.Amf3;
  return { typeId: isAmf3 ? MessageType.CommandAmf3 : MessageType.CommandAmf0, payload };
}

// | 00, type 15 only | name | values… |    AMF0, with AMF3 values behind 0x11
export function decodeData(typeId: number, payload: Uint8Array, limits: AmfLimits = AMF_LIMITS): DataMessage {
  const values = openValues(typeId === MessageType.DataAmf3, payload, limits);
  return { name: readName(values), values: readRest(values) };
}

export function encodeData(message: DataMessage, objectEncoding: ObjectEncoding): EncodedMessage {
  const payload = encodeValues([message.name, ...message.values], objectEncoding);
  const isAmf3 = objectEncoding === ObjectEncoding.Amf3;
  return { typeId: isAmf3 ? MessageType.DataAmf3 : MessageType.DataAmf0, payload };
}

/** Around a data message that the server is to keep for every later player; and to keep no longer. */
export const SET_DATA_FRAME = '@setDataFrame';
export const CLEAR_DATA_FRAME = '@clearDataFrame';

/** A data message of AMF0 as its publisher says it, for one that players get. */
export function asDataFrame(payload: Uint8Array): Uint8Array {
  return new ByteWriter(64 + payload.length)
    .bytes(encodeData({ name: SET_DATA_FRAME, values: [] }, ObjectEncoding.Amf0).payload)
    .bytes(payload)
    .done();
}

/** Of a data message, of AMF0; undefined: it has none. */
export function dataNameOf(payload: Uint8Array): string | undefined {
  const name = payload[0] === 0x02 ? new Amf0Reader(new ByteReader(payload)).read() : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** What an AMF3 message may have before its values: 00 says that AMF0 follows, and no other format exists. */
const FORMAT_SELECTOR = 0x00;

function openValues(hasSelector: boolean, payload: Uint8Array, limits: AmfLimits): Amf0Reader {
  const bytes = new ByteReader(payload);
  // COMPAT: some clients leave the selector out, some write it twice. The values begin with a string, whose marker
  // cannot be mistaken for it.
  for (let i = 0; hasSelector && i < 2 && bytes.peekU8() === FORMAT_SELECTOR; i += 1) bytes.u8();
  return new Amf0Reader(bytes, limits);
}

function readName(values: Amf0Reader): string {
  const name = values.read();
  if (typeof name === 'string') return name;
  throw new DecodeError(
    'ERR_RTMP_COMMAND',
    `a command or data message begins with a ${typeof name}, not a name`,
  );
}

function readRest(values: Amf0Reader): AmfValue[] {
  const rest: AmfValue[] = [];
  while (!values.isAtEnd) rest.push(values.read());
  return rest;
}

function encodeValues(values: readonly AmfValue[], objectEncoding: ObjectEncoding): Uint8Array {
  const avmPlus = objectEncoding === ObjectEncoding.Amf3;
  const out = new ByteWriter(256);
  if (avmPlus) out.u8(FORMAT_SELECTOR);
  const writer = new Amf0Writer(out, { avmPlus });
  for (const value of values) writer.write(value);
  return out.done();
}
