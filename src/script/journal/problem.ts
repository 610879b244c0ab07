// What keeps a script from running as it was saved.
import type { ApplicationProblem } from '../../application/accounts/application-problem.ts';
import type { ErrorRecord } from '../../application/accounts/error-records.ts';
import type { BuildFault } from '../source/build-fault.ts';
import type { StrikeBook } from './strikes.ts';

export interface ScriptFacts {
  readonly strikes: Pick<StrikeBook, 'quarantine' | 'struck'> | undefined;
  /** Of the newest version; empty: it bundles. */
  readonly faults: readonly BuildFault[];
  /** The newest version could not be started. */
  readonly isRefused: boolean;
  /** A version of it serves, or would. */
  readonly hasServed: boolean;
  /** The oldest first. */
  readonly errors: readonly ErrorRecord[];
}

/** The worst of them. */
export function scriptProblem({
  strikes,
  faults: [fault],
  isRefused,
  hasServed,
  errors,
}: ScriptFacts): ApplicationProblem | undefined {
  if (strikes?.quarantine !== undefined) {
    return { state: 'quarantined', reason: strikes.quarantine, ...placeOf(lastOf(errors, 'crash')) };
  }
  const state = hasServed ? 'outdated' : 'broken';
  if (fault) return { state, reason: fault.message, ...placeOf(fault) };
  const [struck] = strikes?.struck ?? [];
  if (struck) {
    const place = placeOf(lastOf(errors, 'crash'));
    return { state: 'quarantined', reason: struck.why, ...place, instance: struck.instance };
  }
  if (!isRefused) return undefined;
  const cause = lastOf(errors, 'load');
  return { state, reason: cause?.message ?? 'its script could not be started', ...placeOf(cause) };
}

function lastOf(errors: readonly ErrorRecord[], kind: ErrorRecord['kind']): ErrorRecord | undefined {
  return errors.findLast((record) => record.kind === kind);
}

function placeOf(place: Pick<BuildFault, 'file' | 'line' | 'column'> | undefined) {
  return { file: place?.file, line: place?.line, column: place?.column };
}
