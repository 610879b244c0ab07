// A publish or play that is refused: what the client is told, and what the logs say.
import type { AccessStatus } from '../../log/access-status.ts';

/** What is wrong. The log has one line for each of these, address and second. */
export type RefusalCause =
  | 'name-missing'
  | 'name-empty'
  | 'name-query-alone'
  | 'name-too-long'
  | 'name-control-character'
  | 'arguments'
  | 'unreadable'
  /** Above a limit. */
  | `too-many-${string}`
  | 'access'
  | 'script'
  | 'taken'
  | 'not-found'
  | 'playlist'
  | 'file';

export interface Refusal {
  cause: RefusalCause;
  /** `NetStream.*` */
  code: string;
  /** For the client. */
  description: string;
  /** For the logs, where the description has the name that the client uses: a script may have given it another. */
  reason?: string;
  status: AccessStatus;
}

/** Neither is asked about nor looked for: it cannot be meant. */
export interface BadRequest {
  cause: RefusalCause;
  description: string;
  /** As far as it can be told. */
  name: string;
  query: string;
}
