// Command messages (types 20 and 17: connect, publish, _result, onStatus, …) and data messages (types 18 and 15:
// @setDataFrame, onMetaData, …). RTMP 1.0 §7.1.1, §7.1.2 and §7.2.
import { DecodeError } from '../../errors.ts';
import type { AmfValue } from '../amf/amf.ts';
import { AMF_LIMITS, type AmfLimits, DecodeBudget, MAX_AMF_BYTES } from '../amf/amf-budget.ts';
import { Amf0Reader, Amf0Writer } from '../amf/amf0.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
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
  /** Of one that was read: what is wrong with it, for the log. */
  oddity?: string;
}

export interface DataMessage {
  /** The handler that is called with the values: `onMetaData`, `@setDataFrame`, … */
  name: string;
  values: AmfValue[];
  /** Of one that was read: what is wrong with it, for the log. */
  oddity?: string;
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
  const reader = openValues(typeId === MessageType.CommandAmf3, payload, limits);
  const name = readName(reader);
  const { values, problem } = readAll(reader);
  if (problem && !reader.isAtPadding) throw problem;
  const [id, object, ...args] = values;
  // COMPAT: a command that needs no arguments may end behind its transaction id.
  if (typeof id === 'number') {
    return { name, transactionId: id, object: object ?? null, args, ...odd(problem && PADDED) };
  }
  // COMPAT(ffmpeg -listen 1): its `onFCPublish` is a name and nothing else.
  const isObject = values.length > 0 && typeof id !== 'string' && typeof id !== 'boolean';
  const without = { name, transactionId: 0, ...odd('it has no transaction id') };
  return isObject
    ? { ...without, object: id ?? null, args: values.slice(1) }
    : { ...without, object: null, args: values };
}

/** What there is of a command that cannot be read, so that its sender can have an answer. */
export interface CommandHead {
  name: string | undefined;
  /** 0 where there is none. */
  transactionId: number;
}

export function commandHead(typeId: number, payload: Uint8Array): CommandHead {
  const [name, id] = readHead(typeId === MessageType.CommandAmf3, payload, 2);
  return {
    name: typeof name === 'string' ? name : undefined,
    transactionId: typeof id === 'number' ? id : 0,
  };
}

export function encodeCommand(command: Command, objectEncoding: ObjectEncoding): EncodedMessage {
  const { name, transactionId, object, args } = command;
  const payload = encodeValues([name, transactionId, object, ...args], objectEncoding);
  const isAmf3 = objectEncoding === ObjectEncoding.Amf3;
  return { typeId: isAmf3 ? MessageType.CommandAmf3 : MessageType.CommandAmf0, payload };
}

// | 00, type 15 only | name | values… |    AMF0, with AMF3 values behind 0x11
/** Reads of what cameras send as much as makes sense: `oddity` says what does not. Parts of one message share a DecodeBudget. */
export function decodeData(
  typeId: number,
  payload: Uint8Array,
  limits: AmfLimits | DecodeBudget = AMF_LIMITS,
): DataMessage {
  const reader = openValues(typeId === MessageType.DataAmf3, payload, limits);
  reader.takesOpenEnds = true;
  const { values: all, problem } = readAll(reader);
  const at = nameAt(all);
  const name = all[at];
  if (typeof name !== 'string') throw problem ?? nameless(all);
  const values = all.slice(at + 1);
  const isPadded = problem !== undefined && reader.isAtPadding;
  // behind what it is about, a whole value: the rest may be the garbage that some cameras have there
  if (problem && !isPadded && values.length < (name === SET_DATA_FRAME ? 2 : 1)) throw problem;
  const oddities = [
    at > 0 && `${at} values stand before its name`,
    reader.hasOpenEnd && 'its last object has no end',
    isPadded && PADDED,
    problem && !isPadded && `what follows its values cannot be read: ${problem.message}`,
  ];
  return { name, values, ...odd(oddities.filter(Boolean).join('; ')) };
}

/** COMPAT(Uniview): its cameras have two numbers before `@setDataFrame`. */
function nameAt(values: readonly AmfValue[]): number {
  const framed = values.findIndex((value) => value === SET_DATA_FRAME || value === CLEAR_DATA_FRAME);
  return framed >= 0 && framed <= MAX_VALUES_BEFORE
    ? framed
    : values.findIndex((value, i) => i <= MAX_VALUES_BEFORE && typeof value === 'string' && value !== '');
}

function nameless(values: readonly AmfValue[]): DecodeError {
  return new DecodeError('ERR_RTMP_COMMAND', values.length === 0 ? EMPTY : 'it has no name');
}

/** The handler of a data message that cannot be read, as far as there is one. */
export function dataHead(typeId: number, payload: Uint8Array): string | undefined {
  const values = readHead(typeId === MessageType.DataAmf3, payload, MAX_VALUES_BEFORE + 2);
  const at = nameAt(values);
  const isFramed = values[at] === SET_DATA_FRAME || values[at] === CLEAR_DATA_FRAME;
  const handler = isFramed ? (values[at + 1] ?? values[at]) : values[at];
  return typeof handler === 'string' ? handler : undefined;
}

