// conf/fms.ini: `NAME = value` lines. FMS's own grammar and not that of INI libraries, which know sections, cut values at
// `;` (a separator of lists here) and at `#`, turn `true` and `null` into something else, and lose the line numbers.
import { ConfigError } from '../errors.ts';

export interface IniEntry {
  value: string;
  /** From 1. */
  line: number;
}

/**
 * Name → its last definition. `#` begins a comment where a line begins; the name is everything before the first `=`; the
 * value is everything after it, trimmed; double quotes around it keep blanks at its ends.
 */
export function parseIni(text: string, file: string): Map<string, IniEntry> {
  const entries = new Map<string, IniEntry>();
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0)).trim();
    if (name === '') {
      throw new ConfigError(
        'ERR_CONFIG_SYNTAX',
        `${file}:${index + 1}: ${JSON.stringify(line)}: expected NAME = value`,
      );
    }
    entries.set(name, { value: unquote(line.slice(equals + 1).trim()), line: index + 1 });
  }
  return entries;
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
