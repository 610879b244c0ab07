import { FileError } from '../errors.ts';

/** Lines end as on every system; a byte order mark is no part of the first. A FileError: there are more than `maxLines`. */
export function linesOf(text: string, maxLines: number): string[] {
  let lines = 1;
  for (const _ of text.matchAll(/\r\n|\n|\r/g)) {
    lines += 1;
    if (lines > maxLines + 1) throw new FileError('ERR_FILE_SIZE', `more than ${maxLines} lines`);
  }
  return text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
}
