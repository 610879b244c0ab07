// Who has to log in to an application before it may publish there, or come in at all.
import type { AuthMode, PublisherSecret } from '../../protocol/rtmp/publisher-auth.ts';

export interface LoginPolicy {
  mode: AuthMode;
  /** `publishers`: whoever has not logged in may come in and play, and has no writeAccess. */
  of: 'publishers' | 'everybody';
  /** How the names of the programs begin that are asked to log in, because they have come to publish. */
  agents: readonly string[];
  /** What a login is for: one made here is worth nothing elsewhere. */
  scope: string;
  /** What the operator has written down of that user; `found` is called exactly once and does not throw. Nothing: the script is asked. */
  secretsOf(user: string, found: (secrets: readonly PublisherSecret[]) => void): void;
}
