// What this instance may use up, as its application is configured.
import { DEFAULT_LIMITS, type ScriptLimits } from '../../wire/wire.ts';

export let limits: ScriptLimits = DEFAULT_LIMITS;

export function setLimits(given: ScriptLimits): void {
  limits = given;
}
