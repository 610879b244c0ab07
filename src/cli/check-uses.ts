// What a script uses that is not there or not granted, in its own files, where the author wrote it.
import { join, posix } from 'node:path';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { ApplicationConfig } from '../config/application.ts';
import { decodeScript, type ScriptBuild } from '../script/source/build-outcome.ts';
import { findMissingGrants } from './check-grants.ts';
import { findAbsentMembers, type UseFault } from './check-members.ts';
import type { Fault } from './fault.ts';
import { ABSENT_FILES } from './fms-surface.ts';
import { fileOf, loadedBy } from './loads.ts';
import { parseScript } from './syntax.ts';

/** `config` undefined: the settings have mistakes, so nothing can be said about grants. */
export function findUseFaults(
  folder: string,
  build: ScriptBuild,
  config: ApplicationConfig | undefined,
): Fault[] {
  const { sourceMap, mainScript } = build;
  const script = decodeScript(build);
  if (script.kind === 'module') {
    const map = sourceMap === undefined ? undefined : new TraceMap(sourceMap);
    return usesIn(script.code, config).flatMap(({ message, ...at }) => {
      const { source, line, column } = map
        ? originalPositionFor(map, { line: at.line, column: at.column - 1 })
        : {};
      // what packages do is theirs to decide, and much of it for other surroundings
      if (source == null || line == null || /(^|\/)node_modules\//.test(source)) return [];
      return [{ file: join(folder, source), line, column: (column ?? 0) + 1, message }];
    });
  }
  const base = posix.dirname(mainScript);
  const texts = new Map([[mainScript, script.code]]);
  const faults: Fault[] = [];
  // a Map hands out what is added while it is walked
  for (const [file, text] of texts) {
    const inFile = (fault: UseFault): Fault => ({ ...fault, file: join(folder, file) });
    faults.push(...usesIn(text, config).map(inFile));
    for (const { name, path, ...at } of loadedBy(text)) {
      const loaded = fileOf(script.files, path);
      if (loaded !== undefined) texts.set(posix.join(base, loaded), script.files[loaded]!);
      else faults.push(inFile({ ...at, message: missing(name) }));
    }
  }
  return faults;
}

function usesIn(text: string, config: ApplicationConfig | undefined): UseFault[] {
  const syntax = parseScript(text);
  return [...findAbsentMembers(syntax), ...(config ? findMissingGrants(syntax, config) : [])];
}

function missing(name: string): string {
  const known = ABSENT_FILES[name.toLowerCase()];
  if (known !== undefined)
    return `load(${JSON.stringify(name)}): the file came with Flash Media Server: ${known}`;
  return `load(${JSON.stringify(name)}): there is no such file, neither beside the main script nor in ScriptLibPath`;
}
