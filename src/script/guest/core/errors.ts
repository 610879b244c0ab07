// Errors as the Web's specifications name them.
import { withoutGuestFrames } from './inspect.ts';
import { create, define, ErrorConstructor, expose, indexOf, slice } from './primordials.ts';

/** The numbers that some names once had. Web IDL §2.8.1. */
const CODES: Record<string, number | undefined> = create(null);
CODES.NotFoundError = 8;
CODES.NotSupportedError = 9;
CODES.InvalidCharacterError = 5;
CODES.InvalidStateError = 11;
CODES.SyntaxError = 12;
CODES.InvalidAccessError = 15;
CODES.TypeMismatchError = 17;
CODES.NetworkError = 19;
CODES.AbortError = 20;
CODES.QuotaExceededError = 22;
CODES.TimeoutError = 23;
CODES.DataCloneError = 25;

class DOMException extends ErrorConstructor {
  readonly code: number;

  constructor(message: unknown = '', name: unknown = 'Error') {
    super(`${message}`);
    define(this, 'name', `${name}`);
    this.code = CODES[`${name}`] ?? 0;
    define(this, 'code', this.code);
  }
  get [Symbol.toStringTag](): string {
    return 'DOMException';
  }
}

/** One that is told apart by its name: `OperationError`, `AbortError`. Those that the language has are of their own class. */
export function namedError(name: string, message: string): Error {
  if (name === 'TypeError') return new TypeError(message);
  if (name === 'RangeError') return new RangeError(message);
  if (name === 'SyntaxError') return new SyntaxError(message);
  return name === 'Error' ? new ErrorConstructor(message) : new DOMException(message, name);
}

/**
 * For what may fail later, outside of the script: the error that is made then says where the script is now. By itself it would
 * have been nowhere in the script.
 */
export function errorFromHere(): (name: string, message: string) => Error {
  const here = new ErrorConstructor();
  return (name, message) => {
    const error = namedError(name, message);
    define(error, 'stack', `${name}: ${message}${framesOf(here)}`);
    return error;
  };
}

function framesOf(error: Error): string {
  try {
    const { stack } = error as { stack?: unknown }; // a script may format stacks itself
    if (typeof stack !== 'string') return '';
    const newline = indexOf(stack, '\n');
    return newline < 0 ? '' : `\n${withoutGuestFrames(slice(stack, newline + 1))}`;
  } catch {
    return '';
  }
}

export function defineErrors(): void {
  expose('DOMException', DOMException);
}
