// esbuild runs as a process of its own: worth its memory while scripts are being edited, and not afterwards.
import * as esbuild from 'esbuild';

/** The next build starts it anew, some 30 ms. */
const IDLE_MS = 30_000;

let buildsUnderWay = 0;
let idle: NodeJS.Timeout | undefined;

export function build<Options extends esbuild.BuildOptions>(
  options: esbuild.SameShape<esbuild.BuildOptions, Options>,
): Promise<esbuild.BuildResult<Options>> {
  return inProcess(() => esbuild.build(options));
}

/** One file by itself. */
export function transform(text: string, options: esbuild.TransformOptions): Promise<esbuild.TransformResult> {
  return inProcess(() => esbuild.transform(text, options));
}

/** True: the author's code is at fault, not esbuild. */
export function isBuildFailure(error: unknown): error is esbuild.BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

async function inProcess<Result>(call: () => Promise<Result>): Promise<Result> {
  clearTimeout(idle);
  buildsUnderWay += 1;
  try {
    return await call();
  } catch (error) {
    // its process has ended, and esbuild would never start another
    if (!isBuildFailure(error)) void esbuild.stop();
    throw error;
  } finally {
    buildsUnderWay -= 1;
    if (buildsUnderWay === 0) {
      idle = setTimeout(() => void esbuild.stop(), IDLE_MS).unref();
    }
  }
}

/** Whoever has built all that there is to build need not keep its memory. */
export function stopEsbuild(): void {
  clearTimeout(idle);
  if (buildsUnderWay === 0) void esbuild.stop();
}
