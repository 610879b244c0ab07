// Time that stands still, for tests: `Date` and `performance.now` as a script sees them when the runner holds its time.
import { DateConstructor, define, defineProperty, expose, nowMs } from './primordials.ts';

let heldMs = 0;
let firstMs = 0;
let isHeld = false;

export function setHeldTime(ms: number): void {
  heldMs = ms;
}

/** What `Date.now()` gives to a script that has left it alone. */
export function presentMs(): number {
  return isHeld ? heldMs : nowMs();
}

export function holdTime(ms: number): void {
  isHeld = true;
  heldMs = ms;
  firstMs = ms;
  expose('Date', heldDate());
  define(performance, 'timeOrigin', firstMs);
  define(performance, 'now', () => heldMs - firstMs);
}

declare const performance: object;

/** Dates are the engine's own; only the present is another. */
function heldDate(): unknown {
  const { construct } = Reflect;
  const original = DateConstructor;
  const { length, prototype, parse, UTC } = original;
  function HeldDate(this: unknown, ...args: unknown[]): unknown {
    if (new.target === undefined) return new original(heldMs).toString();
    return construct(original, args.length === 0 ? [heldMs] : args, new.target);
  }
  defineProperty(HeldDate, 'name', { value: 'Date', configurable: true });
  defineProperty(HeldDate, 'length', { value: length, configurable: true });
  defineProperty(HeldDate, 'prototype', { value: prototype, writable: false });
  define(HeldDate, 'now', () => heldMs);
  define(HeldDate, 'parse', parse);
  define(HeldDate, 'UTC', UTC);
  define(prototype, 'constructor', HeldDate);
  return HeldDate;
}
