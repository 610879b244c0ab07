// Scripts built in the process of the test.
import { buildScript } from '../../../src/script/source/build.ts';
import type { BuildOutcome } from '../../../src/script/source/build-outcome.ts';

/** As by default. */
export const BUILD_LIMITS = { maxFileBytes: 8 << 20, maxBundleBytes: 4 << 20 };

export function buildIn(
  folder: string,
  application: string,
  libraries: readonly string[] = [],
  limits = BUILD_LIMITS,
): Promise<BuildOutcome> {
  return buildScript({ folder, application, libraries }, limits);
}
