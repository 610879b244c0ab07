// Events on their way to the runner: each one's text is made once and has a size before it goes into a frame.
import { FRAME_HEADER_BYTES, startFrame } from './frames.ts';
import { type EventOf, FrameType, type Json, MAX_FRAME_BYTES, type WireValue } from './wire.ts';
import { WireText } from './wire-text.ts';

/** A ScriptEvent whose values of clients are there as text. */
export type EventToScript = EventOf<WireTexts>;
interface WireTexts {
  value: WireValue | WireText;
  values: WireValue[] | WireText;
  status: WireValue | WireText;
  json: Json | WireText;
}

const COUNT_BYTES = 2;
const OPENING_BRACKET = 0x5b;
const COMMA = 0x2c;
const CLOSING_BRACKET = 0x5d;
const MAX_TEXT_BYTES = MAX_FRAME_BYTES - FRAME_HEADER_BYTES - COUNT_BYTES - 2;

/** What its JSON takes, but for its keys. */
export function eventBytes(event: EventToScript): number {
  const sizes = Object.values(event).map((field) =>
    field instanceof WireText ? field.json.length : (JSON.stringify(field)?.length ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The JSON of one; undefined: no frame has room for it. */
export function encodeEvent(event: EventToScript): Buffer | undefined {
  const text = jsonOf(event);
  return text.length > MAX_TEXT_BYTES ? undefined : text;
}

function jsonOf(event: EventToScript): Buffer {
  const pieces: Buffer[] = [];
  let text = '';
  for (const [key, field] of Object.entries(event)) {
    if (field === undefined) continue;
    text += `${text === '' && pieces.length === 0 ? '{' : ','}"${key}":`;
    if (field instanceof WireText) {
      pieces.push(Buffer.from(text), field.json);
      text = '';
    } else text += JSON.stringify(field);
  }
  return Buffer.concat([...pieces, Buffer.from(`${text}}`)]);
}

/** At most MAX_BATCH_EVENTS. */
// | …header | count u16 BE | JSON array |
export function eventsFrame(unit: number, events: readonly Buffer[]): Buffer {
  const bytes = events.reduce((sum, { length }) => sum + length + 1, 1); // with brackets and commas
  const frame = startFrame(FrameType.Events, unit, COUNT_BYTES + bytes);
  let at = frame.writeUInt16BE(events.length, FRAME_HEADER_BYTES);
  for (const [i, event] of events.entries()) {
    at = frame.writeUInt8(i === 0 ? OPENING_BRACKET : COMMA, at);
    at += event.copy(frame, at);
  }
  frame.writeUInt8(CLOSING_BRACKET, at);
  return frame;
}
