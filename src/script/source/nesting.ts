// Brackets inside brackets. Parsers recurse: a million of them takes a gigabyte in esbuild, and V8 has no stack for a hundredth.
import type { BuildFault } from './build-fault.ts';

/** V8 parses some thousands. Code that people write has dozens, code that programs write hundreds. */
export const MAX_NESTING = 2000;

type Place = Pick<BuildFault, 'line' | 'column' | 'message'>;

/**
 * Where brackets are nested deeper; those in comments and strings do not count. Regular expressions and templates are read as
 * code: what is misread is few brackets, and the memory of a build is bounded besides.
 */
export function findDeepNesting(text: string): Place | undefined {
  // counted fast and roughly: most files have to be looked at no closer
  if (findDeep(text, () => undefined) === undefined) return undefined;
  const index = findDeep(text, endOfText);
  return index === undefined ? undefined : placeAt(text, index);
}

/** `skip`: where what begins at an index and is no code ends. */
function findDeep(
  text: string,
  skip: (text: string, index: number) => number | undefined,
): number | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    switch (text.charCodeAt(i)) {
      case 0x28: // (
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > MAX_NESTING) return i;
        break;
      case 0x29:
      case 0x5d:
      case 0x7d:
        if (depth > 0) depth -= 1;
        break;
      case 0x22: // "
      case 0x27: // '
      case 0x2f: // /
        i = (skip(text, i) ?? i + 1) - 1;
        break;
      default:
    }
  }
  return undefined;
}

/** Of a comment or a string. A line's end ends a string as well: an odd quotation mark in a regular expression hides no more. */
function endOfText(text: string, start: number): number | undefined {
  const mark = text[start];
  if (mark === '/') {
    const end = text[start + 1] === '/' ? '\n' : text[start + 1] === '*' ? '*/' : undefined;
    if (end === undefined) return undefined;
    const at = text.indexOf(end, start + 2);
    return at < 0 ? text.length : at + end.length;
  }
  for (let i = start + 1; i < text.length; i += 1) {
    const character = text[i];
    if (character === mark || character === '\n') return i + 1;
    if (character === '\\') i += 1;
  }
  return text.length;
}

function placeAt(text: string, index: number): Place {
  const before = text.slice(0, index);
  return {
    line: before.split('\n').length,
    column: index - before.lastIndexOf('\n'),
    message: `more than ${MAX_NESTING} brackets are nested here`,
  };
}
