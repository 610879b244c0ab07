// What a debugger needs to show the author's files: the source map in the script itself, with the places of the files.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ScriptBuild } from '../build.ts';
import type { ScriptText } from '../wire.ts';

/** It travels with the script in one frame; a script whose map is larger is debugged as the bundle that it is. */
const MAX_MAP_CHARACTERS = 4 << 20;

/** `folder`: of the application, as the author's editor knows it. Absolute. */
export function withInlineMap({ script, sourceMap }: ScriptBuild, folder: string): ScriptText {
  if (sourceMap === undefined || sourceMap.length > MAX_MAP_CHARACTERS) return script;
  const map = JSON.parse(sourceMap) as { sources: string[] };
  const sources = map.sources.map((source) => pathToFileURL(join(folder, source)).href);
  const text = Buffer.from(JSON.stringify({ ...map, sources })).toString('base64');
  return { ...script, code: `${script.code}\n//# sourceMappingURL=data:application/json;base64,${text}` };
}
