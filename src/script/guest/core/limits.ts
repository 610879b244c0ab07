// What this instance may use up, as its application is configured.
import type { RunLimits } from '../../wire/wire.ts';

/** Set before any script runs. */
export let limits: RunLimits;

export function setLimits(given: RunLimits): void {
  limits = given;
}
