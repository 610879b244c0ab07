// Commands on their way to the host. Each becomes text when it is made: later changes to a value do not leak into it, and a
// getter that throws spoils its own command only, inside the turn's time limit.
//
// There are two lists: what the runner carries out itself, and what it passes on to the media side without a look at it.
import { MAX_NAME } from '../../../application/contract/script-limits.ts';
import type { Json, RunnerCommand, ScriptCommand } from '../../wire/wire.ts';
import { MAX_COMMAND_CHARACTERS, MAX_COMMANDS } from '../../wire/wire.ts';
import { withoutGuestFrames } from './inspect.ts';
import { append, hasOwn, isArray, keys, quote, round, slice } from './primordials.ts';

/**
 * Texts of a script that the media side would refuse if they were longer, by the names of their fields: `textLimits` of
 * script-table.ts, written into the bundle.
 */
declare const TEXT_LIMITS: { readonly [field: string]: number | undefined };
/** The media side reads a part at a time, and its sockets get their turn in between. */
const PART_CHARACTERS = 64 << 10;
const MAX_STACK = 8000;

/** A part of a command that is JSON already. */
export class JsonText {
  readonly json: string;
  constructor(json: string) {
    this.json = json;
  }
}

type Scalar = string | number | boolean;
/** A command as it is made here: values as text. */
type Made<C> = C extends unknown
  ? { [K in keyof C]: Exclude<C[K], undefined> extends Scalar ? C[K] : JsonText }
  : never;
export type Command = Made<ScriptCommand>;

/** Each the inside of a JSON array. The last one grows. */
let parts: string[] = [''];
let runnerTexts = '';
let characters = 0;
let count = 0;
let dropped = 0;
/** Where the script was when the first of these was dropped. */
let droppedAt = '';

export function commandText(command: Command | Made<RunnerCommand>): string {
  const fields = command as Record<string, Scalar | JsonText | undefined>;
  const names = keys(fields);
  let text = '';
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value === 'string' && value.length > MAX_NAME) requireLength(name, value);
    text += `${text === '' ? '' : ','}${quote(name)}:${fieldText(value)}`;
  }
  return `{${text}}`;
}

/** Throws a RangeError for a text of that field which is too long. */
export function requireLength(field: string, text: string): void {
  const max = hasOwn(TEXT_LIMITS, field) ? TEXT_LIMITS[field] : undefined;
  if (max !== undefined && text.length > max)
    throw new RangeError(`${field}: a text of ${text.length} characters; at most ${max}`);
}

function fieldText(value: Scalar | JsonText): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object') return value.json;
  return `${value}`;
}

/** Throws a RangeError in the script when it is too large, or the turn has made too many commands. */
export function put(command: Command): void {
  putText(commandText(command), LARGE[command.op]);
}

/** What is large in them, for the author of the script. */
const LARGE: { readonly [op: string]: string | undefined } = {
  __proto__: null as never,
  clientCall: 'a call',
  broadcast: 'a broadcast',
  streamSend: 'what is sent to a stream',
  outConnect: 'a connect',
  ask: 'a request',
};

/** `what`: the command's name for the author of the script. */
export function putText(text: string, what = 'one command'): void {
  requireSize(text, what);
  requireRoom(text);
  add(text);
}

/** The same for what the runner does. */
export function putForRunner(command: Made<RunnerCommand>): void {
  const text = commandText(command);
  requireSize(text, 'one command');
  requireRoom(text);
  count += 1;
  characters += text.length;
  runnerTexts = joined(runnerTexts, text);
}

/** What is too large by itself. A RangeError says how large it is. */
export function requireSize(text: string, what: string): void {
  if (text.length <= MAX_COMMAND_CHARACTERS) return;
  const size = `${megabytes(text.length)} MB as JSON`;
  throw new RangeError(
    `${what} takes ${size}, more than the ${megabytes(MAX_COMMAND_CHARACTERS)} MB of one turn`,
  );
}

function megabytes(characters: number): number {
  return round((characters / (1 << 20)) * 10) / 10;
}

function requireRoom(text: string): void {
  const isFull = count >= MAX_COMMANDS;
  if (!isFull && characters + text.length <= MAX_COMMAND_CHARACTERS) return;
  dropped += 1;
  const limit = isFull ? `${MAX_COMMANDS}` : `${megabytes(MAX_COMMAND_CHARACTERS)} MB`;
  const error = new RangeError(`too many commands in one turn: more than ${limit}`);
  if (dropped === 1) droppedAt = framesOf(error);
  throw error;
}

/** A script may format stacks itself. */
function framesOf(error: Error): string {
  try {
    const { stack } = error as { stack?: unknown };
    return typeof stack === 'string' ? slice(withoutGuestFrames(stack), 0, MAX_STACK) : '';
  } catch {
    return '';
  }
}

/** For what a script may not be allowed to crowd out: short answers, at most one to each question. */
export function putAnswer(command: Command): void {
  add(commandText(command));
}

/** For log lines, which are lost without a word in the script. */
export function putOrDrop(command: Command): void {
  try {
    put(command);
  } catch {
    // counted
  }
}

function add(text: string): void {
  if (parts[parts.length - 1]!.length > PART_CHARACTERS) append(parts, '');
  insert(parts.length - 1, text);
}

function insert(part: number, text: string): void {
  parts[part] = joined(parts[part]!, text);
  characters += text.length;
  count += 1;
}

function joined(before: string, text: string): string {
  if (before === '') return text;
  return text === '' ? before : `${before},${text}`;
}

/** A place between two commands of this turn. */
export interface Position {
  part: number;
  at: number;
}

export function position(): Position {
  const part = parts.length - 1;
  return { part, at: parts[part]!.length };
}

/** An answer that has to come before the commands made since then. */
export function putAnswerAt({ part, at }: Position, command: Command): void {
  const whole = parts[part]!;
  const after = slice(whole, at === 0 ? 0 : at + 1); // behind the comma
  parts[part] = slice(whole, 0, at);
  insert(part, commandText(command));
  parts[part] = joined(parts[part]!, after);
}

export interface TakenCommands {
  /** Insides of JSON arrays; none of them is empty. */
  parts: string[];
  runnerTexts: string;
  dropped: number;
  droppedAt: string;
}

/** Everything since the last time. */
export function takeCommands(): TakenCommands {
  const taken = { parts: parts[0] === '' ? [] : parts, runnerTexts, dropped, droppedAt };
  parts = [''];
  runnerTexts = '';
  characters = 0;
  count = 0;
  dropped = 0;
  droppedAt = '';
  return taken;
}

/** JSON of our own making, never a script's objects. */
export function plainJson(value: Plain): JsonText {
  return new JsonText(plainText(value));
}

type Plain = Json | readonly string[] | { readonly [name: string]: string | undefined };

function plainText(value: Plain): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object' || value === null) return `${value}`;
  let text = '';
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) text += `${i === 0 ? '' : ','}${plainText(value[i]!)}`;
    return `[${text}]`;
  }
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    const member = (value as Record<string, Json | undefined>)[names[i]!];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quote(names[i]!)}:${plainText(member)}`;
  }
  return `{${text}}`;
}
