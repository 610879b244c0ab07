// The source map of a bundle, as small as the media process needs it: it reads it on the thread of the media when a script fails.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decodedMappings, encodedMappings, TraceMap } from '@jridgewell/trace-mapping';

/** Read in some 20 ms. What a megabyte of code has is less. */
const MAX_MAPPINGS = 1 << 20;
/** Names of files come from maps that files bring along as well: each may stand in every frame of an error. */
const MAX_SOURCES = 20_000;
const MAX_SOURCE_NAME = 1000;
const MAX_SOURCE_NAMES = 1 << 20;
/** It travels with the script in one frame; a script whose map is larger is debugged as the bundle that it is. */
const MAX_INLINE_CHARACTERS = 4 << 20;

export interface BundleMap {
  version: 3;
  sources: string[];
  sourcesContent?: (string | null)[];
  names: string[];
  mappings: string;
}

/** Without the texts. Of a script that is very large, with places of lines alone, and of its first part alone. */
export function stackMap({ version, sources, mappings }: BundleMap): string {
  return JSON.stringify({ version, sources: boundedNames(sources), names: [], mappings: bounded(mappings) });
}

/** What is too much is a file without a name. */
function boundedNames(sources: readonly string[]): string[] {
  let left = MAX_SOURCE_NAMES;
  return sources.slice(0, MAX_SOURCES).map((source) => {
    if (source.length > Math.min(left, MAX_SOURCE_NAME)) return '';
    left -= source.length;
    return source;
  });
}

function bounded(mappings: string): string {
  if (mappings.length <= MAX_MAPPINGS) return mappings;
  const whole = new TraceMap({ version: 3, sources: [], names: [], mappings });
  const lines = decodedMappings(whole).map((segments) => segments.slice(0, 1)) as never;
  const coarse = encodedMappings(new TraceMap({ version: 3, sources: [], names: [], mappings: lines }));
  if (coarse.length <= MAX_MAPPINGS) return coarse;
  return coarse.slice(0, coarse.lastIndexOf(';', MAX_MAPPINGS));
}

/**
 * A comment behind the code, for debuggers: the whole map, with the places of the files. JSON text, as `appendToCode` wants it.
 * `folder`: of the application, as the author's editor knows it.
 */
export function inlineMap(map: BundleMap, folder: string): Buffer | undefined {
  const sources = map.sources.map((source) => pathToFileURL(resolve(folder, source)).href);
  const text = JSON.stringify({ ...map, sources });
  if (text.length > MAX_INLINE_CHARACTERS) return undefined;
  const data = Buffer.from(text).toString('base64');
  return Buffer.from(`\\n//# sourceMappingURL=data:application/json;base64,${data}`);
}
