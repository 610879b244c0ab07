// Source maps that files of a script bring along, as packages and compilers write them: behind the last line, or in a file beside it.
// esbuild would open whatever their comments and their `sources` name. What it is given has all its texts in it.
import { posix } from 'node:path';

/** Of a comment's own line. */
const COMMENT = /^[ \t]*\/\/[#@][ \t]*sourceMappingURL=([^\s'"]+)[ \t]*$/gm;
const ANY_COMMENT = /(\/[/*][#@][ \t]*source)MappingURL=/g;
const DATA = /^data:application\/json[^,]*?(;base64)?,/;

/**
 * `text` with its map inside it, or without one. `read`: a map beside the file, by its path from there; undefined: it cannot be read.
 * `folder`: of the file, from the application's folder.
 */
export async function withOwnMap(
  text: string,
  folder: string,
  read: (path: string) => Promise<string | undefined>,
): Promise<string> {
  if (!text.includes('MappingURL=')) return text;
  const url = [...text.matchAll(COMMENT)].at(-1)?.[1];
  // esbuild would follow any that is left; where it stands in a string, the string stays the same
  const plain = text.replace(ANY_COMMENT, '$1\\u004dappingURL=');
  if (url === undefined) return plain;
  const map = sanitized(await textOf(url, read), folder);
  if (map === undefined) return plain;
  const data = Buffer.from(JSON.stringify(map)).toString('base64');
  return `${plain}\n//# sourceMappingURL=data:application/json;base64,${data}`;
}

async function textOf(
  url: string,
  read: (path: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    const [head, isBase64] = DATA.exec(url) ?? [];
    if (head === undefined)
      return /^[a-z][a-z\d+.-]*:|^\//i.test(url) ? undefined : await read(decodeURI(url));
    const body = url.slice(head.length);
    return isBase64 ? Buffer.from(body, 'base64').toString('utf8') : decodeURIComponent(body);
  } catch {
    return undefined; // no URI
  }
}

interface SourceMap {
  version: 3;
  sources: string[];
  sourcesContent: string[];
  names: string[];
  mappings: string;
}

/** Undefined: it is no map. */
function sanitized(text: string | undefined, folder: string): SourceMap | undefined {
  if (text === undefined) return undefined;
  let map: Partial<Record<string, unknown>> | null;
  try {
    map = JSON.parse(text) as typeof map;
  } catch {
    return undefined;
  }
  if (typeof map !== 'object' || map === null || map.version !== 3) return undefined;
  const { sources, sourcesContent, names, mappings, sourceRoot } = map;
  if (typeof mappings !== 'string' || !Array.isArray(sources)) return undefined;
  const contents: unknown[] = Array.isArray(sourcesContent) ? sourcesContent : [];
  const root = typeof sourceRoot === 'string' ? sourceRoot : '';
  return {
    version: 3,
    sources: sources.map((source) => nameOf(textOrNone(source), root, folder)),
    // without a text esbuild reads the file that the source names
    sourcesContent: sources.map((_, i) => textOrNone(contents[i])),
    names: Array.isArray(names) ? names.map(textOrNone) : [],
    mappings,
  };
}

/** Not every value of JSON can be made a text: `{"toString":1}`. */
function textOrNone(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** From the application's folder; places outside keep no more than their last name. */
function nameOf(source: string, root: string, folder: string): string {
  const path = posix.join(folder, root, source);
  const isOutside = /^[a-z][a-z\d+.-]*:/i.test(source) || path.startsWith('/') || path.startsWith('..');
  return isOutside ? posix.basename(source) : path;
}
