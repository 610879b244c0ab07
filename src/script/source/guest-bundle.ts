// The guest library as one classic script. Its value is the object with load, deliver and drain, which only the host keeps.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HANDLERS, textLimits } from '../../application/contract/script-table.ts';
import { build } from './esbuild.ts';

/** Some 20 ms: once per process. */
export async function bundleGuest(): Promise<string> {
  const result = await build({
    entryPoints: [entryPoint()],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'library',
    target: 'es2023',
    platform: 'neutral',
    // every isolate keeps the text: in ASCII it takes half
    charset: 'ascii',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    // What follows from the table, worked out once and not in every isolate.
    define: { TEXT_LIMITS: JSON.stringify(textLimits()), HANDLER_NAMES: JSON.stringify(HANDLERS) },
    logLevel: 'silent',
    tsconfigRaw: '{}',
  });
  // Inside a function `library` is a local name, and none of it becomes a global of the script. Strict, or a script's function
  // could ask for its caller.
  return `(() => {\n'use strict';\n${result.outputFiles[0]!.text}\nreturn library.guest;\n})()`;
}

/** In the source tree TypeScript; in the published package whichever the build has left there: esbuild reads both. */
function entryPoint(): string {
  const javascript = fileURLToPath(new URL('../guest/main.js', import.meta.url));
  return existsSync(javascript) ? javascript : fileURLToPath(new URL('../guest/main.ts', import.meta.url));
}
