// Events as the frames that a runner reads, whatever it may have at a time.
import { type EventToScript, encodeEvent, eventsFrame } from '../../src/script/wire/event-frames.ts';
import { MAX_BATCH_EVENTS } from '../../src/script/wire/wire.ts';

export function encodeEvents(
  unit: number,
  events: readonly EventToScript[],
  onTooLong: (event: EventToScript) => void,
): Buffer[] {
  const texts = events.flatMap((event) => {
    const text = encodeEvent(event);
    if (!text) onTooLong(event);
    return text ?? [];
  });
  const frames: Buffer[] = [];
  for (let at = 0; at < texts.length; at += MAX_BATCH_EVENTS)
    frames.push(eventsFrame(unit, texts.slice(at, at + MAX_BATCH_EVENTS)));
  return frames;
}
