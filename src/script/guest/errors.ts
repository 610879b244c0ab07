// Errors as the Web's specifications name them.
import { create, define, ErrorConstructor, expose } from './primordials.ts';

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

export function defineErrors(): void {
  expose('DOMException', DOMException);
}
