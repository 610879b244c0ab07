// The runner's own code as one module. Node then starts it in half the time that it takes to find, read and strip many files,
// and the process needs to read no file of ours: what it may read is what the engine needs.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './esbuild.ts';

const ENGINE = 'isolated-vm';

export interface RunnerCode {
  /** An ES module. */
  text: string;
  /** What it has to be able to read, besides what Node itself reads. */
  readable: string[];
}

/** Some 20 ms: once per process. */
export async function bundleRunner(): Promise<RunnerCode> {
  const require = createRequire(import.meta.url);
  const engine = require.resolve(ENGINE);
  const loader = createRequire(engine).resolve('node-gyp-build/package.json');
  const result = await build({
    entryPoints: [entryPoint()],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    tsconfigRaw: '{}',
    plugins: [
      {
        name: 'engine',
        setup({ onResolve }) {
          onResolve({ filter: /^isolated-vm$/ }, () => ({
            path: pathToFileURL(engine).href,
            external: true,
          }));
        },
      },
    ],
  });
  // The loader of the engine's binary looks there for the C library that this machine has.
  const readable = [dirname(engine), dirname(loader), '/etc/alpine-release'];
  return { text: result.outputFiles[0]!.text, readable };
}

/** In the source tree TypeScript, in the published package what it was compiled to. */
function entryPoint(): string {
  const javascript = fileURLToPath(new URL('../runner/main.js', import.meta.url));
  return existsSync(javascript) ? javascript : fileURLToPath(new URL('../runner/main.ts', import.meta.url));
}
