// conf/fms.ini: `NAME = value` lines, each read by the ini package. Line by line, since errors name theirs; and with FMS's
// grammar where it differs: no sections, `;` separates lists and begins no comment, `#` does so only where a line begins,
// a backslash is part of a path.
import { parse } from 'ini';
import { ConfigError } from '../errors.ts';
import { type Mistakes, THROWN } from './mistakes.ts';

export interface IniEntry {
  value: string;
  /** From 1. */
  line: number;
}

/**
 * Name → its last definition. `#` begins a comment where a line begins; the name is everything before the first `=`; the
 * value is everything after it, trimmed; double quotes around it keep blanks at its ends.
 */
export function parseIni(text: string, file: string, mistakes: Mistakes = THROWN): Map<string, IniEntry> {
  const entries = new Map<string, IniEntry>();
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0)).trim();
    mistakes.attempt(
      () => {
        if (name === '') {
          const what = `${JSON.stringify(line)}: expected NAME = value`;
          throw new ConfigError('ERR_CONFIG_SYNTAX', what, { place: { file, line: index + 1 } });
        }
        entries.set(name, { value: readValue(line.slice(equals + 1).trim()), line: index + 1 });
      },
      () => {},
    );
  }
  return entries;
}

/** What the package does for us is the quotes; the text of `true`, `false` and `null` is wanted, not their meaning. */
function readValue(text: string): string {
  if (!text.startsWith('"')) return text;
  const { value } = parse(`value = ${text.replace(/[\\;#]/g, '\\$&')}`);
  return String(value);
}
