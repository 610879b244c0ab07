// Commands on their way to the host. Each becomes text when it is made: later changes to a value do not leak into it, and a
// getter that throws spoils its own command only, inside the turn's time limit.
import type { Json, RunnerCommand, ScriptCommand } from '../wire.ts';
import { isArray, keys, quote, slice } from './primordials.ts';

const MAX_COMMANDS = 10_000;
const MAX_CHARACTERS = 2 << 20;

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
export type Command = Made<ScriptCommand | RunnerCommand>;

let texts = '';
let count = 0;
let dropped = 0;

export function commandText(command: Command): string {
  const fields = command as Record<string, Scalar | JsonText | undefined>;
  const names = keys(fields);
  let text = '';
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const value = fields[name];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${quote(name)}:${fieldText(value)}`;
  }
  return `{${text}}`;
}

function fieldText(value: Scalar | JsonText): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object') return value.json;
  return `${value}`;
}

/** Throws a RangeError in the script when the turn has made too many commands. */
export function put(command: Command): void {
  putText(commandText(command));
}

export function putText(text: string): void {
  if (count >= MAX_COMMANDS || texts.length + text.length > MAX_CHARACTERS) {
    dropped += 1;
    throw new RangeError('too many commands in one turn');
  }
  add(text);
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
  texts = texts === '' ? text : `${texts},${text}`;
  count += 1;
}

/** A place between two commands of this turn. */
export function position(): number {
  return texts.length;
}

/** An answer that has to come before the commands made since `at`, a `position` of this turn. */
export function putAnswerAt(at: number, command: Command): void {
  const before = slice(texts, 0, at);
  const after = slice(texts, at);
  texts = before;
  add(commandText(command));
  if (after !== '') texts += before === '' ? `,${after}` : after;
}

/** Everything since the last time: the inside of a JSON array. */
export function takeCommands(): { texts: string; dropped: number } {
  const taken = { texts, dropped };
  texts = '';
  count = 0;
  dropped = 0;
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
