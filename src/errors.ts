// The error classes. One exists because somebody catches it differently; everything else thrown is a bug
// (src/README.md lists the codes).

/** Base of the errors that are expected: a stable `code` beside the text. Compare codes, never texts. */
export class CodedError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Bytes that are not what they should be. The message that they came in is passed over, or the file refused. */
export class DecodeError extends CodedError {
  /** Without a stack: two bytes of a peer cause one, and to collect a stack costs more than all the rest of it. */
  constructor(code: string, message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(code, message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Bytes that ask for more than a limit allows. Ends the connection that they came from. */
export class DecodeLimitError extends DecodeError {}

/** True: only the message that was read is lost, and what comes behind it can be read. */
export function isUnreadable(error: unknown): error is DecodeError {
  return error instanceof DecodeError && !(error instanceof DecodeLimitError);
}

/** Codes of a system that has no descriptor, process, thread or memory left: what failed may succeed when it is tried again. */
const SCARCE: ReadonlySet<string | undefined> = new Set([
  ...['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ERR_WORKER_INIT_FAILED'],
]);

export function isScarcity(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && SCARCE.has((error as NodeJS.ErrnoException).code);
}

/** Where a mistake stands. Lines count from 1; missing: it is about the whole file. */
export interface ConfigPlace {
  readonly file: string;
  readonly line?: number;
}

/** Characters of a mistake: what it quotes may be a whole file. */
const MAX_MISTAKE = 2000;

/** Configuration that cannot be used: the message says file:line and what was expected. */
export class ConfigError extends CodedError {
  /** Undefined: in no file, or in none that is known. */
  readonly place: ConfigPlace | undefined;
  /** The message without the place. */
  readonly what: string;

  constructor(
    code: string,
    what: string,
    { place, ...options }: ErrorOptions & { place?: ConfigPlace } = {},
  ) {
    const said = what.length > MAX_MISTAKE ? `${what.slice(0, MAX_MISTAKE)}…` : what;
    super(code, place ? `${formatPlace(place)}: ${said}` : said, options);
    this.place = place;
    this.what = said;
  }
}

export function formatPlace({ file, line }: ConfigPlace): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** A file of an author or a tenant that the server does not read. The message names no path; whoever catches it does. */
export class FileError extends CodedError {}

/** A script broke or misbehaved. Logged for its application; a gate refuses, a notice is dropped. */
export class ScriptError extends CodedError {}

/** A recording cannot go on. It stops; the live stream does not. */
export class RecordingError extends CodedError {}

/** A refusal that the client is told as a status object; `code` is the NetConnection.* or NetStream.* code. */
export class StatusError extends CodedError {}

/** The same, because a limit of ours is reached: in the access log it is 409. */
export class LimitError extends StatusError {}
