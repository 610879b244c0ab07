// Errors as the Web's specifications name them.
import { define, ErrorConstructor } from './primordials.ts';

/** One that is told apart by its name: `OperationError`, `AbortError`. Those that the language has are of their own class. */
export function namedError(name: string, message: string): Error {
  if (name === 'TypeError') return new TypeError(message);
  if (name === 'SyntaxError') return new SyntaxError(message);
  const error = new ErrorConstructor(message);
  define(error, 'name', name);
  return error;
}
