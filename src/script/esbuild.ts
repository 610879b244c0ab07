// esbuild runs as a process of its own: worth its memory while scripts are being edited, and not afterwards.
import * as esbuild from 'esbuild';

/** The next build starts it anew, some 30 ms. */
const IDLE_MS = 30_000;

let buildsUnderWay = 0;
let isOutdated = false;
let idle: NodeJS.Timeout | undefined;

export async function build<Options extends esbuild.BuildOptions>(
  options: esbuild.SameShape<esbuild.BuildOptions, Options>,
): Promise<esbuild.BuildResult<Options>> {
  clearTimeout(idle);
  buildsUnderWay += 1;
  try {
    return await esbuild.build(options);
  } finally {
    buildsUnderWay -= 1;
    if (buildsUnderWay === 0) {
      idle = setTimeout(() => void esbuild.stop(), isOutdated ? 0 : IDLE_MS).unref();
      isOutdated = false;
    }
  }
}

/** The process has become another user: so shall the next one be that builds. */
export function renewBuilder(): void {
  if (buildsUnderWay > 0) isOutdated = true;
  else void esbuild.stop();
}
