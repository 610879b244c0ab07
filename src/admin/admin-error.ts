import { CodedError } from '../errors.ts';

/** A command of an administrator that cannot be obeyed; the message says why. */
export class AdminError extends CodedError {}
