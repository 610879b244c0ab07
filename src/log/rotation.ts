// When a log file is due to be followed by a new one, and which of the old ones stay.
import { type LogZone, partsOf } from './time.ts';

/** FMS: Logger.xml, Rotation. */
export interface Rotation {
  maxBytes: number;
  /** Undefined: by size alone. */
  schedule: RotationSchedule | undefined;
  /** How many files there are at most, the newest included. */
  history: number;
  /** True: number 0 is the newest and the others move up. False: the highest number is the newest. */
  rename: boolean;
}

export type RotationSchedule =
  | { type: 'daily'; hour: number; minute: number }
  /** Counted from the epoch, so that a restart changes nothing: 60 is at every full hour. */
  | { type: 'duration'; minutes: number };

/** The first scheduled moment after `afterMs`. */
export function nextRotationMs(schedule: RotationSchedule, afterMs: number, zone: LogZone): number {
  if (schedule.type === 'duration') {
    const periodMs = schedule.minutes * 60_000;
    return (Math.floor(afterMs / periodMs) + 1) * periodMs;
  }
  const { year, month, day } = partsOf(new Date(afterMs), zone);
  const { hour, minute } = schedule;
  const on = (dayOfMonth: number) =>
    zone === 'utc'
      ? Date.UTC(year, month - 1, dayOfMonth, hour, minute)
      : new Date(year, month - 1, dayOfMonth, hour, minute).getTime();
  const today = on(day);
  return today > afterMs ? today : on(day + 1);
}
