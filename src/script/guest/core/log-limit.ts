// How much a script may write to the log: so many lines a second, with room for a burst. The media side counts again; here a
// flood ends before it costs anybody but the script.
import { limits } from './limits.ts';
import { max, min, now } from './primordials.ts';

const BURST_SECONDS = 10;

let left = Number.POSITIVE_INFINITY;
let refilledMs = now();
let dropped = 0;

/** Whether one more line may be written; if not, it is counted. */
export function admitLine(): boolean {
  const ms = now();
  const perSecond = limits.logLines;
  left = min(left + (max(ms - refilledMs, 0) / 1000) * perSecond, perSecond * BURST_SECONDS);
  refilledMs = ms;
  if (left < 1) {
    dropped += 1;
    return false;
  }
  left -= 1;
  return true;
}

/** Lines since the last time. */
export function takeDroppedLines(): number {
  const taken = dropped;
  dropped = 0;
  return taken;
}
