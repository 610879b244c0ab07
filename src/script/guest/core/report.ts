// What goes wrong in a script: flattened to text here, where the turn's time limit holds, and never handed out as an object.
import type { ScriptFaultKind } from '../../wire/wire.ts';
import { cut, formatLine, formatValue, withoutGuestFrames } from './inspect.ts';
import { admitLine } from './log-limit.ts';
import { putAnswer, putOrDrop } from './outbox.ts';
import { append, exec, isFunction, isObject, PromiseConstructor, promiseThen } from './primordials.ts';

const MAX_MESSAGE = 2000;
const MAX_STACK = 8000;
const UNREADABLE = '<an error that cannot be read>';
const MAX_LOG_LINE = 8192;
const MAX_REPORTS_A_TURN = 100;

export interface FlatError {
  /** With the name of the error's class: `TypeError: x is not a function`. */
  message: string;
  /** Without it: what the script's author wrote. */
  text: string;
  stack: string;
}

export function flatten(error: unknown): FlatError {
  if (isObject(error)) return { ...errorTexts(error), stack: errorStack(error) };
  const text = formatValue(error, MAX_MESSAGE);
  return { message: text, text, stack: '' };
}

function errorTexts(error: object): { message: string; text: string } {
  try {
    const { name, message } = error as { name?: unknown; message?: unknown };
    const text = formatValue(message === undefined ? error : message, MAX_MESSAGE);
    const isNamed = message !== undefined && typeof name === 'string' && name !== '';
    return { message: isNamed ? cut(`${name}: ${text}`, MAX_MESSAGE) : text, text };
  } catch {
    return { message: UNREADABLE, text: UNREADABLE };
  }
}

function errorStack(error: object): string {
  try {
    const { stack } = error as { stack?: unknown };
    return typeof stack === 'string' ? withoutGuestFrames(cut(stack, MAX_STACK)) : '';
  } catch {
    return '';
  }
}

export function log(level: 'debug' | 'info' | 'warn' | 'error', values: readonly unknown[]): void {
  if (admitLine()) putOrDrop({ op: 'log', level, text: formatLine(values, MAX_LOG_LINE) });
}

/** A promise of a handler, or of a method, that somebody waits for. */
interface Awaited {
  isSettled: boolean;
  fail(error: unknown): void;
}

/** What a promise that was lost with its turn fails with. */
const CUT = new Error('it ran longer than its time limit');
/** Promises that the running turn has begun, and those of the turn before. */
let begun: Awaited[] = [];
let begunBefore: Awaited[] = [];

/**
 * The turn before was cut in the middle of its promises: the engine has dropped the continuations that were waiting, and what
 * the turn had begun never settles.
 */
export function failCut(): void {
  for (let i = 0; i < begunBefore.length; i++) begunBefore[i]!.fail(CUT);
  begunBefore = [];
}

let reports = 0;
export function startTurnOfReports(): void {
  reports = 0;
  begunBefore = begun;
  begun = [];
}

/** `application.onStatus`, wherever the script has it now. */
let statusListener: (info: object, about?: object) => void = () => {};
export function setStatusListener(listener: (info: object, about?: object) => void): void {
  statusListener = listener;
}

/** To the stream that it is about, or to the application. */
export function tellInfo(info: object, about?: object): void {
  statusListener(info, about);
}

/** Reports an exception, a rejection or a misuse: to the log, and to the script's own `application.onStatus`. */
export function report(kind: ScriptFaultKind, where: string, error: unknown, client = ''): FlatError {
  if (error === CUT) return { message: CUT.message, text: CUT.message, stack: '' }; // the runner has reported it
  const flat = flatten(error);
  reports += 1;
  if (reports <= MAX_REPORTS_A_TURN && admitLine()) {
    putAnswer({
      op: 'error',
      kind,
      where,
      message: flat.message,
      stack: flat.stack,
      client: client === '' ? undefined : client,
    });
  }
  tellStatus(flat);
  return flat;
}

let isTelling = false;

/** An error in `onStatus` is reported and not told to `onStatus`. */
export function tellStatus({ message, stack }: { message: string; stack: string }): void {
  if (isTelling) return;
  isTelling = true;
  try {
    const place = exec(/(app:\/\/\/[^\s()]*?):(\d+):\d+/, stack);
    statusListener({
      code: 'Application.Script.Error',
      level: 'error',
      description: message,
      filename: place?.[1] ?? '',
      lineno: Number(place?.[2] ?? 0),
      linebuf: '',
    });
  } finally {
    isTelling = false;
  }
}

/** Calls a promise's or a plain value's continuation: at once when it is not a promise. */
export function whenSettled(
  value: unknown,
  settle: (value: unknown, wasPromise: boolean) => void,
  fail: (error: unknown) => void,
): void {
  let isThenable = false;
  try {
    isThenable = isObject(value) && isFunction((value as { then?: unknown }).then);
  } catch (error) {
    fail(error);
    return;
  }
  if (isThenable) adopt(value as object, settle, fail);
  else settle(value, false);
}

function adopt(
  thenable: object,
  settle: (value: unknown, wasPromise: boolean) => void,
  fail: (error: unknown) => void,
): void {
  const awaited: Awaited = {
    isSettled: false,
    fail: (error) => {
      if (awaited.isSettled) return;
      awaited.isSettled = true;
      fail(error);
    },
  };
  append(begun, awaited);
  const promise = new PromiseConstructor((resolve) => resolve(thenable));
  promiseThen(
    promise,
    (value) => {
      if (awaited.isSettled) return;
      awaited.isSettled = true;
      settle(value, true);
    },
    awaited.fail,
  );
}
