// setTimeout, setInterval and performance.now. The runner keeps the time; ids are plain numbers.
import { limits } from '../core/limits.ts';
import { putForRunner } from '../core/outbox.ts';
import {
  apply,
  define,
  expose,
  isFunction,
  isObject,
  MapConstructor,
  mapDelete,
  mapGet,
  mapHas,
  mapSet,
  mapSize,
  PromiseConstructor,
  promiseThen,
} from '../core/primordials.ts';
import { report, whenSettled } from '../core/report.ts';
import { callReporting } from '../core/turn.ts';

interface Timer {
  call: () => unknown;
  isRepeating: boolean;
}

const timers = new MapConstructor<number, Timer>();
let lastId = 0;

export function startTimer(call: () => unknown, ms: unknown, isRepeating: boolean): number {
  if (mapSize(timers) >= limits.timers) throw new RangeError(`more than ${limits.timers} timers`);
  const wanted = Number(ms);
  lastId += 1;
  putForRunner({ op: 'timer', id: lastId, ms: wanted > 0 ? wanted : 0, repeat: isRepeating });
  mapSet(timers, lastId, { call, isRepeating });
  return lastId;
}

function stop(id: unknown): void {
  const number = Number(id);
  if (!mapHas(timers, number)) return;
  mapDelete(timers, number);
  putForRunner({ op: 'clear', id: number });
}

export function fireTimer(id: number): void {
  const timer = mapGet(timers, id);
  if (timer === undefined) return;
  const name = timer.isRepeating ? 'setInterval' : 'setTimeout';
  if (!timer.isRepeating) mapDelete(timers, id);
  const result = callReporting(name, '', timer.call, undefined, []);
  whenSettled(
    result,
    () => {},
    (error) => report('handler', name, error),
  );
}

function setTimeout(callback: unknown, ms?: unknown, ...args: unknown[]): number {
  return startTimer(callable(callback, args), ms, false);
}

/** Also as in Flash Player: `setInterval(object, "method", ms, ...args)`, the method being looked up at each call. */
function setInterval(callback: unknown, ms?: unknown, ...args: unknown[]): number {
  if (isObject(callback) && !isFunction(callback) && typeof ms === 'string') {
    const name = ms;
    const interval = args[0];
    const methodArgs: unknown[] = [];
    for (let i = 1; i < args.length; i++) methodArgs[i - 1] = args[i];
    return startTimer(
      () => callMethod(callback as Record<string, unknown>, name, methodArgs),
      interval,
      true,
    );
  }
  return startTimer(callable(callback, args), ms, true);
}

function callable(callback: unknown, args: unknown[]): () => unknown {
  if (!isFunction(callback)) throw new TypeError('the callback of a timer is not a function');
  return () => apply(callback, undefined, args);
}

function callMethod(object: Record<string, unknown>, name: string, args: unknown[]): unknown {
  const method = object[name];
  if (!isFunction(method)) throw new TypeError(`the object of a timer has no method ${name}`);
  return apply(method, object, args);
}

const nothing = PromiseConstructor.resolve();

function queueMicrotask(callback: unknown): void {
  if (!isFunction(callback)) throw new TypeError('the callback of queueMicrotask is not a function');
  promiseThen(nothing, () => callReporting('queueMicrotask', '', callback, undefined, []));
}

const firstMs = Date.now();
let latestMs = firstMs;
let elapsedMs = 0;

/** Whole milliseconds; when the machine's clock is set back, this one goes on. */
function now(): number {
  const ms = Date.now();
  if (ms > latestMs) elapsedMs += ms - latestMs;
  latestMs = ms;
  return elapsedMs;
}

export function defineTimers(): void {
  expose('setTimeout', setTimeout);
  expose('setInterval', setInterval);
  expose('clearTimeout', (id: unknown) => stop(id));
  expose('clearInterval', (id: unknown) => stop(id));
  expose('queueMicrotask', queueMicrotask);
  const performance = {};
  define(performance, 'timeOrigin', firstMs);
  define(performance, 'now', now);
  expose('performance', performance);
}
