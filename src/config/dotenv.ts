// .env beside Application.xml: secrets for application.env, one NAME=value a line, as many tools write and read it. Nothing in a
// value is replaced, and no name is a symbol of conf/.
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { readAuthorFileIfThere } from './file.ts';
import { type Mistakes, THROWN } from './mistakes.ts';
import type { Note } from './note.ts';

export const DOTENV_FILE = '.env';
const MAX_BYTES = 64 << 10;
/** Rights that let others than its owner and group read it. */
const OTHERS_READ = 0o004;

// A line holds whatever is not the end of one, U+2028 too: with a `.` that stops there a line could be read for seconds.
const LINE = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/s;
/** In quotes a value keeps its blanks and `#`; what follows them is a comment. */
const QUOTED = /^(["'`])(.*)\1\s*(?:#.*)?$/s;
const COMMENT = /(?:^|\s)#.*$/s;

/** A folder's .env, as read. Undefined: it has none. */
export interface Dotenv {
  readonly text: string;
  /** What errors call it. */
  readonly name: string;
  /** Every user of the machine can read it. */
  readonly isOpen: boolean;
}

/** `folderName` is what errors call the folder. Rejects with a ConfigError. */
export async function readDotenv(folder: string, folderName: string): Promise<Dotenv | undefined> {
  const name = join(folderName, DOTENV_FILE);
  const file = await readAuthorFileIfThere(join(folder, DOTENV_FILE), name, MAX_BYTES);
  if (!file) return undefined;
  const isOpen = (file.stats.mode & OTHERS_READ) !== 0 && process.platform !== 'win32';
  return { text: file.bytes.toString(), name, isOpen };
}

/** Its names and values. */
export function dotenvValues(
  file: Dotenv | undefined,
  notes: Note[],
  mistakes: Mistakes = THROWN,
): Readonly<Record<string, string>> {
  if (!file) return {};
  if (file.isOpen) {
    const text = `${file.name}: every user of this machine can read these secrets: run chmod 600 on the file`;
    notes.push({ level: 'warn', text });
  }
  return parseDotenv(file.text, file.name, mistakes);
}

/** A ConfigError names the line, never its value. */
export function parseDotenv(
  text: string,
  name: string,
  mistakes: Mistakes = THROWN,
): Readonly<Record<string, string>> {
  const values: Record<string, string> = Object.create(null);
  for (const [i, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const variable = mistakes.attempt(
      () => parseLine(line, name, i),
      () => undefined,
    );
    if (variable) values[variable.name] = variable.value;
  }
  return values;
}

function parseLine(line: string, file: string, index: number): { name: string; value: string } {
  const [, name, rest = ''] = LINE.exec(line) ?? [];
  if (name === undefined) throw mistake(file, index, 'expected NAME=value, or a comment that begins with #');
  const quoted = QUOTED.exec(rest);
  if (!quoted && /^["'`]/.test(rest)) throw mistake(file, index, `the value of ${name} has no closing quote`);
  return { name, value: quoted ? quoted[2]! : rest.replace(COMMENT, '').trim() };
}

function mistake(file: string, index: number, what: string): ConfigError {
  return new ConfigError('ERR_CONFIG_SYNTAX', what, { place: { file, line: index + 1 } });
}
