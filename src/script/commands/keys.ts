// Ids that each version of a script counts anew ↔ keys that are unique in its instance: the fields of kind `key` in script-table.ts.

import type { ScriptNotice } from '../../application/contract/script.ts';
import type { Field } from '../../application/contract/script-fields.ts';
import {
  type CommandRow,
  fieldsOf,
  INSTANCE_COMMANDS,
  NOTICES,
  type NoticeRow,
} from '../../application/contract/script-table.ts';
import type { ScriptInstanceCommand } from './commands.ts';

/**
 * Responders, connections and streams are numbered by each version of a script anew. What is told of them must tell the
 * versions apart: an answer to the old one's question is none to the new one's.
 */
export const IDS_PER_VERSION = 2 ** 32;

const KEYS_OF_COMMANDS = keysOf(INSTANCE_COMMANDS);
const KEYS_OF_NOTICES = keysOf(NOTICES);

function keysOf(table: Record<string, CommandRow | NoticeRow>): Map<string, readonly string[]> {
  return new Map(
    Object.entries(table).map(([name, row]) => [
      name,
      fieldsOf(row)
        .filter(isKey)
        .map(([key]) => key),
    ]),
  );
}

function isKey([, field]: [string, Field]): boolean {
  return field.is === 'key';
}

/** The command of that version, with keys of the instance. */
export function withKeys(command: ScriptInstanceCommand, version: number): ScriptInstanceCommand {
  const keyed: Record<string, unknown> = command;
  for (const name of KEYS_OF_COMMANDS.get(command.op)!)
    if (keyed[name] !== undefined) keyed[name] = version * IDS_PER_VERSION + (keyed[name] as number);
  return command;
}

/** The version that a key of the instance belongs to, and its id there. */
export function splitKey(key: number): { version: number; id: number } {
  return { version: Math.floor(key / IDS_PER_VERSION), id: key % IDS_PER_VERSION };
}

/** The version that counted what a notice is about, and the notice with ids of that version. Undefined: it is about none in particular. */
export function withIds(notice: ScriptNotice): { version: number; notice: ScriptNotice } | undefined {
  const names = KEYS_OF_NOTICES.get(notice.event)!;
  if (names.length === 0) return undefined;
  const own: Record<string, unknown> = { ...notice };
  let version = 0;
  for (const name of names) {
    const key = splitKey(own[name] as number);
    own[name] = key.id;
    version = key.version;
  }
  return { version, notice: own as ScriptNotice };
}
