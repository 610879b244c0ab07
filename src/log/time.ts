// Time as the logs need it: what the clock on the wall says, in one zone, and a timer.

export interface LogTime {
  now(): Date;
  /** Calls once after `ms`; the returned function takes it back. */
  after(ms: number, call: () => void): () => void;
}

export const systemTime: LogTime = {
  now: () => new Date(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** FMS: Server.xml, Logging/Time. */
export type LogZone = 'utc' | 'local';

export interface LogMoment {
  /** `2026-02-03` */
  date: string;
  /** `04:05:06` */
  time: string;
  /** `UTC`, or how far local time is ahead of it: `+01:00`. */
  zone: string;
}

export function momentOf(at: Date, zone: LogZone): LogMoment {
  const { year, month, day, hour, minute, second } = partsOf(at, zone);
  return {
    date: `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`,
    time: `${two(hour)}:${two(minute)}:${two(second)}`,
    zone: zone === 'utc' ? 'UTC' : offsetOf(at),
  };
}

export interface MomentParts {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

export function partsOf(at: Date, zone: LogZone): MomentParts {
  if (zone === 'utc') {
    return {
      year: at.getUTCFullYear(),
      month: at.getUTCMonth() + 1,
      day: at.getUTCDate(),
      hour: at.getUTCHours(),
      minute: at.getUTCMinutes(),
      second: at.getUTCSeconds(),
    };
  }
  return {
    year: at.getFullYear(),
    month: at.getMonth() + 1,
    day: at.getDate(),
    hour: at.getHours(),
    minute: at.getMinutes(),
    second: at.getSeconds(),
  };
}

function offsetOf(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const absolute = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
