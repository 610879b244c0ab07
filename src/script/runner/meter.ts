// What an instance uses, for the media side to count: gathered here, told once in a while.
import {
  type DurationCounts,
  MAX_HANDLER_NAMES,
  OTHER_HANDLERS,
  TURN_BOUNDS_MS,
  type UsageBody,
} from '../wire/wire.ts';

const MAX_NAME = 100;

export class UsageMeter {
  #turns = noDurations();
  #handlers = new Map<string, DurationCounts>();
  #cpuMs = 0;

  get isEmpty(): boolean {
    return this.#turns.counts.length === 0;
  }

  turn(ms: number, times: Readonly<Record<string, DurationCounts>>): void {
    const above = TURN_BOUNDS_MS.findIndex((bound) => ms <= bound);
    const bucket = above < 0 ? TURN_BOUNDS_MS.length : above;
    add(this.#turns, { counts: [...new Array(bucket).fill(0), 1], sumMs: ms });
    for (const [name, durations] of Object.entries(times)) this.#handler(name.slice(0, MAX_NAME), durations);
  }

  #handler(wanted: string, durations: DurationCounts): void {
    const hasRoom = this.#handlers.size < MAX_HANDLER_NAMES || this.#handlers.has(wanted);
    const name = hasRoom ? wanted : OTHER_HANDLERS;
    const known = this.#handlers.get(name) ?? noDurations();
    this.#handlers.set(name, known);
    add(known, durations);
  }

  /** Since the last time; `cpuMs` is that of its whole life. Undefined: it has done nothing. */
  take(cpuMs: number): UsageBody | undefined {
    if (this.isEmpty) return undefined;
    const usage = {
      cpuMs: Math.max(0, cpuMs - this.#cpuMs),
      turns: this.#turns,
      handlers: Object.fromEntries(this.#handlers),
    };
    this.#cpuMs = cpuMs;
    this.#turns = noDurations();
    this.#handlers = new Map();
    return usage;
  }
}

function noDurations(): DurationCounts {
  return { counts: [], sumMs: 0 };
}

function add(sum: DurationCounts, { counts, sumMs }: DurationCounts): void {
  for (const [i, count] of counts.entries()) sum.counts[i] = (sum.counts[i] ?? 0) + count;
  sum.sumMs += sumMs;
}
