// What comes back from a script, checked field by field by the rows of script-table.ts: an isolate's answer is hostile input. What
// is returned here can be acted upon as it is; everything else is a DecodeError and has no effect.
import type { AmfValues, InstanceCommand } from '../../application/contract/script.ts';
import type { MessageOf, Shape, TypeOf } from '../../application/contract/script-fields.ts';
import { MAX_NAME } from '../../application/contract/script-limits.ts';
import {
  COMMANDS,
  type HOST_COMMANDS,
  type HOST_ONLY_COMMANDS,
  INSTANCE_COMMANDS,
  type SAVED_STATE,
} from '../../application/contract/script-table.ts';
import { DecodeError } from '../../errors.ts';
import { Fields, malformed, type Reader, readerOf } from './field-reader.ts';

export type HostCommand = MessageOf<typeof HOST_COMMANDS, 'op', AmfValues>;
/** Of those for the instance, what a script may send. */
export type ScriptInstanceCommand = Exclude<InstanceCommand, { op: keyof typeof HOST_ONLY_COMMANDS }>;
export type Command = HostCommand | ScriptInstanceCommand;

/** What an old version gives to the new one. Opaque here: it only travels on. */
export type SavedState = TypeOf<typeof SAVED_STATE, AmfValues>;
export type ReportedError = Omit<HostCommand & { op: 'error' }, 'op'>;

const READERS = new Map<string, Reader>(
  Object.entries(COMMANDS as Record<string, Shape>).map(([op, row]) => [op, readerOf(row)]),
);

/** The commands of one frame in their order; each entry that is none becomes a DecodeError in its place. */
export function* parseCommands(body: string): Generator<Command | DecodeError, void, void> {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch (error) {
    yield new DecodeError('ERR_SCRIPT_COMMAND', 'commands that are no JSON', { cause: error });
    return;
  }
  if (!Array.isArray(list)) {
    yield malformed('commands that are no list');
    return;
  }
  for (const entry of list) yield commandOrError(entry);
}

function commandOrError(entry: unknown): Command | DecodeError {
  try {
    return parseCommand(entry);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

export function parseCommand(raw: unknown): Command {
  const fields = new Fields(raw, 'command');
  const op = fields.text('op', MAX_NAME);
  const read = READERS.get(op);
  if (!read) throw malformed(`unknown command ${JSON.stringify(op.slice(0, 40))}`);
  const command = { op };
  read(fields, command);
  return command as Command;
}

/** The others are for the script host. */
export function isForInstance(command: Command): command is ScriptInstanceCommand {
  return Object.hasOwn(INSTANCE_COMMANDS, command.op);
}
