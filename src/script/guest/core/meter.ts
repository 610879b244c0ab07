// What the functions of the script take, by their names: counted as they return, handed over at the end of the turn.
import { HANDLER_BOUNDS_MS, MAX_HANDLER_NAMES, OTHER_HANDLERS } from '../../wire/wire.ts';
import { append, create, quote } from './primordials.ts';

interface Times {
  readonly name: string;
  readonly counts: number[];
  sumMs: number;
  /** In this turn. */
  isTouched: boolean;
}

/** By name, no prototype: names come from scripts. */
const byName: Record<string, Times> = create(null);
let names = 0;
let touched: Times[] = [];
/** As a rule the next one has the same name: comparing is cheaper than looking a text up that has just been put together. */
let last: Times | undefined;

export function count(name: string, ms: number): void {
  const times = last?.name === name ? last : (byName[name] ?? timesOf(name));
  last = times;
  let bucket = 0;
  while (bucket < HANDLER_BOUNDS_MS.length && ms > HANDLER_BOUNDS_MS[bucket]!) bucket += 1;
  times.counts[bucket]! += 1;
  times.sumMs += ms;
  if (times.isTouched) return;
  times.isTouched = true;
  append(touched, times);
}

function timesOf(name: string): Times {
  if (names >= MAX_HANDLER_NAMES) {
    const other = byName[OTHER_HANDLERS];
    if (other !== undefined) return other;
    return add(OTHER_HANDLERS);
  }
  names += 1;
  return add(name);
}

function add(name: string): Times {
  const times = { name, counts: noCounts(), sumMs: 0, isTouched: false };
  byName[name] = times;
  return times;
}

function noCounts(): number[] {
  const counts: number[] = [];
  for (let i = 0; i <= HANDLER_BOUNDS_MS.length; i++) append(counts, 0);
  return counts;
}

/** Since the last time, as JSON: Record<string, DurationCounts>. */
export function takeTimes(): string {
  let text = '';
  for (let i = 0; i < touched.length; i++) {
    const times = touched[i]!;
    text += `${i === 0 ? '' : ','}${quote(times.name)}:{"counts":[${countsOf(times)}],"sumMs":${times.sumMs}}`;
    times.sumMs = 0;
    times.isTouched = false;
  }
  touched = [];
  return `{${text}}`;
}

/** And begins anew. */
function countsOf({ counts }: Times): string {
  let text = '';
  let zeros = '';
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) zeros += text === '' && zeros === '' ? '0' : ',0';
    else {
      text += zeros;
      text += `${text === '' ? '' : ','}${counts[i]}`;
      zeros = '';
      counts[i] = 0;
    }
  }
  return text;
}
