// What a debugger needs to show the author's files: the source map in the script itself, with the places of the files.
import { appendToCode, type ScriptBuild } from './build-outcome.ts';

/** The script as its author debugs it; one whose map is too large is debugged as the bundle that it is. */
export function withInlineMap({ script, inlineMap }: ScriptBuild): Buffer {
  return inlineMap === undefined ? script : appendToCode(script, inlineMap);
}
