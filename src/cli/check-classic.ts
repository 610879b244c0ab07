// Classic scripts have no types to check; that V8 can parse them, and what they load, is what can be said.
import { posix } from 'node:path';
import { Script } from 'node:vm';
import type { ScriptText } from '../script/wire/wire.ts';
import { fileOf, loadedBy } from './loads.ts';

/** Lines and columns count from 1; `file` is relative to the application's folder. */
export interface SyntaxFault {
  file: string;
  line?: number | undefined;
  column?: number | undefined;
  message: string;
}

export function findSyntaxFaults(script: ScriptText, mainScript: string): SyntaxFault[] {
  const folder = posix.dirname(mainScript);
  const texts = new Map([[mainScript, script.code]]);
  const faults: SyntaxFault[] = [];
  // a Map hands out what is added while it is walked
  for (const [file, text] of texts) {
    const fault = parseFault(text, file);
    if (fault) faults.push(fault);
    for (const { path } of loadedBy(text)) {
      const loaded = fileOf(script.files, path);
      if (loaded !== undefined) texts.set(posix.join(folder, loaded), script.files[loaded]!);
    }
  }
  return faults;
}

/** Compiles without running. The place stands in the head of V8's stack: `file:3`, the line, carets below the spot. */
function parseFault(text: string, file: string): SyntaxFault | undefined {
  try {
    new Script(text, { filename: file });
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return { file, message: 'it is nested too deep to be run' };
    if (!(error instanceof SyntaxError)) throw error;
    const [place = '', , carets = ''] = (error.stack ?? '').split('\n');
    const line = place.startsWith(`${file}:`) ? Number(place.slice(file.length + 1)) : undefined;
    const column = carets.indexOf('^') + 1;
    return {
      file,
      line,
      column: line !== undefined && column > 0 ? column : undefined,
      message: error.message,
    };
  }
}