/** Throws CodedError `ERR_AMF_SIZE` beyond `maxBytes`: without references values may take more than they did. */
export function encodeData(
  message: DataMessage,
  objectEncoding: ObjectEncoding,
  maxBytes = MAX_AMF_BYTES,
): EncodedMessage {
  const payload = encodeValues([message.name, ...message.values], objectEncoding, maxBytes);
  const isAmf3 = objectEncoding === ObjectEncoding.Amf3;
  return { typeId: isAmf3 ? MessageType.DataAmf3 : MessageType.DataAmf0, payload };
}

/** Around a data message that the server is to keep for every later player; and to keep no longer. */
export const SET_DATA_FRAME = '@setDataFrame';
export const CLEAR_DATA_FRAME = '@clearDataFrame';
/** Values that may stand before the name of a data message and are passed over. */
const MAX_VALUES_BEFORE = 4;

/** A data message of AMF0 as its publisher says it, for one that players get. */
export function asDataFrame(payload: Uint8Array): Uint8Array {
  return new ByteWriter(64 + payload.length)
    .bytes(encodeData({ name: SET_DATA_FRAME, values: [] }, ObjectEncoding.Amf0).payload)
    .bytes(payload)
    .done();
}

/** Of a data message, of AMF0; undefined: it has none. */
export function dataNameOf(payload: Uint8Array): string | undefined {
  const name = payload[0] === STRING_MARKER ? new Amf0Reader(new ByteReader(payload)).read() : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** How a data message of that name begins: AMF0's string. */
const ON_META_DATA = Buffer.concat([Buffer.of(2, 0, 10), Buffer.from('onMetaData')]);

/**
 * It describes the whole stream, so players get it with the time 0. COMPAT(ffmpeg): with another one it is a subtitle track, for
 * which programs then wait.
 */
export function isMetaData({
  typeId,
  head,
}: {
  readonly typeId: number;
  readonly head: Uint8Array;
}): boolean {
  return typeId === MessageType.DataAmf0 && ON_META_DATA.equals(head.subarray(0, ON_META_DATA.length));
}

/** What an AMF3 message may have before its values: 00 says that AMF0 follows, and no other format exists. */
const FORMAT_SELECTOR = 0x00;
const STRING_MARKER = 0x02;

function openValues(hasSelector: boolean, payload: Uint8Array, limits: AmfLimits | DecodeBudget): Amf0Reader {
  const bytes = new ByteReader(payload);
  // COMPAT: some clients leave the selector out, some write it twice. The values begin with a string, whose marker
  // cannot be mistaken for it; before a number, which some cameras begin with, it is there once.
  const [first, second, third] = payload;
  const isDouble = second === FORMAT_SELECTOR && third === STRING_MARKER;
  if (hasSelector && first === FORMAT_SELECTOR) bytes.take(isDouble ? 2 : 1);
  return new Amf0Reader(bytes, limits instanceof DecodeBudget ? limits : new DecodeBudget(limits));
}

/** The names and numbers that a message begins with. One that is refused may have megabytes of values, which cost nothing again. */
const HEAD_LIMITS: AmfLimits = { ...AMF_LIMITS, bytes: 4 << 10, values: 16 };

/** The first values of a message that cannot be read, as far as they can. */
function readHead(hasSelector: boolean, payload: Uint8Array, most: number): AmfValue[] {
  const head = payload.subarray(0, HEAD_LIMITS.bytes);
  const reader = openValues(hasSelector, head, HEAD_LIMITS);
  const values: AmfValue[] = [];
  try {
    while (values.length < most) values.push(reader.read());
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return values;
}

const EMPTY = 'it is empty';
const PADDED = 'zeros follow its values';

function odd(oddity: string | undefined): { oddity?: string } {
  return oddity ? { oddity } : {};
}

function readName(values: Amf0Reader): string {
  if (values.isAtEnd) throw new DecodeError('ERR_RTMP_COMMAND', EMPTY);
  const name = values.read();
  if (typeof name === 'string') return name;
  throw new DecodeError('ERR_RTMP_COMMAND', `it begins with ${typeText(name)}, not a name`);
}

function typeText(value: AmfValue): string {
  if (value === undefined || value === null) return 'nothing';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Up to the end, or to where no value is; the reader stays there. */
function readAll(reader: Amf0Reader): { values: AmfValue[]; problem?: DecodeError } {
  const values: AmfValue[] = [];
  while (!reader.isAtEnd) {
    const read = reader.tryRead();
    if ('problem' in read) return { values, problem: read.problem };
    values.push(read.value);
  }
  return { values };
}

function encodeValues(
  values: readonly AmfValue[],
  objectEncoding: ObjectEncoding,
  maxBytes = MAX_AMF_BYTES,
): Uint8Array {
  const avmPlus = objectEncoding === ObjectEncoding.Amf3;
  const out = new ByteWriter(256);
  if (avmPlus) out.u8(FORMAT_SELECTOR);
  const writer = new Amf0Writer(out, { avmPlus, maxBytes });
  for (const value of values) writer.write(value);
  return out.done();
}
