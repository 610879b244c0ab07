// Media as peers send it → a stream, in the shape in which it leaves.
import { DecodeError } from '../../errors.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { type AmfLimits, DecodeBudget } from '../../protocol/amf/amf-budget.ts';
import { decodeAggregate } from '../../protocol/rtmp/aggregate.ts';
import {
  CLEAR_DATA_FRAME,
  decodeData,
  encodeData,
  isDataType,
  SET_DATA_FRAME,
} from '../../protocol/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../protocol/rtmp/message.ts';
import type { OddListener } from '../../protocol/rtmp/odd-message.ts';
import { buildWireMessage, WireMessage } from '../../protocol/rtmp/wire-message.ts';

/** A stream, as its publisher sees it. */
export interface Intake {
  /** Audio, video and data, in their order. */
  publish(message: WireMessage): void;
  /** What is kept for every later player. */
  setDataFrame(name: string, message: WireMessage): void;
  clearDataFrame(name: string): void;
}

export interface IntakeOptions {
  /** Chunk size of what leaves. */
  readonly chunkBytes: number;
  readonly amf: AmfLimits;
  /** What cannot be read goes there and no further. */
  readonly odd: OddListener;
  /** Data messages that are the peer's own affair, by name. */
  readonly ignores: readonly string[];
}

export function takeIn(message: RtmpMessage, to: Intake, options: IntakeOptions): void {
  if (message instanceof WireMessage) {
    to.publish(message);
    return;
  }
  const { typeId } = message;
  try {
    if (typeId === MessageType.Aggregate) takeAggregate(message, to, options);
    else if (isDataType(typeId)) takeData(message, to, options, new DecodeBudget(options.amf));
    else if (typeId === MessageType.Audio || typeId === MessageType.Video) takePart(message, to, options);
  } catch (error) {
    options.odd.passOver(message, error);
  }
}

/** Of one that is cut off, its parts before that are as good as any. The data messages in it have one budget. */
function takeAggregate(message: RtmpMessage, to: Intake, options: IntakeOptions): void {
  const budget = new DecodeBudget(options.amf);
  for (const part of decodeAggregate(message)) {
    if (isDataType(part.typeId)) takeDataPart(part, to, options, budget);
    else takePart(part, to, options);
  }
}

/** Audio and video that were part of an aggregate. */
function takePart({ typeId, timestampMs, payload }: RtmpMessage, to: Intake, options: IntakeOptions): void {
  if (typeId !== MessageType.Audio && typeId !== MessageType.Video) return;
  to.publish(buildWireMessage({ typeId, timestampMs, payload, chunkBytes: options.chunkBytes }));
}

function takeDataPart(part: RtmpMessage, to: Intake, options: IntakeOptions, budget: DecodeBudget): void {
  try {
    takeData(part, to, options, budget);
  } catch (error) {
    options.odd.passOver(part, error);
  }
}

/** A data message that FMS and encoders keep for every later player is wrapped, or not. */
function takeData(message: RtmpMessage, to: Intake, options: IntakeOptions, budget: DecodeBudget): void {
  const { chunkBytes, amf, odd, ignores } = options;
  const { name, values, oddity } = decodeData(message.typeId, message.payload, budget);
  odd.read(message, oddity);
  const wire = (handler: string, rest: AmfValue[]) =>
    buildWireMessage({
      typeId: MessageType.DataAmf0,
      timestampMs: message.timestampMs,
      payload: encodeData({ name: handler, values: rest }, 0, amf.bytes).payload,
      chunkBytes,
    });
  const isWrapped = name === SET_DATA_FRAME;
  const isFrame = isWrapped || name === CLEAR_DATA_FRAME;
  const handler = isFrame ? values.find((value) => typeof value === 'string') : name;
  if (handler === undefined) throw new DecodeError('ERR_RTMP_COMMAND', 'it does not say which data frame');
  if (ignores.includes(handler)) return;
  if (name === CLEAR_DATA_FRAME) to.clearDataFrame(handler);
  else if (isWrapped) to.setDataFrame(handler, wire(handler, values.slice(values.indexOf(handler) + 1)));
  // COMPAT: hardware encoders send onMetaData bare; late joiners need it all the same
  else if (name === 'onMetaData') to.setDataFrame(name, wire(name, values));
  else to.publish(wire(name, values));
}
