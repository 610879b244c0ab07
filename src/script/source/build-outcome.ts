// What becomes of a build, and one version of a script as the media process keeps it: bytes that it passes on as they are.

import type { ScriptText } from '../wire/wire.ts';
import type { BuildFault } from './build-fault.ts';

/** One version of an application's script. */
export interface ScriptBuild {
  application: string;
  /** From the application's folder: `scripts/main.ts`. */
  mainScript: string;
  /** A ScriptText as JSON, its code at the end: `encodeScript`. */
  script: Buffer;
  /** Others that look like it, and do nothing beside it. */
  unused: readonly string[];
  /** Source map v3 of a module's bundle, without the texts of the sources; classic scripts run as they are. */
  sourceMap: string | undefined;
  /** The same with the texts, for debuggers: a comment behind the code, as `withInlineMap` appends it. Undefined: too large. */
  inlineMap?: Buffer | undefined;
  /** It is made of code that applications share as well. */
  usesShared?: boolean;
  /** Same text, same hash. */
  hash: string;
}

export const BuildResult = {
  Built: 'built',
  Broken: 'broken',
  NoScript: 'no script',
  NoFolder: 'no folder',
} as const;
export type BuildOutcome =
  | { result: typeof BuildResult.Built; build: ScriptBuild }
  | {
      result: typeof BuildResult.Broken;
      faults: BuildFault[];
      /** Another look at the same files would take as long: bad news is believed at once. */
      isCostly?: boolean;
    }
  /** The folder is there and holds no main script. */
  | { result: typeof BuildResult.NoScript }
  | { result: typeof BuildResult.NoFolder };

export interface BuildRequest {
  /** Of the application; may be a link. */
  folder: string;
  application: string;
  /** Folders in which classic scripts find what is not in their own. */
  libraries: readonly string[];
}

/** Builds what is there now. Rejects only for a mistake of ours, or when the server closes. */
export type BuildScript = (request: BuildRequest) => Promise<BuildOutcome>;

/** Behind the code in the JSON of a script. */
const END = '"}';

export function encodeScript({ code, ...rest }: ScriptText): Buffer {
  return Buffer.from(JSON.stringify({ ...rest, code }));
}

export function decodeScript({ script }: Pick<ScriptBuild, 'script'>): ScriptText {
  return JSON.parse(script.toString('utf8')) as ScriptText;
}

/** `addition`: JSON text inside quotation marks. The script is not read: it may have megabytes. */
export function appendToCode(script: Buffer, addition: Buffer): Buffer {
  return Buffer.concat([script.subarray(0, -END.length), addition, Buffer.from(END)]);
}
