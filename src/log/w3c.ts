// Lines of the W3C extended log file format: a value, a field; whatever could break a line or a column is shown instead.
import { type LogZone, momentOf } from './time.ts';

export interface W3cFormat {
  /** FMS: Logger.xml, Delimiter; a tab. */
  delimiter: string;
  /** A field with a blank or the delimiter in it stands in quotes. */
  quoteFields: boolean;
  /** Characters that URLs do not have are percent-encoded. */
  escapeFields: boolean;
  /** FMS: Logging/TerminatingCharacters; CR LF. */
  lineEnd: string;
}

export const FMS_FORMAT: W3cFormat = {
  delimiter: '\t',
  quoteFields: false,
  escapeFields: true,
  lineEnd: '\r\n',
};

const EMPTY = '-';
/** Whatever a peer sends, a line has an end. */
const MAX_VALUE = 4096;

/** Control characters, what separates lines in any alphabet, what turns the direction of writing, and halves of characters. */
const NEVER = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** Most values: nothing that any of the rules below would change. */
const PLAIN = /^[\w!$&'()*+,./:;=?@-]*$/;
/** FMS: what EscapeFields encodes. */
const UNSAFE = /[ <>"#%{}|^~[\]`]/g;

export function w3cHeader(
  fields: readonly string[],
  software: string,
  at: Date,
  zone: LogZone,
  format: W3cFormat,
): string {
  const { date, time } = momentOf(at, zone);
  return [
    '#Version: 1.0',
    `#Start-Date: ${date} ${time}`,
    `#Software: ${software}`,
    `#Date: ${date} ${time}`,
    `#Fields: ${fields.join(format.delimiter)}`,
    '',
  ].join(format.lineEnd);
}

/** `cells` as `w3cCell` makes them. */
export function w3cLine(cells: readonly string[], { delimiter, lineEnd }: W3cFormat): string {
  const line = cells.join(delimiter);
  // such a line would be a directive
  return `${line.startsWith('#') ? percent('#') + line.slice(1) : line}${lineEnd}`;
}

/** An undefined or empty value is a dash. */
export function w3cCell(
  value: string | number | undefined,
  { delimiter, quoteFields, escapeFields }: W3cFormat,
): string {
  if (value === undefined || value === '') return EMPTY;
  if (typeof value === 'number') return String(value);
  if (PLAIN.test(value) && value.length <= MAX_VALUE && value !== EMPTY && !value.includes(delimiter))
    return value;
  const text = value.slice(0, MAX_VALUE).toWellFormed();
  if (text === EMPTY) return percent(text);
  const safe = cut((escapeFields ? text.replace(UNSAFE, percent) : text).replace(NEVER, percent));
  if (!quoteFields) return safe.replaceAll(delimiter, percent);
  const needsQuotes = safe.includes(' ') || safe.includes('"') || safe.includes(delimiter);
  return needsQuotes ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One character may have become nine. */
function cut(text: string): string {
  return text.length <= MAX_VALUE
    ? text
    : text
        .slice(0, MAX_VALUE)
        .toWellFormed()
        .replace(/%[0-9A-F]?$/, '');
}

function percent(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
